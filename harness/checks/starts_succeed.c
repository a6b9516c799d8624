/* starts-succeed: enough of the starts worked. */
#include "harness/checks/checks.h"
#include "harness/checks/common.h"

enum { MIN, PARAMS };

static const struct check_param params[PARAMS] = {
    [MIN] = {.name = "min",
             .type = CHECK_SHARE,
             .meaning = "at least this share, or this many, of the starts work; 100% where absent"},
};

struct state {
    struct check_value min;
    uint64_t bad;
};

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    struct state *state = arena_alloc(c->arena, 1, sizeof *state);
    if (!state) {
        return err_set(e, ERR_NOMEM, "starts-succeed: no memory");
    }
    state->min = c->value[MIN];
    if (!state->min.set) {
        state->min = (struct check_value){.set = true, .is_share = true, .share = 1};
    }
    c->state = state;
    return 0;
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    const struct pull_start *start = checks_ended(c, ev);
    if (start && checks_outcome_counts(c, start) && start->outcome != OUTCOME_WORKED) {
        state->bad++;
        c->lost = c->lost || checks_min_lost(c, &state->min, state->bad);
    }
}

static void name_bad(struct check *c)
{
    for (size_t i = 0; i < pulls_count(c->pulls); i++) {
        const struct pull_start *start = pulls_at(c->pulls, i);
        if (!checks_outcome_counts(c, start) || start->outcome == OUTCOME_WORKED) {
            continue;
        }
        char name[CHECKS_NAME];
        uint64_t events[] = {start->end_event, start->last_event, 0};
        checks_start_name(c, start, name);
        check_reason(c, events, "%s: %s: %s; last it %s", name, outcome_name(start->outcome),
                     start->reason ? start->reason : "no reason known",
                     start->last ? start->last : "made no request");
    }
}

static void finish(struct check *c)
{
    const struct state *state = c->state;
    char bound[CHECKS_BOUND], share[CHECKS_SHARE], where[CHECKS_WHERE];
    uint64_t all = 0;
    for (size_t i = 0; i < pulls_count(c->pulls); i++) {
        all += checks_outcome_counts(c, pulls_at(c->pulls, i)) ? 1 : 0;
    }
    checks_bound_text(&state->min, bound);
    checks_where(c, where);
    check_expected(c, "at least %s%s starts%s work", bound, state->min.is_share ? " of" : "",
                   where);
    if (all == 0) {
        checks_nothing_to_judge(c, "ended");
        return;
    }
    checks_share_text(all - state->bad, all, share);
    if (checks_min_kept(&state->min, all - state->bad, all)) {
        check_result(c, VERDICT_PASS, "%s", share);
        return;
    }
    name_bad(c);
    check_result(c, VERDICT_FAIL, "%s", share);
}

const struct check_info check_starts_succeed = {
    .name = "starts-succeed",
    .scope = SCOPE_SUBJECT | SCOPE_IMAGE | SCOPE_DURING,
    .params = params,
    .param_count = PARAMS,
    .meaning = "enough of the starts worked: exit 0, and the image arrived whole",
    .init = init,
    .event = event,
    .finish = finish,
};
