/* Starts in the verdict: outcomes and labels in all and by phase, and those that did not work. */
#include <string.h>

#include "harness/judge_internal.h"

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
        .subject = judge_copy(j, j->plan->scenario->subjects[start->subject].name),
        .phase = judge_copy(j, phase_name(j, start)),
        .start = start->number,
        .outcome = outcome_name(start->outcome),
        .last = arena_printf(&v->arena, "%s; %s", start->last, reason),
        .event = start->last_event ? start->last_event : start->end_event,
        .said = start->said ? judge_copy(j, start->said) : NULL,
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

void judge_starts_finish(struct judge *j)
{
    close_phases(j);
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
