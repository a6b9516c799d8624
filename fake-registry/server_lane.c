/* A lane as the server knows it: who runs there now, and how often it asked for what. */
#include <stdlib.h>
#include <string.h>

#include "fake-registry/server_internal.h"
#include "harness/base/rng.h"

static int grow_lanes(struct server *s, struct err *e)
{
    if (s->lane_count == SERVER_MAX_LANES) {
        return err_set(e, ERR_LIMIT, "more than %d lanes", SERVER_MAX_LANES);
    }
    if ((s->lane_count & (s->lane_count - 1)) != 0) {
        return 0;
    }
    size_t cap = s->lane_count == 0 ? 1 : s->lane_count * 2;
    struct server_lane **lanes = realloc(s->lanes, cap * sizeof(struct server_lane *));
    if (lanes == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for a lane");
    }
    s->lanes = lanes;
    return 0;
}

struct server_lane *server_lane_of(struct server *s, uint64_t number, struct err *e)
{
    for (size_t i = 0; i < s->lane_count; i++) {
        if (s->lanes[i]->number == number) {
            return s->lanes[i];
        }
    }
    if (grow_lanes(s, e) != 0) {
        return NULL;
    }
    struct server_lane *lane = calloc(1, sizeof(*lane));
    if (lane == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for a lane");
        return NULL;
    }
    lane->number = number;
    s->lanes[s->lane_count++] = lane;
    return lane;
}

static void asked_close(struct asked *a)
{
    free(a->entries);
    *a = (struct asked){0};
}

void server_lane_free(struct server_lane *lane)
{
    asked_close(&lane->asked);
    free(lane);
}

static struct asked_entry *asked_slot(const struct asked *a, uint64_t key)
{
    size_t i = (size_t)key & (a->cap - 1);
    while (a->entries[i].key != 0 && a->entries[i].key != key) {
        i = (i + 1) & (a->cap - 1);
    }
    return &a->entries[i];
}

/* Room for one more, at most half full. False where there is none to be had. */
static bool asked_grow(struct asked *a)
{
    if (a->len * 2 < a->cap) {
        return true;
    }
    struct asked next = {.cap = a->cap == 0 ? 64 : a->cap * 2, .len = a->len};
    if (a->len >= SERVER_ASKED_MAX) {
        return false;
    }
    next.entries = calloc(next.cap, sizeof(*next.entries));
    if (next.entries == NULL) {
        return false;
    }
    for (size_t i = 0; i < a->cap; i++) {
        if (a->entries[i].key != 0) {
            *asked_slot(&next, a->entries[i].key) = a->entries[i];
        }
    }
    free(a->entries);
    a->entries = next.entries;
    a->cap = next.cap;
    return true;
}

static uint64_t question_key(const char *host, const struct oci_route *route)
{
    char text[SERVER_HOST + OCI_MAX_NAME + OCI_MAX_REFERENCE + 4];
    size_t len = 0;
    const char *const parts[] = {host, route->repository, route->reference};
    text[len++] = (char)route->op;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t n = strlen(parts[i]) + 1;
        memcpy(text + len, parts[i], n);
        len += n;
    }
    return rng_hash(0, text, len) | 1; /* 0 marks a free slot */
}

uint64_t server_lane_asked(struct server_lane *lane, const char *host,
                           const struct oci_route *route)
{
    struct asked *a = &lane->asked;
    uint64_t key = question_key(host, route);
    struct asked_entry *slot = a->cap > 0 ? asked_slot(a, key) : NULL;
    if (slot != NULL && slot->key == key) {
        return ++slot->count;
    }
    if (!asked_grow(a)) {
        return ++a->overflow;
    }
    slot = asked_slot(a, key);
    slot->key = key;
    a->len++;
    return ++slot->count;
}

void server_lane_begin(struct server *s, uint64_t lane, uint64_t start)
{
    struct server_lane *l = server_lane_of(s, lane, NULL);
    if (l != NULL) {
        l->start = start;
        asked_close(&l->asked);
    }
}
