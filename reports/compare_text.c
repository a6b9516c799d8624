/* A comparison of two results as text and as JSON. */
#include "reports/compare_text.h"

#include <string.h>

#include "harness/verdict/noise.h"
#include "harness/verdict/verdict_fields.h"
#include "reports/escape.h"
#include "reports/json_out.h"

/* Rows of noise that are shown; every other kind is shown whole. */
#define SHOWN_NOISE 10
#define WORD_WIDTH 14
#define WIDEST_WHAT 40
#define RULE_MAX 8192

static const char *colour_of(enum compare_kind kind, const struct report_style *style)
{
    if (!style->colour) {
        return "";
    }
    switch (kind) {
    case COMPARE_WORSE:
        return "\033[31m";
    case COMPARE_STILL:
    case COMPARE_NOT:
        return "\033[33m";
    case COMPARE_BETTER:
    case COMPARE_NEW:
        return "\033[32m";
    case COMPARE_NOISE:
    case COMPARE_SAME:
    case COMPARE_KINDS:
        break;
    }
    return "\033[0m";
}

static void pad(struct buf *out, size_t from, size_t width)
{
    while (!out->failed && out->len < from + width) {
        buf_char(out, ' ');
    }
}

/* "scenario", "scenario/retry-only", "scenario (round 3)". */
static void place(const struct compare_finding *f, struct buf *out)
{
    escape_line(out, f->scenario);
    if (f->variant[0] != '\0') {
        buf_char(out, '/');
        escape_line(out, f->variant);
    }
    if (f->round > 1) {
        buf_printf(out, " (round %u)", f->round);
    }
}

static void values(const struct compare_finding *f, struct buf *out)
{
    if (f->was[0] != '\0' && strcmp(f->was, f->is) != 0) {
        escape_line(out, f->was);
        buf_str(out, " -> ");
    }
    escape_line(out, f->is);
}

static bool shows_values(const struct compare_finding *f)
{
    return f->was[0] != '\0' || f->is[0] != '\0';
}

/* How rows are written. */
struct table {
    const struct report_style *style;
    size_t width; /* of what is compared */
    bool places;  /* of several drills: each row says which */
};

static void row(const struct compare_finding *f, const struct table *t, struct buf *out)
{
    buf_printf(out, "%s%-*s%s  ", colour_of(f->kind, t->style), WORD_WIDTH,
               compare_kind_name(f->kind), t->style->colour ? "\033[0m" : "");
    size_t from = out->len;
    escape_line(out, f->what);
    pad(out, from, t->width);
    buf_str(out, "  ");
    values(f, out);
    if (f->why[0] != '\0') {
        buf_str(out, shows_values(f) ? "; " : "");
        escape_line(out, f->why);
    }
    if (t->places) {
        buf_str(out, "  [");
        place(f, out);
        buf_char(out, ']');
    }
    buf_char(out, '\n');
}

static bool same_place(const struct compare_finding *a, const struct compare_finding *b)
{
    return strcmp(a->scenario, b->scenario) == 0 && strcmp(a->variant, b->variant) == 0 &&
           a->round == b->round;
}

static bool is_one_place(const struct comparison *c)
{
    for (size_t i = 1; i < c->count; i++) {
        if (!same_place(&c->findings[0], &c->findings[i])) {
            return false;
        }
    }
    return c->count > 0;
}

static size_t what_width(const struct comparison *c)
{
    size_t widest = 0;
    for (size_t i = 0; i < c->count; i++) {
        size_t len = strlen(c->findings[i].what);
        widest = c->findings[i].kind != COMPARE_SAME && len > widest ? len : widest;
    }
    return widest < WIDEST_WHAT ? widest : WIDEST_WHAT;
}

