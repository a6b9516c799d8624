/* Why one attempt failed, in the few kinds that decide what is done next. */
#ifndef PULLDRILL_SUBJECT_PULL_FAILURE_H
#define PULLDRILL_SUBJECT_PULL_FAILURE_H

#include <stdint.h>

enum pull_failure_kind {
    PULL_FINE = 0,
    PULL_REFUSES, /* a 4xx: this registry has answered, asking again cannot help */
    PULL_LATER,   /* 408, 429, or a Retry-After: it asks us to come back, not to come at once */
    PULL_SLOW,    /* a time-out: one more would cost as much again */
    PULL_BROKEN,  /* a 5xx, a refusal, a reset, a cut, wrong bytes: found out quickly */
    PULL_FATAL,   /* our own disk, memory or deadline: no registry can help */
};

struct pull_failure {
    enum pull_failure_kind kind;
    uint64_t retry_after_ns; /* 0: the registry did not say */
    char text[240];          /* for people: "404 MANIFEST_UNKNOWN", "connection refused" */
};

/* Sets F (whatever it held before) and returns -1. */
int pull_fail(struct pull_failure *f, enum pull_failure_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The kind of an HTTP status of 400 and above. */
enum pull_failure_kind pull_status_kind(long status, uint64_t retry_after_ns);

#endif
