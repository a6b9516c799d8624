/* Two results held against each other: what is a regression, what is not, what cannot be said. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/compare_fixture.h"

/* ---- verdicts and checks ------------------------------------------------------------------- */

/* A result held against itself is the same throughout. */
Test(compare, with_itself)
{
    struct compare_drill d;
    compare_good(&d);
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
        struct compare_drill was, is;
        compare_good(&was);
        compare_good(&is);
        was.v.verdict = was.checks[0].verdict = rows[i].was;
        is.v.verdict = is.checks[0].verdict = rows[i].is;
        struct comparison *c = compare_drills(&was, &is);
        compare_expect(c, "verdict", rows[i].kind);
        compare_expect(c, "check one", rows[i].kind);
        compare_expect(c, "check two", COMPARE_SAME);
        comparison_free(c);
    }
}

/* A check that was judged and no longer is, or is gone, is a regression; a new one is told. */
Test(compare, checks_that_come_and_go)
{
    struct compare_drill was, is;
    compare_good(&was);
    compare_good(&is);
    is.checks[0].judged = false;
    is.checks[0].verdict = VERDICT_INCONCLUSIVE;
    is.checks[1].name = "three";
    struct comparison *c = compare_drills(&was, &is);
    compare_expect(c, "check one", COMPARE_WORSE);
    cr_expect_str_eq(compare_find(c, "check one")->is, "not judged");
    cr_expect_str_eq(compare_find(c, "check one")->why, "no longer tested");
    compare_expect(c, "check two", COMPARE_WORSE);
    cr_expect_str_eq(compare_find(c, "check two")->is, "missing");
    compare_expect(c, "check three", COMPARE_NEW);
    comparison_free(c);
    c = compare_drills(&is, &was);
    compare_expect(c, "check one", COMPARE_BETTER);
    compare_expect(c, "check two", COMPARE_NEW);
    comparison_free(c);
    c = compare_drills(&is, &is);
    compare_expect(c, "check one", COMPARE_STILL);
    comparison_free(c);
}

/* ---- scenarios, twins, rounds -------------------------------------------------------------- */

/* A scenario that is gone is a regression, unless it was skipped; a new one is told. */
Test(compare, scenarios_that_come_and_go)
{
    struct compare_drill d, skipped;
    compare_good(&d);
    compare_good(&skipped);
    skipped.v.verdict = VERDICT_SKIPPED;
    struct compare_item was[] = {compare_one(&d.v, COMPARE_DRILL),
                                 compare_one(&skipped.v, COMPARE_DRILL)};
    struct compare_item is = compare_one(&d.v, COMPARE_DRILL);
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
        struct compare_drill was, is;
        compare_good(&was);
        compare_good(&is);
        was.v.verdict = rows[i].was;
        is.v.verdict = rows[i].is;
        is.phase.starts = (struct verdict_starts){.hung = 20};
        struct compare_item one = compare_one(&was.v, COMPARE_TWIN);
        struct compare_item other = compare_one(&is.v, COMPARE_TWIN);
        one.variant = other.variant = "retry-only";
        struct comparison *c = compare_items(&one, 1, &other, 1);
        cr_expect_eq(c->count, 1);
        compare_expect(c, "bad twin", rows[i].kind);
        comparison_free(c);
    }
}

/* Rounds are held against rounds of the same number; fewer rounds are told, and no regression. */
Test(compare, rounds)
{
    struct compare_drill d, bad;
    compare_good(&d);
    compare_good(&bad);
    bad.v.verdict = VERDICT_FAIL;
    struct compare_item was[] = {compare_one(&d.v, COMPARE_DRILL), compare_one(&d.v, COMPARE_DRILL),
                                 compare_one(&d.v, COMPARE_DRILL)};
    struct compare_item is[] = {compare_one(&d.v, COMPARE_DRILL),
                                compare_one(&bad.v, COMPARE_DRILL)};
    was[1].round = is[1].round = 2;
    was[2].round = 3;
    struct comparison *c = compare_items(was, 3, is, 2);
    cr_expect_eq(c->kinds[COMPARE_WORSE], 1);
    cr_expect_eq(c->findings[0].round, 2);
    cr_expect_eq(c->kinds[COMPARE_NOT], 1);
    comparison_free(c);
}
