/* What reports show beside the checks: phases, faults and registries as events pass, and the rest
 * at the end (judge_starts.c, judge_times.c, judge_facts.c). */
#include <stdlib.h>
#include <string.h>

#include "harness/judge_internal.h"

/* ---- while events pass --------------------------------------------------------------------- */

int judge_summary_init(struct judge *j)
{
    const struct scenario *s = j->plan->scenario;
    struct verdict *v = j->verdict;
    j->faults = calloc(s->fault_count + 1, sizeof j->faults[0]);
    j->registries = calloc(s->registry_count + 1, sizeof j->registries[0]);
    v->phases = arena_alloc(&v->arena, s->phase_count + 1, sizeof v->phases[0]);
    return j->faults && j->registries && v->phases ? 0 : -1;
}

const char *judge_copy(struct judge *j, const char *text)
{
    return text ? arena_strdup(&j->verdict->arena, text) : NULL;
}

static struct judge_fault *fault_of(struct judge *j, const char *name)
{
    const struct scenario *s = j->plan->scenario;
    for (size_t i = 0; name && i < s->fault_count; i++) {
        if (strcmp(s->faults[i].name, name) == 0) {
            return &j->faults[i];
        }
    }
    return NULL;
}

static void acted(struct judge_fault *f, const struct event *ev)
{
    if (f->first_event == 0) {
        f->first_event = ev->n;
        f->first_ns = ev->t_ns;
    }
    f->last_event = ev->n;
    f->last_ns = ev->t_ns;
}

static void on_fault(struct judge *j, const struct event *ev)
{
    struct judge_fault *f = fault_of(j, ev->fault.fault);
    if (!f) {
        return;
    }
    f->armed = ev->type == EVENT_FAULT_ARMED;
    if (ev->fault.evidence && strcmp(ev->fault.evidence, fault_evidence_name(EVIDENCE_WIRE)) != 0) {
        acted(f, ev);
    }
}

static void on_decided(struct judge *j, const struct event *ev)
{
    struct judge_fault *f = fault_of(j, ev->decided.fault);
    if (!f) {
        return;
    }
    f->matched++;
    if (ev->decided.fired) {
        f->fired++;
        acted(f, ev);
    }
}

static void on_start_begin(struct judge *j, const struct event_start_begin *begin)
{
    for (size_t i = 0; !begin->control && i < j->plan->scenario->fault_count; i++) {
        j->faults[i].began += j->faults[i].armed ? 1 : 0;
    }
}

static void on_phase(struct judge *j, const struct event *ev)
{
    struct verdict *v = j->verdict;
    if (ev->type == EVENT_PHASE_BEGIN && v->phase_count < j->plan->scenario->phase_count) {
        v->phases[v->phase_count++] =
            (struct verdict_phase){.name = judge_copy(j, ev->phase.phase), .begin_ns = ev->t_ns};
    } else if (ev->type == EVENT_PHASE_END && v->phase_count > 0) {
        v->phases[v->phase_count - 1].end_ns = ev->t_ns;
        v->phases[v->phase_count - 1].reason = judge_copy(j, ev->phase.reason);
    }
}

/* The totals of a registry leave out the harness's own lane. NULL: nothing to count. */
static struct judge_registry *registry_of(struct judge *j, const char *name, uint64_t lane)
{
    int index = name && lane != 0 ? plan_registry(j->plan, name) : -1;
    return index < 0 ? NULL : &j->registries[index];
}

static void on_traffic(struct judge *j, const struct event *ev)
{
    struct judge_registry *r = NULL;
    if (ev->type == EVENT_CONNECTION_OPEN) {
        r = registry_of(j, ev->open.registry, ev->open.lane);
        if (r) {
            r->connections++;
        }
    } else if (ev->type == EVENT_REQUEST) {
        r = registry_of(j, ev->request.registry, ev->request.lane);
        if (r) {
            r->requests++;
        }
    } else if (ev->type == EVENT_RESPONSE) {
        r = registry_of(j, ev->response.registry, ev->response.lane);
        if (r) {
            r->bytes += ev->response.delivered;
        }
    }
}

void judge_summary_event(struct judge *j, const struct event *ev)
{
    switch (ev->type) {
    case EVENT_DRILL_BEGIN:
        j->verdict->began = judge_copy(j, ev->drill_begin.wall);
        break;
    case EVENT_PHASE_BEGIN:
    case EVENT_PHASE_END:
        on_phase(j, ev);
        break;
    case EVENT_FAULT_ARMED:
    case EVENT_FAULT_HEALED:
        on_fault(j, ev);
        break;
    case EVENT_FAULT_DECIDED:
        on_decided(j, ev);
        break;
    case EVENT_START_BEGIN:
        on_start_begin(j, &ev->start_begin);
        break;
    default:
        on_traffic(j, ev);
        break;
    }
}

