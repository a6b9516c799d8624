/* requests: how many requests starts make. A request belongs to the phase in which its head
 * arrived, whichever its start began in. */
#include <stdio.h>
#include <string.h>

#include "harness/checks/checks.h"
#include "harness/checks/common.h"

enum { REGISTRY, OPERATION, MIN, MAX, PARAMS };

static const struct check_param params[PARAMS] = {
    [REGISTRY] = {.name = "registry",
                  .type = CHECK_REGISTRY,
                  .meaning = "only requests to this one; all registries where absent"},
    [OPERATION] = {.name = "op",
                   .type = CHECK_OP,
                   .meaning = "only requests of this operation, or of a glob; all where absent"},
    [MIN] = {.name = "min", .type = CHECK_COUNT, .meaning = "at least this many in all"},
    [MAX] = {.name = "max",
             .type = CHECK_COUNT,
             .meaning = "at most this many in all; 0 forbids them"},
};

/* What a start that still runs has asked: it counts once it ends, unless it was cancelled. */
struct running {
    struct running *next;
    uint64_t start, count, first_event, last_event;
};

struct state {
    struct checks_stray stray;
    bool asked; /* whoever it was, whatever for */
    bool began; /* the phase that the check is narrowed to; true where it is to none */
    struct running *running, *spare;
    uint64_t count;
    uint64_t last_event;
    struct checks_list by_start, by_count, by_event; /* starts that made any, side by side */
};

static int accept_bounds(const struct check *c, struct doc_at at, struct err *e)
{
    if (!c->value[MIN].set && !c->value[MAX].set) {
        return doc_complain(e, at, "check \"requests\" needs a bound; add \"min\" or \"max\"");
    }
    if (c->value[MIN].set && c->value[MAX].set && c->value[MIN].number > c->value[MAX].number) {
        return doc_complain(
            e, at, "check \"requests\" has a \"min\" above its \"max\"; nothing could pass");
    }
    return 0;
}

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    struct state *state = arena_alloc(c->arena, 1, sizeof *state);
    if (!state) {
        return err_set(e, ERR_NOMEM, "requests: no memory");
    }
    uint32_t ops = c->value[OPERATION].set ? (uint32_t)c->value[OPERATION].number : CHECKS_ALL_OPS;
    checks_stray_init(&state->stray, c->value[REGISTRY].set ? (int)c->value[REGISTRY].number : -1,
                      ops);
    /* One that came to light late was made all the same: where none may be made, it counts. */
    state->stray.late = true;
    state->began = c->during < 0;
    c->state = state;
    return 0;
}

/* ---- events -------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* Whether ASK is about the image that the check is narrowed to. */
static bool about_image(const struct check *c, const struct event_request *ask)
{
    if (c->image < 0) {
        return true;
    }
    const struct plan_image *image = &c->plan->images[c->image];
    const char *object = ask->digest ? ask->digest : ask->reference;
    if (!same(ask->repository, image->repository)) {
        return false;
    }
    if (same(ask->reference, image->tag) || plan_image_has(image, object)) {
        return true;
    }
    for (size_t i = 0; i < image->blob_count; i++) {
        if (same(object, image->blobs[i].digest)) {
            return true;
        }
    }
    return false;
}

static bool is_wanted(const struct check *c, const struct event_request *ask)
{
    const struct state *state = c->state;
    const struct checks_stray *stray = &state->stray;
    if (ask->lane == 0 || ask->late || (unsigned)ask->op >= OP_COUNT ||
        (stray->ops & OP_BIT(ask->op)) == 0 || !ask->registry || !about_image(c, ask)) {
        return false;
    }
    if (stray->registry >= 0 && plan_registry(c->plan, ask->registry) != stray->registry) {
        return false;
    }
    return c->during < 0 || stray->phase == c->during;
}

static struct running *running_of(struct check *c, struct state *state, uint64_t start)
{
    for (struct running *r = state->running; r; r = r->next) {
        if (r->start == start) {
            return r;
        }
    }
    struct running *r = state->spare;
    if (r) {
        state->spare = r->next;
    } else {
        r = arena_alloc(c->arena, 1, sizeof *r);
    }
    if (r) {
        *r = (struct running){.next = state->running, .start = start};
        state->running = r;
    }
    return r;
}

