/* Open loops and `until`: what is read from a file, how many starts that makes, which events count.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/until.h"
#include "tests/lib/history_builder.h"
#include "tests/lib/scenario_text.h"

#define HEAD                                                                                       \
    "{'version':1,'title':'t','registries':{'primary':{},'failover':{}},"                          \
    "'images':{'agent':{'ref':'ci/agent:stable','layers':['1KiB']}},"                              \
    "'subjects':{'machine':{'command':['x'],'every':'100ms','max-in-flight':8,"                    \
    "'variants':{'slow':{'every':'1s'}}},'builder':{'command':['y'],'every':'250ms'},"             \
    "'closed':{'command':['z']}},"                                                                 \
    "'faults':{'down':{'on':'primary','kind':'status','code':500},"                                \
    "'deep':{'on':'failover','kind':'status','code':500}},"
#define PHASES                                                                                     \
    "'phases':[{'name':'steady','starts':3},{'name':'timed','for':'1s'},"                          \
    "{'name':'short','for':'999ms','end':'ended'},"                                                \
    "{'name':'outage','faults':['down','deep'],'until':%s}],'expect':[]}"

/* The scenario with UNTIL in its last phase. */
static char *text_with(const char *until)
{
    struct buf out;
    buf_init(&out, 1u << 16);
    buf_printf(&out, HEAD PHASES, until);
    return buf_take(&out);
}

static struct scenario *parsed(const char *until, const char *variant)
{
    struct scenario_options options = {.subject = variant ? "machine" : NULL, .variant = variant};
    struct err e = {0};
    char *text = text_with(until);
    struct scenario *s = scenario_quoted(text, &options, &e);
    cr_assert_not_null(s, "%s", e.text);
    free(text);
    return s;
}

/* An open loop has its own bound on lanes; where none is given it is the most there may be. */
Test(until, open_loops_are_read)
{
    struct scenario *s = parsed("{'event':'request','at-most':'10s'}", NULL);
    cr_expect_eq(s->subjects[0].every_ns, CLOCK_NS_PER_S / 10);
    cr_expect_eq(s->subjects[0].max_in_flight, 8);
    cr_expect_eq(s->subjects[1].every_ns, CLOCK_NS_PER_S / 4);
    cr_expect_eq(s->subjects[1].max_in_flight, SCENARIO_MAX_CONCURRENCY);
    cr_expect_eq(s->subjects[2].every_ns, 0);
    cr_expect_eq(s->subjects[2].concurrency, 1);
    scenario_free(s);
    s = parsed("{'event':'request','at-most':'10s'}", "slow");
    cr_expect_eq(s->subjects[0].every_ns, CLOCK_NS_PER_S);
    cr_expect_eq(s->subjects[0].max_in_flight, 8);
    scenario_free(s);
}

/* `until` narrows by what is given and by nothing else; its phase ends in the middle of its starts,
 * as a timed one does. */
Test(until, events_are_read)
{
    struct scenario *s = parsed("{'event':'fault-decided','count':20,'at-most':'10s',"
                                "'registry':'failover','fault':'deep','subject':'closed'}",
                                NULL);
    const struct scenario_phase *p = &s->phases[3];
    cr_expect(p->by == BY_EVENT && p->end == END_BEGUN);
    cr_expect(p->until.event == EVENT_FAULT_DECIDED && p->until.count == 20);
    cr_expect_eq(p->until.at_most_ns, 10 * CLOCK_NS_PER_S);
    cr_expect(p->until.registry == 1 && p->until.fault == 1 && p->until.subject == 2);
    cr_expect_eq(p->until.outcome, OUTCOME_NONE);
    scenario_free(s);
    s = parsed("{'event':'start-end','outcome':'hung','at-most':'1s'}", NULL);
    p = &s->phases[3];
    cr_expect(p->until.event == EVENT_START_END && p->until.count == 1);
    cr_expect_eq(p->until.outcome, OUTCOME_HUNG);
    cr_expect(p->until.registry == -1 && p->until.fault == -1 && p->until.subject == -1);
    scenario_free(s);
}

/* How many starts a phase can have: those planned, or one at once and one each time `every` is up
 * before the end; of a closed loop only time can tell. */
Test(until, most_starts)
{
    struct scenario *s = parsed("{'event':'request','at-most':'2s'}", NULL);
    static const uint64_t wanted[4][2] = {{3, 3}, {10, 4}, {10, 4}, {20, 8}};
    for (size_t phase = 0; phase < 4; phase++) {
        uint64_t most = 0;
        for (size_t subject = 0; subject < 2; subject++) {
            cr_expect(scenario_most_starts(s, phase, subject, &most));
            cr_expect_eq(most, wanted[phase][subject], "%zu of %zu: %d", phase, subject, (int)most);
        }
        cr_expect_eq(scenario_most_starts(s, phase, 2, &most), phase == 0);
    }
    scenario_free(s);
}

