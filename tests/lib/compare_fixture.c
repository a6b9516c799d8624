/* Drills to be held against each other, and what is said of them. */
#include "tests/lib/compare_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

void compare_good(struct compare_drill *d)
{
    *d = (struct compare_drill){
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

struct compare_item compare_one(const struct verdict *v, enum compare_role role)
{
    return (struct compare_item){
        .scenario = "s", .variant = "", .role = role, .round = 1, .verdict = v};
}

struct comparison *compare_items(const struct compare_item *was, size_t was_count,
                                 const struct compare_item *is, size_t is_count)
{
    struct err e = {0};
    const struct compare_side sides[] = {{was, was_count}, {is, is_count}};
    struct comparison *c = verdict_compare(&sides[0], &sides[1], &e);
    cr_assert_not_null(c, "%s", e.text);
    return c;
}

struct comparison *compare_drills(const struct compare_drill *was, const struct compare_drill *is)
{
    struct compare_item one = compare_one(&was->v, COMPARE_DRILL);
    struct compare_item other = compare_one(&is->v, COMPARE_DRILL);
    return compare_items(&one, 1, &other, 1);
}

const struct compare_finding *compare_find(const struct comparison *c, const char *what)
{
    for (size_t i = 0; i < c->count; i++) {
        if (strcmp(c->findings[i].what, what) == 0) {
            return &c->findings[i];
        }
    }
    cr_assert_fail("nothing is said of %s", what);
    return NULL;
}

void compare_expect(const struct comparison *c, const char *what, enum compare_kind kind)
{
    const struct compare_finding *f = compare_find(c, what);
    cr_expect_eq(f->kind, kind, "%s: %s (%s -> %s; %s)", what, compare_kind_name(f->kind), f->was,
                 f->is, f->why);
}
