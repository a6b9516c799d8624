/* Always-on checks: each passing, failing and inconclusive, and just at its edges. */
#include <criterion/criterion.h>

#include "tests/lib/check_run.h"

#define IS(r, kind)                                                                                \
    cr_expect_eq(check_run_finish(r), kind, "got %s", verdict_name((r)->out.verdict))
#define SAYS(r, words) cr_expect(check_run_says(r, words))

static const struct check_scenario refused = {
    .faults = "{'down': {'on': 'primary', 'kind': 'refuse'}}",
    .phases = "[{'name': 'steady', 'starts': 5}, {'name': 'outage', 'starts': 5,"
              "'faults': ['down']}]"};

/* ---- exposure ------------------------------------------------------------------------------ */

/* Sixteen of twenty starts is the least that will do, and fifteen is too few. */
Test(checks_exposure, share_of_starts)
{
    for (size_t met = 15; met <= 16; met++) {
        struct check_run r;
        check_run_open(&r, NULL, "exposure");
        check_run_phase(&r, "outage");
        check_run_fallen(&r, met);
        check_run_good(&r, "primary", 20 - met);
        check_run_phases_end(&r);
        IS(&r, met == 16 ? VERDICT_PASS : VERDICT_INCONCLUSIVE);
        SAYS(&r, met == 16 ? "gone met by 16 of 20 starts (80%)" : "15 of 20 (75%)");
        check_run_close(&r);
    }
}

/* A fault that matched nothing is named with its counts, and is never a pass. */
Test(checks_exposure, matched_nothing)
{
    struct check_run r;
    check_run_open(&r, NULL, "exposure");
    check_run_phase(&r, "outage");
    check_run_good(&r, "primary", 20);
    check_run_phases_end(&r);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "fault gone: planned 20 starts, matched 0 requests, fired 0");
    cr_expect_eq(r.out.reasons[0].event_count, 1);
    check_run_close(&r);
}

/* Starts that met the fault in another phase than its own do not count. */
Test(checks_exposure, other_phase)
{
    struct check_run r;
    check_run_open(&r, NULL, "exposure");
    check_run_phase(&r, "steady");
    check_run_fallen(&r, 20);
    check_run_phase(&r, "outage");
    check_run_phases_end(&r);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "0 of 0");
    check_run_close(&r);
}

/* The fault's own exposure takes the place of 80%. */
Test(checks_exposure, overridden)
{
    struct check_scenario s = {.faults = "{'gone': {'on': 'primary', 'kind': 'delete-image',"
                                         "'image': 'agent', 'exposure': '50%'}}"};
    for (size_t met = 9; met <= 10; met++) {
        struct check_run r;
        check_run_open(&r, &s, "exposure");
        check_run_phase(&r, "outage");
        check_run_fallen(&r, met);
        check_run_good(&r, "primary", 20 - met);
        IS(&r, met == 10 ? VERDICT_PASS : VERDICT_INCONCLUSIVE);
        check_run_close(&r);
    }
}

/* A fault with a limit need only fire, as often as min-fired says. */
Test(checks_exposure, partial)
{
    struct check_scenario s = {
        .faults = "{'gone': {'on': 'primary', 'kind': 'delete-image', 'image': 'agent',"
                  "'when': {'limit': 3}, 'min-fired': 2}}"};
    for (size_t fired = 1; fired <= 2; fired++) {
        struct check_run r;
        check_run_open(&r, &s, "exposure");
        check_run_phase(&r, "outage");
        check_run_fallen(&r, fired);
        check_run_good(&r, "primary", 18);
        IS(&r, fired == 2 ? VERDICT_PASS : VERDICT_INCONCLUSIVE);
        SAYS(&r, fired == 2 ? "fired 2 times" : "at least 2 needed");
        check_run_close(&r);
    }
}

/* Firing on a request of no start exposes nobody. */
Test(checks_exposure, fired_on_strays)
{
    struct check_scenario s = {.faults = "{'gone': {'on': 'primary', 'kind': 'delete-image',"
                                         "'image': 'agent', 'when': {'limit': 1}}}"};
    struct check_run r;
    check_run_open(&r, &s, "exposure");
    check_run_phase(&r, "outage");
    hb_decided(r.b, "gone", "primary", 0, true);
    check_run_good(&r, "primary", 20);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "fired on 1 requests of no start");
    check_run_close(&r);
}

