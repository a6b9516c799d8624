/* What several checks share: names for readers, coverage, bounds, strays. */
#include "harness/checks/common.h"

#include <stdio.h>
#include <string.h>

#include "harness/base/units.h"

/* A bound is kept to within this many starts: shares are binary fractions. */
#define EPSILON 1e-6

/* ---- names --------------------------------------------------------------------------------- */

void checks_start_name(const struct check *c, const struct pull_start *start,
                       char text[CHECKS_NAME])
{
    const char *phase = "control";
    if (!start->control) {
        phase = start->phase >= 0 ? c->plan->scenario->phases[start->phase].name : "no phase";
    }
    snprintf(text, CHECKS_NAME, "start %llu (%s)", (unsigned long long)start->number, phase);
}

void checks_share_text(uint64_t part, uint64_t whole, char text[CHECKS_SHARE])
{
    char share[32];
    units_share_text(whole > 0 ? (double)part / (double)whole : 0, share);
    snprintf(text, CHECKS_SHARE, "%llu of %llu (%s)", (unsigned long long)part,
             (unsigned long long)whole, share);
}

void checks_where(const struct check *c, char text[CHECKS_WHERE])
{
    const struct scenario *s = c->plan->scenario;
    snprintf(text, CHECKS_WHERE, "%s%s%s%s%s%s", c->subject >= 0 ? " of " : "",
             c->subject >= 0 ? s->subjects[c->subject].name : "", c->image >= 0 ? " for " : "",
             c->image >= 0 ? s->images[c->image].name : "", c->during >= 0 ? " in " : "",
             c->during >= 0 ? s->phases[c->during].name : "");
}

const char *checks_registry_name(const struct check *c, int registry)
{
    return registry >= 0 ? c->plan->scenario->registries[registry].name : "no registry";
}

bool checks_is_failover(const struct check *c, size_t registry)
{
    return c->plan->scenario->registries[registry].role == ROLE_FAILOVER;
}

/* ---- coverage ------------------------------------------------------------------------------ */

bool checks_outcome_counts(const struct check *c, const struct pull_start *start)
{
    return start->ended && check_covers(c, start);
}

bool checks_route_counts(const struct check *c, const struct pull_start *start)
{
    return checks_outcome_counts(c, start) && !start->crosses;
}

const struct pull_start *checks_ended(const struct check *c, const struct event *ev)
{
    return ev->type == EVENT_START_END ? pulls_start(c->pulls, ev->start_end.start) : NULL;
}

void checks_nothing_to_judge(struct check *c, const char *what)
{
    char where[CHECKS_WHERE];
    checks_where(c, where);
    check_result(c, VERDICT_INCONCLUSIVE, "no start to judge");
    check_reason(c, NULL, "no start%s %s", where, what);
}

/* ---- routes -------------------------------------------------------------------------------- */

int checks_baked_in(const struct check *c, const struct pull_start *start)
{
    const struct plan *plan = c->plan;
    bool pulled = start->image >= 0 && (start->whole >> start->image & 1) != 0;
    if (!plan->scenario->subjects[start->subject].baked_in || pulled || !start->layout ||
        strcmp(start->layout, "whole") != 0) {
        return -1;
    }
    const struct plan_image *image = plan_image_by_digest(plan, start->result_digest);
    return image ? (int)(image - plan->images) : -1;
}

bool checks_is_manifest(const struct pull_object *object)
{
    return object->kind == PULL_INDEX || object->kind == PULL_MANIFEST;
}

int checks_object_by(const struct pull_start *start, const struct pull_object *object,
                     uint64_t *event)
{
    if (object->served_by >= 0 || !checks_is_manifest(object)) {
        *event = object->served_event;
        return object->served_by;
    }
    /* What a plain image was told by is known by repository and tag too, not by digest alone. */
    bool plain = object == start->objects && object->kind == PULL_MANIFEST;
    *event = plain ? start->told_event : object->told_event;
    return plain ? start->told_by : object->told_by;
}

