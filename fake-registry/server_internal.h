/* What the files of the server share: listeners, lanes, connections, exchanges. Private to them. */
#ifndef PULLDRILL_FAKE_REGISTRY_SERVER_INTERNAL_H
#define PULLDRILL_FAKE_REGISTRY_SERVER_INTERNAL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#include "fake-registry/http.h"
#include "fake-registry/oci.h"
#include "fake-registry/server.h"
#include "fake-registry/wire.h"
#include "harness/base/buf.h"

/* Stated maxima. */
#define SERVER_MAX_REGISTRIES 64
#define SERVER_MAX_LANES 4096
#define SERVER_MAX_LISTENERS 65536
#define SERVER_HOST 80              /* "primary/blobs" and its NUL */
#define SERVER_AUTHORITY 320        /* a host name of 253 bytes and a port */
#define SERVER_READ 65536           /* bytes a recv may bring */
#define SERVER_INPUT 131072         /* bytes a connection keeps that were not yet looked at */
#define SERVER_TURN (1024 * 1024)   /* bytes one connection may write in a loop turn */
#define SERVER_REQUESTS_TURN 64     /* pipelined requests of one connection in a loop turn */
#define SERVER_ACCEPTS_TURN 256     /* connections one listener may bring in a loop turn */
#define SERVER_BODY (1024 * 1024)   /* bytes of a request body that are read past */
#define SERVER_LINGER_MS 1000       /* how long we read after our FIN */
#define SERVER_SPARE_EXCHANGES 1024 /* kept for reuse */
#define SERVER_ASKED_MAX 4096       /* different questions of one start that are told apart */

/* Why a listener does not listen; it listens again when no reason is left. */
enum refuse_reason { REFUSE_FAULT = 1, REFUSE_ALL = 2 };

struct registry {
    char name[SERVER_HOST];
    char actor[SERVER_HOST + 16]; /* "registry/primary" */
    struct server_registry is;    /* its name is the one above */
};

struct server_lane;

struct listener {
    struct server *server;
    const struct registry *registry;
    struct server_lane *lane;
    struct listener *next_in_lane;
    char host[SERVER_HOST];
    char address[INET6_ADDRSTRLEN + 16];
    char authority[SERVER_AUTHORITY]; /* what URLs to it say */
    uint16_t port;
    enum server_role role;
    struct tls_context *tls; /* NULL: plain HTTP */
    bool trusted;
    uv_poll_t poll;
    int fd;
    unsigned refused; /* of enum refuse_reason */
    bool paused;      /* no descriptor was left for its next connection */
};

/* How often the running start asked each question here: open addressing, grown by doubling. */
struct asked {
    struct asked_entry {
        uint64_t key;
        uint64_t count;
    } * entries;
    size_t cap;
    size_t len;
    uint64_t overflow; /* questions past the maximum are counted together */
};

struct connection;

struct server_lane {
    uint64_t number;
    uint64_t start; /* running; 0: none */
    bool ending;    /* within server_lane_end: what is read now came late */
    struct listener *listeners;
    struct connection *connections;
    struct asked asked;
};

/* One request and its answer, until the delivery is settled. */
struct exchange {
    struct exchange *next_spare;
    uint64_t ordinal;
    uint64_t start;
    bool late;
    struct oci_route route;
    uint64_t begun_ns; /* when the head was complete */
    uint64_t first_byte_ns;
    uint64_t end_ns;
    uint64_t request_body; /* bytes of it read past */
    struct wire_plan plan;
    bool planned;
    bool complete; /* every segment was carried out */
    size_t at;     /* the segment under way */
    uint64_t done; /* bytes of it handed to the kernel */
    uint64_t written;
    uint64_t rate;
    const struct fault_rule *acted[FAULT_MAX_DECISIONS + 1];
    size_t acted_count;
    const struct fault_rule *answer[FAULT_MAX_DECISIONS]; /* act once the head is begun */
    size_t answer_count;
    uint64_t altered_from; /* within the object, what really went out altered */
    uint64_t altered_to;
};

enum connection_state {
    CONNECTION_READING,   /* for a request, or for the rest of its body */
    CONNECTION_WRITING,   /* an answer, as fast as the peer takes it */
    CONNECTION_WAITING,   /* a delay, or the pace of a rate */
    CONNECTION_STALLED,   /* for a heal */
    CONNECTION_DRAINING,  /* a cut waits for the send queue */
    CONNECTION_LINGERING, /* our FIN is sent: read until the peer closes */
    CONNECTION_CLOSED,
};

