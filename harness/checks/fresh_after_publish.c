/* fresh-after-publish: starts that begin after an image was published work with it, and no longer
 * with the one that its tag stood for before.
 *
 * The check follows the tag from the first action that gave it to the image to one that gives it to
 * another. Which images it could still stand for somewhere follows from the plan. */
#include <stdio.h>
#include <string.h>

#include "harness/base/units.h"
#include "harness/checks/checks.h"
#include "harness/checks/common.h"

enum { WITHIN, WITHIN_STARTS, REGISTRY, PARAMS };

static const struct check_param params[PARAMS] = {
    [WITHIN] = {.name = "within",
                .type = CHECK_DURATION,
                .meaning = "every start that begins later than this after the action"},
    [WITHIN_STARTS] = {.name = "within-starts",
                       .type = CHECK_COUNT,
                       .meaning =
                           "from this start of each subject on, counted from 1 as they begin "
                           "after the action; 1 where neither bound is given"},
    [REGISTRY] = {.name = "registry",
                  .type = CHECK_REGISTRY,
                  .meaning =
                      "counted from the action on this registry; from the first on any where "
                      "absent"},
};

struct state {
    uint64_t nth;          /* 0: not asked */
    const char *reference; /* what stands for the image; NULL: nothing yet */
    bool over;             /* it stands for another one again */
    uint64_t action_ns, action_event;
    uint64_t older;                        /* bit N: image N is one that it could stand for else */
    uint64_t begun[SCENARIO_MAX_SUBJECTS]; /* starts since the action */
    uint64_t from[SCENARIO_MAX_SUBJECTS];  /* event at which the nth began; 0: not yet */
    uint64_t judged, bad;
};

static int accept_image(const struct check *c, struct doc_at at, struct err *e)
{
    if (c->image < 0) {
        return doc_complain(e, at,
                            "check \"fresh-after-publish\" needs \"image\": the one that an action "
                            "publishes");
    }
    if (c->value[WITHIN_STARTS].set && c->value[WITHIN_STARTS].number == 0) {
        return doc_complain(e, at,
                            "check \"fresh-after-publish\" counts starts from 1; write "
                            "\"within-starts\": 1 for the first one");
    }
    return 0;
}

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    struct state *state = arena_alloc(c->arena, 1, sizeof *state);
    if (!state) {
        return err_set(e, ERR_NOMEM, "fresh-after-publish: no memory");
    }
    state->nth = c->value[WITHIN_STARTS].set ? c->value[WITHIN_STARTS].number
                 : c->value[WITHIN].set      ? 0
                                             : 1;
    c->state = state;
    return 0;
}

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* ---- the tag ------------------------------------------------------------------------------- */

/* Whether REPOSITORY:TAG is what STATE follows. */
static bool is_reference(const struct state *state, const char *repository, const char *tag)
{
    size_t len = strlen(repository);
    return strncmp(state->reference, repository, len) == 0 && state->reference[len] == ':' &&
           same(state->reference + len + 1, tag);
}

/* Whether an action of the plan, or a fault, gives the reference to IMAGE. */
static bool is_given(const struct check *c, const struct state *state, size_t image)
{
    const struct scenario *s = c->plan->scenario;
    const struct plan_image *i = &c->plan->images[image];
    for (size_t p = 0; p < s->phase_count; p++) {
        for (size_t a = 0; a < s->phases[p].action_count; a++) {
            const struct scenario_action *action = &s->phases[p].actions[a];
            if (action->kind != ACTION_RUN && action->image == image &&
                is_reference(state, i->repository, action->tag)) {
                return true;
            }
        }
    }
    for (size_t f = 0; f < s->fault_count; f++) {
        const struct fault_rule *rule = &s->faults[f];
        if (rule->kind->kind == FAULT_STALE_TAG && rule->image == &i->fault &&
            is_reference(state, i->repository, fault_rule_tag(rule))) {
            return true;
        }
    }
    return false;
}

static uint64_t older_images(const struct check *c, const struct state *state)
{
    uint64_t older = 0;
    for (size_t i = 0; i < c->plan->scenario->image_count; i++) {
        const struct plan_image *image = &c->plan->images[i];
        if ((int)i != c->image &&
            (is_reference(state, image->repository, image->tag) || is_given(c, state, i))) {
            older |= UINT64_C(1) << i;
        }
    }
    return older;
}

static void on_action(struct check *c, struct state *state, const struct event *ev)
{
    const struct event_action *action = &ev->action;
    bool here = !c->value[REGISTRY].set ||
                plan_registry(c->plan, action->registry) == (int)c->value[REGISTRY].number;
    if (!here || !action->ok || !action->reference || !action->image) {
        return;
    }
    bool ours = same(action->image, c->plan->images[c->image].name);
    if (ours && (!state->reference || state->over)) {
        state->reference = arena_strdup(c->arena, action->reference);
        state->over = false;
        state->action_ns = ev->t_ns;
        state->action_event = ev->n;
        state->older = state->reference ? older_images(c, state) : 0;
        memset(state->begun, 0, sizeof state->begun);
        memset(state->from, 0, sizeof state->from);
    } else if (!ours && state->reference && same(action->reference, state->reference)) {
        state->over = true;
    }
}

/* ---- one start ----------------------------------------------------------------------------- */

static bool is_followed(const struct state *state)
{
    return state->reference && !state->over;
}

/* As the check covers them, whatever image they ask for. */
static bool covers(const struct check *c, const struct pull_start *start)
{
    struct check any = *c;
    any.image = -1;
    return check_covers(&any, start);
}

