/* attempts-per-start: how often a start tries one registry. */
#include "harness/checks/checks.h"
#include "harness/checks/common.h"

enum { REGISTRY, MIN, MAX, PARAMS };

static const struct check_param params[PARAMS] = {
    [REGISTRY] = {.name = "registry",
                  .type = CHECK_REGISTRY,
                  .required = true,
                  .meaning = "the registry that is tried"},
    [MIN] = {.name = "min",
             .type = CHECK_COUNT,
             .meaning = "every start tries at least this often"},
    [MAX] = {.name = "max",
             .type = CHECK_COUNT,
             .required = true,
             .meaning = "no start tries more often: one object tried once is one attempt"},
};

struct state {
    int registry;
    struct checks_stray stray;
    uint64_t seen;
    uint64_t over, under;
    uint64_t least, most;
    uint64_t untraced; /* starts whose attempts may have left no trace */
    uint64_t untraced_event;
    const char *fault; /* why */
};

static int accept_bounds(const struct check *c, struct doc_at at, struct err *e)
{
    if (c->value[MIN].set && c->value[MIN].number > c->value[MAX].number) {
        return doc_complain(
            e, at,
            "check \"attempts-per-start\" has a \"min\" above its \"max\"; no start "
            "could pass");
    }
    return 0;
}

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    struct state *state = arena_alloc(c->arena, 1, sizeof *state);
    if (!state) {
        return err_set(e, ERR_NOMEM, "attempts-per-start: no memory");
    }
    state->registry = (int)c->value[REGISTRY].number;
    state->least = UINT64_MAX;
    checks_stray_init(&state->stray, state->registry, CHECKS_OBJECT_OPS);
    c->state = state;
    return 0;
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    const struct pull_start *start = checks_ended(c, ev);
    checks_stray_event(&state->stray, c, ev);
    if (!start || !checks_route_counts(c, start)) {
        return;
    }
    uint64_t attempts = start->registries[state->registry].attempts;
    const struct fault_rule *fault = checks_untraced(c, start, state->registry);
    state->seen++;
    state->over += attempts > c->value[MAX].number ? 1 : 0;
    state->under += c->value[MIN].set && attempts < c->value[MIN].number ? 1 : 0;
    state->most = attempts > state->most ? attempts : state->most;
    state->least = attempts < state->least ? attempts : state->least;
    if (fault) {
        state->untraced++;
        state->fault = fault->name;
        state->untraced_event = start->begin_event;
    }
    c->lost = c->lost || state->over > 0 || (state->under > 0 && state->untraced == 0);
}

static void name_bad(struct check *c)
{
    const struct state *state = c->state;
    for (size_t i = 0; i < pulls_count(c->pulls); i++) {
        const struct pull_start *start = pulls_at(c->pulls, i);
        const struct pull_registry *registry = &start->registries[state->registry];
        bool over = registry->attempts > c->value[MAX].number;
        bool under = c->value[MIN].set && registry->attempts < c->value[MIN].number;
        if (!checks_route_counts(c, start) || (!over && !under)) {
            continue;
        }
        char name[CHECKS_NAME];
        bool met = registry->first_event > 0;
        uint64_t events[] = {met ? registry->first_event : start->begin_event,
                             met ? registry->last_event : start->end_event, 0};
        checks_start_name(c, start, name);
        check_reason(c, events, "%s: %llu attempt%s at %s", name,
                     (unsigned long long)registry->attempts, registry->attempts == 1 ? "" : "s",
                     checks_registry_name(c, state->registry));
    }
}

/* What the counted attempts say, given that some may have left no trace. */
static enum verdict_kind judge(struct check *c)
{
    const struct state *state = c->state;
    uint64_t events[] = {state->untraced_event, 0};
    if (state->over > 0) {
        return VERDICT_FAIL;
    }
    if (state->untraced > 0) {
        check_reason(
            c, events,
            "fault %s turned connections away in %llu of these starts: attempts there leave no "
            "trace",
            state->fault, (unsigned long long)state->untraced);
        return VERDICT_INCONCLUSIVE;
    }
    if (state->under > 0 && state->stray.count > 0) {
        check_reason(c, NULL, "requests of no start could make up for the attempts that lack");
        return VERDICT_INCONCLUSIVE;
    }
    return state->under > 0 ? VERDICT_FAIL : VERDICT_PASS;
}

static void finish(struct check *c)
{
    const struct state *state = c->state;
    const char *registry = checks_registry_name(c, state->registry);
    unsigned long long max = c->value[MAX].number;
    char where[CHECKS_WHERE];
    checks_where(c, where);
    if (c->value[MIN].set) {
        check_expected(c, "from %llu to %llu attempts at %s in every start%s",
                       (unsigned long long)c->value[MIN].number, max, registry, where);
    } else {
        check_expected(c, "at most %llu attempt%s at %s in every start%s", max, max == 1 ? "" : "s",
                       registry, where);
    }
    if (state->seen == 0) {
        checks_nothing_to_judge(c, "began and ended in one phase");
        return;
    }
    name_bad(c);
    enum verdict_kind verdict = checks_doubt(c, &state->stray, judge(c));
    check_result(c, verdict, "from %llu to %llu over %llu start%s",
                 (unsigned long long)state->least, (unsigned long long)state->most,
                 (unsigned long long)state->seen, state->seen == 1 ? "" : "s");
}

const struct check_info check_attempts_per_start = {
    .name = "attempts-per-start",
    .scope = SCOPE_SUBJECT | SCOPE_IMAGE | SCOPE_DURING,
    .params = params,
    .param_count = PARAMS,
    .meaning = "a start tries this registry no more often than this",
    .accept = accept_bounds,
    .init = init,
    .event = event,
    .finish = finish,
};
