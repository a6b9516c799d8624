/* evidence: every phase saw its starts, open loops kept their time, and the history is whole. */
#include <stdio.h>
#include <string.h>

#include "harness/base/units.h"
#include "harness/checks/checks.h"
#include "harness/checks/common.h"
#include "harness/until.h"

/* Starts of an open loop that began too late for one reason. */
struct late {
    uint64_t count, most_ns;
    uint64_t first_start, first_event;
};

/* What is known of a subject's open loop. */
struct loop {
    struct late waited; /* max-in-flight was reached */
    struct late slow;   /* the harness fell behind */
    uint64_t full;      /* how often it was told that max-in-flight was reached */
    uint64_t full_event;
};

/* How a phase by event stands. */
struct until {
    uint64_t seen; /* until `at-most` was up */
    uint64_t begin_ns;
    uint64_t struck; /* the phase-end that says that `at-most` was up first; 0: none */
};

struct state {
    uint64_t last;          /* number of the event before */
    uint64_t missing;       /* events that the numbering passes over */
    uint64_t missing_after; /* where that was first seen */
    bool ended;
    bool lost;      /* stopped, since what was to fail had: what came before is judged */
    bool completed; /* or lost */
    size_t judged;  /* phases that count: all, or those before the stop */
    size_t begun;   /* phases that have */
    const char *reason, *detail;
    uint64_t end_event;
    struct loop *loops;   /* one a subject */
    struct until *untils; /* one a phase */
    int phase;            /* the one that runs; -1: none */
    bool left;            /* starts that were due will never begin; told already */
};

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    struct state *state = arena_alloc(c->arena, 1, sizeof *state);
    c->state = state;
    if (!state) {
        return err_set(e, ERR_NOMEM, "evidence: no memory");
    }
    state->judged = c->plan->scenario->phase_count;
    state->phase = -1;
    state->loops = arena_alloc(c->arena, c->plan->scenario->subject_count, sizeof *state->loops);
    state->untils = arena_alloc(c->arena, c->plan->scenario->phase_count, sizeof *state->untils);
    return state->loops && state->untils ? 0 : err_set(e, ERR_NOMEM, "evidence: no memory");
}

/* ---- open loops and events that are waited for --------------------------------------------- */

static void add_late(struct late *late, uint64_t ns, const struct event *ev)
{
    late->first_start = late->count > 0 ? late->first_start : ev->start_begin.start;
    late->first_event = late->count > 0 ? late->first_event : ev->n;
    late->most_ns = ns > late->most_ns ? ns : late->most_ns;
    late->count++;
}

/* What a start waited for a lane is told apart from what the harness took by itself. */
static void on_start(struct check *c, struct state *state, const struct event *ev)
{
    const struct event_start_begin *begin = &ev->start_begin;
    int subject = plan_subject(c->plan, begin->subject);
    if (subject < 0 || begin->late_ns == 0) {
        return;
    }
    struct loop *loop = &state->loops[subject];
    uint64_t waited_ns = begin->waited_ns < begin->late_ns ? begin->waited_ns : begin->late_ns;
    if (waited_ns > 0) {
        add_late(&loop->waited, waited_ns, ev);
    }
    if (begin->late_ns - waited_ns > plan_late_most_ns(c->plan, (size_t)subject)) {
        add_late(&loop->slow, begin->late_ns - waited_ns, ev);
    }
}

static void on_action(struct check *c, struct state *state, const struct event *ev)
{
    uint64_t events[] = {ev->n, 0};
    int subject = plan_subject(c->plan, ev->action.subject);
    if (!ev->action.action || subject < 0) {
        return;
    }
    if (strcmp(ev->action.action, "max-in-flight") == 0) {
        struct loop *loop = &state->loops[subject];
        loop->full_event = loop->full > 0 ? loop->full_event : ev->n;
        loop->full++;
    } else if (strcmp(ev->action.action, "not-begun") == 0) {
        state->left = true;
        check_reason(c, events, "phase %s: %s", ev->action.phase ? ev->action.phase : "?",
                     ev->action.detail ? ev->action.detail : "starts were due and never began");
    }
}

static const struct scenario_phase *running_phase(const struct check *c, const struct state *state)
{
    return state->phase >= 0 ? &c->plan->scenario->phases[state->phase] : NULL;
}

