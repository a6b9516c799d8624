/* summary.md: a drill in GitHub-flavoured Markdown. */
#include <inttypes.h>

#include "harness/base/units.h"
#include "reports/escape.h"
#include "reports/report.h"
#include "reports/words.h"

#define SHOWN_REASONS 5
#define SHOWN_BAD_STARTS 20

/* Text that we made of foreign text, escaped a second time for Markdown. */
static void phrase(struct buf *out, void (*say)(struct buf *, const struct verdict *),
                   const struct verdict *v)
{
    struct buf text;
    buf_init(&text, out->max);
    say(&text, v);
    escape_markdown(out, text.data);
    out->failed = out->failed || text.failed;
    buf_close(&text);
}

static void head(const struct verdict *v, struct buf *out)
{
    char took[32];
    units_duration_text(v->duration_ns, took);
    buf_printf(out, "## %s: ", words_verdict(v->verdict));
    escape_markdown(out, words_or(v->title, words_or(v->scenario, "a drill without a title")));
    buf_str(out, "\n\n**Blame:** ");
    escape_markdown(out, words_or(v->blame, "nobody"));
    buf_str(out, " \xc2\xb7 ");
    phrase(out, words_starts, v);
    buf_printf(out, " \xc2\xb7 took %s \xc2\xb7 seed %" PRIu64 "\n", took, v->seed);
    if (words_or(v->why, NULL) != NULL) {
        buf_str(out, "\n**Why:** ");
        escape_markdown(out, v->why);
        buf_char(out, '\n');
    }
}

/* ---- tables -------------------------------------------------------------------------------- */

static void cell(struct buf *out, const char *text)
{
    buf_char(out, ' ');
    escape_markdown(out, text);
    buf_str(out, " |");
}

static void number(struct buf *out, uint64_t n)
{
    buf_printf(out, " %" PRIu64 " |", n);
}

static void checks(const struct verdict *v, struct buf *out)
{
    if (v->check_count > 0) {
        buf_str(out, "\n### Checks\n\n| verdict | check | expected | actual |\n"
                     "|---|---|---|---|\n");
    }
    for (size_t i = 0; i < v->check_count; i++) {
        const struct verdict_check *c = &v->checks[i];
        buf_char(out, '|');
        cell(out, verdict_name(c->verdict));
        cell(out, c->name);
        cell(out, c->expected);
        cell(out, c->actual);
        buf_char(out, '\n');
    }
}

static void check_reasons(const struct verdict_check *c, struct buf *out)
{
    buf_str(out, "\n**");
    escape_markdown(out, c->name);
    buf_printf(out, "** (%s)\n\n", verdict_name(c->verdict));
    for (size_t i = 0; i < c->reason_count && i < SHOWN_REASONS; i++) {
        buf_str(out, "- ");
        escape_markdown(out, c->reasons[i].text);
        words_events(out, c->reasons[i].events, c->reasons[i].event_count);
        buf_char(out, '\n');
    }
    if (c->reason_count > SHOWN_REASONS) {
        buf_printf(out, "- and %zu more\n", c->reason_count - SHOWN_REASONS);
    }
}

static void reasons(const struct verdict *v, struct buf *out)
{
    for (size_t i = 0; i < v->check_count; i++) {
        const struct verdict_check *c = &v->checks[i];
        if (c->verdict != VERDICT_PASS && c->reason_count > 0) {
            check_reasons(c, out);
        }
    }
}

static void faults(const struct verdict *v, struct buf *out)
{
    char share[32];
    if (v->fault_count > 0) {
        buf_str(out,
                "\n### Faults\n\n| fault | rule | planned | met | exposure | matched | fired | "
                "evidence |\n|---|---|--:|--:|--:|--:|--:|---|\n");
    }
    for (size_t i = 0; i < v->fault_count; i++) {
        const struct verdict_fault *f = &v->faults[i];
        units_share_text(f->exposure, share);
        buf_char(out, '|');
        cell(out, f->name);
        cell(out, f->text);
        number(out, f->planned);
        number(out, f->met);
        cell(out, share);
        number(out, f->matched);
        number(out, f->fired);
        cell(out, f->evidence);
        buf_char(out, '\n');
    }
}

