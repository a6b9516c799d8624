/* returns-to: once a phase begins, starts go back to a registry and stay there. */
#include <stdio.h>

#include "harness/checks/checks.h"
#include "harness/checks/common.h"

enum { REGISTRY, WITHIN_STARTS, WITHIN, PARAMS };

static const struct check_param params[PARAMS] = {
    [REGISTRY] = {.name = "registry",
                  .type = CHECK_REGISTRY,
                  .required = true,
                  .meaning = "the registry that starts return to"},
    [WITHIN_STARTS] = {.name = "within-starts",
                       .type = CHECK_COUNT,
                       .meaning =
                           "from this start of each subject on, counted from 1 as they begin "
                           "in the phase; 1 where neither bound is given"},
    [WITHIN] = {.name = "within",
                .type = CHECK_DURATION,
                .meaning = "every start that begins later than this after the phase does"},
};

struct state {
    int registry;
    uint64_t nth; /* 0: not asked */
    struct checks_stray stray;
    uint64_t phase_ns; /* when the phase began */
    bool phase_begun;
    uint64_t begun[SCENARIO_MAX_SUBJECTS];  /* starts of the phase so far */
    uint64_t judged[SCENARIO_MAX_SUBJECTS]; /* of those, that are held to it */
    uint64_t from[SCENARIO_MAX_SUBJECTS];   /* event at which the nth began; 0: not yet */
    uint64_t bad;
};

static int accept_bounds(const struct check *c, struct doc_at at, struct err *e)
{
    if (c->during < 0) {
        return doc_complain(e, at,
                            "check \"returns-to\" needs \"during\": the phase in which starts "
                            "return");
    }
    if (c->value[WITHIN_STARTS].set && c->value[WITHIN_STARTS].number == 0) {
        return doc_complain(e, at,
                            "check \"returns-to\" counts starts from 1; write \"within-starts\": 1 "
                            "for the first one");
    }
    return 0;
}

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    struct state *state = arena_alloc(c->arena, 1, sizeof *state);
    if (!state) {
        return err_set(e, ERR_NOMEM, "returns-to: no memory");
    }
    state->registry = (int)c->value[REGISTRY].number;
    state->nth = c->value[WITHIN_STARTS].set ? c->value[WITHIN_STARTS].number
                 : c->value[WITHIN].set      ? 0
                                             : 1;
    checks_stray_init(&state->stray, -1, CHECKS_OBJECT_OPS);
    c->state = state;
    return 0;
}

/* ---- one start ----------------------------------------------------------------------------- */

/* The place of a start is that of its beginning, whatever becomes of it. */
static void on_begin(struct check *c, struct state *state, const struct event *ev)
{
    const struct pull_start *start = pulls_start(c->pulls, ev->start_begin.start);
    if (!start || start->control || start->subject < 0 || start->phase != c->during) {
        return;
    }
    if (++state->begun[start->subject] == state->nth) {
        state->from[start->subject] = ev->n;
    }
}

static bool is_held(const struct check *c, const struct pull_start *start)
{
    const struct state *state = c->state;
    uint64_t from = state->from[start->subject];
    if (!checks_route_counts(c, start)) {
        return false;
    }
    if (from > 0 && start->begin_event >= from) {
        return true;
    }
    return c->value[WITHIN].set && state->phase_begun &&
           start->begin_ns - state->phase_ns > c->value[WITHIN].number;
}

static bool has_returned(const struct check *c, const struct pull_start *start)
{
    const struct state *state = c->state;
    return checks_manifest_by(start, state->registry, NULL) == state->registry &&
           checks_failover_before(c, start, state->registry) < 0;
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    const struct pull_start *start = checks_ended(c, ev);
    checks_stray_event(&state->stray, c, ev);
    if (ev->type == EVENT_PHASE_BEGIN && state->stray.phase == c->during) {
        state->phase_begun = true;
        state->phase_ns = ev->t_ns;
    } else if (ev->type == EVENT_START_BEGIN) {
        on_begin(c, state, ev);
    } else if (start && is_held(c, start)) {
        state->judged[start->subject]++;
        state->bad += has_returned(c, start) ? 0 : 1;
        c->lost = c->lost || state->bad > 0;
    }
}

