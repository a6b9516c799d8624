/* The first eight lines that a tired person reads.
 *
 * Lines 3 to 5 are taken from the top of a list of things worth saying, the worst first: why there
 * is no verdict, starts that did not work, checks that did not pass, phases, registries; at its end
 * are facts that every drill has, so that there are always three. */
#include "reports/eight_lines.h"

#include <inttypes.h>
#include <string.h>

#include "harness/base/units.h"
#include "reports/escape.h"
#include "reports/words.h"

#define STORY_LINES 3
#define SHOWN_FAULTS 4

const char *colour_of(const struct report_style *style, enum verdict_kind v)
{
    static const char *const colours[] = {
        [VERDICT_SKIPPED] = "\033[36m",      [VERDICT_PASS] = "\033[32m",
        [VERDICT_INCONCLUSIVE] = "\033[33m", [VERDICT_FAIL] = "\033[31m",
        [VERDICT_ERROR] = "\033[1;31m",
    };
    return style->colour && (size_t)v < sizeof colours / sizeof colours[0] ? colours[v] : "";
}

const char *colour_off(const struct report_style *style)
{
    return style->colour ? "\033[0m" : "";
}

static void verdict_line(const struct verdict *v, const struct report_style *style, struct buf *out)
{
    buf_printf(out, "%s%s%s  ", colour_of(style, v->verdict), words_verdict(v->verdict),
               colour_off(style));
    escape_line(out, words_or(v->title, words_or(v->scenario, "a drill without a title")));
    buf_str(out, " \xe2\x80\x94 blame: ");
    escape_line(out, words_or(v->blame, "nobody"));
    buf_char(out, '\n');
}

static void starts_line(const struct verdict *v, struct buf *out)
{
    size_t before = out->len;
    words_starts(out, v);
    for (size_t i = 0; i < v->registry_count; i++) {
        if (v->registries[i].served > 0 && out->len > before) {
            buf_str(out, "; ");
            words_served(out, v);
            break;
        }
    }
    buf_char(out, '\n');
}

/* ---- lines 3 to 5 -------------------------------------------------------------------------- */

/* How many lines are still to be written. */
struct story {
    const struct verdict *v;
    struct buf *out;
    size_t left;
};

/* Ends a line; the last one counts how many of its sort are left out. */
static void end_line(struct story *s, size_t left_out)
{
    s->left--;
    if (s->left == 0 && left_out > 0) {
        buf_printf(s->out, " (and %zu more)", left_out);
    }
    buf_char(s->out, '\n');
}

static void tell_why(struct story *s)
{
    if (words_or(s->v->why, NULL) != NULL) {
        buf_str(s->out, "  why: ");
        escape_line(s->out, s->v->why);
        end_line(s, 0);
    }
}

static void tell_bad_starts(struct story *s)
{
    uint64_t all = words_bad(&s->v->starts);
    for (size_t i = 0; i < s->v->bad_count && s->left > 0; i++) {
        const struct verdict_bad_start *bad = &s->v->bad[i];
        buf_str(s->out, "  ");
        words_one_noun(s->out, s->v);
        buf_printf(s->out, " %" PRIu64 " (", bad->start);
        escape_line(s->out, words_or(bad->phase, "outside every phase"));
        buf_str(s->out, ", ");
        escape_line(s->out, words_or(bad->outcome, "failed"));
        buf_str(s->out, "): ");
        escape_line(s->out, words_or(bad->last, "it did nothing"));
        words_events(s->out, &bad->event, bad->event > 0 ? 1 : 0);
        end_line(s, all > i + 1 ? (size_t)(all - i - 1) : 0);
    }
}

/* The reason of an inconclusive drill often quotes the check: once is enough. */
static bool told_already(const struct verdict *v, const struct verdict_check *c)
{
    return v->why != NULL && c->actual != NULL && strstr(v->why, c->actual) != NULL;
}

static void tell_checks(struct story *s, enum verdict_kind kind)
{
    for (size_t i = 0; i < s->v->check_count && s->left > 0; i++) {
        const struct verdict_check *c = &s->v->checks[i];
        if (c->verdict != kind || !c->judged || told_already(s->v, c)) {
            continue;
        }
        buf_str(s->out, "  ");
        escape_line(s->out, c->name);
        buf_str(s->out, ": expected ");
        escape_line(s->out, words_or(c->expected, "nothing"));
        buf_str(s->out, ", actual ");
        escape_line(s->out, words_or(c->actual, "nothing"));
        if (c->reason_count > 0) {
            words_events(s->out, c->reasons[0].events, c->reasons[0].event_count);
        }
        end_line(s, 0);
    }
}