struct connection {
    struct connection *prev; /* in its lane */
    struct connection *next;
    struct connection *watch_prev; /* among those whose send queue is watched */
    struct connection *watch_next;
    struct server *server;
    struct listener *listener;
    struct server_lane *lane;
    uv_poll_t poll;
    uv_timer_t timer;
    uint64_t id;
    uint64_t start;
    struct http_parser *parser;
    struct buf input;
    size_t ahead;              /* bytes taken that lie behind the request under way */
    struct exchange *exchange; /* under way or not settled; NULL between requests */
    uint64_t requests;
    uint64_t written;
    uint64_t deadline_ns; /* of a wait or a watched queue, by the history's clock */
    uint64_t progress_ms; /* when bytes last moved, by the loop's clock */
    const struct fault_rule *cut_rule;
    unsigned handles;
    int events; /* what POLL asks for */
    int fd;
    enum connection_state state;
    enum segment_kind cut; /* DRAINING: SEGMENT_FIN or SEGMENT_RST */
    bool watched;
    bool late;
    bool in_body; /* a request's head was read, its body not yet wholly */
    bool early;   /* bytes AHEAD had come before the last answer was wholly sent */
    bool peer_fin;
    bool fin_sent;
    bool undrained;    /* a cut came before the send queue was empty */
    bool settles_late; /* its kernel delays acknowledgements: asking at once is in vain */
    char peer[INET6_ADDRSTRLEN + 16];
    char client[INET6_ADDRSTRLEN];
};

struct server {
    uv_loop_t *loop;
    struct history *history;
    struct fault_engine *faults;
    struct server_limits limits;
    struct registry *registries[SERVER_MAX_REGISTRIES];
    int registry_count;
    struct server_lane **lanes;
    size_t lane_count;
    struct listener **listeners;
    size_t listener_count;
    size_t paused;
    bool refuse_all;
    bool closing;
    uv_timer_t tick;  /* looks at watched send queues */
    uv_timer_t sweep; /* closes idle connections, tries paused listeners */
    size_t handles;   /* open uv handles of all kinds */
    struct connection *watched;
    struct exchange *spare;
    size_t spare_count;
    uint64_t connection_ids;
    uint64_t ordinals;
    uint64_t open;
    void (*done)(void *data);
    void *done_data;
    char read[SERVER_READ];
};

/* server.c */
void server_handle_closed(struct server *s);

/* server_lane.c */
struct server_lane *server_lane_of(struct server *s, uint64_t number, struct err *e);
/* The n-th time, from 1, that the lane's start asks this. */
uint64_t server_lane_asked(struct server_lane *lane, const char *host,
                           const struct oci_route *route);
void server_lane_free(struct server_lane *lane);

/* listener.c */
void listener_close(struct listener *l);
/* Adds or takes away a reason to refuse. -1: it cannot listen again. */
int listener_refuse(struct listener *l, unsigned reason, bool on, struct err *e);
/* Takes what is in the accept queue, at most MAX connections. */
void listener_accept(struct listener *l, size_t max);
void listeners_resume(struct server *s);

/* connection.c */
void connection_open(struct listener *l, int fd, const struct sockaddr_storage *peer);
/* Takes what its socket holds, to EAGAIN or the end; the peer is known to be done (lane end). */
void connection_take_all(struct connection *c);
/* Goes on with what was read before, once an answer is written and settled. */
void connection_pump(struct connection *c);
/* Asks the loop for what the state waits for. */
void connection_update(struct connection *c);
/* The peer went first: by RST or by FIN. */
void connection_lost(struct connection *c, bool reset);
/* Ends the connection now. HOW is that of connection-close, END that of an answer under way. */
void connection_close(struct connection *c, const char *how, const char *end,
                      const struct fault_rule *rule);

/* connection_cut.c: send queue, settling, cuts */
/* Bytes, without our FIN, that the peer's kernel has not acknowledged. */
uint64_t connection_unacknowledged(const struct connection *c);
/* Emits the response of a complete exchange once its bytes are acknowledged (FORCE: whatever they
 * are); else has the queue watched. True where nothing is left to settle. */
bool connection_settle(struct connection *c, bool force);
/* Cuts by KIND once the send queue is empty. */
void connection_cut(struct connection *c, enum segment_kind kind, const struct fault_rule *rule);
/* Has the send queue looked at, each tick, until it is empty or the deadline has passed. */
void connection_watch(struct connection *c);
void connection_unwatch(struct connection *c);
/* FIN, then reading until the peer closes. */
void connection_linger(struct connection *c);

/* connection_write.c */
/* Carries out segments until blocked, waiting or done. */
void connection_run(struct connection *c);
void connection_timer(uv_timer_t *timer);
/* RULE was healed: what waits for it goes on. */
void connection_healed(struct connection *c, const struct fault_rule *rule);

/* exchange.c */
/* A request's head is complete (REQUEST), or broken beyond telling (NULL). -1: no memory. */
int exchange_begin(struct connection *c, const struct http_request *request);
/* Decides faults and plans the answer. -1: it cannot be answered. */
int exchange_answer(struct connection *c, const struct http_request *request);
/* Plans an error of our own, after which the connection closes. */
int exchange_refuse(struct connection *c, unsigned status, const char *why);
void exchange_acted(struct exchange *x, const struct fault_rule *rule);
/* Emits the response and gives the exchange back. */
void exchange_end(struct connection *c, const char *end, uint64_t unacknowledged);

#endif
