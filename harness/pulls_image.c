/* Which image a start has: what it was told of, and whether all of it is on the lane.
 *
 * A plain image is its one manifest and that one's blobs. An index is had with any manifest it
 * lists that a machine can run: whole, and come to by the index or told by its own digest. */
#include <string.h>

#include "harness/pulls_internal.h"

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* ---- what a digest stands for -------------------------------------------------------------- */

/* How well IMAGE fits a request told DIGEST; -1: not at all. */
static int fit(const struct pulls_request *r, const struct plan_image *image, size_t index,
               const char *digest)
{
    bool top = same(image->digest, digest);
    if (!top && plan_image_manifest(image, digest) < 0) {
        return -1;
    }
    int score = top ? 1 : 0;
    score += r->lane->told[index].event > 0 ? 2 : 0;
    score += same(image->tag, r->reference) ? 4 : 0;
    score += same(image->repository, r->repository) ? 8 : 0;
    return score;
}

int pulls_image_told(const struct pulls *p, const struct pulls_request *r, const char *digest)
{
    int best = -1;
    int best_score = -1;
    uint64_t best_event = 0;
    for (size_t i = 0; i < p->plan->scenario->image_count; i++) {
        int score = fit(r, &p->plan->images[i], i, digest);
        uint64_t event = r->lane->told[i].event;
        if (score > best_score || (score >= 0 && score == best_score && event > best_event)) {
            best = (int)i;
            best_score = score;
            best_event = event;
        }
    }
    return best;
}

/* ---- what of it is there ------------------------------------------------------------------- */

static bool preloaded(const struct pulls *p, const struct pulls_lane *lane, const char *digest)
{
    const struct scenario_subject *s = &p->plan->scenario->subjects[lane->running->pub.subject];
    for (size_t i = 0; i < s->preloaded_count; i++) {
        if (strcmp(s->preloaded[i], digest) == 0) {
            return true;
        }
    }
    return false;
}

bool pulls_has(const struct pulls *p, const struct pulls_lane *lane, const char *digest,
               struct pulls_part *part)
{
    const struct pulls_known *known = pulls_known_find(p, digest);
    *part = (struct pulls_part){.digest = digest, .size = known ? known->size : 0};
    if (!known) {
        return false;
    }
    if (pulls_arrived(lane, known) || preloaded(p, lane, digest)) {
        return true;
    }
    part->covered = pulls_covered(lane, known);
    return false;
}

static bool has_manifest(const struct pulls *p, const struct pulls_lane *lane,
                         const struct plan_manifest *m)
{
    struct pulls_part part;
    bool has = pulls_has(p, lane, m->digest, &part);
    for (size_t i = 0; has && i < m->blob_count; i++) {
        has = pulls_has(p, lane, m->blobs[i].digest, &part);
    }
    return has;
}

uint64_t pulls_told_event(const struct pulls *p, const struct pulls_lane *lane, const char *digest)
{
    const struct pulls_known *known = pulls_known_find(p, digest);
    const struct pulls_state *state = known ? lane->state[known->index] : NULL;
    return state ? state->told.event : 0;
}

struct pulls_chosen pulls_manifest_of(const struct pulls *p, const struct pulls_lane *lane,
                                      const struct plan_image *image)
{
    struct pulls_chosen chosen = {.manifest = -1};
    bool plain = !plan_image_is_index(image);
    uint64_t latest = 0;
    for (size_t i = 0; i < image->manifest_count; i++) {
        const struct plan_manifest *m = &image->manifests[i];
        if (!plain && !plan_manifest_runs(m)) {
            continue;
        }
        uint64_t event = pulls_told_event(p, lane, m->digest);
        bool whole = has_manifest(p, lane, m);
        bool better = whole == chosen.whole ? event > latest : whole;
        if (better || (plain && chosen.manifest < 0)) {
            chosen = (struct pulls_chosen){.manifest = (int)i, .whole = whole};
            latest = event;
        }
    }
    struct pulls_part part;
    chosen.led = plain || latest > 0 || pulls_has(p, lane, image->digest, &part);
    return chosen;
}

