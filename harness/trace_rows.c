/* One event as a row of a trace: its fields picked, its texts cut short. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/trace_internal.h"

/* ---- rows ---------------------------------------------------------------------------------- */

void trace_rows_init(struct trace_rows *r, size_t size, size_t max)
{
    *r = (struct trace_rows){.size = size, .max = max};
}

void *trace_rows_add(struct trace_rows *r, bool *full)
{
    *full = r->count >= r->max;
    if (*full) {
        return NULL;
    }
    if (r->count == r->cap) {
        size_t cap = r->cap > 0 ? r->cap * 2 : 64;
        void *grown = realloc(r->rows, cap * r->size);
        if (grown == NULL) {
            return NULL;
        }
        r->rows = grown;
        r->cap = cap;
    }
    void *row = (char *)r->rows + r->count * r->size;
    memset(row, 0, r->size);
    r->count++;
    return row;
}

void *trace_rows_move(const struct trace_rows *r, struct trace *t, size_t *count)
{
    void *moved = arena_alloc(&t->arena, r->count, r->size);
    if (moved != NULL && r->count > 0) {
        memcpy(moved, r->rows, r->count * r->size);
    }
    *count = moved != NULL ? r->count : 0;
    return moved;
}

/* ---- texts --------------------------------------------------------------------------------- */

const char *trace_keep(struct trace *t, const char *s)
{
    if (s == NULL) {
        return NULL;
    }
    size_t len = strnlen(s, TRACE_MAX_TEXT + 1);
    if (len <= TRACE_MAX_TEXT) {
        return arena_strndup(&t->arena, s, len);
    }
    size_t end = TRACE_MAX_TEXT - strlen("…");
    while (end > 0 && ((unsigned char)s[end] & 0xc0) == 0x80) {
        end--;
    }
    return arena_printf(&t->arena, "%.*s…", (int)end, s);
}

/* ---- events -------------------------------------------------------------------------------- */

static int registry_of(const struct trace_fold *fold, const char *name)
{
    return name != NULL ? plan_registry(fold->plan, name) : -1;
}

static void row_of_request(struct trace_fold *fold, const struct event_request *ask,
                           struct trace_event *row)
{
    row->registry = registry_of(fold, ask->registry);
    row->start = ask->start;
    row->lane = ask->lane;
    row->connection = ask->connection;
    row->request = ask->ordinal;
    row->op = ask->op;
    row->text = trace_keep(fold->trace, ask->path);
}

static void row_of_response(struct trace_fold *fold, const struct event_response *answer,
                            struct trace_event *row)
{
    row->registry = registry_of(fold, answer->registry);
    row->start = answer->start;
    row->lane = answer->lane;
    row->connection = answer->connection;
    row->request = answer->request;
    row->status = answer->status;
    row->bytes = answer->delivered;
    row->first_byte_ns = answer->first_byte_ns;
    row->duration_ns = answer->duration_ns;
    row->name = trace_keep(fold->trace, answer->faults);
    row->end = trace_keep(fold->trace, answer->end);
}

static void row_of_decided(struct trace_fold *fold, const struct event_fault_decided *decided,
                           struct trace_event *row)
{
    row->registry = registry_of(fold, decided->registry);
    row->start = decided->start;
    row->lane = decided->lane;
    row->connection = decided->connection;
    row->request = decided->request;
    row->fired = decided->fired;
    if (decided->op != NULL) {
        op_parse(decided->op, &row->op);
    }
    row->name = trace_keep(fold->trace, decided->fault);
    row->text = trace_keep(fold->trace, decided->actions);
}

static void row_of_connection(struct trace_fold *fold, const struct event *ev,
                              struct trace_event *row)
{
    if (ev->type == EVENT_CONNECTION_OPEN) {
        row->registry = registry_of(fold, ev->open.registry);
        row->start = ev->open.start;
        row->lane = ev->open.lane;
        row->connection = ev->open.connection;
        return;
    }
    row->registry = registry_of(fold, ev->close.registry);
    row->start = ev->close.start;
    row->lane = ev->close.lane;
    row->connection = ev->close.connection;
    row->bytes = ev->close.delivered;
    row->name = trace_keep(fold->trace, ev->close.fault);
    row->text = ev->close.tls ? arena_printf(&fold->trace->arena, "%.64s; TLS: %.512s",
                                             ev->close.how, ev->close.tls)
                              : trace_keep(fold->trace, ev->close.how);
}

