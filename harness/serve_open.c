/* From a scenario to registries that listen, in the order in which the parts need each other. What
 * fails leaves the parts made so far to serve_close. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/log.h"
#include "harness/lane_trust.h"
#include "harness/pool.h"
#include "harness/reach.h"
#include "harness/serve_internal.h"

#define LOOPBACK "127.0.0.1"
/* The lane of all that comes; 0 would be the harness's own, which no report counts. */
#define SERVE_LANE 1
#define PLACES_BYTES (64u << 10)

/* Where stores on disk lie: --store, or a folder that goes at the end. OUT is of SIZE. */
static int store_folder(struct serve *s, char *out, size_t size, struct err *e)
{
    const char *scratch = s->options->store == NULL ? serve_scratch(s, e) : NULL;
    if (s->options->store == NULL && scratch == NULL) {
        return -1;
    }
    int n = scratch != NULL ? snprintf(out, size, "%s/stores", scratch)
                            : snprintf(out, size, "%s", s->options->store);
    if (n < 0 || (size_t)n >= size) {
        return err_set(e, ERR_USAGE, "--store: the folder's name is too long");
    }
    return mkdir(out, 0777) == 0 || errno == EEXIST
               ? 0
               : err_errno(e, errno, "cannot make the folder %.500s", out);
}

static int build(struct serve *s, const struct scenario *scenario, struct err *e)
{
    char folder[4096] = "";
    const struct serve_options *o = s->options;
    if (registries_on_disk(scenario) && store_folder(s, folder, sizeof folder, e) != 0) {
        return -1;
    }
    return registries_build(&s->registries, scenario, o->seed, folder, o->note, o->data, e);
}

static int make_plan(struct serve *s, struct scenario **scenario, struct err *e)
{
    s->plan = registries_plan(&s->registries, scenario, s->options->seed, s->options->replay, e);
    if (s->plan == NULL) {
        return -1;
    }
    s->plan->served = true;
    return 0;
}

static int open_server(struct serve *s, struct err *e)
{
    const struct scenario *scenario = s->plan->scenario;
    s->history = history_new(s->options->record, e);
    s->engine = s->history != NULL
                    ? fault_engine_new(scenario->faults, scenario->fault_count, s->plan->seed, e)
                    : NULL;
    if (s->engine == NULL) {
        return -1;
    }
    if (s->options->record != NULL && registries_tell_plan(s->plan, s->history, e) != 0) {
        return -1;
    }
    return registries_open(&s->registries, s->plan, &s->loop, s->history, s->engine, e);
}

/* ---- listeners ----------------------------------------------------------------------------- */

static const char *suffix(enum server_role role)
{
    return role == SERVER_TOKEN ? "/token" : role == SERVER_BLOBS ? "/blobs" : "";
}

/* Certificates, realms and redirects name one address. */
static bool needs_name(const struct scenario_registry *r)
{
    return r->tls || r->auth == REGISTRY_AUTH_TOKEN || r->blobs.own;
}

static int check_address(const struct serve *s, const struct scenario_registry *r, struct err *e)
{
    const struct serve_options *o = s->options;
    bool every =
        o->address != NULL && (strcmp(o->address, "0.0.0.0") == 0 || strcmp(o->address, "::") == 0);
    return !every || o->advertise != NULL || !needs_name(r)
               ? 0
               : err_set(e, ERR_USAGE,
                         "--listen %s is every address, and clients of registry %s must be told "
                         "one of them; write --advertise NAME beside it",
                         o->address, r->name);
}

static int open_host(struct serve *s, const struct reach_host *host, size_t index, struct err *e)
{
    const struct scenario_registry *r = &s->plan->scenario->registries[host->registry];
    const struct serve_options *o = s->options;
    struct reach_place place = {.address = o->address != NULL ? o->address : LOOPBACK,
                                .advertise = o->advertise};
    char endpoint[272];
    if (check_address(s, r, e) != 0) {
        return -1;
    }
    if (o->port > 0 && o->port + index > UINT16_MAX) {
        return err_set(e, ERR_USAGE, "--listen: registry %s%s would need port %zu; begin lower",
                       r->name, suffix(host->role), o->port + index);
    }
    place.port = o->port > 0 ? (uint16_t)(o->port + index) : 0;
    int listener = reach_listen(&s->lane, host, &place, e);
    if (listener < 0) {
        return err_prefix(e, "registry %s%s", r->name, suffix(host->role));
    }
    reach_endpoint(&place, server_port(s->registries.server, listener), endpoint, sizeof endpoint);
    buf_printf(&s->places, "%s%s %s\n", r->name, suffix(host->role), endpoint);
    if (host->role == SERVER_REGISTRY) {
        s->lane.listener[host->registry] = listener;
        s->lane.tls[host->registry] = r->tls;
        memcpy(s->lane.endpoint[host->registry], endpoint, sizeof endpoint);
    }
    return 0;
}

static int open_listeners(struct serve *s, struct err *e)
{
    struct reach_host hosts[REACH_MAX_HOSTS];
    size_t count = reach_hosts(s->plan->scenario, hosts);
    s->shared = (struct lane_shared){.plan = s->plan,
                                     .loop = &s->loop,
                                     .server = s->registries.server,
                                     .history = s->history,
                                     .faults = s->engine,
                                     .ca = s->registries.ca,
                                     .auth = s->registries.auth};
    s->lane.shared = &s->shared;
    s->lane.plan = s->plan;
    s->lane.number = SERVE_LANE;
    s->lane.subject = -1;
    for (size_t i = 0; i < count; i++) {
        if (open_host(s, &hosts[i], i, e) != 0) {
            return -1;
        }
    }
    return s->places.failed ? err_set(e, ERR_NOMEM, "serve: no memory") : 0;
}

/* ---- all of it ----------------------------------------------------------------------------- */

int serve_open(struct serve *s, struct scenario **scenario, struct err *e)
{
    int rc = uv_loop_init(&s->loop);
    buf_init(&s->places, PLACES_BYTES);
    if (rc != 0) {
        return err_set(e, ERR_IO, "loop: %s", uv_strerror(rc));
    }
    s->loop_open = true;
    if (pool_begin(&s->loop, &s->pool, e) != 0) {
        return -1;
    }
    return serve_ready_none(s, e) != 0 || build(s, *scenario, e) != 0 ||
                   make_plan(s, scenario, e) != 0 || open_server(s, e) != 0 ||
                   open_listeners(s, e) != 0 || serve_files(s, e) != 0
               ? -1
               : 0;
}

void serve_close(struct serve *s)
{
    if (s->loop_open) {
        uv_run(&s->loop, UV_RUN_DEFAULT);
        if (uv_loop_close(&s->loop) != 0) {
            log_line("a handle was left open; this is a fault of pulldrill");
        }
    }
    if (s->engine != NULL) {
        fault_engine_free(s->engine);
    }
    registries_close(&s->registries);
    serve_files_close(s);
    plan_free(s->plan);
    if (s->history != NULL) {
        history_free(s->history);
    }
    buf_close(&s->places);
}
