/* report.html: one self-contained file. The page's policy allows this style and this script, by
 * their digests, and nothing else; whatever a subject or a title holds cannot run, nor can the page
 * ask for anything. Tables and the picture stand in the file; the script adds the waterfall, the
 * look-up of events, filters and the copy button. */
#include "reports/web/page.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

#include "harness/base/units.h"
#include "reports/eight_lines.h"
#include "reports/report.h"
#include "reports/web/assets.h"
#include "reports/web/events_out.h"
#include "reports/web/html.h"
#include "reports/web/picture.h"
#include "reports/words.h"

/* Names of failed checks at the top of the page. */
#define SHOWN_LOST 6

/* ---- head ---------------------------------------------------------------------------------- */

static void digest_out(struct buf *out, const char *text, size_t len)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned char base64[EVP_MAX_MD_SIZE * 2];
    unsigned size = 0;
    if (EVP_Digest(text, len, digest, &size, EVP_sha256(), NULL) != 1) {
        out->failed = true;
        return;
    }
    EVP_EncodeBlock(base64, digest, (int)size);
    buf_printf(out, "'sha256-%s'", (const char *)base64);
}

static const char *title_of(const struct verdict *v)
{
    return words_or(v->title, words_or(v->scenario, "a drill without a title"));
}

