/* The objects of the plan and the bytes of them that reached a lane.
 *
 * Happy path: an answer carries a range of a known object; it stays pending until the connection
 * shows that the peer read it (another request, sent after the answer; an orderly close; the end of
 * the start), then the range is added and, once the union covers the object, the object is whole.
 * Failure modes: a reset by the peer undoes all that is pending, which with requests sent ahead of
 * their answers is more than one; a range past the maximum is dropped. Both err on the side of
 * bytes that did not arrive, never of bytes that did. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/pulls_internal.h"

/* ---- known objects ------------------------------------------------------------------------- */

static uint64_t digest_hash(const char *digest)
{
    return rng_hash(0, digest, strlen(digest));
}

const struct pulls_known *pulls_known_find(const struct pulls *p, const char *digest)
{
    if (!digest) {
        return NULL;
    }
    const struct pulls_known *known = pulls_map_get(&p->known_by_hash, digest_hash(digest));
    return known && strcmp(known->digest, digest) == 0 ? known : NULL;
}

static int know(struct pulls *p, const char *digest, uint64_t size, size_t image)
{
    struct pulls_known *known = pulls_map_get(&p->known_by_hash, digest_hash(digest));
    if (!known) {
        known = &p->known[p->known_count];
        known->digest = digest;
        known->size = size;
        known->index = p->known_count++;
        if (pulls_map_put(&p->known_by_hash, digest_hash(digest), known) != 0) {
            return -1;
        }
    }
    known->images |= UINT64_C(1) << image;
    return 0;
}

