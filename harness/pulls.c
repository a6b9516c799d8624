/* Requests grouped into pulls by start.
 *
 * Happy path: start-begin opens a record on its lane; connections, requests and answers are booked
 * to the start they name; start-end settles what was pending, works out the image, the outcome and
 * the label, and frees everything but the record. Failure modes: what names no running start is
 * counted as stray (as late, where the server says so) and booked to nobody; a history that
 * contradicts itself (a number used twice, two starts at once on a lane) and a stated maximum are
 * errors, because a judgement over it would be a guess. */
#include "harness/pulls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/pulls_internal.h"

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* ---- making and freeing -------------------------------------------------------------------- */

struct pulls *pulls_new(const struct plan *plan, struct err *e)
{
    struct pulls *p = calloc(1, sizeof *p);
    if (!p) {
        err_set(e, ERR_NOMEM, "pulls: no memory");
        return NULL;
    }
    p->plan = plan;
    arena_init(&p->arena, PULLS_MAX_BYTES);
    if (pulls_known_init(p) != 0 || pulls_changes_init(p) != 0) {
        err_set(e, ERR_NOMEM, "pulls: no memory");
        pulls_free(p);
        return NULL;
    }
    return p;
}

static void free_all(struct pulls_map *m)
{
    size_t cursor = 0;
    void *value;
    while ((value = pulls_map_next(m, &cursor)) != NULL) {
        free(value);
    }
    pulls_map_close(m);
}

static void lane_free_parts(struct pulls *p, struct pulls_lane *lane)
{
    pulls_attempts_reset(lane);
    pulls_map_close(&lane->attempts);
    pulls_states_close(p, lane);
    free(lane->told);
}

void pulls_free(struct pulls *p)
{
    if (!p) {
        return;
    }
    size_t cursor = 0;
    struct pulls_lane *lane;
    while ((lane = pulls_map_next(&p->lanes, &cursor)) != NULL) {
        lane_free_parts(p, lane);
    }
    free_all(&p->lanes);
    struct pulls_connection *c;
    for (cursor = 0; (c = pulls_map_next(&p->connections, &cursor)) != NULL;) {
        pulls_pending_free(p, c);
    }
    free_all(&p->connections);
    free_all(&p->requests);
    pulls_map_close(&p->by_number);
    pulls_map_close(&p->known_by_hash);
    free(p->known);
    free(p->changes);
    free(p->starts);
    free(p->attempts);
    arena_close(&p->arena);
    free(p);
}

/* ---- reading ------------------------------------------------------------------------------- */

const struct pull_start *pulls_lane(const struct pulls *p, uint64_t number)
{
    const struct pulls_lane *lane = pulls_map_get(&p->lanes, number);
    return lane && lane->running ? &lane->running->pub : NULL;
}

const struct pull_start *pulls_start(const struct pulls *p, uint64_t number)
{
    const struct pulls_record *record = pulls_map_get(&p->by_number, number);
    return record ? &record->pub : NULL;
}

size_t pulls_count(const struct pulls *p)
{
    return p->start_count;
}

const struct pull_start *pulls_at(const struct pulls *p, size_t index)
{
    return index < p->start_count ? &p->starts[index]->pub : NULL;
}

const struct pull_attempt *pulls_attempts(const struct pulls *p, size_t *count)
{
    *count = p->attempt_count;
    return p->attempts;
}

uint64_t pulls_stray(const struct pulls *p)
{
    return p->stray;
}

uint64_t pulls_late(const struct pulls *p)
{
    return p->late;
}

/* ---- connections --------------------------------------------------------------------------- */

/* The running start NUMBER; NULL: none, or not on LANE. */
struct pulls_record *pulls_running(const struct pulls *p, uint64_t number, uint64_t lane)
{
    struct pulls_record *record = number == 0 ? NULL : pulls_map_get(&p->by_number, number);
    return record && record->lane && record->lane->number == lane ? record : NULL;
}

void pulls_first_contact(struct pull_registry *registry, const struct event *ev)
{
    if (registry->first_event == 0) {
        registry->first_ns = ev->t_ns > 0 ? ev->t_ns : 1;
        registry->first_event = ev->n;
    }
    registry->last_event = ev->n;
}

static struct pulls_connection *connection_make(struct pulls *p, struct pulls_lane *lane,
                                                uint64_t number, struct err *e)
{
    struct pulls_connection *c = pulls_map_get(&p->connections, number);
    if (c) {
        return c;
    }
    if (p->connections.count >= PULLS_MAX_CONNECTIONS) {
        err_set(e, ERR_LIMIT, "pulls: more than %zu connections at one time",
                PULLS_MAX_CONNECTIONS);
        return NULL;
    }
    c = calloc(1, sizeof *c);
    if (!c || pulls_map_put(&p->connections, number, c) != 0) {
        free(c);
        err_set(e, ERR_NOMEM, "pulls: no memory");
        return NULL;
    }
    c->number = number;
    c->lane = lane;
    c->next = lane->connections;
    if (c->next) {
        c->next->prev = c;
    }
    lane->connections = c;
    return c;
}

