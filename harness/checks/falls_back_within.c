/* falls-back-within: the time from a start's first contact with the primary to the first useful
 * byte from a failover. */
#include "harness/checks/checks.h"
#include "harness/checks/times.h"
#include "harness/fall_back.h"

struct state {
    struct times times;
    struct checks_stray stray;
    uint64_t seen;        /* starts that count */
    uint64_t stuck;       /* needed another registry and got nothing from one */
    uint64_t uncontacted; /* used a failover, or failed, without a contact with the primary */
    uint64_t untraced;    /* of those, under a fault that leaves no trace of a contact */
    uint64_t untraced_event;
    const char *fault;
    uint64_t untimed; /* turned to a failover and fetched nothing that could be timed */
};

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    struct state *state = arena_alloc(c->arena, 1, sizeof *state);
    if (!state) {
        return err_set(e, ERR_NOMEM, "falls-back-within: no memory");
    }
    checks_stray_init(&state->stray, -1, CHECKS_ALL_OPS);
    c->state = state;
    return 0;
}

/* ---- one start ----------------------------------------------------------------------------- */

static const struct pull_registry *primary_of(const struct check *c, const struct pull_start *start)
{
    return &start->registries[c->plan->scenario->primary];
}

static void note_uncontacted(const struct check *c, struct state *state,
                             const struct pull_start *start)
{
    const struct fault_rule *fault = checks_untraced(c, start, (int)c->plan->scenario->primary);
    state->uncontacted++;
    if (fault) {
        state->untraced++;
        state->untraced_event = start->begin_event;
        state->fault = fault->name;
    }
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    const struct pull_start *start = checks_ended(c, ev);
    uint64_t ns = 0;
    checks_stray_event(&state->stray, c, ev);
    if (!start || !checks_route_counts(c, start)) {
        return;
    }
    state->seen++;
    switch (fall_back_of(c->plan, start, &ns)) {
    case FALL_BACK_NONE:
        return;
    case FALL_BACK_TIMED:
        times_add(c, &state->times, ns, start->number);
        c->lost = c->lost || times_over_max(c, ns);
        return;
    case FALL_BACK_STUCK:
        state->stuck++;
        c->lost = true;
        return;
    case FALL_BACK_UNCONTACTED:
        note_uncontacted(c, state, start);
        return;
    case FALL_BACK_UNTIMED:
        state->untimed++;
        return;
    }
}

/* ---- the result ---------------------------------------------------------------------------- */

static void name_stuck(struct check *c)
{
    for (size_t i = 0; i < pulls_count(c->pulls); i++) {
        const struct pull_start *start = pulls_at(c->pulls, i);
        uint64_t ns;
        if (!checks_route_counts(c, start) ||
            fall_back_of(c->plan, start, &ns) != FALL_BACK_STUCK) {
            continue;
        }
        const struct pull_registry *primary = primary_of(c, start);
        char name[CHECKS_NAME];
        uint64_t trouble =
            primary->first_trouble_event ? primary->first_trouble_event : primary->first_event;
        uint64_t events[] = {trouble, start->end_event, 0};
        checks_start_name(c, start, name);
        check_reason(c, events, "%s: had trouble with %s and got nothing from a failover (%s)",
                     name, checks_registry_name(c, (int)c->plan->scenario->primary),
                     outcome_name(start->outcome));
    }
}

/* Starts without a time: they cannot pass. */
static enum verdict_kind judge_untimed(struct check *c)
{
    const struct state *state = c->state;
    uint64_t events[] = {state->untraced_event, 0};
    if (state->untraced > 0) {
        check_reason(
            c, events,
            "fault %s turned connections away: %llu start%s left no trace of a first contact",
            state->fault, (unsigned long long)state->untraced, state->untraced == 1 ? "" : "s");
    }
    if (state->uncontacted > state->untraced) {
        check_reason(c, NULL, "%llu start%s did not contact %s first and cannot be timed",
                     (unsigned long long)(state->uncontacted - state->untraced),
                     state->uncontacted - state->untraced == 1 ? "" : "s",
                     checks_registry_name(c, (int)c->plan->scenario->primary));
    }
    if (state->untimed > 0) {
        check_reason(c, NULL, "%llu start%s fell back without fetching anything",
                     (unsigned long long)state->untimed, state->untimed == 1 ? "" : "s");
    }
    return state->untraced > 0 ? VERDICT_INCONCLUSIVE : VERDICT_PASS;
}

static void finish(struct check *c)
{
    const struct state *state = c->state;
    char expected[TIMES_TEXT], actual[TIMES_TEXT] = "", where[CHECKS_WHERE];
    size_t n = state->times.ns.count;
    enum verdict_kind verdict = state->stuck > 0 ? VERDICT_FAIL : VERDICT_PASS;
    times_expected(c, expected);
    checks_where(c, where);
    check_expected(c, "starts%s fall back: %s", where, expected);
    name_stuck(c);
    verdict = checks_worse(verdict, judge_untimed(c));
    if (n == 0 && state->stuck == 0) {
        check_reason(c, NULL, "%llu start%s%s ended, and none fell back in a way that can be timed",
                     (unsigned long long)state->seen, state->seen == 1 ? "" : "s", where);
        check_result(c, VERDICT_INCONCLUSIVE, "no start to judge");
        return;
    }
    if (n > 0) {
        verdict = checks_worse(verdict, times_judge(c, &state->times, actual));
    }
    verdict = checks_doubt(c, &state->stray, verdict);
    check_result(c, verdict, "%s%sof %llu starts %zu fell back, %llu could not", actual,
                 n > 0 ? "; " : "", (unsigned long long)state->seen, n,
                 (unsigned long long)state->stuck);
}

const struct check_info check_falls_back_within = {
    .name = "falls-back-within",
    .scope = SCOPE_SUBJECT | SCOPE_IMAGE | SCOPE_DURING,
    .params = times_params,
    .param_count = TIMES_PARAMS,
    .meaning = "from the first contact with the primary to the first useful byte from a failover",
    .accept = times_accept,
    .init = init,
    .event = event,
    .finish = finish,
};
