/* nothing-left: no process of a subject outlives its start. */
#include "harness/checks/checks.h"
#include "harness/checks/common.h"

struct state {
    bool ended;
    uint64_t processes; /* alive at the very end */
    uint64_t end_event;
};

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    c->state = arena_alloc(c->arena, 1, sizeof(struct state));
    return c->state ? 0 : err_set(e, ERR_NOMEM, "nothing-left: no memory");
}

/* What the harness itself killed in the middle of its work was not left behind by the subject. The
 * control start counts here: what it leaves is as alive as what others leave. */
static bool left_something(const struct check *c, const struct pull_start *start)
{
    return start->ended && !start->stopped && start->leftovers > 0 &&
           !c->plan->scenario->subjects[start->subject].leaves_allowed;
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    const struct pull_start *start = checks_ended(c, ev);
    if (start && left_something(c, start)) {
        c->lost = true;
    }
    if (ev->type == EVENT_DRILL_END) {
        state->ended = true;
        state->processes = ev->drill_end.processes;
        state->end_event = ev->n;
        c->lost = c->lost || state->processes > 0;
    }
}

static uint64_t judge_starts(struct check *c, uint64_t *ended)
{
    uint64_t bad = 0;
    *ended = 0;
    for (size_t i = 0; i < pulls_count(c->pulls); i++) {
        const struct pull_start *start = pulls_at(c->pulls, i);
        *ended += start->ended && !start->stopped ? 1 : 0;
        if (left_something(c, start)) {
            char name[CHECKS_NAME];
            uint64_t events[] = {start->end_event, 0};
            checks_start_name(c, start, name);
            check_reason(c, events, "%s: left %llu process%s running", name,
                         (unsigned long long)start->leftovers, start->leftovers == 1 ? "" : "es");
            bad++;
        }
    }
    return bad;
}

static void finish(struct check *c)
{
    const struct state *state = c->state;
    uint64_t events[] = {state->end_event, 0};
    uint64_t ended;
    uint64_t bad = judge_starts(c, &ended);
    enum verdict_kind verdict = bad > 0 || state->processes > 0 ? VERDICT_FAIL : VERDICT_PASS;
    if (state->processes > 0) {
        check_reason(c, events, "%llu process%s could not be killed and outlived the drill",
                     (unsigned long long)state->processes, state->processes == 1 ? "" : "es");
    }
    if (verdict == VERDICT_PASS && !state->ended) {
        check_reason(c, NULL, "the history ends before the drill does");
        verdict = VERDICT_INCONCLUSIVE;
    } else if (verdict == VERDICT_PASS && ended == 0) {
        check_reason(c, NULL, "no start ended by itself");
        verdict = VERDICT_INCONCLUSIVE;
    }
    check_expected(c, "no start leaves a process behind");
    check_result(c, verdict, "%llu of %llu start%s did%s", (unsigned long long)bad,
                 (unsigned long long)ended, ended == 1 ? "" : "s",
                 state->processes > 0 ? "; processes outlived the drill" : "");
}

const struct check_info check_nothing_left = {
    .name = "nothing-left",
    .always = true,
    .meaning = "no process of a subject outlives its start",
    .init = init,
    .event = event,
    .finish = finish,
};
