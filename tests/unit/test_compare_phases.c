/* Two drills held against each other phase by phase, and the comparison as text and JSON. */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/verdict/verdict_compare.h"

#define MS UINT64_C(1000000)

/* ---- building ------------------------------------------------------------------------------ */

/* A drill of one phase of 20 starts that all worked, from the primary alone, and two checks. */
struct drill {
    struct verdict v;
    struct verdict_check checks[2];
    struct verdict_phase phase;
    struct verdict_fault fault;
    struct verdict_registry registry;
    uint64_t attempts, failed;
};

static void good(struct drill *d)
{
    *d = (struct drill){
        .checks = {{.name = "one", .judged = true, .verdict = VERDICT_PASS},
                   {.name = "two", .judged = true, .verdict = VERDICT_PASS, .actual = "all well"}},
        .phase = {.name = "outage",
                  .reason = "starts",
                  .starts = {.worked = 20},
                  .pulls = {.primary = 20},
                  .start_times = {.count = 20, .p50_ns = 100 * MS, .p95_ns = 200 * MS}},
        .fault = {.name = "gone",
                  .text = "the image is gone",
                  .on = "primary",
                  .matched = 20,
                  .fired = 20},
        .registry = {.name = "primary", .attempts = 20},
        .attempts = 20,
    };
    d->phase.attempts = &d->attempts;
    d->phase.failed = &d->failed;
    d->v = (struct verdict){.verdict = VERDICT_PASS,
                            .seed = 42,
                            .checks = d->checks,
                            .check_count = 2,
                            .phases = &d->phase,
                            .phase_count = 1,
                            .faults = &d->fault,
                            .fault_count = 1,
                            .registries = &d->registry,
                            .registry_count = 1};
}

static struct compare_item item(const struct verdict *v, enum compare_role role)
{
    return (struct compare_item){
        .scenario = "s", .variant = "", .role = role, .round = 1, .verdict = v};
}

static struct comparison *compare_items(const struct compare_item *was, size_t was_count,
                                        const struct compare_item *is, size_t is_count)
{
    struct err e = {0};
    const struct compare_side sides[] = {{was, was_count}, {is, is_count}};
    struct comparison *c = verdict_compare(&sides[0], &sides[1], &e);
    cr_assert_not_null(c, "%s", e.text);
    return c;
}

static struct comparison *compare_drills(const struct drill *was, const struct drill *is)
{
    struct compare_item one = item(&was->v, COMPARE_DRILL);
    struct compare_item other = item(&is->v, COMPARE_DRILL);
    return compare_items(&one, 1, &other, 1);
}

static const struct compare_finding *find(const struct comparison *c, const char *what)
{
    for (size_t i = 0; i < c->count; i++) {
        if (strcmp(c->findings[i].what, what) == 0) {
            return &c->findings[i];
        }
    }
    cr_assert_fail("nothing is said of %s", what);
    return NULL;
}

static void expect_kind(const struct comparison *c, const char *what, enum compare_kind kind)
{
    const struct compare_finding *f = find(c, what);
    cr_expect_eq(f->kind, kind, "%s: %s (%s -> %s; %s)", what, compare_kind_name(f->kind), f->was,
                 f->is, f->why);
}

/* ---- phases -------------------------------------------------------------------------------- */

/* One start that did not work is a regression where none had failed, number and seed being the
 * same; else chance is asked. */
Test(compare_phases, outcomes)
{
    struct drill was, is;
    good(&was);
    good(&is);
    is.phase.starts = (struct verdict_starts){.worked = 19, .hung = 1};
    struct comparison *c = compare_drills(&was, &is);
    expect_kind(c, "outage: starts", COMPARE_WORSE);
    cr_expect_str_eq(find(c, "outage: starts")->is, "19 of 20 worked, 1 hung");
    comparison_free(c);
    c = compare_drills(&is, &is);
    expect_kind(c, "outage: starts", COMPARE_STILL);
    comparison_free(c);
    is.v.seed = 43;
    c = compare_drills(&was, &is);
    expect_kind(c, "outage: starts", COMPARE_NOISE);
    comparison_free(c);
    is.v.seed = 42;
    is.phase.reason = was.phase.reason = "time";
    c = compare_drills(&was, &is);
    expect_kind(c, "outage: starts", COMPARE_NOISE);
    comparison_free(c);
    is.phase.starts = (struct verdict_starts){.worked = 10, .failed = 10};
    c = compare_drills(&was, &is);
    expect_kind(c, "outage: starts", COMPARE_WORSE);
    comparison_free(c);
    c = compare_drills(&is, &was);
    expect_kind(c, "outage: starts", COMPARE_BETTER);
    comparison_free(c);
}

