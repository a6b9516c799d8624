/* How a connection begins: its memory, its peer's name, its first event.
 *
 * Happy path: what a listener accepted gets a number, the start that runs on its lane, a TLS
 * session where the listener speaks TLS, and is read from then on. Failure modes: no memory closes
 * the socket; past the maximum of connections it is closed at once, and the history says so.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake-registry/server_internal.h"

void connection_tell_open(struct connection *c)
{
    c->told = true;
    struct event ev = {.type = EVENT_CONNECTION_OPEN, .actor = c->listener->registry->actor};
    ev.open = (struct event_connection_open){.registry = c->listener->registry->name,
                                             .host = c->listener->host,
                                             .lane = c->lane->number,
                                             .start = c->start,
                                             .connection = c->id,
                                             .peer = c->peer,
                                             .tls = c->tls != NULL,
                                             .late = c->late};
    (void)history_append(c->server->history, &ev);
}

static void name_peer(struct connection *c, const struct sockaddr_storage *peer)
{
    if (peer->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, c->client, sizeof(c->client));
        (void)snprintf(c->peer, sizeof(c->peer), "[%s]:%u", c->client, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
        (void)inet_ntop(AF_INET, &v4->sin_addr, c->client, sizeof(c->client));
        (void)snprintf(c->peer, sizeof(c->peer), "%s:%u", c->client, ntohs(v4->sin_port));
    }
}

static struct connection *connection_new(struct listener *l, int fd)
{
    struct connection *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return NULL;
    }
    if (uv_poll_init(l->server->loop, &c->poll, fd) != 0) {
        free(c);
        return NULL;
    }
    (void)uv_timer_init(l->server->loop, &c->timer);
    /* A record that had come in part may bring that much more than was read last. */
    buf_init(&c->input, SERVER_INPUT + 1 + 2 * TLS_RECORD);
    c->poll.data = c;
    c->timer.data = c;
    c->handles = 2;
    l->server->handles += 2;
    c->server = l->server;
    c->listener = l;
    c->lane = l->lane;
    c->fd = fd;
    c->state = CONNECTION_READING;
    return c;
}

void connection_open(struct listener *l, int fd, const struct sockaddr_storage *peer)
{
    struct server *s = l->server;
    struct connection *c = connection_new(l, fd);
    if (c == NULL) {
        (void)err_set(&s->trouble, ERR_NOMEM, "no memory for a connection");
        (void)close(fd);
        return;
    }
    c->id = ++s->connection_ids;
    c->late = l->lane->ending;
    c->start = c->late ? 0 : l->lane->start;
    c->progress_ms = uv_now(s->loop);
    name_peer(c, peer);
    bool room = l->tls == NULL || connection_tls_open(c);
    c->next = l->lane->connections;
    if (c->next != NULL) {
        c->next->prev = c;
    }
    l->lane->connections = c;
    s->open++;
    if (l->role == SERVER_PROXY) {
        c->proxy = l;
    } else {
        connection_tell_open(c);
    }
    if (!room) {
        connection_fail(c, "no memory for TLS on a connection");
        return;
    }
    if (s->open > s->limits.max_connections) {
        connection_close(c, "limit", "harness", NULL);
        return;
    }
    connection_update(c);
}
