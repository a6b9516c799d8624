/* A graceful end: nobody new is let in, whoever waits for an answer gets it.
 *
 * Happy path: what the accept queues hold is taken, every listener refuses, and each call closes
 * the connections that have nothing under way, until none is left. Failure modes: an answer that
 * never ends; the caller stops waiting, and server_close cuts it. */
#include "fake-registry/exchange_internal.h"

static void refuse(struct server *s)
{
    struct err e = {0}; /* to refuse cannot fail, only to listen again */
    for (size_t i = 0; i < s->listener_count; i++) {
        if (s->listeners[i]->refused == 0) {
            listener_accept(s->listeners[i], SERVER_MAX_LISTENERS);
        }
    }
    (void)server_refuse_all(s, true, &e);
}

/* Whether C has a request or an answer under way. */
static bool is_busy(const struct connection *c)
{
    if (c->state == CONNECTION_SHAKING || c->state == CONNECTION_READING) {
        return c->exchange != NULL || c->in_body || c->input.len > 0;
    }
    return c->state != CONNECTION_LINGERING && c->state != CONNECTION_CLOSED;
}

size_t server_stop(struct server *s)
{
    size_t busy = 0;
    struct connection *next = NULL;
    if (!s->refuse_all) {
        refuse(s);
    }
    for (size_t i = 0; i < s->lane_count; i++) {
        for (struct connection *c = s->lanes[i]->connections; c != NULL; c = next) {
            next = c->next;
            if (c->exchange != NULL && c->exchange->complete && !c->in_body &&
                connection_settle(c, false)) {
                connection_pump(c); /* nothing else would: it is no longer watched */
                connection_update(c);
            }
            if (is_busy(c)) {
                busy++;
            } else {
                connection_close(c, "ours-fin", "harness", NULL);
            }
        }
    }
    return busy;
}
