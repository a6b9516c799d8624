/* What reports show beside the checks: phases, faults, registries, starts that did not work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/commands/command.h"
#include "harness/judge_internal.h"
#include "harness/lane.h"

#define MAX_NOTES (SCENARIO_MAX_FAULTS + 8)

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

static const char *copy(struct judge *j, const char *text)
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
    if (ev->fault.evidence && strcmp(ev->fault.evidence, "armed") == 0) {
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
            (struct verdict_phase){.name = copy(j, ev->phase.phase), .begin_ns = ev->t_ns};
    } else if (ev->type == EVENT_PHASE_END && v->phase_count > 0) {
        v->phases[v->phase_count - 1].end_ns = ev->t_ns;
        v->phases[v->phase_count - 1].reason = copy(j, ev->phase.reason);
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
        j->verdict->began = copy(j, ev->drill_begin.wall);
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

/* ---- starts -------------------------------------------------------------------------------- */

bool judge_start_counts(const struct pull_start *start)
{
    return start->ended && !start->control && !start->stopped;
}

static void add_outcome(struct verdict_starts *starts, enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_WORKED:
        starts->worked++;
        break;
    case OUTCOME_FAILED:
        starts->failed++;
        break;
    case OUTCOME_HUNG:
        starts->hung++;
        break;
    case OUTCOME_WRONG:
        starts->wrong++;
        break;
    case OUTCOME_NONE:
        break;
    }
}

static const char *phase_name(const struct judge *j, const struct pull_start *start)
{
    return start->phase >= 0 ? j->plan->scenario->phases[start->phase].name : NULL;
}

struct verdict_phase *judge_phase_of(struct judge *j, const struct pull_start *start)
{
    const char *name = phase_name(j, start);
    for (size_t i = 0; name && i < j->verdict->phase_count; i++) {
        if (strcmp(j->verdict->phases[i].name, name) == 0) {
            return &j->verdict->phases[i];
        }
    }
    return NULL;
}

static void add_bad(struct judge *j, const struct pull_start *start)
{
    struct verdict *v = j->verdict;
    if (!v->bad) {
        v->bad = arena_alloc(&v->arena, VERDICT_MAX_BAD_STARTS, sizeof v->bad[0]);
    }
    if (!v->bad || v->bad_count == VERDICT_MAX_BAD_STARTS) {
        return;
    }
    const char *reason = start->reason ? start->reason : outcome_name(start->outcome);
    v->bad[v->bad_count++] = (struct verdict_bad_start){
        .subject = copy(j, j->plan->scenario->subjects[start->subject].name),
        .phase = copy(j, phase_name(j, start)),
        .start = start->number,
        .outcome = outcome_name(start->outcome),
        .last = arena_printf(&v->arena, "%s; %s", start->last, reason),
        .event = start->last_event ? start->last_event : start->end_event,
        .said = start->said ? copy(j, start->said) : NULL,
        .output = arena_printf(&v->arena, "starts/%llu.txt", (unsigned long long)start->number),
    };
}

static void add_label(struct verdict_pulls *pulls, enum pull_label label)
{
    pulls->primary += label == PULL_PRIMARY;
    pulls->fell_back += label == PULL_FELL_BACK;
    pulls->failed += label == PULL_FAILED;
    pulls->mixed += label == PULL_MIXED;
}

static void fill_starts(struct judge *j)
{
    for (size_t i = 0; i < pulls_count(j->pulls); i++) {
        const struct pull_start *start = pulls_at(j->pulls, i);
        if (!judge_start_counts(start)) {
            continue;
        }
        add_outcome(&j->verdict->starts, start->outcome);
        struct verdict_phase *phase = judge_phase_of(j, start);
        if (phase) {
            add_outcome(&phase->starts, start->outcome);
            add_label(&phase->pulls, start->label);
        }
        if (start->outcome != OUTCOME_WORKED) {
            add_bad(j, start);
        }
    }
}

