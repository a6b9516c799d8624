/* What the files of verdict_compare share. Nothing outside includes this. */
#ifndef PULLDRILL_VERDICT_COMPARE_INTERNAL_H
#define PULLDRILL_VERDICT_COMPARE_INTERNAL_H

#include "harness/verdict/verdict_compare.h"

/* Two items under way: what findings are about. */
struct compare_pair {
    struct comparison *out;
    size_t cap; /* of the findings */
    const char *scenario, *variant;
    unsigned round;
};

/* Appends a finding; texts are copied, NULL is the empty one. A failure is the arena's. */
void compare_add(struct compare_pair *p, enum compare_kind kind, const char *what, const char *was,
                 const char *is, const char *why);
/* "outage: pulls", in the comparison's arena. */
const char *compare_text(struct compare_pair *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* verdict_compare_phases.c: starts, pulls, times and attempts, phase by phase. */
void compare_phases(struct compare_pair *p, const struct verdict *was, const struct verdict *is);

#endif
