/* Two drills held against each other phase by phase. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/compare_fixture.h"

/* ---- phases -------------------------------------------------------------------------------- */

/* One start that did not work is a regression where none had failed, number and seed being the
 * same; else chance is asked. */
Test(compare_phases, outcomes)
{
    struct compare_drill was, is;
    compare_good(&was);
    compare_good(&is);
    is.phase.starts = (struct verdict_starts){.worked = 19, .hung = 1};
    struct comparison *c = compare_drills(&was, &is);
    compare_expect(c, "outage: starts", COMPARE_WORSE);
    cr_expect_str_eq(compare_find(c, "outage: starts")->is, "19 of 20 worked, 1 hung");
    comparison_free(c);
    c = compare_drills(&is, &is);
    compare_expect(c, "outage: starts", COMPARE_STILL);
    comparison_free(c);
    is.v.seed = 43;
    c = compare_drills(&was, &is);
    compare_expect(c, "outage: starts", COMPARE_NOISE);
    comparison_free(c);
    is.v.seed = 42;
    is.phase.reason = was.phase.reason = "time";
    c = compare_drills(&was, &is);
    compare_expect(c, "outage: starts", COMPARE_NOISE);
    comparison_free(c);
    is.phase.starts = (struct verdict_starts){.worked = 10, .failed = 10};
    c = compare_drills(&was, &is);
    compare_expect(c, "outage: starts", COMPARE_WORSE);
    comparison_free(c);
    c = compare_drills(&is, &was);
    compare_expect(c, "outage: starts", COMPARE_BETTER);
    comparison_free(c);
}

/* As many that did not work, but hung or wrong where they had failed: worse. */
Test(compare_phases, worse_ways_to_fail)
{
    struct compare_drill was, is;
    compare_good(&was);
    compare_good(&is);
    was.phase.starts = (struct verdict_starts){.worked = 5, .failed = 15};
    is.phase.starts = (struct verdict_starts){.worked = 5, .hung = 15};
    struct comparison *c = compare_drills(&was, &is);
    compare_expect(c, "outage: starts", COMPARE_WORSE);
    comparison_free(c);
    is.phase.starts = (struct verdict_starts){.worked = 5, .failed = 5, .wrong = 10};
    c = compare_drills(&was, &is);
    compare_expect(c, "outage: starts", COMPARE_WORSE);
    comparison_free(c);
}