int pulls_known_init(struct pulls *p)
{
    size_t most = 0;
    size_t images = p->plan->scenario->image_count;
    for (size_t i = 0; i < images; i++) {
        most += 1 + p->plan->images[i].manifest_count + p->plan->images[i].blob_count;
    }
    p->known = calloc(most + 1, sizeof p->known[0]);
    if (!p->known) {
        return -1;
    }
    for (size_t i = 0; i < images; i++) {
        const struct plan_image *image = &p->plan->images[i];
        int rc = know(p, image->digest, image->manifest_size, i);
        for (size_t k = 0; rc == 0 && k < image->manifest_count; k++) {
            rc = know(p, image->manifests[k].digest, image->manifests[k].size, i);
        }
        for (size_t k = 0; rc == 0 && k < image->blob_count; k++) {
            rc = know(p, image->blobs[k].digest, image->blobs[k].size, i);
        }
        if (rc != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- ranges -------------------------------------------------------------------------------- */

struct pulls_state *pulls_state_of(struct pulls_lane *lane, const struct pulls_known *known)
{
    struct pulls_state *state = lane->state[known->index];
    if (!state) {
        state = calloc(1, sizeof *state);
        if (state) {
            state->served_by = -1;
            state->piece_by = -1;
            lane->state[known->index] = state;
        }
    }
    return state;
}

static int make_room(struct pulls_state *s)
{
    if (s->count < s->cap) {
        return 0;
    }
    size_t cap = s->cap == 0 ? 4 : s->cap * 2;
    struct pulls_range *range = realloc(s->range, cap * sizeof *range);
    if (!range) {
        return -1;
    }
    s->range = range;
    s->cap = cap;
    return 0;
}

/* Adds R to the union, merging what touches. Past PULLS_MAX_RANGES a new gap is not opened: R is
 * dropped. -1: no memory. */
static int add_range(struct pulls_state *s, struct pulls_range r)
{
    if (r.from >= r.to) {
        return 0;
    }
    size_t first = 0;
    while (first < s->count && s->range[first].to < r.from) {
        first++;
    }
    size_t last = first;
    while (last < s->count && s->range[last].from <= r.to) {
        r.from = s->range[last].from < r.from ? s->range[last].from : r.from;
        r.to = s->range[last].to > r.to ? s->range[last].to : r.to;
        last++;
    }
    if (last == first) {
        if (s->count >= PULLS_MAX_RANGES) {
            return 0;
        }
        if (make_room(s) != 0) {
            return -1;
        }
    }
    memmove(&s->range[first + 1], &s->range[last], (s->count - last) * sizeof s->range[0]);
    s->range[first] = r;
    s->count += 1 + first - last;
    return 0;
}

/* The end of the furthest piece that covers POS, and in NEXT where the nearest piece behind POS
 * begins. Pending pieces count. */
static uint64_t cover_from(const struct pulls_lane *lane, const struct pulls_known *known,
                           uint64_t pos, uint64_t *next)
{
    const struct pulls_state *state = lane->state[known->index];
    uint64_t end = pos;
    *next = UINT64_MAX;
    for (size_t i = 0; state && i < state->count; i++) {
        const struct pulls_range *r = &state->range[i];
        end = r->from <= pos && r->to > end ? r->to : end;
        *next = r->from > pos && r->from < *next ? r->from : *next;
    }
    for (const struct pulls_connection *c = lane->connections; c; c = c->next) {
        for (const struct pulls_delivery *d = c->pending; d; d = d->next) {
            for (size_t i = 0; d->known == known->index && i < d->count; i++) {
                const struct pulls_range *r = &d->piece[i];
                end = r->from <= pos && r->to > end ? r->to : end;
                *next = r->from > pos && r->from < *next ? r->from : *next;
            }
        }
    }
    return end;
}

uint64_t pulls_covered(const struct pulls_lane *lane, const struct pulls_known *known)
{
    uint64_t covered = 0;
    uint64_t pos = 0;
    while (pos < known->size) {
        uint64_t next;
        uint64_t end = cover_from(lane, known, pos, &next);
        if (end > pos) {
            end = end > known->size ? known->size : end;
            covered += end - pos;
            pos = end;
        } else {
            pos = next;
        }
    }
    return covered;
}

bool pulls_arrived(const struct pulls_lane *lane, const struct pulls_known *known)
{
    const struct pulls_state *state = lane->state[known->index];
    if (state && state->complete) {
        return true;
    }
    return known->size > 0 && pulls_covered(lane, known) == known->size;
}

/* ---- deliveries ---------------------------------------------------------------------------- */

static void settle(struct pulls_state *s, const struct pulls_known *known,
                   const struct pulls_delivery *d)
{
    bool whole_again = d->count == 1 && d->piece[0].from == 0 && d->piece[0].to == known->size;
    bool was = s->complete;
    s->complete = s->count == 1 && s->range[0].from == 0 && s->range[0].to >= known->size;
    if (d->event > s->piece_event) {
        s->piece_event = d->event;
        s->piece_by = d->registry;
    }
    if (s->complete && !was) {
        s->served_event = s->piece_event;
        s->served_by = s->piece_by;
    } else if (whole_again && d->event > s->served_event) {
        s->served_event = d->event;
        s->served_by = d->registry;
    }
}

static void note_useful(struct pulls_lane *lane, const struct pulls_delivery *d)
{
    struct pull_registry *registry = &lane->running->pub.registries[d->registry];
    if (d->count > 0 && d->first_byte_ns > 0 &&
        (registry->useful_ns == 0 || d->first_byte_ns < registry->useful_ns)) {
        registry->useful_ns = d->first_byte_ns;
        registry->useful_event = d->event;
    }
}

static size_t weight(size_t pieces)
{
    return pieces > 0 ? pieces : 1;
}

int pulls_pend(struct pulls *p, struct pulls_connection *c, const struct pulls_delivery *d,
               const struct pulls_range *piece, size_t count, struct err *e)
{
    if (weight(count) > PULLS_MAX_PENDING - p->pending_count) {
        return err_set(e, ERR_LIMIT,
                       "pulls: more than %zu pieces of answers that nothing shows to be read",
                       PULLS_MAX_PENDING);
    }
    struct pulls_delivery *own = malloc(sizeof *own + count * sizeof own->piece[0]);
    if (!own) {
        return err_set(e, ERR_NOMEM, "pulls: no memory");
    }
    *own = *d;
    own->next = NULL;
    own->count = count;
    for (size_t i = 0; i < count; i++) {
        own->piece[i] = piece[i];
    }
    if (c->pending) {
        c->pending_last->next = own;
    } else {
        c->pending = own;
    }
    c->pending_last = own;
    p->pending_count += weight(count);
    return 0;
}

void pulls_pending_free(struct pulls *p, struct pulls_connection *c)
{
    while (c->pending) {
        struct pulls_delivery *d = c->pending;
        c->pending = d->next;
        p->pending_count -= weight(d->count);
        free(d);
    }
}

static int commit_one(struct pulls *p, const struct pulls_connection *c,
                      const struct pulls_delivery *d)
{
    const struct pulls_known *known = &p->known[d->known];
    struct pulls_state *state = pulls_state_of(c->lane, known);
    if (!state) {
        return -1;
    }
    for (size_t i = 0; i < d->count; i++) {
        if (add_range(state, d->piece[i]) != 0) {
            return -1;
        }
    }
    settle(state, known, d);
    note_useful(c->lane, d);
    return 0;
}

int pulls_commit(struct pulls *p, struct pulls_connection *c)
{
    int rc = 0;
    for (const struct pulls_delivery *d = c->lane->running ? c->pending : NULL; d && rc == 0;
         d = d->next) {
        rc = commit_one(p, c, d);
    }
    pulls_pending_free(p, c);
    return rc;
}

void pulls_undo(struct pulls *p, struct pulls_connection *c)
{
    for (const struct pulls_delivery *d = c->lane->running ? c->pending : NULL; d; d = d->next) {
        struct pulls_state *state = c->lane->state[d->known];
        if (state) {
            state->damaged = true;
        }
        pulls_attempt_mark(p, c->lane, d->attempt, d->generation, true);
    }
    pulls_pending_free(p, c);
}

void pulls_states_reset(const struct pulls *p, struct pulls_lane *lane, bool cold)
{
    for (size_t i = 0; i < p->known_count; i++) {
        struct pulls_state *s = lane->state[i];
        if (!s) {
            continue;
        }
        s->damaged = false;
        s->served_by = s->piece_by = -1;
        s->served_event = s->piece_event = 0;
        s->told = (struct pulls_told){.event = 0};
        if (cold) {
            s->count = 0;
            s->complete = false;
        }
    }
}

void pulls_states_close(const struct pulls *p, struct pulls_lane *lane)
{
    for (size_t i = 0; lane->state && i < p->known_count; i++) {
        if (lane->state[i]) {
            free(lane->state[i]->range);
            free(lane->state[i]);
        }
    }
    free(lane->state);
    lane->state = NULL;
}
