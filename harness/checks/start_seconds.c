/* start-seconds: how long starts take, whatever became of them. */
#include "harness/checks/checks.h"
#include "harness/checks/times.h"

struct state {
    struct times times;
    uint64_t bad; /* of those, that did not work */
};

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    c->state = arena_alloc(c->arena, 1, sizeof(struct state));
    return c->state ? 0 : err_set(e, ERR_NOMEM, "start-seconds: no memory");
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    const struct pull_start *start = checks_ended(c, ev);
    if (!start || !checks_outcome_counts(c, start)) {
        return;
    }
    times_add(c, &state->times, start->took_ns, start->number);
    state->bad += start->outcome != OUTCOME_WORKED ? 1 : 0;
    c->lost = c->lost || times_over_max(c, start->took_ns);
}

static void finish(struct check *c)
{
    const struct state *state = c->state;
    char expected[TIMES_TEXT], actual[TIMES_TEXT], where[CHECKS_WHERE];
    size_t n = state->times.ns.count;
    times_expected(c, expected);
    checks_where(c, where);
    check_expected(c, "duration of starts%s: %s", where, expected);
    if (n == 0) {
        checks_nothing_to_judge(c, "ended");
        return;
    }
    enum verdict_kind verdict = times_judge(c, &state->times, actual);
    if (state->bad > 0) {
        check_result(c, verdict, "%s over %zu start%s, of which %llu did not work", actual, n,
                     n == 1 ? "" : "s", (unsigned long long)state->bad);
    } else {
        check_result(c, verdict, "%s over %zu start%s", actual, n, n == 1 ? "" : "s");
    }
}

const struct check_info check_start_seconds = {
    .name = "start-seconds",
    .scope = SCOPE_SUBJECT | SCOPE_IMAGE | SCOPE_DURING,
    .params = times_params,
    .param_count = TIMES_PARAMS,
    .meaning = "starts take no longer than this, whatever became of them",
    .accept = times_accept,
    .init = init,
    .event = event,
    .finish = finish,
};