static void close_phases(struct judge *j)
{
    for (size_t i = 0; i < j->verdict->phase_count; i++) {
        struct verdict_phase *phase = &j->verdict->phases[i];
        if (!phase->reason) {
            phase->end_ns = j->last_ns;
            phase->reason = "unfinished";
        }
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
    for (size_t i = 0; i < pulls_count(j->pulls); i++) {
        const struct pull_start *start = pulls_at(j->pulls, i);
        if (start->control || start->stopped || start->phase < 0 ||
            !lists(&s->phases[start->phase], index)) {
            continue;
        }
        out->planned++;
        out->met += met(start, s->faults[index].name) ? 1 : 0;
    }
}

static void fill_fault(struct judge *j, size_t index, struct verdict_fault *out)
{
    const struct fault_rule *rule = &j->plan->scenario->faults[index];
    const struct judge_fault *f = &j->faults[index];
    char text[512];
    fault_rule_text(rule, text, sizeof text);
    *out = (struct verdict_fault){
        .name = copy(j, rule->name),
        .kind = rule->kind->name,
        .on = copy(j, rule->on),
        .evidence = fault_evidence_name(rule->kind->evidence),
        .text = copy(j, text),
        .matched = f->matched,
        .fired = f->fired,
        .first_ns = f->first_ns,
        .last_ns = f->last_ns,
        .first_event = f->first_event,
        .last_event = f->last_event,
    };
    count_met(j, index, out);
    if (rule->kind->evidence == EVIDENCE_ARMED) {
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
        .name = copy(j, r->name),
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

/* ---- the rest ------------------------------------------------------------------------------ */

static void note(struct judge *j, const char **notes, const char *text)
{
    struct verdict *v = j->verdict;
    if (text && v->note_count < MAX_NOTES) {
        notes[v->note_count++] = text;
    }
}

static void fill_notes(struct judge *j)
{
    struct arena *a = &j->verdict->arena;
    const struct scenario *s = j->plan->scenario;
    const char **notes = arena_alloc(a, MAX_NOTES, sizeof *notes);
    unsigned long long stray = pulls_stray(j->pulls);
    unsigned long long late = pulls_late(j->pulls);
    if (!notes) {
        return;
    }
    if (stray > 0) {
        note(j, notes,
             arena_printf(a, "%llu connections and requests belonged to no start", stray));
    }
    if (late > 0) {
        note(j, notes,
             arena_printf(a,
                          "%llu connections and requests came to light after their start had "
                          "ended; they count to no start",
                          late));
    }
    for (size_t i = 0; i < s->fault_count; i++) {
        if (s->faults[i].kind->evidence == EVIDENCE_ARMED) {
            note(j, notes,
                 arena_printf(a,
                              "%s leaves no request behind: starts that began while it held "
                              "count as exposed",
                              s->faults[i].name));
        }
    }
    if (j->truncated) {
        note(j, notes, "the last line of the history was cut off and is not judged");
    }
    j->verdict->notes = notes;
}

static const char *noun_of(const char *subject)
{
    if (strncmp(subject, "build", 5) == 0) {
        return "builds";
    }
    return strncmp(subject, "provision", 9) == 0 ? "machines" : "starts";
}

/* One word for the starts of all subjects; "starts" where they differ. */
static const char *subject_noun(const struct scenario *s)
{
    const char *noun = s->subject_count > 0 ? noun_of(s->subjects[0].name) : "starts";
    for (size_t i = 1; i < s->subject_count; i++) {
        if (strcmp(noun_of(s->subjects[i].name), noun) != 0) {
            return "starts";
        }
    }
    return noun;
}

/* The scenario's path without its suffix, `/` as `-`. */
static const char *folder_of(struct judge *j, const char *path)
{
    while (strncmp(path, "./", 2) == 0 || *path == '/') {
        path += *path == '/' ? 1 : 2;
    }
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(path, '.');
    bool suffix = dot && (!slash || dot > slash + 1) && dot > path;
    size_t len = suffix ? (size_t)(dot - path) : strlen(path);
    char *folder = arena_strndup(&j->verdict->arena, path, len);
    for (char *p = folder; p && *p; p++) {
        *p = *p == '/' ? '-' : *p;
    }
    return folder;
}

static void fill_facts(struct judge *j)
{
    struct verdict *v = j->verdict;
    const struct scenario *s = j->plan->scenario;
    v->scenario = copy(j, s->path);
    v->title = copy(j, s->title);
    v->folder = folder_of(j, s->path ? s->path : "scenario");
    v->version = PULLDRILL_VERSION;
    v->duration_ns = j->last_ns;
    v->seed = j->plan->seed;
    v->replay = copy(j, j->plan->replay);
    v->subject_noun = subject_noun(s);
    v->reach =
        arena_printf(&v->arena, "%s: %s", lane_reach_ports.name, lane_reach_ports.cannot_show);
}

void judge_summary_finish(struct judge *j)
{
    fill_facts(j);
    close_phases(j);
    fill_starts(j);
    judge_times_finish(j);
    fill_faults(j);
    fill_registries(j);
    fill_notes(j);
}
