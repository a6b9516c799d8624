/* The name server of a lane: answers the names that registries play, refuses all others, and
 * records who asked for what. */
#ifndef PULLDRILL_SERVICES_DNS_H
#define PULLDRILL_SERVICES_DNS_H

#include <stdint.h>
#include <uv.h>

#include "faults/engine.h"
#include "harness/base/err.h"
#include "harness/history/history.h"
#include "harness/names.h"
#include "harness/plan.h"

struct dns_server;

/* Everything is borrowed and outlives the server, but for the descriptors. */
struct dns_config {
    uv_loop_t *loop;
    struct history *history;
    struct fault_engine *faults;
    const struct plan *plan;   /* what its registries are called */
    const struct names *names; /* which names they play */
    uint64_t lane;
    int udp_fd; /* both bound to port 53 of the lane's own name server, TCP listening or not; */
    int tcp_fd; /* taken over on success, made non-blocking */
};

/* Answers from now on. NULL: E says why, and the descriptors stay the caller's. */
struct dns_server *dns_server_new(const struct dns_config *config, struct err *e);

/* The start now running on the lane: lookups are labelled with it, and counted afresh. */
void dns_server_begin(struct dns_server *s, uint64_t start);
/* The start is over and its processes are dead: what its sockets still hold is taken, recorded and
 * dropped with every answer that waits. Synchronous. */
void dns_server_end(struct dns_server *s);

/* RULE was healed (the engine has been told): answers that wait for it go out now. */
void dns_server_healed(struct dns_server *s, const struct fault_rule *rule);

/* Closes all; asynchronous: DONE(DATA) is called once every handle is closed and S is freed. DONE
 * may be NULL. */
void dns_server_close(struct dns_server *s, void (*done)(void *data), void *data);

#endif