/* ---- faults -------------------------------------------------------------------------------- */

static bool lists(const struct scenario_phase *phase, size_t fault)
{
    for (size_t i = 0; i < phase->fault_count; i++) {
        if (phase->faults[i] == fault) {
            return true;
        }
    }
    return false;
}

static bool met(const struct pull_start *start, const char *fault)
{
    for (size_t i = 0; i < start->fault_met_count; i++) {
        if (strcmp(start->faults_met[i], fault) == 0) {
            return true;
        }
    }
    return false;
}

/* Counts the starts of FAULT's phases, and those that met it. */
static void count_met(struct judge *j, size_t index, struct verdict_fault *out)
{
    const struct scenario *s = j->plan->scenario;
    const struct fault_rule *rule = &s->faults[index];
    for (size_t i = 0; i < pulls_count(j->pulls); i++) {
        const struct pull_start *start = pulls_at(j->pulls, i);
        if (start->control || start->stopped || start->phase < 0 ||
            !lists(&s->phases[start->phase], index) ||
            !scenario_fault_meets(s, rule, (size_t)start->subject)) {
            continue;
        }
        out->planned++;
        bool counted = rule->evidence == EVIDENCE_COUNTER &&
                       pulls_counted(j->pulls, start, rule->kind->counter);
        out->met += counted || met(start, rule->name) ? 1 : 0;
    }
}

static void fill_fault(struct judge *j, size_t index, struct verdict_fault *out)
{
    const struct fault_rule *rule = &j->plan->scenario->faults[index];
    const struct judge_fault *f = &j->faults[index];
    char text[512];
    fault_rule_text(rule, text, sizeof text);
    *out = (struct verdict_fault){
        .name = judge_copy(j, rule->name),
        .kind = rule->kind->name,
        .on = judge_copy(j, rule->on),
        .evidence = fault_evidence_name(rule->evidence),
        .text = judge_copy(j, text),
        .matched = f->matched,
        .fired = f->fired,
        .first_ns = f->first_ns,
        .last_ns = f->last_ns,
        .first_event = f->first_event,
        .last_event = f->last_event,
    };
    count_met(j, index, out);
    if (rule->evidence == EVIDENCE_ARMED) {
        out->met = f->began < out->planned ? f->began : out->planned;
    }
    out->exposure = out->planned > 0 ? (double)out->met / (double)out->planned : 0;
}

static void fill_faults(struct judge *j)
{
    struct verdict *v = j->verdict;
    size_t count = j->plan->scenario->fault_count;
    v->faults = arena_alloc(&v->arena, count + 1, sizeof v->faults[0]);
    for (size_t i = 0; v->faults && i < count; i++) {
        fill_fault(j, i, &v->faults[i]);
        v->fault_count++;
    }
}

/* ---- registries ---------------------------------------------------------------------------- */

/* Whether registry INDEX served START: it brought at least one object last, or, where nothing had
 * to be brought, told the digest. */
static bool served(const struct pull_start *start, int index)
{
    bool brought = false;
    for (size_t i = 0; i < start->object_count; i++) {
        if (start->objects[i].served_by == index) {
            return true;
        }
        brought = brought || start->objects[i].served_by >= 0;
    }
    return !brought && start->told_by == index;
}

static void fill_registry(struct judge *j, size_t index, struct verdict_registry *out)
{
    const struct scenario_registry *r = &j->plan->scenario->registries[index];
    *out = (struct verdict_registry){
        .name = judge_copy(j, r->name),
        .role = registry_role_name(r->role),
        .connections = j->registries[index].connections,
        .requests = j->registries[index].requests,
        .bytes = j->registries[index].bytes,
    };
    for (size_t i = 0; i < pulls_count(j->pulls); i++) {
        const struct pull_start *start = pulls_at(j->pulls, i);
        out->attempts += start->registries[index].attempts;
        out->failed += start->registries[index].failed;
        if (judge_start_counts(start) && start->outcome == OUTCOME_WORKED) {
            out->served += served(start, (int)index) ? 1 : 0;
        }
    }
}

static void fill_registries(struct judge *j)
{
    struct verdict *v = j->verdict;
    size_t count = j->plan->scenario->registry_count;
    v->registries = arena_alloc(&v->arena, count + 1, sizeof v->registries[0]);
    for (size_t i = 0; v->registries && i < count; i++) {
        fill_registry(j, i, &v->registries[i]);
        v->registry_count++;
    }
}

void judge_summary_finish(struct judge *j)
{
    judge_facts_finish(j);
    judge_starts_finish(j);
    judge_times_finish(j);
    fill_faults(j);
    fill_registries(j);
}
