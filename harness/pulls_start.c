/* Starts as they begin and end, and the attempts they make in between. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json_memory.h"
#include "harness/base/rng.h"
#include "harness/pulls_internal.h"

/* ---- attempts ------------------------------------------------------------------------------ */

void pulls_attempts_reset(struct pulls_lane *lane)
{
    while (lane->attempt_list) {
        struct pulls_attempt *next = lane->attempt_list->next;
        free(lane->attempt_list);
        lane->attempt_list = next;
    }
    if (lane->attempts.count > 0) {
        pulls_map_close(&lane->attempts);
    }
    lane->attempt_count = 0;
}

/* One object on one registry: by its digest where that is known, so that a HEAD by tag and a GET by
 * digest meet, else by the reference as asked. */
static uint64_t attempt_key(const struct pulls_request *r, const struct event_request *ask)
{
    const char *object = ask->digest ? ask->digest : ask->reference ? ask->reference : "";
    const char *repository = ask->repository ? ask->repository : "";
    uint64_t seed = (uint64_t)r->registry * 2 + (op_is_manifest(ask->op) ? 1 : 0);
    return rng_hash(rng_hash(seed, repository, strlen(repository)), object, strlen(object));
}

static struct pulls_attempt *attempt_make(struct pulls_lane *lane, uint64_t key, struct err *e)
{
    struct pulls_attempt *a = calloc(1, sizeof *a);
    if (!a || pulls_map_put(&lane->attempts, key, a) != 0) {
        free(a);
        err_set(e, ERR_NOMEM, "pulls: no memory");
        return NULL;
    }
    a->next = lane->attempt_list;
    lane->attempt_list = a;
    lane->attempt_count++;
    return a;
}

/* A Range that begins anywhere but at the first byte takes up what an earlier try left. */
static bool is_resume(const char *range)
{
    return range && strncmp(range, "bytes=0-", 8) != 0;
}

/* Whether ASK is of a host that its registry redirects to, not of itself. */
static bool is_target(const struct event_request *ask)
{
    return ask->host && ask->registry && strcmp(ask->host, ask->registry) != 0;
}

/* Whether what is asked now still belongs to try A. The same again of the registry itself does not:
 * then the target of the redirect did not answer. */
static bool joins(const struct pulls_attempt *a, const struct event_request *ask)
{
    bool get = ask->op == OP_MANIFEST_GET || ask->op == OP_BLOB_GET;
    return a->challenged || (is_target(ask) && !a->followed && (a->redirected || a->open)) ||
           (a->head && get && !is_resume(ask->range));
}

static int attempt_record(struct pulls *p, const struct pulls_request *r, struct err *e)
{
    if (p->attempt_count == p->attempt_cap) {
        size_t cap = p->attempt_cap ? p->attempt_cap * 2 : 256;
        struct pull_attempt *grown =
            cap <= PULLS_MAX_RECORDS ? realloc(p->attempts, cap * sizeof *grown) : NULL;
        if (!grown) {
            return err_set(e, ERR_NOMEM, "pulls: no memory for attempt %zu", p->attempt_count + 1);
        }
        p->attempts = grown;
        p->attempt_cap = cap;
    }
    p->attempts[p->attempt_count++] = (struct pull_attempt){
        .t_ns = r->t_ns,
        .event = r->event,
        .start = r->start->pub.number,
        .registry = (unsigned)r->registry,
        .op = r->op,
        .control = r->start->pub.control,
    };
    r->start->pub.registries[r->registry].attempts++;
    return 0;
}

int pulls_attempt_begin(struct pulls *p, struct pulls_request *r, const struct event_request *ask,
                        struct err *e)
{
    struct pulls_lane *lane = r->lane;
    uint64_t key = attempt_key(r, ask);
    struct pulls_attempt *a = pulls_map_get(&lane->attempts, key);
    bool fresh = !a || !joins(a, ask);
    if (!a && lane->attempt_count < PULLS_MAX_ATTEMPTS) {
        a = attempt_make(lane, key, e);
        if (!a) {
            return -1;
        }
    }
    if (fresh && attempt_record(p, r, e) != 0) {
        return -1;
    }
    if (a) {
        a->generation = fresh ? p->attempt_count : a->generation;
        a->head = ask->op == OP_MANIFEST_HEAD || ask->op == OP_BLOB_HEAD;
        a->challenged = false;
        a->redirected = false;
        a->open = true;
        a->followed = is_target(ask);
        r->attempt = a;
        r->generation = a->generation;
    }
    return 0;
}