/* Of the images whose digest it was told, the last told one that is whole, else the last told. */
struct pulls_found pulls_image_of(const struct pulls *p, const struct pulls_lane *lane)
{
    struct pulls_found found = {.image = -1, .chosen = {.manifest = -1}};
    uint64_t event = 0;
    for (size_t i = 0; i < p->plan->scenario->image_count; i++) {
        const struct pulls_told *told = &lane->told[i];
        if (told->event == 0) {
            continue;
        }
        struct pulls_chosen chosen = pulls_manifest_of(p, lane, &p->plan->images[i]);
        bool whole = chosen.whole && chosen.led;
        found.all |= whole ? UINT64_C(1) << i : 0;
        if ((whole && !found.whole) || (whole == found.whole && told->event > event)) {
            found.image = (int)i;
            found.whole = whole;
            found.chosen = chosen;
            event = told->event;
        }
    }
    return found;
}

/* ---- its objects, once the start has ended ------------------------------------------------- */

static void object_fill(const struct pulls *p, const struct pulls_lane *lane, enum pull_kind kind,
                        const char *digest, struct pull_object *out)
{
    const struct pulls_known *known = pulls_known_find(p, digest);
    const struct pulls_state *state = known ? lane->state[known->index] : NULL;
    *out = (struct pull_object){.kind = kind, .digest = digest, .served_by = -1, .told_by = -1};
    if (!state) {
        return;
    }
    out->served_by = state->served_by;
    out->served_event = state->served_event;
    out->told_by = state->told.event > 0 ? state->told.by : -1;
    out->told_event = state->told.event;
    out->complete = state->complete;
    out->damaged = state->damaged;
}

static bool listed(const struct pull_start *start, const char *digest)
{
    for (size_t i = 0; i < start->object_count; i++) {
        if (strcmp(start->objects[i].digest, digest) == 0) {
            return true;
        }
    }
    return false;
}

/* The blobs of M, the config first; those of another manifest already stand there. */
static void add_blobs(const struct pulls *p, const struct pulls_lane *lane,
                      const struct plan_manifest *m, struct pull_start *start)
{
    for (size_t i = 0; i < m->blob_count; i++) {
        if (!listed(start, m->blobs[i].digest)) {
            struct pull_object *object = &start->objects[start->object_count++];
            object_fill(p, lane, i == 0 ? PULL_CONFIG : PULL_LAYER, m->blobs[i].digest, object);
            object->layer = i;
        }
    }
}

/* The manifests that the start was told of, and the one it has: a client that copies all platforms
 * has several. */
static bool took(const struct pulls *p, const struct pulls_lane *lane,
                 const struct pull_start *start, const struct plan_image *image, size_t i)
{
    return (int)i == start->manifest || pulls_told_event(p, lane, image->manifests[i].digest) > 0;
}

int pulls_fill_image(struct pulls *p, const struct pulls_lane *lane, struct pull_start *start,
                     const struct pulls_found *found)
{
    const struct plan_image *image = &p->plan->images[found->image];
    bool index = plan_image_is_index(image);
    size_t most = 1 + image->manifest_count + image->blob_count;
    start->image = found->image;
    start->manifest = found->chosen.manifest;
    start->told_by = lane->told[found->image].by;
    start->told_event = lane->told[found->image].event;
    start->objects = arena_alloc(&p->arena, most, sizeof *start->objects);
    if (!start->objects) {
        return -1;
    }
    object_fill(p, lane, index ? PULL_INDEX : PULL_MANIFEST, image->digest, &start->objects[0]);
    start->object_count = 1;
    for (size_t i = 0; index && i < image->manifest_count; i++) {
        if (took(p, lane, start, image, i)) {
            object_fill(p, lane, PULL_MANIFEST, image->manifests[i].digest,
                        &start->objects[start->object_count++]);
        }
    }
    for (size_t i = 0; i < image->manifest_count; i++) {
        if (!index || took(p, lane, start, image, i)) {
            add_blobs(p, lane, &image->manifests[i], start);
        }
    }
    return 0;
}