static void on_request(struct check *c, struct state *state, const struct event *ev)
{
    const struct pull_start *start = pulls_lane(c->pulls, ev->request.lane);
    if (!start || start->number != ev->request.start || start->control ||
        (c->subject >= 0 && start->subject != c->subject) || !is_wanted(c, &ev->request)) {
        return;
    }
    struct running *r = running_of(c, state, start->number);
    if (r) {
        r->first_event = r->count == 0 ? ev->n : r->first_event;
        r->last_event = ev->n;
        r->count++;
    }
}

static void keep(struct check *c, struct state *state, const struct running *r)
{
    state->count += r->count;
    state->last_event = r->last_event;
    if (!checks_list_add(c, &state->by_start, r->start) ||
        !checks_list_add(c, &state->by_count, r->count) ||
        !checks_list_add(c, &state->by_event, r->first_event)) {
        return;
    }
    c->lost = c->lost || (c->value[MAX].set && state->count > c->value[MAX].number);
}

static void on_end(struct check *c, struct state *state, const struct pull_start *start)
{
    for (struct running **at = &state->running; *at; at = &(*at)->next) {
        struct running *r = *at;
        if (r->start == start->number) {
            if (!start->stopped) {
                keep(c, state, r);
            }
            *at = r->next;
            r->next = state->spare;
            state->spare = r;
            return;
        }
    }
}

/* Where registries stand alone nobody's requests are anybody's: each counts by itself. */
static void on_served(struct check *c, struct state *state, const struct event *ev)
{
    state->began = state->began || state->stray.phase == c->during;
    if (ev->type != EVENT_REQUEST) {
        return;
    }
    state->asked = true;
    if (is_wanted(c, &ev->request)) {
        state->count++;
        state->last_event = ev->n;
        c->lost = c->lost || (c->value[MAX].set && state->count > c->value[MAX].number);
    }
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    const struct pull_start *start = checks_ended(c, ev);
    checks_stray_event(&state->stray, c, ev);
    if (c->plan->served) {
        on_served(c, state, ev);
    } else if (ev->type == EVENT_REQUEST) {
        on_request(c, state, ev);
    } else if (start) {
        on_end(c, state, start);
    }
}

/* ---- the result ---------------------------------------------------------------------------- */

/* Starts that could have made such requests, and the fault that may have hidden some. */
static uint64_t count_starts(const struct check *c, const struct fault_rule **untraced)
{
    const struct state *state = c->state;
    uint64_t count = 0;
    *untraced = NULL;
    for (size_t i = 0; i < pulls_count(c->pulls); i++) {
        const struct pull_start *start = pulls_at(c->pulls, i);
        if (checks_outcome_counts(c, start)) {
            const struct fault_rule *fault = checks_untraced(c, start, state->stray.registry);
            *untraced = fault ? fault : *untraced;
            count++;
        }
    }
    return count;
}

static void name_makers(struct check *c)
{
    const struct state *state = c->state;
    for (size_t i = 0; i < state->by_event.count; i++) {
        const struct pull_start *start = pulls_start(c->pulls, state->by_start.value[i]);
        if (start) {
            char name[CHECKS_NAME];
            uint64_t events[] = {state->by_event.value[i], 0};
            checks_start_name(c, start, name);
            check_reason(c, events, "%s: %llu request%s", name,
                         (unsigned long long)state->by_count.value[i],
                         state->by_count.value[i] == 1 ? "" : "s");
        }
    }
}

/* Too few may be for want of those that no start owns, or that a refused port hid. */
static enum verdict_kind judge_min(struct check *c, const struct fault_rule *untraced)
{
    const struct state *state = c->state;
    uint64_t events[] = {state->stray.event, 0};
    if (!c->value[MIN].set || state->count >= c->value[MIN].number) {
        return VERDICT_PASS;
    }
    if (untraced) {
        check_reason(c, NULL, "fault %s turned connections away, which leave no request",
                     untraced->name);
        return VERDICT_INCONCLUSIVE;
    }
    if (state->count + state->stray.count >= c->value[MIN].number) {
        check_reason(c, events, "%llu requests of no start could make up for what lacks",
                     (unsigned long long)state->stray.count);
        return VERDICT_INCONCLUSIVE;
    }
    return VERDICT_FAIL;
}

