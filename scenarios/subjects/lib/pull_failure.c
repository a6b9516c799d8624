/* Kinds of failure. */
#include "scenarios/subjects/lib/pull_failure.h"

#include <stdarg.h>
#include <stdio.h>

int pull_fail(struct pull_failure *f, enum pull_failure_kind kind, const char *fmt, ...)
{
    va_list ap;

    f->kind = kind;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
    return -1;
}

enum pull_failure_kind pull_status_kind(long status, uint64_t retry_after_ns)
{
    if (status == 408 || status == 429 || retry_after_ns > 0)
        return PULL_LATER;
    return status < 500 ? PULL_REFUSES : PULL_BROKEN;
}
