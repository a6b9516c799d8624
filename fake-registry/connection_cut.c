/* What became of written bytes: settling deliveries, and cuts that wait for the send queue.
 *
 * Happy path: after an answer's last byte the send queue (SIOCOUTQ) is empty at once, or by the
 * time the next request is read; then the response is told. Else one shared timer looks again. A
 * cut waits for the same emptiness, so that the peer's kernel holds exactly the bytes before it,
 * then FIN (and reading on, for unread request data would turn our FIN into an RST) or RST.
 *
 * Failure modes: a queue that does not empty within the limit is cut all the same, and the response
 * says that less was delivered than written; a peer that never closes after our FIN is closed on.
 */
#include <linux/sockios.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "fake-registry/exchange_internal.h"
#include "harness/base/clock.h"

#define TICK_MS 5
#define TICK_CUT_MS 1

static void tick(uv_timer_t *timer);

uint64_t connection_unacknowledged(const struct connection *c)
{
    int queued = 0;
    if (ioctl(c->fd, SIOCOUTQ, &queued) != 0 || queued < 0) {
        queued = 0;
    }
    /* A FIN takes a number too. */
    uint64_t bytes = (uint64_t)queued - (queued > 0 && c->fin_sent ? 1 : 0);
    return c->tls != NULL ? tls_session_unacknowledged(c->tls, bytes) : bytes;
}

void connection_watch(struct connection *c)
{
    struct server *s = c->server;
    uint64_t period = c->state == CONNECTION_DRAINING ? TICK_CUT_MS : TICK_MS;
    if (!uv_is_active((uv_handle_t *)&s->tick) || uv_timer_get_repeat(&s->tick) > period) {
        (void)uv_timer_start(&s->tick, tick, period, period);
    }
    if (c->watched) {
        return;
    }
    c->watched = true;
    c->watch_prev = NULL;
    c->watch_next = s->watched;
    if (s->watched != NULL) {
        s->watched->watch_prev = c;
    }
    s->watched = c;
}

void connection_unwatch(struct connection *c)
{
    if (!c->watched) {
        return;
    }
    c->watched = false;
    if (c->watch_prev != NULL) {
        c->watch_prev->watch_next = c->watch_next;
    } else {
        c->server->watched = c->watch_next;
    }
    if (c->watch_next != NULL) {
        c->watch_next->watch_prev = c->watch_prev;
    }
}

bool connection_settle(struct connection *c, bool force)
{
    if (c->exchange == NULL) {
        return true;
    }
    uint64_t unacknowledged = connection_unacknowledged(c);
    if (unacknowledged > 0 && !force) {
        connection_watch(c);
        return false;
    }
    connection_unwatch(c);
    exchange_end(c, "abandoned", unacknowledged);
    return true;
}

void connection_fin(struct connection *c)
{
    (void)shutdown(c->fd, SHUT_WR);
    c->fin_sent = true;
}

static void begin_lingering(struct connection *c)
{
    c->state = CONNECTION_LINGERING;
    (void)uv_timer_start(&c->timer, connection_timer, SERVER_LINGER_MS, 0);
}

void connection_linger(struct connection *c)
{
    begin_lingering(c);
    if (c->tls != NULL) {
        connection_tls_shut(c);
        if (c->state == CONNECTION_CLOSED || connection_tls_pending(c)) {
            return; /* the FIN follows what waits */
        }
    }
    connection_fin(c);
}

static void finish_cut(struct connection *c, uint64_t unacknowledged)
{
    struct exchange *x = c->exchange;
    connection_unwatch(c);
    c->undrained = unacknowledged > 0;
    if (x != NULL) {
        if (!x->complete) {
            exchange_acted(x, c->cut_rule);
        }
        exchange_end(c, "cut", unacknowledged);
    }
    if (c->cut == SEGMENT_RST) {
        connection_close(c, "ours-rst", "cut", c->cut_rule);
    } else {
        begin_lingering(c);
        if (c->tls != NULL) {
            tls_session_drop(c->tls);
        }
        connection_fin(c);
    }
}

void connection_cut(struct connection *c, enum segment_kind kind, const struct fault_rule *rule)
{
    uint64_t unacknowledged = connection_unacknowledged(c);
    (void)uv_timer_stop(&c->timer);
    c->state = CONNECTION_DRAINING;
    c->cut = kind;
    c->cut_rule = rule;
    c->deadline_ns =
        history_now_ns(c->server->history) + c->server->limits.drain_ms * CLOCK_NS_PER_MS;
    if (unacknowledged == 0) {
        finish_cut(c, 0);
    } else {
        connection_watch(c);
    }
}

/* The deadline of a cut or of an unsettled delivery has passed, or its queue may be empty. */
static void look_again(struct connection *c)
{
    bool over = history_now_ns(c->server->history) >= c->deadline_ns;
    if (c->state == CONNECTION_DRAINING) {
        uint64_t unacknowledged = connection_unacknowledged(c);
        if (unacknowledged == 0 || over) {
            finish_cut(c, unacknowledged);
        }
    } else if (connection_settle(c, c->peer_fin && over)) {
        connection_pump(c);
    }
    connection_update(c);
}

static void tick(uv_timer_t *timer)
{
    struct server *s = timer->data;
    struct connection *next = NULL;
    bool cuts = false;
    for (struct connection *c = s->watched; c != NULL; c = next) {
        next = c->watch_next;
        look_again(c);
    }
    for (const struct connection *c = s->watched; c != NULL && !cuts; c = c->watch_next) {
        cuts = c->state == CONNECTION_DRAINING;
    }
    if (s->watched == NULL) {
        (void)uv_timer_stop(timer);
    } else if (!cuts) {
        uv_timer_set_repeat(timer, TICK_MS);
    }
}
