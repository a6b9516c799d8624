/* One connection: from accept, through any number of requests, to its end.
 *
 * Happy path: READING until a request is complete, WRITING until its answer is with the kernel
 * (connection_write.c), READING again; the delivery is settled on the way (connection_cut.c). One
 * recv brings a request and one sendmsg its answer, without asking the loop in between. Requests
 * that came early wait in INPUT, and are looked at once the answer before them is delivered. What a
 * request has the thread pool do is waited for in STORING, with its head kept by the parser.
 *
 * Failure modes: a peer that resets, or that closes while it is being delayed or stalled, has
 * abandoned its answer; one that closes its side while an answer is being written still gets it.
 * What is not HTTP, or too large, is answered and the connection ends. INPUT is bounded: past it
 * nothing is read. A connection is freed once both its handles are closed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/exchange_internal.h"

static void free_connection(struct connection *c)
{
    http_parser_free(c->parser);
    tls_session_free(c->tls);
    buf_close(&c->input);
    free(c);
}

static void on_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    struct server *s = c->server;
    if (--c->handles == 0) {
        free_connection(c);
    }
    server_handle_closed(s);
}

static void unlink_connection(struct connection *c)
{
    if (c->prev != NULL) {
        c->prev->next = c->next;
    } else {
        c->lane->connections = c->next;
    }
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
}

void connection_tell_close(struct connection *c, const char *how, uint64_t unacknowledged,
                           const struct fault_rule *rule)
{
    if (!c->told) {
        return;
    }
    c->told = false;
    struct event ev = {.type = EVENT_CONNECTION_CLOSE, .actor = c->listener->registry->actor};
    ev.close = (struct event_connection_close){
        .registry = c->listener->registry->name,
        .lane = c->lane->number,
        .start = c->start,
        .connection = c->id,
        .how = how,
        .requests = c->requests,
        .written = c->written,
        .delivered = c->written - (unacknowledged < c->written ? unacknowledged : c->written),
        .undrained = c->undrained,
        .fault = rule != NULL ? rule->name : connection_tls_fault(c),
        .tls = connection_tls_trouble(c)};
    (void)history_append(c->server->history, &ev);
}

/* With bytes still queued a plain close would let the kernel deliver on behind our accounts. */
static void close_socket(struct connection *c, bool reset)
{
    if (reset) {
        const struct linger linger = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
    (void)close(c->fd);
    c->fd = -1;
}

void connection_close(struct connection *c, const char *how, const char *end,
                      const struct fault_rule *rule)
{
    if (c->state == CONNECTION_CLOSED) {
        return;
    }
    uint64_t unacknowledged = connection_unacknowledged(c);
    if (c->exchange != NULL) {
        exchange_end(c, end, unacknowledged);
    }
    connection_tell_close(c, how, unacknowledged, rule);
    connection_unwatch(c);
    unlink_connection(c);
    c->state = CONNECTION_CLOSED;
    if (c->tls != NULL && unacknowledged == 0 && rule == NULL && !c->fin_sent &&
        (strcmp(how, "idle") == 0 || strcmp(how, "ours-fin") == 0)) {
        connection_tls_shut(c);
    }
    (void)uv_poll_stop(&c->poll);
    close_socket(c, unacknowledged > 0 || strcmp(how, "ours-rst") == 0);
    uv_close((uv_handle_t *)&c->poll, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
    c->server->open--;
    listeners_resume(c->server);
}

void connection_fail(struct connection *c, const char *what)
{
    (void)err_set(&c->server->trouble, ERR_NOMEM, "%s", what);
    connection_close(c, "limit", "harness", NULL);
}

/* A reset that our own farewell explains: a kernel also resets a connection that is closed with
 * nothing unread but a close_notify, and no client needs to read that. */
static bool farewell_unread(const struct connection *c)
{
    return c->tls != NULL && c->fin_sent && c->cut_rule == NULL;
}

void connection_lost(struct connection *c, bool reset)
{
    if (c->state == CONNECTION_LINGERING && (!reset || c->cut_rule != NULL || farewell_unread(c))) {
        bool theirs = c->notified && c->cut_rule == NULL;
        connection_close(c, theirs ? "peer-fin" : "ours-fin", "cut", c->cut_rule);
    } else {
        connection_close(c, reset ? "peer-rst" : "peer-fin", "abandoned", NULL);
    }
}

/* ---- requests ------------------------------------------------------------------------------ */

/* A parser is lent for as long as some of a request has come and is not answered: of thousands of
 * connections that are idle or stalled none needs one. */
static bool borrow_parser(struct connection *c)
{
    struct server *s = c->server;
    if (c->parser == NULL) {
        c->parser = s->spare_parsers > 0 ? s->spare_parser[--s->spare_parsers] : http_parser_new();
    }
    return c->parser != NULL;
}

static void return_parser(struct connection *c)
{
    struct server *s = c->server;
    if (c->parser == NULL || !http_parser_idle(c->parser)) {
        return;
    }
    if (s->spare_parsers < SERVER_SPARE_PARSERS) {
        s->spare_parser[s->spare_parsers++] = c->parser;
    } else {
        http_parser_free(c->parser);
    }
    c->parser = NULL;
}

/* Looks at DATA until it is used up, an answer has to wait, or it is others' turn. Returns how much
 * was used. */
static size_t consume(struct connection *c, const char *data, size_t len)
{
    size_t at = 0;
    unsigned turns = SERVER_REQUESTS_TURN;
    if (!borrow_parser(c)) {
        connection_fail(c, "no memory to read a request");
    }
    while (c->state == CONNECTION_READING) {
        if (!c->in_body && (at == len || !connection_settle(c, false) || turns-- == 0)) {
            break;
        }
        size_t used = 0;
        const char *body = NULL;
        size_t body_len = 0;
        enum http_event event =
            http_parser_feed(c->parser, data + at, len - at, &used, &body, &body_len);
        at += used;
        c->ahead = len - at;
        if (event == HTTP_MORE) {
            break;
        }
        connection_request(c, event, body, body_len);
    }
    return_parser(c);
    return at;
}

void connection_stored(struct connection *c, int result)
{
    http_parser_next(c->parser);
    return_parser(c);
    if (result != 0) {
        connection_fail(c, "no memory to answer a request");
        return;
    }
    if (c->state == CONNECTION_STORING) {
        c->state = CONNECTION_WRITING;
        if (!connection_held(c)) {
            connection_run(c);
            connection_pump(c);
        }
    }
    connection_update(c);
}

void connection_pump(struct connection *c)
{
    if (connection_held(c)) {
        return;
    }
    if (c->state == CONNECTION_READING && c->input.len > 0) {
        size_t used = consume(c, c->input.data, c->input.len);
        buf_consume(&c->input, used);
        c->ahead = c->input.len;
        connection_tunnel_rest(c);
    }
    if (c->state == CONNECTION_READING && c->peer_fin && c->exchange == NULL && c->input.len == 0) {
        connection_close(c, "peer-fin", "abandoned", NULL);
    } else if (c->notified) {
        connection_tls_notified(c);
    }
}

/* ---- reading ------------------------------------------------------------------------------- */

void connection_take(struct connection *c, const char *data, size_t len)
{
    size_t used = 0;
    c->progress_ms = uv_now(c->server->loop);
    if (c->state == CONNECTION_LINGERING) {
        return;
    }
    if (c->state == CONNECTION_READING && c->input.len == 0) {
        used = consume(c, data, len);
    }
    if (used < len && c->state != CONNECTION_CLOSED && c->state != CONNECTION_LINGERING) {
        buf_append(&c->input, data + used, len - used);
        c->ahead = c->input.len;
        if (c->input.failed) {
            connection_close(c, "limit", "harness", NULL);
            return;
        }
        connection_tunnel_rest(c);
    }
}

/* The peer closed its side. */
static void on_fin(struct connection *c)
{
    bool answering = c->exchange != NULL && c->exchange->planned;
    c->peer_fin = true;
    if (c->state == CONNECTION_WAITING || c->state == CONNECTION_STALLED ||
        c->state == CONNECTION_LINGERING || c->state == CONNECTION_SHAKING ||
        (c->state == CONNECTION_READING && !answering)) {
        connection_lost(c, false);
    } else if (c->state == CONNECTION_READING) {
        c->deadline_ns =
            history_now_ns(c->server->history) + c->server->limits.drain_ms * UINT64_C(1000000);
        if (connection_settle(c, false)) {
            connection_pump(c);
        }
    }
}

/* One recv. False where nothing came: not now, or nothing more ever. */
static bool take_some(struct connection *c)
{
    size_t room = c->input.len < SERVER_INPUT ? SERVER_INPUT - c->input.len : 0;
    size_t want = room < SERVER_READ ? room : SERVER_READ;
    if (want == 0) {
        return false;
    }
    ssize_t n = recv(c->fd, c->server->read, want, 0);
    if (n > 0 && c->tls != NULL) {
        connection_tls_take(c, (size_t)n);
    } else if (n > 0) {
        connection_take(c, c->server->read, (size_t)n);
    } else if (n == 0) {
        on_fin(c);
    } else if (errno != EAGAIN && errno != EINTR) {
        connection_lost(c, true);
    }
    return n > 0;
}

void connection_take_all(struct connection *c)
{
    if (connection_held(c)) {
        connection_held_end(c);
        return;
    }
    /* A peer that goes on sending is not done: it is left to the loop. */
    for (int i = 0; i < 64 && c->state != CONNECTION_CLOSED; i++) {
        if (c->state == CONNECTION_READING && !c->in_body && c->input.len > 0) {
            (void)connection_settle(c, true);
            connection_pump(c);
        }
        if (c->state == CONNECTION_CLOSED || !take_some(c)) {
            break;
        }
    }
    if (c->state != CONNECTION_CLOSED && c->peer_fin) {
        connection_lost(c, false);
    }
    connection_update(c);
}

/* The kernel reports an error on the socket: what came before it is still taken. */
static void on_error(struct connection *c)
{
    c->events = 0;
    for (int i = 0; i < 64 && c->state != CONNECTION_CLOSED && take_some(c); i++) {
    }
    connection_lost(c, true);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct connection *c = poll->data;
    if (connection_held(c)) {
        connection_lost(c, status < 0);
        return;
    }
    if (status < 0) {
        on_error(c);
        return;
    }
    if ((events & UV_WRITABLE) != 0 && (c->tls == NULL || connection_tls_writable(c))) {
        if (c->state == CONNECTION_WRITING) {
            connection_run(c);
        } else {
            connection_pump(c);
        }
    }
    if ((events & UV_READABLE) != 0 && c->state != CONNECTION_CLOSED) {
        (void)take_some(c);
    } else if ((events & UV_DISCONNECT) != 0 && c->state != CONNECTION_CLOSED) {
        on_fin(c);
    }
    connection_update(c);
}

static int wanted(const struct connection *c)
{
    if (connection_held(c)) {
        return c->peer_fin ? 0 : UV_DISCONNECT;
    }
    switch (c->state) {
    case CONNECTION_SHAKING:
        return UV_READABLE;
    case CONNECTION_READING:
        if (c->input.len > 0) {
            if (c->exchange == NULL || c->in_body) {
                return UV_WRITABLE;
            }
            return c->peer_fin ? 0 : UV_DISCONNECT; /* the answer before it is not settled */
        }
        return c->peer_fin ? 0 : UV_READABLE;
    case CONNECTION_WRITING:
        return UV_WRITABLE;
    case CONNECTION_WAITING:
    case CONNECTION_STALLED:
        if (c->exchange == NULL) {
            return UV_DISCONNECT; /* a handshake: its client waits for us */
        }
        return UV_DISCONNECT | (c->input.len < SERVER_INPUT ? UV_READABLE : 0);
    case CONNECTION_STORING:
        return c->peer_fin ? 0 : UV_DISCONNECT | (c->input.len < SERVER_INPUT ? UV_READABLE : 0);
    case CONNECTION_DRAINING:
        return c->peer_fin ? 0 : UV_DISCONNECT;
    case CONNECTION_LINGERING:
        return UV_READABLE;
    case CONNECTION_CLOSED:
        break;
    }
    return 0;
}

void connection_update(struct connection *c)
{
    int events = c->state != CONNECTION_CLOSED ? wanted(c) : c->events;
    if (c->tls != NULL && c->state != CONNECTION_CLOSED && !connection_held(c) &&
        connection_tls_pending(c)) {
        events |= UV_WRITABLE;
    }
    if (events == c->events) {
        return;
    }
    c->events = events;
    if (events == 0) {
        (void)uv_poll_stop(&c->poll);
    } else if (uv_poll_start(&c->poll, events, on_poll) != 0) {
        connection_fail(c, "a connection cannot be watched");
    }
}
