/* report.html: a page that stands alone, whatever the texts in it hold. What it looks like without
 * its script is held by the golden files; here are its policy, its inlined data and foreign text.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <string.h>

#include "harness/history/event.h"
#include "reports/report.h"
#include "reports/web/assets.h"
#include "reports/web/html.h"
#include "reports/web/strings.h"

#define MAX_PAGE (4u << 20)
#define EVIL                                                                                       \
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\xe2\x80\xa8\x1b[31m"

/* ---- a small drill with a text of the caller's everywhere ------------------------------------ */

struct bench {
    struct verdict *v;
    struct trace *t;
    struct verdict_reason reason;
    struct verdict_check checks[3];
    struct verdict_bad_start bad;
    struct verdict_registry registry;
    struct verdict_phase phase;
    struct verdict_fault fault;
    struct trace_start start;
    struct trace_event events[6];
    const char *names[1], *notes[1];
    uint64_t cited[2];
    struct buf out;
};

static void fill_verdict(struct bench *b, const char *text)
{
    struct verdict *v = b->v;
    b->cited[0] = 3;
    b->cited[1] = 5;
    b->notes[0] = text;
    b->reason = (struct verdict_reason){.text = text, .events = b->cited, .event_count = 2};
    b->checks[0] = (struct verdict_check){.name = "held",
                                          .check = "baseline",
                                          .judged = true,
                                          .verdict = VERDICT_PASS,
                                          .actual = text};
    b->checks[1] = (struct verdict_check){.name = text,
                                          .check = text,
                                          .judged = true,
                                          .verdict = VERDICT_FAIL,
                                          .expected = text,
                                          .actual = text,
                                          .reasons = &b->reason,
                                          .reason_count = 1};
    b->checks[2] = (struct verdict_check){.name = "waiting", .check = "served-by"};
    b->bad = (struct verdict_bad_start){.subject = text,
                                        .phase = text,
                                        .start = 1,
                                        .outcome = text,
                                        .last = text,
                                        .event = 5,
                                        .said = text,
                                        .output = "starts/1.txt"};
    b->registry = (struct verdict_registry){.name = text, .role = text};
    b->phase = (struct verdict_phase){.name = text};
    b->fault = (struct verdict_fault){.name = text, .kind = text, .on = text, .text = text};
    v->title = v->scenario = v->blame = v->why = v->replay = v->reach = text;
    v->verdict = VERDICT_FAIL;
    v->checks = b->checks;
    v->check_count = 3;
    v->bad = &b->bad;
    v->starts.failed = v->bad_count = 1;
    v->registries = &b->registry;
    v->phases = &b->phase;
    v->faults = &b->fault;
    v->registry_count = v->phase_count = v->fault_count = 1;
    v->notes = b->notes;
    v->note_count = 1;
}

static void fill_trace(struct bench *b, const char *text)
{
    struct trace *t = b->t;
    b->names[0] = text;
    b->start = (struct trace_start){.number = 1,
                                    .subject = text,
                                    .phase = text,
                                    .lane = 1,
                                    .begin_ns = 2000,
                                    .end_ns = 9000,
                                    .begin_event = 2,
                                    .end_event = 9,
                                    .outcome = OUTCOME_FAILED,
                                    .label = "failed",
                                    .reason = text,
                                    .last = text,
                                    .command = text};
    for (size_t i = 0; i < 6; i++) {
        b->events[i] = (struct trace_event){.n = i + 2,
                                            .t_ns = (i + 2) * 1000,
                                            .type = EVENT_FAULT_DECIDED,
                                            .start = 1,
                                            .text = text,
                                            .name = text};
    }
    b->events[0].type = EVENT_REQUEST;
    b->events[5].fired = true;
    t->registries = b->names;
    t->starts = &b->start;
    t->events = b->events;
    t->registry_count = t->start_count = 1;
    t->event_count = 6;
    t->end_ns = 9000;
    t->host = "{\"cpu\": \"<b>\"}";
}

static struct bench *bench_new(const char *text)
{
    struct err e = {0};
    struct bench *b = calloc(1, sizeof *b);
    cr_assert_not_null(b);
    b->v = verdict_new(&e);
    b->t = trace_new(&e);
    cr_assert(b->v != NULL && b->t != NULL);
    fill_verdict(b, text);
    fill_trace(b, text);
    buf_init(&b->out, MAX_PAGE);
    return b;
}

static void bench_free(struct bench *b)
{
    buf_close(&b->out);
    verdict_free(b->v);
    trace_free(b->t);
    free(b);
}

static const char *page(struct bench *b, const struct trace *t)
{
    const struct report_style plain = {.colour = false};
    buf_reset(&b->out);
    report_html(b->v, t, &plain, &b->out);
    cr_assert(!b->out.failed);
    return b->out.data;
}

static size_t occurrences(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what)) {
        n++;
    }
    return n;
}

