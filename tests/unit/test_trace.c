/* Traces: what a saved history becomes, cut, spoiled or longer than any page would show. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/trace.h"
#include "tests/lib/history_builder.h"

#define SCENARIO                                                                                   \
    "{'version':1,'title':'t','registries':{'failover':{},'primary':{}},"                          \
    "'images':{'agent':{'ref':'ci/agent:stable','layers':['64KiB']}},"                             \
    "'subjects':{'build-start':{'command':['x'],'concurrency':2}},"                                \
    "'faults':{'errors':{'on':'primary','kind':'status','code':500}},"                             \
    "'phases':[{'name':'steady','starts':1},{'name':'outage','starts':1,'faults':['errors']}]}"

static char dir[64];
static char path[96];
static struct buf lines;

static void begin(void)
{
    (void)snprintf(dir, sizeof dir, "/tmp/pulldrill-trace-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/history.jsonl", dir);
    buf_init(&lines, 64u << 20);
}

static void end(void)
{
    buf_close(&lines);
    unlink(path);
    rmdir(dir);
}

TestSuite(trace, .init = begin, .fini = end);

static void keep_line(void *data, const struct event *ev)
{
    event_encode(ev, data);
}

static struct hb *builder(void)
{
    struct hb *b = hb_new(SCENARIO);
    hb_add_sink(b, keep_line, &lines);
    hb_drill_begin(b);
    return b;
}

static void save(size_t len)
{
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(lines.data, 1, len, f), len);
    cr_assert_eq(fclose(f), 0);
}

static struct trace *read_all(void)
{
    struct err e = {0};
    save(lines.len);
    struct trace *t = trace_read(path, &e);
    cr_assert_not_null(t, "%s", e.text);
    return t;
}

/* One of the rows of a type; stops the test where there are too few. */
static const struct trace_event *row(const struct trace *t, enum event_type type, size_t nth)
{
    for (size_t i = 0; i < t->event_count; i++) {
        if (t->events[i].type == type && nth-- == 0) {
            return &t->events[i];
        }
    }
    hb_give_up("no row %zu of that type", nth);
}

/* Steady, an outage with one start that falls back, probes, the control: the whole drill. */
static void whole_drill(struct hb *b)
{
    hb_phase_begin(b, "steady");
    hb_good_start(b, "build-start", 1, "primary");
    hb_phase_end(b, "starts");
    hb_armed(b, "errors");
    hb_phase_begin(b, "outage");
    uint64_t n = hb_begin(b, "build-start", 2);
    uint64_t r = hb_ask(b, 2, "primary", OP_MANIFEST_GET, "stable");
    hb_decided(b, "errors", "primary", n, true);
    hb_answer_fault(b, r, 500, "errors");
    hb_pull(b, 2, "failover", 0);
    hb_end(b, 2, 0);
    hb_phase_end(b, "starts");
    hb_healed(b, "errors");
    hb_probe(b, "healed", "primary", true, "1 image pulled whole");
    hb_begin_control(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 503);
    hb_end(b, 1, 1);
    hb_lag(b, 1000);
    hb_drill_end(b, "completed", NULL);
}

/* Registries in the plan's order with the primary known; bands with their edges; attempts with
 * their registry; the end. */
Test(trace, bands_and_attempts)
{
    struct hb *b = builder();
    whole_drill(b);
    struct trace *t = read_all();
    cr_assert_eq(t->registry_count, 2);
    cr_assert_str_eq(t->registries[t->primary], "primary");
    cr_assert_eq(t->primary, 1);
    cr_assert_eq(t->phase_count, 2);
    cr_assert_str_eq(t->phases[1].name, "outage");
    cr_assert_lt(t->phases[0].to_ns, t->phases[1].from_ns);
    cr_assert_neq(t->phases[1].to_event, 0);
    cr_assert_eq(t->fault_count, 1);
    cr_assert_str_eq(t->faults[0].name, "errors");
    cr_assert_lt(t->faults[0].from_ns, t->phases[1].from_ns);
    cr_assert_gt(t->faults[0].to_ns, t->phases[1].to_ns);
    cr_assert_eq(t->attempt_count, 3 + 1 + 3 + 1, "steady, failed, failover, control");
    cr_assert_eq(t->attempts[3].registry, 1);
    cr_assert(t->attempts[3].failed);
    cr_assert_eq(t->attempts[4].registry, 0);
    cr_assert_not(t->attempts[4].failed);
    cr_assert(t->attempts[7].control);
    cr_assert_eq(t->end_ns, b->t_ns);
    cr_assert_not(t->truncated);
    cr_assert_eq(t->left_out, 0);
    cr_assert_not_null(strstr(t->versions, "\"pulldrill\":"));
    cr_assert_not_null(strstr(t->host, "\"processors\":"));
    trace_free(t);
    hb_free(b);
}