static void phase_row(const char *name, const struct verdict_starts *starts, struct buf *out)
{
    buf_char(out, '|');
    cell(out, name);
    number(out, starts->worked);
    number(out, starts->failed);
    number(out, starts->hung);
    number(out, starts->wrong);
    buf_char(out, '\n');
}

static void starts(const struct verdict *v, struct buf *out)
{
    if (v->phase_count > 0) {
        buf_str(out, "\n### Starts\n\n| phase | worked | failed | hung | wrong |\n"
                     "|---|--:|--:|--:|--:|\n");
        for (size_t i = 0; i < v->phase_count; i++) {
            phase_row(v->phases[i].name, &v->phases[i].starts, out);
        }
        phase_row("all", &v->starts, out);
    }
}

static void bad_starts(const struct verdict *v, struct buf *out)
{
    buf_str(out, v->bad_count > 0 ? "\n" : "");
    for (size_t i = 0; i < v->bad_count && i < SHOWN_BAD_STARTS; i++) {
        const struct verdict_bad_start *bad = &v->bad[i];
        buf_printf(out, "- start %" PRIu64 " (", bad->start);
        escape_markdown(out, words_or(bad->phase, "outside every phase"));
        buf_str(out, ", ");
        escape_markdown(out, bad->outcome);
        buf_str(out, "): ");
        escape_markdown(out, bad->last);
        words_events(out, &bad->event, bad->event > 0 ? 1 : 0);
        buf_char(out, '\n');
    }
    uint64_t all = words_bad(&v->starts);
    if (v->bad_count > 0 && all > SHOWN_BAD_STARTS) {
        buf_printf(out, "- and %" PRIu64 " more\n", all - SHOWN_BAD_STARTS);
    }
}

static void registries(const struct verdict *v, struct buf *out)
{
    char bytes[32];
    if (v->registry_count > 0) {
        buf_str(out, "\n### Registries\n\n| registry | role | connections | requests | attempts | "
                     "failed | starts served | bytes |\n|---|---|--:|--:|--:|--:|--:|--:|\n");
    }
    for (size_t i = 0; i < v->registry_count; i++) {
        const struct verdict_registry *r = &v->registries[i];
        units_size_text(r->bytes, bytes);
        buf_char(out, '|');
        cell(out, r->name);
        cell(out, r->role);
        number(out, r->connections);
        number(out, r->requests);
        number(out, r->attempts);
        number(out, r->failed);
        number(out, r->served);
        cell(out, bytes);
        buf_char(out, '\n');
    }
}

/* ---- the end ------------------------------------------------------------------------------- */

/* A fence longer than any run of backticks within TEXT. */
static void fence(struct buf *out, const char *text)
{
    size_t longest = 2;
    for (size_t run = 0; *text != '\0'; text++) {
        run = *text == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    for (size_t i = 0; i <= longest; i++) {
        buf_char(out, '`');
    }
}

static void replay(const struct verdict *v, struct buf *out)
{
    if (words_or(v->replay, NULL) == NULL) {
        return;
    }
    buf_str(out, "\n### Replay\n\n");
    fence(out, v->replay);
    buf_str(out, "sh\n");
    escape_block(out, v->replay);
    buf_char(out, '\n');
    fence(out, v->replay);
    buf_char(out, '\n');
}

static void notes(const struct verdict *v, struct buf *out)
{
    bool reach = words_or(v->reach, NULL) != NULL;
    buf_str(out, v->note_count > 0 || reach ? "\n### Notes\n\n" : "");
    for (size_t i = 0; i < v->note_count; i++) {
        buf_str(out, "- ");
        escape_markdown(out, v->notes[i]);
        buf_char(out, '\n');
    }
    if (reach) {
        buf_str(out, "- reached by ");
        escape_markdown(out, v->reach);
        buf_char(out, '\n');
    }
}

void report_summary(const struct verdict *v, const struct report_style *style, struct buf *out)
{
    (void)style;
    head(v, out);
    checks(v, out);
    reasons(v, out);
    faults(v, out);
    starts(v, out);
    bad_starts(v, out);
    registries(v, out);
    replay(v, out);
    notes(v, out);
}
