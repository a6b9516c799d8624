/* exposure: every fault met the starts of its phases; one that did not has tested nothing. */
#include <stdio.h>
#include <string.h>

#include "harness/base/units.h"
#include "harness/checks/checks.h"
#include "harness/checks/common.h"

#define EPSILON 1e-6

struct seen {
    bool armed;
    uint64_t armed_event;  /* the first time */
    uint64_t armed_phases; /* bit N: it was on when a start of phase N began */
    uint64_t matched;
    uint64_t fired;       /* on requests of starts */
    uint64_t fired_stray; /* on requests of no start: nobody met it there */
    uint64_t fired_event; /* the first time */
};

_Static_assert(SCENARIO_MAX_PHASES <= 64, "a phase is a bit");

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    c->state = arena_alloc(c->arena, c->plan->scenario->fault_count + 1, sizeof(struct seen));
    return c->state ? 0 : err_set(e, ERR_NOMEM, "exposure: no memory");
}

/* ---- events -------------------------------------------------------------------------------- */

static struct seen *seen_of(struct check *c, const char *name)
{
    const struct scenario *s = c->plan->scenario;
    for (size_t i = 0; name && i < s->fault_count; i++) {
        if (strcmp(s->faults[i].name, name) == 0) {
            return (struct seen *)c->state + i;
        }
    }
    return NULL;
}

static void on_decided(struct check *c, const struct event *ev)
{
    struct seen *seen = seen_of(c, ev->decided.fault);
    if (!seen) {
        return;
    }
    seen->matched++;
    if (ev->decided.fired && ev->decided.start == 0) {
        seen->fired_stray++;
    } else if (ev->decided.fired) {
        seen->fired_event = seen->fired_event ? seen->fired_event : ev->n;
        seen->fired++;
    }
}

static void on_begin(struct check *c, const struct event *ev)
{
    const struct pull_start *start = pulls_start(c->pulls, ev->start_begin.start);
    struct seen *all = c->state;
    if (!start || start->control || start->phase < 0) {
        return;
    }
    for (size_t i = 0; i < c->plan->scenario->fault_count; i++) {
        all[i].armed_phases |= all[i].armed ? UINT64_C(1) << start->phase : 0;
    }
}

static void event(struct check *c, const struct event *ev)
{
    if (ev->type == EVENT_FAULT_DECIDED) {
        on_decided(c, ev);
    } else if (ev->type == EVENT_START_BEGIN) {
        on_begin(c, ev);
    } else if (ev->type == EVENT_FAULT_ARMED || ev->type == EVENT_FAULT_HEALED) {
        struct seen *seen = seen_of(c, ev->fault.fault);
        if (seen) {
            seen->armed = ev->type == EVENT_FAULT_ARMED;
            seen->armed_event = seen->armed_event ? seen->armed_event : ev->n;
        }
    }
}

/* ---- one fault ----------------------------------------------------------------------------- */

static bool phase_lists(const struct check *c, int phase, size_t fault)
{
    const struct scenario_phase *p = &c->plan->scenario->phases[phase];
    for (size_t i = 0; i < p->fault_count; i++) {
        if (p->faults[i] == fault) {
            return true;
        }
    }
    return false;
}

static bool met_it(const struct check *c, const struct pull_start *start, size_t fault)
{
    const struct fault_rule *rule = &c->plan->scenario->faults[fault];
    const struct seen *seen = (const struct seen *)c->state + fault;
    if (rule->kind->evidence == EVIDENCE_ARMED) {
        bool here = rule->match.lane == 0 || rule->match.lane == start->lane;
        bool counted = rule->evidence != EVIDENCE_COUNTER ||
                       pulls_counted(c->pulls, start, rule->kind->counter);
        return here && counted && ((seen->armed_phases >> start->phase) & 1) != 0;
    }
    for (size_t i = 0; i < start->fault_met_count; i++) {
        if (strcmp(start->faults_met[i], rule->name) == 0) {
            return true;
        }
    }
    return false;
}