int checks_manifest_by(const struct pull_start *start, int registry, uint64_t *event)
{
    int found = -1;
    uint64_t at = 0;
    for (size_t i = 0; i < start->object_count; i++) {
        uint64_t seen;
        int by = checks_is_manifest(&start->objects[i])
                     ? checks_object_by(start, &start->objects[i], &seen)
                     : -1;
        if (by >= 0 && (found < 0 || (found == registry && by != registry))) {
            found = by;
            at = seen;
        }
    }
    if (event) {
        *event = at;
    }
    return found;
}

int checks_failover_before(const struct check *c, const struct pull_start *start, int registry)
{
    uint64_t first = start->registries[registry].first_event;
    for (size_t i = 0; i < c->plan->scenario->registry_count; i++) {
        const struct pull_registry *other = &start->registries[i];
        if ((int)i != registry && checks_is_failover(c, i) && other->requests > 0 &&
            (first == 0 || other->first_event < first)) {
            return (int)i;
        }
    }
    return -1;
}

/* Whether RULE acts on REGISTRY (-1: any registry) or one of its other hosts, for START's lane. */
static bool acts_on(const struct check *c, const struct fault_rule *rule,
                    const struct pull_start *start, int registry)
{
    const struct scenario *s = c->plan->scenario;
    if ((rule->match.lane != 0 && rule->match.lane != start->lane) ||
        !scenario_fault_meets(s, rule, (size_t)start->subject)) {
        return false;
    }
    for (size_t i = 0; i < s->registry_count; i++) {
        if ((registry < 0 || registry == (int)i) && scenario_fault_on_registry(s, rule, i)) {
            return true;
        }
    }
    return rule->kind->place == PLACE_SUBJECT; /* a machine is between it and any registry */
}

static bool is_untraced(const struct fault_rule *rule)
{
    return rule->kind->evidence == EVIDENCE_ARMED;
}

static bool is_unreachable(const struct fault_rule *rule)
{
    return rule->kind->stage == STAGE_LISTEN || rule->kind->stage == STAGE_ACCEPT ||
           rule->kind->stage == STAGE_TLS || rule->kind->kind == FAULT_NETWORK_LATE;
}

static const struct fault_rule *find_fault(const struct check *c, const struct pull_start *start,
                                           int registry, bool (*is)(const struct fault_rule *))
{
    if (start->phase < 0) {
        return NULL;
    }
    const struct scenario_phase *phase = &c->plan->scenario->phases[start->phase];
    for (size_t i = 0; i < phase->fault_count; i++) {
        const struct fault_rule *rule = &c->plan->scenario->faults[phase->faults[i]];
        if (is(rule) && acts_on(c, rule, start, registry)) {
            return rule;
        }
    }
    return NULL;
}

const struct fault_rule *checks_untraced(const struct check *c, const struct pull_start *start,
                                         int registry)
{
    return find_fault(c, start, registry, is_untraced);
}

const struct fault_rule *checks_unreachable(const struct check *c, const struct pull_start *start,
                                            int registry)
{
    return find_fault(c, start, registry, is_unreachable);
}

/* ---- bounds -------------------------------------------------------------------------------- */

bool checks_min_kept(const struct check_value *min, uint64_t part, uint64_t whole)
{
    if (!min->set) {
        return true;
    }
    return min->is_share ? (double)part + EPSILON >= min->share * (double)whole
                         : part >= min->number;
}

bool checks_max_kept(const struct check_value *max, uint64_t part, uint64_t whole)
{
    if (!max->set) {
        return true;
    }
    return max->is_share ? (double)part <= max->share * (double)whole + EPSILON
                         : part <= max->number;
}

/* The most starts that the check can cover; false where a closed loop in a phase by time or event
 * leaves that open. */
static bool planned_most(const struct check *c, uint64_t *out)
{
    const struct scenario *s = c->plan->scenario;
    *out = 0;
    for (size_t p = 0; p < s->phase_count; p++) {
        if (c->during >= 0 && c->during != (int)p) {
            continue;
        }
        for (size_t i = 0; i < s->subject_count; i++) {
            uint64_t most = 0;
            if (c->subject >= 0 && c->subject != (int)i) {
                continue;
            }
            if (!scenario_most_starts(s, p, i, &most)) {
                return false;
            }
            *out += most;
        }
    }
    return true;
}

