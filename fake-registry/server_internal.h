/* What the files of the server share: listeners, lanes, connections, exchanges. Private to them. */
#ifndef PULLDRILL_FAKE_REGISTRY_SERVER_INTERNAL_H
#define PULLDRILL_FAKE_REGISTRY_SERVER_INTERNAL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <uv.h>

#include "fake-registry/http.h"
#include "fake-registry/oci.h"
#include "fake-registry/redirect.h"
#include "fake-registry/server.h"
#include "fake-registry/tls.h"
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
#define SERVER_TURN_ALL (8 << 20)   /* bytes that all may, but for SERVER_TURN_LEAST each */
#define SERVER_TURN_LEAST 16384     /* bytes each of them may in any case */
#define SERVER_REQUESTS_TURN 64     /* pipelined requests of one connection in a loop turn */
#define SERVER_ACCEPTS_TURN 256     /* connections one listener may bring in a loop turn */
#define SERVER_BODY (1024 * 1024)   /* bytes of a request body that are read past */
#define SERVER_LINGER_MS 1000       /* how long we read after our FIN */
#define SERVER_SPARE_EXCHANGES 1024 /* kept for reuse */
#define SERVER_SPARE_PARSERS 64
#define SERVER_ASKED_MAX 4096 /* different questions of one start that are told apart */

/* Why a listener does not listen; it listens again when no reason is left. */
enum refuse_reason { REFUSE_FAULT = 1, REFUSE_ALL = 2, REFUSE_HOLE = 4 };
/* What it does instead: a black hole swallows, every other reason refuses, and goes first. */
enum listener_mode { LISTENER_LISTENS, LISTENER_REFUSES, LISTENER_SWALLOWS };

struct registry {
    char name[SERVER_HOST];
    char actor[SERVER_HOST + 16]; /* "registry/primary" */
    struct server_registry is;    /* its name is the one above */
};

struct server_lane;

/* A proxy's way on: to a listener that has no socket of its own. */
struct proxy_target {
    char name[SERVER_AUTHORITY];
    uint16_t port;
    struct listener *to;
};

/* Where connections come in, or (behind a proxy) what they are let through to: then FD is -1. */
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
    enum listener_mode mode;
    int filler; /* of a black hole's queue; -1: none */
    bool filler_given;
    bool filled;                  /* the filler stands in the queue */
    bool paused;                  /* no descriptor was left for its next connection */
    struct proxy_target *targets; /* of a proxy, which answers for no registry; else NULL */
    size_t target_count;
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

/* exchange_internal.h */
struct exchange;
struct exchange_write;

