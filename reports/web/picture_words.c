/* The picture's letters: tooltips, labels, and the description for those who do not see it. */
#include <string.h>

#include "harness/base/units.h"
#include "harness/base/utf8.h"
#include "reports/escape.h"
#include "reports/web/picture_internal.h"

/* The picture stays below its size whatever the names: bytes of a tooltip and of the description
 * before they end in "…", characters of a name in them. */
#define TITLE_BYTES ((size_t)200)
#define DESC_BYTES ((size_t)4000)
#define NAME_CHARACTERS ((size_t)20)

/* ---- phrases ------------------------------------------------------------------------------- */

/* "1 attempt", "20 attempts". */
static void count_of(struct buf *out, uint64_t n, const char *one, const char *many)
{
    buf_u64(out, n);
    buf_char(out, ' ');
    buf_str(out, n == 1 ? one : many);
}

const char *picture_noun(const struct trace *t)
{
    return t->served ? "requests" : "attempts";
}

void picture_attempts(struct buf *out, const struct trace *t, const struct slices_attempts *sum)
{
    count_of(out, sum->worked + sum->failed, t->served ? "request" : "attempt", picture_noun(t));
    if (sum->failed > 0) {
        buf_str(out, ", ");
        buf_u64(out, sum->failed);
        buf_str(out, " failed");
    }
}

/* "3 worked, 1 failed"; nothing where there were none. */
static void outcomes(struct buf *out, const struct slices_starts *sum)
{
    const struct {
        uint64_t count;
        const char *word;
    } parts[] = {
        {sum->worked, "worked"}, {sum->failed, "failed"},   {sum->hung, "hung"},
        {sum->wrong, "wrong"},   {sum->stopped, "stopped"},
    };
    bool first = true;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].count > 0) {
            buf_str(out, first ? "" : ", ");
            buf_u64(out, parts[i].count);
            buf_char(out, ' ');
            buf_str(out, parts[i].word);
            first = false;
        }
    }
}

/* How many bytes of S its first MAX characters take; bytes that are no UTF-8 count as one. */
static size_t bytes_of(const char *s, size_t max)
{
    size_t len = strlen(s);
    size_t at = 0;
    for (size_t i = 0; i < max && at < len; i++) {
        size_t step = utf8_sequence(s + at, len - at);
        at += step > 0 ? step : 1;
    }
    return at;
}

void picture_cut(struct buf *out, const char *s, size_t max)
{
    if (!s || max == 0) {
        return;
    }
    size_t whole = bytes_of(s, max);
    if (s[whole] == '\0') {
        escape_xml(out, s);
        return;
    }
    struct buf part;
    buf_init(&part, 4096);
    buf_append(&part, s, bytes_of(s, max - 1));
    escape_xml(out, part.data ? part.data : "");
    out->failed = out->failed || part.failed;
    buf_close(&part);
    buf_str(out, "…");
}

void picture_text(struct pic *p, const char *classes, double x, double y, const char *anchor,
                  const char *s, size_t max)
{
    buf_printf(p->out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\"", classes, x, y);
    if (anchor) {
        buf_printf(p->out, " text-anchor=\"%s\"", anchor);
    }
    buf_char(p->out, '>');
    picture_cut(p->out, s, max);
    buf_str(p->out, "</text>");
}

/* ---- what is counted ----------------------------------------------------------------------- */

const char *picture_stretch_name(const struct slices_stretch *stretch)
{
    switch (stretch->kind) {
    case SLICES_PHASE:
        return stretch->name ? stretch->name : "";
    case SLICES_SETTLING:
        return "settling";
    case SLICES_CONTROL:
        return "control";
    case SLICES_WHOLE:
        break;
    }
    return "no phase";
}

struct slices_starts picture_phase_starts(const struct trace *t, const char *phase)
{
    struct slices_starts sum = {0};
    for (size_t i = 0; phase && i < t->start_count; i++) {
        if (t->starts[i].phase && strcmp(t->starts[i].phase, phase) == 0) {
            slices_count_start(&sum, &t->starts[i]);
        }
    }
    return sum;
}

uint64_t picture_total(const struct slices_starts *sum)
{
    return sum->worked + sum->failed + sum->hung + sum->wrong + sum->stopped;
}

/* ---- sentences ----------------------------------------------------------------------------- */