static void count_until(struct check *c, struct state *state, const struct event *ev)
{
    const struct scenario_phase *phase = running_phase(c, state);
    if (!phase || phase->by != BY_EVENT) {
        return;
    }
    struct until *until = &state->untils[state->phase];
    if (ev->t_ns - until->begin_ns <= phase->until.at_most_ns &&
        until_counts(&phase->until, c->plan, c->pulls, ev)) {
        until->seen++;
    }
}

static void on_phase(struct check *c, struct state *state, const struct event *ev)
{
    if (ev->type == EVENT_PHASE_BEGIN) {
        state->begun++;
        state->phase = plan_phase(c->plan, ev->phase.phase);
        if (state->phase >= 0) {
            state->untils[state->phase].begin_ns = ev->t_ns;
        }
        return;
    }
    if (ev->phase.reason && strcmp(ev->phase.reason, "lost") == 0) {
        state->judged = state->begun - (state->begun > 0 ? 1 : 0);
    }
    if (state->phase >= 0 && ev->phase.reason && strcmp(ev->phase.reason, "at-most") == 0) {
        state->untils[state->phase].struck = ev->n;
    }
    state->phase = -1;
}

static bool judge_late(struct check *c, const struct late *late, uint64_t full_event,
                       const char *what)
{
    char most[32];
    uint64_t events[] = {late->first_event, full_event, 0};
    if (late->count == 0) {
        return true;
    }
    units_duration_text(late->most_ns, most);
    check_reason(c, events, "%llu start%s %s; the first was start %llu, up to %s late",
                 (unsigned long long)late->count, late->count == 1 ? "" : "s", what,
                 (unsigned long long)late->first_start, most);
    return false;
}

static bool judge_loop(struct check *c, const struct state *state, size_t subject)
{
    const struct scenario_subject *s = &c->plan->scenario->subjects[subject];
    const struct loop *loop = &state->loops[subject];
    uint64_t events[] = {loop->full_event, 0};
    char what[256];
    snprintf(what, sizeof what, "of %.64s %s due while max-in-flight (%llu) was reached", s->name,
             loop->waited.count == 1 ? "was" : "were", (unsigned long long)s->max_in_flight);
    bool good = judge_late(c, &loop->waited, loop->full_event, what);
    if (loop->full > 0 && loop->waited.count == 0) {
        check_reason(c, events, "%s: max-in-flight (%llu) was reached while a start was due",
                     s->name, (unsigned long long)s->max_in_flight);
        good = false;
    }
    snprintf(what, sizeof what,
             "of %.64s began too late although a lane was to be had: the harness itself was too "
             "slow for \"every\"",
             s->name);
    return judge_late(c, &loop->slow, 0, what) && good;
}

