/* A history folded into a trace: rows for the picture and the waterfall.
 *
 * Happy path: each event goes to the pulls, which know attempts, outcomes and labels, and becomes a
 * row with its texts cut short; at the end the rows and what the pulls know are moved into the
 * trace. Failure modes: rows past a stated maximum are counted, not kept, so that a long drill
 * still has its picture; a phase, fault or start that is open when the history ends (the drill was
 * killed) lasts to its last event; a history that contradicts itself is an error, as it is to the
 * judge. */
#include "harness/trace.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json_memory.h"
#include "harness/history/history.h"
#include "harness/trace_internal.h"

/* Phases, and faults each time they are armed: far more than a scenario may have. */
#define MAX_BANDS ((size_t)4096)
/* As many as the pulls take. */
#define MAX_STARTS ((size_t)SCENARIO_MAX_STARTS + SCENARIO_MAX_SUBJECTS)

static const char *keep_json(struct trace *t, const json_t *value)
{
    unsigned lost = json_memory_lost();
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    const char *kept = text != NULL ? arena_strdup(&t->arena, text) : NULL;
    t->arena.failed = t->arena.failed || json_memory_lost() != lost;
    free(text);
    return kept;
}

/* ---- making and freeing -------------------------------------------------------------------- */

static int take_plan(struct trace *t, const struct plan *plan)
{
    const struct scenario *s = plan->scenario;
    t->registries = arena_alloc(&t->arena, s->registry_count, sizeof t->registries[0]);
    for (size_t i = 0; t->registries != NULL && i < s->registry_count; i++) {
        t->registries[i] = trace_keep(t, s->registries[i].name);
        t->registry_count++;
    }
    t->primary = s->primary;
    t->served = plan->served;
    t->host = keep_json(t, plan->host);
    t->versions = keep_json(t, plan->versions);
    return t->arena.failed ? -1 : 0;
}

struct trace_fold *trace_begin(const struct plan *plan, struct err *e)
{
    struct trace_fold *fold = calloc(1, sizeof *fold);
    if (fold == NULL) {
        err_set(e, ERR_NOMEM, "trace: no memory");
        return NULL;
    }
    fold->plan = plan;
    trace_rows_init(&fold->phases, sizeof(struct trace_band), MAX_BANDS);
    trace_rows_init(&fold->faults, sizeof(struct trace_band), MAX_BANDS);
    trace_rows_init(&fold->events, sizeof(struct trace_event), TRACE_MAX_EVENTS);
    trace_rows_init(&fold->asked, sizeof(struct trace_attempt), TRACE_MAX_ATTEMPTS);
    trace_rows_init(&fold->commands, sizeof(const char *), MAX_STARTS);
    fold->pulls = pulls_new(plan, e);
    fold->trace = fold->pulls != NULL ? trace_new(e) : NULL;
    if (fold->trace != NULL && take_plan(fold->trace, plan) == 0) {
        return fold;
    }
    if (fold->trace != NULL) {
        err_set(e, ERR_NOMEM, "trace: no memory");
    }
    trace_abandon(fold);
    return NULL;
}

void trace_abandon(struct trace_fold *fold)
{
    if (fold == NULL) {
        return;
    }
    free(fold->phases.rows);
    free(fold->faults.rows);
    free(fold->events.rows);
    free(fold->asked.rows);
    free(fold->commands.rows);
    pulls_free(fold->pulls);
    trace_free(fold->trace);
    free(fold);
}

/* ---- events -------------------------------------------------------------------------------- */

static int band_open(struct trace_fold *fold, struct trace_rows *bands, const char *name,
                     const struct event *ev)
{
    bool full;
    struct trace_band *band = trace_rows_add(bands, &full);
    if (band == NULL) {
        fold->trace->left_out += full ? 1 : 0;
        return full ? 0 : -1;
    }
    *band = (struct trace_band){.name = trace_keep(fold->trace, name ? name : ""),
                                .from_ns = ev->t_ns,
                                .from_event = ev->n};
    return 0;
}

/* Ends the latest open band of that name. */
static void band_end(struct trace_rows *bands, const char *name, const struct event *ev)
{
    struct trace_band *band = bands->rows;
    for (size_t i = bands->count; i-- > 0;) {
        if (band[i].to_event == 0 && band[i].name && strcmp(band[i].name, name ? name : "") == 0) {
            band[i].to_ns = ev->t_ns;
            band[i].to_event = ev->n;
            return;
        }
    }
}