/* The harness is too slow where a start begins later than the next one is due, or than a second. */
Test(until, how_late_is_too_late)
{
    char *text = text_with("{'event':'request','at-most':'10s'}");
    struct hb *b = hb_new(text);
    cr_expect_eq(plan_late_most_ns(b->plan, 0), CLOCK_NS_PER_S);
    b->plan->scenario->subjects[1].every_ns = 3 * CLOCK_NS_PER_S / 2;
    cr_expect_eq(plan_late_most_ns(b->plan, 1), 3 * CLOCK_NS_PER_S / 2);
    cr_expect_eq(plan_late_most_ns(b->plan, 2), CLOCK_NS_PER_S);
    hb_free(b);
    free(text);
}

/* ---- which events count -------------------------------------------------------------------- */

struct counter {
    struct hb *b;
    struct scenario_until until;
    unsigned seen;
};

static void count(void *data, const struct event *ev)
{
    struct counter *c = data;
    c->seen += until_counts(&c->until, c->b->plan, c->b->pulls, ev);
}

/* A drill with two subjects: one start that meets a fault, one that works, one control start, and a
 * probe of the harness's own lane. How many of its events count. */
static unsigned seen_of(struct scenario_until until)
{
    struct counter c = {.until = until};
    char *text = text_with("{'event':'request','at-most':'10s'}");
    c.b = hb_new(text);
    hb_pulls(c.b);
    hb_add_sink(c.b, count, &c);
    hb_phase_begin(c.b, "outage");
    hb_begin(c.b, "machine", 1);
    uint64_t asked = hb_ask(c.b, 1, "primary", OP_MANIFEST_GET, "stable");
    hb_decided(c.b, "deep", "primary", 1, false);
    hb_decided(c.b, "down", "primary", 1, true);
    hb_answer_fault(c.b, asked, 500, "down");
    hb_end(c.b, 1, 1);
    hb_good_start(c.b, "builder", 2, "failover");
    hb_phase_end(c.b, "until");
    hb_begin_control(c.b, "machine", 1);
    hb_end(c.b, 1, 1);
    struct event own = {.type = EVENT_REQUEST};
    own.request.registry = "primary";
    own.request.op = OP_PING;
    hb_append(c.b, &own);
    hb_free(c.b);
    free(text);
    return c.seen;
}
#define ANY .registry = -1, .subject = -1, .fault = -1
#define UNTIL(...) ((struct scenario_until){__VA_ARGS__})

/* Faults count where they fired; each narrowing takes its share, that of a subject by its start. */
Test(until, counts_what_fits)
{
    cr_expect_eq(seen_of(UNTIL(.event = EVENT_FAULT_DECIDED, ANY)), 1);
    cr_expect_eq(
        seen_of(UNTIL(.event = EVENT_FAULT_DECIDED, .registry = -1, .subject = -1, .fault = 0)), 1);
    cr_expect_eq(
        seen_of(UNTIL(.event = EVENT_FAULT_DECIDED, .registry = -1, .subject = -1, .fault = 1)), 0);
    cr_expect_eq(
        seen_of(UNTIL(.event = EVENT_FAULT_DECIDED, .registry = 1, .subject = -1, .fault = -1)), 0);
    cr_expect_eq(
        seen_of(UNTIL(.event = EVENT_FAULT_DECIDED, .registry = -1, .subject = 1, .fault = -1)), 0);
    cr_expect_eq(seen_of(UNTIL(.event = EVENT_RESPONSE, .registry = -1, .subject = -1, .fault = 0)),
                 1);
    cr_expect_gt(seen_of(UNTIL(.event = EVENT_RESPONSE, ANY)), 1);
}

/* Neither the control start nor the harness's own requests count. */
Test(until, leaves_out_what_is_the_harness_s_own)
{
    cr_expect_eq(seen_of(UNTIL(.event = EVENT_START_BEGIN, ANY)), 2);
    cr_expect_eq(seen_of(UNTIL(.event = EVENT_START_END, ANY)), 2);
    cr_expect_eq(seen_of(UNTIL(.event = EVENT_REQUEST, .registry = 0, .subject = -1, .fault = -1)),
                 1);
    cr_expect_eq(
        seen_of(UNTIL(.event = EVENT_CONNECTION_OPEN, .registry = 1, .subject = 1, .fault = -1)),
        1);
    cr_expect_eq(
        seen_of(UNTIL(.event = EVENT_CONNECTION_CLOSE, .registry = 1, .subject = 0, .fault = -1)),
        0);
}

/* An outcome is that of the start which has just ended. */
Test(until, counts_outcomes)
{
    cr_expect_eq(seen_of(UNTIL(.event = EVENT_START_END, ANY, .outcome = OUTCOME_HUNG)), 0);
    unsigned worked = seen_of(UNTIL(.event = EVENT_START_END, ANY, .outcome = OUTCOME_WORKED));
    unsigned failed = seen_of(UNTIL(.event = EVENT_START_END, ANY, .outcome = OUTCOME_FAILED));
    cr_expect_eq(worked, 1);
    cr_expect_eq(failed, 1);
}

/* Every word is an event, and each can be narrowed by its subject at least. */
Test(until, words_and_types_agree)
{
    size_t i = 0;
    for (; until_event_word(i); i++) {
        cr_expect_str_eq(until_event_word(i), event_type_name(until_event_type(i)));
        cr_expect(until_event_narrows(i) & UNTIL_SUBJECT);
    }
    cr_expect_eq(i, 7);
}