/* The JSON element ID of PAGE, parsed. */
static json_t *element(const char *text, const char *id)
{
    char open[80];
    snprintf(open, sizeof open, "<script type=\"application/json\" id=\"%s\">", id);
    const char *begin = strstr(text, open);
    cr_assert_not_null(begin, "no %s", id);
    begin += strlen(open);
    const char *end = strstr(begin, "</script>");
    cr_assert_not_null(end);
    json_error_t why;
    json_t *value = json_loadb(begin, (size_t)(end - begin), 0, &why);
    cr_assert_not_null(value, "%s: %s", id, why.text);
    return value;
}

/* ---- the policy ------------------------------------------------------------------------------ */

static void expect_allowed(const char *text, const char *directive, const char *asset, size_t len)
{
    unsigned char digest[EVP_MAX_MD_SIZE], base64[2 * EVP_MAX_MD_SIZE];
    char wanted[200];
    unsigned size = 0;
    cr_assert_eq(EVP_Digest(asset, len, digest, &size, EVP_sha256(), NULL), 1);
    EVP_EncodeBlock(base64, digest, (int)size);
    snprintf(wanted, sizeof wanted, "%s 'sha256-%s'", directive, (const char *)base64);
    cr_expect_not_null(strstr(text, wanted), "%s", wanted);
}

/* The policy refuses all but this very style and this very script. */
Test(page, policy)
{
    struct bench *b = bench_new("plain");
    const char *text = page(b, b->t);
    const char *policy = strstr(text, "http-equiv=\"Content-Security-Policy\"");
    cr_assert_not_null(policy);
    cr_expect_lt(policy, strstr(text, "<style"), "the policy stands behind what it is to hold");
    cr_expect_not_null(strstr(text, "default-src 'none'"));
    cr_expect_null(strstr(text, "unsafe-inline"));
    expect_allowed(text, "style-src", asset_css, asset_css_len());
    expect_allowed(text, "script-src", asset_js, asset_js_len());
    bench_free(b);
}

/* Style and script hold nothing that would end their element, and ask for nothing. */
Test(page, assets)
{
    cr_assert_gt(asset_css_len(), 1000);
    cr_assert_gt(asset_js_len(), 1000);
    cr_expect_eq(strlen(asset_css), asset_css_len());
    cr_expect_eq(strlen(asset_js), asset_js_len());
    cr_expect_null(strstr(asset_css, "</"));
    cr_expect_null(strstr(asset_css, "url("));
    cr_expect_null(strstr(asset_css, "@import"));
    cr_expect_null(strstr(asset_js, "</"));
    cr_expect_null(strstr(asset_js, "<!--"));
    cr_expect_null(strstr(asset_js, "innerHTML"));
    cr_expect_null(strstr(asset_js, "fetch("));
}

/* ---- foreign text ---------------------------------------------------------------------------- */

/* Markup in a title, a reason, an output or a path stays text: no element comes of it, and the
 * JSON that holds it can be read. */
Test(page, hostile)
{
    struct bench *b = bench_new(EVIL);
    struct bench *tame = bench_new("plain");
    const char *text = page(b, b->t);
    const char *plain = page(tame, tame->t);
    const char *const tags[] = {"<script", "</script", "<img", "<a ", "<!--", "<td", "<li"};
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        cr_expect_eq(occurrences(text, tags[i]), occurrences(plain, tags[i]), "%s", tags[i]);
    }
    cr_expect_null(strchr(text, '\x1b'));
    json_t *journal = element(text, "journal");
    cr_expect_str_eq(json_string_value(json_object_get(journal, "title")), EVIL);
    json_t *trace = element(text, "trace");
    json_t *strings = json_object_get(trace, "strings");
    cr_expect_not_null(strstr(json_string_value(json_array_get(strings, 1)), "</script><script>"));
    json_decref(journal);
    json_decref(trace);
    bench_free(b);
    bench_free(tame);
}

/* A path of captured output that is not of our own form is no link. */
Test(page, output_path)
{
    struct bench *b = bench_new("plain");
    cr_expect_eq(occurrences(page(b, NULL), "href=\"starts/1.txt\""), 1);
    const char *const foreign[] = {"javascript:alert(1)", "starts/../../x.txt", "starts/.txt",
                                   "starts/1.txt.html", "starts/1\".txt"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        b->bad.output = foreign[i];
        cr_expect_eq(occurrences(page(b, NULL), "<td><a href="), 0, "%s", foreign[i]);
    }
    bench_free(b);
}

/* Line ends that end a string in old scripts, and what would end an element, are escapes. */
Test(page, json_escapes)
{
    struct buf out;
    const char *json = "[\"<a\xe2\x80\xa8|\xe2\x80\xa9\xe2\x80\xaa\"]";
    buf_init(&out, 200);
    html_json(&out, json, strlen(json));
    cr_expect_str_eq(out.data, "[\"\\u003ca\\u2028|\\u2029\xe2\x80\xaa\"]");
    buf_close(&out);
}

/* ---- parts of the page ----------------------------------------------------------------------- */