static int take_bands(struct trace_fold *fold, const struct event *ev)
{
    switch (ev->type) {
    case EVENT_PHASE_BEGIN:
        return band_open(fold, &fold->phases, ev->phase.phase, ev);
    case EVENT_FAULT_ARMED:
        return band_open(fold, &fold->faults, ev->fault.fault, ev);
    case EVENT_PHASE_END:
        band_end(&fold->phases, ev->phase.phase, ev);
        return 0;
    case EVENT_FAULT_HEALED:
        band_end(&fold->faults, ev->fault.fault, ev);
        return 0;
    default:
        return 0;
    }
}

static int take_row(struct trace_fold *fold, const struct event *ev)
{
    bool full;
    if (ev->type == EVENT_LAG || ev->type == EVENT_COUNTER || ev->type == EVENT_CLAIM) {
        return 0;
    }
    struct trace_event *row = trace_rows_add(&fold->events, &full);
    if (row == NULL) {
        fold->trace->left_out += full ? 1 : 0;
        return full ? 0 : -1;
    }
    trace_fill_row(fold, ev, row);
    return 0;
}

/* A request of nobody's, where registries were served. To a client 401 and 404 are answers like any
 * other, unless a fault gave them. */
static int take_asked(struct trace_fold *fold, const struct event *ev)
{
    bool full;
    const struct event_response *answer = &ev->response;
    int registry = fold->plan->served && ev->type == EVENT_RESPONSE
                       ? plan_registry(fold->plan, answer->registry)
                       : -1;
    if (registry < 0) {
        return 0;
    }
    struct trace_attempt *row = trace_rows_add(&fold->asked, &full);
    if (row == NULL) {
        fold->trace->left_out += full ? 1 : 0;
        return full ? 0 : -1;
    }
    bool fault = answer->faults != NULL && answer->faults[0] != '\0';
    bool whole = answer->end != NULL && strcmp(answer->end, "whole") == 0;
    row->t_ns = ev->t_ns;
    row->registry = (unsigned)registry;
    row->failed = !whole || answer->status >= (fault ? 400 : 500);
    return 0;
}

/* The pulls have taken the start already, so its number is below their maximum. */
static int take_command(struct trace_fold *fold, const struct event *ev)
{
    bool full;
    if (ev->type != EVENT_START_BEGIN) {
        return 0;
    }
    const char **command = trace_rows_add(&fold->commands, &full);
    if (command == NULL) {
        return -1;
    }
    *command = trace_keep(fold->trace, ev->start_begin.command);
    return 0;
}

int trace_event(struct trace_fold *fold, const struct event *ev, struct err *e)
{
    fold->trace->end_ns = ev->t_ns;
    if (pulls_event(fold->pulls, ev, e) != 0) {
        return err_prefix(e, "event %llu", (unsigned long long)ev->n);
    }
    if (take_bands(fold, ev) != 0 || take_row(fold, ev) != 0 || take_command(fold, ev) != 0 ||
        take_asked(fold, ev) != 0 || fold->trace->arena.failed) {
        return err_set(e, ERR_NOMEM, "trace: no memory at event %llu", (unsigned long long)ev->n);
    }
    return 0;
}

/* ---- the end ------------------------------------------------------------------------------- */

static struct trace_band *move_bands(struct trace *t, const struct trace_rows *rows, size_t *count)
{
    struct trace_band *bands = trace_rows_move(rows, t, count);
    for (size_t i = 0; i < *count; i++) {
        bands[i].to_ns = bands[i].to_event == 0 ? t->end_ns : bands[i].to_ns;
    }
    return bands;
}

static void move_attempts(struct trace_fold *fold)
{
    struct trace *t = fold->trace;
    size_t count;
    const struct pull_attempt *from = pulls_attempts(fold->pulls, &count);
    size_t kept = count < TRACE_MAX_ATTEMPTS ? count : TRACE_MAX_ATTEMPTS;
    if (t->served) {
        t->attempts = trace_rows_move(&fold->asked, t, &t->attempt_count);
        return;
    }
    t->attempts = arena_alloc(&t->arena, kept, sizeof t->attempts[0]);
    t->left_out += count - kept;
    for (size_t i = 0; t->attempts != NULL && i < kept; i++) {
        t->attempts[i] = (struct trace_attempt){
            .t_ns = from[i].t_ns,
            .start = from[i].start,
            .registry = from[i].registry,
            .failed = from[i].failed,
            .control = from[i].control,
        };
        t->attempt_count++;
    }
}

