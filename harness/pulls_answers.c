/* Answers: what each means to its start (told, delivered, failed, trouble). */
#include <stdio.h>
#include <string.h>

#include "harness/history/pieces.h"
#include "harness/pulls_internal.h"

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static enum pulls_answer answer_of(const char *end)
{
    if (same(end, "whole")) {
        return ANSWER_WHOLE;
    }
    if (same(end, "abandoned")) {
        return ANSWER_ABANDONED;
    }
    return same(end, "harness") ? ANSWER_HARNESS : ANSWER_CUT;
}

static bool ok_status(const struct event_response *a)
{
    return a->status >= 200 && a->status < 300;
}

/* What is asked for is what the client has already: it told so by a condition. */
static bool unmodified(const struct event_response *a)
{
    return a->status == 304;
}

/* Whether a fault of that KIND acted on the answer. */
static bool acted(const struct pulls *p, const struct event_response *a, enum fault_kind kind)
{
    const struct scenario *s = p->plan->scenario;
    for (const char *at = a->faults; at && *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        for (size_t i = 0; i < s->fault_count; i++) {
            const struct fault_rule *rule = &s->faults[i];
            if (strlen(rule->name) == len && memcmp(rule->name, at, len) == 0 &&
                rule->kind->kind == kind) {
                return true;
            }
        }
        at += len;
    }
    return false;
}

/* Whether a fault gave the answer in the registry's place: with a 2xx too it brings nothing true.
 */
static bool made_up(const struct pulls *p, const struct event_response *a)
{
    return acted(p, a, FAULT_STATUS);
}

/* A 401 that no fault made asks for a credential: the ordinary way in, not trouble. */
static bool is_challenge(const struct pulls *p, const struct event_response *a,
                         enum pulls_answer answer)
{
    return a->status == 401 && answer == ANSWER_WHOLE && !made_up(p, a);
}

/* Sends the client elsewhere: neither brings anything nor fails, until that has answered. */
static bool is_redirect(const struct pulls *p, const struct event_response *a,
                        enum pulls_answer answer)
{
    return a->status >= 300 && a->status < 400 && !unmodified(a) && answer == ANSWER_WHOLE &&
           !made_up(p, a);
}

static bool is_failure(const struct pulls *p, const struct event_response *a,
                       enum pulls_answer answer)
{
    return a->status == 0 || a->status >= 400 || a->altered_bytes > 0 || answer != ANSWER_WHOLE ||
           made_up(p, a);
}

/* Whether the answer gives its start a reason to turn to another registry. A good answer that the
 * client left by itself gives none; one that a fault acted on, or that dragged on, does. What is no
 * operation of a registry (a TLS greeting on a plain port) says nothing about its health. */
static bool is_trouble(const struct pulls *p, const struct pulls_request *r,
                       const struct event_response *a, enum pulls_answer answer)
{
    bool absent = r->op == OP_BLOB_HEAD && !r->attempt && a->status == 404; /* so it is pushed */
    bool nothing = r->op == OP_OTHER || absent;
    if (answer == ANSWER_HARNESS || is_challenge(p, a, answer) || (nothing && !a->faults)) {
        return false;
    }
    if (answer == ANSWER_ABANDONED && a->status < 400) {
        return a->faults || a->altered_bytes > 0 || a->duration_ns >= PULLS_GAVE_UP_NS;
    }
    /* An image that is not the one its tag should stand for comes whole, and is no help. */
    return is_failure(p, a, answer) || acted(p, a, FAULT_STALE_TAG);
}

static void note_answer(struct pulls_request *r, const struct event *ev, enum pulls_answer answer)
{
    const struct event_response *a = &ev->response;
    struct pulls_last *last = &r->lane->last;
    pulls_note_last(r->lane, r);
    last->answer = answer;
    last->status = a->status;
    last->altered = a->altered_bytes > 0;
    last->body_bytes = a->delivered > a->head_bytes ? a->delivered - a->head_bytes : 0;
    last->duration_ns = a->duration_ns;
    last->event = ev->n;
    snprintf(last->faults, sizeof last->faults, "%s", a->faults ? a->faults : "");
}

static void note_faults(struct pulls *p, struct pulls_lane *lane, const char *faults)
{
    while (faults && *faults) {
        size_t len = strcspn(faults, " ");
        pulls_fault_met(p, lane, faults, len);
        faults += len + strspn(faults + len, " ");
    }
}

/* Who has what DIGEST names and hears that it is still so needs no byte of it: that answer was of
 * use. */
static void note_unmodified(const struct pulls *p, const struct pulls_request *r,
                            const struct event *ev)
{
    const struct event_response *a = &ev->response;
    struct pull_registry *registry = &r->start->pub.registries[r->registry];
    uint64_t ns = r->t_ns + a->duration_ns;
    struct pulls_part part;
    if (unmodified(a) && (registry->useful_ns == 0 || ns < registry->useful_ns) &&
        pulls_has(p, r->lane, a->digest, &part)) {
        registry->useful_ns = ns;
        registry->useful_event = ev->n;
    }
}