/* Without a history the page says so where the picture would be, and draws no waterfall. */
Test(page, without_history)
{
    struct bench *b = bench_new("plain");
    const char *text = page(b, NULL);
    cr_expect_not_null(strstr(text, "No picture and no waterfall"));
    cr_expect_null(strstr(text, "id=\"trace\""));
    cr_expect_null(strstr(text, "<div id=\"waterfall\""));
    text = page(b, b->t);
    cr_expect_null(strstr(text, "No picture and no waterfall"));
    cr_expect_not_null(strstr(text, "class=\"pic\""));
    cr_expect_not_null(strstr(text, "<div id=\"waterfall\""));
    bench_free(b);
}

/* What failed stands before what was not judged, that before what passed; only the first is
 * unfolded. */
Test(page, order_of_checks)
{
    struct bench *b = bench_new("plain");
    const char *text = page(b, b->t);
    const char *fail = strstr(text, "<details class=\"check is-fail\" open>");
    const char *waiting = strstr(text, "<details class=\"check is-not-judged\">");
    const char *pass = strstr(text, "<details class=\"check is-pass\">");
    cr_assert(fail != NULL && waiting != NULL && pass != NULL);
    cr_expect(fail < waiting && waiting < pass);
    bench_free(b);
}

/* Every event that a reason cites is a link, and those within the eight lines are too. */
Test(page, event_links)
{
    struct bench *b = bench_new("plain");
    cr_expect_geq(occurrences(page(b, b->t), "href=\"#event=3\""), 1);
    cr_expect_geq(occurrences(b->out.data, "href=\"#event=5\""), 3);
    struct buf out;
    buf_init(&out, 1000);
    html_text_with_events(&out, "a [event 7] b [events 8, 9 and 3 more] <c> [events ] [event");
    cr_expect_str_eq(out.data, "a [event <a class=\"event\" href=\"#event=7\">7</a>] b [events <a "
                               "class=\"event\" href=\"#event=8\">8</a>, <a class=\"event\" "
                               "href=\"#event=9\">9</a> and 3 more] &lt;c&gt; [events ] [event");
    buf_close(&out);
    bench_free(b);
}

/* A history that was cut off, and rows that found no room, are told. */
Test(page, what_is_missing)
{
    struct bench *b = bench_new("plain");
    cr_expect_null(strstr(page(b, b->t), "rows of the history"));
    b->t->left_out = 12;
    b->t->truncated = true;
    cr_expect_not_null(strstr(page(b, b->t), "12 rows of the history are left out"));
    cr_expect_not_null(strstr(b->out.data, "last line was cut off"));
    bench_free(b);
}

/* ---- the inlined events ---------------------------------------------------------------------- */

/* Decisions of faults that did not act are left out, but for those the verdict cites; numbers and
 * times are differences. */
Test(page, events)
{
    struct bench *b = bench_new("plain");
    json_t *trace = element(page(b, b->t), "trace");
    json_t *events = json_object_get(trace, "events");
    const json_int_t wanted[] = {2, 1, 2, 2}; /* 2, 3 and 5 (cited), 7 (fired) */
    cr_assert_eq(json_array_size(events), 4);
    for (size_t i = 0; i < 4; i++) {
        json_t *row = json_array_get(events, i);
        cr_expect_eq(json_integer_value(json_array_get(row, 0)), wanted[i]);
        cr_expect_eq(json_integer_value(json_array_get(row, 1)), wanted[i]);
    }
    json_t *start = json_array_get(json_object_get(trace, "starts"), 0);
    cr_expect_eq(json_integer_value(json_array_get(start, 0)), 1);
    cr_expect_eq(json_integer_value(json_array_get(start, 3)), 2);
    cr_expect_eq(json_integer_value(json_array_get(start, 4)), 7);
    json_decref(trace);
    bench_free(b);
}

/* The script calls each type of event by the name it has in a history. */
Test(page, types_in_the_script)
{
    const char *at = strstr(asset_js, "const TYPES = [");
    cr_assert_not_null(at);
    for (int type = 0; type < EVENT_COUNT; type++) {
        char name[80];
        snprintf(name, sizeof name, "\"%s\"", event_type_name((enum event_type)type));
        at = strchr(at, '"');
        cr_assert_not_null(at);
        cr_expect_eq(strncmp(at, name, strlen(name)), 0, "%s is not at its place", name);
        at += strcspn(at + 1, "\"") + 2;
    }
    cr_expect_eq(at[0], ']');
}

/* Equal texts have one number, however many there are. */
Test(page, strings)
{
    struct strings s = {0};
    char text[5000][8];
    cr_expect_eq(strings_number(&s, NULL), 0);
    cr_expect_eq(strings_number(&s, ""), 0);
    for (size_t i = 0; i < 5000; i++) {
        snprintf(text[i], sizeof text[i], "t%zu", i);
        cr_assert_eq(strings_number(&s, text[i]), i + 1);
    }
    for (size_t i = 0; i < 5000; i++) {
        char copy[8];
        memcpy(copy, text[i], sizeof copy);
        cr_assert_eq(strings_number(&s, copy), i + 1);
    }
    cr_expect_eq(s.count, 5000);
    cr_expect(!s.failed);
    strings_close(&s);
}
