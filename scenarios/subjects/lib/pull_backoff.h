/* Exponential back-off with full jitter: a herd that failed together does not come back together.
 */
#ifndef PULLDRILL_SUBJECT_PULL_BACKOFF_H
#define PULLDRILL_SUBJECT_PULL_BACKOFF_H

#include <stdint.h>

struct pull_backoff {
    uint64_t base_ns;
    uint64_t max_ns;
};

/* The longest wait after the N-th failure (from 1): base doubled each time, at most max. */
uint64_t pull_backoff_ceiling(const struct pull_backoff *b, unsigned n);
/* Anywhere between nothing and the ceiling: UNIT is random in [0, 1). */
uint64_t pull_backoff_wait(const struct pull_backoff *b, unsigned n, double unit);
/* Sleeps through signals. */
void pull_backoff_sleep(uint64_t ns);

#endif