static int note_told(const struct pulls *p, const struct pulls_request *r, const struct event *ev)
{
    const struct event_response *a = &ev->response;
    bool tells = ok_status(a) || unmodified(a);
    if (!a->digest || !tells || !op_is_manifest(r->op) || a->delivered < a->head_bytes) {
        return 0;
    }
    note_unmodified(p, r, ev);
    const struct pulls_known *known = pulls_known_find(p, a->digest);
    struct pulls_state *state = known ? pulls_state_of(r->lane, known) : NULL;
    int image = known ? pulls_image_told(p, r, a->digest) : -1;
    struct pulls_told told = {.event = ev->n, .by = r->registry};
    if (state) {
        state->told = told;
    }
    if (image >= 0) {
        r->lane->told[image] = told;
    }
    return known && !state ? -1 : 0;
}

/* What the body carries: said by the answer, else what was asked for. */
static const struct pulls_known *carried(const struct pulls *p, const struct pulls_request *r,
                                         const struct event_response *a)
{
    if (a->object) {
        return pulls_known_find(p, a->object);
    }
    return a->digest && op_is_manifest(r->op) ? pulls_known_find(p, a->digest) : r->known;
}

static size_t add_piece(struct pulls_range *piece, size_t count, uint64_t from, uint64_t to)
{
    if (from >= to) {
        return count;
    }
    piece[count] = (struct pulls_range){from, to};
    return count + 1;
}

/* One range, but for what was altered of it. */
static size_t take_range(const struct event_response *a, struct pulls_range *piece)
{
    uint64_t from = a->object_from;
    uint64_t to = from + a->object_bytes;
    uint64_t bad_to = a->altered_from + a->altered_bytes;
    if (a->altered_bytes == 0 || a->altered_from >= to || bad_to <= from) {
        return add_piece(piece, 0, from, to);
    }
    size_t count = add_piece(piece, 0, from, a->altered_from);
    return add_piece(piece, count, bad_to, to);
}

/* Several: "0-9 20-29". What is no range of an object of SIZE bytes ends them. */
static size_t take_pieces(const char *at, uint64_t size, struct pulls_range *piece)
{
    size_t count = 0;
    uint64_t from, last;
    while (count < PULLS_MAX_PIECES && pieces_next(&at, &from, &last) && last < size) {
        count = add_piece(piece, count, from, last + 1);
    }
    return count;
}

/* What came stays pending until its connection shows that it was read. */
static int deliver(struct pulls *p, struct pulls_request *r, const struct event *ev, bool failed,
                   struct err *e)
{
    const struct event_response *a = &ev->response;
    const struct pulls_known *known = carried(p, r, a);
    bool get = r->op == OP_MANIFEST_GET || r->op == OP_BLOB_GET;
    if (!known || !get || !ok_status(a) || made_up(p, a)) {
        return 0;
    }
    struct pulls_state *state = pulls_state_of(r->lane, known);
    if (!state) {
        return err_set(e, ERR_NOMEM, "pulls: no memory");
    }
    state->damaged = state->damaged || failed;
    struct pulls_connection *c = pulls_map_get(&p->connections, r->connection);
    if (!c || (a->object_bytes == 0 && !a->pieces) || a->object_from > known->size ||
        a->object_bytes > known->size - a->object_from) {
        return 0;
    }
    struct pulls_range piece[PULLS_MAX_PIECES];
    size_t count = a->pieces ? take_pieces(a->pieces, known->size, piece) : take_range(a, piece);
    struct pulls_delivery d = {.known = known->index,
                               .registry = r->registry,
                               .event = ev->n,
                               .first_byte_ns = a->first_byte_ns ? r->t_ns + a->first_byte_ns : 0,
                               .attempt = r->attempt,
                               .generation = r->generation};
    return pulls_pend(p, c, &d, piece, count, e);
}

int pulls_answered(struct pulls *p, const struct event *ev, struct err *e)
{
    const struct event_response *a = &ev->response;
    struct pulls_request *r = pulls_map_get(&p->requests, a->request);
    if (!r) {
        return 0;
    }
    enum pulls_answer answer = answer_of(a->end);
    bool failed = is_failure(p, a, answer);
    struct pull_registry *registry = &r->start->pub.registries[r->registry];
    registry->last_event = ev->n;
    note_answer(r, ev, answer);
    pulls_changed(p, r, ev);
    note_faults(p, r->lane, a->faults);
    if (note_told(p, r, ev) != 0) {
        return err_set(e, ERR_NOMEM, "pulls: no memory");
    }
    if (is_trouble(p, r, a, answer)) {
        pulls_trouble(registry, ev->n);
    }
    bool redirect = is_redirect(p, a, answer);
    bool latest = r->attempt && r->attempt->generation == r->generation;
    /* A redirect that was followed before it was seen to arrive has nothing more to say. */
    if (!(redirect && latest && r->attempt->followed)) {
        pulls_attempt_mark(p, r->lane, r->attempt, r->generation, failed || redirect);
        if (latest) {
            r->attempt->challenged = is_challenge(p, a, answer);
            r->attempt->redirected = redirect;
            r->attempt->open = false;
        }
    }
    int rc = deliver(p, r, ev, failed, e);
    pulls_request_drop(p, r);
    return rc;
}