enum connection_state {
    CONNECTION_SHAKING,   /* a TLS handshake under way */
    CONNECTION_READING,   /* for a request, or for the rest of its body */
    CONNECTION_STORING,   /* for the thread pool to carry out what was asked */
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
    struct listener *proxy;  /* it came by this one, and still speaks to it; else NULL */
    struct listener *tunnel; /* what a CONNECT asks for, until it is answered */
    uv_poll_t poll;
    uv_timer_t timer;
    uint64_t id;
    uint64_t start;
    struct http_parser *parser; /* NULL between requests */
    struct tls_session *tls;    /* NULL: plain HTTP */
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
    bool told;             /* its opening is in the history: it is one to a registry */
    bool watched;
    bool late;
    bool in_body; /* a request's head was read, its body not yet wholly */
    bool early;   /* bytes AHEAD had come before the last answer was wholly sent */
    bool peer_fin;
    bool shook;                        /* TLS: anything came */
    const struct fault_rule *tls_rule; /* that met the handshake; NULL */
    bool notified; /* TLS: the peer will write no more, but has not closed yet */
    bool unsaid;   /* TLS: our close_notify waits for the peer to close first */
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
    bool asks; /* some registry asks for a credential */
    unsigned char redirect_key[REDIRECT_KEY];
    uv_timer_t tick;  /* looks at watched send queues */
    uv_timer_t sweep; /* closes idle connections, tries paused listeners */
    size_t handles;   /* open uv handles of all kinds */
    struct connection *watched;
    struct exchange *spare;
    size_t spare_count;
    struct http_parser *spare_parser[SERVER_SPARE_PARSERS];
    size_t spare_parsers;
    uint64_t turn_ms;   /* when the turn under way began, by the loop's clock */
    uint64_t turn_left; /* of SERVER_TURN_ALL */
    uint64_t connection_ids;
    uint64_t ordinals;
    uint64_t open;
    void (*done)(void *data);
    void *done_data;
    struct err trouble;
    char read[SERVER_READ];
    char record[TLS_RECORD]; /* plaintext on its way into one */
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
/* The reasons that armed faults give L, and all that faults can give. */
#define REFUSE_FAULTS (REFUSE_FAULT | REFUSE_HOLE)
unsigned listener_faults(const struct listener *l);
/* Takes what is in the accept queue, at most MAX connections. */
void listener_accept(struct listener *l, size_t max);
void listeners_resume(struct server *s);

/* Memory of L, and its place among the server's listeners, for a listener of HOW; NULL: E. */
struct listener *listener_new(struct server *s, const struct server_listen *how, struct err *e);
/* Takes L in, refusing from the outset where everything refuses or a fault holds its port. */
void listener_install(struct listener *l);

/* listener_hole.c */
/* Has L, which listens on BACKLOG, swallow connections from now on. */
int listener_hole_open(struct listener *l, int backlog, struct err *e);
/* Takes the filler out of the queue; L listens on a backlog of 0 until it is told otherwise. */
void listener_hole_close(struct listener *l);
bool listener_is_filler(const struct listener *l, const struct sockaddr_storage *peer);
/* L is closed: so is its filler. */
void listener_hole_forget(struct listener *l);

/* connection_hold.c */
/* Whether C hangs because its host is a black hole. */
bool connection_held(const struct connection *c);
/* The lane's processes are dead: C ends if its peer is gone. */
void connection_held_end(struct connection *c);
/* The black hole is healed. */
void connection_release(struct connection *c);

/* listener_proxy.c */
/* What the proxy L leads to under NAME:PORT; NULL: nothing. *PLAYER is whose name it is, on
 * whatever port; NULL: nobody's. */
struct listener *listener_proxy_target(const struct listener *l, const char *name, uint16_t port,
                                       const struct registry **player);

/* connection_proxy.c: what a connection says to a proxy before it is one to a registry */
/* A head has come. True where it is a request of the registry that C now is a connection to. */
bool connection_proxied(struct connection *c, const struct http_request *request);
/* The whole CONNECT has come: C becomes a connection to what it asks for. */
void connection_tunnel(struct connection *c);
/* Bytes that came at once behind a CONNECT are the tunnel's: TLS is given them. */
void connection_tunnel_rest(struct connection *c);
/* What it says is no HTTP, or too much of it. */
void connection_proxy_broken(struct connection *c, unsigned status, const char *why);

/* connection.c */
/* Tells the history that C is, or no longer is, a connection to its listener's registry. */
void connection_tell_open(struct connection *c);
void connection_tell_close(struct connection *c, const char *how, uint64_t unacknowledged,
                           const struct fault_rule *rule);
void connection_open(struct listener *l, int fd, const struct sockaddr_storage *peer);
/* Looks at LEN bytes of plaintext that have come, and keeps what is not their turn. */
void connection_take(struct connection *c, const char *data, size_t len);
/* Takes what its socket holds, to EAGAIN or the end; the peer is known to be done (lane end). */
void connection_take_all(struct connection *c);
/* Goes on with what was read before, once an answer is written and settled. */
void connection_pump(struct connection *c);
/* Asks the loop for what the state waits for. */
void connection_update(struct connection *c);
/* The peer went first: by RST or by FIN. */
void connection_lost(struct connection *c, bool reset);
/* What C was STORING is done: its answer is planned (RESULT 0), or cannot be. */
void connection_stored(struct connection *c, int result);
/* The harness itself fails C: it is closed, and WHAT becomes the server's trouble. */
void connection_fail(struct connection *c, const char *what);
/* Ends the connection now. HOW is that of connection-close, END that of an answer under way. */
void connection_close(struct connection *c, const char *how, const char *end,
                      const struct fault_rule *rule);

/* connection_store.c */
struct storing;
/* Has the thread pool do JOB of W, C's write, or where that is NULL, read W's manifest; then that
 * goes on. NULL: it cannot. */
struct storing *connection_store(struct connection *c, struct store_job *job,
                                 struct exchange_write *w);
/* C has ended: the job goes on alone. */
void connection_store_leave(struct storing *s);

/* connection_request.c */
/* Acts on what the parser has found. */
void connection_request(struct connection *c, enum http_event event, const char *body,
                        size_t body_len);

/* connection_tls.c: only where TLS is not NULL, but for open and trouble */
bool connection_tls_open(struct connection *c);
/* Why TLS failed, in words; NULL where it did not. */
const char *connection_tls_trouble(const struct connection *c);
/* The client's first bytes came: lets faults meet the handshake. False where one has ended it. */
bool connection_tls_decide(struct connection *c);
/* The fault that kept the handshake from its end; NULL where none did. */
const char *connection_tls_fault(const struct connection *c);
/* RULE was healed: a handshake that it held goes on. */
void connection_tls_healed(struct connection *c, const struct fault_rule *rule);
/* LEN bytes of ciphertext came into the server's READ. */
void connection_tls_take(struct connection *c, size_t len);
/* Whether ciphertext waits to be sent. */
bool connection_tls_pending(const struct connection *c);
/* Sends it. False: not all of it now, or the connection is closed. */
bool connection_tls_flush(struct connection *c);
/* The socket takes bytes again: the same, and the FIN that waited for them. */
bool connection_tls_writable(struct connection *c);
/* Encrypts what is next of the answer, at most LIMIT bytes; like send. */
ssize_t connection_tls_send(struct connection *c, const struct segment *s, uint64_t limit);
/* The last answer is with the kernel: gives a peer that has read it some time to close first. Were
 * close_notify sent at once, a peer that closes without reading that far would reset the
 * connection, as if it had died with the answer unread. */
void connection_tls_leave(struct connection *c);
/* Says close_notify, if there is room for it. */
void connection_tls_shut(struct connection *c);
/* Gives a peer that has said close_notify, and waits, some time to close. */
void connection_tls_notified(struct connection *c);

/* connection_cut.c: send queue, settling, cuts */
/* Bytes of plaintext, without our FIN, that the peer's kernel has not acknowledged. */
uint64_t connection_unacknowledged(const struct connection *c);
/* Emits the response of a complete exchange once its bytes are acknowledged (FORCE: whatever they
 * are); else has the queue watched. True where nothing is left to settle. */
bool connection_settle(struct connection *c, bool force);
/* Cuts by KIND once the send queue is empty. */
void connection_cut(struct connection *c, enum segment_kind kind, const struct fault_rule *rule);
/* Has the send queue looked at, each tick, until it is empty or the deadline has passed. */
void connection_watch(struct connection *c);
void connection_unwatch(struct connection *c);
/* An orderly end, which TLS says first: FIN, then reading until the peer closes. */
void connection_linger(struct connection *c);
/* The FIN alone. */
void connection_fin(struct connection *c);

/* connection_write.c */
#define CONNECTION_VECTORS 16
/* Gathers the memory segments from the one under way on, at most LIMIT bytes. */
size_t connection_gather(const struct connection *c, struct iovec vector[CONNECTION_VECTORS],
                         uint64_t limit);
/* Whether the peer has sent more before the whole answer could have reached it: what it then asks
 * for is no sign that it has read the answer. */
bool connection_asks_ahead(const struct connection *c);
/* Carries out segments until blocked, waiting or done. */
void connection_run(struct connection *c);
void connection_timer(uv_timer_t *timer);
/* Goes on where it waits for a fault that was healed meanwhile. */
void connection_resume(struct connection *c);
/* RULE was healed: what waits for it goes on. */
void connection_healed(struct connection *c, const struct fault_rule *rule);

#endif
