/* Registries on real sockets: the only socket code. One loop, any number of registries and lanes.
 */
#ifndef PULLDRILL_FAKE_REGISTRY_SERVER_H
#define PULLDRILL_FAKE_REGISTRY_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "fake-registry/oci.h"
#include "fake-registry/store.h"
#include "faults/engine.h"
#include "harness/base/err.h"
#include "harness/history/history.h"

struct server;
struct auth;        /* fake-registry/auth.h */
struct tls_context; /* fake-registry/tls.h */

/* Limits of every connection; zero takes the default in brackets. */
struct server_limits {
    uint64_t idle_ms;         /* without a request or progress [75,000] */
    uint64_t drain_ms;        /* for the send queue before a cut [1,000] */
    uint64_t max_connections; /* in the server [20,000] */
};

struct server_config {
    uv_loop_t *loop;
    struct history *history;
    struct fault_engine *faults;
    struct server_limits limits;
};

/* Everything in CONFIG is borrowed and outlives the server. */
struct server *server_new(const struct server_config *config, struct err *e);
/* Why the server could not do as it should (no memory, no descriptors), the first time; no error
 * where it could. What clients saw of it is no fault of a scenario. */
const struct err *server_trouble(const struct server *s);
/* Closes all sockets; asynchronous: DONE is called once every handle is closed and S is freed. */
void server_close(struct server *s, void (*done)(void *data), void *data);

/* A registry by its role name. Everything is borrowed and outlives the server. */
struct server_registry {
    const char *name;
    struct store *store; /* writes change it */
    struct oci_rules rules;
    struct auth *auth;   /* what it asks of clients; NULL: nothing */
    bool redirect_blobs; /* blob GETs are sent to its SERVER_BLOBS listener of the same lane */
};
/* Returns its index; -1 on failure. */
int server_add_registry(struct server *s, const struct server_registry *registry, struct err *e);

/* What a listener answers as. */
enum server_role {
    SERVER_REGISTRY, /* the distribution API; the token realm too, where it has no host of its own
                      */
    SERVER_TOKEN,    /* "primary/token": the realm of its tokens on a host of its own */
    SERVER_BLOBS,    /* "primary/blobs": what its blob GETs are redirected to */
    SERVER_TO_HTTPS, /* port 80 of a host that speaks TLS: sends everything to https:// */
    SERVER_PROXY,    /* leads to registries by their names: server_listen_proxy */
};

/* How to listen. Strings are copied, the context is borrowed. */
struct server_listen {
    int registry;
    enum server_role role;
    enum server_role of; /* with SERVER_TO_HTTPS: what the host answers as behind TLS */
    uint64_t lane;
    struct tls_context *tls; /* NULL: plain HTTP */
    const char *authority;   /* what URLs to it say: "quay.io", "vm-host:0" (0: the port that was
                                found free); NULL: address:port */
    bool trusted;            /* the harness's own lane: no credentials are asked */
    /* Of an adopted listener in a network namespace of its own: a TCP socket made there, neither
     * bound nor connected, which a black hole fills its queue with; taken over on success, like the
     * listener. 0: the server makes one where it is itself. */
    int filler;
};
/* Opens a listener: its HOST, the target that faults match, is the registry's name, with "/token"
 * or "/blobs" behind it by role (by OF, where everything is sent to https://). ADDRESS is numeric;
 * PORT 0 takes a free one. Returns the listener's index, -1 on failure. */
int server_listen(struct server *s, const struct server_listen *how, const char *address,
                  uint16_t port, struct err *e);
/* The same for a bound socket made elsewhere (a lane's own network namespace), listening or not; FD
 * is taken over on success. */
int server_adopt(struct server *s, const struct server_listen *how, int fd, struct err *e);

/* Where a proxy leads: a connection to NAME:PORT goes on as one to a listener like TO. */
struct server_proxy_target {
    const char *name; /* a host name or a numeric address, lower case, no final dot; copied */
    uint16_t port;
    struct server_listen to;
};
/* The most targets a proxy has. */
#define SERVER_MAX_TARGETS 1024
/* Opens a proxy for LANE: CONNECT, and plain requests in absolute form (RFC 9110 section 9.3.6, RFC
 * 9112 section 3.2.2). A connection through it becomes one to its target, on the same socket. What
 * it has no target for is refused and recorded as a lookup. Faults and server_refuse_all act on the
 * targets: the proxy then answers 502 and never goes away itself. Returns the index of its
 * listener, -1 on failure. */
int server_listen_proxy(struct server *s, uint64_t lane, const struct server_proxy_target *targets,
                        size_t count, const char *address, uint16_t port, struct err *e);

uint16_t server_port(const struct server *s, int listener);
/* "127.3.1.1:40123" */
const char *server_address(const struct server *s, int listener);

/* The start now running on LANE (0: none). Requests and connections are labelled with it. */
void server_lane_begin(struct server *s, uint64_t lane, uint64_t start);
/* The start on LANE is over and its processes are dead: takes what its sockets still hold, ends the
 * connections whose peer is gone, settles deliveries, drains the accept queue (recorded as late).
 * With CLOSE_ALL, connections that are still open are closed too. Synchronous. */
void server_lane_end(struct server *s, uint64_t lane, bool close_all);

/* Tells the server that RULE was armed (its `existing` is applied, listeners are closed where it
 * refuses) or healed (delays and stalls end, listeners reopen on the same port). The engine has
 * been told already. -1: a listener could not be reopened. */
int server_fault_armed(struct server *s, const struct fault_rule *rule, struct err *e);
int server_fault_healed(struct server *s, const struct fault_rule *rule, struct err *e);

/* Every listener of every lane refuses (the control start) or listens again. */
int server_refuse_all(struct server *s, bool refuse, struct err *e);
/* Lets nobody in any more, and closes the connections that have nothing under way. How many have:
 * called again until there are none, or until patience ends; then server_close. */
size_t server_stop(struct server *s);
/* How many listeners do not listen now. */
size_t server_refusing(const struct server *s);

struct server_totals {
    uint64_t connections;
    uint64_t requests;
    uint64_t open;    /* connections open now */
    uint64_t stalled; /* of those, waiting for a heal */
};
struct server_totals server_totals(const struct server *s);
/* What each open connection waits for, one line each, at most SIZE bytes: for a drill cut short. */
void server_describe(const struct server *s, char *text, size_t size);

#endif
