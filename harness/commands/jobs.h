/* A pool of processes of our own: each does one numbered job, so many at a time. */
#ifndef PULLDRILL_COMMANDS_JOBS_H
#define PULLDRILL_COMMANDS_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"

#define JOBS_MAX 64

struct jobs_work {
    void *data;
    unsigned at_once; /* 1 to JOBS_MAX */
    uint64_t tick_ns; /* how often TICK is called at least while jobs run; 0: never */
    /* 1: *NUMBER is to be begun; 0: there is nothing more; -1: E says why all is to end. */
    int (*next)(void *data, size_t *number, struct err *e);
    /* In a process of its own, forked and not executed; returns its exit status. SIGINT and SIGTERM
     * are blocked there if they were when jobs_run was called. */
    int (*child)(void *data, size_t number);
    /* STATUS is that of waitpid. TROUBLE: why no process could be begun (STATUS is then 0), else
     * NULL. -1: E says why all is to end. */
    int (*ended)(void *data, size_t number, int status, const char *trouble, struct err *e);
    /* RESUMED: the invocation had been stopped, and what stood on the terminal no longer does. */
    void (*tick)(void *data, bool resumed);
};

/* Does all that NEXT names. SIGINT and SIGTERM are passed on to what runs, nothing more is begun,
 * and all are waited for; *SIGNUM says which it was (0: none). Children end (SIGTERM) when this
 * process is gone. -1: E says why; what ran has been ended. */
int jobs_run(const struct jobs_work *work, int *signum, struct err *e);

#endif
