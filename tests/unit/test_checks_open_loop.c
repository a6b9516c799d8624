/* evidence on open loops: starts that had to wait for a lane, a harness that was too slow, phases
 * that were to end by what happens. */
#include <criterion/criterion.h>

#include "harness/base/clock.h"
#include "tests/lib/check_run.h"

#define IS(r, v) cr_expect_eq(check_run_finish(r), v)
#define SAYS(r, words) cr_expect(check_run_says(r, words))
#define MS CLOCK_NS_PER_MS

static const struct check_scenario open_loop = {
    .subjects = "{'machine': {'command': ['x'], 'every': '200ms', 'max-in-flight': 2}}",
    .faults = "{}",
    .phases = "[{'name': 'steady', 'starts': 4}]"};

/* N starts that were begun so late. */
static void late_starts(struct check_run *r, size_t n, uint64_t late_ns, uint64_t waited_ns)
{
    r->b->late_ns = late_ns;
    r->b->waited_ns = waited_ns;
    for (size_t i = 0; i < n; i++)
        hb_good_start(r->b, "machine", 1, "primary");
}

static void told(struct check_run *r, const char *action, const char *detail)
{
    struct event ev = {.type = EVENT_ACTION};
    ev.action.action = action;
    ev.action.subject = "machine";
    ev.action.phase = "steady";
    ev.action.detail = detail;
    hb_append(r->b, &ev);
}

static void done(struct check_run *r)
{
    check_run_phases_end(r);
    hb_drill_end(r->b, "completed", NULL);
}

/* A start may be late by what the loop takes, up to a second; one nanosecond more is too much, and
 * the harness is named as the cause. */
Test(checks_open_loop, harness_too_slow)
{
    for (uint64_t more = 0; more <= 1; more++) {
        struct check_run r;
        check_run_open(&r, &open_loop, "evidence");
        check_run_phase(&r, "steady");
        late_starts(&r, 3, 1000 * MS, 0);
        late_starts(&r, 1, 1000 * MS + more, 0);
        done(&r);
        IS(&r, more == 0 ? VERDICT_PASS : VERDICT_INCONCLUSIVE);
        if (more == 1) {
            SAYS(&r, "1 start of machine began too late although a lane was to be had: the harness "
                     "itself was too slow for \"every\"; the first was start 4, up to 1s late");
        }
        check_run_close(&r);
    }
}

/* A start that waited for a lane is told as that, however short the wait, and not held against the
 * harness however long. */
Test(checks_open_loop, max_in_flight)
{
    struct check_run r;
    check_run_open(&r, &open_loop, "evidence");
    check_run_phase(&r, "steady");
    late_starts(&r, 1, 0, 0);
    told(&r, "max-in-flight", "start 2 waits");
    late_starts(&r, 2, 5 * MS, 1);
    late_starts(&r, 1, 3000 * MS, 2900 * MS);
    done(&r);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "3 starts of machine were due while max-in-flight (2) was reached; the first was "
             "start 2, up to 2.9s late");
    cr_expect_not(check_run_says(&r, "too slow"));
    check_run_close(&r);
}

/* Reached while a start was due that never began: that alone is enough. */
Test(checks_open_loop, never_begun)
{
    struct check_run r;
    check_run_open(&r, &open_loop, "evidence");
    check_run_phase(&r, "steady");
    late_starts(&r, 4, 0, 0);
    told(&r, "max-in-flight", "start 5 waits");
    done(&r);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "machine: max-in-flight (2) was reached while a start was due");
    check_run_close(&r);
    check_run_open(&r, &open_loop, "evidence");
    check_run_phase(&r, "steady");
    late_starts(&r, 4, 0, 0);
    told(&r, "not-begun", "3 starts had been due");
    done(&r);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "phase steady: 3 starts had been due");
    check_run_close(&r);
}

/* Other actions of a lane say nothing about open loops. */
Test(checks_open_loop, other_actions)
{
    struct check_run r;
    check_run_open(&r, &open_loop, "evidence");
    check_run_phase(&r, "steady");
    told(&r, "prepare", NULL);
    late_starts(&r, 4, 0, 0);
    done(&r);
    IS(&r, VERDICT_PASS);
    check_run_close(&r);
}

static const struct check_scenario waiting = {
    .subjects = "{'machine': {'command': ['x'], 'every': '200ms'}}",
    .faults = "{}",
    .phases = "[{'name': 'steady', 'until': {'event': 'start-end', 'outcome': 'worked',"
              "'count': 3, 'at-most': '1s'}}]"};

/* A phase that ended by what it waited for is good; one where at-most was up says how many were
 * seen by then, and what came later is not counted. */
Test(checks_open_loop, until)
{
    struct check_run r;
    check_run_open(&r, &waiting, "evidence");
    hb_phase_begin(r.b, "steady");
    late_starts(&r, 3, 0, 0);
    hb_phase_end(r.b, "until");
    hb_drill_end(r.b, "completed", NULL);
    IS(&r, VERDICT_PASS);
    check_run_close(&r);
    check_run_open(&r, &waiting, "evidence");
    hb_phase_begin(r.b, "steady");
    late_starts(&r, 2, 0, 0);
    r.b->t_ns += CLOCK_NS_PER_S;
    late_starts(&r, 5, 0, 0);
    uint64_t at = r.b->n + 1;
    hb_phase_end(r.b, "at-most");
    hb_drill_end(r.b, "completed", NULL);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "phase steady: \"at-most\" (1s) was up with 2 of 3 start-end seen");
    cr_expect_eq(r.out.reasons[0].events[0], at);
    check_run_close(&r);
}

/* What it waited for may be there before any start has ended; that a start must end stays. */
Test(checks_open_loop, until_without_a_start)
{
    struct check_run r;
    check_run_open(&r, &waiting, "evidence");
    hb_phase_begin(r.b, "steady");
    hb_phase_end(r.b, "until");
    hb_drill_end(r.b, "completed", NULL);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "phase steady: no start ended");
    check_run_close(&r);
}