/* The latest answer of a try decides: a GET that brings the object makes good a HEAD that did not.
 * An older try can only fail. */
void pulls_attempt_mark(struct pulls *p, const struct pulls_lane *lane,
                        const struct pulls_attempt *attempt, uint64_t generation, bool failed)
{
    if (!lane->running || generation == 0) {
        return;
    }
    struct pull_attempt *record = &p->attempts[generation - 1];
    if (record->failed == failed || (attempt->generation != generation && !failed)) {
        return;
    }
    record->failed = failed;
    lane->running->pub.registries[record->registry].failed += failed ? 1 : UINT64_MAX;
}

void pulls_trouble(struct pull_registry *registry, uint64_t event)
{
    registry->trouble_event = event;
    if (registry->first_trouble_event == 0) {
        registry->first_trouble_event = event;
    }
}

void pulls_fault_met(struct pulls *p, struct pulls_lane *lane, const char *name, size_t len)
{
    const struct scenario *s = p->plan->scenario;
    for (size_t i = 0; i < s->fault_count; i++) {
        if (strlen(s->faults[i].name) == len && memcmp(s->faults[i].name, name, len) == 0) {
            lane->fault_met[i] = true;
        }
    }
}

/* ---- begin --------------------------------------------------------------------------------- */

static struct pulls_lane *lane_make(struct pulls *p, uint64_t number, struct err *e)
{
    struct pulls_lane *lane = pulls_map_get(&p->lanes, number);
    if (lane) {
        return lane;
    }
    if (p->lanes.count >= PULLS_MAX_LANES) {
        err_set(e, ERR_LIMIT, "pulls: more than %zu lanes", PULLS_MAX_LANES);
        return NULL;
    }
    lane = calloc(1, sizeof *lane);
    if (lane) {
        lane->number = number;
        lane->state = calloc(p->known_count + 1, sizeof(struct pulls_state *));
        lane->told = calloc(p->plan->scenario->image_count + 1, sizeof lane->told[0]);
    }
    if (!lane || !lane->state || !lane->told || pulls_map_put(&p->lanes, number, lane) != 0) {
        if (lane) {
            free(lane->state);
            free(lane->told);
        }
        free(lane);
        err_set(e, ERR_NOMEM, "pulls: no memory");
        return NULL;
    }
    return lane;
}

static int keep_record(struct pulls *p, struct pulls_record *record, struct err *e)
{
    if (p->start_count == p->start_cap) {
        size_t cap = p->start_cap == 0 ? 64 : p->start_cap * 2;
        struct pulls_record **starts = realloc(p->starts, cap * sizeof(struct pulls_record *));
        if (!starts) {
            return err_set(e, ERR_NOMEM, "pulls: no memory");
        }
        p->starts = starts;
        p->start_cap = cap;
    }
    if (pulls_map_put(&p->by_number, record->pub.number, record) != 0) {
        return err_set(e, ERR_NOMEM, "pulls: no memory");
    }
    p->starts[p->start_count++] = record;
    return 0;
}

static struct pulls_record *record_make(struct pulls *p, const struct event *ev)
{
    const struct event_start_begin *begin = &ev->start_begin;
    struct pulls_record *record = arena_alloc(&p->arena, 1, sizeof *record);
    struct pull_registry *registries =
        arena_alloc(&p->arena, p->plan->scenario->registry_count, sizeof *registries);
    if (!record || !registries) {
        return NULL;
    }
    record->edge = p->edge;
    record->pub = (struct pull_start){
        .number = begin->start,
        .subject = plan_subject(p->plan, begin->subject),
        .phase = begin->phase && !begin->control ? plan_phase(p->plan, begin->phase) : -1,
        .control = begin->control,
        .lane = begin->lane,
        .begin_ns = ev->t_ns,
        .begin_event = ev->n,
        .image = -1,
        .manifest = -1,
        .told_by = -1,
        .registries = registries,
    };
    return record;
}

