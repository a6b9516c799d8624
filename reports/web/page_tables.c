/* The tables of report.html: starts, faults, phases, registries. */
#include <inttypes.h>
#include <string.h>

#include "harness/base/units.h"
#include "reports/web/html.h"
#include "reports/web/page.h"
#include "reports/words.h"

/* CAPTION is for those who do not see that the heading stands above. */
static void open_table(struct buf *out, const char *id, const char *heading)
{
    buf_printf(out,
               "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s</h2>\n<div class=\"scroll\" "
               "role=\"region\" tabindex=\"0\" aria-labelledby=\"%s\">\n<table>\n",
               id, id, heading, id);
}

static void close_table(struct buf *out)
{
    buf_str(out, "</tbody>\n</table>\n</div>\n</section>\n");
}

/* ---- starts -------------------------------------------------------------------------------- */

/* A path that the journal tells is foreign text too: only our own form becomes a link. */
static bool is_output(const char *path)
{
    size_t digits = 0;
    if (path == NULL || strncmp(path, "starts/", 7) != 0) {
        return false;
    }
    digits = strspn(path + 7, "0123456789");
    return digits > 0 && strcmp(path + 7 + digits, ".txt") == 0;
}

static void output_cell(struct buf *out, const char *path)
{
    if (!is_output(path)) {
        html_cell(out, path);
        return;
    }
    buf_printf(out, "<td><a href=\"%s\">%s</a></td>", path, path);
}

static void bad_start(const struct verdict_bad_start *bad, struct buf *out)
{
    buf_str(out, "<tr><th scope=\"row\" class=\"n\">");
    html_start(out, bad->start);
    buf_str(out, "</th>");
    html_cell(out, words_or(bad->phase, "outside every phase"));
    html_cell(out, bad->outcome);
    buf_str(out, "<td>");
    html_text(out, words_or(bad->last, "it did nothing"));
    if (bad->event > 0) {
        buf_str(out, " <span class=\"cites\">event ");
        html_event(out, bad->event);
        buf_str(out, "</span>");
    }
    buf_str(out, "</td>");
    html_cell(out, bad->said);
    output_cell(out, bad->output);
    buf_str(out, "</tr>\n");
}

static void bad_starts(const struct verdict *v, struct buf *out)
{
    uint64_t all = words_bad(&v->starts);
    if (v->bad_count == 0) {
        buf_str(out, "<p>Every start that ended worked.</p>\n");
        return;
    }
    buf_str(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"starts\">"
                 "\n<table>\n<caption>Those that did not work</caption>\n<thead><tr>"
                 "<th scope=\"col\" class=\"n\">start</th><th scope=\"col\">phase</th>"
                 "<th scope=\"col\">outcome</th><th scope=\"col\">what it did last</th>"
                 "<th scope=\"col\">last words</th><th scope=\"col\">output</th></tr></thead>\n"
                 "<tbody>\n");
    for (size_t i = 0; i < v->bad_count; i++) {
        bad_start(&v->bad[i], out);
    }
    buf_str(out, "</tbody>\n</table>\n</div>\n");
    if (all > v->bad_count) {
        buf_printf(out, "<p>and %" PRIu64 " more</p>\n", all - v->bad_count);
    }
}

void page_starts(const struct verdict *v, const struct trace *t, struct buf *out)
{
    buf_str(out, "<section aria-labelledby=\"starts\">\n<h2 id=\"starts\">Starts <span "
                 "class=\"tally\">");
    buf_printf(out, "%" PRIu64 " worked, %" PRIu64 " failed, %" PRIu64 " hung, %" PRIu64 " wrong",
               v->starts.worked, v->starts.failed, v->starts.hung, v->starts.wrong);
    buf_str(out, "</span></h2>\n<div id=\"bad-starts\">\n");
    bad_starts(v, out);
    buf_str(out, t != NULL ? "</div>\n<div id=\"waterfall\" hidden></div>\n</section>\n"
                           : "</div>\n</section>\n");
}

/* ---- faults -------------------------------------------------------------------------------- */

static void moment_cell(struct buf *out, uint64_t ns, uint64_t event)
{
    char text[32];
    if (event == 0) {
        html_time(out, 0, false);
        return;
    }
    units_duration_text(ns, text);
    buf_printf(out, "<td class=\"n\">%s <span class=\"cites\">", text);
    html_event(out, event);
    buf_str(out, "</span></td>");
}

static void fault(const struct verdict_fault *f, struct buf *out)
{
    char share[32];
    units_share_text(f->exposure, share);
    buf_str(out, "<tr>");
    html_row_head(out, f->name);
    html_cell(out, f->on);
    html_cell(out, words_or(f->text, f->kind));
    html_number(out, f->planned);
    html_number(out, f->met);
    buf_printf(out, "<td class=\"n\">%s</td>", share);
    html_number(out, f->matched);
    html_number(out, f->fired);
    moment_cell(out, f->first_ns, f->first_event);
    moment_cell(out, f->last_ns, f->last_event);
    html_cell(out, f->evidence);
    buf_str(out, "</tr>\n");
}

void page_faults(const struct verdict *v, struct buf *out)
{
    if (v->fault_count == 0) {
        buf_str(out, "<section aria-labelledby=\"faults\">\n<h2 id=\"faults\">Faults</h2>\n"
                     "<p>No fault was planned.</p>\n</section>\n");
        return;
    }
    open_table(out, "faults", "Faults");
    buf_str(out, "<thead><tr><th scope=\"col\">fault</th><th scope=\"col\">on</th>"
                 "<th scope=\"col\">rule</th>"
                 "<th scope=\"col\" class=\"n\">planned starts</th>"
                 "<th scope=\"col\" class=\"n\">met by</th>"
                 "<th scope=\"col\" class=\"n\">exposure</th>"
                 "<th scope=\"col\" class=\"n\">matched</th>"
                 "<th scope=\"col\" class=\"n\">fired</th>"
                 "<th scope=\"col\" class=\"n\">first</th><th scope=\"col\" class=\"n\">last</th>"
                 "<th scope=\"col\">evidence</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < v->fault_count; i++) {
        fault(&v->faults[i], out);
    }
    close_table(out);
}

