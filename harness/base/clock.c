/* Reading the clocks. */
#include "harness/base/clock.h"

#include <stdio.h>
#include <time.h>

uint64_t clock_now_ns(void)
{
    struct timespec now = {0};

    /* CLOCK_MONOTONIC cannot be refused on Linux. */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec;
}

void clock_wall_text(char text[32])
{
    struct timespec now = {0};
    struct tm parts = {0};
    size_t len;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &parts);
    len = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(text + len, 32 - len, ".%03uZ", (unsigned)(now.tv_nsec / 1000000) % 1000);
}
