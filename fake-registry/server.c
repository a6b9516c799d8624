/* The server: its registries, its life, and what drills tell it.
 *
 * Happy path: registries and listeners are added, connections come and go by themselves, lanes
 * begin and end, faults are armed and healed, and closing waits for the loop to let go of every
 * handle, and for what the thread pool still stores. A lane's end is synchronous: what its sockets
 * hold is taken, its queue is drained.
 *
 * Failure modes: a peer that is still there and has not acknowledged its last bytes (kernels delay
 * that by up to 40 ms) is waited for, at most SETTLE_MS in all; a listener that cannot be reopened
 * is told to whoever healed the fault.
 */
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/exchange_internal.h"

#define IDLE_MS 75000
#define DRAIN_MS 1000
#define MAX_CONNECTIONS 20000
#define SETTLE_MS 60

/* ---- life ---------------------------------------------------------------------------------- */

static void sweep_connection(struct connection *c, uint64_t now_ms)
{
    bool ours = c->state == CONNECTION_STALLED || c->state == CONNECTION_WAITING ||
                c->state == CONNECTION_DRAINING || c->state == CONNECTION_LINGERING ||
                c->state == CONNECTION_STORING;
    if (!ours && !connection_held(c) && now_ms - c->progress_ms >= c->server->limits.idle_ms) {
        connection_close(c, "idle", "cut", NULL);
    }
}

static void on_sweep(uv_timer_t *timer)
{
    struct server *s = timer->data;
    uint64_t now_ms = uv_now(s->loop);
    struct connection *next = NULL;
    for (size_t i = 0; i < s->lane_count; i++) {
        for (struct connection *c = s->lanes[i]->connections; c != NULL; c = next) {
            next = c->next;
            sweep_connection(c, now_ms);
        }
    }
    listeners_resume(s);
}

static void or_default(uint64_t *limit, uint64_t fallback)
{
    if (*limit == 0) {
        *limit = fallback;
    }
}

struct server *server_new(const struct server_config *config, struct err *e)
{
    struct server *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for the server");
        return NULL;
    }
    if (RAND_bytes(s->redirect_key, sizeof(s->redirect_key)) != 1) {
        (void)err_set(e, ERR_IO, "no random bytes for the server");
        free(s);
        return NULL;
    }
    s->loop = config->loop;
    s->history = config->history;
    s->faults = config->faults;
    s->limits = config->limits;
    or_default(&s->limits.idle_ms, IDLE_MS);
    or_default(&s->limits.drain_ms, DRAIN_MS);
    or_default(&s->limits.max_connections, MAX_CONNECTIONS);
    (void)uv_timer_init(s->loop, &s->tick);
    (void)uv_timer_init(s->loop, &s->sweep);
    s->tick.data = s;
    s->sweep.data = s;
    s->handles = 2;
    uint64_t period = s->limits.idle_ms / 4 < 1000 ? s->limits.idle_ms / 4 + 1 : 1000;
    (void)uv_timer_start(&s->sweep, on_sweep, period, period);
    return s;
}

static void free_server(struct server *s)
{
    for (size_t i = 0; i < s->lane_count; i++) {
        server_lane_free(s->lanes[i]);
    }
    for (int i = 0; i < s->registry_count; i++) {
        free(s->registries[i]);
    }
    for (struct exchange *x = s->spare; x != NULL; x = s->spare) {
        s->spare = x->next_spare;
        free(x);
    }
    while (s->spare_parsers > 0) {
        http_parser_free(s->spare_parser[--s->spare_parsers]);
    }
    free(s->lanes);
    free(s->listeners);
    free(s);
}

void server_handle_closed(struct server *s)
{
    if (--s->handles > 0 || !s->closing) {
        return;
    }
    void (*done)(void *data) = s->done;
    void *data = s->done_data;
    free_server(s);
    if (done != NULL) {
        done(data);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    server_handle_closed(handle->data);
}

static void close_connections(struct server_lane *lane)
{
    while (lane->connections != NULL) {
        connection_close(lane->connections, "ours-fin", "harness", NULL);
    }
}

const struct err *server_trouble(const struct server *s)
{
    return &s->trouble;
}

void server_close(struct server *s, void (*done)(void *data), void *data)
{
    s->closing = true;
    s->done = done;
    s->done_data = data;
    for (size_t i = 0; i < s->lane_count; i++) {
        close_connections(s->lanes[i]);
    }
    for (size_t i = 0; i < s->listener_count; i++) {
        listener_close(s->listeners[i]);
    }
    s->listener_count = 0;
    uv_close((uv_handle_t *)&s->tick, on_timer_closed);
    uv_close((uv_handle_t *)&s->sweep, on_timer_closed);
}

int server_add_registry(struct server *s, const struct server_registry *registry, struct err *e)
{
    const char *name = registry->name;
    if (s->registry_count == SERVER_MAX_REGISTRIES || strlen(name) >= SERVER_HOST) {
        return err_set(e, ERR_LIMIT, "too many registries, or too long a name: %.100s", name);
    }
    struct registry *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for registry %s", name);
    }
    memcpy(r->name, name, strlen(name) + 1);
    (void)snprintf(r->actor, sizeof(r->actor), "registry/%s", name);
    r->is = *registry;
    r->is.name = r->name;
    s->asks = s->asks || registry->auth != NULL;
    s->registries[s->registry_count] = r;
    return s->registry_count++;
}

