/* Several scenarios side by side: each a process of its own, `run --part`. */
#ifndef PULLDRILL_COMMANDS_PARTS_H
#define PULLDRILL_COMMANDS_PARTS_H

#include "harness/commands/options.h"
#include "harness/commands/select.h"
#include "harness/verdict/verdict.h"

/* Runs every scenario of S, at most O->jobs at a time, and reads each journal as it is finished;
 * DONE sees each verdict, in the order of S (a finished one waits for those before it), and owns
 * none. LIST receives them in that order. SIGINT and SIGTERM are passed on, and all are waited for.
 * -1: E says why; what ran has been stopped. */
int parts_run(const struct options *o, const struct selection *s, struct verdict_list *list,
              void (*done)(void *data, const struct verdict *v), void *data, struct err *e);

#endif
