/* Two results of the same drills held against each other: what is worse, what is not. Pure; which
 * difference counts is said by noise.h. */
#ifndef PULLDRILL_VERDICT_COMPARE_H
#define PULLDRILL_VERDICT_COMPARE_H

#include "harness/verdict/verdict.h"

/* Worst first: findings are listed in this order. */
enum compare_kind {
    COMPARE_WORSE, /* a regression */
    COMPARE_STILL, /* bad in both */
    COMPARE_NOT,   /* cannot be held against each other */
    COMPARE_BETTER,
    COMPARE_NEW,   /* only in NEW */
    COMPARE_NOISE, /* differs by no more than chance does */
    COMPARE_SAME,
    COMPARE_KINDS,
};
/* "worse", "still bad", "not comparable", "better", "new", "within noise", "same". */
const char *compare_kind_name(enum compare_kind kind);

enum compare_role {
    COMPARE_DRILL, /* of `run`, or of the good subject under `prove` */
    COMPARE_TWIN,  /* of a bad twin under `prove`: it is stopped once lost, so only whether it is
                      caught is compared */
    COMPARE_PROOF, /* what `prove` says of the scenario */
};

/* One verdict of a result. What has the same scenario, role, variant and round is compared. */
struct compare_item {
    const char *scenario; /* its folder's name */
    const char *variant;  /* of a twin; "" otherwise */
    enum compare_role role;
    unsigned round; /* from 1 */
    const struct verdict *verdict;
};
struct compare_side {
    const struct compare_item *items;
    size_t count;
};

/* Texts live as long as the comparison; none is NULL. */
struct compare_finding {
    enum compare_kind kind;
    const char *scenario;
    const char *variant;
    unsigned round;
    const char *what; /* "verdict", "check served-by", "outage: start time p95" */
    const char *was, *is;
    const char *why; /* "" where was and is say it all */
};
struct comparison {
    struct arena arena;
    struct compare_finding *findings; /* worst first, else in OLD's order */
    size_t count;
    size_t kinds[COMPARE_KINDS]; /* how many of each */
};

/* NULL: no memory. The verdicts may go away before the comparison does. */
struct comparison *verdict_compare(const struct compare_side *was, const struct compare_side *is,
                                   struct err *e);
void comparison_free(struct comparison *c);

#endif