/* Fewer pulls from the primary, more mixed ones, more failed ones: each is worse beyond chance. */
Test(compare_phases, pulls)
{
    static const struct {
        struct verdict_pulls is;
        enum compare_kind kind;
    } rows[] = {
        {{.primary = 20}, COMPARE_SAME},
        {{.primary = 18, .fell_back = 2}, COMPARE_NOISE},
        {{.fell_back = 20}, COMPARE_WORSE},
        {{.primary = 10, .mixed = 10}, COMPARE_WORSE},
        {{.primary = 10, .failed = 10}, COMPARE_WORSE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct compare_drill was, is;
        compare_good(&was);
        compare_good(&is);
        is.phase.pulls = rows[i].is;
        struct comparison *c = compare_drills(&was, &is);
        compare_expect(c, "outage: pulls", rows[i].kind);
        comparison_free(c);
        c = compare_drills(&is, &was);
        compare_expect(c, "outage: pulls",
                       rows[i].kind == COMPARE_WORSE ? COMPARE_BETTER : rows[i].kind);
        comparison_free(c);
    }
}

/* As many from the primary, but failed or mixed where they fell back: worse. */
Test(compare_phases, pulls_beside_the_primary)
{
    struct compare_drill was, is;
    compare_good(&was);
    compare_good(&is);
    was.phase.pulls = (struct verdict_pulls){.primary = 5, .fell_back = 15};
    is.phase.pulls = (struct verdict_pulls){.primary = 5, .mixed = 15};
    struct comparison *c = compare_drills(&was, &is);
    compare_expect(c, "outage: pulls", COMPARE_WORSE);
    comparison_free(c);
    is.phase.pulls = (struct verdict_pulls){.primary = 5, .failed = 15};
    c = compare_drills(&was, &is);
    compare_expect(c, "outage: pulls", COMPARE_WORSE);
    comparison_free(c);
}

/* Percentiles need samples on both sides, and more than the lag of either drill. */
Test(compare_phases, times)
{
    struct compare_drill was, is;
    compare_good(&was);
    compare_good(&is);
    is.phase.start_times.p50_ns = 900 * MS;
    struct comparison *c = compare_drills(&was, &is);
    compare_expect(c, "outage: start time p50", COMPARE_WORSE);
    compare_expect(c, "outage: start time p95", COMPARE_SAME);
    comparison_free(c);
    was.v.lag_p99_ns = 41 * MS;
    c = compare_drills(&was, &is);
    compare_expect(c, "outage: start time p50", COMPARE_NOISE);
    comparison_free(c);
    c = compare_drills(&is, &was);
    compare_expect(c, "outage: start time p50", COMPARE_NOISE);
    comparison_free(c);
    is.phase.start_times.count = 4;
    c = compare_drills(&was, &is);
    compare_expect(c, "outage: start time p50", COMPARE_NOT);
    cr_expect_eq(c->kinds[COMPARE_NOT], 1, "said once");
    comparison_free(c);
}

/* Falling back takes its time like a start. */
Test(compare_phases, falling_back)
{
    struct compare_drill was, is;
    compare_good(&was);
    compare_good(&is);
    was.phase.fall_back = (struct verdict_times){.count = 100, .p99_ns = 100 * MS};
    is.phase.fall_back = (struct verdict_times){.count = 100, .p99_ns = 3000 * MS};
    struct comparison *c = compare_drills(&was, &is);
    compare_expect(c, "outage: time to fall back p99", COMPARE_WORSE);
    compare_expect(c, "outage: time to fall back p50", COMPARE_SAME);
    comparison_free(c);
}

/* Attempts are means over the phase's starts. */
Test(compare_phases, attempts)
{
    struct compare_drill was, is;
    compare_good(&was);
    compare_good(&is);
    is.attempts = 29;
    struct comparison *c = compare_drills(&was, &is);
    compare_expect(c, "outage: attempts per start at primary", COMPARE_NOISE);
    comparison_free(c);
    is.attempts = 60;
    c = compare_drills(&was, &is);
    compare_expect(c, "outage: attempts per start at primary", COMPARE_WORSE);
    cr_expect_str_eq(compare_find(c, "outage: attempts per start at primary")->is, "3.00");
    comparison_free(c);
    c = compare_drills(&is, &was);
    compare_expect(c, "outage: attempts per start at primary", COMPARE_BETTER);
    comparison_free(c);
}

/* Attempts are not compared where they say nothing: other seeds under a fault that acts on a part
 * of its requests, a registry that is no longer tried, one that is now tried and helps, a journal
 * that lacks them. */
Test(compare_phases, attempts_that_say_nothing)
{
    struct compare_drill was, is;
    compare_good(&was);
    compare_good(&is);
    is.attempts = 60;
    is.fault.fired = 10;
    struct comparison *c = compare_drills(&was, &is);
    compare_expect(c, "outage: attempts per start at primary", COMPARE_WORSE);
    comparison_free(c);
    is.v.seed = 1;
    c = compare_drills(&was, &is);
    compare_expect(c, "outage: attempts per start at primary", COMPARE_NOT);
    comparison_free(c);
    compare_good(&is);
    is.attempts = is.registry.attempts = 0;
    c = compare_drills(&was, &is);
    compare_expect(c, "outage: attempts per start at primary", COMPARE_NOT);
    cr_expect_str_eq(compare_find(c, "outage: attempts per start at primary")->why,
                     "NEW never tries it");
    comparison_free(c);
    c = compare_drills(&is, &was);
    compare_expect(c, "outage: attempts per start at primary", COMPARE_WORSE);
    comparison_free(c);
    is.phase.starts = (struct verdict_starts){.worked = 19, .failed = 1};
    c = compare_drills(&is, &was);
    compare_expect(c, "outage: attempts per start at primary", COMPARE_NOT);
    comparison_free(c);
    is.registry.attempts = 20;
    c = compare_drills(&was, &is);
    compare_expect(c, "outage: attempts per start at primary", COMPARE_NOT);
    cr_expect_neq(strstr(compare_find(c, "outage: attempts per start at primary")->why, "version"),
                  NULL);
    comparison_free(c);
}

/* Other faults, a phase that is missing, one that did not come to its end: said, and not held
 * against each other. */
Test(compare_phases, not_comparable)
{
    struct compare_drill was, is;
    compare_good(&was);
    compare_good(&is);
    is.phase.starts = (struct verdict_starts){.failed = 20};
    is.fault.text = "the image is slow";
    struct comparison *c = compare_drills(&was, &is);
    compare_expect(c, "phases", COMPARE_NOT);
    cr_expect_eq(c->kinds[COMPARE_WORSE], 0);
    comparison_free(c);
    is.v.fault_count = 0;
    c = compare_drills(&was, &is);
    compare_expect(c, "phases", COMPARE_NOT);
    comparison_free(c);
    c = compare_drills(&is, &was);
    compare_expect(c, "phases", COMPARE_NOT);
    comparison_free(c);
    is.v.fault_count = 1;
    is.fault.text = was.fault.text;
    is.phase.reason = "limit";
    c = compare_drills(&was, &is);
    compare_expect(c, "phase outage", COMPARE_NOT);
    cr_expect_eq(c->kinds[COMPARE_WORSE], 0);
    comparison_free(c);
    is.phase.name = "brownout";
    c = compare_drills(&was, &is);
    compare_expect(c, "phase outage", COMPARE_NOT);
    compare_expect(c, "phase brownout", COMPARE_NEW);
    comparison_free(c);
}

/* A journal may hold nothing but nulls. */
Test(compare_phases, nulls)
{
    struct verdict_phase phase = {.starts = {.worked = 1}};
    struct verdict_check check = {.judged = true};
    struct verdict_registry registry = {0};
    struct verdict_fault fault = {0};
    struct compare_drill d = {.v = {.phases = &phase,
                                    .phase_count = 1,
                                    .checks = &check,
                                    .check_count = 1,
                                    .registries = &registry,
                                    .registry_count = 1,
                                    .faults = &fault,
                                    .fault_count = 1}};
    struct comparison *c = compare_drills(&d, &d);
    phase.reason = "starts";
    comparison_free(c);
    c = compare_drills(&d, &d);
    compare_expect(c, "(none): starts", COMPARE_SAME);
    comparison_free(c);
}
