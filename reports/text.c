/* The result of a drill for people at a terminal. */
#include <inttypes.h>
#include <string.h>

#include "reports/eight_lines.h"
#include "reports/escape.h"
#include "reports/words.h"

#define SHOWN_REASONS 5
#define SHOWN_OUTPUTS 10
#define WIDEST_NAME 32

static int name_width(const struct verdict *v)
{
    size_t widest = 0;
    for (size_t i = 0; i < v->check_count; i++) {
        size_t len = strlen(words_or(v->checks[i].name, ""));
        widest = len > widest ? len : widest;
    }
    return (int)(widest < WIDEST_NAME ? widest : WIDEST_NAME);
}

static void pad(struct buf *out, size_t from, int width)
{
    while (!out->failed && out->len < from + (size_t)width) {
        buf_char(out, ' ');
    }
}

static void reasons(const struct verdict_check *c, struct buf *out)
{
    for (size_t i = 0; i < c->reason_count && i < SHOWN_REASONS; i++) {
        buf_str(out, "    - ");
        escape_line(out, c->reasons[i].text);
        words_events(out, c->reasons[i].events, c->reasons[i].event_count);
        buf_char(out, '\n');
    }
    if (c->reason_count > SHOWN_REASONS) {
        buf_printf(out, "    - and %zu more\n", c->reason_count - SHOWN_REASONS);
    }
}

static void check_line(const struct verdict_check *c, const struct report_style *style, int width,
                       struct buf *out)
{
    buf_printf(out, "%s%-12s%s  ", colour_of(style, c->verdict), verdict_name(c->verdict),
               colour_off(style));
    size_t from = out->len;
    escape_line(out, c->name);
    pad(out, from, width);
    buf_str(out, "  expected ");
    escape_line(out, words_or(c->expected, "nothing"));
    buf_str(out, ", actual ");
    escape_line(out, words_or(c->actual, "nothing"));
    buf_char(out, '\n');
    if (c->verdict != VERDICT_PASS) {
        reasons(c, out);
    }
}

static void outputs(const struct verdict *v, struct buf *out)
{
    for (size_t i = 0; i < v->bad_count && i < SHOWN_OUTPUTS; i++) {
        const struct verdict_bad_start *bad = &v->bad[i];
        buf_str(out, i == 0 ? "\noutput of those that did not work:\n" : "");
        buf_str(out, "  ");
        words_one_noun(out, v);
        buf_printf(out, " %" PRIu64 " (", bad->start);
        escape_line(out, words_or(bad->subject, "subject"));
        buf_str(out, "): ");
        escape_line(out, words_or(v->folder, "."));
        buf_char(out, '/');
        escape_line(out, words_or(bad->output, "starts"));
        if (bad->said != NULL) {
            buf_str(out, "\n      ");
            escape_line(out, bad->said);
        }
        buf_char(out, '\n');
    }
    uint64_t all = words_bad(&v->starts);
    if (v->bad_count > 0 && all > SHOWN_OUTPUTS) {
        buf_printf(out, "  and %" PRIu64 " more\n", all - SHOWN_OUTPUTS);
    }
}

static void notes(const struct verdict *v, struct buf *out)
{
    if (v->note_count > 0 || words_or(v->reach, NULL) != NULL) {
        buf_char(out, '\n');
    }
    for (size_t i = 0; i < v->note_count; i++) {
        buf_str(out, "note: ");
        escape_line(out, v->notes[i]);
        buf_char(out, '\n');
    }
    if (words_or(v->reach, NULL) != NULL) {
        buf_str(out, "reach: ");
        escape_line(out, v->reach);
        buf_char(out, '\n');
    }
}

void report_text(const struct verdict *v, const struct report_style *style, struct buf *out)
{
    int width = name_width(v);
    eight_lines(v, style, out);
    buf_str(out, v->check_count > 0 ? "\n" : "");
    for (size_t i = 0; i < v->check_count; i++) {
        check_line(&v->checks[i], style, width, out);
    }
    outputs(v, out);
    notes(v, out);
}
