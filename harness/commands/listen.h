/* --listen ADDR[:PORT] and --advertise NAME: read, and held against the scenarios that run. Pure.
 */
#ifndef PULLDRILL_COMMANDS_LISTEN_H
#define PULLDRILL_COMMANDS_LISTEN_H

#include <stddef.h>

#include "harness/base/err.h"
#include "harness/commands/options.h"
#include "harness/plan.h"

/* "10.0.0.5", "10.0.0.5:8000", "fd00::1", "[fd00::1]:8000", into O. */
int listen_read(struct options *o, const char *text, struct err *e);
/* A host name or an address, as subjects are told it. */
int listen_read_name(struct options *o, const char *text, struct err *e);
/* Whether O fits the COUNT scenarios: listening elsewhere than on loopback must be asked for in
 * both places. */
int listen_check(const struct options *o, struct scenario *const *scenarios, size_t count,
                 struct err *e);
/* What a drill is told of it; borrows from O. */
struct plan_listen listen_of(const struct options *o);

#endif