static void connection_drop(struct pulls *p, struct pulls_connection *c)
{
    pulls_map_remove(&p->connections, c->number);
    if (c->prev) {
        c->prev->next = c->next;
    } else {
        c->lane->connections = c->next;
    }
    if (c->next) {
        c->next->prev = c->prev;
    }
    free(c);
}

static int on_open(struct pulls *p, const struct event *ev, struct err *e)
{
    const struct event_connection_open *open = &ev->open;
    if (open->lane == 0) {
        return 0;
    }
    if (open->late) {
        p->late++;
        return 0;
    }
    struct pulls_record *record = pulls_running(p, open->start, open->lane);
    int registry = open->registry ? plan_registry(p->plan, open->registry) : -1;
    if (!record || registry < 0) {
        p->stray++;
        return 0;
    }
    record->pub.registries[registry].connections++;
    pulls_first_contact(&record->pub.registries[registry], ev);
    if (record->lane->last.event == 0 || record->lane->last.op == OP_LOOKUP) {
        record->lane->last.registry = registry;
        record->lane->last.event = ev->n;
        record->lane->last.op = OP_COUNT;
        record->lane->last.reference[0] = '\0'; /* of a lookup */
    }
    return connection_make(p, record->lane, open->connection, e) ? 0 : -1;
}

/* What was asked on C and never answered has failed. */
static void drop_requests_of(struct pulls *p, const struct pulls_connection *c)
{
    struct pulls_request *next;
    for (struct pulls_request *r = c->lane->requests; r; r = next) {
        next = r->next;
        if (r->connection == c->number) {
            pulls_attempt_mark(p, r->lane, r->attempt, r->generation, true);
            pulls_request_drop(p, r);
        }
    }
}

/* A connection on which nothing could be asked. */
static void note_tls(struct pulls_lane *lane, int registry, const struct event *ev)
{
    struct pulls_last *last = &lane->last;
    *last = (struct pulls_last){.registry = registry, .op = OP_COUNT, .event = ev->n};
    snprintf(last->reference, sizeof last->reference, "%s", ev->close.tls);
}

static int on_close(struct pulls *p, const struct event *ev)
{
    const struct event_connection_close *close = &ev->close;
    struct pulls_record *record = pulls_running(p, close->start, close->lane);
    int registry = close->registry ? plan_registry(p->plan, close->registry) : -1;
    if (record && registry >= 0 && close->fault) {
        pulls_fault_met(p, record->lane, close->fault, strlen(close->fault));
        pulls_trouble(&record->pub.registries[registry], ev->n);
    }
    if (record && registry >= 0 && close->tls) {
        note_tls(record->lane, registry, ev);
    }
    struct pulls_connection *c = pulls_map_get(&p->connections, close->connection);
    if (!c) {
        return 0;
    }
    int rc = 0;
    if (same(close->how, "peer-rst")) {
        pulls_undo(p, c);
    } else {
        rc = pulls_commit(p, c);
    }
    drop_requests_of(p, c);
    connection_drop(p, c);
    return rc;
}

/* ---- requests ------------------------------------------------------------------------------ */

void pulls_request_drop(struct pulls *p, struct pulls_request *r)
{
    pulls_map_remove(&p->requests, r->ordinal);
    if (r->prev) {
        r->prev->next = r->next;
    } else {
        r->lane->requests = r->next;
    }
    if (r->next) {
        r->next->prev = r->prev;
    }
    free(r);
}

static struct pulls_request *request_make(struct pulls *p, struct pulls_lane *lane,
                                          uint64_t ordinal, struct err *e)
{
    if (p->requests.count >= PULLS_MAX_REQUESTS) {
        err_set(e, ERR_LIMIT, "pulls: more than %zu requests wait for an answer",
                PULLS_MAX_REQUESTS);
        return NULL;
    }
    if (pulls_map_get(&p->requests, ordinal)) {
        err_set(e, ERR_INTERNAL, "pulls: request %llu came twice", (unsigned long long)ordinal);
        return NULL;
    }
    struct pulls_request *r = calloc(1, sizeof *r);
    if (!r || pulls_map_put(&p->requests, ordinal, r) != 0) {
        free(r);
        err_set(e, ERR_NOMEM, "pulls: no memory");
        return NULL;
    }
    r->ordinal = ordinal;
    r->lane = lane;
    r->next = lane->requests;
    if (r->next) {
        r->next->prev = r;
    }
    lane->requests = r;
    return r;
}

/* The images that a request may be about: those that have its object, else those of its repository
 * with the tag it names, else all of its repository. */
static uint64_t images_asked(const struct pulls *p, const struct pulls_known *known,
                             const struct event_request *ask)
{
    if (known) {
        return known->images;
    }
    uint64_t tagged = 0;
    uint64_t all = 0;
    for (size_t i = 0; i < p->plan->scenario->image_count; i++) {
        if (same(p->plan->images[i].repository, ask->repository)) {
            all |= UINT64_C(1) << i;
            tagged |= same(p->plan->images[i].tag, ask->reference) ? UINT64_C(1) << i : 0;
        }
    }
    return tagged ? tagged : all;
}

