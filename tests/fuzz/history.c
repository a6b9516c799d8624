/* A history file: judged, folded into the rows of a picture, and told in every report. What is
 * refused is refused with its place; a journal is read back as it was written. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/buf.h"
#include "harness/history/history.h"
#include "harness/judge.h"
#include "harness/trace.h"
#include "reports/report.h"
#include "tests/fuzz/lib/fuzz.h"
#include "tests/fuzz/lib/lines.h"
#include "tests/fuzz/lib/tree.h"

#define MAX_REPORT ((size_t)64 << 20)
#define SCRIPTS_OF_A_PAGE 3 /* fewer where there is no picture */

static void check_refusal(const struct err *e, const char *path)
{
    MUST(e->code != ERR_NONE && e->code != ERR_NOMEM && e->code != ERR_IO, "code %d: %s",
         (int)e->code, e->text);
    MUST(strncmp(e->text, path, strlen(path)) == 0, "no place: %s", e->text);
}

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

static void report(struct verdict *v, const struct trace *t)
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

/* Whether it could be judged. */
static bool judge(const void *data, size_t len)
{
    const char *path = fuzz_file(data, len);
    struct err e = {0};
    struct trace *t = trace_read(path, &e);
    if (t == NULL) {
        check_refusal(&e, path);
    }
    e = (struct err){0};
    struct verdict *v = judge_file(path, &e);
    if (v == NULL) {
        check_refusal(&e, path);
    } else {
        report(v, t);
    }
    trace_free(t);
    bool judged = v != NULL;
    verdict_free(v);
    return judged;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct buf renumbered;
    if (judge(data, len)) {
        return 0;
    }
    buf_init(&renumbered, MAX_REPORT);
    lines_renumber((const char *)data, len, &renumbered);
    if (renumbered.len > 0 && (renumbered.len != len || memcmp(renumbered.data, data, len) != 0)) {
        (void)judge(renumbered.data, renumbered.len);
    }
    buf_close(&renumbered);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
    struct fuzz_dice dice = {.state = seed};
    if (fuzz_roll(&dice, 4) == 0) {
        return LLVMFuzzerMutate(data, size, max);
    }
    return lines_mutate((char *)data, size, max, &dice);
}