/* A refused port leaves no trace: starts that began while it held have met it, where the baseline
 * shows that starts ask this registry first. */
Test(checks_exposure, armed)
{
    for (int first = 0; first < 2; first++) {
        struct check_run r;
        check_run_open(&r, &refused, "exposure");
        check_run_phase(&r, "steady");
        check_run_good(&r, first ? "primary" : "failover", 5);
        check_run_phase(&r, "outage");
        check_run_good(&r, "failover", 5);
        check_run_phases_end(&r);
        IS(&r, first ? VERDICT_PASS : VERDICT_INCONCLUSIVE);
        SAYS(&r, first ? "was on at the beginning of 5 of 5 starts (100%)"
                       : "only 0 of 5 starts asked");
        check_run_close(&r);
    }
}

/* A refusal that was never armed has exposed nobody. */
Test(checks_exposure, never_armed)
{
    struct check_run r;
    check_run_open(&r, &refused, "exposure");
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 5);
    check_run_phases_end(&r);
    hb_phase_begin(r.b, "outage");
    check_run_good(&r, "failover", 5);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "never armed");
    check_run_close(&r);
}

/* ---- baseline ------------------------------------------------------------------------------ */

/* All starts work and ask the primary first; later phases do not matter. */
Test(checks_baseline, healthy)
{
    struct check_run r;
    check_run_open(&r, NULL, "baseline");
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 10);
    check_run_phase(&r, "outage");
    check_run_failed(&r, 3);
    IS(&r, VERDICT_PASS);
    cr_expect_not(r.c.lost);
    check_run_close(&r);
}

/* The first start that fails makes it sick at once, and says why before the end. */
Test(checks_baseline, failed_start)
{
    struct check_run r;
    check_run_open(&r, NULL, "baseline");
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 9);
    cr_expect_not(r.c.lost);
    check_run_failed(&r, 1);
    cr_expect(r.c.lost);
    SAYS(&r, "the baseline is sick: start 10 (steady): failed: exit 1");
    IS(&r, VERDICT_INCONCLUSIVE);
    cr_expect_gt(r.out.reasons[0].event_count, 0);
    check_run_close(&r);
}

/* Starts that never ask the primary, or ask a failover before it, are no baseline. */
Test(checks_baseline, other_first)
{
    struct check_run r;
    check_run_open(&r, NULL, "baseline");
    check_run_phase(&r, "steady");
    check_run_good(&r, "failover", 1);
    cr_expect(r.c.lost);
    hb_begin(r.b, "build-start", 1);
    hb_get(r.b, 1, "failover", OP_MANIFEST_GET, "stable", 404);
    hb_pull(r.b, 1, "primary", 0);
    hb_end(r.b, 1, 0);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "start 1 (steady): asked failover before primary");
    SAYS(&r, "start 2 (steady): asked failover before primary");
    SAYS(&r, "2 of 2 starts did not");
    check_run_close(&r);
}

/* No start, no baseline; a drill without one says why. */
Test(checks_baseline, none)
{
    struct check_scenario s = {.more = "'baseline': {'none': 'it is down for good'},"};
    struct check_run r;
    check_run_open(&r, NULL, "baseline");
    check_run_phase(&r, "steady");
    check_run_phases_end(&r);
    IS(&r, VERDICT_INCONCLUSIVE);
    check_run_close(&r);
    check_run_open(&r, &s, "baseline");
    check_run_phase(&r, "steady");
    check_run_failed(&r, 1);
    IS(&r, VERDICT_PASS);
    SAYS(&r, "not asked: it is down for good");
    cr_expect_not(r.c.lost);
    check_run_close(&r);
}

/* ---- evidence ------------------------------------------------------------------------------ */

static void whole_drill(struct check_run *r, size_t recovery)
{
    check_run_phase(r, "steady");
    check_run_good(r, "primary", 10);
    check_run_phase(r, "outage");
    check_run_fallen(r, 20);
    check_run_phase(r, "recovery");
    check_run_good(r, "primary", recovery);
    check_run_phases_end(r);
}

