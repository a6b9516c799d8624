/* The journal and the history's events, inlined for the page's script.
 *
 * {"registries": names, "primary": index, "end": us, "strings": [null, …], "starts": rows,
 *  "events": rows}. Times are microseconds; S stands for an index in `strings`, where 0 is none;
 * trailing zeros of a row are left out. The same columns stand on top of report.js.
 *
 * start: number, phase S, outcome S, begin, duration, lane, begin event, end event, label S,
 *        subject S, command S, reason S, last S, cancelled
 * event: number and time (both as the difference from the row before), type (enum event_type),
 *        registry (index + 1), start, lane, connection, request, op S, text S, name S, end S,
 *        status, bytes, first byte, duration, fired */
#include "reports/web/events_out.h"

#include <stdlib.h>

#include "reports/escape.h"
#include "reports/report.h"
#include "reports/web/html.h"
#include "reports/web/strings.h"

#define EVENT_COLUMNS 17
#define START_COLUMNS 14

static void open_script(struct buf *out, const char *id)
{
    buf_printf(out, "<script type=\"application/json\" id=\"%s\">", id);
}

static void close_script(struct buf *out)
{
    buf_str(out, "</script>\n");
}

void events_out_journal(const struct verdict *v, struct buf *out)
{
    const struct report_style plain = {.colour = false};
    struct buf json;
    buf_init(&json, out->max);
    report_journal(v, &plain, &json);
    open_script(out, "journal");
    html_json(out, json.data != NULL ? json.data : "", json.len);
    close_script(out);
    out->failed = out->failed || json.failed;
    buf_close(&json);
}

/* ---- which events ------------------------------------------------------------------------- */

/* Numbers of the events that the verdict cites, sorted. */
struct cited {
    uint64_t *n;
    size_t count;
};

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static size_t count_cited(const struct verdict *v)
{
    size_t count = v->bad_count + 2 * v->fault_count;
    for (size_t i = 0; i < v->check_count; i++) {
        for (size_t k = 0; k < v->checks[i].reason_count; k++) {
            count += v->checks[i].reasons[k].event_count;
        }
    }
    return count;
}

static bool find_cited(const struct verdict *v, struct cited *c)
{
    c->count = 0;
    c->n = calloc(count_cited(v) + 1, sizeof *c->n);
    if (c->n == NULL) {
        return false;
    }
    for (size_t i = 0; i < v->check_count; i++) {
        for (size_t k = 0; k < v->checks[i].reason_count; k++) {
            const struct verdict_reason *r = &v->checks[i].reasons[k];
            for (size_t m = 0; m < r->event_count; m++) {
                c->n[c->count++] = r->events[m];
            }
        }
    }
    for (size_t i = 0; i < v->bad_count; i++) {
        c->n[c->count++] = v->bad[i].event;
    }
    for (size_t i = 0; i < v->fault_count; i++) {
        c->n[c->count++] = v->faults[i].first_event;
        c->n[c->count++] = v->faults[i].last_event;
    }
    qsort(c->n, c->count, sizeof *c->n, by_number);
    return true;
}

static bool shown(const struct trace_event *ev, const struct cited *c)
{
    return ev->type != EVENT_FAULT_DECIDED || ev->fired ||
           bsearch(&ev->n, c->n, c->count, sizeof *c->n, by_number) != NULL;
}

/* ---- rows --------------------------------------------------------------------------------- */

static void row(struct buf *out, const uint64_t *columns, size_t count, bool first)
{
    while (count > 0 && columns[count - 1] == 0) {
        count--;
    }
    buf_str(out, first ? "[" : ",\n[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buf_char(out, ',');
        }
        buf_u64(out, columns[i]);
    }
    buf_char(out, ']');
}

static uint64_t micro(uint64_t ns)
{
    return ns / 1000;
}

