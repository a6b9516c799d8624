/* What a connection says to a proxy before it is one to a registry.
 *
 * Happy path: a CONNECT is answered 200, and from its last byte on the connection is one to its
 * target, as if it had been accepted there: same socket, so cuts, stalls and resets stay exact to
 * the byte. A plain request in absolute form moves the connection to its target and is then read
 * like any other; a later one may move it on, which the history sees as the end of one connection
 * and the beginning of another.
 *
 * Failure modes: names that nobody plays are answered 403, what is down or on another port 502,
 * what is no request to a proxy 400; then the connection ends. Until it is one to a registry
 * neither its opening nor its end is in the history.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fake-registry/proxy_request.h"
#include "fake-registry/server_internal.h"

#define ANSWER_BYTES 1024

/* An answer of the proxy's own, after which the connection ends: small enough for any send queue,
 * and a peer that is gone need not have it. */
static void answer(struct connection *c, unsigned status, const char *text)
{
    char all[ANSWER_BYTES];
    int len = snprintf(all, sizeof(all),
                       "HTTP/1.1 %u %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                       "Content-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
                       status, http_reason(status), strlen(text) + 1, text);
    (void)send(c->fd, all, (size_t)len, MSG_NOSIGNAL);
    connection_linger(c);
}

/* C becomes a connection to TO, which speaks TLS where C is a TUNNEL to it. False: it is closed. */
static bool move(struct connection *c, struct listener *to, bool tunnel)
{
    if (c->told) {
        connection_tell_close(c, "peer-fin", connection_unacknowledged(c), NULL);
        c->id = ++c->server->connection_ids;
        c->requests = 0;
        c->written = 0;
        c->late = c->lane->ending;
        c->start = c->late ? 0 : c->lane->start;
    }
    c->listener = to;
    bool room = !tunnel || to->tls == NULL || connection_tls_open(c);
    connection_tell_open(c);
    if (!room) {
        connection_close(c, "limit", "harness", NULL);
    }
    return room;
}

static void tell_lookup(const struct connection *c, const struct proxy_request *p,
                        const struct registry *player, const char *answer_word)
{
    struct event ev = {.type = EVENT_LOOKUP, .actor = "proxy"};
    ev.lookup = (struct event_lookup){.registry = player != NULL ? player->name : NULL,
                                      .lane = c->lane->number,
                                      .start = c->lane->ending ? 0 : c->lane->start,
                                      .name = p->name,
                                      .type = p->form == PROXY_CONNECT ? "CONNECT" : "http",
                                      .answer = answer_word,
                                      .transport = "proxy"};
    (void)history_append(c->server->history, &ev);
}

/* Where P leads; NULL: it was refused. */
static struct listener *find(struct connection *c, const struct proxy_request *p)
{
    const struct registry *player = NULL;
    char text[ANSWER_BYTES / 2];
    struct listener *to = listener_proxy_target(c->proxy, p->name, p->port, &player);
    if (player == NULL) {
        tell_lookup(c, p, NULL, "refused");
        (void)snprintf(text, sizeof(text),
                       "no registry of this drill plays %s; nothing else is reached", p->name);
        answer(c, 403, text);
        return NULL;
    }
    if (to == NULL || to->refused != 0) {
        (void)snprintf(text, sizeof(text), "nothing listens on %s:%u now", p->name, p->port);
    } else if (p->form == PROXY_PLAIN && to->tls != NULL) {
        (void)snprintf(text, sizeof(text), "%s:%u speaks TLS; ask for a tunnel by CONNECT", p->name,
                       p->port);
    } else {
        tell_lookup(c, p, player, "proxy");
        return to;
    }
    tell_lookup(c, p, player, "unreachable");
    answer(c, 502, text);
    return NULL;
}

bool connection_proxied(struct connection *c, const struct http_request *request)
{
    struct proxy_request p;
    proxy_request_read(request, &p);
    if (p.form == PROXY_WRONG) {
        answer(c, 400, p.why);
        return false;
    }
    struct listener *to = find(c, &p);
    if (to == NULL) {
        return false;
    }
    if (p.form == PROXY_CONNECT) {
        c->tunnel = to;
        return false;
    }
    return (c->told && c->listener == to) || move(c, to, false);
}

void connection_tunnel(struct connection *c)
{
    static const char text[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    struct listener *to = c->tunnel;
    c->tunnel = NULL;
    if (send(c->fd, text, sizeof(text) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(text) - 1) {
        connection_lost(c, true);
        return;
    }
    c->proxy = NULL;
    (void)move(c, to, true);
}

void connection_tunnel_rest(struct connection *c)
{
    while (c->state == CONNECTION_SHAKING && c->input.len > 0) {
        size_t len = c->input.len < SERVER_READ ? c->input.len : SERVER_READ;
        memcpy(c->server->read, c->input.data, len);
        buf_consume(&c->input, len);
        connection_tls_take(c, len);
    }
}

void connection_proxy_broken(struct connection *c, unsigned status, const char *why)
{
    answer(c, status, why);
}