/* "primary 3 attempts, 3 failed; failover 12 attempts": of the slices FIRST to FIRST + COUNT. */
static void add_registries(struct pic *p, size_t first, size_t count, size_t room)
{
    size_t from = p->out->len;
    bool any = false;
    for (size_t colour = 0; colour < p->registry_count; colour++) {
        size_t registry = picture_registry(p, colour);
        struct slices_attempts sum = {0};
        for (size_t i = first; i < first + count; i++) {
            sum.worked += p->s.attempts[i][registry].worked;
            sum.failed += p->s.attempts[i][registry].failed;
        }
        if (sum.worked + sum.failed == 0) {
            continue;
        }
        buf_str(p->out, any ? "; " : "");
        any = true;
        if (p->out->len - from > room) {
            buf_str(p->out, "…");
            return;
        }
        picture_cut(p->out, p->t->registries[registry], NAME_CHARACTERS);
        buf_char(p->out, ' ');
        picture_attempts(p->out, p->t, &sum);
    }
    if (!any) {
        buf_printf(p->out, "no %s", picture_noun(p->t));
    }
}

void picture_slice_title(struct pic *p, size_t index)
{
    const struct slices_stretch *stretch = slices_stretch_of(&p->s, index);
    char from[32];
    char to[32];
    buf_str(p->out, "<title>");
    picture_cut(p->out, picture_stretch_name(stretch), NAME_CHARACTERS);
    if (stretch->kind != SLICES_CONTROL) {
        units_duration_text(slices_begin_ns(&p->s, index) - stretch->from_ns, from);
        units_duration_text(slices_end_ns(&p->s, index) - stretch->from_ns, to);
        buf_printf(p->out, ", %s–%s: ", from, to);
        add_registries(p, index, 1, TITLE_BYTES);
    }
    if (picture_total(&p->s.starts[index]) > 0) {
        buf_str(p->out, "; starts that ended: ");
        outcomes(p->out, &p->s.starts[index]);
    }
    buf_str(p->out, "</title>");
}

static void add_control(struct pic *p)
{
    buf_str(p->out, "control: each subject once more, with every registry down, where it must not "
                    "work");
    if (p->s.control_attempts > 0) {
        buf_str(p->out, "; its ");
        count_of(p->out, p->s.control_attempts, "attempt", "attempts");
        buf_str(p->out, " not drawn");
    }
}

static void add_stretch(struct pic *p, const struct slices_stretch *stretch)
{
    if (stretch->kind == SLICES_CONTROL) {
        add_control(p);
        return;
    }
    char own[32];
    units_duration_text(stretch->own_ns, own);
    picture_cut(p->out, picture_stretch_name(stretch), NAME_CHARACTERS);
    buf_printf(p->out, ", %s: ", own);
    if (stretch->kind == SLICES_PHASE) {
        struct slices_starts sum = picture_phase_starts(p->t, stretch->name);
        count_of(p->out, picture_total(&sum), "start", "starts");
        if (picture_total(&sum) > 0) {
            buf_str(p->out, " (");
            outcomes(p->out, &sum);
            buf_char(p->out, ')');
        }
        buf_str(p->out, "; ");
    }
    add_registries(p, stretch->first, stretch->count, TITLE_BYTES);
}

void picture_stretch_title(struct pic *p, const struct slices_stretch *stretch)
{
    buf_str(p->out, "<title>");
    add_stretch(p, stretch);
    buf_str(p->out, "</title>");
}

void picture_describe(struct pic *p)
{
    buf_printf(p->out,
               "<title>%s per registry over time</title><desc>Bars over time, stacked by "
               "registry; %s that failed are striped. ",
               p->t->served ? "Requests" : "Attempted pulls", picture_noun(p->t));
    size_t from = p->out->len;
    for (size_t i = 0; i < p->s.stretch_count; i++) {
        if (p->out->len - from > DESC_BYTES) {
            buf_str(p->out, "…");
            break;
        }
        buf_str(p->out, i > 0 ? " " : "");
        add_stretch(p, &p->s.stretches[i]);
        buf_char(p->out, '.');
    }
    for (size_t i = 0; i < p->fault_count; i++) {
        buf_str(p->out, i > 0 ? ", " : " Faults: ");
        picture_cut(p->out, p->faults[i], NAME_CHARACTERS);
    }
    buf_str(p->out, p->fault_count > 0 ? ".</desc>" : "</desc>");
}
