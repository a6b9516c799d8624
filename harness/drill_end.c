/* The end of a drill, wanted or not: probes, the control start, aborts, the last event. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/drill_internal.h"

static void tell_probe(struct drill *d, const char *registry, bool ok, const char *detail)
{
    struct event ev = {.type = EVENT_PROBE, .actor = "harness"};
    ev.probe.probe = "healed";
    ev.probe.registry = registry;
    ev.probe.ok = ok;
    ev.probe.detail = detail;
    history_append(d->history, &ev);
}

static void on_probe(void *data, bool ok, const char *detail)
{
    struct drill_probe *probe = data;
    struct drill *d = probe->drill;
    char text[640];
    size_t closed = server_refusing(d->registries.server);
    snprintf(text, sizeof text, "%s; %zu listener%s closed", detail, closed,
             closed == 1 ? "" : "s");
    tell_probe(d, d->plan->scenario->registries[probe->registry].name, ok && closed == 0, text);
    d->probes_pending--;
    drill_pump(d);
}

void drill_probe_all(struct drill *d)
{
    struct err e = {0};
    const struct scenario *s = d->plan->scenario;
    for (size_t i = 0; i < s->registry_count; i++) {
        d->probes[i].drill = d;
        d->probes[i].registry = i;
        size_t count = 0;
        struct probe_want *wants = drill_wants(d, i, &count);
        if (wants == NULL) {
            err_set(&e, ERR_NOMEM, "probe: no memory");
        }
        if (wants == NULL || probe_start(&d->loop, d->plan, wants, count, d->own_lane->endpoint[i],
                                         on_probe, &d->probes[i], &e) != 0) {
            free(wants);
            drill_abort(d, "failure", "%s", e.text);
            return;
        }
        d->probes_pending++;
    }
}

static struct worker *worker_of(struct drill *d, size_t subject)
{
    for (size_t i = 0; i < d->worker_count; i++) {
        if (d->workers[i].subject == subject) {
            return &d->workers[i];
        }
    }
    return NULL;
}

void drill_control_begin(struct drill *d)
{
    struct err e = {0};
    const struct scenario *s = d->plan->scenario;
    if (server_refuse_all(d->registries.server, true, &e) != 0) {
        drill_abort(d, "failure", "control: %s", e.text);
        return;
    }
    for (size_t i = 0; i < s->subject_count; i++) {
        struct worker *w = worker_of(d, i);
        if (s->subjects[i].baked_in || w == NULL) {
            continue;
        }
        if (worker_start(w, d->phase_base + i + 1, true, &e) != 0) {
            drill_abort(d, "failure", "control: %s", e.text);
            return;
        }
    }
}

void drill_control_end(struct drill *d)
{
    struct err e = {0};
    if (server_refuse_all(d->registries.server, false, &e) != 0) {
        drill_abort(d, "failure", "control: %s", e.text);
    }
}

static const char *waiting_for(const struct worker *w)
{
    switch (w->state) {
    case WORKER_SETUP:
        return "setup";
    case WORKER_PREPARING:
        return "prepare";
    case WORKER_RUNNING:
        return "its command";
    case WORKER_HASHING:
        return "the hash of what landed";
    case WORKER_TEARDOWN:
        return "teardown";
    case WORKER_IDLE:
        break;
    }
    return NULL;
}

/* What each lane waits for, a line each, then what each connection waits for. */
static void describe(struct drill *d, struct buf *out)
{
    uint64_t now = history_now_ns(d->history);
    for (size_t i = 0; i < d->worker_count; i++) {
        const struct worker *w = &d->workers[i];
        const char *what = waiting_for(w);
        if (what != NULL) {
            buf_printf(out, "\nlane %llu (%s) waits for %s", (unsigned long long)w->lane->number,
                       d->plan->scenario->subjects[w->subject].name, what);
            buf_printf(out, ", start %llu, for %.1f s", (unsigned long long)w->start,
                       (double)(now - w->since_ns) / 1e9);
        }
    }
    drill_every_describe(d, out);
    if (d->doing.run != NULL) {
        buf_printf(out, "\nphase %s waits for a command of its \"do\", for %.1f s",
                   d->plan->scenario->phases[d->phase].name,
                   (double)(now - d->doing.since_ns) / 1e9);
    }
    if (d->probes_pending > 0) {
        buf_printf(out, "\n%zu probe%s waiting", d->probes_pending,
                   d->probes_pending == 1 ? "" : "s");
    }
    char text[2048] = "";
    server_describe(d->registries.server, text, sizeof text);
    buf_printf(out, "%s%s", text[0] != '\0' ? "\n" : "", text);
}

static void kill_running(struct drill *d)
{
    if (d->doing.run != NULL) {
        subject_kill(d->doing.run);
    }
    for (size_t i = 0; i < d->worker_count; i++) {
        struct worker *w = &d->workers[i];
        if (w->run != NULL && w->state != WORKER_TEARDOWN) {
            subject_kill(w->run);
        }
    }
}

void drill_abort(struct drill *d, const char *reason, const char *fmt, ...)
{
    if (d->aborted || d->state == DRILL_CLOSING) {
        return;
    }
    struct buf text;
    va_list ap;
    buf_init(&text, sizeof d->detail - 1);
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    if (strcmp(reason, "skipped") != 0) { /* nothing was waited for */
        describe(d, &text);
    }
    snprintf(d->detail, sizeof d->detail, "%s", text.data != NULL ? text.data : reason);
    buf_close(&text);
    d->aborted = true;
    d->reason = reason;
    if (d->phase_open) {
        drill_end_phase(d, reason);
    }
    drill_heal_all(d, NULL);
    kill_running(d);
    if (d->state < DRILL_WINDING_DOWN) {
        d->state = DRILL_WINDING_DOWN;
    }
}

bool drill_lost(const struct drill *d)
{
    const struct drill_options *o = d->options;
    /* The baseline is judged, too, unless it is what is lost: it is seen through. */
    bool seen = d->phase > 0 || d->plan->scenario->baseline_none;
    return o->stop_when_lost_count > 0 && d->state == DRILL_PHASES && !d->aborted && seen &&
           judge_lost(d->judge, o->stop_when_lost, o->stop_when_lost_count) &&
           judge_exposed(d->judge);
}

void drill_lose(struct drill *d)
{
    const struct drill_options *o = d->options;
    struct buf text;
    buf_init(&text, sizeof d->detail - 1);
    buf_str(&text, "lost for good:");
    for (size_t i = 0; i < o->stop_when_lost_count; i++) {
        buf_printf(&text, "%s %s", i > 0 ? "," : "", o->stop_when_lost[i]);
    }
    snprintf(d->detail, sizeof d->detail, "%s", text.failed ? "lost for good" : text.data);
    buf_close(&text);
    d->reason = "lost";
    d->state = DRILL_SETTLING;
    if (d->phase_open) {
        drill_end_phase(d, "lost");
    }
    drill_heal_all(d, NULL);
    kill_running(d);
}

void drill_finish(struct drill *d)
{
    struct server_totals totals = server_totals(d->registries.server);
    struct event ev = {.type = EVENT_DRILL_END, .actor = "drill"};
    ev.drill_end.reason = d->reason != NULL ? d->reason : "completed";
    ev.drill_end.detail = d->detail[0] != '\0' ? d->detail : NULL;
    ev.drill_end.starts = d->start_total;
    ev.drill_end.requests = totals.requests;
    ev.drill_end.connections = totals.connections;
    ev.drill_end.processes = d->survivors + subject_orphans_kill();
    history_append(d->history, &ev);
    d->state = DRILL_CLOSING;
}
