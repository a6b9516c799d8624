/* The plan: a scenario bound to the digests of its images, and the numbers of its starts. */
#include "harness/plan.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/plan_internal.h"

#define PLAN_MAX_MEMORY ((size_t)64 << 20)

/* Room for COUNT, also where that is 0: NULL is left to mean that there was no memory. */
static void *room(struct arena *a, size_t count, size_t size)
{
    return arena_alloc(a, count ? count : 1, size);
}

/* Copies what was built: the plan outlives the store. */
static void copy_manifest(struct arena *a, const struct plan_manifest *from,
                          struct plan_manifest *to)
{
    struct plan_blob *blobs = room(a, from->blob_count, sizeof *blobs);
    if (!blobs)
        return;
    for (size_t i = 0; i < from->blob_count; i++)
        blobs[i] = (struct plan_blob){arena_strdup(a, from->blobs[i].digest), from->blobs[i].size};
    *to = (struct plan_manifest){.digest = arena_strdup(a, from->digest),
                                 .size = from->size,
                                 .platform = arena_strdup(a, from->platform),
                                 .blobs = blobs,
                                 .blob_count = from->blob_count};
}

static void copy_manifests(struct arena *a, const struct plan_built *built, struct plan_image *out)
{
    struct plan_manifest plain = {.digest = built->digest,
                                  .size = built->manifest_size,
                                  .platform = "",
                                  .blobs = built->blobs,
                                  .blob_count = built->blob_count};
    const struct plan_manifest *from = built->manifest_count ? built->manifests : &plain;
    size_t count = built->manifest_count ? built->manifest_count : 1;
    out->manifests = room(a, count, sizeof *out->manifests);
    for (size_t i = 0; out->manifests && i < count; i++)
        copy_manifest(a, &from[i], &out->manifests[i]);
    out->manifest_count = count;
}

static bool has_blob(const struct plan_image *image, const char *digest)
{
    for (size_t i = 0; i < image->blob_count; i++) {
        if (strcmp(image->blobs[i].digest, digest) == 0)
            return true;
    }
    return false;
}

/* Manifests of different platforms may share layers. */
static void join_blobs(struct arena *a, struct plan_image *out)
{
    size_t most = 0;
    for (size_t m = 0; m < out->manifest_count; m++)
        most += out->manifests[m].blob_count;
    out->blobs = room(a, most, sizeof *out->blobs);
    for (size_t m = 0; out->blobs && m < out->manifest_count; m++) {
        for (size_t i = 0; i < out->manifests[m].blob_count; i++) {
            const struct plan_blob *blob = &out->manifests[m].blobs[i];
            if (!has_blob(out, blob->digest))
                out->blobs[out->blob_count++] = *blob;
        }
    }
}

static void fill_fault(struct arena *a, struct plan_image *image)
{
    const char **manifests = room(a, image->manifest_count, sizeof *manifests);
    const char **blobs = room(a, image->blob_count, sizeof *blobs);
    if (!manifests || !blobs)
        return;
    for (size_t i = 0; i < image->manifest_count; i++)
        manifests[i] = image->manifests[i].digest;
    for (size_t i = 0; i < image->blob_count; i++)
        blobs[i] = image->blobs[i].digest;
    image->fault = (struct fault_image){.name = image->name,
                                        .repository = image->repository,
                                        .tag = image->tag,
                                        .digest = image->digest,
                                        .manifests = manifests,
                                        .manifest_count = image->manifest_count,
                                        .blobs = blobs,
                                        .blob_count = image->blob_count};
}

static void fill_image(struct arena *a, const struct scenario_image *image,
                       const struct plan_built *built, struct plan_image *out)
{
    *out = (struct plan_image){.name = image->name,
                               .repository = image->repository,
                               .tag = image->tag,
                               .on = image->on,
                               .digest = arena_strdup(a, built->digest),
                               .manifest_size = built->manifest_size};
    copy_manifests(a, built, out);
    if (a->failed)
        return;
    join_blobs(a, out);
    if (!a->failed)
        fill_fault(a, out);
}

/* Binds the rules that name an image; the parser has made sure that it exists. */
static void bind_faults(struct plan *p)
{
    struct scenario *s = p->scenario;
    for (size_t f = 0; f < s->fault_count; f++) {
        const struct fault_value *image = &s->faults[f].param[PARAM_IMAGE];
        for (size_t i = 0; image->set && i < s->image_count; i++) {
            if (strcmp(s->images[i].name, image->text) == 0)
                s->faults[f].image = &p->images[i].fault;
        }
    }
}

static int fill(struct plan *p, struct scenario *scenario, const struct plan_built *built,
                const char *replay, struct err *e)
{
    struct arena *a = &p->arena;
    size_t count = scenario->image_count;
    p->images = arena_alloc(a, count ? count : 1, sizeof *p->images);
    p->replay = replay ? arena_strdup(a, replay) : NULL;
    for (size_t i = 0; p->images && i < count; i++)
        fill_image(a, &scenario->images[i], &built[i], &p->images[i]);
    return a->failed ? err_set(e, ERR_NOMEM, "no memory for the plan") : 0;
}

