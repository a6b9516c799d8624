/* Durations against thresholds, for the checks that time something. Only checks include it. */
#ifndef PULLDRILL_CHECKS_TIMES_H
#define PULLDRILL_CHECKS_TIMES_H

#include "harness/checks/common.h"

/* The parameters p50, p95, p99 and max, in this order, the first of a check's table. */
#define TIMES_PARAMS 4
extern const struct check_param times_params[TIMES_PARAMS];
/* At least one of them must be given. Fits `accept`. */
int times_accept(const struct check *c, struct doc_at at, struct err *e);

/* How long something took, and in which start. */
struct times {
    struct checks_list ns, start; /* side by side */
};
void times_add(struct check *c, struct times *t, uint64_t ns, uint64_t start);
/* Whether NS is over the check's `max`, which no other sample can make good. */
bool times_over_max(const struct check *c, uint64_t ns);
/* "p95 within 2s, max within 10s". */
#define TIMES_TEXT 256
void times_expected(const struct check *c, char text[TIMES_TEXT]);
/* Judges all thresholds of T, which is not empty, gives reasons, and writes what was measured into
 * TEXT. */
enum verdict_kind times_judge(struct check *c, const struct times *t, char text[TIMES_TEXT]);

#endif