/* ---- the result ---------------------------------------------------------------------------- */

static void name_one(struct check *c, const struct pull_start *start)
{
    const struct state *state = c->state;
    char name[CHECKS_NAME];
    uint64_t served;
    int by = checks_manifest_by(start, state->registry, &served);
    int before = checks_failover_before(c, start, state->registry);
    uint64_t events[] = {start->end_event, served, 0};
    checks_start_name(c, start, name);
    if (by < 0) {
        check_reason(c, events, "%s: no manifest served (%s)", name, outcome_name(start->outcome));
    } else if (by != state->registry) {
        check_reason(c, events, "%s: manifest served by %s", name, checks_registry_name(c, by));
    } else {
        events[0] = start->registries[before].first_event;
        check_reason(c, events, "%s: asked %s before %s", name, checks_registry_name(c, before),
                     checks_registry_name(c, state->registry));
    }
}

static void name_bad(struct check *c)
{
    for (size_t i = 0; i < pulls_count(c->pulls); i++) {
        const struct pull_start *start = pulls_at(c->pulls, i);
        if (is_held(c, start) && !has_returned(c, start)) {
            name_one(c, start);
        }
    }
}

/* A subject none of whose starts came late enough has shown nothing. */
static enum verdict_kind judge_subjects(struct check *c, uint64_t *judged)
{
    const struct scenario *s = c->plan->scenario;
    const struct state *state = c->state;
    enum verdict_kind verdict = VERDICT_PASS;
    *judged = 0;
    for (size_t i = 0; i < s->subject_count; i++) {
        *judged += state->judged[i];
        if ((c->subject < 0 || c->subject == (int)i) && state->begun[i] > 0 &&
            state->judged[i] == 0) {
            check_reason(c, NULL,
                         "%s: of its %llu starts in %s none came late enough to be held "
                         "to it",
                         s->subjects[i].name, (unsigned long long)state->begun[i],
                         s->phases[c->during].name);
            verdict = VERDICT_INCONCLUSIVE;
        }
    }
    return verdict;
}

static void tell_expected(struct check *c)
{
    const struct state *state = c->state;
    const struct check_value *within = &c->value[WITHIN];
    char from[64] = "";
    if (state->nth > 0) {
        snprintf(from, sizeof from, " from start %llu of each subject on",
                 (unsigned long long)state->nth);
    }
    check_expected(c, "starts in %s return to %s%s%s%s", c->plan->scenario->phases[c->during].name,
                   checks_registry_name(c, state->registry), from,
                   within->set ? (state->nth > 0 ? ", and within " : " within ") : "",
                   within->set ? within->text : "");
}

static void finish(struct check *c)
{
    const struct state *state = c->state;
    uint64_t judged;
    char share[CHECKS_SHARE];
    tell_expected(c);
    enum verdict_kind verdict = judge_subjects(c, &judged);
    if (judged == 0) {
        checks_nothing_to_judge(c, "can be held to it");
        return;
    }
    enum verdict_kind lag = checks_lag(c, &c->value[WITHIN]);
    if (state->bad > 0) {
        name_bad(c);
        verdict = lag == VERDICT_PASS ? VERDICT_FAIL : VERDICT_INCONCLUSIVE;
    }
    verdict = checks_doubt(c, &state->stray, checks_worse(verdict, lag));
    checks_share_text(judged - state->bad, judged, share);
    check_result(c, verdict, "%s returned", share);
}

const struct check_info check_returns_to = {
    .name = "returns-to",
    .scope = SCOPE_SUBJECT | SCOPE_IMAGE | SCOPE_DURING,
    .params = params,
    .param_count = PARAMS,
    .meaning = "once the phase begins, starts go back to this registry and stay there",
    .accept = accept_bounds,
    .init = init,
    .event = event,
    .finish = finish,
};
