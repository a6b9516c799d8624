/* A trace cut into slices.
 *
 * Phases differ wildly in length: a steady one of 130 ms stands beside an outage of 15 s. So every
 * phase gets a fair share of the slices first, and only the rest is dealt by duration. */
#include "reports/web/slices.h"

#include <string.h>

#define MAX_PHASES (SLICES_MAX_STRETCHES - 2)
/* Slices of all phases together: more where there is more to count, so that bars stand close. */
#define MIN_SLICES ((size_t)40)
#define MAX_SLICES ((size_t)66)
#define ATTEMPTS_PER_SLICE ((size_t)6)
/* What settles and the control are of little interest: each gets one slice for so many others, and
 * takes no phase's share. */
#define OTHERS_PER_REST ((size_t)12)
/* The part of the slices, in percent, that is dealt evenly. */
#define FAIR_PERCENT ((size_t)45)

_Static_assert(MAX_SLICES + 2 * (MAX_SLICES / OTHERS_PER_REST + 1) <= SLICES_MAX, "slices fit");
_Static_assert(MAX_SLICES >= MAX_PHASES, "every phase has a slice");

/* ---- stretches ----------------------------------------------------------------------------- */

static uint64_t span(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static struct slices_stretch *add_stretch(struct slices *s, enum slices_kind kind, const char *name,
                                          uint64_t from_ns, uint64_t to_ns)
{
    struct slices_stretch *stretch = &s->stretches[s->stretch_count++];
    *stretch = (struct slices_stretch){
        .kind = kind,
        .name = name,
        .from_ns = from_ns,
        .to_ns = later(from_ns, to_ns),
        .own_ns = span(from_ns, to_ns),
    };
    return stretch;
}

/* What happens between two phases (heals, waiting) counts to the one before. */
static void add_phases(struct slices *s, const struct trace *t)
{
    size_t count = t->phase_count < MAX_PHASES ? t->phase_count : MAX_PHASES;
    for (size_t i = 0; i < count; i++) {
        const struct trace_band *phase = &t->phases[i];
        struct slices_stretch *stretch =
            add_stretch(s, SLICES_PHASE, phase->name, phase->from_ns, phase->to_ns);
        if (i + 1 < count) {
            stretch->to_ns = later(stretch->from_ns, t->phases[i + 1].from_ns);
        } else {
            stretch->to_ns = later(stretch->from_ns, t->phases[t->phase_count - 1].to_ns);
        }
    }
    if (count == 0) {
        add_stretch(s, SLICES_WHOLE, NULL, 0, t->end_ns);
    }
}

/* The last moment at which a start that is no control did something by itself. */
static uint64_t last_own_ns(const struct trace *t)
{
    uint64_t last = 0;
    for (size_t i = 0; i < t->attempt_count; i++) {
        last = t->attempts[i].control ? last : later(last, t->attempts[i].t_ns);
    }
    for (size_t i = 0; i < t->start_count; i++) {
        const struct trace_start *start = &t->starts[i];
        if (start->phase && !start->cancelled && start->outcome != OUTCOME_NONE) {
            last = later(last, start->end_ns);
        }
    }
    return last;
}

static void add_rest(struct slices *s, const struct trace *t)
{
    uint64_t end = s->stretches[s->stretch_count - 1].to_ns;
    uint64_t last = last_own_ns(t);
    if (last > end) {
        add_stretch(s, SLICES_SETTLING, NULL, end, last);
    }
    for (size_t i = 0; i < t->start_count; i++) {
        if (!t->starts[i].phase) {
            add_stretch(s, SLICES_CONTROL, NULL, later(t->starts[i].begin_ns, later(end, last)),
                        t->end_ns);
            return;
        }
    }
}

/* ---- dealing slices ------------------------------------------------------------------------ */

static size_t share(size_t rest, double part, double whole)
{
    return whole > 0 ? (size_t)((double)rest * (part / whole)) : 0;
}

static size_t slices_for(const struct trace *t, size_t phases)
{
    size_t wanted = t->attempt_count / ATTEMPTS_PER_SLICE;
    wanted = wanted > MIN_SLICES ? wanted : MIN_SLICES;
    wanted = wanted > phases ? wanted : phases;
    return wanted < MAX_SLICES ? wanted : MAX_SLICES;
}

/* The first COUNT stretches get ALL slices between them. */
static void deal(struct slices *s, size_t count, size_t all)
{
    size_t fair = count > 0 ? all * FAIR_PERCENT / 100 / count : 0;
    fair = fair > 0 ? fair : 1;
    size_t rest = all - fair * count;
    double whole = 0;
    double part = 0;
    for (size_t i = 0; i < count; i++) {
        whole += (double)span(s->stretches[i].from_ns, s->stretches[i].to_ns);
    }
    /* By what has been dealt so far, so that roundings do not add up. */
    for (size_t i = 0; i < count; i++) {
        struct slices_stretch *stretch = &s->stretches[i];
        double own = (double)span(stretch->from_ns, stretch->to_ns);
        size_t before = whole > 0 ? share(rest, part, whole) : rest * i / count;
        part += own;
        size_t after =
            whole > 0 ? share(rest, i + 1 == count ? whole : part, whole) : rest * (i + 1) / count;
        stretch->count = fair + (after - before);
    }
}

static void deal_all(struct slices *s, const struct trace *t)
{
    size_t phases = 0;
    for (size_t i = 0; i < s->stretch_count; i++) {
        phases += s->stretches[i].kind <= SLICES_PHASE ? 1 : 0;
    }
    size_t all = slices_for(t, phases);
    deal(s, phases, all);
    for (size_t i = 0; i < s->stretch_count; i++) {
        struct slices_stretch *stretch = &s->stretches[i];
        if (stretch->kind > SLICES_PHASE) {
            stretch->count = all / OTHERS_PER_REST + 1;
        }
        stretch->first = s->count;
        s->count += stretch->count;
    }
}

/* ---- places -------------------------------------------------------------------------------- */

/* The stretch that T_NS is in, or the nearest one before; the first where there is none. */
static const struct slices_stretch *stretch_at(const struct slices *s, uint64_t t_ns, bool control)
{
    const struct slices_stretch *found = &s->stretches[0];
    for (size_t i = 1; i < s->stretch_count; i++) {
        const struct slices_stretch *stretch = &s->stretches[i];
        bool allowed = control || stretch->kind != SLICES_CONTROL;
        if (allowed && stretch->from_ns <= t_ns) {
            found = stretch;
        }
    }
    return found;
}

/* How far T_NS is through STRETCH, in its slices. */
static double through(const struct slices_stretch *stretch, uint64_t t_ns)
{
    uint64_t whole = span(stretch->from_ns, stretch->to_ns);
    uint64_t gone = span(stretch->from_ns, t_ns);
    if (gone >= whole) {
        return whole > 0 ? (double)stretch->count : 0;
    }
    return (double)gone / (double)whole * (double)stretch->count;
}

double slices_place(const struct slices *s, uint64_t t_ns)
{
    const struct slices_stretch *stretch = stretch_at(s, t_ns, true);
    return (double)stretch->first + through(stretch, t_ns);
}

/* The slice that counts what happened at T_NS. */
static size_t index_in(const struct slices_stretch *stretch, uint64_t t_ns)
{
    size_t index = (size_t)through(stretch, t_ns);
    return stretch->first + (index < stretch->count ? index : stretch->count - 1);
}

const struct slices_stretch *slices_stretch_of(const struct slices *s, size_t index)
{
    for (size_t i = 0; i < s->stretch_count; i++) {
        const struct slices_stretch *stretch = &s->stretches[i];
        if (index >= stretch->first && index - stretch->first < stretch->count) {
            return stretch;
        }
    }
    return NULL;
}

static uint64_t part_ns(const struct slices_stretch *stretch, size_t part)
{
    uint64_t whole = span(stretch->from_ns, stretch->to_ns);
    if (part >= stretch->count) {
        return stretch->to_ns;
    }
    return stretch->from_ns + (uint64_t)((double)whole / (double)stretch->count * (double)part);
}

uint64_t slices_begin_ns(const struct slices *s, size_t index)
{
    const struct slices_stretch *stretch = slices_stretch_of(s, index);
    return stretch ? part_ns(stretch, index - stretch->first) : 0;
}

uint64_t slices_end_ns(const struct slices *s, size_t index)
{
    const struct slices_stretch *stretch = slices_stretch_of(s, index);
    return stretch ? part_ns(stretch, index - stretch->first + 1) : 0;
}

/* ---- counting ------------------------------------------------------------------------------ */

static void count_attempts(struct slices *s, const struct trace *t)
{
    for (size_t i = 0; i < t->attempt_count; i++) {
        const struct trace_attempt *attempt = &t->attempts[i];
        if (attempt->control) {
            s->control_attempts++;
            continue;
        }
        size_t registry = attempt->registry;
        registry = registry < SLICES_MAX_REGISTRIES ? registry : SLICES_MAX_REGISTRIES - 1;
        size_t index = index_in(stretch_at(s, attempt->t_ns, false), attempt->t_ns);
        struct slices_attempts *sum = &s->attempts[index][registry];
        sum->worked += attempt->failed ? 0 : 1;
        sum->failed += attempt->failed ? 1 : 0;
    }
}

void slices_count_start(struct slices_starts *sum, const struct trace_start *start)
{
    if (start->cancelled || start->outcome == OUTCOME_NONE) {
        sum->stopped++;
    } else if (start->outcome == OUTCOME_WORKED) {
        sum->worked++;
    } else if (start->outcome == OUTCOME_HUNG) {
        sum->hung++;
    } else if (start->outcome == OUTCOME_WRONG) {
        sum->wrong++;
    } else {
        sum->failed++;
    }
}

static void count_starts(struct slices *s, const struct trace *t)
{
    for (size_t i = 0; i < t->start_count; i++) {
        const struct trace_start *start = &t->starts[i];
        const struct slices_stretch *last = &s->stretches[s->stretch_count - 1];
        const struct slices_stretch *stretch =
            start->phase ? stretch_at(s, start->end_ns, false) : last;
        slices_count_start(&s->starts[index_in(stretch, start->end_ns)], start);
    }
}

void slices_fill(struct slices *s, const struct trace *t)
{
    memset(s, 0, sizeof *s);
    add_phases(s, t);
    add_rest(s, t);
    deal_all(s, t);
    count_attempts(s, t);
    count_starts(s, t);
}

uint64_t slices_height(const struct slices *s, size_t index)
{
    uint64_t height = 0;
    for (size_t i = 0; index < s->count && i < SLICES_MAX_REGISTRIES; i++) {
        height += s->attempts[index][i].worked + s->attempts[index][i].failed;
    }
    return height;
}

uint64_t slices_round_step(uint64_t max, size_t parts)
{
    uint64_t step = 1;
    for (unsigned turn = 0; parts > 0 && step < UINT64_MAX / 10 && max / step > parts; turn++) {
        step = turn % 3 == 1 ? step / 2 * 5 : step * 2;
    }
    return step;
}