static bool judge_until(struct check *c, const struct state *state, size_t index)
{
    const struct scenario_phase *phase = &c->plan->scenario->phases[index];
    const struct until *until = &state->untils[index];
    uint64_t events[] = {until->struck, 0};
    char limit[32];
    if (until->struck == 0) {
        return true;
    }
    units_duration_text(phase->until.at_most_ns, limit);
    check_reason(c, events, "phase %s: \"at-most\" (%s) was up with %llu of %llu %s seen",
                 phase->name, limit, (unsigned long long)until->seen,
                 (unsigned long long)phase->until.count, event_type_name(phase->until.event));
    return false;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static void on_end(struct check *c, struct state *state, const struct event *ev)
{
    const struct event_drill_end *end = &ev->drill_end;
    state->ended = true;
    state->end_event = ev->n;
    state->reason = arena_strdup(c->arena, end->reason ? end->reason : "no reason");
    state->detail = end->detail ? arena_strdup(c->arena, end->detail) : NULL;
    state->lost = end->reason && strcmp(end->reason, "lost") == 0;
    state->completed = state->lost || (end->reason && strcmp(end->reason, "completed") == 0);
    if (state->lost && state->begun < state->judged) {
        state->judged = state->begun;
    }
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    if (state->last > 0 && ev->n != state->last + 1) {
        state->missing_after = state->missing > 0 ? state->missing_after : state->last;
        state->missing += ev->n > state->last ? ev->n - state->last - 1 : 1;
    }
    state->last = ev->n;
    count_until(c, state, ev);
    if (ev->type == EVENT_PHASE_BEGIN || ev->type == EVENT_PHASE_END) {
        on_phase(c, state, ev);
    } else if (ev->type == EVENT_START_BEGIN) {
        on_start(c, state, ev);
    } else if (ev->type == EVENT_ACTION) {
        on_action(c, state, ev);
    } else if (ev->type == EVENT_DRILL_END) {
        on_end(c, state, ev);
    }
}

/* Starts of SUBJECT (-1: any) in PHASE that ended by themselves. */
static uint64_t count_ended(const struct check *c, size_t phase, int subject)
{
    uint64_t count = 0;
    for (size_t i = 0; i < pulls_count(c->pulls); i++) {
        const struct pull_start *start = pulls_at(c->pulls, i);
        count += checks_outcome_counts(c, start) && start->phase == (int)phase &&
                         (subject < 0 || start->subject == subject)
                     ? 1
                     : 0;
    }
    return count;
}

static bool judge_timed(struct check *c, size_t index)
{
    if (count_ended(c, index, -1) > 0) {
        return true;
    }
    check_reason(c, NULL, "phase %s: no start ended", c->plan->scenario->phases[index].name);
    return false;
}

static bool judge_counted(struct check *c, size_t index)
{
    const struct scenario *s = c->plan->scenario;
    const struct scenario_phase *phase = &s->phases[index];
    bool good = true;
    for (size_t i = 0; i < s->subject_count; i++) {
        uint64_t seen = phase->starts[i] > 0 ? count_ended(c, index, (int)i) : 0;
        if (seen < phase->starts[i]) {
            check_reason(c, NULL, "phase %s: %llu of %llu starts of %s ended", phase->name,
                         (unsigned long long)seen, (unsigned long long)phase->starts[i],
                         s->subjects[i].name);
            good = false;
        }
    }
    return good;
}

static bool judge_end(struct check *c, const struct state *state)
{
    uint64_t events[] = {state->end_event, 0};
    uint64_t after[] = {state->missing_after, 0};
    if (state->missing > 0) {
        check_reason(c, after, "the history lacks %llu event%s after event %llu",
                     (unsigned long long)state->missing, state->missing == 1 ? "" : "s",
                     (unsigned long long)state->missing_after);
    }
    if (!state->ended) {
        check_reason(c, NULL, "the history ends before the drill does");
    } else if (!state->completed) {
        check_reason(c, events, "the drill did not run to its end: %s%s%s", state->reason,
                     state->detail ? ": " : "", state->detail ? state->detail : "");
    }
    return state->missing == 0 && state->completed;
}

/* Starts that began and have no end, by name. */
static bool judge_unended(struct check *c)
{
    bool good = true;
    for (size_t i = 0; i < pulls_count(c->pulls); i++) {
        const struct pull_start *start = pulls_at(c->pulls, i);
        if (!start->ended) {
            char name[CHECKS_NAME];
            uint64_t events[] = {start->begin_event, 0};
            checks_start_name(c, start, name);
            check_reason(c, events, "%s: began and has no end", name);
            good = false;
        }
    }
    return good;
}

static void finish(struct check *c)
{
    const struct scenario *s = c->plan->scenario;
    const struct state *state = c->state;
    bool good = judge_end(c, state);
    uint64_t ended = 0;
    size_t short_of = 0;
    for (size_t i = 0; i < state->judged; i++) {
        bool seen = s->phases[i].by != BY_STARTS ? judge_timed(c, i) : judge_counted(c, i);
        short_of += seen && judge_until(c, state, i) ? 0 : 1;
    }
    for (size_t i = 0; i < s->subject_count; i++) {
        good = judge_loop(c, state, i) && good;
    }
    for (size_t i = 0; i < s->phase_count; i++) {
        ended += count_ended(c, i, -1);
    }
    good = judge_unended(c) && good && short_of == 0 && !state->left;
    check_expected(c, "every phase sees its starts, and the drill runs to its end");
    check_result(c, good ? VERDICT_PASS : VERDICT_INCONCLUSIVE,
                 "%llu start%s ended in %zu phase%s%s%s", (unsigned long long)ended,
                 ended == 1 ? "" : "s", s->phase_count, s->phase_count == 1 ? "" : "s",
                 state->lost ? ", up to the stop" : "", good ? "" : ", which is not all");
}

const struct check_info check_evidence = {
    .name = "evidence",
    .always = true,
    .meaning =
        "every phase saw its starts, open loops kept their time, and the drill ran to its end",
    .init = init,
    .event = event,
    .finish = finish,
};
