/* The plan: a scenario bound to the digests of its images, and the numbers of its starts. */
#include "harness/plan.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/plan_internal.h"

#define PLAN_MAX_MEMORY ((size_t)64 << 20)

/* Copies what was built: the plan outlives the store. */
static void copy_blobs(struct arena *a, const struct plan_built *built, struct plan_image *out)
{
    out->blobs = arena_alloc(a, built->blob_count ? built->blob_count : 1, sizeof *out->blobs);
    const char **digests =
        arena_alloc(a, built->blob_count ? built->blob_count : 1, sizeof *digests);
    if (!out->blobs || !digests)
        return;
    for (size_t i = 0; i < built->blob_count; i++) {
        digests[i] = arena_strdup(a, built->blobs[i].digest);
        out->blobs[i] = (struct plan_blob){.digest = digests[i], .size = built->blobs[i].size};
    }
    out->blob_count = built->blob_count;
    out->fault.blobs = digests;
    out->fault.blob_count = built->blob_count;
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
    out->fault = (struct fault_image){
        .name = out->name, .repository = out->repository, .tag = out->tag, .digest = out->digest};
    copy_blobs(a, built, out);
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

const struct plan_image *plan_image_by_digest(const struct plan *p, const char *digest)
{
    for (size_t i = 0; digest && i < p->scenario->image_count; i++) {
        if (strcmp(p->images[i].digest, digest) == 0)
            return &p->images[i];
    }
    return NULL;
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