struct tally {
    uint64_t planned, met;
};

/* The starts of the fault's phases, and those that met it. */
static struct tally count_starts(const struct check *c, size_t fault)
{
    struct tally tally = {0};
    for (size_t i = 0; i < pulls_count(c->pulls); i++) {
        const struct pull_start *start = pulls_at(c->pulls, i);
        if (checks_outcome_counts(c, start) && start->phase >= 0 &&
            phase_lists(c, start->phase, fault) &&
            scenario_fault_meets(c->plan->scenario, &c->plan->scenario->faults[fault],
                                 (size_t)start->subject)) {
            tally.planned++;
            tally.met += met_it(c, start, fault) ? 1 : 0;
        }
    }
    return tally;
}

/* How many starts of the first phase without faults turned first to what RULE is on. */
static struct tally ask_first(const struct check *c, const struct fault_rule *rule)
{
    const struct scenario *s = c->plan->scenario;
    struct tally tally = {0};
    char name[SCENARIO_MAX_NAME + 1];
    size_t phase = 0;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(rule->on, "/"), rule->on);
    int registry = plan_registry(c->plan, name);
    while (phase < s->phase_count && s->phases[phase].fault_count > 0) {
        phase++;
    }
    for (size_t i = 0; registry >= 0 && i < pulls_count(c->pulls); i++) {
        const struct pull_start *start = pulls_at(c->pulls, i);
        if (!checks_route_counts(c, start) || start->phase != (int)phase) {
            continue;
        }
        uint64_t first = start->registries[registry].first_event;
        bool is_first = first > 0;
        for (size_t k = 0; k < s->registry_count; k++) {
            uint64_t other = start->registries[k].first_event;
            is_first = is_first && (other == 0 || other >= first);
        }
        tally.planned++;
        tally.met += is_first ? 1 : 0;
    }
    return tally;
}

/* A refused connection leaves no request: only starts that ask this registry first have met it. */
static bool judge_asked(struct check *c, const struct fault_rule *rule, double needed)
{
    struct tally asked = ask_first(c, rule);
    if (asked.planned > 0 && (double)asked.met + EPSILON >= needed * (double)asked.planned) {
        return true;
    }
    check_reason(c, NULL,
                 "fault %s: it leaves no trace, and without faults only %llu of %llu starts asked "
                 "%s first",
                 rule->name, (unsigned long long)asked.met, (unsigned long long)asked.planned,
                 rule->on);
    return false;
}

/* Whether the kernel's counter of FAULT may be another fault's as well: it does not say whose. */
static bool shares_counter(const struct check *c, size_t fault)
{
    const struct scenario *s = c->plan->scenario;
    for (size_t p = 0; p < s->phase_count; p++) {
        for (size_t i = 0; phase_lists(c, (int)p, fault) && i < s->fault_count; i++) {
            if (i != fault && phase_lists(c, (int)p, i) &&
                s->faults[i].kind->counter == s->faults[fault].kind->counter) {
                return true;
            }
        }
    }
    return false;
}

/* The first time it came on, the first time it fired. */
static void cite(const struct seen *seen, uint64_t events[3])
{
    size_t n = 0;
    memset(events, 0, 3 * sizeof events[0]);
    if (seen->armed_event > 0) {
        events[n++] = seen->armed_event;
    }
    events[n] = seen->fired_event;
}

static bool judge_share(struct check *c, size_t fault, const struct tally *tally, double needed)
{
    const struct fault_rule *rule = &c->plan->scenario->faults[fault];
    const struct seen *seen = (const struct seen *)c->state + fault;
    uint64_t events[3];
    cite(seen, events);
    char share[CHECKS_SHARE], least[32];
    if (tally->planned > 0 && (double)tally->met + EPSILON >= needed * (double)tally->planned) {
        return true;
    }
    checks_share_text(tally->met, tally->planned, share);
    units_share_text(needed, least);
    check_reason(
        c, events,
        "fault %s: planned %llu starts, matched %llu requests, fired %llu%s: %s starts met "
        "it, at least %s must",
        rule->name, (unsigned long long)tally->planned, (unsigned long long)seen->matched,
        (unsigned long long)seen->fired, seen->armed_event ? "" : ", never armed", share, least);
    return false;
}

