/* Histories built by hand for tests. Whatever cannot be built is a mistake of the test: it says so
 * and stops. */
#include "tests/lib/history_builder.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANIFEST_SIZE 512
#define CONFIG_SIZE 128
#define MAX_LAYERS 64

void hb_give_up(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("history builder: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    abort();
}

/* ---- the plan ------------------------------------------------------------------------------ */

/* A digest that a reader recognises: its first digits, then the image and the blob. */
static const char *fake_digest(struct arena *a, char kind, size_t image, size_t blob)
{
    return arena_printf(a, "sha256:%02zx%c%zx%060d", image, kind, blob & 15, (int)blob);
}

/* The blobs of the PLATFORM-th manifest of image I: numbered on over all manifests. */
static struct plan_blob *fake_blobs(const struct scenario_image *image, size_t i, size_t platform,
                                    struct arena *a)
{
    size_t count = image->layer_count + 1;
    size_t first = platform * count;
    struct plan_blob *blobs = arena_alloc(a, count, sizeof *blobs);
    if (!blobs || count > MAX_LAYERS) {
        hb_give_up("image %s has too many layers", image->name);
    }
    blobs[0] = (struct plan_blob){fake_digest(a, 'b', i, first), CONFIG_SIZE};
    for (size_t k = 1; k < count; k++) {
        uint64_t size = image->layers[k - 1].size;
        blobs[k] = (struct plan_blob){fake_digest(a, 'b', i, first + k), size > 0 ? size : 1024};
    }
    return blobs;
}

static struct plan_manifest *fake_manifests(const struct scenario_image *image, size_t i,
                                            struct arena *a)
{
    struct plan_manifest *manifests = arena_alloc(a, image->platform_count + 1, sizeof *manifests);
    for (size_t k = 0; manifests && k < image->platform_count; k++) {
        manifests[k] = (struct plan_manifest){.digest = fake_digest(a, 'c', i, k),
                                              .size = MANIFEST_SIZE,
                                              .platform = image->platforms[k],
                                              .blobs = fake_blobs(image, i, k, a),
                                              .blob_count = image->layer_count + 1};
    }
    return manifests;
}

static struct plan_built *fake_images(const struct scenario *s, struct arena *a)
{
    struct plan_built *built = arena_alloc(a, s->image_count + 1, sizeof *built);
    for (size_t i = 0; built && i < s->image_count; i++) {
        const struct scenario_image *image = &s->images[i];
        built[i].digest = fake_digest(a, 'a', i, 0);
        built[i].manifest_size = MANIFEST_SIZE;
        if (image->platform_count > 0) {
            built[i].manifests = fake_manifests(image, i, a);
            built[i].manifest_count = image->platform_count;
        } else {
            built[i].blobs = fake_blobs(image, i, 0, a);
            built[i].blob_count = image->layer_count + 1;
        }
    }
    return built;
}

static struct plan *make_plan(const char *text)
{
    struct err e = {0};
    struct scenario_options options = {.subjects_dir = "subjects"};
    char *json = strdup(text);
    for (char *p = json; p && *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    struct scenario *s =
        json ? scenario_parse("test.json", json, strlen(json), &options, &e) : NULL;
    free(json);
    if (!s) {
        hb_give_up("%s", e.text);
    }
    struct arena a;
    arena_init(&a, 16u << 20);
    struct plan *plan = plan_new(s, fake_images(s, &a), 42, "pulldrill run test.json", &e);
    arena_close(&a);
    if (!plan) {
        hb_give_up("%s", e.text);
    }
    return plan;
}

struct hb *hb_new(const char *scenario)
{
    struct hb *b = calloc(1, sizeof *b);
    if (!b) {
        hb_give_up("no memory");
    }
    b->plan = make_plan(scenario);
    b->step_ns = 1000000;
    return b;
}

void hb_free(struct hb *b)
{
    judge_free(b->judge);
    if (b->pulls) {
        pulls_free(b->pulls);
    }
    plan_free(b->plan);
    free(b);
}

void hb_judge(struct hb *b)
{
    struct err e = {0};
    b->judge = judge_new(b->plan, &e);
    if (!b->judge) {
        hb_give_up("%s", e.text);
    }
}

void hb_pulls(struct hb *b)
{
    struct err e = {0};
    b->pulls = pulls_new(b->plan, &e);
    if (!b->pulls) {
        hb_give_up("%s", e.text);
    }
}

struct hb *hb_new_pulls(const char *scenario)
{
    struct hb *b = hb_new(scenario);
    hb_pulls(b);
    hb_phase_begin(b, "steady");
    return b;
}

const struct pull_start *hb_start_of(const struct hb *b, uint64_t number)
{
    const struct pull_start *start = pulls_start(b->pulls, number);
    if (start == NULL) {
        hb_give_up("no start %" PRIu64, number);
    }
    return start;
}

const char *hb_blob(const struct hb *b, size_t k)
{
    return b->plan->images[0].blobs[k].digest;
}

void hb_add_sink(struct hb *b, hb_sink *sink, void *data)
{
    if (b->sink_count == HB_MAX_SINKS) {
        hb_give_up("too many sinks");
    }
    b->sink[b->sink_count] = sink;
    b->sink_data[b->sink_count++] = data;
}

struct verdict *hb_finish(struct hb *b)
{
    struct err e = {0};
    struct verdict *v = judge_finish(b->judge, &e);
    if (!v) {
        hb_give_up("%s", e.text);
    }
    return v;
}

const struct verdict_check *hb_check(const struct verdict *v, const char *name)
{
    for (size_t i = 0; i < v->check_count; i++) {
        if (strcmp(v->checks[i].name, name) == 0) {
            return &v->checks[i];
        }
    }
    hb_give_up("the verdict has no check %s", name);
}

/* ---- single events ------------------------------------------------------------------------- */

uint64_t hb_append(struct hb *b, struct event *ev)
{
    struct err e = {0};
    ev->n = ++b->n;
    b->t_ns += b->step_ns;
    ev->t_ns = b->t_ns;
    ev->actor = ev->actor ? ev->actor : "test";
    if (b->pulls && pulls_event(b->pulls, ev, &e) != 0) {
        hb_give_up("event %llu: %s", (unsigned long long)ev->n, e.text);
    }
    if (b->judge) {
        judge_event(b->judge, ev);
    }
    for (size_t i = 0; i < b->sink_count; i++) {
        b->sink[i](b->sink_data[i], ev);
    }
    return ev->n;
}

void hb_drill_begin(struct hb *b)
{
    struct err e = {0};
    struct event ev = {.type = EVENT_DRILL_BEGIN};
    char *text = plan_text(b->plan, &e);
    if (!text) {
        hb_give_up("%s", e.text);
    }
    ev.drill_begin.plan = text;
    ev.drill_begin.wall = "2026-01-02T03:04:05.678Z";
    hb_append(b, &ev);
    free(text);
}

void hb_drill_end(struct hb *b, const char *reason, const char *detail)
{
    struct event ev = {.type = EVENT_DRILL_END};
    ev.drill_end.reason = reason;
    ev.drill_end.detail = detail;
    ev.drill_end.starts = b->last_start;
    ev.drill_end.requests = b->last_request;
    ev.drill_end.connections = b->last_connection;
    hb_append(b, &ev);
}

void hb_phase_begin(struct hb *b, const char *phase)
{
    struct event ev = {.type = EVENT_PHASE_BEGIN};
    b->phase = phase;
    ev.phase.phase = phase;
    hb_append(b, &ev);
}

void hb_phase_end(struct hb *b, const char *reason)
{
    struct event ev = {.type = EVENT_PHASE_END};
    ev.phase.phase = b->phase;
    ev.phase.reason = reason;
    hb_append(b, &ev);
}

static void fault_event(struct hb *b, enum event_type type, const char *fault)
{
    const struct scenario *s = b->plan->scenario;
    struct event ev = {.type = type};
    for (size_t i = 0; i < s->fault_count; i++) {
        if (strcmp(s->faults[i].name, fault) == 0) {
            ev.fault.fault = fault;
            ev.fault.phase = b->phase;
            ev.fault.stage = fault_stage_name(s->faults[i].kind->stage);
            ev.fault.evidence = fault_evidence_name(s->faults[i].kind->evidence);
            hb_append(b, &ev);
            return;
        }
    }
    hb_give_up("no fault %s", fault);
}

void hb_armed(struct hb *b, const char *fault)
{
    fault_event(b, EVENT_FAULT_ARMED, fault);
}

void hb_healed(struct hb *b, const char *fault)
{
    fault_event(b, EVENT_FAULT_HEALED, fault);
}

uint64_t hb_decided(struct hb *b, const char *fault, const char *registry, uint64_t start,
                    bool fired)
{
    struct event ev = {.type = EVENT_FAULT_DECIDED};
    ev.decided.fault = fault;
    ev.decided.registry = registry;
    ev.decided.start = start;
    for (size_t i = 0; start != 0 && i < HB_MAX_LANES; i++) {
        ev.decided.lane = b->lane[i].start == start ? i : ev.decided.lane;
    }
    ev.decided.op = "manifest-get";
    ev.decided.nth = 1;
    ev.decided.fired = fired;
    ev.decided.actions = "as told";
    ev.decided.request = b->last_request;
    return hb_append(b, &ev);
}

uint64_t hb_probe(struct hb *b, const char *probe, const char *registry, bool ok,
                  const char *detail)
{
    struct event ev = {.type = EVENT_PROBE};
    ev.probe.probe = probe;
    ev.probe.registry = registry;
    ev.probe.ok = ok;
    ev.probe.detail = detail;
    return hb_append(b, &ev);
}

uint64_t hb_lag(struct hb *b, uint64_t p99_ns)
{
    struct event ev = {.type = EVENT_LAG};
    ev.lag.turns = 1000;
    ev.lag.p50_ns = p99_ns / 2;
    ev.lag.p99_ns = p99_ns;
    ev.lag.max_ns = p99_ns * 2;
    return hb_append(b, &ev);
}