static void row_of_start(struct trace_fold *fold, const struct event *ev, struct trace_event *row)
{
    if (ev->type == EVENT_START_BEGIN) {
        row->start = ev->start_begin.start;
        row->lane = ev->start_begin.lane;
        row->name = trace_keep(fold->trace, ev->start_begin.subject);
        row->text = ev->start_begin.canary
                        ? arena_printf(&fold->trace->arena, "given %.4096s", ev->start_begin.canary)
                        : NULL;
        return;
    }
    row->start = ev->start_end.start;
    row->lane = ev->start_end.lane;
    row->duration_ns = ev->start_end.duration_ns;
    row->name = trace_keep(fold->trace, ev->start_end.subject);
    /* As the pulls have it, not as the event says: so the judge reads it too. */
    const struct pull_start *start = pulls_start(fold->pulls, ev->start_end.start);
    if (start != NULL) {
        row->text =
            start->outcome != OUTCOME_WORKED ? trace_keep(fold->trace, start->reason) : NULL;
        row->end = outcome_name(start->outcome);
    }
}

/* What an action did, in words: its detail, or what stands for which image from then on. */
static const char *action_text(struct trace *t, const struct event_action *action)
{
    if (action->detail || !action->reference || !action->image) {
        return trace_keep(t, action->detail);
    }
    return arena_printf(&t->arena, "%.*s is %.*s on %.*s", SCENARIO_MAX_REF, action->reference,
                        SCENARIO_MAX_NAME, action->image, SCENARIO_MAX_NAME,
                        action->registry ? action->registry : "");
}

static void row_of_lookup(struct trace_fold *fold, const struct event_lookup *lookup,
                          struct trace_event *row)
{
    char asked[TRACE_MAX_TEXT];
    snprintf(asked, sizeof asked, "%.180s %.10s", lookup->name ? lookup->name : "a name",
             lookup->type ? lookup->type : "");
    row->registry = registry_of(fold, lookup->registry);
    row->start = lookup->start;
    row->lane = lookup->lane;
    row->duration_ns = lookup->waited_ns;
    row->name = trace_keep(fold->trace, lookup->faults);
    row->text = trace_keep(fold->trace, asked);
    row->end = trace_keep(fold->trace, lookup->answer);
}

/* What the harness itself did: probes, actions, services, the end. */
static void row_of_harness(struct trace_fold *fold, const struct event *ev, struct trace_event *row)
{
    struct trace *t = fold->trace;
    switch (ev->type) {
    case EVENT_PROBE:
        row->registry = registry_of(fold, ev->probe.registry);
        row->name = trace_keep(t, ev->probe.probe);
        row->text = trace_keep(t, ev->probe.detail);
        row->end = ev->probe.ok ? "ok" : "failed";
        break;
    case EVENT_ACTION:
        row->registry = registry_of(fold, ev->action.registry);
        row->start = ev->action.start;
        row->lane = ev->action.lane;
        row->name = trace_keep(t, ev->action.action);
        row->text = action_text(t, &ev->action);
        row->end = ev->action.ok ? "ok" : "failed";
        break;
    case EVENT_SERVICE:
        row->start = ev->service.start;
        row->lane = ev->service.lane;
        row->name = trace_keep(t, ev->service.service);
        row->text = trace_keep(t, ev->service.what);
        break;
    case EVENT_DRILL_END:
        row->name = trace_keep(t, ev->drill_end.reason);
        row->text = trace_keep(t, ev->drill_end.detail);
        break;
    default:
        break;
    }
}

void trace_fill_row(struct trace_fold *fold, const struct event *ev, struct trace_event *row)
{
    *row = (struct trace_event){.n = ev->n, .t_ns = ev->t_ns, .type = ev->type, .registry = -1};
    switch (ev->type) {
    case EVENT_PHASE_BEGIN:
    case EVENT_PHASE_END:
        row->name = trace_keep(fold->trace, ev->phase.phase);
        row->text = trace_keep(fold->trace, ev->phase.reason);
        break;
    case EVENT_FAULT_ARMED:
    case EVENT_FAULT_HEALED:
        row->name = trace_keep(fold->trace, ev->fault.fault);
        row->text = trace_keep(fold->trace, ev->fault.evidence);
        break;
    case EVENT_FAULT_DECIDED:
        row_of_decided(fold, &ev->decided, row);
        break;
    case EVENT_CONNECTION_OPEN:
    case EVENT_CONNECTION_CLOSE:
        row_of_connection(fold, ev, row);
        break;
    case EVENT_REQUEST:
        row_of_request(fold, &ev->request, row);
        break;
    case EVENT_RESPONSE:
        row_of_response(fold, &ev->response, row);
        break;
    case EVENT_LOOKUP:
        row_of_lookup(fold, &ev->lookup, row);
        break;
    case EVENT_START_BEGIN:
    case EVENT_START_END:
        row_of_start(fold, ev, row);
        break;
    default:
        row_of_harness(fold, ev, row);
        break;
    }
}