/* ---- phases -------------------------------------------------------------------------------- */

static void head_cell(struct buf *out, const char *text, bool first)
{
    buf_printf(out, "<th scope=\"col\" class=\"n%s\">", first ? " edge" : "");
    html_text(out, text);
    buf_str(out, "</th>");
}

static void group_head(struct buf *out, const char *text, size_t columns)
{
    buf_printf(out, "<th scope=\"colgroup\" colspan=\"%zu\" class=\"edge\">%s</th>", columns, text);
}

/* Registries have columns only where each phase counts for them. */
static size_t counted_registries(const struct verdict *v)
{
    for (size_t i = 0; i < v->phase_count; i++) {
        if (v->phases[i].attempts == NULL) {
            return 0;
        }
    }
    return v->registry_count;
}

static void phases_head(const struct verdict *v, size_t registries, struct buf *out)
{
    static const char *const columns[] = {"worked",  "failed",    "hung",   "wrong",
                                          "primary", "fell back", "failed", "mixed",
                                          "p50",     "p95",       "p50",    "p95"};
    buf_str(out, "<thead>\n<tr><th scope=\"col\" rowspan=\"2\">phase</th>"
                 "<th scope=\"col\" rowspan=\"2\" class=\"n\">took</th>");
    group_head(out, "starts", 4);
    group_head(out, "pulls", 4);
    group_head(out, "time to start", 2);
    group_head(out, "time to fall back", 2);
    if (registries > 0) {
        group_head(out, "attempts at", registries);
    }
    buf_str(out, "</tr>\n<tr>");
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        head_cell(out, columns[i], i == 0 || i == 4 || i == 8 || i == 10);
    }
    for (size_t i = 0; i < registries; i++) {
        head_cell(out, v->registries[i].name, i == 0);
    }
    buf_str(out, "</tr>\n</thead>\n<tbody>\n");
}

static void attempts_cell(const struct verdict_phase *p, size_t registry, struct buf *out)
{
    uint64_t failed = p->failed != NULL ? p->failed[registry] : 0;
    if (failed == 0) {
        html_number(out, p->attempts[registry]);
        return;
    }
    buf_printf(out,
               "<td class=\"n\">%" PRIu64 " <span class=\"bad\">(%" PRIu64 " failed)</span></td>",
               p->attempts[registry], failed);
}

static void phase(const struct verdict_phase *p, size_t registries, struct buf *out)
{
    buf_str(out, "<tr>");
    html_row_head(out, p->name);
    html_time(out, p->end_ns - p->begin_ns, p->end_ns >= p->begin_ns);
    html_number(out, p->starts.worked);
    html_number(out, p->starts.failed);
    html_number(out, p->starts.hung);
    html_number(out, p->starts.wrong);
    html_number(out, p->pulls.primary);
    html_number(out, p->pulls.fell_back);
    html_number(out, p->pulls.failed);
    html_number(out, p->pulls.mixed);
    html_time(out, p->start_times.p50_ns, p->start_times.count > 0);
    html_time(out, p->start_times.p95_ns, p->start_times.count > 0);
    html_time(out, p->fall_back.p50_ns, p->fall_back.count > 0);
    html_time(out, p->fall_back.p95_ns, p->fall_back.count > 0);
    for (size_t i = 0; i < registries; i++) {
        attempts_cell(p, i, out);
    }
    buf_str(out, "</tr>\n");
}

void page_phases(const struct verdict *v, struct buf *out)
{
    size_t registries = counted_registries(v);
    if (v->phase_count == 0) {
        buf_str(out, "<section aria-labelledby=\"phases\">\n<h2 id=\"phases\">Phases</h2>\n"
                     "<p>The drill came to no phase.</p>\n</section>\n");
        return;
    }
    open_table(out, "phases", "Phases");
    phases_head(v, registries, out);
    for (size_t i = 0; i < v->phase_count; i++) {
        phase(&v->phases[i], registries, out);
    }
    close_table(out);
}

/* ---- registries ---------------------------------------------------------------------------- */

void page_registries(const struct verdict *v, struct buf *out)
{
    char bytes[32];
    open_table(out, "registries", "Registries");
    buf_str(out, "<thead><tr><th scope=\"col\">registry</th><th scope=\"col\">role</th>"
                 "<th scope=\"col\" class=\"n\">connections</th>"
                 "<th scope=\"col\" class=\"n\">requests</th>"
                 "<th scope=\"col\" class=\"n\">attempts</th>"
                 "<th scope=\"col\" class=\"n\">failed</th>"
                 "<th scope=\"col\" class=\"n\">starts served</th>"
                 "<th scope=\"col\" class=\"n\">delivered</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < v->registry_count; i++) {
        const struct verdict_registry *r = &v->registries[i];
        units_size_text(r->bytes, bytes);
        buf_str(out, "<tr>");
        html_row_head(out, r->name);
        html_cell(out, r->role);
        html_number(out, r->connections);
        html_number(out, r->requests);
        html_number(out, r->attempts);
        html_number(out, r->failed);
        html_number(out, r->served);
        buf_printf(out, "<td class=\"n\">%s</td></tr>\n", bytes);
    }
    close_table(out);
}
