/* Time: one monotonic clock for events, and wall-clock text for people. */
#ifndef PULLDRILL_BASE_CLOCK_H
#define PULLDRILL_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_NS_PER_MS UINT64_C(1000000)
#define CLOCK_NS_PER_S UINT64_C(1000000000)

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t clock_now_ns(void);
/* The wall clock as RFC 3339 in UTC with milliseconds, into TEXT. */
void clock_wall_text(char text[32]);

#endif
