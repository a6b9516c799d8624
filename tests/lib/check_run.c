/* One check over a history built by hand. What cannot be built stops the test. */
#include "tests/lib/check_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT ((size_t)64 << 10)

static const char * or (const char *text, const char *fallback)
{
    return text ? text : fallback;
}

static char *scenario_text(const struct check_scenario *s, const char *expect)
{
    static const struct check_scenario none;
    char *text = malloc(MAX_TEXT);
    if (!text) {
        hb_give_up("no memory");
    }
    s = s ? s : &none;
    snprintf(
        text, MAX_TEXT,
        "{'version': 1, 'title': 'T', %s 'registries': %s, 'images': %s, 'subjects': %s,"
        "'faults': %s, 'phases': %s, 'expect': [%s]}",
        or (s->more, ""), or (s->registries, "{'primary': {}, 'failover': {}}"),
        or (s->images, "{'agent': {'ref': 'ci/agent:stable', 'layers': ['1KiB']}}"),
        or (s->subjects, "{'build-start': {'command': ['true']}}"),
        or (s->faults, "{'gone': {'on': 'primary', 'kind': 'delete-image', 'image': 'agent'}}"),
        or (s->phases, "[{'name': 'steady', 'starts': 10},"
                       "{'name': 'outage', 'starts': 20, 'faults': ['gone']},"
                       "{'name': 'recovery', 'starts': 10}]"),
        expect);
    return text;
}

static void on_event(void *data, const struct event *ev)
{
    struct check_run *r = data;
    if (r->c.info->event) {
        r->c.info->event(&r->c, ev);
    }
    if (ev->type == EVENT_LAG && ev->lag.p99_ns > r->lag_p99_ns) {
        r->lag_p99_ns = ev->lag.p99_ns;
    }
}

struct hb *check_run_open(struct check_run *r, const struct check_scenario *scenario,
                          const char *check)
{
    struct err e = {0};
    struct doc_at at = {0};
    bool asked = check[0] == '{';
    char *text = scenario_text(scenario, asked ? check : "");
    memset(r, 0, sizeof *r);
    r->b = hb_new(text);
    free(text);
    hb_pulls(r->b);
    arena_init(&r->arena, (size_t)64 << 20);
    const struct scenario *s = r->b->plan->scenario;
    const struct check_info *info = check_find(asked ? s->expects[0].check : check);
    at = asked ? s->expects[0].at : at;
    if (!info || check_read(&r->c, info, at, s, &e) != 0) {
        hb_give_up("check %s: %s", check, e.text);
    }
    r->c.name = info->name;
    r->c.plan = r->b->plan;
    r->c.pulls = r->b->pulls;
    r->c.arena = &r->arena;
    r->c.out = &r->out;
    r->out.verdict = VERDICT_ERROR;
    if (info->init && info->init(&r->c, at, &e) != 0) {
        hb_give_up("check %s: %s", check, e.text);
    }
    hb_add_sink(r->b, on_event, r);
    hb_drill_begin(r->b);
    return r->b;
}

bool check_run_refused(const char *check, const char *complaint)
{
    struct err e = {0};
    struct scenario_options options = {.subjects_dir = "subjects"};
    char *text = scenario_text(NULL, check);
    for (char *p = text; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    struct scenario *s = scenario_parse("test.json", text, strlen(text), &options, &e);
    bool refused = !s && strstr(e.text, complaint);
    if (!refused) {
        fprintf(stderr, "%s: %s\n", check, s ? "was taken" : e.text);
    }
    scenario_free(s);
    free(text);
    return refused;
}

enum verdict_kind check_run_finish(struct check_run *r)
{
    if (!r->finished) {
        r->c.lag_p99_ns = r->lag_p99_ns;
        r->c.info->finish(&r->c);
        r->finished = true;
    }
    return r->out.verdict;
}

void check_run_close(struct check_run *r)
{
    hb_free(r->b);
    arena_close(&r->arena);
}

bool check_run_says(const struct check_run *r, const char *words)
{
    bool found = strstr(or (r->out.expected, ""), words) || strstr(or (r->out.actual, ""), words);
    for (size_t i = 0; i < r->out.reason_count; i++) {
        found = found || strstr(or (r->out.reasons[i].text, ""), words);
    }
    if (!found) {
        fprintf(stderr, "no \"%s\" in:\n  %s\n  %s\n", words, or (r->out.expected, "-"),
                or (r->out.actual, "-"));
        for (size_t i = 0; i < r->out.reason_count; i++) {
            fprintf(stderr, "  - %s\n", or (r->out.reasons[i].text, "-"));
        }
    }
    return found;
}

void check_run_good(struct check_run *r, const char *registry, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        hb_good_start(r->b, "build-start", 1, registry);
    }
}

void check_run_fallen(struct check_run *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        hb_fallen_start(r->b, "build-start", 1, "primary", 404, "gone", "failover");
    }
}

void check_run_failed(struct check_run *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        hb_fallen_start(r->b, "build-start", 1, "primary", 404, "gone", NULL);
    }
}

static void tell_faults(struct check_run *r, const char *phase, bool armed)
{
    const struct scenario *s = r->b->plan->scenario;
    int index = plan_phase(r->b->plan, phase);
    for (size_t i = 0; index >= 0 && i < s->phases[index].fault_count; i++) {
        const char *name = s->faults[s->phases[index].faults[i]].name;
        if (armed) {
            hb_armed(r->b, name);
        } else {
            hb_healed(r->b, name);
        }
    }
}

void check_run_phase(struct check_run *r, const char *phase)
{
    check_run_phases_end(r);
    hb_phase_begin(r->b, phase);
    tell_faults(r, phase, true);
}

void check_run_phases_end(struct check_run *r)
{
    const char *phase = r->b->phase;
    if (phase) {
        hb_phase_end(r->b, "starts");
        tell_faults(r, phase, false);
        r->b->phase = NULL;
    }
}
