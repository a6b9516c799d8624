/* One drill, from plan to verdict, on one loop.
 *
 * Happy path: images are built, the plan is fixed and written as the first event, registries listen
 * on every lane, `setup` runs, then the phases one after another: faults are armed, starts are
 * dealt to idle lanes, the phase ends when its starts have ended or its time is up, faults heal.
 * Starts that crossed the last edge end; each registry is probed; one control start a subject runs
 * with every registry down; `teardown` runs; the last event is written, every handle closes, and
 * the judge, which saw each event as it was appended, is asked for the verdict.
 *
 * Failure modes: whatever breaks calls drill_abort, which heals every fault, kills every command
 * and notes what each part waited for; the drill then winds down through the same last states, so a
 * verdict always comes. A sick baseline, the scenario's limit, SIGINT and SIGTERM take that way
 * too. A bad twin that has lost what it was to lose stops early (drill_lose) and still is probed
 * and controlled. Nothing here waits without a limit: commands have time-outs, probes too. */
#include "harness/drill.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake-registry/tls.h"
#include "harness/base/clock.h"
#include "harness/base/log.h"
#include "harness/base/units.h"
#include "harness/drill_internal.h"
#include "harness/interrupts.h"

void drill_action(struct drill *d, const char *action, uint64_t lane, bool ok, const char *detail)
{
    struct event ev = {.type = EVENT_ACTION, .actor = "drill"};
    ev.action.action = action;
    ev.action.lane = lane;
    ev.action.ok = ok;
    ev.action.detail = detail;
    history_append(d->history, &ev);
}

/* ---- moving on ---------------------------------------------------------------------------- */

static void on_feed(uv_idle_t *idle)
{
    (void)uv_idle_stop(idle);
    drill_pump(idle->data);
}

/* A lane for the start that is to begin now, and its number; NULL: none is. What is due by the
 * clock goes before what only waits for a lane. */
static struct worker *next_start(struct drill *d, uint64_t *number)
{
    struct worker *due = drill_every_next(d, number);
    for (size_t i = 0; due == NULL && !d->aborted && i < d->worker_count; i++) {
        struct worker *w = &d->workers[i];
        bool closed = d->plan->scenario->subjects[w->subject].every_ns == 0;
        if (closed && w->state == WORKER_IDLE && drill_next_start(d, w, number)) {
            return w;
        }
    }
    return due;
}

/* To start a process takes milliseconds in which no registry answers: a herd that was begun in one
 * turn of the loop would meet time-outs that are the harness's own. So one start begins a turn, and
 * the rest waits for the next. */
static void feed_workers(struct drill *d)
{
    struct err e = {0};
    uint64_t number = 0;
    struct worker *w = next_start(d, &number);
    if (w == NULL) {
        return;
    }
    if (worker_start(w, number, false, &e) != 0) {
        drill_abort(d, "failure", "start %llu: %s", (unsigned long long)number, e.text);
        return;
    }
    (void)uv_idle_start(&d->feed, on_feed);
}

static bool step_setup(struct drill *d)
{
    if (drill_busy(d) > 0) {
        return false;
    }
    d->state = DRILL_PHASES;
    return true;
}

/* Why the open phase, which is over, ends. */
static const char *phase_reason(const struct drill *d)
{
    switch (d->plan->scenario->phases[d->phase].by) {
    case BY_TIME:
        return "time";
    case BY_EVENT:
        return drill_until_met(d) ? "until" : "at-most";
    case BY_STARTS:
        break;
    }
    return "starts";
}

static bool step_phases(struct drill *d)
{
    const struct scenario *s = d->plan->scenario;
    const char *why = NULL;
    if (judge_baseline_sick(d->judge, &why)) {
        drill_abort(d, "sick-baseline", "%s", why);
        return true;
    }
    if (drill_lost(d)) {
        drill_lose(d);
        return true;
    }
    if (!d->phase_open) {
        if (d->phase == s->phase_count) {
            d->state = DRILL_SETTLING;
            return true;
        }
        drill_begin_phase(d);
    }
    if (!d->phase_ready && drill_do(d)) {
        drill_ready_phase(d);
    }
    if (d->aborted) {
        return true;
    }
    if (!d->phase_ready) {
        return false;
    }
    if (drill_phase_over(d)) {
        drill_end_phase(d, phase_reason(d));
        return true;
    }
    feed_workers(d);
    drill_every_watch(d);
    return d->aborted || drill_phase_over(d);
}

