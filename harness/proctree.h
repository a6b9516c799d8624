/* The descendants of a process as /proc shows them, however detached. */
#ifndef PULLDRILL_PROCTREE_H
#define PULLDRILL_PROCTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "harness/base/err.h"

/* The most processes of the machine that one look takes in. */
#define PROCTREE_MAX 262144

struct proctree_process {
    pid_t pid;
    pid_t parent;
    bool alive; /* false: a zombie, which only waits to be reaped */
};

/* The processes below a root, which itself is not among them. */
struct proctree {
    struct proctree_process *process;
    size_t count;
};

/* Looks at /proc once. Whole subtrees below the EXCEPT_COUNT children in EXCEPT are left out. What
 * forks or dies during the look may be missed, so a killer looks again until nothing is left. */
int proctree_read(pid_t root, const pid_t *except, size_t except_count, struct proctree *out,
                  struct err *e);
void proctree_close(struct proctree *tree);
size_t proctree_alive(const struct proctree *tree);
/* SIGKILL to each of them, zombies too: a leader whose other threads live on looks like one. */
void proctree_kill(const struct proctree *tree);

#endif
