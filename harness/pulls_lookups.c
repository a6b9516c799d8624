/* What starts do that is no request: names looked up, conditions of their machine, and connections
 * that only the kernel has seen. */
#include <stdio.h>
#include <string.h>

#include "harness/pulls_internal.h"

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static void note_faults(struct pulls *p, struct pulls_lane *lane, const char *faults)
{
    while (faults && *faults) {
        size_t len = strcspn(faults, " ");
        pulls_fault_met(p, lane, faults, len);
        faults += len + strspn(faults + len, " ");
    }
}

/* What stopped the start from going on, as the last it did. */
static void note_last(struct pulls_lane *lane, const struct event *ev, int registry)
{
    const struct event_lookup *l = &ev->lookup;
    struct pulls_last *last = &lane->last;
    *last = (struct pulls_last){.registry = registry, .op = OP_LOOKUP, .event = ev->n};
    snprintf(last->reference, sizeof last->reference, "%.60s, %.20s", l->name ? l->name : "a name",
             l->answer ? l->answer : "dropped");
    snprintf(last->faults, sizeof last->faults, "%s", l->faults ? l->faults : "");
}

/* A lookup that a fault spoilt is where the start first met its registry, and its trouble there. */
void pulls_looked_up(struct pulls *p, const struct event *ev)
{
    const struct event_lookup *l = &ev->lookup;
    struct pulls_record *record = pulls_running(p, l->start, l->lane);
    if (!record) {
        return;
    }
    bool spoilt =
        same(l->answer, "nxdomain") || same(l->answer, "servfail") || same(l->answer, "dropped");
    int registry = l->registry ? plan_registry(p->plan, l->registry) : -1;
    note_faults(p, record->lane, l->faults);
    bool stops = spoilt || same(l->answer, "refused");
    const struct pulls_last *last = &record->lane->last;
    if (stops || ((last->event == 0 || last->op == OP_LOOKUP) && !same(l->answer, "no-data"))) {
        note_last(record->lane, ev, registry);
    }
    if (registry >= 0 && l->faults) {
        struct pull_registry *met = &record->pub.registries[registry];
        pulls_first_contact(met, ev);
        if (spoilt || l->waited_ns > 0) {
            pulls_trouble(met, ev->n);
        }
    }
}

void pulls_machine(struct pulls *p, const struct event *ev)
{
    const struct event_fault_decided *decided = &ev->decided;
    struct pulls_record *record = pulls_running(p, decided->start, decided->lane);
    bool machine = same(decided->op, op_name(OP_START));
    if (record && decided->fired && (machine || same(decided->op, op_name(OP_HANDSHAKE)))) {
        pulls_fault_met(p, record->lane, decided->fault, strlen(decided->fault));
    }
}

void pulls_count_kernel(struct pulls *p, const struct event *ev)
{
    const struct event_counter *counter = &ev->counter;
    struct pulls_record *record = pulls_map_get(&p->by_number, counter->start);
    for (int i = COUNTER_NONE + 1; record && i < COUNTER_COUNT; i++) {
        if (!same(counter->counter, fault_counter_name((enum fault_counter)i))) {
            continue;
        }
        const struct pull_start *start = &record->pub;
        record->pub.counted[i] += counter->value;
        bool quiet = start->phase >= 0 && p->plan->scenario->phases[start->phase].fault_count == 0;
        if (quiet && start->counted[i] > p->quiet[i]) {
            p->quiet[i] = start->counted[i];
        }
    }
}

bool pulls_counted(const struct pulls *p, const struct pull_start *start,
                   enum fault_counter counter)
{
    return start->counted[counter] > p->quiet[counter];
}
