/* The parts of a drill, made in the order in which they need each other. What fails leaves the
 * parts made so far to close_drill. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-registry/tls.h"
#include "harness/base/clock.h"
#include "harness/drill_internal.h"
#include "harness/lane_trust.h"
#include "harness/pool.h"

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

static struct plan_built *built_list(struct drill *d, const struct scenario *s, struct arena *a)
{
    struct plan_built *built = arena_alloc(a, s->image_count + 1, sizeof *built);
    for (size_t i = 0; built != NULL && i < s->image_count; i++) {
        if (built_image(&d->images[i], a, &built[i]) != 0) {
            return NULL;
        }
    }
    return built;
}

static int make_plan(struct drill *d, struct scenario **scenario, uint64_t seed, struct err *e)
{
    struct arena a;
    arena_init(&a, 16u << 20);
    struct plan_built *built = built_list(d, *scenario, &a);
    const struct drill_options *o = d->options;
    char *replay =
        arena_printf(&a, "%s --seed %llu%s", o->replay != NULL ? o->replay : "pulldrill run",
                     (unsigned long long)seed, o->replay_tail != NULL ? o->replay_tail : "");
    if (built == NULL || replay == NULL) {
        arena_close(&a);
        return err_set(e, ERR_NOMEM, "plan: no memory");
    }
    d->plan = plan_new(*scenario, built, seed, replay, e);
    arena_close(&a);
    if (d->plan == NULL) {
        return -1;
    }
    *scenario = NULL;
    return o->listen != NULL ? plan_set_listen(d->plan, o->listen, e) : 0;
}

static int begin_history(struct drill *d, struct err *e)
{
    char path[4096];
    const char *file = NULL;
    if (d->options->out != NULL) {
        snprintf(path, sizeof path, "%s/starts", d->options->out);
        if (mkdir(path, 0777) != 0 && errno != EEXIST) {
            return err_errno(e, errno, "cannot make %s", path);
        }
        snprintf(path, sizeof path, "%s/history.jsonl", d->options->out);
        file = path;
    }
    d->history = history_new(file, e);
    d->judge = d->history != NULL ? judge_new(d->plan, e) : NULL;
    if (d->judge == NULL || history_observe(d->history, judge_event, d->judge, e) != 0 ||
        history_observe(d->history, drill_until_event, d, e) != 0) {
        return -1;
    }
    return d->options->watch == NULL
               ? 0
               : history_observe(d->history, d->options->watch, d->options->watch_data, e);
}

static int tell_plan(struct drill *d, struct err *e)
{
    char wall[32];
    char *text = plan_text(d->plan, e);
    if (text == NULL) {
        return -1;
    }
    clock_wall_text(wall);
    struct event ev = {.type = EVENT_DRILL_BEGIN, .actor = "drill"};
    ev.drill_begin.plan = text;
    ev.drill_begin.wall = wall;
    history_append(d->history, &ev);
    free(text);
    return history_flush(d->history, e);
}

static int begin_server(struct drill *d, struct err *e)
{
    const struct scenario *s = d->plan->scenario;
    d->engine = fault_engine_new(s->faults, s->fault_count, d->plan->seed, e);
    if (d->engine == NULL) {
        return -1;
    }
    if (drill_auth_open(d, e) != 0) {
        return -1;
    }
    if (lane_trust_wanted(s) && (d->ca = tls_authority_new(e)) == NULL) {
        return -1;
    }
    struct server_config config = {.loop = &d->loop, .history = d->history, .faults = d->engine};
    d->server = server_new(&config, e);
    for (size_t i = 0; d->server != NULL && i < s->registry_count; i++) {
        const struct server_registry registry = {.name = s->registries[i].name,
                                                 .store = d->stores[i],
                                                 .auth = d->auth[i],
                                                 .redirect_blobs = s->registries[i].blobs.own};
        if (server_add_registry(d->server, &registry, e) < 0) {
            return -1;
        }
    }
    return d->server == NULL ? -1 : 0;
}

/* Those of an open loop are made when they are needed, where nothing has to be set up on them. The
 * control start needs one in any case. */
static uint64_t lanes_wanted(const struct scenario *s, size_t subject)
{
    uint64_t most = 1;
    if (s->subjects[subject].every_ns > 0) {
        return s->subjects[subject].setup.count > 0 ? s->subjects[subject].max_in_flight : 1;
    }
    for (size_t i = 0; i < s->phase_count; i++) {
        uint64_t n = s->phases[i].by != BY_STARTS ? UINT64_MAX : s->phases[i].starts[subject];
        most = n > most ? n : most;
    }
    uint64_t limit = s->subjects[subject].concurrency;
    return most < limit ? most : limit;
}

struct worker *drill_add_lane(struct drill *d, size_t subject, struct err *e)
{
    if (d->worker_count == DRILL_MAX_WORKERS) {
        err_set(e, ERR_LIMIT, "more than %d lanes", DRILL_MAX_WORKERS);
        return NULL;
    }
    struct worker *w = &d->workers[d->worker_count];
    w->drill = d;
    w->subject = subject;
    w->lane = lane_new(&d->shared, lane_reach_of(d->plan->scenario->subjects[subject].reach),
                       d->worker_count + 1, (int)subject, e);
    if (w->lane == NULL) {
        return NULL;
    }
    d->worker_count++;
    return w;
}

int drill_open_lanes(struct drill *d, struct err *e)
{
    const struct scenario *s = d->plan->scenario;
    if (scratch_open(d->work, &d->work_hold, e) != 0) {
        return -1;
    }
    pid_t broom = broom_begin(subject_program(), d->work, e);
    if (broom < 0) {
        return -1;
    }
    subject_spare(broom);
    d->shared = (struct lane_shared){.plan = d->plan,
                                     .work = d->work,
                                     .loop = &d->loop,
                                     .server = d->server,
                                     .history = d->history,
                                     .faults = d->engine,
                                     .ca = d->ca,
                                     .auth = d->auth};
    d->own_lane = lane_new(&d->shared, &lane_reach_ports, 0, -1, e);
    d->workers = calloc(DRILL_MAX_WORKERS, sizeof *d->workers);
    if (d->own_lane == NULL || d->workers == NULL) {
        return err_set(e, ERR_NOMEM, "lanes: no memory");
    }
    for (size_t i = 0; i < s->subject_count; i++) {
        for (uint64_t k = lanes_wanted(s, i); k > 0; k--) {
            if (drill_add_lane(d, i, e) == NULL) {
                return -1;
            }
        }
    }
    return 0;
}

void drill_begin_setups(struct drill *d)
{
    struct err e = {0};
    for (size_t i = 0; i < d->worker_count && !d->aborted; i++) {
        if (worker_setup(&d->workers[i], &e) != 0) {
            d->workers[i].state = WORKER_IDLE;
            drill_abort(d, "failure", "setup: %s", e.text);
        }
    }
}

int drill_open(struct drill *d, struct scenario **scenario, uint64_t seed, struct err *e)
{
    int rc = uv_loop_init(&d->loop);
    if (rc != 0) {
        return err_set(e, ERR_IO, "loop: %s", uv_strerror(rc));
    }
    d->loop_open = true;
    if (pool_begin(&d->loop, &d->pool, e) != 0) {
        return -1;
    }
    return drill_build(d, *scenario, seed, e) != 0 || make_plan(d, scenario, seed, e) != 0 ||
                   begin_history(d, e) != 0 || tell_plan(d, e) != 0 || begin_server(d, e) != 0
               ? -1
               : 0;
}