static bool judge_fired(struct check *c, size_t fault, const struct tally *tally)
{
    const struct fault_rule *rule = &c->plan->scenario->faults[fault];
    const struct seen *seen = (const struct seen *)c->state + fault;
    uint64_t events[3];
    cite(seen, events);
    bool wire = rule->kind->evidence != EVIDENCE_ARMED;
    if (seen->fired >= rule->min_fired && (!wire || rule->min_fired == 0 || tally->met > 0)) {
        return true;
    }
    check_reason(c, events,
                 "fault %s: planned %llu starts, matched %llu requests, fired %llu (at least %llu "
                 "needed), met by %llu starts",
                 rule->name, (unsigned long long)tally->planned, (unsigned long long)seen->matched,
                 (unsigned long long)seen->fired, (unsigned long long)rule->min_fired,
                 (unsigned long long)tally->met);
    if (seen->fired_stray > 0) {
        check_reason(c, NULL, "fault %s: fired on %llu requests of no start besides", rule->name,
                     (unsigned long long)seen->fired_stray);
    }
    return false;
}

static bool judge_fault(struct check *c, size_t fault, struct tally *tally)
{
    const struct fault_rule *rule = &c->plan->scenario->faults[fault];
    double needed = fault_rule_exposure(rule);
    bool partial = fault_rule_is_partial(rule);
    bool good = true;
    *tally = count_starts(c, fault);
    if (!partial || rule->has_exposure) {
        good = judge_share(c, fault, tally, needed);
    }
    if (good && rule->kind->evidence == EVIDENCE_ARMED &&
        (rule->evidence != EVIDENCE_COUNTER || shares_counter(c, fault))) {
        good = judge_asked(c, rule, needed);
    }
    if (good && (partial || rule->has_min_fired)) {
        good = judge_fired(c, fault, tally);
    }
    return good;
}

/* ---- all ----------------------------------------------------------------------------------- */

#define ACTUAL 1024

static void tell(char text[ACTUAL], const struct check *c, size_t fault, const struct tally *tally)
{
    const struct fault_rule *rule = &c->plan->scenario->faults[fault];
    const struct seen *seen = (const struct seen *)c->state + fault;
    size_t len = strlen(text);
    char met[32];
    bool armed = rule->evidence == EVIDENCE_ARMED;
    units_share_text(tally->planned > 0 ? (double)tally->met / (double)tally->planned : 0, met);
    snprintf(text + len, ACTUAL - len, "%s%s ", len > 0 ? "; " : "", rule->name);
    len = strlen(text);
    if (fault_rule_is_partial(rule)) {
        snprintf(text + len, ACTUAL - len, "fired %llu times, ", (unsigned long long)seen->fired);
        len = strlen(text);
    }
    snprintf(text + len, ACTUAL - len, "%s %llu of %llu starts (%s)",
             armed ? "was on at the beginning of" : "met by", (unsigned long long)tally->met,
             (unsigned long long)tally->planned, met);
}

static void finish(struct check *c)
{
    const struct scenario *s = c->plan->scenario;
    char actual[ACTUAL] = "";
    bool good = true;
    check_expected(c, "every fault meets the starts of its phases");
    for (size_t i = 0; i < s->fault_count; i++) {
        struct tally tally;
        good = judge_fault(c, i, &tally) && good;
        tell(actual, c, i, &tally);
    }
    check_result(c, good ? VERDICT_PASS : VERDICT_INCONCLUSIVE, "%s",
                 s->fault_count > 0 ? actual : "the scenario has no faults");
}

const struct check_info check_exposure = {
    .name = "exposure",
    .always = true,
    .meaning = "every fault met the starts of its phases",
    .init = init,
    .event = event,
    .finish = finish,
};
