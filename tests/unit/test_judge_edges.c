/* The judge at its edges: checks that give no result or too many events, drills in which nothing is
 * wrong but their end. The catalogue is one of doubles, as in test_judge.c. */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/check.h"
#include "tests/lib/history_builder.h"

/* ---- doubles ------------------------------------------------------------------------------- */

enum answer { ANSWER_PASS, ANSWER_NOTHING, ANSWER_MANY_EVENTS };
static enum answer answer;

static void double_finish(struct check *c)
{
    uint64_t events[71] = {0};
    for (uint64_t i = 0; i < 70; i++) {
        events[i] = i + 1;
    }
    if (answer == ANSWER_MANY_EVENTS) {
        check_reason(c, events, "seventy events");
    }
    if (answer != ANSWER_NOTHING) {
        check_result(c, VERDICT_PASS, "said so");
    }
}

static const struct check_info baseline = {
    .name = "baseline", .always = true, .meaning = "its meaning", .finish = double_finish};
const struct check_info *const check_catalogue[] = {&baseline};
const size_t check_catalogue_count = 1;

const struct check_info *check_find(const char *name)
{
    return strcmp(name, baseline.name) == 0 ? &baseline : NULL;
}

/* ---- building ------------------------------------------------------------------------------ */

#define SCENARIO                                                                                   \
    "{'version':1,'title':'t','registries':{'primary':{}},"                                        \
    "'images':{'agent':{'ref':'ci/agent:stable','layers':['64KiB']}},"                             \
    "'subjects':{'build-start':{'command':['x']}},"                                                \
    "'faults':{'errors':{'on':'primary','kind':'status','code':500,'min-fired':2}},"               \
    "'phases':[{'name':'steady','starts':1},{'name':'outage','starts':2,'faults':['errors']}]}"

/* A drill that ends for REASON, judged. */
static struct verdict *judged(enum answer what, const char *reason, const char *detail)
{
    struct hb *b = hb_new(SCENARIO);
    answer = what;
    hb_judge(b);
    hb_drill_begin(b);
    hb_drill_end(b, reason, detail);
    struct verdict *v = hb_finish(b);
    hb_free(b);
    return v;
}

/* ---- tests --------------------------------------------------------------------------------- */

/* A check that gives no result is inconclusive, and so is the drill. */
Test(judge_edges, no_result)
{
    struct verdict *v = judged(ANSWER_NOTHING, "completed", NULL);
    cr_expect_eq(v->verdict, VERDICT_INCONCLUSIVE);
    cr_expect_eq(v->checks[0].verdict, VERDICT_INCONCLUSIVE);
    cr_expect_str_eq(v->checks[0].actual, "the check gave no result");
    cr_expect_str_eq(v->checks[0].expected, "its meaning");
    verdict_free(v);
}

/* A drill that was stopped as lost is never a pass, even where every check that is judged is. */
Test(judge_edges, stopped_is_no_pass)
{
    struct verdict *v = judged(ANSWER_PASS, "lost", NULL);
    cr_expect_eq(v->checks[0].verdict, VERDICT_PASS);
    cr_expect_eq(v->verdict, VERDICT_INCONCLUSIVE);
    verdict_free(v);
}

/* A check that is not judged, because the drill was interrupted, is no pass either. */
Test(judge_edges, not_judged_is_no_pass)
{
    struct verdict *v = judged(ANSWER_PASS, "interrupted", "SIGINT");
    cr_expect_not(v->checks[0].judged);
    cr_expect_eq(v->checks[0].verdict, VERDICT_INCONCLUSIVE);
    verdict_free(v);
}

/* A reason cites so many events and no more. */
Test(judge_edges, many_events)
{
    struct verdict *v = judged(ANSWER_MANY_EVENTS, "completed", NULL);
    cr_assert_eq(v->checks[0].reason_count, 1);
    cr_expect_eq(v->checks[0].reasons[0].event_count, 64);
    cr_expect_eq(v->checks[0].reasons[0].events[63], 64);
    verdict_free(v);
}

/* What came one a line is told on one, without its empty lines. */
Test(judge_edges, why_on_one_line)
{
    struct verdict *v = judged(ANSWER_PASS, "limit", "lane 1 waits\n\nlane 2 waits\n");
    cr_expect_str_eq(v->why, "lane 1 waits; lane 2 waits");
    verdict_free(v);
}

/* A sick baseline without a reason is told by what the check says. */
Test(judge_edges, sick_without_a_reason)
{
    struct verdict *v = judged(ANSWER_PASS, "sick-baseline", NULL);
    cr_expect_eq(v->verdict, VERDICT_INCONCLUSIVE);
    cr_expect_str_eq(v->why, "the baseline was sick: said so");
    verdict_free(v);
}

/* A fault is exposed once it has fired as often as it must, not before. */
Test(judge_edges, exposed)
{
    struct hb *b = hb_new(SCENARIO);
    answer = ANSWER_PASS;
    hb_judge(b);
    hb_drill_begin(b);
    hb_phase_begin(b, "outage");
    hb_armed(b, "errors");
    for (int fired = 1; fired <= 2; fired++) {
        hb_fallen_start(b, "build-start", 1, "primary", 500, "errors", NULL);
        cr_expect_eq(judge_exposed(b->judge), fired == 2, "fired %d times", fired);
    }
    verdict_free(hb_finish(b));
    hb_free(b);
}