bool checks_min_lost(const struct check *c, const struct check_value *min, uint64_t missed)
{
    uint64_t most;
    if (!min->set || missed == 0) {
        return false;
    }
    if (min->is_share && min->share >= 1) {
        return true;
    }
    if (!planned_most(c, &most)) {
        return false;
    }
    return min->is_share ? (double)missed > (1 - min->share) * (double)most + EPSILON
                         : missed + min->number > most;
}

bool checks_max_lost(const struct check *c, const struct check_value *max, uint64_t reached)
{
    uint64_t most;
    if (!max->set || reached == 0) {
        return false;
    }
    if (!max->is_share) {
        return reached > max->number;
    }
    if (!(max->share > 0)) {
        return true;
    }
    return planned_most(c, &most) && (double)reached > max->share * (double)most + EPSILON;
}

void checks_bound_text(const struct check_value *bound, char text[CHECKS_BOUND])
{
    if (bound->is_share) {
        char share[32];
        units_share_text(bound->share, share);
        snprintf(text, CHECKS_BOUND, "%s", share);
    } else {
        snprintf(text, CHECKS_BOUND, "%llu", (unsigned long long)bound->number);
    }
}

/* ---- strays -------------------------------------------------------------------------------- */

/* Follows PHASE (its index, -1 between phases) over EV. */
static void follow_phase(const struct check *c, const struct event *ev, int *phase)
{
    if (ev->type == EVENT_PHASE_BEGIN && ev->phase.phase) {
        *phase = plan_phase(c->plan, ev->phase.phase);
    } else if (ev->type == EVENT_PHASE_END) {
        *phase = -1;
    }
}

void checks_stray_init(struct checks_stray *s, int registry, uint32_t ops)
{
    *s = (struct checks_stray){.phase = -1, .registry = registry, .ops = ops};
}

void checks_stray_event(struct checks_stray *s, const struct check *c, const struct event *ev)
{
    const struct event_request *ask = &ev->request;
    follow_phase(c, ev, &s->phase);
    if (ev->type != EVENT_REQUEST || ask->lane == 0 || s->phase < 0 ||
        (c->during >= 0 && s->phase != c->during)) {
        return;
    }
    if ((unsigned)ask->op >= OP_COUNT || (s->ops & OP_BIT(ask->op)) == 0 || !ask->registry ||
        (s->registry >= 0 && plan_registry(c->plan, ask->registry) != s->registry)) {
        return;
    }
    const struct pull_start *start = pulls_lane(c->pulls, ask->lane);
    bool own = ask->start != 0 && start && start->number == ask->start && !ask->late;
    if (own || (ask->late && !s->late)) {
        return;
    }
    s->count++;
    s->event = s->event ? s->event : ev->n;
}

enum verdict_kind checks_doubt(struct check *c, const struct checks_stray *s,
                               enum verdict_kind verdict)
{
    uint64_t events[] = {s->event, 0};
    if (verdict != VERDICT_PASS || s->count == 0) {
        return verdict;
    }
    check_reason(c, events, "%llu request%s of no start could change this",
                 (unsigned long long)s->count, s->count == 1 ? "" : "s");
    return VERDICT_INCONCLUSIVE;
}

/* ---- lag ----------------------------------------------------------------------------------- */

enum verdict_kind checks_lag(struct check *c, const struct check_value *within)
{
    if (!within->set || c->lag_p99_ns <= within->number / 10) {
        return VERDICT_PASS;
    }
    char lag[32];
    units_duration_text(c->lag_p99_ns, lag);
    check_reason(c, NULL, "the harness itself lagged by %s (p99), more than a tenth of %s", lag,
                 within->text);
    return VERDICT_INCONCLUSIVE;
}

/* ---- the rest ------------------------------------------------------------------------------ */

enum verdict_kind checks_worse(enum verdict_kind a, enum verdict_kind b)
{
    return a > b ? a : b;
}

bool checks_list_add(struct check *c, struct checks_list *list, uint64_t value)
{
    if (list->count == list->cap) {
        size_t cap = list->cap == 0 ? 16 : list->cap * 2;
        uint64_t *grown = arena_alloc(c->arena, cap, sizeof *grown);
        if (!grown) {
            return false;
        }
        if (list->count > 0) {
            memcpy(grown, list->value, list->count * sizeof *grown);
        }
        list->value = grown;
        list->cap = cap;
    }
    list->value[list->count++] = value;
    return true;
}
