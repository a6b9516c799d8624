/* no-needless-fallback: no start turns to a failover while the primary gives it no reason to.
 *
 * A start that asks a failover before it has so much as contacted the primary had no reason either,
 * whatever the primary does later; those are noted while they run and looked at when they end. */
#include "harness/checks/checks.h"
#include "harness/checks/common.h"

struct state {
    struct checks_stray stray; /* anywhere */
    struct checks_stray near;  /* at the primary: what could have been a reason */
    struct checks_list early;  /* running starts that asked a failover before the primary */
    struct checks_list bad;    /* starts that turned to a failover for nothing */
    struct checks_list bad_event;
    uint64_t seen, used;
};

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    struct state *state = arena_alloc(c->arena, 1, sizeof *state);
    if (!state) {
        return err_set(e, ERR_NOMEM, "no-needless-fallback: no memory");
    }
    checks_stray_init(&state->stray, -1, CHECKS_ALL_OPS);
    checks_stray_init(&state->near, (int)c->plan->scenario->primary, CHECKS_ALL_OPS);
    c->state = state;
    return 0;
}

/* Takes NUMBER out of LIST; whether it was there. */
static bool take(struct checks_list *list, uint64_t number)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->value[i] == number) {
            list->value[i] = list->value[--list->count];
            return true;
        }
    }
    return false;
}

/* The first contact with a failover that was asked for something; 0: none was. */
static uint64_t used_event(const struct check *c, const struct pull_start *start)
{
    uint64_t first = 0;
    for (size_t i = 0; i < c->plan->scenario->registry_count; i++) {
        const struct pull_registry *registry = &start->registries[i];
        if (checks_is_failover(c, i) && registry->requests > 0 &&
            (first == 0 || registry->first_event < first)) {
            first = registry->first_event;
        }
    }
    return first;
}

static void on_request(struct check *c, struct state *state, const struct event *ev)
{
    const struct pull_start *start = pulls_lane(c->pulls, ev->request.lane);
    int registry = ev->request.registry ? plan_registry(c->plan, ev->request.registry) : -1;
    if (!start || start->number != ev->request.start || ev->request.late || registry < 0 ||
        !checks_is_failover(c, (size_t)registry)) {
        return;
    }
    bool first = start->registries[registry].requests == 1;
    if (first && start->registries[c->plan->scenario->primary].first_event == 0) {
        take(&state->early, start->number);
        checks_list_add(c, &state->early, start->number);
    }
}

static void on_end(struct check *c, struct state *state, const struct pull_start *start)
{
    const struct pull_registry *primary = &start->registries[c->plan->scenario->primary];
    bool early = take(&state->early, start->number);
    if (!checks_route_counts(c, start)) {
        return;
    }
    uint64_t used = used_event(c, start);
    state->seen++;
    state->used += used > 0 ? 1 : 0;
    bool reason = !early && primary->trouble_event > 0;
    if (used == 0 || reason || checks_unreachable(c, start, (int)c->plan->scenario->primary)) {
        return;
    }
    if (checks_list_add(c, &state->bad, start->number) &&
        !checks_list_add(c, &state->bad_event, used)) {
        state->bad.count--;
    }
    c->lost = true;
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    const struct pull_start *start = checks_ended(c, ev);
    checks_stray_event(&state->stray, c, ev);
    checks_stray_event(&state->near, c, ev);
    if (ev->type == EVENT_REQUEST) {
        on_request(c, state, ev);
    } else if (start) {
        on_end(c, state, start);
    }
}

static void name_bad(struct check *c)
{
    const struct state *state = c->state;
    int primary = (int)c->plan->scenario->primary;
    for (size_t i = 0; i < state->bad.count; i++) {
        const struct pull_start *start = pulls_start(c->pulls, state->bad.value[i]);
        if (!start) {
            continue;
        }
        char name[CHECKS_NAME];
        uint64_t events[] = {state->bad_event.value[i], start->end_event, 0};
        int other = checks_failover_before(c, start, primary);
        checks_start_name(c, start, name);
        if (other >= 0) {
            check_reason(c, events, "%s: asked %s before %s", name, checks_registry_name(c, other),
                         checks_registry_name(c, primary));
        } else {
            check_reason(c, events, "%s: used another registry, while %s gave it no trouble", name,
                         checks_registry_name(c, primary));
        }
    }
}

static void finish(struct check *c)
{
    const struct state *state = c->state;
    uint64_t near[] = {state->near.event, 0};
    char where[CHECKS_WHERE];
    size_t bad = state->bad.count;
    enum verdict_kind verdict = bad > 0 ? VERDICT_FAIL : VERDICT_PASS;
    checks_where(c, where);
    check_expected(c, "no start%s uses a failover while %s gives it no trouble", where,
                   checks_registry_name(c, (int)c->plan->scenario->primary));
    if (state->seen == 0) {
        checks_nothing_to_judge(c, "began and ended in one phase");
        return;
    }
    name_bad(c);
    if (bad > 0 && state->near.count > 0) {
        check_reason(c, near, "%llu request%s of no start may have met the trouble that is missed",
                     (unsigned long long)state->near.count, state->near.count == 1 ? "" : "s");
        verdict = VERDICT_INCONCLUSIVE;
    }
    verdict = checks_doubt(c, &state->stray, verdict);
    check_result(c, verdict, "%zu of %llu start%s did, %llu used a failover", bad,
                 (unsigned long long)state->seen, state->seen == 1 ? "" : "s",
                 (unsigned long long)state->used);
}

const struct check_info check_no_needless_fallback = {
    .name = "no-needless-fallback",
    .scope = SCOPE_SUBJECT | SCOPE_IMAGE | SCOPE_DURING,
    .meaning = "no start uses a failover while the primary gives it no trouble",
    .init = init,
    .event = event,
    .finish = finish,
};
