/* Two results held against each other: what is a regression, what is not, what cannot be said. */
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

/* ---- verdicts and checks ------------------------------------------------------------------- */

/* A result held against itself is the same throughout. */
Test(compare, with_itself)
{
    struct drill d;
    good(&d);
    struct comparison *c = compare_drills(&d, &d);
    cr_expect_gt(c->count, 5);
    cr_expect_eq(c->kinds[COMPARE_SAME], c->count);
    comparison_free(c);
}

/* From each verdict to each other: worse is a regression, bad in both is not, and only a pass shows
 * that something got better. */
Test(compare, verdicts)
{
    static const struct {
        enum verdict_kind was, is;
        enum compare_kind kind;
    } rows[] = {
        {VERDICT_PASS, VERDICT_PASS, COMPARE_SAME},
        {VERDICT_PASS, VERDICT_INCONCLUSIVE, COMPARE_WORSE},
        {VERDICT_PASS, VERDICT_FAIL, COMPARE_WORSE},
        {VERDICT_PASS, VERDICT_ERROR, COMPARE_WORSE},
        {VERDICT_PASS, VERDICT_SKIPPED, COMPARE_WORSE},
        {VERDICT_INCONCLUSIVE, VERDICT_FAIL, COMPARE_WORSE},
        {VERDICT_FAIL, VERDICT_SKIPPED, COMPARE_WORSE},
        {VERDICT_SKIPPED, VERDICT_FAIL, COMPARE_WORSE},
        {VERDICT_FAIL, VERDICT_FAIL, COMPARE_STILL},
        {VERDICT_INCONCLUSIVE, VERDICT_INCONCLUSIVE, COMPARE_STILL},
        {VERDICT_SKIPPED, VERDICT_SKIPPED, COMPARE_SAME},
        {VERDICT_FAIL, VERDICT_INCONCLUSIVE, COMPARE_NOT},
        {VERDICT_ERROR, VERDICT_FAIL, COMPARE_NOT},
        {VERDICT_FAIL, VERDICT_PASS, COMPARE_BETTER},
        {VERDICT_SKIPPED, VERDICT_PASS, COMPARE_BETTER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct drill was, is;
        good(&was);
        good(&is);
        was.v.verdict = was.checks[0].verdict = rows[i].was;
        is.v.verdict = is.checks[0].verdict = rows[i].is;
        struct comparison *c = compare_drills(&was, &is);
        expect_kind(c, "verdict", rows[i].kind);
        expect_kind(c, "check one", rows[i].kind);
        expect_kind(c, "check two", COMPARE_SAME);
        comparison_free(c);
    }
}

/* A check that was judged and no longer is, or is gone, is a regression; a new one is told. */
Test(compare, checks_that_come_and_go)
{
    struct drill was, is;
    good(&was);
    good(&is);
    is.checks[0].judged = false;
    is.checks[0].verdict = VERDICT_INCONCLUSIVE;
    is.checks[1].name = "three";
    struct comparison *c = compare_drills(&was, &is);
    expect_kind(c, "check one", COMPARE_WORSE);
    cr_expect_str_eq(find(c, "check one")->is, "not judged");
    cr_expect_str_eq(find(c, "check one")->why, "no longer tested");
    expect_kind(c, "check two", COMPARE_WORSE);
    cr_expect_str_eq(find(c, "check two")->is, "missing");
    expect_kind(c, "check three", COMPARE_NEW);
    comparison_free(c);
    c = compare_drills(&is, &was);
    expect_kind(c, "check one", COMPARE_BETTER);
    expect_kind(c, "check two", COMPARE_NEW);
    comparison_free(c);
    c = compare_drills(&is, &is);
    expect_kind(c, "check one", COMPARE_STILL);
    comparison_free(c);
}

/* ---- scenarios, twins, rounds -------------------------------------------------------------- */

/* A scenario that is gone is a regression, unless it was skipped; a new one is told. */
Test(compare, scenarios_that_come_and_go)
{
    struct drill d, skipped;
    good(&d);
    good(&skipped);
    skipped.v.verdict = VERDICT_SKIPPED;
    struct compare_item was[] = {item(&d.v, COMPARE_DRILL), item(&skipped.v, COMPARE_DRILL)};
    struct compare_item is = item(&d.v, COMPARE_DRILL);
    was[1].scenario = "t";
    is.scenario = "u";
    struct comparison *c = compare_items(was, 2, &is, 1);
    cr_assert_eq(c->count, 3);
    cr_expect_eq(c->findings[0].kind, COMPARE_WORSE);
    cr_expect_str_eq(c->findings[0].scenario, "s");
    cr_expect_eq(c->findings[1].kind, COMPARE_NOT);
    cr_expect_str_eq(c->findings[1].scenario, "t");
    cr_expect_eq(c->findings[2].kind, COMPARE_NEW);
    cr_expect_str_eq(c->findings[2].scenario, "u");
    comparison_free(c);
    c = compare_items(was, 2, NULL, 0);
    cr_expect_eq(c->kinds[COMPARE_WORSE], 1);
    comparison_free(c);
}

/* A bad twin is to be caught, by a failure or by an inconclusive verdict; one that passes is a
 * regression, whatever else the drill of it shows. */
Test(compare, twins)
{
    static const struct {
        enum verdict_kind was, is;
        enum compare_kind kind;
    } rows[] = {
        {VERDICT_FAIL, VERDICT_FAIL, COMPARE_SAME},
        {VERDICT_FAIL, VERDICT_INCONCLUSIVE, COMPARE_SAME},
        {VERDICT_FAIL, VERDICT_PASS, COMPARE_WORSE},
        {VERDICT_INCONCLUSIVE, VERDICT_ERROR, COMPARE_WORSE},
        {VERDICT_PASS, VERDICT_FAIL, COMPARE_BETTER},
        {VERDICT_PASS, VERDICT_PASS, COMPARE_STILL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct drill was, is;
        good(&was);
        good(&is);
        was.v.verdict = rows[i].was;
        is.v.verdict = rows[i].is;
        is.phase.starts = (struct verdict_starts){.hung = 20};
        struct compare_item one = item(&was.v, COMPARE_TWIN);
        struct compare_item other = item(&is.v, COMPARE_TWIN);
        one.variant = other.variant = "retry-only";
        struct comparison *c = compare_items(&one, 1, &other, 1);
        cr_expect_eq(c->count, 1);
        expect_kind(c, "bad twin", rows[i].kind);
        comparison_free(c);
    }
}

/* Rounds are held against rounds of the same number; fewer rounds are told, and no regression. */
Test(compare, rounds)
{
    struct drill d, bad;
    good(&d);
    good(&bad);
    bad.v.verdict = VERDICT_FAIL;
    struct compare_item was[] = {item(&d.v, COMPARE_DRILL), item(&d.v, COMPARE_DRILL),
                                 item(&d.v, COMPARE_DRILL)};
    struct compare_item is[] = {item(&d.v, COMPARE_DRILL), item(&bad.v, COMPARE_DRILL)};
    was[1].round = is[1].round = 2;
    was[2].round = 3;
    struct comparison *c = compare_items(was, 3, is, 2);
    cr_expect_eq(c->kinds[COMPARE_WORSE], 1);
    cr_expect_eq(c->findings[0].round, 2);
    cr_expect_eq(c->kinds[COMPARE_NOT], 1);
    comparison_free(c);
}