/* Every planned start ended; one less is too few. */
Test(checks_evidence, planned_starts)
{
    for (size_t recovery = 9; recovery <= 10; recovery++) {
        struct check_run r;
        check_run_open(&r, NULL, "evidence");
        whole_drill(&r, recovery);
        hb_drill_end(r.b, "completed", NULL);
        IS(&r, recovery == 10 ? VERDICT_PASS : VERDICT_INCONCLUSIVE);
        SAYS(&r, recovery == 10 ? "40 starts ended in 3 phases"
                                : "phase recovery: 9 of 10 starts of build-start ended");
        check_run_close(&r);
    }
}

/* A start that was cancelled is not one that was seen. */
Test(checks_evidence, cancelled)
{
    struct check_run r;
    check_run_open(&r, NULL, "evidence");
    whole_drill(&r, 9);
    r.b->phase = "recovery";
    hb_begin(r.b, "build-start", 1);
    hb_end_with(r.b, 1, (struct event_start_end){.exit = -1, .signal = 9, .cancelled = true});
    hb_drill_end(r.b, "completed", NULL);
    IS(&r, VERDICT_INCONCLUSIVE);
    check_run_close(&r);
}

/* A history without its end, a drill that was cut short, and missing events show. */
Test(checks_evidence, cut_short)
{
    struct check_run r;
    check_run_open(&r, NULL, "evidence");
    whole_drill(&r, 10);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "the history ends before the drill does");
    check_run_close(&r);
    check_run_open(&r, NULL, "evidence");
    whole_drill(&r, 10);
    hb_drill_end(r.b, "limit", "lane 1 waits");
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "the drill did not run to its end: limit: lane 1 waits");
    check_run_close(&r);
    check_run_open(&r, NULL, "evidence");
    whole_drill(&r, 10);
    r.b->n += 2;
    hb_drill_end(r.b, "completed", NULL);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "the history lacks 2 events");
    check_run_close(&r);
}

/* A phase by time needs one start. */
Test(checks_evidence, timed_phase)
{
    struct check_scenario s = {.phases = "[{'name': 'steady', 'for': '1s'}]", .faults = "{}"};
    for (size_t n = 0; n <= 1; n++) {
        struct check_run r;
        check_run_open(&r, &s, "evidence");
        check_run_phase(&r, "steady");
        check_run_good(&r, "primary", n);
        check_run_phases_end(&r);
        hb_drill_end(r.b, "completed", NULL);
        IS(&r, n == 1 ? VERDICT_PASS : VERDICT_INCONCLUSIVE);
        check_run_close(&r);
    }
}

/* ---- control ------------------------------------------------------------------------------- */

/* It must be there, and it must not work: an exit of 0 is enough to have worked. */
Test(checks_control, one_start)
{
    struct check_run r;
    check_run_open(&r, NULL, "control");
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "no control start was made");
    check_run_close(&r);
    for (int exit = 0; exit <= 1; exit++) {
        check_run_open(&r, NULL, "control");
        hb_begin_control(r.b, "build-start", 1);
        hb_end(r.b, 1, exit);
        IS(&r, exit == 1 ? VERDICT_PASS : VERDICT_INCONCLUSIVE);
        SAYS(&r, exit == 1 ? "1 of 1 control start did not work"
                           : "the subject does not test these registries: start 1 of build-start "
                             "worked with every registry down");
        check_run_close(&r);
    }
}

/* One that was cancelled, or that a registry answered, shows nothing; one that hung did not work.
 */
Test(checks_control, spoilt)
{
    struct check_run r;
    check_run_open(&r, NULL, "control");
    hb_begin_control(r.b, "build-start", 1);
    hb_end_with(r.b, 1, (struct event_start_end){.exit = -1, .signal = 9, .cancelled = true});
    IS(&r, VERDICT_INCONCLUSIVE);
    check_run_close(&r);
    check_run_open(&r, NULL, "control");
    hb_begin_control(r.b, "build-start", 1);
    hb_get(r.b, 1, "failover", OP_PING, NULL, 200);
    hb_end(r.b, 1, 1);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "reached failover");
    check_run_close(&r);
    check_run_open(&r, NULL, "control");
    hb_begin_control(r.b, "build-start", 1);
    hb_end_hung(r.b, 1);
    IS(&r, VERDICT_PASS);
    check_run_close(&r);
}

