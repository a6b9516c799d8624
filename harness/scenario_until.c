/* `until`: a phase that ends by what happens in it. */
#include "harness/scenario_internal.h"

#include <stdio.h>
#include <string.h>

#include "harness/until.h"

/* The event, by its index among those that can be waited for. */
static int read_event(struct scenario_reader *r, struct doc_at at, size_t *index)
{
    struct doc_at event;
    if (scenario_need_key(r, at, "\"until\"", &scenario_level_until, "event", &event) != 0)
        return -1;
    return scenario_choice_key(r, event, &scenario_level_until, "event", index);
}

/* What event INDEX can be narrowed by, in words. */
static void list_narrowings(size_t index, char text[128])
{
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; until_narrowings[i].key; i++) {
        if (until_event_narrows(index) & until_narrowings[i].bit) {
            snprintf(text + len, 128 - len, "%s\"%s\"", len > 0 ? ", " : "",
                     until_narrowings[i].key);
            len = strlen(text);
        }
    }
}

static int check_narrowings(struct scenario_reader *r, struct doc_at at, size_t index)
{
    char fitting[128];
    struct doc_at value;
    for (size_t i = 0; until_narrowings[i].key; i++) {
        bool fits = (until_event_narrows(index) & until_narrowings[i].bit) != 0;
        if (fits || !doc_member(at, until_narrowings[i].key, &value))
            continue;
        list_narrowings(index, fitting);
        return doc_complain(r->err, value,
                            "an event \"%s\" has no \"%s\"; it can be narrowed by %s",
                            until_event_word(index), until_narrowings[i].key, fitting);
    }
    return 0;
}

/* The index of what KEY of AT names in a table; -1 where KEY is absent. */
static int read_named(struct scenario_reader *r, struct doc_at at, const char *key,
                      const void *names, size_t count, size_t stride, int *out)
{
    struct doc_at value;
    const char *name;
    *out = -1;
    if (!doc_member(at, key, &value))
        return 0;
    if (scenario_name_value(r, value, key, &name) != 0)
        return -1;
    *out = scenario_lookup(r, value, key, name, names, count, stride);
    return *out < 0 ? -1 : 0;
}

static int read_outcome(struct scenario_reader *r, struct doc_at at, enum outcome *out)
{
    struct doc_at value;
    size_t index = 0;
    *out = OUTCOME_NONE;
    if (!doc_member(at, "outcome", &value))
        return 0;
    if (scenario_choice_key(r, value, &scenario_level_until, "outcome", &index) != 0)
        return -1;
    *out = (enum outcome)(index + 1);
    return 0;
}

static int read_narrowings(struct scenario_reader *r, struct doc_at at, struct scenario_until *out)
{
    const struct scenario *s = r->s;
    if (read_named(r, at, "registry", s->registries, s->registry_count, sizeof *s->registries,
                   &out->registry) != 0 ||
        read_named(r, at, "subject", s->subjects, s->subject_count, sizeof *s->subjects,
                   &out->subject) != 0 ||
        read_named(r, at, "fault", s->faults, s->fault_count, sizeof *s->faults, &out->fault) != 0)
        return -1;
    return read_outcome(r, at, &out->outcome);
}

/* A fault that can never be seen to act in PHASE would only be waited for. */
static int check_fault(struct scenario_reader *r, struct doc_at at,
                       const struct scenario_phase *phase)
{
    const struct scenario *s = r->s;
    struct doc_at value;
    bool here = false;
    if (phase->until.event == EVENT_FAULT_DECIDED && phase->fault_count == 0)
        return doc_complain(
            r->err, at,
            "phase \"%s\" has no faults, so none is ever decided; add \"faults\", or "
            "wait for another event",
            phase->name);
    if (!doc_member(at, "fault", &value))
        return 0;
    const struct fault_rule *rule = &s->faults[phase->until.fault];
    for (size_t i = 0; i < phase->fault_count; i++)
        here = here || phase->faults[i] == (size_t)phase->until.fault;
    if (!here)
        return doc_complain(r->err, value,
                            "fault \"%s\" is not in phase \"%s\"; add it to the phase's \"faults\"",
                            rule->name, phase->name);
    if (rule->kind->evidence == EVIDENCE_ARMED && phase->until.event == EVENT_FAULT_DECIDED)
        return doc_complain(r->err, value,
                            "a fault of kind \"%s\" leaves no \"fault-decided\"; wait for a "
                            "\"start-end\"",
                            rule->kind->name);
    return 0;
}

static int read_at_most(struct scenario_reader *r, struct doc_at at, struct scenario_phase *phase)
{
    struct doc_at value;
    if (scenario_need_key(r, at, "\"until\"", &scenario_level_until, "at-most", &value) != 0 ||
        scenario_duration(r, value, "\"at-most\"", &phase->until.at_most_ns) != 0)
        return -1;
    if (phase->until.at_most_ns >= r->s->limit_ns)
        return doc_complain(r->err, value,
                            "\"at-most\" of phase \"%s\" is not below the drill's limit "
                            "(\"limit\", 10m where absent); make it shorter or raise the limit",
                            phase->name);
    return 0;
}

int scenario_until(struct scenario_reader *r, struct doc_at at, struct scenario_phase *phase)
{
    struct scenario_until *out = &phase->until;
    struct doc_at count;
    size_t index = 0;
    if (scenario_keys(r, at, &scenario_level_until) != 0 || read_event(r, at, &index) != 0 ||
        check_narrowings(r, at, index) != 0 || read_narrowings(r, at, out) != 0)
        return -1;
    out->event = until_event_type(index);
    out->count = 1;
    if (doc_member(at, "count", &count) &&
        scenario_count_key(r, count, &scenario_level_until, "count", &out->count) != 0)
        return -1;
    return check_fault(r, at, phase) != 0 ? -1 : read_at_most(r, at, phase);
}
