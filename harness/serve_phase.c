/* The one phase of `serve`. */
#include <stdio.h>

#include "harness/serve_internal.h"

static const struct scenario_phase *phase_of(const struct serve *s, size_t *index)
{
    int i = plan_phase(s->plan, s->options->phase);
    *index = i >= 0 ? (size_t)i : 0;
    return &s->plan->scenario->phases[*index];
}

static void tell_phase(struct serve *s, enum event_type type, const char *reason)
{
    struct event ev = {.type = type, .actor = "drill"};
    ev.phase.phase = s->options->phase;
    ev.phase.reason = reason;
    history_append(s->history, &ev);
}

static void tell_fault(struct serve *s, enum event_type type, const struct fault_rule *rule)
{
    struct event ev = {.type = type, .actor = "drill"};
    ev.fault.fault = rule->name;
    ev.fault.phase = s->options->phase;
    ev.fault.stage = fault_stage_name(rule->kind->stage);
    ev.fault.evidence = fault_evidence_name(rule->evidence);
    history_append(s->history, &ev);
}

/* ---- images and tags ----------------------------------------------------------------------- */

static int put(struct serve *s, const struct scenario_action *action, size_t registry,
               struct err *e)
{
    const struct plan_image *image = &s->plan->images[action->image];
    char reference[SCENARIO_MAX_REF + 1];
    struct event ev = {.type = EVENT_ACTION, .actor = "drill"};
    if (image_put(&s->registries.images[action->image], s->registries.stores[registry],
                  image->repository, action->tag, e) != 0) {
        return -1;
    }
    snprintf(reference, sizeof reference, "%s:%s", image->repository, action->tag);
    ev.action.action = action_kind_name(action->kind);
    ev.action.phase = s->options->phase;
    ev.action.registry = s->plan->scenario->registries[registry].name;
    ev.action.image = image->name;
    ev.action.digest = image->digest;
    ev.action.reference = reference;
    ev.action.ok = true;
    history_append(s->history, &ev);
    return 0;
}

static int act(struct serve *s, const struct scenario_action *action, struct err *e)
{
    if (action->kind == ACTION_RUN) {
        s->options->note(s->options->data, "a command that the scenario runs between phases is "
                                           "left out");
        return 0;
    }
    for (size_t r = 0; r < s->plan->scenario->registry_count; r++) {
        if (((action->on >> r) & 1u) != 0 && put(s, action, r, e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* The world as the phases before have left it, and this one's own changes. */
static int act_up_to(struct serve *s, size_t phase, struct err *e)
{
    for (size_t i = 0; i <= phase; i++) {
        const struct scenario_phase *p = &s->plan->scenario->phases[i];
        for (size_t k = 0; k < p->action_count; k++) {
            if (act(s, &p->actions[k], e) != 0) {
                return err_prefix(e, "phase %s", p->name);
            }
        }
    }
    return 0;
}

/* ---- faults -------------------------------------------------------------------------------- */

static int arm(struct serve *s, const struct fault_rule *rule, struct err *e)
{
    char text[256];
    if (rule->kind->stage == STAGE_MACHINE) {
        snprintf(text, sizeof text,
                 "fault %.80s is of a subject's machine or of names, and is left out", rule->name);
        s->options->note(s->options->data, text);
        return 0;
    }
    if (fault_engine_arm(s->engine, rule, history_now_ns(s->history), e) != 0) {
        return err_prefix(e, "fault %s", rule->name);
    }
    tell_fault(s, EVENT_FAULT_ARMED, rule);
    return server_fault_armed(s->registries.server, rule, e) != 0
               ? err_prefix(e, "fault %s", rule->name)
               : 0;
}

int serve_phase_begin(struct serve *s, struct err *e)
{
    size_t index;
    const struct scenario_phase *phase = phase_of(s, &index);
    tell_phase(s, EVENT_PHASE_BEGIN, NULL);
    if (!s->options->faults) {
        return 0;
    }
    if (act_up_to(s, index, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < phase->fault_count; i++) {
        if (arm(s, &s->plan->scenario->faults[phase->faults[i]], e) != 0) {
            return -1;
        }
    }
    return 0;
}

void serve_phase_end(struct serve *s)
{
    for (size_t i = 0; i < s->plan->scenario->fault_count; i++) {
        const struct fault_rule *rule = &s->plan->scenario->faults[i];
        if (!fault_engine_armed(s->engine, rule)) {
            continue;
        }
        struct err ignored = {0}; /* a listener that cannot listen again: none is to */
        fault_engine_heal(s->engine, rule);
        tell_fault(s, EVENT_FAULT_HEALED, rule);
        (void)server_fault_healed(s->registries.server, rule, &ignored);
    }
    tell_phase(s, EVENT_PHASE_END, "stopped");
}