static bool step_settling(struct drill *d)
{
    if (drill_busy(d) > 0) {
        return false;
    }
    drill_heal_all(d, NULL);
    if (d->options->bare) {
        d->state = DRILL_WINDING_DOWN;
        return true;
    }
    d->state = DRILL_PROBING;
    drill_probe_all(d);
    return d->probes_pending == 0;
}

static bool step_probing(struct drill *d)
{
    if (d->probes_pending > 0) {
        return false;
    }
    d->state = DRILL_CONTROL;
    drill_control_begin(d);
    return true;
}

static bool step_control(struct drill *d)
{
    if (drill_busy(d) > 0) {
        return false;
    }
    drill_control_end(d);
    d->state = DRILL_WINDING_DOWN;
    return true;
}

static bool step_winding_down(struct drill *d)
{
    struct err e = {0};
    if (drill_busy(d) > 0 || d->probes_pending > 0) {
        return false;
    }
    d->state = DRILL_TEARDOWN;
    for (size_t i = 0; i < d->worker_count; i++) {
        struct worker *w = &d->workers[i];
        if (!w->torn_down && worker_teardown(w, &e) != 0) {
            w->state = WORKER_IDLE;
            drill_abort(d, "failure", "teardown: %s", e.text);
        }
    }
    return true;
}

static void close_handles(struct drill *d);

static bool step_teardown(struct drill *d)
{
    if (drill_busy(d) > 0) {
        return false;
    }
    lag_close(&d->lag);
    drill_finish(d);
    close_handles(d);
    return false;
}

static bool step(struct drill *d)
{
    switch (d->state) {
    case DRILL_SETUP:
        return step_setup(d);
    case DRILL_PHASES:
        return step_phases(d);
    case DRILL_SETTLING:
        return step_settling(d);
    case DRILL_PROBING:
        return step_probing(d);
    case DRILL_CONTROL:
        return step_control(d);
    case DRILL_WINDING_DOWN:
        return step_winding_down(d);
    case DRILL_TEARDOWN:
        return step_teardown(d);
    case DRILL_CLOSING:
        break;
    }
    return false;
}

void drill_pump(struct drill *d)
{
    if (d->pumping) {
        return;
    }
    d->pumping = true;
    while (step(d)) {
    }
    d->pumping = false;
}

/* ---- handles ------------------------------------------------------------------------------ */

static void on_flush(uv_prepare_t *handle)
{
    struct drill *d = handle->data;
    struct err e = {0};
    if (history_flush(d->history, &e) == 0 && d->registries.server != NULL) {
        e = *server_trouble(d->registries.server);
    }
    e = e.code == ERR_NONE ? d->disk_trouble : e;
    if (e.code != ERR_NONE) {
        drill_abort(d, "failure", "%s", e.text);
        drill_pump(d);
    } else if (drill_lost(d) || drill_until_met(d)) {
        drill_pump(d);
    }
}

static void on_limit(uv_timer_t *timer)
{
    struct drill *d = timer->data;
    char text[32];
    units_duration_text(d->plan->scenario->limit_ns, text);
    drill_abort(d, "limit", "the scenario's limit of %s struck", text);
    drill_pump(d);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    struct drill *d = handle->data;
    if (d->signal == 0) {
        d->signal = signum;
    }
    drill_abort(d, "interrupted", "%s", signum == SIGINT ? "SIGINT" : "SIGTERM");
    drill_pump(d);
}