/* Starts with label, outcome and words as the pulls have them; the control start is the last and is
 * of no phase. */
Test(trace, starts)
{
    struct hb *b = builder();
    whole_drill(b);
    struct trace *t = read_all();
    cr_assert_eq(t->start_count, 3);
    cr_assert_str_eq(t->starts[0].label, "primary");
    cr_assert_str_eq(t->starts[0].subject, "build-start");
    cr_assert_null(t->starts[0].reason);
    cr_assert_str_eq(t->starts[1].label, "fell back");
    cr_assert_str_eq(t->starts[1].phase, "outage");
    cr_assert_eq(t->starts[1].lane, 2);
    cr_assert_eq(t->starts[1].outcome, OUTCOME_WORKED);
    cr_assert_lt(t->starts[1].begin_ns, t->starts[1].end_ns);
    cr_assert_null(t->starts[2].phase);
    cr_assert_str_eq(t->starts[2].label, "failed");
    cr_assert_str_eq(t->starts[2].reason, "exit 1");
    cr_assert_str_eq(t->starts[2].last, "asked primary for manifest stable, got 503");
    trace_free(t);
    hb_free(b);
}

/* A row for each event but the loop's lag, with the fields that its kind has and no others. */
Test(trace, rows)
{
    struct hb *b = builder();
    whole_drill(b);
    struct trace *t = read_all();
    cr_assert_eq(t->event_count, b->n - 1);
    for (size_t i = 1; i < t->event_count; i++) {
        cr_assert_gt(t->events[i].n, t->events[i - 1].n);
    }
    const struct trace_event *decided = row(t, EVENT_FAULT_DECIDED, 0);
    const struct trace_event *answer = NULL;
    for (size_t i = 0; i < t->event_count; i++) {
        bool bad = t->events[i].type == EVENT_RESPONSE && t->events[i].status == 500;
        answer = bad ? &t->events[i] : answer;
    }
    cr_assert(decided->fired);
    cr_assert_str_eq(decided->name, "errors");
    cr_assert_not_null(answer);
    cr_assert_str_eq(answer->name, "errors");
    cr_assert_str_eq(answer->end, "whole");
    cr_assert_eq(answer->registry, 1);
    const struct trace_event *request = row(t, EVENT_REQUEST, 0);
    cr_assert_eq(request->op, OP_MANIFEST_HEAD);
    cr_assert_eq(request->start, 1);
    cr_assert_eq(request->connection, row(t, EVENT_CONNECTION_OPEN, 0)->connection);
    cr_assert_str_eq(row(t, EVENT_CONNECTION_CLOSE, 0)->text, "peer-fin");
    cr_assert_str_eq(row(t, EVENT_START_END, 2)->end, "failed");
    const struct trace_event *probe = row(t, EVENT_PROBE, 0);
    cr_assert_str_eq(probe->text, "1 image pulled whole");
    cr_assert_str_eq(probe->end, "ok");
    cr_assert_str_eq(row(t, EVENT_DRILL_END, 0)->name, "completed");
    cr_assert_eq(row(t, EVENT_PHASE_BEGIN, 0)->registry, -1);
    trace_free(t);
    hb_free(b);
}

/* A drill that was killed: the half line is dropped and told, and what was open lasts to the end:
 * the phase, the fault, the start. */