/* ---- the end of a start -------------------------------------------------------------------- */

/* Whether C has an answer that is written but not acknowledged, after another look. */
static bool unsettled(struct connection *c)
{
    bool waits = c->state == CONNECTION_READING || c->state == CONNECTION_LINGERING;
    return waits && c->exchange != NULL && c->exchange->complete && !connection_settle(c, false);
}

static void settle_all(struct server_lane *lane)
{
    for (int ms = 0; ms < SETTLE_MS; ms++) {
        bool any = false;
        for (struct connection *c = lane->connections; c != NULL; c = c->next) {
            any = unsettled(c) || any;
        }
        if (!any) {
            return;
        }
        (void)poll(NULL, 0, 1);
    }
}

void server_lane_end(struct server *s, uint64_t lane, bool close_all)
{
    struct server_lane *of = server_lane_of(s, lane, NULL);
    struct connection *next = NULL;
    if (of == NULL) {
        return;
    }
    of->ending = true;
    for (struct listener *l = of->listeners; l != NULL; l = l->next_in_lane) {
        if (l->refused == 0) {
            listener_accept(l, SERVER_MAX_LISTENERS);
        }
    }
    for (struct connection *c = of->connections; c != NULL; c = next) {
        next = c->next;
        connection_take_all(c);
    }
    settle_all(of);
    if (close_all) {
        close_connections(of);
    }
    of->ending = false;
    of->start = 0;
}

/* ---- faults -------------------------------------------------------------------------------- */

static bool meets(const struct fault_rule *rule, const char *host, const struct server_lane *lane)
{
    return strcmp(rule->on, host) == 0 &&
           (rule->match.lane == 0 || rule->match.lane == lane->number);
}

static void cut_existing(struct server_lane *lane, const struct fault_rule *rule)
{
    enum segment_kind kind = rule->existing == EXISTING_RESET ? SEGMENT_RST : SEGMENT_FIN;
    struct connection *next = NULL;
    for (struct connection *c = lane->connections; c != NULL; c = next) {
        next = c->next;
        if (c->state != CONNECTION_DRAINING && c->state != CONNECTION_LINGERING &&
            meets(rule, c->listener->host, lane)) {
            connection_cut(c, kind, rule);
            connection_update(c);
        }
    }
}

/* What hangs in a black hole no longer asks the loop for anything. */
static void hold_existing(struct server_lane *lane)
{
    struct connection *next = NULL;
    for (struct connection *c = lane->connections; c != NULL; c = next) {
        next = c->next;
        if (connection_held(c)) {
            connection_update(c);
        }
    }
}

/* To its client a connection is open once the kernel has queued it, whether or not we took it. */
static void take_queued(struct server *s, const struct fault_rule *rule)
{
    for (size_t i = 0; i < s->listener_count; i++) {
        struct listener *l = s->listeners[i];
        if (l->refused == 0 && meets(rule, l->host, l->lane)) {
            listener_accept(l, SERVER_MAX_LISTENERS);
        }
    }
}

int server_fault_armed(struct server *s, const struct fault_rule *rule, struct err *e)
{
    if (rule->existing != EXISTING_KEEP) {
        take_queued(s, rule);
    }
    for (size_t i = 0; i < s->listener_count; i++) {
        struct listener *l = s->listeners[i];
        if (meets(rule, l->host, l->lane) && listener_refuse(l, listener_faults(l), true, e) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < s->lane_count && rule->existing != EXISTING_KEEP; i++) {
        cut_existing(s->lanes[i], rule);
    }
    for (size_t i = 0; i < s->lane_count && rule->kind->kind == FAULT_BLACK_HOLE; i++) {
        hold_existing(s->lanes[i]);
    }
    return 0;
}

int server_fault_healed(struct server *s, const struct fault_rule *rule, struct err *e)
{
    int result = 0;
    for (size_t i = 0; i < s->listener_count; i++) {
        struct listener *l = s->listeners[i];
        if (listener_refuse(l, REFUSE_FAULTS & ~listener_faults(l), false, e) != 0) {
            result = -1;
        }
    }
    for (size_t i = 0; i < s->lane_count; i++) {
        struct connection *next = NULL;
        for (struct connection *c = s->lanes[i]->connections; c != NULL; c = next) {
            next = c->next;
            if (rule->kind->kind == FAULT_BLACK_HOLE && !connection_held(c)) {
                connection_release(c);
            } else {
                connection_healed(c, rule);
            }
        }
    }
    return result;
}

int server_refuse_all(struct server *s, bool refuse, struct err *e)
{
    int result = 0;
    s->refuse_all = refuse;
    for (size_t i = 0; i < s->listener_count; i++) {
        if (listener_refuse(s->listeners[i], REFUSE_ALL, refuse, e) != 0) {
            result = -1;
        }
    }
    return result;
}