static const char *label_name(enum pull_label label)
{
    static const char *const names[] = {
        [PULL_NONE] = "none",     [PULL_PRIMARY] = "primary", [PULL_FELL_BACK] = "fell back",
        [PULL_FAILED] = "failed", [PULL_MIXED] = "mixed",
    };
    return names[label];
}

static void fill_start(struct trace_fold *fold, size_t index, struct trace_start *out)
{
    struct trace *t = fold->trace;
    const struct scenario *s = fold->plan->scenario;
    const struct pull_start *from = pulls_at(fold->pulls, index);
    const char *const *commands = fold->commands.rows;
    *out = (struct trace_start){
        .number = from->number,
        .subject = trace_keep(t, s->subjects[from->subject].name),
        .phase = from->phase >= 0 ? trace_keep(t, s->phases[from->phase].name) : NULL,
        .lane = from->lane,
        .begin_ns = from->begin_ns,
        .end_ns = from->ended ? from->end_ns : t->end_ns,
        .begin_event = from->begin_event,
        .end_event = from->end_event,
        .outcome = from->ended ? from->outcome : OUTCOME_NONE,
        .cancelled = from->stopped,
        .label = label_name(from->label),
        .reason = from->outcome != OUTCOME_WORKED ? trace_keep(t, from->reason) : NULL,
        .last = trace_keep(t, from->last),
        .command = index < fold->commands.count ? commands[index] : NULL,
    };
}

/* Control starts are those of no phase. */
static int by_number(const void *a, const void *b)
{
    const struct trace_start *x = a;
    const struct trace_start *y = b;
    if ((x->phase == NULL) != (y->phase == NULL)) {
        return x->phase == NULL ? 1 : -1;
    }
    return x->number < y->number ? -1 : x->number > y->number;
}

static void move_starts(struct trace_fold *fold)
{
    struct trace *t = fold->trace;
    size_t count = pulls_count(fold->pulls);
    t->starts = arena_alloc(&t->arena, count, sizeof t->starts[0]);
    for (size_t i = 0; t->starts != NULL && i < count; i++) {
        fill_start(fold, i, &t->starts[i]);
        t->start_count++;
    }
    if (t->starts != NULL && t->start_count > 0) {
        qsort(t->starts, t->start_count, sizeof t->starts[0], by_number);
    }
}

struct trace *trace_finish(struct trace_fold *fold, struct err *e)
{
    struct trace *t = fold->trace;
    t->phases = move_bands(t, &fold->phases, &t->phase_count);
    t->faults = move_bands(t, &fold->faults, &t->fault_count);
    t->events = trace_rows_move(&fold->events, t, &t->event_count);
    move_attempts(fold);
    move_starts(fold);
    if (t->arena.failed) {
        err_set(e, ERR_NOMEM, "trace: no memory");
        t = NULL;
    } else {
        fold->trace = NULL;
    }
    trace_abandon(fold);
    return t;
}

/* ---- from a file --------------------------------------------------------------------------- */

static struct trace *read_rest(const char *path, struct history_reader *reader, struct event *ev,
                               const struct plan *plan, struct err *e)
{
    int rc = 1;
    struct trace_fold *fold = trace_begin(plan, e);
    if (fold == NULL) {
        return NULL;
    }
    while (rc == 1) {
        if (trace_event(fold, ev, e) != 0) {
            rc = err_prefix(e, "%s", path);
        } else {
            rc = history_reader_next(reader, ev, e);
        }
    }
    if (rc != 0) {
        trace_abandon(fold);
        return NULL;
    }
    fold->trace->truncated = history_reader_truncated(reader);
    return trace_finish(fold, e);
}

struct trace *trace_read(const char *path, struct err *e)
{
    struct event ev;
    struct trace *t = NULL;
    struct history_reader *reader = history_reader_open(path, e);
    if (reader == NULL) {
        return NULL;
    }
    struct plan *plan = plan_of_history(path, reader, &ev, e);
    if (plan != NULL) {
        t = read_rest(path, reader, &ev, plan, e);
        plan_free(plan);
    }
    history_reader_close(reader);
    return t;
}
