/* How many starts a scenario plans, phase by phase, and how long they may take at most. */
#include <stdio.h>

#include "harness/base/units.h"
#include "harness/explain_internal.h"

uint64_t explain_starts(const struct scenario *s, size_t phase, int subject)
{
    uint64_t sum = 0;
    if (s->phases[phase].by != BY_STARTS) {
        return EXPLAIN_UNKNOWN;
    }
    for (size_t i = 0; i < s->subject_count; i++) {
        sum += subject < 0 || subject == (int)i ? s->phases[phase].starts[i] : 0;
    }
    return sum;
}

bool explain_phase_has(const struct scenario *s, size_t phase, size_t fault)
{
    for (size_t i = 0; i < s->phases[phase].fault_count; i++) {
        if (s->phases[phase].faults[i] == fault) {
            return true;
        }
    }
    return false;
}

/* The sum of A and B, either of which may be unknown. */
static uint64_t add(uint64_t a, uint64_t b)
{
    return a > EXPLAIN_UNKNOWN - b ? EXPLAIN_UNKNOWN : a + b;
}

uint64_t explain_fault_starts(const struct scenario *s, size_t fault)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->phase_count; i++) {
        for (size_t k = 0; explain_phase_has(s, i, fault) && k < s->subject_count; k++) {
            bool meets = scenario_fault_meets(s, &s->faults[fault], k);
            sum = add(sum, meets ? explain_starts(s, i, (int)k) : 0);
        }
    }
    return sum;
}

bool explain_acts_on(const struct fault_rule *rule, const struct scenario *s, size_t registry)
{
    return scenario_fault_on_registry(s, rule, registry);
}

static bool phase_breaks(const struct scenario *s, size_t phase, size_t registry)
{
    for (size_t i = 0; i < s->phases[phase].fault_count; i++) {
        if (explain_acts_on(&s->faults[s->phases[phase].faults[i]], s, registry)) {
            return true;
        }
    }
    return false;
}

uint64_t explain_check_starts(const struct check *c, const struct scenario *s, bool with_fault,
                              size_t registry)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->phase_count; i++) {
        bool in =
            (c->during < 0 || c->during == (int)i) && (!with_fault || phase_breaks(s, i, registry));
        sum = add(sum, in ? explain_starts(s, i, c->subject) : 0);
    }
    return sum;
}

void explain_ends(const struct scenario *s, size_t phase, char *text, size_t size)
{
    const struct scenario_phase *p = &s->phases[phase];
    uint64_t starts = explain_starts(s, phase, -1);
    char time[32];
    switch (p->by) {
    case BY_STARTS:
        snprintf(text, size, "%llu start%s", (unsigned long long)starts, starts == 1 ? "" : "s");
        return;
    case BY_TIME:
        units_duration_text(p->for_ns, time);
        snprintf(text, size, "%s", time);
        return;
    case BY_EVENT:
        snprintf(text, size, "until %s", event_type_name(p->until.event));
        return;
    }
}

static uint64_t times(uint64_t n, uint64_t ns)
{
    return n > 0 && ns > EXPLAIN_UNKNOWN / n ? EXPLAIN_UNKNOWN : n * ns;
}

/* The most that SUBJECT's starts in PHASE take. */
static uint64_t longest_of(const struct scenario *s, size_t phase, size_t subject)
{
    const struct scenario_phase *p = &s->phases[phase];
    const struct scenario_subject *who = &s->subjects[subject];
    uint64_t n = p->starts[subject];
    if (p->by == BY_TIME) {
        return add(p->for_ns, who->timeout_ns);
    }
    if (p->by == BY_EVENT) {
        return add(p->until.at_most_ns, who->timeout_ns);
    }
    if (n == 0) {
        return 0;
    }
    if (who->every_ns > 0) {
        return add(times(n - 1, who->every_ns), who->timeout_ns);
    }
    return times((n + who->concurrency - 1) / who->concurrency, who->timeout_ns);
}

uint64_t explain_longest(const struct scenario *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i <= s->phase_count; i++) {
        uint64_t most = 0;
        for (size_t k = 0; k < s->subject_count; k++) {
            /* The last round is that of the control starts. */
            uint64_t ns = i < s->phase_count ? longest_of(s, i, k) : s->subjects[k].timeout_ns;
            most = ns > most ? ns : most;
        }
        sum = add(sum, most);
    }
    return sum;
}