/* Whether ASK is what a client asks before it pushes a blob: is it there already? It is a try at
 * having the blob only where an image of the drill has it in that repository. */
static bool asks_to_push(const struct pulls *p, const struct pulls_known *known,
                         const struct event_request *ask)
{
    bool ours = known && ask->digest;
    for (size_t i = 0; known && i < p->plan->scenario->image_count; i++) {
        ours = ours || ((known->images >> i & 1) != 0 &&
                        same(p->plan->images[i].repository, ask->repository));
    }
    return ask->op == OP_BLOB_HEAD && !ours;
}

void pulls_note_last(struct pulls_lane *lane, const struct pulls_request *r)
{
    struct pulls_last *last = &lane->last;
    *last = (struct pulls_last){.registry = r->registry, .op = r->op, .event = r->event};
    memcpy(last->reference, r->reference, sizeof last->reference);
}

/* Fills in what the request asks for, and books it to its start. */
static int request_book(struct pulls *p, struct pulls_request *r, const struct event *ev,
                        struct err *e)
{
    const struct event_request *ask = &ev->request;
    struct pull_registry *registry = &r->start->pub.registries[r->registry];
    pulls_first_contact(registry, ev);
    registry->requests++;
    if ((unsigned)ask->op < OP_COUNT) {
        registry->ops[ask->op]++;
    }
    r->op = ask->op;
    r->connection = ask->connection;
    r->t_ns = ev->t_ns;
    r->event = ev->n;
    snprintf(r->reference, sizeof r->reference, "%s", ask->reference ? ask->reference : "");
    snprintf(r->repository, sizeof r->repository, "%s", ask->repository ? ask->repository : "");
    pulls_note_last(r->lane, r);
    if (!op_is_manifest(ask->op) && !op_is_blob(ask->op)) {
        return 0;
    }
    r->known = pulls_known_find(p, ask->digest);
    if (!r->known) {
        r->known = pulls_known_find(p, ask->reference);
    }
    if (asks_to_push(p, r->known, ask)) {
        return 0;
    }
    r->start->pub.asked |= images_asked(p, r->known, ask);
    return pulls_attempt_begin(p, r, ask, e);
}

static int on_request(struct pulls *p, const struct event *ev, struct err *e)
{
    const struct event_request *ask = &ev->request;
    if (ask->lane == 0) {
        return 0;
    }
    if (ask->late) {
        p->late++;
        return 0;
    }
    struct pulls_record *record = pulls_running(p, ask->start, ask->lane);
    int registry = ask->registry ? plan_registry(p->plan, ask->registry) : -1;
    if (!record || registry < 0) {
        p->stray++;
        return 0;
    }
    struct pulls_connection *c = connection_make(p, record->lane, ask->connection, e);
    struct pulls_request *r = c ? request_make(p, record->lane, ask->ordinal, e) : NULL;
    if (!r) {
        return -1;
    }
    r->start = record;
    r->registry = registry;
    if (op_is_manifest(ask->op) || op_is_blob(ask->op)) {
        record->asked_ns = ev->t_ns;
    }
    /* One that asks once it had all the answers has read them; one that asked before has not. */
    if (!ask->pipelined && pulls_commit(p, c) != 0) {
        return err_set(e, ERR_NOMEM, "pulls: no memory");
    }
    return request_book(p, r, ev, e);
}

/* What fired counts as met once the answer says that it acted; kept for answers that never come. */
static void on_decided(struct pulls *p, const struct event *ev)
{
    const struct event_fault_decided *decided = &ev->decided;
    const struct scenario *s = p->plan->scenario;
    struct pulls_request *r = pulls_map_get(&p->requests, decided->request);
    for (size_t i = 0; r && decided->fired && i < s->fault_count; i++) {
        if (same(s->faults[i].name, decided->fault)) {
            r->fired[i / 64] |= UINT64_C(1) << i % 64;
        }
    }
}

int pulls_event(struct pulls *p, const struct event *ev, struct err *e)
{
    switch (ev->type) {
    case EVENT_PHASE_BEGIN:
    case EVENT_PHASE_END:
        p->edge++;
        return 0;
    case EVENT_START_BEGIN:
        return pulls_start_begin(p, ev, e);
    case EVENT_START_END:
        return pulls_start_end(p, ev, e);
    case EVENT_CONNECTION_OPEN:
        return on_open(p, ev, e);
    case EVENT_CONNECTION_CLOSE:
        return on_close(p, ev) == 0 ? 0 : err_set(e, ERR_NOMEM, "pulls: no memory");
    case EVENT_REQUEST:
        return on_request(p, ev, e);
    case EVENT_FAULT_DECIDED:
        on_decided(p, ev);
        pulls_machine(p, ev);
        return 0;
    case EVENT_LOOKUP:
        pulls_looked_up(p, ev);
        return 0;
    case EVENT_COUNTER:
        pulls_count_kernel(p, ev);
        return 0;
    case EVENT_RESPONSE:
        return pulls_answered(p, ev, e);
    default:
        return 0;
    }
}
