/* The checks of report.html: a line each, which unfolds to what was expected and the evidence. */
#include <string.h>

#include "reports/web/html.h"
#include "reports/web/page.h"
#include "reports/words.h"

/* More are counted only: a hostile start may give thousands. */
#define SHOWN_REASONS 200
#define SHOWN_EVENTS 100

static bool not_tested(const struct verdict_check *c)
{
    return c->actual != NULL && strncmp(c->actual, "not tested", 10) == 0;
}

/* What a check's line is coloured by: a pass that tested nothing does not shine. */
static const char *state_of(const struct verdict_check *c)
{
    if (!c->judged) {
        return "not-judged";
    }
    return not_tested(c) ? "skipped" : verdict_name(c->verdict);
}

static const char *words_of(const struct verdict_check *c)
{
    if (!c->judged) {
        return "not judged";
    }
    return not_tested(c) ? "not tested" : verdict_name(c->verdict);
}

static void events(const struct verdict_reason *r, struct buf *out)
{
    if (r->event_count == 0) {
        return;
    }
    buf_str(out, r->event_count == 1 ? " <span class=\"cites\">event "
                                     : " <span class=\"cites\">events ");
    for (size_t i = 0; i < r->event_count && i < SHOWN_EVENTS; i++) {
        buf_str(out, i > 0 ? ", " : "");
        html_event(out, r->events[i]);
    }
    if (r->event_count > SHOWN_EVENTS) {
        buf_printf(out, " and %zu more", r->event_count - SHOWN_EVENTS);
    }
    buf_str(out, "</span>");
}

static void reasons(const struct verdict_check *c, struct buf *out)
{
    if (c->reason_count == 0) {
        return;
    }
    buf_str(out, "<ul class=\"reasons\">");
    for (size_t i = 0; i < c->reason_count && i < SHOWN_REASONS; i++) {
        buf_str(out, "<li>");
        html_text(out, c->reasons[i].text);
        events(&c->reasons[i], out);
        buf_str(out, "</li>");
    }
    if (c->reason_count > SHOWN_REASONS) {
        buf_printf(out, "<li>and %zu more</li>", c->reason_count - SHOWN_REASONS);
    }
    buf_str(out, "</ul>");
}

static void check(const struct verdict_check *c, struct buf *out)
{
    const char *state = state_of(c);
    bool open = c->judged && c->verdict != VERDICT_PASS && c->verdict != VERDICT_SKIPPED;
    buf_printf(out, "<details class=\"check is-%s\"%s><summary><span class=\"state\">", state,
               open ? " open" : "");
    html_glyph(out, state);
    buf_printf(out, "%s</span> <span class=\"name\">", words_of(c));
    html_text(out, words_or(c->name, "a check without a name"));
    buf_str(out, "</span> <span class=\"actual\">");
    html_text(out, words_or(c->actual, "nothing"));
    buf_str(out, "</span></summary>\n<div class=\"more\"><dl><dt>expected</dt><dd>");
    html_text(out, words_or(c->expected, "nothing"));
    buf_str(out, "</dd><dt>actual</dt><dd>");
    html_text(out, words_or(c->actual, "nothing"));
    buf_str(out, "</dd><dt>check</dt><dd>");
    html_text(out, words_or(c->check, "unknown"));
    buf_str(out, c->always ? ", always on</dd></dl>" : ", asked for</dd></dl>");
    reasons(c, out);
    buf_str(out, "</div></details>\n");
}

/* The worst first: a larger kind is worse; what was not judged stands before what passed. */
static int rank(const struct verdict_check *c)
{
    if (!c->judged) {
        return 2;
    }
    switch (c->verdict) {
    case VERDICT_ERROR:
        return 5;
    case VERDICT_FAIL:
        return 4;
    case VERDICT_INCONCLUSIVE:
        return 3;
    case VERDICT_PASS:
        return 1;
    case VERDICT_SKIPPED:
        break;
    }
    return 0;
}

static void tally(const struct verdict *v, struct buf *out)
{
    size_t of[6] = {0};
    static const char *const names[] = {"skipped",      "passed", "not judged",
                                        "inconclusive", "failed", "in error"};
    const char *between = "";
    for (size_t i = 0; i < v->check_count; i++) {
        of[rank(&v->checks[i])]++;
    }
    buf_str(out, "<span class=\"tally\">");
    for (size_t i = 6; i-- > 0;) {
        if (of[i] > 0) {
            buf_printf(out, "%s%zu %s", between, of[i], names[i]);
            between = ", ";
        }
    }
    buf_str(out, v->check_count == 0 ? "none" : "");
    buf_str(out, "</span>");
}

void page_checks(const struct verdict *v, struct buf *out)
{
    buf_str(out, "<section aria-labelledby=\"checks\">\n<h2 id=\"checks\">Checks ");
    tally(v, out);
    buf_str(out, "</h2>\n<div class=\"checks\">\n");
    for (int r = 5; r >= 0; r--) {
        for (size_t i = 0; i < v->check_count; i++) {
            if (rank(&v->checks[i]) == r) {
                check(&v->checks[i], out);
            }
        }
    }
    buf_str(out, "</div>\n</section>\n");
}
