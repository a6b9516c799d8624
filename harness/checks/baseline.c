/* baseline: the first phase without faults was healthy, and the primary got the first attempt. */
#include "harness/checks/checks.h"
#include "harness/checks/common.h"

struct state {
    int phase; /* the first without faults; -1: none */
    uint64_t seen, bad;
};

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    const struct scenario *s = c->plan->scenario;
    struct state *state = arena_alloc(c->arena, 1, sizeof *state);
    if (!state) {
        return err_set(e, ERR_NOMEM, "baseline: no memory");
    }
    state->phase = -1;
    for (size_t i = s->phase_count; i > 0; i--) {
        if (s->phases[i - 1].fault_count == 0) {
            state->phase = (int)i - 1;
        }
    }
    c->state = state;
    return 0;
}

/* What makes START a bad baseline, into TEXT; false where it is a good one. */
static bool is_bad(struct check *c, const struct pull_start *start, const char **why,
                   uint64_t events[3])
{
    int primary = (int)c->plan->scenario->primary;
    const char *name = checks_registry_name(c, primary);
    const struct pull_registry *asked = &start->registries[primary];
    int other = checks_failover_before(c, start, primary);
    events[0] = start->end_event;
    events[1] = events[2] = 0;
    if (start->outcome != OUTCOME_WORKED) {
        events[1] = start->last_event;
        *why = arena_printf(c->arena, "%s: %s; last it %s", outcome_name(start->outcome),
                            start->reason ? start->reason : "no reason known",
                            start->last ? start->last : "made no request");
        return true;
    }
    if (other >= 0) {
        events[0] = start->registries[other].first_event;
        *why = arena_printf(c->arena, "asked %s before %s", checks_registry_name(c, other), name);
        return true;
    }
    if (asked->first_event == 0) {
        *why = arena_printf(c->arena, "never asked %s", name);
        return true;
    }
    return false;
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    const struct pull_start *start = checks_ended(c, ev);
    char name[CHECKS_NAME];
    const char *why = NULL;
    uint64_t events[3];
    if (c->plan->scenario->baseline_none || !start || start->phase != state->phase ||
        !checks_route_counts(c, start)) {
        return;
    }
    state->seen++;
    if (!is_bad(c, start, &why, events)) {
        return;
    }
    state->bad++;
    checks_start_name(c, start, name);
    check_reason(c, events, "%s: %s", name, why ? why : "bad");
    if (!c->lost) {
        check_result(c, VERDICT_INCONCLUSIVE, "the baseline is sick: %s: %s", name,
                     why ? why : "bad");
    }
    c->lost = true;
}

static void finish(struct check *c)
{
    const struct state *state = c->state;
    const struct scenario *s = c->plan->scenario;
    unsigned long long seen = state->seen;
    const char *primary = checks_registry_name(c, (int)s->primary);
    if (s->baseline_none) {
        check_expected(c, "a healthy baseline, unless the scenario has none");
        check_result(c, VERDICT_PASS, "not asked: %s",
                     s->baseline_reason ? s->baseline_reason : "the scenario says so");
        return;
    }
    if (state->phase < 0) {
        check_expected(c, "a phase without faults in which every start works");
        check_result(c, VERDICT_INCONCLUSIVE, "every phase has faults");
        check_reason(c, NULL, "no phase shows what this subject does without faults");
        return;
    }
    const char *phase = s->phases[state->phase].name;
    check_expected(c, "every start in %s works and asks %s first", phase, primary);
    if (state->seen == 0) {
        check_result(c, VERDICT_INCONCLUSIVE, "no start to judge");
        check_reason(c, NULL, "no start began and ended in %s", phase);
    } else if (state->bad > 0) {
        check_result(c, VERDICT_INCONCLUSIVE, "%llu of %llu starts did not",
                     (unsigned long long)state->bad, seen);
    } else {
        check_result(c, VERDICT_PASS, "%llu of %llu starts did", seen, seen);
    }
}

const struct check_info check_baseline = {
    .name = "baseline",
    .always = true,
    .meaning = "in the first phase without faults every start works and asks the primary first",
    .init = init,
    .event = event,
    .finish = finish,
};