static void open_handles(struct drill *d)
{
    uv_prepare_init(&d->loop, &d->flush);
    uv_idle_init(&d->loop, &d->feed);
    uv_timer_init(&d->loop, &d->phase_timer);
    uv_timer_init(&d->loop, &d->every_timer);
    uv_timer_init(&d->loop, &d->limit_timer);
    uv_signal_init(&d->loop, &d->sigint);
    uv_signal_init(&d->loop, &d->sigterm);
    d->flush.data = d;
    d->feed.data = d;
    d->phase_timer.data = d;
    d->every_timer.data = d;
    d->limit_timer.data = d;
    d->sigint.data = d;
    d->sigterm.data = d;
    uv_prepare_start(&d->flush, on_flush);
    uv_timer_start(&d->limit_timer, on_limit, d->plan->scenario->limit_ns / CLOCK_NS_PER_MS, 0);
    uv_signal_start(&d->sigint, on_signal, SIGINT);
    uv_signal_start(&d->sigterm, on_signal, SIGTERM);
    interrupts_let();
    lag_init(&d->lag, &d->loop, d->history);
    d->handles_open = true;
}

static void on_server_closed(void *data)
{
    struct drill *d = data;
    d->registries.server = NULL;
}

static void close_handles(struct drill *d)
{
    if (d->handles_open) {
        interrupts_hold();
        uv_close((uv_handle_t *)&d->flush, NULL);
        uv_close((uv_handle_t *)&d->feed, NULL);
        uv_close((uv_handle_t *)&d->phase_timer, NULL);
        uv_close((uv_handle_t *)&d->every_timer, NULL);
        uv_close((uv_handle_t *)&d->limit_timer, NULL);
        uv_close((uv_handle_t *)&d->sigint, NULL);
        uv_close((uv_handle_t *)&d->sigterm, NULL);
        d->handles_open = false;
    }
    /* What a lane has of its own on the loop would keep it running. */
    for (size_t i = 0; i < d->worker_count; i++) {
        const struct lane *lane = d->workers[i].lane;
        if (lane->reach->close != NULL) {
            lane->reach->close(d->workers[i].lane);
        }
    }
    if (d->registries.server != NULL) {
        server_close(d->registries.server, on_server_closed, d);
    }
}

/* ---- from end to end ---------------------------------------------------------------------- */

static void run(struct drill *d)
{
    struct err e = {0};
    open_handles(d);
    if (drill_open_lanes(d, &e) != 0) {
        /* No lane was set up, so none is to be torn down. */
        for (size_t i = 0; i < d->worker_count; i++) {
            d->workers[i].torn_down = true;
        }
        drill_abort(d, e.code == ERR_UNSUPPORTED ? "skipped" : "failure", "%s", e.text);
    } else {
        drill_begin_setups(d);
    }
    drill_pump(d);
    uv_run(&d->loop, UV_RUN_DEFAULT);
}

static void close_drill(struct drill *d)
{
    for (size_t i = 0; i < d->worker_count; i++) {
        lane_free(d->workers[i].lane);
    }
    free(d->workers);
    d->worker_count = 0; /* what follows looks at them no more */
    if (d->own_lane != NULL) {
        lane_free(d->own_lane);
    }
    if (d->loop_open) {
        close_handles(d);
        uv_run(&d->loop, UV_RUN_DEFAULT);
        if (uv_loop_close(&d->loop) != 0) {
            log_line("a handle was left open; this is a fault of pulldrill");
        }
    }
    judge_free(d->judge);
    if (d->engine != NULL) {
        fault_engine_free(d->engine);
    }
    if (d->history != NULL) {
        history_free(d->history);
    }
    registries_close(&d->registries);
    drill_close_work(d);
    plan_free(d->plan);
}

struct verdict *drill_run(struct scenario *scenario, const struct drill_options *options,
                          struct err *e)
{
    struct drill *d = calloc(1, sizeof *d);
    struct verdict *verdict = NULL;
    if (d == NULL) {
        scenario_free(scenario);
        err_set(e, ERR_NOMEM, "drill: no memory");
        return NULL;
    }
    uint64_t seed = options->has_seed ? options->seed : scenario->seed;
    d->options = options;
    interrupts_hold();
    if (drill_open(d, &scenario, seed, e) == 0) {
        run(d);
        verdict = judge_finish(d->judge, e);
        if (verdict != NULL) {
            verdict->signal = d->signal;
        }
    }
    if (verdict != NULL && history_flush(d->history, e) != 0) {
        verdict_free(verdict);
        verdict = NULL;
    }
    scenario_free(scenario);
    close_drill(d);
    free(d);
    return verdict;
}