struct plan *plan_make(struct scenario *scenario, const struct plan_built *built, uint64_t seed,
                       const char *replay, json_t *versions, json_t *host, struct err *e)
{
    if (seed > SCENARIO_MAX_SEED) {
        err_set(e, ERR_USAGE, "the seed %llu is too large; use 0 to %llu", (unsigned long long)seed,
                (unsigned long long)SCENARIO_MAX_SEED);
        return NULL;
    }
    struct plan *p = calloc(1, sizeof *p);
    if (!p) {
        err_set(e, ERR_NOMEM, "no memory for the plan");
        return NULL;
    }
    arena_init(&p->arena, PLAN_MAX_MEMORY);
    if (fill(p, scenario, built, replay, e) != 0) {
        arena_close(&p->arena);
        free(p);
        return NULL;
    }
    p->seed = seed;
    p->scenario = scenario;
    p->versions = versions;
    p->host = host;
    bind_faults(p);
    return p;
}

struct plan *plan_new(struct scenario *scenario, const struct plan_built *built, uint64_t seed,
                      const char *replay, struct err *e)
{
    json_t *versions = plan_versions();
    json_t *host = plan_host();
    struct plan *p = NULL;
    if (versions && host)
        p = plan_make(scenario, built, seed, replay, versions, host, e);
    else
        err_set(e, ERR_NOMEM, "no memory for the plan");
    if (!p) {
        json_decref(versions);
        json_decref(host);
    }
    return p;
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    scenario_free(p->scenario);
    json_decref(p->versions);
    json_decref(p->host);
    arena_close(&p->arena);
    free(p);
}

int plan_set_listen(struct plan *p, const struct plan_listen *listen, struct err *e)
{
    p->listen.port = listen->port;
    p->listen.address = listen->address ? arena_strdup(&p->arena, listen->address) : NULL;
    p->listen.advertise = listen->advertise ? arena_strdup(&p->arena, listen->advertise) : NULL;
    return p->arena.failed ? err_set(e, ERR_NOMEM, "no memory for the plan") : 0;
}

const struct plan_image *plan_image_by_digest(const struct plan *p, const char *digest)
{
    for (size_t i = 0; digest && i < p->scenario->image_count; i++) {
        if (strcmp(p->images[i].digest, digest) == 0)
            return &p->images[i];
    }
    for (size_t i = 0; digest && i < p->scenario->image_count; i++) {
        if (plan_image_manifest(&p->images[i], digest) >= 0)
            return &p->images[i];
    }
    return NULL;
}

int plan_image_manifest(const struct plan_image *image, const char *digest)
{
    for (size_t i = 0; digest && i < image->manifest_count; i++) {
        if (strcmp(image->manifests[i].digest, digest) == 0)
            return (int)i;
    }
    return -1;
}

bool plan_image_has(const struct plan_image *image, const char *digest)
{
    return digest &&
           (strcmp(image->digest, digest) == 0 || plan_image_manifest(image, digest) >= 0);
}

bool plan_image_is_index(const struct plan_image *image)
{
    return plan_image_manifest(image, image->digest) < 0;
}

bool plan_manifest_runs(const struct plan_manifest *m)
{
    return strncmp(m->platform, "unknown", strlen("unknown")) != 0;
}

int plan_registry(const struct plan *p, const char *name)
{
    const struct scenario *s = p->scenario;
    for (size_t i = 0; name && i < s->registry_count; i++) {
        if (strcmp(s->registries[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

int plan_subject(const struct plan *p, const char *name)
{
    const struct scenario *s = p->scenario;
    for (size_t i = 0; name && i < s->subject_count; i++) {
        if (strcmp(s->subjects[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

int plan_phase(const struct plan *p, const char *name)
{
    const struct scenario *s = p->scenario;
    for (size_t i = 0; name && i < s->phase_count; i++) {
        if (strcmp(s->phases[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

uint64_t plan_start_number(const struct plan *p, size_t phase, uint64_t base, size_t subject,
                           uint64_t k)
{
    const struct scenario_phase *ph = &p->scenario->phases[phase];
    size_t subjects = p->scenario->subject_count;
    if (ph->by != BY_STARTS)
        return base + k * subjects + subject + 1;
    /* All that were dealt in the rounds before, then this round's turns up to this subject's. */
    uint64_t before = 0;
    for (size_t i = 0; i < subjects; i++) {
        uint64_t starts = ph->starts[i];
        before += starts < k ? starts : k;
        if (i < subject && starts > k)
            before++;
    }
    return base + before + 1;
}

uint64_t plan_late_most_ns(const struct plan *p, size_t subject)
{
    uint64_t every_ns = p->scenario->subjects[subject].every_ns;
    return every_ns > CLOCK_NS_PER_S ? every_ns : CLOCK_NS_PER_S;
}