static void on_begin(const struct check *c, struct state *state, const struct event *ev)
{
    const struct pull_start *start = pulls_start(c->pulls, ev->start_begin.start);
    if (start && is_followed(state) && start->subject >= 0 && covers(c, start) &&
        ++state->begun[start->subject] == state->nth) {
        state->from[start->subject] = ev->n;
    }
}

static bool is_held(const struct check *c, const struct pull_start *start)
{
    const struct state *state = c->state;
    if (!is_followed(state) || !covers(c, start) || start->begin_event < state->action_event) {
        return false;
    }
    uint64_t from = state->from[start->subject];
    return (from > 0 && start->begin_event >= from) ||
           (c->value[WITHIN].set && start->begin_ns - state->action_ns > c->value[WITHIN].number);
}

/* The older image that START says it runs; -1: none. */
static int claimed(const struct check *c, const struct pull_start *start)
{
    const struct state *state = c->state;
    for (size_t i = 0; i < c->plan->scenario->image_count; i++) {
        if ((state->older >> i & 1) != 0 && start->result_digest &&
            plan_image_has(&c->plan->images[i], start->result_digest) &&
            !plan_image_has(&c->plan->images[c->image], start->result_digest)) {
            return (int)i;
        }
    }
    return -1;
}

/* The older image that START came up with: it was told that and has it, or says so itself; -1:
 * none. */
static int stale_image(const struct check *c, const struct pull_start *start)
{
    const struct state *state = c->state;
    bool got = start->outcome == OUTCOME_WORKED && start->image >= 0;
    if (got && (state->older >> start->image & 1) != 0) {
        return start->image;
    }
    return start->outcome == OUTCOME_WORKED || start->outcome == OUTCOME_WRONG ? claimed(c, start)
                                                                               : -1;
}

static bool is_fresh(const struct check *c, const struct pull_start *start)
{
    return start->outcome == OUTCOME_WORKED && (start->whole >> c->image & 1) != 0;
}

static void name_stale(struct check *c, const struct pull_start *start, int image)
{
    const struct state *state = c->state;
    char name[CHECKS_NAME], late[32];
    bool told = image == start->image && start->told_by >= 0;
    uint64_t events[] = {state->action_event, start->end_event, told ? start->told_event : 0, 0};
    checks_start_name(c, start, name);
    units_duration_text(start->begin_ns - state->action_ns, late);
    check_reason(c, events, "%s: began %s after %s stood for %s, and came up with %s%s%s", name,
                 late, state->reference, c->plan->images[c->image].name,
                 c->plan->images[image].name, told ? ", told by " : ", as its result says",
                 told ? checks_registry_name(c, start->told_by) : "");
}

static void on_end(struct check *c, struct state *state, const struct pull_start *start)
{
    if (!is_held(c, start)) {
        return;
    }
    int stale = stale_image(c, start);
    if (stale >= 0) {
        state->judged++;
        state->bad++;
        c->lost = true;
        name_stale(c, start, stale);
    } else if (is_fresh(c, start)) {
        state->judged++;
    }
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    const struct pull_start *start = checks_ended(c, ev);
    if (ev->type == EVENT_ACTION) {
        on_action(c, state, ev);
    } else if (ev->type == EVENT_START_BEGIN) {
        on_begin(c, state, ev);
    } else if (start) {
        on_end(c, state, start);
    }
}

/* ---- the result ---------------------------------------------------------------------------- */

static void tell_expected(struct check *c)
{
    const struct state *state = c->state;
    const struct check_value *within = &c->value[WITHIN];
    struct check any = *c;
    char from[64] = "", where[CHECKS_WHERE];
    any.image = -1;
    checks_where(&any, where);
    if (state->nth > 0) {
        snprintf(from, sizeof from, ", from start %llu of each subject on",
                 (unsigned long long)state->nth);
    }
    check_expected(c,
                   "once %s is published%s%s, starts%s work with it and not with what its tag "
                   "stood for before%s%s%s%s",
                   c->plan->images[c->image].name, c->value[REGISTRY].set ? " on " : "",
                   c->value[REGISTRY].set ? checks_registry_name(c, (int)c->value[REGISTRY].number)
                                          : "",
                   where, from, within->set ? ", those that begin later than " : "",
                   within->set ? within->text : "", within->set ? " after it" : "");
}

static void finish(struct check *c)
{
    const struct state *state = c->state;
    char share[CHECKS_SHARE];
    tell_expected(c);
    if (!state->reference) {
        check_result(c, VERDICT_INCONCLUSIVE, "never published");
        check_reason(c, NULL, "no action gave a tag to %s", c->plan->images[c->image].name);
        return;
    }
    if (state->judged == 0) {
        struct check any = *c;
        any.image = -1;
        any.out = c->out;
        checks_nothing_to_judge(
            &any, "worked with it, or with what came before it, late enough to be held "
                  "to it");
        c->reasons_given = any.reasons_given;
        return;
    }
    enum verdict_kind verdict = checks_lag(c, &c->value[WITHIN]);
    if (state->bad > 0 && verdict == VERDICT_PASS) {
        verdict = VERDICT_FAIL;
    }
    checks_share_text(state->judged - state->bad, state->judged, share);
    check_result(c, verdict, "%s fresh", share);
}

const struct check_info check_fresh_after_publish = {
    .name = "fresh-after-publish",
    .scope = SCOPE_SUBJECT | SCOPE_IMAGE | SCOPE_DURING,
    .params = params,
    .param_count = PARAMS,
    .meaning = "starts that begin after an image was published work with it, not with the one that "
               "its tag stood for before",
    .accept = accept_image,
    .init = init,
    .event = event,
    .finish = finish,
};
