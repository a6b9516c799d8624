/* HTML, a piece at a time. */
#include "reports/web/html.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "harness/base/units.h"
#include "reports/escape.h"

void html_text(struct buf *out, const char *s)
{
    struct buf line;
    buf_init(&line, out->max);
    escape_line(&line, s);
    escape_xml(out, line.data);
    out->failed = out->failed || line.failed;
    buf_close(&line);
}

/* ---- links to events ----------------------------------------------------------------------- */

void html_event(struct buf *out, uint64_t n)
{
    buf_printf(out, "<a class=\"event\" href=\"#event=%" PRIu64 "\">%" PRIu64 "</a>", n, n);
}

void html_start(struct buf *out, uint64_t n)
{
    buf_printf(out, "<a href=\"#start=%" PRIu64 "\">%" PRIu64 "</a>", n, n);
}

/* S points at the numbers behind "[event ": as many as there are, separated by ", ". Returns where
 * they end. */
static const char *link_numbers(struct buf *out, const char *s)
{
    while (isdigit((unsigned char)*s)) {
        uint64_t n = 0;
        for (; isdigit((unsigned char)*s); s++) {
            n = n * 10 + (uint64_t)(*s - '0');
        }
        html_event(out, n);
        if (strncmp(s, ", ", 2) != 0 || !isdigit((unsigned char)s[2])) {
            break;
        }
        buf_str(out, ", ");
        s += 2;
    }
    return s;
}

static void text_part(struct buf *out, const char *s, size_t len)
{
    struct buf part;
    buf_init(&part, out->max);
    buf_append(&part, s, len);
    html_text(out, part.data);
    out->failed = out->failed || part.failed;
    buf_close(&part);
}

void html_text_with_events(struct buf *out, const char *s)
{
    for (const char *at; s != NULL && (at = strstr(s, "[event")) != NULL;) {
        const char *numbers = at + strlen("[event");
        numbers += *numbers == 's' ? 1 : 0;
        numbers += *numbers == ' ' ? 1 : 0;
        text_part(out, s, (size_t)(numbers - s));
        s = link_numbers(out, numbers);
    }
    html_text(out, s);
}

/* ---- cells --------------------------------------------------------------------------------- */

void html_cell(struct buf *out, const char *s)
{
    buf_str(out, "<td>");
    html_text(out, s);
    buf_str(out, "</td>");
}

void html_number(struct buf *out, uint64_t n)
{
    buf_printf(out, n == 0 ? "<td class=\"n zero\">0</td>" : "<td class=\"n\">%" PRIu64 "</td>", n);
}

void html_time(struct buf *out, uint64_t ns, bool taken)
{
    char text[32];
    if (!taken) {
        buf_str(out, "<td class=\"n zero\">\xe2\x80\x93</td>");
        return;
    }
    units_duration_text(ns, text);
    buf_printf(out, "<td class=\"n\">%s</td>", text);
}

void html_row_head(struct buf *out, const char *s)
{
    buf_str(out, "<th scope=\"row\">");
    html_text(out, s);
    buf_str(out, "</th>");
}

/* ---- shapes -------------------------------------------------------------------------------- */

/* On a square of 20: the outline is filled in the verdict's colour, the mark is cut out of it. */
static const struct {
    const char *name, *outline, *mark;
} glyphs[] = {
    {"pass", "<circle cx=\"10\" cy=\"10\" r=\"9\"/>", "M5.6 10.4 8.8 13.5 14.6 7"},
    {"fail", "<path d=\"M6.3 1h7.4L19 6.3v7.4L13.7 19H6.3L1 13.7V6.3z\"/>",
     "M6.7 6.7l6.6 6.6M13.3 6.7l-6.6 6.6"},
    {"inconclusive", "<path d=\"M10 .6 19.4 10 10 19.4.6 10z\"/>",
     "M7.6 8a2.4 2.4 0 1 1 3.5 2.1c-.7.4-1.1.8-1.1 1.7M10 14v.1"},
    {"error", "<path d=\"M10 1.2 19.4 18.4H.6z\"/>", "M10 7v5.2M10 15.2v.1"},
    {"skipped", "<rect x=\"1\" y=\"5\" width=\"18\" height=\"10\" rx=\"5\"/>", "M6 10h8"},
};

void html_glyphs(struct buf *out)
{
    buf_str(out, "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\">");
    for (size_t i = 0; i < sizeof glyphs / sizeof glyphs[0]; i++) {
        buf_printf(out,
                   "<symbol id=\"g-%s\" viewBox=\"0 0 20 20\">%s<path class=\"cut\" d=\"%s\"/>"
                   "</symbol>",
                   glyphs[i].name, glyphs[i].outline, glyphs[i].mark);
    }
    buf_str(out, "<symbol id=\"g-not-judged\" viewBox=\"0 0 20 20\"><circle class=\"open\" "
                 "cx=\"10\" cy=\"10\" r=\"8\"/></symbol></svg>\n");
}

void html_glyph(struct buf *out, const char *name)
{
    buf_printf(out, "<svg class=\"glyph\" aria-hidden=\"true\"><use href=\"#g-%s\"/></svg>", name);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

void html_json(struct buf *out, const char *s, size_t len)
{
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        const char *instead = NULL;
        size_t taken = 1;
        if (s[i] == '<') {
            instead = "\\u003c";
        } else if (len - i >= 3 && memcmp(s + i, "\xe2\x80\xa8", 3) == 0) {
            instead = "\\u2028";
            taken = 3;
        } else if (len - i >= 3 && memcmp(s + i, "\xe2\x80\xa9", 3) == 0) {
            instead = "\\u2029";
            taken = 3;
        }
        if (instead != NULL) {
            buf_append(out, s + from, i - from);
            buf_str(out, instead);
            from = i + taken;
            i = from - 1;
        }
    }
    buf_append(out, s + from, len - from);
}
