/* What the verdict holds of each phase beside outcomes: times of starts and of falling back,
 * attempts by registry, the loop's lag. */
#include <criterion/criterion.h>

#include "tests/lib/history_builder.h"

#define MS UINT64_C(1000000)

#define SCENARIO                                                                                   \
    "{'version':1,'title':'t','registries':{'primary':{},'failover':{}},"                          \
    "'images':{'agent':{'ref':'ci/agent:stable','on':['primary','failover'],'layers':['64KiB']}}," \
    "'subjects':{'build-start':{'command':['x'],'concurrency':4}},"                                \
    "'faults':{'errors':{'on':'primary','kind':'status','code':500}},"                             \
    "'phases':[{'name':'steady','starts':3},{'name':'outage','starts':3,'faults':['errors']}]}"

static struct hb *begin_drill(void)
{
    struct hb *b = hb_new(SCENARIO);
    hb_judge(b);
    hb_drill_begin(b);
    hb_phase_begin(b, "steady");
    return b;
}

static struct verdict *finish_drill(struct hb *b)
{
    hb_drill_end(b, "completed", NULL);
    return hb_finish(b);
}

static void close_drill(struct hb *b, struct verdict *v)
{
    verdict_free(v);
    hb_free(b);
}

/* A start that pulls whole from the primary, whose command takes TOOK_NS. */
static void timed_start(struct hb *b, int exit, uint64_t took_ns)
{
    b->step_ns = 1000;
    hb_begin(b, "build-start", 1);
    uint64_t from = b->t_ns;
    hb_pull(b, 1, "primary", 0);
    b->t_ns = from + took_ns;
    hb_end_with(b, 1, (struct event_start_end){.exit = exit});
}

/* Percentiles are nearest ranks over the starts that worked, in their own phase. */
Test(judge_times, starts_that_worked)
{
    struct hb *b = begin_drill();
    for (uint64_t i = 1; i <= 20; i++) {
        timed_start(b, 0, (21 - i) * MS);
    }
    timed_start(b, 1, 5000 * MS);
    hb_phase_end(b, "starts");
    hb_phase_begin(b, "outage");
    timed_start(b, 0, 700 * MS);
    hb_phase_end(b, "starts");
    struct verdict *v = finish_drill(b);
    const struct verdict_times *t = &v->phases[0].start_times;
    cr_expect_eq(t->count, 20);
    cr_expect_eq(t->p50_ns, 10 * MS);
    cr_expect_eq(t->p95_ns, 19 * MS);
    cr_expect_eq(t->p99_ns, 20 * MS);
    cr_expect_eq(t->max_ns, 20 * MS);
    cr_expect_eq(t->sum_ns, 210 * MS);
    cr_expect_eq(v->phases[1].start_times.count, 1);
    cr_expect_eq(v->phases[1].start_times.p50_ns, 700 * MS);
    cr_expect_eq(v->phases[0].fall_back.count, 0);
    close_drill(b, v);
}

/* From the first contact with the primary to the first useful byte from the failover, of those that
 * fell back; one that gives up has no such time. */
Test(judge_times, falling_back)
{
    struct hb *b = begin_drill();
    hb_good_start(b, "build-start", 1, "primary");
    hb_phase_end(b, "starts");
    hb_phase_begin(b, "outage");
    hb_armed(b, "errors");
    hb_fallen_start(b, "build-start", 1, "primary", 500, "errors", "failover");
    hb_fallen_start(b, "build-start", 1, "primary", 500, "errors", NULL);
    b->step_ns = 50 * MS;
    hb_fallen_start(b, "build-start", 1, "primary", 500, "errors", "failover");
    hb_healed(b, "errors");
    hb_phase_end(b, "starts");
    struct verdict *v = finish_drill(b);
    cr_expect_eq(v->phases[0].fall_back.count, 0);
    cr_assert_eq(v->phases[1].fall_back.count, 2);
    cr_expect_lt(v->phases[1].fall_back.p50_ns, 50 * MS);
    cr_expect_gt(v->phases[1].fall_back.p50_ns, 0);
    cr_expect_geq(v->phases[1].fall_back.max_ns, 100 * MS);
    close_drill(b, v);
}

/* Attempts are counted in the phase that their start began in, also when they came after it; those
 * of control starts in none. */
Test(judge_times, attempts_by_phase)
{
    struct hb *b = begin_drill();
    hb_good_start(b, "build-start", 1, "primary");
    hb_begin(b, "build-start", 2);
    hb_phase_end(b, "starts");
    hb_phase_begin(b, "outage");
    hb_pull(b, 2, "failover", 0);
    hb_end(b, 2, 0);
    hb_fallen_start(b, "build-start", 1, "primary", 500, "errors", NULL);
    hb_phase_end(b, "starts");
    hb_begin_control(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 500);
    hb_end(b, 1, 1);
    struct verdict *v = finish_drill(b);
    cr_expect_eq(v->phases[0].attempts[0], 3, "%llu", (unsigned long long)v->phases[0].attempts[0]);
    cr_expect_eq(v->phases[0].attempts[1], 3);
    cr_expect_eq(v->phases[0].failed[0], 0);
    cr_expect_eq(v->phases[1].attempts[0], 1);
    cr_expect_eq(v->phases[1].failed[0], 1);
    cr_expect_eq(v->phases[1].attempts[1], 0);
    cr_expect_eq(v->registries[0].attempts, 5);
    close_drill(b, v);
}

/* The lag is the worst second's. */
Test(judge_times, lag)
{
    struct hb *b = begin_drill();
    hb_lag(b, 3 * MS);
    hb_lag(b, 9 * MS);
    hb_lag(b, 4 * MS);
    hb_good_start(b, "build-start", 1, "primary");
    hb_phase_end(b, "starts");
    struct verdict *v = finish_drill(b);
    cr_expect_eq(v->lag_p99_ns, 9 * MS);
    close_drill(b, v);
}
