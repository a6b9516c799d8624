/* Registries that stand alone.
 *
 * Happy path: everything is made and listens, the ready file appears and the lines are said; then
 * the loop runs. SIGINT or SIGTERM takes the ready file away, heals every fault, lets nobody in any
 * more and closes what has nothing under way, until nothing has; the last events are written, every
 * handle closes.
 *
 * Failure modes: what fails before that ends it with nothing said; a history that can no longer be
 * written stops it as a signal does, and is an error; a transfer that does not end is cut after
 * SERVE_DRAIN_MS, or at the second signal. kill -9 leaves a store that loads and a history without
 * its end. */
#include "harness/serve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/log.h"
#include "harness/interrupts.h"
#include "harness/serve_internal.h"

/* How often it looks whether transfers have ended. */
#define LOOK_MS 10

/* ---- the end ------------------------------------------------------------------------------- */

static void tell_end(struct serve *s)
{
    struct event ev = {.type = EVENT_DRILL_END, .actor = "drill"};
    ev.drill_end.reason = s->trouble.code != ERR_NONE ? "failure" : "completed";
    ev.drill_end.detail = s->trouble.code != ERR_NONE ? s->trouble.text : s->detail;
    ev.drill_end.requests = s->totals.requests;
    ev.drill_end.connections = s->totals.connections;
    history_append(s->history, &ev);
}

static void on_server_closed(void *data)
{
    struct serve *s = data;
    s->registries.server = NULL;
    if (s->handles_open) {
        if (s->options->record != NULL) {
            lag_close(&s->lag);
        }
        tell_end(s);
        uv_close((uv_handle_t *)&s->flush, NULL);
        s->handles_open = false;
    }
}

/* What is still under way is cut. */
static void finish(struct serve *s)
{
    if (s->closing) {
        return;
    }
    s->closing = true;
    interrupts_hold();
    if (s->handles_open) {
        uv_close((uv_handle_t *)&s->sigint, NULL);
        uv_close((uv_handle_t *)&s->sigterm, NULL);
        uv_close((uv_handle_t *)&s->drain, NULL);
    }
    if (s->registries.server != NULL) {
        s->totals = server_totals(s->registries.server);
        server_close(s->registries.server, on_server_closed, s);
    }
}

static void on_drain(uv_timer_t *timer)
{
    struct serve *s = timer->data;
    size_t busy = server_stop(s->registries.server);
    bool late = uv_now(&s->loop) >= s->give_up_ms;
    if (busy > 0 && late) {
        char text[96];
        snprintf(text, sizeof text, "%zu transfers did not end in %d s and are cut", busy,
                 SERVE_DRAIN_MS / 1000);
        s->options->note(s->options->data, text);
    }
    if (busy == 0 || late) {
        finish(s);
    }
}

static void stop(struct serve *s, const char *why)
{
    snprintf(s->detail, sizeof s->detail, "%s", why);
    s->stopping = true;
    s->give_up_ms = uv_now(&s->loop) + SERVE_DRAIN_MS;
    serve_unready(s);
    serve_phase_end(s);
    /* What has come before the signal is read first. */
    uv_timer_start(&s->drain, on_drain, LOOK_MS, LOOK_MS);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    struct serve *s = handle->data;
    if (s->stopping) {
        finish(s);
    } else {
        stop(s, signum == SIGINT ? "stopped by SIGINT" : "stopped by SIGTERM");
    }
}

static void on_flush(uv_prepare_t *handle)
{
    struct serve *s = handle->data;
    if (s->trouble.code == ERR_NONE && s->registries.server != NULL) {
        s->trouble = *server_trouble(s->registries.server);
        if (s->trouble.code != ERR_NONE && !s->stopping) {
            stop(s, s->trouble.text);
        }
    }
    if (s->trouble.code == ERR_NONE && history_flush(s->history, &s->trouble) != 0 &&
        !s->stopping) {
        stop(s, "the history cannot be written");
    }
}

/* ---- the beginning ------------------------------------------------------------------------- */

static void open_handles(struct serve *s)
{
    uv_prepare_init(&s->loop, &s->flush);
    uv_signal_init(&s->loop, &s->sigint);
    uv_signal_init(&s->loop, &s->sigterm);
    uv_timer_init(&s->loop, &s->drain);
    s->flush.data = s;
    s->sigint.data = s;
    s->sigterm.data = s;
    s->drain.data = s;
    uv_prepare_start(&s->flush, on_flush);
    uv_signal_start(&s->sigint, on_signal, SIGINT);
    uv_signal_start(&s->sigterm, on_signal, SIGTERM);
    if (s->options->record != NULL) {
        lag_init(&s->lag, &s->loop, s->history);
    }
    s->handles_open = true;
}

/* "WHAT: PATH", for what was written. */
static int say_file(struct serve *s, const char *what, const char *path, struct err *e)
{
    char line[4400];
    snprintf(line, sizeof line, "%s: %s", what, path);
    return s->options->say(s->options->data, line, e);
}

static int say_places(struct serve *s, struct err *e)
{
    char line[512];
    const char *at = s->places.data;
    for (size_t left = s->places.len; left > 0;) {
        size_t len = (size_t)((const char *)memchr(at, '\n', left) - at);
        snprintf(line, sizeof line, "%.*s", (int)len, at);
        if (s->options->say(s->options->data, line, e) != 0) {
            return -1;
        }
        at += len + 1;
        left -= len + 1;
    }
    return 0;
}

static int say_all(struct serve *s, struct err *e)
{
    char path[4352];
    if (say_places(s, e) != 0 ||
        (s->lane.ca_file != NULL && say_file(s, "ca", s->lane.ca_file, e) != 0)) {
        return -1;
    }
    for (size_t i = 0; i < s->plan->scenario->registry_count; i++) {
        if (s->lane.auth_file[i] != NULL) {
            snprintf(path, sizeof path, "%s/credentials/auth.json", s->lane.dir);
            return say_file(s, "credentials", path, e) != 0
                       ? -1
                       : s->options->say(s->options->data, "ready", e);
        }
    }
    return s->options->say(s->options->data, "ready", e);
}

static int begin(struct serve *s, struct scenario **scenario, struct err *e)
{
    if (serve_open(s, scenario, e) != 0 || serve_phase_begin(s, e) != 0) {
        return -1;
    }
    open_handles(s);
    return history_flush(s->history, e) != 0 || serve_ready(s, e) != 0 ? -1 : say_all(s, e);
}

int serve_run(struct scenario *scenario, const struct serve_options *options, struct err *e)
{
    struct serve *s = calloc(1, sizeof *s);
    if (s == NULL) {
        scenario_free(scenario);
        return err_set(e, ERR_NOMEM, "serve: no memory");
    }
    s->options = options;
    interrupts_hold();
    int rc = begin(s, &scenario, e);
    if (rc == 0) {
        interrupts_let();
        uv_run(&s->loop, UV_RUN_DEFAULT);
    } else {
        serve_unready(s);
        finish(s);
        uv_run(&s->loop, UV_RUN_DEFAULT);
    }
    if (rc == 0 && (s->trouble.code != ERR_NONE || history_flush(s->history, &s->trouble) != 0)) {
        rc = err_set(e, s->trouble.code, "%s", s->trouble.text);
    }
    scenario_free(scenario);
    serve_close(s);
    free(s);
    return rc;
}