/* As many that did not work, but hung or wrong where they had failed: worse. */
Test(compare_phases, worse_ways_to_fail)
{
    struct drill was, is;
    good(&was);
    good(&is);
    was.phase.starts = (struct verdict_starts){.worked = 5, .failed = 15};
    is.phase.starts = (struct verdict_starts){.worked = 5, .hung = 15};
    struct comparison *c = compare_drills(&was, &is);
    expect_kind(c, "outage: starts", COMPARE_WORSE);
    comparison_free(c);
    is.phase.starts = (struct verdict_starts){.worked = 5, .failed = 5, .wrong = 10};
    c = compare_drills(&was, &is);
    expect_kind(c, "outage: starts", COMPARE_WORSE);
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
        struct drill was, is;
        good(&was);
        good(&is);
        is.phase.pulls = rows[i].is;
        struct comparison *c = compare_drills(&was, &is);
        expect_kind(c, "outage: pulls", rows[i].kind);
        comparison_free(c);
        c = compare_drills(&is, &was);
        expect_kind(c, "outage: pulls",
                    rows[i].kind == COMPARE_WORSE ? COMPARE_BETTER : rows[i].kind);
        comparison_free(c);
    }
}

/* As many from the primary, but failed or mixed where they fell back: worse. */
Test(compare_phases, pulls_beside_the_primary)
{
    struct drill was, is;
    good(&was);
    good(&is);
    was.phase.pulls = (struct verdict_pulls){.primary = 5, .fell_back = 15};
    is.phase.pulls = (struct verdict_pulls){.primary = 5, .mixed = 15};
    struct comparison *c = compare_drills(&was, &is);
    expect_kind(c, "outage: pulls", COMPARE_WORSE);
    comparison_free(c);
    is.phase.pulls = (struct verdict_pulls){.primary = 5, .failed = 15};
    c = compare_drills(&was, &is);
    expect_kind(c, "outage: pulls", COMPARE_WORSE);
    comparison_free(c);
}

/* Percentiles need samples on both sides, and more than the lag of either drill. */
Test(compare_phases, times)
{
    struct drill was, is;
    good(&was);
    good(&is);
    is.phase.start_times.p50_ns = 900 * MS;
    struct comparison *c = compare_drills(&was, &is);
    expect_kind(c, "outage: start time p50", COMPARE_WORSE);
    expect_kind(c, "outage: start time p95", COMPARE_SAME);
    comparison_free(c);
    was.v.lag_p99_ns = 41 * MS;
    c = compare_drills(&was, &is);
    expect_kind(c, "outage: start time p50", COMPARE_NOISE);
    comparison_free(c);
    c = compare_drills(&is, &was);
    expect_kind(c, "outage: start time p50", COMPARE_NOISE);
    comparison_free(c);
    is.phase.start_times.count = 4;
    c = compare_drills(&was, &is);
    expect_kind(c, "outage: start time p50", COMPARE_NOT);
    cr_expect_eq(c->kinds[COMPARE_NOT], 1, "said once");
    comparison_free(c);
}

/* Falling back takes its time like a start. */
Test(compare_phases, falling_back)
{
    struct drill was, is;
    good(&was);
    good(&is);
    was.phase.fall_back = (struct verdict_times){.count = 100, .p99_ns = 100 * MS};
    is.phase.fall_back = (struct verdict_times){.count = 100, .p99_ns = 3000 * MS};
    struct comparison *c = compare_drills(&was, &is);
    expect_kind(c, "outage: time to fall back p99", COMPARE_WORSE);
    expect_kind(c, "outage: time to fall back p50", COMPARE_SAME);
    comparison_free(c);
}

