/* evidence: every phase saw its starts, and the history is whole to its end. */
#include <string.h>

#include "harness/checks/checks.h"
#include "harness/checks/common.h"

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
    return 0;
}

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
    if (ev->type == EVENT_PHASE_BEGIN) {
        state->begun++;
    } else if (ev->type == EVENT_PHASE_END && ev->phase.reason &&
               strcmp(ev->phase.reason, "lost") == 0) {
        state->judged = state->begun - (state->begun > 0 ? 1 : 0);
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
        short_of += seen ? 0 : 1;
    }
    for (size_t i = 0; i < s->phase_count; i++) {
        ended += count_ended(c, i, -1);
    }
    good = judge_unended(c) && good && short_of == 0;
    check_expected(c, "every phase sees its starts, and the drill runs to its end");
    check_result(c, good ? VERDICT_PASS : VERDICT_INCONCLUSIVE,
                 "%llu start%s ended in %zu phase%s%s%s", (unsigned long long)ended,
                 ended == 1 ? "" : "s", s->phase_count, s->phase_count == 1 ? "" : "s",
                 state->lost ? ", up to the stop" : "", good ? "" : ", which is not all");
}

const struct check_info check_evidence = {
    .name = "evidence",
    .always = true,
    .meaning = "every phase saw its starts, and the drill ran to its end",
    .init = init,
    .event = event,
    .finish = finish,
};