/* Forgets the start before on LANE; its bytes too, unless the subject's machines keep theirs. */
static void lane_reset(struct pulls *p, struct pulls_lane *lane, int subject)
{
    bool cold = p->plan->scenario->subjects[subject].cache == CACHE_COLD;
    pulls_states_reset(p, lane, cold);
    pulls_attempts_reset(lane);
    memset(lane->told, 0, p->plan->scenario->image_count * sizeof lane->told[0]);
    memset(lane->fault_met, 0, p->plan->scenario->fault_count * sizeof lane->fault_met[0]);
    lane->last = (struct pulls_last){.registry = -1};
}

int pulls_start_begin(struct pulls *p, const struct event *ev, struct err *e)
{
    const struct event_start_begin *begin = &ev->start_begin;
    unsigned long long number = begin->start;
    if (!begin->subject || plan_subject(p->plan, begin->subject) < 0) {
        return err_set(e, ERR_INTERNAL, "start %llu is of no subject of the plan", number);
    }
    if (number == 0 || pulls_map_get(&p->by_number, number)) {
        return err_set(e, ERR_INTERNAL, "start %llu began twice", number);
    }
    if (p->start_count >= PULLS_MAX_STARTS) {
        return err_set(e, ERR_LIMIT, "more than %zu starts", PULLS_MAX_STARTS);
    }
    struct pulls_lane *lane = lane_make(p, begin->lane, e);
    if (!lane) {
        return -1;
    }
    if (lane->running) {
        return err_set(
            e, ERR_INTERNAL, "start %llu began on lane %llu, where start %llu still runs", number,
            (unsigned long long)begin->lane, (unsigned long long)lane->running->pub.number);
    }
    struct pulls_record *record = record_make(p, ev);
    if (!record) {
        return err_set(e, ERR_NOMEM, "pulls: no memory for start %llu", number);
    }
    lane_reset(p, lane, record->pub.subject);
    record->lane = lane;
    lane->running = record;
    return keep_record(p, record, e);
}

/* ---- end ----------------------------------------------------------------------------------- */

/* What a request still waits for when its start ends: a daemon that is no process of the start
 * outlives it, connections and all. A fault that fired on it holds it up, so it was met. */
static void note_waiting(struct pulls *p, const struct pulls_request *r, uint64_t now_ns)
{
    struct pull_registry *registry = &r->start->pub.registries[r->registry];
    bool trouble = r->op != OP_OTHER && now_ns - r->t_ns >= PULLS_GAVE_UP_NS;
    for (size_t i = 0; i < p->plan->scenario->fault_count; i++) {
        if ((r->fired[i / 64] >> i % 64 & 1) != 0) {
            r->lane->fault_met[i] = true;
            trouble = true;
        }
    }
    if (trouble) {
        pulls_trouble(registry, r->event);
    }
}

/* Everything still under way counts as it stands: what was delivered was read, for its peer is dead
 * (and its connections have closed already) or at work; what was not answered has failed. */
static int settle(struct pulls *p, struct pulls_lane *lane, uint64_t now_ns)
{
    for (struct pulls_connection *c = lane->connections; c; c = c->next) {
        if (pulls_commit(p, c) != 0) {
            return -1;
        }
    }
    while (lane->requests) {
        struct pulls_request *r = lane->requests;
        note_waiting(p, r, now_ns);
        pulls_attempt_mark(p, lane, r->attempt, r->generation, true);
        pulls_request_drop(p, r);
    }
    return 0;
}

static int fill_faults(struct pulls *p, const struct pulls_lane *lane, struct pull_start *start)
{
    const struct scenario *s = p->plan->scenario;
    size_t count = 0;
    for (size_t i = 0; i < s->fault_count; i++) {
        count += lane->fault_met[i] ? 1 : 0;
    }
    if (count == 0) {
        return 0;
    }
    const char **names = arena_alloc(&p->arena, count, sizeof *names);
    if (!names) {
        return -1;
    }
    for (size_t i = 0; i < s->fault_count; i++) {
        if (lane->fault_met[i]) {
            names[start->fault_met_count++] = s->faults[i].name;
        }
    }
    start->faults_met = names;
    return 0;
}

/* A failover is what the role says; a cache in front of the primary is part of its side. */
static bool is_failover(const struct pulls *p, int registry)
{
    return p->plan->scenario->registries[registry].role == ROLE_FAILOVER;
}