/* Attempts are means over the phase's starts. */
Test(compare_phases, attempts)
{
    struct drill was, is;
    good(&was);
    good(&is);
    is.attempts = 29;
    struct comparison *c = compare_drills(&was, &is);
    expect_kind(c, "outage: attempts per start at primary", COMPARE_NOISE);
    comparison_free(c);
    is.attempts = 60;
    c = compare_drills(&was, &is);
    expect_kind(c, "outage: attempts per start at primary", COMPARE_WORSE);
    cr_expect_str_eq(find(c, "outage: attempts per start at primary")->is, "3.00");
    comparison_free(c);
    c = compare_drills(&is, &was);
    expect_kind(c, "outage: attempts per start at primary", COMPARE_BETTER);
    comparison_free(c);
}

/* Attempts are not compared where they say nothing: other seeds under a fault that acts on a part
 * of its requests, a registry that is no longer tried, one that is now tried and helps, a journal
 * that lacks them. */
Test(compare_phases, attempts_that_say_nothing)
{
    struct drill was, is;
    good(&was);
    good(&is);
    is.attempts = 60;
    is.fault.fired = 10;
    struct comparison *c = compare_drills(&was, &is);
    expect_kind(c, "outage: attempts per start at primary", COMPARE_WORSE);
    comparison_free(c);
    is.v.seed = 1;
    c = compare_drills(&was, &is);
    expect_kind(c, "outage: attempts per start at primary", COMPARE_NOT);
    comparison_free(c);
    good(&is);
    is.attempts = is.registry.attempts = 0;
    c = compare_drills(&was, &is);
    expect_kind(c, "outage: attempts per start at primary", COMPARE_NOT);
    cr_expect_str_eq(find(c, "outage: attempts per start at primary")->why, "NEW never tries it");
    comparison_free(c);
    c = compare_drills(&is, &was);
    expect_kind(c, "outage: attempts per start at primary", COMPARE_WORSE);
    comparison_free(c);
    is.phase.starts = (struct verdict_starts){.worked = 19, .failed = 1};
    c = compare_drills(&is, &was);
    expect_kind(c, "outage: attempts per start at primary", COMPARE_NOT);
    comparison_free(c);
    is.registry.attempts = 20;
    c = compare_drills(&was, &is);
    expect_kind(c, "outage: attempts per start at primary", COMPARE_NOT);
    cr_expect_neq(strstr(find(c, "outage: attempts per start at primary")->why, "version"), NULL);
    comparison_free(c);
}

/* Other faults, a phase that is missing, one that did not come to its end: said, and not held
 * against each other. */
Test(compare_phases, not_comparable)
{
    struct drill was, is;
    good(&was);
    good(&is);
    is.phase.starts = (struct verdict_starts){.failed = 20};
    is.fault.text = "the image is slow";
    struct comparison *c = compare_drills(&was, &is);
    expect_kind(c, "phases", COMPARE_NOT);
    cr_expect_eq(c->kinds[COMPARE_WORSE], 0);
    comparison_free(c);
    is.v.fault_count = 0;
    c = compare_drills(&was, &is);
    expect_kind(c, "phases", COMPARE_NOT);
    comparison_free(c);
    c = compare_drills(&is, &was);
    expect_kind(c, "phases", COMPARE_NOT);
    comparison_free(c);
    is.v.fault_count = 1;
    is.fault.text = was.fault.text;
    is.phase.reason = "limit";
    c = compare_drills(&was, &is);
    expect_kind(c, "phase outage", COMPARE_NOT);
    cr_expect_eq(c->kinds[COMPARE_WORSE], 0);
    comparison_free(c);
    is.phase.name = "brownout";
    c = compare_drills(&was, &is);
    expect_kind(c, "phase outage", COMPARE_NOT);
    expect_kind(c, "phase brownout", COMPARE_NEW);
    comparison_free(c);
}

/* A journal may hold nothing but nulls. */
Test(compare_phases, nulls)
{
    struct verdict_phase phase = {.starts = {.worked = 1}};
    struct verdict_check check = {.judged = true};
    struct verdict_registry registry = {0};
    struct verdict_fault fault = {0};
    struct drill d = {.v = {.phases = &phase,
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
    expect_kind(c, "(none): starts", COMPARE_SAME);
    comparison_free(c);
}
