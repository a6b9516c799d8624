/* The fault network-late on a lane: no network for the first stretch of a start. */
#ifndef PULLDRILL_SERVICES_NETWORK_LATE_H
#define PULLDRILL_SERVICES_NETWORK_LATE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "faults/engine.h"
#include "harness/base/err.h"
#include "harness/history/history.h"

struct network_late;

/* Everything is borrowed and outlives it. */
struct network_late_config {
    uv_loop_t *loop;
    struct history *history;
    struct fault_engine *faults;
    const char *subject; /* whose machine the lane is: what the fault is `on` */
    uint64_t lane;
    /* Takes the lane's network down or brings it up; -1: it could not. */
    int (*set)(void *data, bool up, struct err *e);
    void *data;
};

struct network_late *network_late_new(const struct network_late_config *config, struct err *e);

/* A start begins on the lane, before its command: decides, and takes the network down until its
 * time is up. Only the first decision of a start counts. -1: the network could not be taken down.
 */
int network_late_begin(struct network_late *l, uint64_t start, struct err *e);
/* The start is over: the network is up again, whatever was left of the time. */
int network_late_end(struct network_late *l, struct err *e);
/* RULE was healed (the engine has been told): the network comes back at once where it waits for it.
 */
int network_late_healed(struct network_late *l, const struct fault_rule *rule, struct err *e);

/* Asynchronous: DONE(DATA) is called once its handle is closed and L is freed. DONE may be NULL.
 * The network is left as it is. */
void network_late_close(struct network_late *l, void (*done)(void *data), void *data);

#endif
