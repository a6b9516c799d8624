/* A verdict in every report: markup that nobody breaks out of, JSON that is JSON, a journal that is
 * read back as it was written. */
#include "tests/fuzz/lib/reports.h"

#include <jansson.h>
#include <string.h>

#include "harness/base/buf.h"
#include "reports/report.h"
#include "tests/fuzz/lib/fuzz.h"

#define MAX_REPORT ((size_t)64 << 20)
#define SCRIPTS_OF_A_PAGE 3 /* fewer where there is no picture */

static size_t count_of(const struct buf *b, const char *what)
{
    size_t count = 0;
    const char *at = b->data;
    while (at != NULL &&
           (at = memmem(at, b->len - (size_t)(at - b->data), what, strlen(what))) != NULL) {
        at += strlen(what);
        count++;
    }
    return count;
}

/* The end of the element NAME from AT on, where that begins there; else AT. */
static const char *behind(const char *at, const char *end, const char *name, const char *close)
{
    if ((size_t)(end - at) < strlen(name) || memcmp(at, name, strlen(name)) != 0) {
        return at;
    }
    const char *stop = memmem(at, (size_t)(end - at), close, strlen(close));
    MUST(stop != NULL, "%s without an end", name);
    return stop;
}

/* Tags begin and end in turn: no foreign text is one, or breaks out of one. */
static void check_markup(const char *format, const struct buf *out)
{
    const char *end = out->data + out->len;
    bool tag = false;
    for (const char *at = out->data; at < end; at++) {
        if (!tag) {
            at = behind(at, end, "<script", "</script>");
            at = behind(at, end, "<style", "</style>");
        }
        MUST(*at != (tag ? '<' : '>'), "%s: markup of the history's own: %.80s", format, at);
        tag = tag ? *at != '>' : *at == '<';
    }
    MUST(!tag, "%s ends in a tag", format);
}

/* A journal that is read back makes the same journal. */
static void check_journal(const struct buf *journal)
{
    const struct report_style plain = {.colour = false};
    struct err e = {0};
    struct buf again;
    struct verdict *v = verdict_load(fuzz_file(journal->data, journal->len), &e);
    MUST(v != NULL, "its own journal is refused: %s\n%s", e.text, journal->data);
    buf_init(&again, MAX_REPORT);
    report_journal(v, &plain, &again);
    MUST(again.len == journal->len && memcmp(again.data, journal->data, again.len) == 0,
         "another journal:\n%s\n%s", journal->data, again.data);
    buf_close(&again);
    verdict_free(v);
}

static void check_report(const struct report_format *format, const struct buf *out)
{
    json_error_t error;
    bool json = format->file != NULL && strstr(format->file, ".json") != NULL;
    MUST(!out->failed && out->len > 0, "%s: no memory", format->name);
    json_t *root = json ? json_loadb(out->data, out->len, 0, &error) : NULL;
    MUST(!json || root != NULL, "%s is no JSON: %s", format->name, error.text);
    json_decref(root);
    if (strcmp(format->name, "html") == 0 || strcmp(format->name, "junit") == 0) {
        check_markup(format->name, out);
    }
    if (strcmp(format->name, "html") == 0) {
        MUST(count_of(out, "<script") <= SCRIPTS_OF_A_PAGE, "a script of the history's own");
        MUST(count_of(out, "</body>") == 1, "a page that ends twice, or never");
    }
    if (strcmp(format->name, "journal") == 0) {
        check_journal(out);
    }
}

void fuzz_reports(struct verdict *v, const struct trace *t)
{
    const struct report_style plain = {.colour = false};
    const struct verdict_list list = {.items = &v, .count = 1};
    struct buf out;
    for (size_t i = 0; i < report_format_count; i++) {
        const struct report_format *format = &report_formats[i];
        buf_init(&out, MAX_REPORT);
        if (format->one != NULL) {
            format->one(v, &plain, &out);
        } else if (format->traced != NULL) {
            format->traced(v, t, &plain, &out);
        } else {
            format->all(&list, &plain, &out);
        }
        check_report(format, &out);
        buf_close(&out);
    }
}