static void head(const struct verdict *v, struct buf *out)
{
    buf_str(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                 "base-uri 'none'; form-action 'none'; style-src ");
    digest_out(out, asset_css, asset_css_len());
    buf_str(out, "; script-src ");
    digest_out(out, asset_js, asset_js_len());
    buf_str(out, "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                 "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    buf_printf(out, "%s: ", words_verdict(v->verdict));
    html_text(out, title_of(v));
    buf_str(out, "</title>\n<style>");
    buf_append(out, asset_css, asset_css_len());
    buf_str(out, "</style>\n</head>\n");
}

/* ---- the top of the page -------------------------------------------------------------------- */

static void fact(struct buf *out, const char *name, const char *value)
{
    if (words_or(value, NULL) != NULL) {
        buf_printf(out, "<li><span>%s</span> ", name);
        html_text(out, value);
        buf_str(out, "</li>");
    }
}

static void facts(const struct verdict *v, struct buf *out)
{
    char took[32];
    char seed[32];
    struct buf number;
    units_duration_text(v->duration_ns, took);
    buf_init(&number, sizeof seed);
    buf_u64(&number, v->seed);
    buf_str(out, "<ul class=\"facts\">");
    fact(out, "scenario", v->scenario);
    fact(out, "began", v->began);
    fact(out, "took", took);
    fact(out, "seed", number.data);
    fact(out, "pulldrill", v->version);
    buf_str(out, "</ul>\n");
    out->failed = out->failed || number.failed;
    buf_close(&number);
}

static void sentence(const struct verdict *v, struct buf *out)
{
    struct buf text;
    buf_init(&text, out->max);
    words_starts(&text, v);
    html_text(out, text.data);
    out->failed = out->failed || text.failed;
    buf_close(&text);
}

/* What the verdict rests on, where it is no pass: the starts alone do not always tell. */
static void lost(const struct verdict *v, struct buf *out)
{
    size_t count = 0;
    if (words_or(v->why, NULL) != NULL) {
        buf_str(out, "<p class=\"lost\">");
        html_text(out, v->why);
        buf_str(out, "</p>\n");
        return;
    }
    for (size_t i = 0; i < v->check_count; i++) {
        const struct verdict_check *c = &v->checks[i];
        if (!c->judged || c->verdict < VERDICT_FAIL || count++ >= SHOWN_LOST) {
            continue;
        }
        buf_str(out, count == 1 ? "<p class=\"lost\">failed: <b>" : ", <b>");
        html_text(out, c->name);
        buf_str(out, "</b>");
    }
    if (count > SHOWN_LOST) {
        buf_printf(out, " and %zu more", count - SHOWN_LOST);
    }
    buf_str(out, count > 0 ? "</p>\n" : "");
}

static void top(const struct verdict *v, struct buf *out)
{
    const char *kind = verdict_name(v->verdict);
    buf_printf(out, "<header class=\"top is-%s\">\n<p class=\"verdict\">", kind);
    html_glyph(out, kind);
    buf_printf(out, "%s</p>\n<div>\n<h1>", words_verdict(v->verdict));
    html_text(out, title_of(v));
    buf_str(out, "</h1>\n<p class=\"sum\"><strong>");
    sentence(v, out);
    buf_str(out, "</strong> <span class=\"blame\">blame: <b>");
    html_text(out, words_or(v->blame, "nobody"));
    buf_str(out, "</b></span></p>\n");
    lost(v, out);
    facts(v, out);
    buf_str(out, "</div>\n</header>\n");
}

static void picture(const struct verdict *v, const struct trace *t, struct buf *out)
{
    buf_str(out, "<figure class=\"picture\" role=\"group\" tabindex=\"0\" "
                 "aria-label=\"Attempts per registry over time\">\n");
    if (t != NULL) {
        picture_svg(t, v, out);
    } else {
        buf_str(out, "<p class=\"absent\">No picture and no waterfall: the drill's history "
                     "(history.jsonl) was not to be had when this page was written.</p>");
    }
    buf_str(out, "</figure>\n");
    if (t != NULL && (t->truncated || t->left_out > 0)) {
        buf_str(out, "<p class=\"caution\">");
        buf_str(out, t->truncated ? "The history's last line was cut off. " : "");
        if (t->left_out > 0) {
            buf_printf(out, "%" PRIu64 " rows of the history are left out of this page.",
                       t->left_out);
        }
        buf_str(out, "</p>\n");
    }
}

/* The words are those of the terminal and of summary.md. */
static void lines(const struct verdict *v, struct buf *out)
{
    const struct report_style plain = {.colour = false};
    struct buf text;
    buf_init(&text, out->max);
    eight_lines(v, &plain, &text);
    buf_str(out, "<section class=\"lines\" aria-labelledby=\"lines\">\n"
                 "<h2 id=\"lines\">In eight lines</h2>\n<ol>\n");
    for (char *line = text.data; line != NULL && *line != '\0';) {
        char *end = line + strcspn(line, "\n");
        char *next = *end == '\n' ? end + 1 : end;
        *end = '\0';
        buf_str(out, line[0] == ' ' ? "<li class=\"in\">" : "<li>");
        html_text_with_events(out, line + strspn(line, " "));
        buf_str(out, "</li>\n");
        line = next;
    }
    buf_str(out, "</ol>\n</section>\n");
    out->failed = out->failed || text.failed;
    buf_close(&text);
}

/* ---- the whole ----------------------------------------------------------------------------- */

static void body(const struct verdict *v, const struct trace *t, struct buf *out)
{
    buf_str(out, "<body>\n");
    html_glyphs(out);
    buf_str(out, "<p id=\"problem\" class=\"caution\" role=\"alert\" hidden></p>\n");
    top(v, out);
    buf_str(out, "<main>\n<noscript><p class=\"caution\">Without its script this page has no "
                 "waterfall of a start, no look-up of events by number, no filter and no copy "
                 "button; all else is here.</p></noscript>\n<div class=\"first\">\n<div>\n");
    picture(v, t, out);
    buf_str(out, "</div>\n");
    lines(v, out);
    buf_str(out, "</div>\n");
    page_checks(v, out);
    page_starts(v, t, out);
    page_faults(v, out);
    page_phases(v, out);
    page_registries(v, out);
    page_environment(v, t, out);
    page_replay(v, out);
    buf_str(out, "</main>\n<aside id=\"event\" aria-label=\"Event\" "
                 "aria-live=\"polite\" hidden></aside>\n");
}

void report_html(const struct verdict *v, const struct trace *t, const struct report_style *style,
                 struct buf *out)
{
    (void)style;
    head(v, out);
    body(v, t, out);
    events_out_journal(v, out);
    if (t != NULL) {
        events_out_trace(v, t, out);
    }
    buf_str(out, "<script>");
    buf_append(out, asset_js, asset_js_len());
    buf_str(out, "</script>\n</body>\n</html>\n");
}
