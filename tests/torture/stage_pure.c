/* Stages over scenarios and what a drill left: parse, plan, judge, reports. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge.h"
#include "harness/plan.h"
#include "harness/scenario.h"
#include "harness/trace.h"
#include "reports/report.h"
#include "tests/torture/torture.h"

/* Two that ship: faults, variants and proofs; names, TLS and tokens. */
static const char *const files[] = {"scenarios/incidents/codeship-2017-image-deleted.json",
                                    "scenarios/registry/credentials-stay.json"};

static struct scenario *load(const struct bench *b, const char *path, struct result *o)
{
    const struct scenario_options options = {.subjects_dir = b->subjects};
    struct scenario *s = scenario_load(path, &options, &o->e);
    if (s == NULL) {
        o->status = -1;
    }
    return s;
}

void stage_parse(const struct bench *b, struct result *o)
{
    for (size_t i = 0; o->status == 0 && i < sizeof files / sizeof files[0]; i++) {
        struct scenario *s = load(b, files[i], o);
        if (s != NULL) {
            result_text(o, s->title);
            result_add(o, &s->fault_count, sizeof s->fault_count);
            result_add(o, &s->expect_count, sizeof s->expect_count);
        }
        scenario_free(s);
    }
}

static void plan_and_back(struct plan *p, struct result *o)
{
    char *text = plan_text(p, &o->e);
    struct plan *back = text != NULL ? plan_read(text, &o->e) : NULL;
    if (back == NULL) {
        o->status = -1;
    } else {
        result_text(o, text);
    }
    plan_free(back);
    free(text);
}

void stage_plan(const struct bench *b, struct result *o)
{
    static const struct plan_blob blobs[] = {{"sha256:c0", 120}, {"sha256:11", 65536}};
    struct plan_built built[SCENARIO_MAX_IMAGES];
    struct scenario *s = load(b, files[0], o);
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->image_count; i++) {
        built[i] = (struct plan_built){
            .digest = "sha256:aa", .manifest_size = 400, .blobs = blobs, .blob_count = 2};
    }
    struct plan *p = plan_new(s, built, 7, "pulldrill run it", &o->e);
    if (p == NULL) {
        scenario_free(s);
        o->status = -1;
        return;
    }
    plan_and_back(p, o);
    plan_free(p);
}

static void write_report(const struct report_format *format, struct verdict *v,
                         const struct trace *t, struct result *o)
{
    const struct report_style style = {.colour = false};
    const struct verdict_list list = {.items = &v, .count = 1, .verdict = v->verdict};
    struct buf out;
    buf_init(&out, 64u << 20);
    if (format->one != NULL) {
        format->one(v, &style, &out);
    } else if (format->traced != NULL) {
        format->traced(v, t, &style, &out);
    } else {
        format->all(&list, &style, &out);
    }
    if (out.failed) {
        o->status = err_set(&o->e, ERR_NOMEM, "no memory for the report %s", format->name);
    }
    result_add(o, out.data, out.len);
    buf_close(&out);
}

void stage_judge(const struct bench *b, struct result *o)
{
    const struct report_style style = {.colour = false};
    struct verdict *v = judge_file(b->history, &o->e);
    struct buf out;
    if (v == NULL) {
        o->status = -1;
        return;
    }
    buf_init(&out, 64u << 20);
    report_journal(v, &style, &out);
    if (v->verdict == VERDICT_ERROR) {
        o->status = err_set(&o->e, ERR_NOMEM, "%s", v->why != NULL ? v->why : "");
    } else if (out.failed) {
        o->status = err_set(&o->e, ERR_NOMEM, "no memory for the journal");
    }
    result_add(o, out.data, out.len);
    buf_close(&out);
    verdict_free(v);
}

void stage_reports(const struct bench *b, struct result *o)
{
    struct verdict *v = verdict_load(b->journal, &o->e);
    struct trace *t = v != NULL ? trace_read(b->history, &o->e) : NULL;
    if (t == NULL) {
        o->status = -1;
    }
    for (size_t i = 0; o->status == 0 && i < report_format_count; i++) {
        write_report(&report_formats[i], v, t, o);
    }
    trace_free(t);
    verdict_free(v);
}