static enum pull_label label_of(const struct pulls *p, const struct pull_start *start)
{
    bool primary = false;
    bool failover = false;
    if (start->outcome != OUTCOME_WORKED) {
        return PULL_FAILED;
    }
    for (size_t i = 0; i < start->object_count; i++) {
        int by = start->objects[i].served_by;
        primary = primary || (by >= 0 && !is_failover(p, by));
        failover = failover || (by >= 0 && is_failover(p, by));
    }
    if (!primary && !failover && start->told_by >= 0) {
        primary = !is_failover(p, start->told_by);
        failover = !primary;
    }
    if (primary && failover) {
        return PULL_MIXED;
    }
    return primary ? PULL_PRIMARY : failover ? PULL_FELL_BACK : PULL_NONE;
}

static const char *claimed_digest(struct pulls *p, const char *result)
{
    unsigned lost = json_memory_lost();
    json_t *root = result ? json_loads(result, 0, NULL) : NULL;
    const char *digest = json_string_value(json_object_get(root, "digest"));
    const char *kept = digest ? arena_strdup(&p->arena, digest) : NULL;
    json_decref(root);
    p->arena.failed = p->arena.failed || json_memory_lost() != lost;
    return kept;
}

#define SAID_MAX 200

/* The last line of TAIL that is not blank, cut to SAID_MAX bytes; NULL where there is none. */
static const char *last_line(struct pulls *p, const char *tail)
{
    size_t end = tail ? strlen(tail) : 0;
    while (end > 0 && strchr(" \t\r\n", tail[end - 1])) {
        end--;
    }
    size_t begin = end;
    while (begin > 0 && tail[begin - 1] != '\n') {
        begin--;
    }
    if (begin == end) {
        return NULL;
    }
    size_t len = end - begin < SAID_MAX ? end - begin : SAID_MAX;
    return arena_strndup(&p->arena, tail + begin, len);
}

static void fill_end(struct pulls *p, struct pulls_record *record, const struct event *ev)
{
    const struct event_start_end *end = &ev->start_end;
    struct pull_start *start = &record->pub;
    char reason[512] = "";
    start->ended = true;
    start->end_ns = ev->t_ns;
    start->took_ns = end->duration_ns > 0 ? end->duration_ns : ev->t_ns - start->begin_ns;
    start->end_event = ev->n;
    start->exit = end->exit;
    start->signal = end->signal;
    start->timed_out = end->timed_out;
    start->stopped = end->cancelled;
    start->leftovers = end->leftovers;
    start->crosses = record->edge != p->edge;
    start->layout = end->layout ? arena_strdup(&p->arena, end->layout) : NULL;
    start->result_digest = claimed_digest(p, end->result);
    start->outcome = pulls_outcome(p, start->lane, end, reason, sizeof reason);
    /* A command that never ran has no output of its own: there the tail says why. */
    const char *why = end->exit < 0 && end->signal == 0 && end->tail ? end->tail : reason;
    start->reason = why[0] ? arena_strdup(&p->arena, why) : NULL;
    start->said = last_line(p, end->tail);
    start->last = pulls_last_words(p, record->lane);
    start->last_event = record->lane->last.event;
}

int pulls_start_end(struct pulls *p, const struct event *ev, struct err *e)
{
    unsigned long long number = ev->start_end.start;
    struct pulls_record *record = pulls_map_get(&p->by_number, number);
    if (!record || !record->lane) {
        return err_set(e, ERR_INTERNAL, "start %llu ended, but does not run", number);
    }
    struct pulls_lane *lane = record->lane;
    if (settle(p, lane, ev->t_ns) != 0) {
        return err_set(e, ERR_NOMEM, "pulls: no memory for the end of start %llu", number);
    }
    struct pulls_found found = pulls_image_of(p, lane);
    record->pub.whole = found.all;
    if ((found.image >= 0 && pulls_fill_image(p, lane, &record->pub, &found) != 0) ||
        fill_faults(p, lane, &record->pub) != 0) {
        return err_set(e, ERR_NOMEM, "pulls: no memory for the end of start %llu", number);
    }
    fill_end(p, record, ev);
    record->pub.label = label_of(p, &record->pub);
    record->lane = NULL;
    lane->running = NULL;
    return p->arena.failed
               ? err_set(e, ERR_NOMEM, "pulls: no memory for the end of start %llu", number)
               : 0;
}