static void starts_out(const struct trace *t, struct strings *s, struct buf *out)
{
    buf_str(out, ",\n\"starts\":[");
    for (size_t i = 0; i < t->start_count; i++) {
        const struct trace_start *start = &t->starts[i];
        uint64_t begin = start->begin_ns;
        const char *outcome = start->outcome != OUTCOME_NONE ? outcome_name(start->outcome) : NULL;
        const uint64_t columns[START_COLUMNS] = {
            start->number,
            strings_number(s, start->phase),
            strings_number(s, outcome),
            micro(begin),
            start->end_ns > begin ? micro(start->end_ns - begin) : 0,
            start->lane,
            start->begin_event,
            start->end_event,
            strings_number(s, start->label),
            strings_number(s, start->subject),
            strings_number(s, start->command),
            strings_number(s, start->reason),
            strings_number(s, start->last),
            start->cancelled,
        };
        row(out, columns, START_COLUMNS, i == 0);
    }
    buf_char(out, ']');
}

/* A decision on a connection, before any request, is of no operation. */
static bool has_op(const struct trace_event *ev)
{
    return ev->type == EVENT_REQUEST || ev->type == EVENT_RESPONSE ||
           (ev->type == EVENT_FAULT_DECIDED && ev->request != 0);
}

static void event_out(const struct trace_event *ev, const struct trace_event *before,
                      struct strings *s, struct buf *out)
{
    uint64_t n_before = before != NULL ? before->n : 0;
    uint64_t t_before = before != NULL ? micro(before->t_ns) : 0;
    const char *op = has_op(ev) ? op_name(ev->op) : NULL;
    const uint64_t columns[EVENT_COLUMNS] = {
        ev->n - n_before,
        micro(ev->t_ns) - t_before,
        ev->type,
        (uint64_t)(ev->registry + 1),
        ev->start,
        ev->lane,
        ev->connection,
        ev->request,
        strings_number(s, op),
        strings_number(s, ev->text),
        strings_number(s, ev->name),
        strings_number(s, ev->end),
        ev->status,
        ev->bytes,
        micro(ev->first_byte_ns),
        micro(ev->duration_ns),
        ev->fired,
    };
    row(out, columns, EVENT_COLUMNS, before == NULL);
}

static void events_rows(const struct trace *t, const struct cited *c, struct strings *s,
                        struct buf *out)
{
    const struct trace_event *before = NULL;
    buf_str(out, ",\n\"events\":[");
    for (size_t i = 0; i < t->event_count && !out->failed; i++) {
        if (shown(&t->events[i], c)) {
            event_out(&t->events[i], before, s, out);
            before = &t->events[i];
        }
    }
    buf_char(out, ']');
}

/* ---- texts -------------------------------------------------------------------------------- */

/* One line without control characters, as everywhere on the page. */
static void text_out(struct buf *out, const char *text)
{
    struct buf line;
    struct buf json;
    buf_init(&line, out->max);
    buf_init(&json, out->max);
    escape_line(&line, text);
    buf_json_string(&json, line.data != NULL ? line.data : "", line.len);
    html_json(out, json.data != NULL ? json.data : "", json.len);
    out->failed = out->failed || line.failed || json.failed;
    buf_close(&line);
    buf_close(&json);
}

static void strings_out(const struct strings *s, struct buf *out)
{
    buf_str(out, ",\n\"strings\":[null");
    for (size_t i = 1; i <= s->count && !out->failed; i++) {
        buf_str(out, ",\n");
        text_out(out, s->text[i]);
    }
    buf_char(out, ']');
    out->failed = out->failed || s->failed;
}

static void registries_out(const struct trace *t, struct buf *out)
{
    buf_str(out, "{\"registries\":[");
    for (size_t i = 0; i < t->registry_count; i++) {
        buf_str(out, i > 0 ? "," : "");
        text_out(out, t->registries[i]);
    }
    buf_printf(out, "],\"primary\":%zu,\"end\":", t->primary);
    buf_u64(out, micro(t->end_ns));
}

void events_out_trace(const struct verdict *v, const struct trace *t, struct buf *out)
{
    struct strings strings = {0};
    struct cited cited;
    if (!find_cited(v, &cited)) {
        out->failed = true;
        return;
    }
    open_script(out, "trace");
    registries_out(t, out);
    starts_out(t, &strings, out);
    events_rows(t, &cited, &strings, out);
    strings_out(&strings, out);
    buf_char(out, '}');
    close_script(out);
    strings_close(&strings);
    free(cited.n);
}
