/* The parts of a drill, made in the order in which they need each other. What fails leaves the
 * parts made so far to close_drill. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/log.h"
#include "harness/drill_internal.h"
#include "harness/pool.h"

/* The drill's folder; nothing where it is there already. */
static int open_work(struct drill *d, struct err *e)
{
    if (d->work[0] != '\0') {
        return 0;
    }
    if (scratch_open(d->work, &d->work_hold, e) != 0) {
        return -1;
    }
    pid_t broom = broom_begin(subject_program(), d->work, e);
    if (broom < 0) {
        return -1;
    }
    subject_spare(broom);
    return 0;
}

/* Where stores on disk lie. */
#define STORES "%s/stores"

void drill_close_work(struct drill *d)
{
    char stores[SCRATCH_PATH + sizeof STORES];
    struct err e = {0};
    if (d->work[0] == '\0') {
        return;
    }
    snprintf(stores, sizeof stores, STORES, d->work);
    if (access(stores, F_OK) == 0 && scratch_remove(stores, &e) != 0) {
        log_line("%s", e.text);
    }
    scratch_close(d->work, d->work_hold);
    broom_end();
    subject_spare(0);
}

/* Stores of a drill are new: what they note is trouble with the disk that they lie on. */
static void on_note(void *data, const char *text)
{
    struct drill *d = data;
    (void)err_set(&d->disk_trouble, ERR_IO, "%s", text);
}

static int build(struct drill *d, const struct scenario *s, uint64_t seed, struct err *e)
{
    char stores[SCRATCH_PATH + sizeof STORES] = "";
    for (size_t i = 0; i < s->image_count; i++) {
        d->lies[i] = s->images[i].on;
    }
    if (registries_on_disk(s)) {
        if (open_work(d, e) != 0) {
            return -1;
        }
        snprintf(stores, sizeof stores, STORES, d->work);
        if (mkdir(stores, 0777) != 0) {
            return err_errno(e, errno, "cannot make the folder %s", stores);
        }
    }
    return registries_build(&d->registries, s, seed, stores, on_note, d, e);
}

static int make_plan(struct drill *d, struct scenario **scenario, uint64_t seed, struct err *e)
{
    const struct drill_options *o = d->options;
    char *replay = NULL;
    if (asprintf(&replay, "%s --seed %llu%s", o->replay != NULL ? o->replay : "pulldrill run",
                 (unsigned long long)seed, o->replay_tail != NULL ? o->replay_tail : "") < 0) {
        return err_set(e, ERR_NOMEM, "plan: no memory");
    }
    d->plan = registries_plan(&d->registries, scenario, seed, replay, e);
    free(replay);
    if (d->plan == NULL) {
        return -1;
    }
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

static int begin_server(struct drill *d, struct err *e)
{
    const struct scenario *s = d->plan->scenario;
    d->engine = fault_engine_new(s->faults, s->fault_count, d->plan->seed, e);
    if (d->engine == NULL) {
        return -1;
    }
    return registries_open(&d->registries, d->plan, &d->loop, d->history, d->engine, e);
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
    if (open_work(d, e) != 0) {
        return -1;
    }
    d->shared = (struct lane_shared){.plan = d->plan,
                                     .work = d->work,
                                     .loop = &d->loop,
                                     .server = d->registries.server,
                                     .history = d->history,
                                     .faults = d->engine,
                                     .ca = d->registries.ca,
                                     .auth = d->registries.auth};
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
    return build(d, *scenario, seed, e) != 0 || make_plan(d, scenario, seed, e) != 0 ||
                   begin_history(d, e) != 0 || registries_tell_plan(d->plan, d->history, e) != 0 ||
                   begin_server(d, e) != 0
               ? -1
               : 0;
}
