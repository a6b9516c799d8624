/* Phases: what begins them, what ends them, and the faults that come and go with them. */
#include <string.h>

#include "harness/base/clock.h"
#include "harness/drill_internal.h"
#include "harness/until.h"

static const struct scenario *scenario_of(const struct drill *d)
{
    return d->plan->scenario;
}

static bool phase_lists(const struct scenario_phase *phase, size_t fault)
{
    for (size_t i = 0; i < phase->fault_count; i++) {
        if (phase->faults[i] == fault) {
            return true;
        }
    }
    return false;
}

static void tell_phase(struct drill *d, enum event_type type, const char *phase, const char *reason)
{
    struct event ev = {.type = type, .actor = "drill"};
    ev.phase.phase = phase;
    ev.phase.reason = reason;
    history_append(d->history, &ev);
}

static void tell_fault(struct drill *d, enum event_type type, const struct fault_rule *rule,
                       const char *phase)
{
    struct event ev = {.type = type, .actor = "drill"};
    ev.fault.fault = rule->name;
    ev.fault.phase = phase;
    ev.fault.stage = fault_stage_name(rule->kind->stage);
    ev.fault.evidence = fault_evidence_name(rule->evidence);
    history_append(d->history, &ev);
}

/* Names and machines are the lanes' own. -1: E holds the first that went wrong. */
static int heal_lanes(struct drill *d, const struct fault_rule *rule, struct err *e)
{
    int result = 0;
    for (size_t i = 0; i < d->worker_count; i++) {
        struct lane *lane = d->workers[i].lane;
        if (lane->reach->healed != NULL && lane->reach->healed(lane, rule, e) != 0) {
            result = -1;
        }
    }
    return result;
}

static void heal(struct drill *d, const struct fault_rule *rule, const char *phase)
{
    struct err e = {0};
    if (!fault_engine_armed(d->engine, rule)) {
        return;
    }
    fault_engine_heal(d->engine, rule);
    /* The event comes first, so that what the heal releases is seen to happen after it. */
    tell_fault(d, EVENT_FAULT_HEALED, rule, phase);
    int lanes = heal_lanes(d, rule, &e);
    if (server_fault_healed(d->registries.server, rule, &e) != 0 || lanes != 0) {
        drill_abort(d, "failure", "fault %s could not be healed: %s", rule->name, e.text);
    }
}

static void arm(struct drill *d, const struct fault_rule *rule, const char *phase)
{
    struct err e = {0};
    if (fault_engine_armed(d->engine, rule)) {
        return;
    }
    if (fault_engine_arm(d->engine, rule, history_now_ns(d->history), &e) != 0) {
        drill_abort(d, "failure", "fault %s could not be armed: %s", rule->name, e.text);
        return;
    }
    tell_fault(d, EVENT_FAULT_ARMED, rule, phase);
    if (server_fault_armed(d->registries.server, rule, &e) != 0) {
        drill_abort(d, "failure", "fault %s could not be armed: %s", rule->name, e.text);
    }
}

void drill_heal_all(struct drill *d, const char *phase)
{
    const struct scenario *s = scenario_of(d);
    for (size_t i = 0; i < s->fault_count; i++) {
        heal(d, &s->faults[i], phase);
    }
}

static void on_phase_time(uv_timer_t *timer)
{
    struct drill *d = timer->data;
    d->phase_time_up = true;
    drill_pump(d);
}

void drill_begin_phase(struct drill *d)
{
    const struct scenario_phase *phase = &scenario_of(d)->phases[d->phase];
    d->phase_open = true;
    d->phase_ready = false;
    d->phase_time_up = false;
    d->doing = (struct drill_doing){0};
    d->phase_begin_ns = history_now_ns(d->history);
    d->running = 0;
    d->until_seen = 0;
    memset(d->begun, 0, sizeof d->begun);
    memset(d->loops, 0, sizeof d->loops);
    tell_phase(d, EVENT_PHASE_BEGIN, phase->name, NULL);
}

void drill_ready_phase(struct drill *d)
{
    const struct scenario_phase *phase = &scenario_of(d)->phases[d->phase];
    d->phase_ready = true;
    for (size_t i = 0; i < phase->fault_count; i++) {
        arm(d, &scenario_of(d)->faults[phase->faults[i]], phase->name);
    }
    d->phase_begin_ns = history_now_ns(d->history);
    if (phase->by != BY_STARTS) {
        uint64_t ns = phase->by == BY_TIME ? phase->for_ns : phase->until.at_most_ns;
        uv_update_time(&d->loop);
        uv_timer_start(&d->phase_timer, on_phase_time, (ns - 1) / CLOCK_NS_PER_MS + 1, 0);
    }
}

