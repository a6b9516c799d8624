/* healed: every fault is off at the end, and a fresh pull from each registry works. */
#include <string.h>

#include "harness/checks/checks.h"
#include "harness/checks/common.h"

enum probe { PROBE_NONE, PROBE_BAD, PROBE_GOOD };

struct state {
    uint64_t armed_event[SCENARIO_MAX_FAULTS]; /* 0: healed, or never armed */
    bool ever[SCENARIO_MAX_FAULTS];
    enum probe probe[SCENARIO_MAX_REGISTRIES]; /* the latest since a fault was last armed */
    uint64_t probe_event[SCENARIO_MAX_REGISTRIES];
    const char *detail[SCENARIO_MAX_REGISTRIES];
};

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    c->state = arena_alloc(c->arena, 1, sizeof(struct state));
    return c->state ? 0 : err_set(e, ERR_NOMEM, "healed: no memory");
}

static int fault_index(const struct check *c, const char *name)
{
    const struct scenario *s = c->plan->scenario;
    for (size_t i = 0; name && i < s->fault_count; i++) {
        if (strcmp(s->faults[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* Probes that ran before a fault came or went show nothing about the end. */
static void forget_probes(struct state *state)
{
    memset(state->probe, 0, sizeof state->probe);
    memset(state->probe_event, 0, sizeof state->probe_event);
}

static void on_fault(struct check *c, struct state *state, const struct event *ev)
{
    int index = fault_index(c, ev->fault.fault);
    if (index < 0) {
        return;
    }
    bool armed = ev->type == EVENT_FAULT_ARMED;
    state->armed_event[index] = armed ? ev->n : 0;
    state->ever[index] = state->ever[index] || armed;
    forget_probes(state);
}

static void on_probe(struct check *c, struct state *state, const struct event *ev)
{
    const struct event_probe *probe = &ev->probe;
    if (!probe->probe || strcmp(probe->probe, "healed") != 0 || !probe->registry) {
        return;
    }
    int registry = plan_registry(c->plan, probe->registry);
    if (registry >= 0) {
        state->probe[registry] = probe->ok ? PROBE_GOOD : PROBE_BAD;
        state->probe_event[registry] = ev->n;
        state->detail[registry] = arena_strdup(c->arena, probe->detail ? probe->detail : "");
    }
}

static void event(struct check *c, const struct event *ev)
{
    if (ev->type == EVENT_FAULT_ARMED || ev->type == EVENT_FAULT_HEALED) {
        on_fault(c, c->state, ev);
    } else if (ev->type == EVENT_PROBE) {
        on_probe(c, c->state, ev);
    }
}

/* How many faults are still on; EVER receives how many were. */
static size_t judge_faults(struct check *c, const struct state *state, size_t *ever)
{
    const struct scenario *s = c->plan->scenario;
    size_t on = 0;
    *ever = 0;
    for (size_t i = 0; i < s->fault_count; i++) {
        *ever += state->ever[i] ? 1 : 0;
        if (state->armed_event[i] > 0) {
            uint64_t events[] = {state->armed_event[i], 0};
            check_reason(c, events, "fault %s was armed and never healed", s->faults[i].name);
            on++;
        }
    }
    return on;
}

/* Whether a start has changed what lies on REGISTRY, so that it is not what is drilled any more:
 * some of it is gone (BAD: a fresh pull did not work), or its tag stands for something else. */
static bool judge_changes(struct check *c, size_t registry, bool bad)
{
    bool changed = false;
    for (size_t i = 0; i < c->plan->scenario->image_count; i++) {
        const struct pull_change *change = pulls_change(c->pulls, registry, i);
        if (change && (bad || change->tag_lost)) {
            char text[PULLS_CHANGE_TEXT];
            uint64_t events[] = {change->event, 0};
            pulls_change_text(c->pulls, registry, i, text);
            check_reason(c, events, "%s", text);
            changed = true;
        }
    }
    return changed;
}

/* How many registries gave a fresh pull; CHANGED receives whether starts are why others did not. */
static size_t judge_probes(struct check *c, const struct state *state, bool *changed)
{
    size_t good = 0;
    *changed = false;
    for (size_t i = 0; i < c->plan->scenario->registry_count; i++) {
        const char *name = checks_registry_name(c, (int)i);
        uint64_t events[] = {state->probe_event[i], 0};
        if (state->probe[i] == PROBE_GOOD) {
            bool lost = judge_changes(c, i, false);
            *changed = *changed || lost;
            good += lost ? 0 : 1;
        } else if (state->probe[i] == PROBE_BAD) {
            check_reason(c, events, "a fresh pull from %s did not work: %s", name,
                         state->detail[i] ? state->detail[i] : "");
            *changed = judge_changes(c, i, true) || *changed;
        } else {
            check_reason(c, NULL, "no fresh pull from %s was made after the last heal", name);
        }
    }
    return good;
}

static void finish(struct check *c)
{
    size_t ever;
    size_t on = judge_faults(c, c->state, &ever);
    bool changed;
    size_t good = judge_probes(c, c->state, &changed);
    size_t registries = c->plan->scenario->registry_count;
    check_expected(c, "every fault is off at the end, and every registry gives a fresh pull");
    check_result(c, on == 0 && good == registries ? VERDICT_PASS : VERDICT_INCONCLUSIVE,
                 "%zu of %zu fault%s off, %zu of %zu registr%s good%s", ever - on, ever,
                 ever == 1 ? "" : "s", good, registries, registries == 1 ? "y" : "ies",
                 changed ? "; a start changed what is drilled" : "");
}

const struct check_info check_healed = {
    .name = "healed",
    .always = true,
    .meaning = "every fault is off at the end, and a fresh pull from each registry works",
    .init = init,
    .event = event,
    .finish = finish,
};
