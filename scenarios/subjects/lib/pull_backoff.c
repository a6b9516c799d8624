/* Back-off with full jitter. */
#include "scenarios/subjects/lib/pull_backoff.h"

#include <errno.h>
#include <time.h>

#include "harness/base/clock.h"

uint64_t pull_backoff_ceiling(const struct pull_backoff *b, unsigned n)
{
    uint64_t ceiling = b->base_ns;

    for (unsigned i = 1; i < n && ceiling < b->max_ns; i++)
        ceiling = ceiling > b->max_ns / 2 ? b->max_ns : ceiling * 2;
    return ceiling < b->max_ns ? ceiling : b->max_ns;
}

uint64_t pull_backoff_wait(const struct pull_backoff *b, unsigned n, double unit)
{
    return (uint64_t)((double)pull_backoff_ceiling(b, n) * unit);
}

void pull_backoff_sleep(uint64_t ns)
{
    struct timespec left = {
        .tv_sec = (time_t)(ns / CLOCK_NS_PER_S),
        .tv_nsec = (long)(ns % CLOCK_NS_PER_S),
    };

    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        continue;
}