static void rows(const struct comparison *c, const struct report_style *style, struct buf *out)
{
    const struct table t = {.style = style, .width = what_width(c), .places = !is_one_place(c)};
    size_t noise = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct compare_finding *f = &c->findings[i];
        if (f->kind == COMPARE_SAME || (f->kind == COMPARE_NOISE && ++noise > SHOWN_NOISE)) {
            continue;
        }
        row(f, &t, out);
    }
    if (noise > SHOWN_NOISE) {
        buf_printf(out, "and %zu more within noise; --format json has them\n", noise - SHOWN_NOISE);
    }
}

/* Counts of 0 are left out, but for regressions and what is the same. */
static void last_line(const struct comparison *c, struct buf *out)
{
    static const struct {
        enum compare_kind kind;
        const char *one, *many;
    } parts[] = {
        {COMPARE_WORSE, "regression", "regressions"},
        {COMPARE_STILL, "still bad", "still bad"},
        {COMPARE_NOT, "not comparable", "not comparable"},
        {COMPARE_BETTER, "better", "better"},
        {COMPARE_NEW, "new", "new"},
        {COMPARE_NOISE, "change within noise", "changes within noise"},
        {COMPARE_SAME, "the same", "the same"},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t n = c->kinds[parts[i].kind];
        if (n > 0 || i == 0 || parts[i].kind == COMPARE_SAME) {
            buf_printf(out, "%s%zu %s", i > 0 ? ", " : "", n,
                       n == 1 ? parts[i].one : parts[i].many);
        }
    }
    buf_char(out, '\n');
}

void report_compare_text(const struct comparison *c, const char *was, const char *is,
                         const struct report_style *style, struct buf *out)
{
    buf_str(out, "OLD ");
    escape_line(out, was);
    buf_str(out, ", NEW ");
    escape_line(out, is);
    if (is_one_place(c)) {
        buf_str(out, ": ");
        place(&c->findings[0], out);
    }
    buf_str(out, "\n\n");
    size_t before = out->len;
    rows(c, style, out);
    buf_str(out, out->len > before ? "\n" : "");
    last_line(c, out);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

/* The kind's name as a key: blanks become hyphens. */
static void key_of(enum compare_kind kind, char key[32])
{
    const char *name = compare_kind_name(kind);
    size_t n = 0;
    for (; name[n] != '\0' && n < 31; n++) {
        key[n] = name[n] == ' ' ? '-' : name[n];
    }
    key[n] = '\0';
}

static void finding_json(const struct compare_finding *f, struct json_out *j)
{
    char kind[32];
    key_of(f->kind, kind);
    json_out_open(j, NULL, '{');
    json_out_text(j, "finding", kind);
    json_out_text(j, "scenario", f->scenario);
    json_out_text(j, "variant", f->variant[0] != '\0' ? f->variant : NULL);
    json_out_count(j, "round", f->round);
    json_out_text(j, "what", f->what);
    json_out_text(j, "old", f->was[0] != '\0' ? f->was : NULL);
    json_out_text(j, "new", f->is[0] != '\0' ? f->is : NULL);
    json_out_text(j, "why", f->why[0] != '\0' ? f->why : NULL);
    json_out_close(j, '}');
}

void report_compare_json(const struct comparison *c, const char *was, const char *is,
                         struct buf *out)
{
    struct json_out j = {.out = out};
    struct buf rule;
    char key[32];
    buf_init(&rule, RULE_MAX);
    noise_rule("", &rule);
    json_out_open(&j, NULL, '{');
    json_out_int(&j, "version", VERDICT_FORMAT_VERSION);
    json_out_text(&j, "old", was);
    json_out_text(&j, "new", is);
    json_out_open(&j, "tally", '{');
    for (int kind = 0; kind < COMPARE_KINDS; kind++) {
        key_of((enum compare_kind)kind, key);
        json_out_count(&j, key, c->kinds[kind]);
    }
    json_out_close(&j, '}');
    json_out_text(&j, "rule", rule.data);
    json_out_open(&j, "findings", '[');
    for (size_t i = 0; i < c->count; i++) {
        finding_json(&c->findings[i], &j);
    }
    json_out_close(&j, ']');
    json_out_close(&j, '}');
    buf_close(&rule);
}