Test(trace, killed)
{
    struct hb *b = builder();
    hb_armed(b, "errors");
    hb_phase_begin(b, "outage");
    hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 404);
    uint64_t last = b->t_ns;
    hb_ask(b, 1, "primary", OP_MANIFEST_GET, "stable");
    struct err e = {0};
    save(lines.len - 5);
    struct trace *t = trace_read(path, &e);
    cr_assert_not_null(t, "%s", e.text);
    cr_assert(t->truncated);
    cr_assert_eq(t->end_ns, last);
    cr_assert_eq(t->phases[0].to_event, 0);
    cr_assert_eq(t->phases[0].to_ns, last);
    cr_assert_eq(t->faults[0].to_ns, last);
    cr_assert_eq(t->starts[0].outcome, OUTCOME_NONE);
    cr_assert_eq(t->starts[0].end_ns, last);
    cr_assert_eq(t->attempt_count, 1);
    cr_assert(t->attempts[0].failed);
    trace_free(t);
    hb_free(b);
}

/* A fault armed twice has two bands, each with its own edges; a heal of what is healed is none. */
Test(trace, armed_twice)
{
    struct hb *b = builder();
    hb_armed(b, "errors");
    hb_healed(b, "errors");
    uint64_t between = b->t_ns;
    hb_armed(b, "errors");
    hb_healed(b, "errors");
    uint64_t healed = b->t_ns;
    hb_healed(b, "errors");
    struct trace *t = read_all();
    cr_assert_eq(t->fault_count, 2);
    cr_assert_eq(t->faults[1].to_ns, healed);
    cr_assert_eq(t->faults[0].to_ns, between);
    cr_assert_gt(t->faults[1].from_ns, between);
    cr_assert_neq(t->faults[1].to_event, 0);
    trace_free(t);
    hb_free(b);
}

/* Long texts are cut, and not within a character. */
Test(trace, long_texts)
{
    struct hb *b = builder();
    char detail[1024];
    memset(detail, 'a', sizeof detail);
    for (size_t i = 0; i + 2 < sizeof detail; i += 2) {
        memcpy(&detail[i], "é", 2);
    }
    detail[sizeof detail - 1] = '\0';
    hb_probe(b, "healed", "primary", false, detail);
    struct trace *t = read_all();
    const struct trace_event *probe = row(t, EVENT_PROBE, 0);
    size_t len = strlen(probe->text);
    cr_assert_leq(len, TRACE_MAX_TEXT);
    cr_assert_str_eq(probe->text + len - strlen("é…"), "é…");
    cr_assert_str_eq(probe->end, "failed");
    trace_free(t);
    hb_free(b);
}

/* What is no history, and one that contradicts itself, is refused with its place. */
Test(trace, refused)
{
    struct err e = {0};
    cr_assert_null(trace_read(path, &e));
    e = (struct err){0};
    struct hb *b = hb_new(SCENARIO);
    hb_add_sink(b, keep_line, &lines);
    hb_phase_begin(b, "steady");
    save(lines.len);
    cr_assert_null(trace_read(path, &e));
    cr_assert_not_null(strstr(e.text, "its first line must be drill-begin"));
    hb_free(b);
    buf_reset(&lines);
    b = builder();
    struct event ev = {.type = EVENT_START_END, .start_end = {.lane = 1, .start = 7}};
    hb_append(b, &ev);
    e = (struct err){0};
    save(lines.len);
    cr_assert_null(trace_read(path, &e));
    cr_assert_not_null(strstr(e.text, "history.jsonl: event 2: start 7 ended, but does not run"));
    hb_free(b);
}

/* A fold may be dropped at any time. */
Test(trace, abandoned)
{
    struct hb *b = hb_new(SCENARIO);
    struct err e = {0};
    struct trace_fold *fold = trace_begin(b->plan, &e);
    cr_assert_not_null(fold);
    struct event ev = {.n = 1, .type = EVENT_PHASE_BEGIN, .phase = {.phase = "steady"}};
    cr_assert_eq(trace_event(fold, &ev, &e), 0);
    trace_abandon(fold);
    trace_abandon(NULL);
    hb_free(b);
}
