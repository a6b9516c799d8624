/* A server on a loop of its own, its events kept, and clients on raw sockets that drive that loop
 * while they wait. */
#ifndef PULLDRILL_TESTS_LIB_SERVER_BED_H
#define PULLDRILL_TESTS_LIB_SERVER_BED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "fake-registry/server.h"
#include "harness/base/buf.h"
#include "tests/lib/fault_rules.h"
#include "tests/lib/tls_peer.h"

#define BED_EVENTS 4096
/* What the registry "primary" holds as ci/agent: a manifest, a layer, a big one, one in a file. */
#define BED_MANIFEST 300
#define BED_LAYER 65536
#define BED_BIG (24 * 1024 * 1024)
#define BED_FILE 200000

/* The most descriptors of clients. */
#define BED_PEERS 16384

/* Whether beds that are opened from now on speak TLS: set before bed_open. */
extern bool bed_speaks_tls;
/* Whether they keep no events: for more of them than BED_EVENTS. */
extern bool bed_is_quiet;

struct bed_event {
    struct event ev; /* its strings lie in SCRATCH */
    struct buf scratch;
};

struct bed {
    uv_loop_t loop;
    struct history *history;
    struct fault_rules rules;
    struct store *store;
    struct content *manifest;
    struct content *layer;
    struct content *big;
    struct content *file;
    struct server *server;
    int registry;
    int listener;                     /* of "primary" on lane 1 */
    struct tls_authority *authority;  /* where the bed speaks TLS */
    struct tls_peer *peer[BED_PEERS]; /* by descriptor; NULL: plain */
    struct bed_event event[BED_EVENTS];
    size_t events;
    bool closed;
};

/* What a client got back. STATUS is 0 where no head came. */
struct bed_reply {
    struct buf bytes;
    unsigned status;
    size_t head_len;
    size_t body_len; /* of what came */
    bool eof;
    bool notified; /* TLS: close_notify came */
    int error;     /* errno of the recv that failed: ECONNRESET */
};

/* RULES as in fault_rules.h, none armed; NULL for none. LIMITS may be NULL. */
struct bed *bed_open(const char *rules, const struct server_limits *limits);
/* Closes the server; fails the test where the loop does not close. */
void bed_close(struct bed *b);

/* A client of the registry on lane 1 (or of LISTENER), connected at once; -1 with errno. */
int bed_connect(struct bed *b);
int bed_connect_to(struct bed *b, int listener);
/* The same with a TLS client of OPTIONS, as far into its handshake as it gets. */
int bed_connect_tls(struct bed *b, const struct tls_peer_options *options);
/* From now on the client on FD, which is connected, is a TLS client. */
void bed_shake(struct bed *b, int fd, const struct tls_peer_options *options);
/* The same without TLS, whatever the bed speaks. */
int bed_connect_plain(struct bed *b, int listener);
/* A plain client that has begun to connect, and may never get through. */
int bed_begin_connect(const struct bed *b, int listener);
void bed_send(struct bed *b, int fd, const char *text);
/* "GET /v2/ci/agent/manifests/stable" and so on, with Host, on HTTP/1.1. */
void bed_get(struct bed *b, int fd, const char *path);
void bed_get_blob(struct bed *b, int fd, const struct content *c, const char *more_headers);
/* Turns the loop until one whole answer, EOF or an error came. HEAD: no body is waited for. */
void bed_reply(struct bed *b, int fd, bool head, struct bed_reply *r);
/* The same, but to the end of the connection. */
void bed_reply_to_end(struct bed *b, int fd, struct bed_reply *r);
/* The same until N body bytes came. */
void bed_reply_some(struct bed *b, int fd, size_t n, struct bed_reply *r);
void bed_reply_close(struct bed_reply *r);
/* The client on FD asks for the manifest, and is given it. */
void bed_is_served(struct bed *b, int fd);
const char *bed_body(const struct bed_reply *r);

/* One turn of the loop, without waiting. */
void bed_turn(struct bed *b);
/* Turns the loop until the N-th event of TYPE is there, and returns it. */
const struct event *bed_wait(struct bed *b, enum event_type type, size_t n);
/* The N-th event of TYPE (from 1) so far; NULL. */
const struct event *bed_find(const struct bed *b, enum event_type type, size_t n);
size_t bed_count(const struct bed *b, enum event_type type);
/* Turns the loop until the server describes a connection with WHAT. */
void bed_until_it_says(struct bed *b, const char *what);
/* From now on whoever makes no progress for a moment is closed as idle. Set behind what has to be
 * done before: a limit from the outset would be a race with it. */
void bed_close_idle(struct bed *b);

void bed_arm(struct bed *b, const char *rule);
void bed_heal(struct bed *b, const char *rule);

#endif