/* Every subject needs its own, unless its image is baked in. */
Test(checks_control, every_subject)
{
    struct check_scenario two = {
        .subjects = "{'build-start': {'command': ['a']}, 'canary': {'command': ['b']}}"};
    struct check_scenario baked = {.subjects = "{'build-start': {'command': ['a']},"
                                               "'canary': {'command': ['b'], 'baked-in': true}}"};
    struct check_run r;
    check_run_open(&r, &two, "control");
    hb_begin_control(r.b, "build-start", 1);
    hb_end(r.b, 1, 1);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "canary: no control start was made");
    check_run_close(&r);
    check_run_open(&r, &baked, "control");
    hb_begin_control(r.b, "build-start", 1);
    hb_end(r.b, 1, 1);
    IS(&r, VERDICT_PASS);
    check_run_close(&r);
}

/* ---- healed -------------------------------------------------------------------------------- */

/* Faults are off and both registries answer, in this order. */
Test(checks_healed, all_off)
{
    struct check_run r;
    check_run_open(&r, NULL, "healed");
    check_run_phase(&r, "outage");
    check_run_phases_end(&r);
    hb_probe(r.b, "healed", "primary", true, "200");
    hb_probe(r.b, "healed", "failover", true, "200");
    IS(&r, VERDICT_PASS);
    SAYS(&r, "1 of 1 fault off, 2 of 2 registries good");
    check_run_close(&r);
}

/* A fault that stays on, a probe that fails, one that is missing, and one that came too early. */
Test(checks_healed, not_healed)
{
    struct check_run r;
    check_run_open(&r, NULL, "healed");
    hb_armed(r.b, "gone");
    hb_probe(r.b, "healed", "primary", true, "200");
    hb_probe(r.b, "healed", "failover", false, "got 500");
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "fault gone was armed and never healed");
    SAYS(&r, "a fresh pull from failover did not work: got 500");
    check_run_close(&r);
    check_run_open(&r, NULL, "healed");
    hb_armed(r.b, "gone");
    hb_probe(r.b, "healed", "primary", true, "200");
    hb_probe(r.b, "healed", "failover", true, "200");
    IS(&r, VERDICT_INCONCLUSIVE);
    check_run_close(&r);
    check_run_open(&r, NULL, "healed");
    hb_armed(r.b, "gone");
    hb_probe(r.b, "healed", "primary", true, "200");
    hb_healed(r.b, "gone");
    hb_probe(r.b, "healed", "failover", true, "200");
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "no fresh pull from primary was made after the last heal");
    check_run_close(&r);
}

/* ---- nothing-left -------------------------------------------------------------------------- */

/* A process that outlives its start fails the drill, unless leaving it is allowed or the harness
 * killed the start itself. */
Test(checks_nothing_left, leftovers)
{
    struct check_scenario allowed = {
        .subjects = "{'build-start': {'command': ['a'], 'leaves': 'allowed'}}"};
    struct event_start_end left = {.leftovers = 2};
    struct event_start_end killed = {.leftovers = 2, .exit = -1, .signal = 9, .cancelled = true};
    for (int way = 0; way < 3; way++) {
        struct check_run r;
        check_run_open(&r, way == 1 ? &allowed : NULL, "nothing-left");
        check_run_phase(&r, "steady");
        check_run_good(&r, "primary", 1);
        hb_begin(r.b, "build-start", 1);
        hb_end_with(r.b, 1, way == 2 ? killed : left);
        cr_expect_eq(r.c.lost, way == 0);
        hb_drill_end(r.b, "completed", NULL);
        IS(&r, way == 0 ? VERDICT_FAIL : VERDICT_PASS);
        if (way == 0) {
            SAYS(&r, "start 2 (steady): left 2 processes running");
        }
        check_run_close(&r);
    }
}

/* So does one that is still alive at the very end; a history without its end cannot tell. */
Test(checks_nothing_left, at_the_end)
{
    struct event end = {.type = EVENT_DRILL_END};
    struct check_run r;
    check_run_open(&r, NULL, "nothing-left");
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 1);
    end.drill_end.reason = "completed";
    end.drill_end.processes = 1;
    hb_append(r.b, &end);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "1 process could not be killed");
    check_run_close(&r);
    check_run_open(&r, NULL, "nothing-left");
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 1);
    IS(&r, VERDICT_INCONCLUSIVE);
    check_run_close(&r);
}