static void tell_phases(struct story *s)
{
    char took[32];
    for (size_t i = 0; i < s->v->phase_count && s->left > 0; i++) {
        const struct verdict_phase *phase = &s->v->phases[i];
        units_duration_text(phase->end_ns - phase->begin_ns, took);
        buf_str(s->out, "  ");
        escape_line(s->out, phase->name);
        if (words_total(&phase->starts) > 0) {
            buf_printf(s->out, ": %" PRIu64 " of %" PRIu64 " %s started, in %s",
                       phase->starts.worked, words_total(&phase->starts), words_noun(s->v), took);
        } else {
            buf_printf(s->out, ": no %s, in %s", words_noun(s->v), took);
        }
        end_line(s, s->v->phase_count - i - 1);
    }
}

static void tell_registries(struct story *s)
{
    char bytes[32];
    for (size_t i = 0; i < s->v->registry_count && s->left > 0; i++) {
        const struct verdict_registry *r = &s->v->registries[i];
        units_size_text(r->bytes, bytes);
        buf_str(s->out, "  ");
        escape_line(s->out, r->name);
        buf_printf(s->out,
                   ": %" PRIu64 " requests on %" PRIu64 " connections, %" PRIu64
                   " attempts, %" PRIu64 " failed, %s delivered",
                   r->requests, r->connections, r->attempts, r->failed, bytes);
        end_line(s, s->v->registry_count - i - 1);
    }
}

static void tell_fact(struct story *s, const char *name, const char *value)
{
    if (s->left > 0) {
        buf_printf(s->out, "  %s: ", name);
        escape_line(s->out, value);
        end_line(s, 0);
    }
}

static void story(const struct verdict *v, struct buf *out)
{
    struct story s = {.v = v, .out = out, .left = STORY_LINES};
    char took[32];
    units_duration_text(v->duration_ns, took);
    tell_why(&s);
    tell_bad_starts(&s);
    tell_checks(&s, VERDICT_ERROR);
    tell_checks(&s, VERDICT_FAIL);
    tell_checks(&s, VERDICT_INCONCLUSIVE);
    tell_phases(&s);
    tell_registries(&s);
    tell_fact(&s, "scenario", words_or(v->scenario, "unknown"));
    tell_fact(&s, "began", words_or(v->began, "never"));
    tell_fact(&s, "took", took);
}

/* ---- lines 6 to 8 -------------------------------------------------------------------------- */

static const char *state_of(const struct verdict_check *c)
{
    if (!c->judged) {
        return "not judged";
    }
    if (c->actual != NULL && strncmp(c->actual, "not tested", 10) == 0) {
        return "not tested";
    }
    return verdict_name(c->verdict);
}

static bool is_exposure(const struct verdict_check *c)
{
    return c->check != NULL && strcmp(c->check, "exposure") == 0;
}

static void exposure_of(const struct verdict_fault *f, struct buf *out)
{
    char share[32];
    units_share_text(f->exposure, share);
    escape_line(out, f->name);
    buf_printf(out,
               " met by %" PRIu64 " of %" PRIu64 " planned starts (%s), matched %" PRIu64
               ", fired %" PRIu64,
               f->met, f->planned, share, f->matched, f->fired);
}

static void exposure_line(const struct verdict *v, struct buf *out)
{
    buf_str(out, "exposure");
    for (size_t i = 0; i < v->check_count; i++) {
        if (is_exposure(&v->checks[i])) {
            buf_printf(out, " %s", state_of(&v->checks[i]));
        }
    }
    buf_str(out, v->fault_count == 0 ? ": no fault was planned" : ": ");
    for (size_t i = 0; i < v->fault_count && i < SHOWN_FAULTS; i++) {
        buf_str(out, i > 0 ? "; " : "");
        exposure_of(&v->faults[i], out);
    }
    if (v->fault_count > SHOWN_FAULTS) {
        buf_printf(out, "; and %zu more faults", v->fault_count - SHOWN_FAULTS);
    }
    buf_char(out, '\n');
}

static void controls_line(const struct verdict *v, struct buf *out)
{
    const char *between = "controls: ";
    for (size_t i = 0; i < v->check_count; i++) {
        const struct verdict_check *c = &v->checks[i];
        if (c->always && !is_exposure(c)) {
            buf_str(out, between);
            escape_line(out, c->name);
            buf_printf(out, " %s", state_of(c));
            between = ", ";
        }
    }
    buf_str(out, between[0] == 'c' ? "controls: none was judged\n" : "\n");
}

static void replay_line(const struct verdict *v, struct buf *out)
{
    buf_str(out, "replay: ");
    escape_line(out, words_or(v->replay, "none; the drill did not come to its beginning"));
    buf_char(out, '\n');
}

void eight_lines(const struct verdict *v, const struct report_style *style, struct buf *out)
{
    verdict_line(v, style, out);
    starts_line(v, out);
    story(v, out);
    exposure_line(v, out);
    controls_line(v, out);
    replay_line(v, out);
}
