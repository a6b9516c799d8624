/* What the server is doing, in numbers and in words: for totals and for a drill cut short. */
#include <inttypes.h>
#include <stdio.h>

#include "fake-registry/exchange_internal.h"

size_t server_refusing(const struct server *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->listener_count; i++) {
        n += s->listeners[i]->refused != 0 ? 1 : 0;
    }
    return n;
}

struct server_totals server_totals(const struct server *s)
{
    struct server_totals t = {
        .connections = s->connection_ids, .requests = s->ordinals, .open = s->open};
    for (size_t i = 0; i < s->lane_count; i++) {
        for (const struct connection *c = s->lanes[i]->connections; c != NULL; c = c->next) {
            t.stalled += c->state == CONNECTION_STALLED ? 1 : 0;
        }
    }
    return t;
}

static void describe_reading(const struct connection *c, char *text, size_t size)
{
    if (c->exchange == NULL) {
        (void)snprintf(text, size, "waits for a request, %" PRIu64 " were answered", c->requests);
    } else if (!c->exchange->planned) {
        (void)snprintf(text, size, "waits for the rest of a request");
    } else {
        (void)snprintf(text, size, "waits for %" PRIu64 " bytes to be acknowledged",
                       connection_unacknowledged(c));
    }
}

/* "after 4096 of 65536 body bytes" */
static void describe_place(const struct exchange *x, char *text, size_t size)
{
    if (x == NULL || x->written < x->plan.head_len) {
        (void)snprintf(text, size, "before the head");
    } else {
        (void)snprintf(text, size, "after %" PRIu64 " of %" PRIu64 " body bytes",
                       x->written - x->plan.head_len, x->plan.body_len);
    }
}

static const char *rule_under_way(const struct exchange *x)
{
    const struct segment *s = &x->plan.segment[x->at];
    return s->rule != NULL ? s->rule->name : "its rate";
}

static void describe_state(const struct connection *c, char *text, size_t size)
{
    char place[96];
    describe_place(c->exchange, place, sizeof(place));
    switch (c->state) {
    case CONNECTION_SHAKING:
        (void)snprintf(text, size, "in its TLS handshake");
        break;
    case CONNECTION_READING:
        describe_reading(c, text, size);
        break;
    case CONNECTION_STORING:
        (void)snprintf(text, size, "waits for what it wrote to be stored");
        break;
    case CONNECTION_WRITING:
        (void)snprintf(text, size, "waits for its client to read %s", place);
        break;
    case CONNECTION_WAITING:
        (void)snprintf(text, size, "delayed by '%s' %s", rule_under_way(c->exchange), place);
        break;
    case CONNECTION_STALLED:
        if (c->exchange == NULL) {
            (void)snprintf(text, size, "held by '%s' in its TLS handshake", c->tls_rule->name);
            break;
        }
        (void)snprintf(text, size, "stalled by '%s' %s", rule_under_way(c->exchange), place);
        break;
    case CONNECTION_DRAINING:
        (void)snprintf(text, size, "to be cut by '%s', waits for its send queue",
                       c->cut_rule != NULL ? c->cut_rule->name : "");
        break;
    case CONNECTION_LINGERING:
        (void)snprintf(text, size, "closed by us, waits for its client to close");
        break;
    case CONNECTION_CLOSED:
        (void)snprintf(text, size, "closed");
        break;
    }
}

void server_describe(const struct server *s, char *text, size_t size)
{
    size_t at = 0;
    if (size > 0) {
        text[0] = '\0';
    }
    for (size_t i = 0; i < s->lane_count; i++) {
        for (const struct connection *c = s->lanes[i]->connections; c != NULL; c = c->next) {
            char state[256];
            describe_state(c, state, sizeof(state));
            int n =
                snprintf(text + at, size - at, "connection %" PRIu64 " lane %" PRIu64 " %s: %s\n",
                         c->id, c->lane->number, c->listener->host, state);
            if (n < 0 || (size_t)n >= size - at) {
                text[at] = '\0'; /* whole lines only */
                return;
            }
            at += (size_t)n;
        }
    }
}