static enum verdict_kind judge_max(struct check *c, const struct fault_rule *untraced)
{
    const struct state *state = c->state;
    uint64_t max = c->value[MAX].number;
    uint64_t events[] = {state->stray.event, 0};
    if (!c->value[MAX].set) {
        return VERDICT_PASS;
    }
    if (state->count > max) {
        name_makers(c);
        return VERDICT_FAIL;
    }
    if (untraced) {
        check_reason(c, NULL, "fault %s turned connections away, which leave no request",
                     untraced->name);
        return VERDICT_INCONCLUSIVE;
    }
    if (state->count + state->stray.count > max) {
        check_reason(c, events, "%llu request%s of no start could change this",
                     (unsigned long long)state->stray.count, state->stray.count == 1 ? "" : "s");
        return VERDICT_INCONCLUSIVE;
    }
    return VERDICT_PASS;
}

static void tell_expected(struct check *c)
{
    const struct state *state = c->state;
    char bound[96], where[CHECKS_WHERE];
    const char *op = c->value[OPERATION].set ? c->value[OPERATION].text : "";
    unsigned long long min = c->value[MIN].number;
    unsigned long long max = c->value[MAX].number;
    if (!c->value[MIN].set) {
        snprintf(bound, sizeof bound, "at most %llu", max);
    } else if (!c->value[MAX].set) {
        snprintf(bound, sizeof bound, "at least %llu", min);
    } else {
        snprintf(bound, sizeof bound, "from %llu to %llu", min, max);
    }
    checks_where(c, where);
    check_expected(c, "%s %s%srequests to %s%s", bound, op, op[0] ? " " : "",
                   state->stray.registry >= 0 ? checks_registry_name(c, state->stray.registry)
                                              : "any registry",
                   where);
}

static void finish_served(struct check *c, const struct state *state)
{
    uint64_t events[] = {state->last_event, 0};
    bool few = c->value[MIN].set && state->count < c->value[MIN].number;
    bool many = c->value[MAX].set && state->count > c->value[MAX].number;
    if (c->subject >= 0) {
        check_result(c, VERDICT_INCONCLUSIVE,
                     "no start was made: whose requests these are is not "
                     "known");
    } else if (!state->began) {
        check_result(c, VERDICT_INCONCLUSIVE, "phase %s was not served",
                     c->plan->scenario->phases[c->during].name);
    } else if (!state->asked) {
        check_result(c, VERDICT_INCONCLUSIVE, "nobody asked for anything");
    } else {
        if (many) {
            check_reason(c, events, "the last of them");
        }
        check_result(c, few || many ? VERDICT_FAIL : VERDICT_PASS, "%llu request%s",
                     (unsigned long long)state->count, state->count == 1 ? "" : "s");
    }
}

static void finish(struct check *c)
{
    struct state *state = c->state;
    const struct fault_rule *untraced;
    tell_expected(c);
    if (c->plan->served) {
        finish_served(c, state);
        return;
    }
    for (const struct running *r = state->running; r; r = r->next) {
        keep(c, state, r);
    }
    state->running = NULL;
    uint64_t starts = count_starts(c, &untraced);
    if (starts == 0 && state->count == 0) {
        checks_nothing_to_judge(c, "ended");
        return;
    }
    enum verdict_kind verdict = checks_worse(judge_min(c, untraced), judge_max(c, untraced));
    check_result(c, verdict, "%llu request%s by %llu start%s", (unsigned long long)state->count,
                 state->count == 1 ? "" : "s", (unsigned long long)starts, starts == 1 ? "" : "s");
}

const struct check_info check_requests = {
    .name = "requests",
    .served = true,
    .scope = SCOPE_SUBJECT | SCOPE_IMAGE | SCOPE_DURING,
    .params = params,
    .param_count = PARAMS,
    .meaning = "starts make this many requests, all in all",
    .accept = accept_bounds,
    .init = init,
    .event = event,
    .finish = finish,
};
