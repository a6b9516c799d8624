/* Drills to be held against each other, and what is said of them. */
#ifndef PULLDRILL_TESTS_LIB_COMPARE_FIXTURE_H
#define PULLDRILL_TESTS_LIB_COMPARE_FIXTURE_H

#include "harness/verdict/verdict_compare.h"

#define MS UINT64_C(1000000)

/* A drill of one phase of 20 starts that all worked, from the primary alone, and two checks. */
struct compare_drill {
    struct verdict v;
    struct verdict_check checks[2];
    struct verdict_phase phase;
    struct verdict_fault fault;
    struct verdict_registry registry;
    uint64_t attempts, failed;
};

void compare_good(struct compare_drill *d);

/* V as a drill of scenario "s", or what ROLE says. */
struct compare_item compare_one(const struct verdict *v, enum compare_role role);

/* Each ends the test where there is no memory; comparison_free it. */
struct comparison *compare_items(const struct compare_item *was, size_t was_count,
                                 const struct compare_item *is, size_t is_count);
struct comparison *compare_drills(const struct compare_drill *was, const struct compare_drill *is);

/* The finding about WHAT; ends the test where there is none. */
const struct compare_finding *compare_find(const struct comparison *c, const char *what);
/* Fails the test where the finding about WHAT is not KIND. */
void compare_expect(const struct comparison *c, const char *what, enum compare_kind kind);

#endif
