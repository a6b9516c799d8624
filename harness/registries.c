/* The registries of a scenario, made in the order in which they need each other. What fails leaves
 * the parts made so far to registries_close. */
#include "harness/registries.h"

#include <stdio.h>
#include <stdlib.h>

#include "fake-registry/auth.h"
#include "fake-registry/tls.h"
#include "harness/base/clock.h"
#include "harness/lane_trust.h"
#include "harness/registries_internal.h"

#define MAX_PATH 4096

/* ---- stores -------------------------------------------------------------------------------- */

bool registries_on_disk(const struct scenario *s)
{
    for (size_t i = 0; i < s->registry_count; i++) {
        if (s->registries[i].on_disk) {
            return true;
        }
    }
    return false;
}

static struct store *disk_store(const struct scenario_registry *registry, const char *folder,
                                void (*note)(void *data, const char *text), void *data,
                                struct err *e)
{
    char path[MAX_PATH];
    int n = snprintf(path, sizeof path, "%s/%s", folder, registry->name);
    if (n < 0 || (size_t)n >= sizeof path) {
        err_set(e, ERR_LIMIT, "the folder of registry %s has too long a name", registry->name);
        return NULL;
    }
    struct store *store = store_open(path, note, data, e);
    if (store == NULL) {
        err_prefix(e, "registry %s", registry->name);
    }
    return store;
}

int registries_build(struct registries *r, const struct scenario *s, uint64_t seed,
                     const char *folder, void (*note)(void *data, const char *text), void *data,
                     struct err *e)
{
    for (size_t i = 0; i < s->registry_count; i++) {
        r->stores[i] = s->registries[i].on_disk
                           ? disk_store(&s->registries[i], folder, note, data, e)
                           : store_new(e);
        if (r->stores[i] == NULL) {
            return -1;
        }
    }
    return registries_images(r, s, seed, e);
}

/* ---- the plan ------------------------------------------------------------------------------ */

static const char *platform_text(const struct image_platform *platform, struct arena *a)
{
    return arena_printf(a, "%s%s%s%s%s", platform->os, platform->architecture[0] ? "/" : "",
                        platform->architecture, platform->variant[0] ? "/" : "", platform->variant);
}

static int built_manifest(const struct image_manifest *from, struct arena *a,
                          struct plan_manifest *out)
{
    struct plan_blob *blobs = arena_alloc(a, from->layer_count + 1, sizeof *blobs);
    if (blobs == NULL) {
        return -1;
    }
    blobs[0] = (struct plan_blob){from->config->digest, from->config->size};
    for (size_t k = 0; k < from->layer_count; k++) {
        blobs[k + 1] = (struct plan_blob){from->layers[k]->digest, from->layers[k]->size};
    }
    *out = (struct plan_manifest){.digest = from->manifest->digest,
                                  .size = from->manifest->size,
                                  .platform = platform_text(&from->platform, a),
                                  .blobs = blobs,
                                  .blob_count = from->layer_count + 1};
    return out->platform != NULL ? 0 : -1;
}

static int built_image(const struct image *image, struct arena *a, struct plan_built *out)
{
    struct plan_manifest *manifests = arena_alloc(a, image->manifest_count, sizeof *manifests);
    for (size_t i = 0; manifests != NULL && i < image->manifest_count; i++) {
        if (built_manifest(&image->manifests[i], a, &manifests[i]) != 0) {
            return -1;
        }
    }
    *out = (struct plan_built){.digest = image->top->digest,
                               .manifest_size = image->top->size,
                               .manifests = manifests,
                               .manifest_count = image->manifest_count};
    return manifests != NULL ? 0 : -1;
}

static struct plan_built *built_list(const struct registries *r, struct arena *a)
{
    struct plan_built *built = arena_alloc(a, r->image_count + 1, sizeof *built);
    for (size_t i = 0; built != NULL && i < r->image_count; i++) {
        if (built_image(&r->images[i], a, &built[i]) != 0) {
            return NULL;
        }
    }
    return built;
}

struct plan *registries_plan(const struct registries *r, struct scenario **scenario, uint64_t seed,
                             const char *replay, struct err *e)
{
    struct arena a;
    struct plan *plan = NULL;
    arena_init(&a, 16u << 20);
    struct plan_built *built = built_list(r, &a);
    if (built == NULL) {
        err_set(e, ERR_NOMEM, "plan: no memory");
    } else {
        plan = plan_new(*scenario, built, seed, replay, e);
    }
    arena_close(&a);
    if (plan != NULL) {
        *scenario = NULL;
    }
    return plan;
}

int registries_tell_plan(const struct plan *plan, struct history *history, struct err *e)
{
    char wall[32];
    char *text = plan_text(plan, e);
    if (text == NULL) {
        return -1;
    }
    clock_wall_text(wall);
    struct event ev = {.type = EVENT_DRILL_BEGIN, .actor = "drill"};
    ev.drill_begin.plan = text;
    ev.drill_begin.wall = wall;
    history_append(history, &ev);
    free(text);
    return history_flush(history, e);
}

/* ---- the server ---------------------------------------------------------------------------- */

static int add(struct registries *r, const struct scenario *s, size_t i, struct err *e)
{
    const struct scenario_registry *from = &s->registries[i];
    const struct server_registry registry = {
        .name = from->name,
        .store = r->stores[i],
        .rules = {.read_only = from->read_only, .refuse_sparse = !from->sparse},
        .auth = r->auth[i],
        .redirect_blobs = from->blobs.own};
    return server_add_registry(r->server, &registry, e) < 0 ? -1 : 0;
}

int registries_open(struct registries *r, const struct plan *plan, uv_loop_t *loop,
                    struct history *history, struct fault_engine *faults, struct err *e)
{
    const struct scenario *s = plan->scenario;
    const struct server_config config = {.loop = loop, .history = history, .faults = faults};
    if (registries_auth_open(r, s, history, e) != 0 ||
        (lane_trust_wanted(s) && (r->ca = tls_authority_new(e)) == NULL)) {
        return -1;
    }
    r->server = server_new(&config, e);
    for (size_t i = 0; r->server != NULL && i < s->registry_count; i++) {
        if (add(r, s, i, e) != 0) {
            return -1;
        }
    }
    return r->server == NULL ? -1 : 0;
}

void registries_close(struct registries *r)
{
    tls_authority_free(r->ca);
    r->ca = NULL;
    for (size_t i = 0; i < SCENARIO_MAX_REGISTRIES; i++) {
        auth_free(r->auth[i]);
        r->auth[i] = NULL;
    }
    for (size_t i = 0; r->images != NULL && i < r->image_count; i++) {
        image_close(&r->images[i]);
    }
    free(r->images);
    r->images = NULL;
    for (size_t i = 0; i < SCENARIO_MAX_REGISTRIES; i++) {
        if (r->stores[i] != NULL) {
            store_free(r->stores[i]);
            r->stores[i] = NULL;
        }
    }
}
