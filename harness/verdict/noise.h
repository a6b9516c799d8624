/* What a difference between two results of the same drill means: chance, or a change. One rule, in
 * numbers and in words. Pure. */
#ifndef PULLDRILL_VERDICT_NOISE_H
#define PULLDRILL_VERDICT_NOISE_H

#include <stdint.h>

#include "harness/base/buf.h"

enum noise {
    NOISE_SAME,
    NOISE_WITHIN, /* a difference that chance explains */
    NOISE_WORSE,
    NOISE_BETTER,
};

/* PART of WHOLE starts, of which more is worse. */
struct noise_share {
    uint64_t part, whole;
};
enum noise noise_share(struct noise_share was, struct noise_share is);
/* The probability of at least IS.part, were both shares of the same starts. */
double noise_fisher(struct noise_share was, struct noise_share is);

/* A percentile of durations; LAG_NS is the larger of both drills' loop lag. */
enum noise noise_time(uint64_t was_ns, uint64_t is_ns, uint64_t lag_ns);
/* Fewer samples than this say nothing of the P-th percentile (50, 95 or 99). */
uint64_t noise_samples(unsigned p);

/* A mean of attempts per start. */
enum noise noise_mean(double was, double is);

/* The rule of `compare` in words, lines of at most 78 columns, each behind INDENT. */
void noise_rule(const char *indent, struct buf *out);

#endif