/* ---- until -------------------------------------------------------------------------------- */

static const struct scenario_until *until_of(const struct drill *d)
{
    const struct scenario_phase *phase = d->phase_open ? &scenario_of(d)->phases[d->phase] : NULL;
    return phase != NULL && phase->by == BY_EVENT ? &phase->until : NULL;
}

void drill_until_event(void *drill, const struct event *ev)
{
    struct drill *d = drill;
    const struct scenario_until *until = until_of(d);
    if (until != NULL && !d->phase_time_up &&
        until_counts(until, d->plan, judge_pulls(d->judge), ev)) {
        d->until_seen++;
    }
}

bool drill_until_met(const struct drill *d)
{
    const struct scenario_until *until = until_of(d);
    return until != NULL && d->until_seen >= until->count;
}

/* ---- its end ------------------------------------------------------------------------------ */

static bool all_begun(const struct drill *d, const struct scenario_phase *phase)
{
    if (phase->by == BY_EVENT) {
        return d->phase_time_up || drill_until_met(d);
    }
    if (phase->by == BY_TIME) {
        return d->phase_time_up && drill_every_done(d);
    }
    for (size_t i = 0; i < scenario_of(d)->subject_count; i++) {
        if (d->begun[i] < phase->starts[i]) {
            return false;
        }
    }
    return true;
}

/* Starts that were dealt out begin when their `prepare` has ended, and belong to this phase. */
static bool is_preparing(const struct drill *d)
{
    for (size_t i = 0; i < d->worker_count; i++) {
        if (d->workers[i].state == WORKER_PREPARING) {
            return true;
        }
    }
    return false;
}

bool drill_phase_over(const struct drill *d)
{
    const struct scenario_phase *phase = &scenario_of(d)->phases[d->phase];
    return all_begun(d, phase) &&
           (d->running == 0 || (phase->end == END_BEGUN && !is_preparing(d)));
}

/* Planned numbers go on behind the largest that the phase dealt out. Those that an open loop was to
 * have in a timed phase are dealt out, whether or not all could begin. */
static void advance_numbers(struct drill *d)
{
    uint64_t last = d->phase_base;
    for (size_t i = 0; i < scenario_of(d)->subject_count; i++) {
        uint64_t most, dealt = d->begun[i];
        if (scenario_of(d)->phases[d->phase].by == BY_TIME &&
            scenario_most_starts(scenario_of(d), d->phase, i, &most)) {
            dealt = most;
        }
        if (dealt > 0) {
            uint64_t n = plan_start_number(d->plan, d->phase, d->phase_base, i, dealt - 1);
            last = n > last ? n : last;
        }
    }
    d->phase_base = last;
}

void drill_end_phase(struct drill *d, const char *reason)
{
    const struct scenario *s = scenario_of(d);
    const struct scenario_phase *phase = &s->phases[d->phase];
    const struct scenario_phase *next =
        d->phase + 1 < s->phase_count && !d->aborted ? phase + 1 : NULL;
    uv_timer_stop(&d->phase_timer);
    uv_timer_stop(&d->every_timer);
    if (!d->aborted && d->state == DRILL_PHASES) {
        drill_every_end(d);
    }
    d->phase_open = false;
    tell_phase(d, EVENT_PHASE_END, phase->name, reason);
    for (size_t i = 0; i < phase->fault_count; i++) {
        if (next == NULL || !phase_lists(next, phase->faults[i])) {
            heal(d, &s->faults[phase->faults[i]], phase->name);
        }
    }
    advance_numbers(d);
    d->phase++;
}

bool drill_next_start(struct drill *d, const struct worker *w, uint64_t *number)
{
    const struct scenario_phase *phase = &scenario_of(d)->phases[d->phase];
    uint64_t k = d->begun[w->subject];
    uint64_t most = phase->starts[w->subject];
    bool counted = scenario_most_starts(scenario_of(d), d->phase, w->subject, &most);
    bool more = counted ? k < most : !d->phase_time_up && !drill_until_met(d);
    if (!more || d->start_total >= SCENARIO_MAX_STARTS) {
        return false;
    }
    *number = plan_start_number(d->plan, d->phase, d->phase_base, w->subject, k);
    w->lane->canaries = plan_canaries(d->plan, d->phase, w->subject, k);
    d->begun[w->subject]++;
    d->start_total++;
    return true;
}
