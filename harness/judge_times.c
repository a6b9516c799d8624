/* What reports show of each phase beside its outcomes: how long starts took, how long falling back
 * took, and how often each registry was tried. */
#include <stdlib.h>

#include "harness/fall_back.h"
#include "harness/judge_internal.h"

/* One list of durations, filled anew for each phase. */
struct samples {
    uint64_t *ns;
    size_t count;
};

static struct verdict_times times_of(struct samples *s)
{
    struct verdict_times times = {.count = s->count};
    for (size_t i = 0; i < s->count; i++) {
        times.sum_ns += s->ns[i];
    }
    times.p50_ns = check_percentile(s->ns, s->count, 0.50);
    times.p95_ns = check_percentile(s->ns, s->count, 0.95);
    times.p99_ns = check_percentile(s->ns, s->count, 0.99);
    times.max_ns = check_percentile(s->ns, s->count, 1);
    return times;
}

static void time_starts(struct judge *j, struct verdict_phase *phase, struct samples *s)
{
    s->count = 0;
    for (size_t i = 0; i < pulls_count(j->pulls); i++) {
        const struct pull_start *start = pulls_at(j->pulls, i);
        if (judge_start_counts(start) && start->outcome == OUTCOME_WORKED &&
            judge_phase_of(j, start) == phase) {
            s->ns[s->count++] = start->took_ns;
        }
    }
    phase->start_times = times_of(s);
}

/* Starts that cross a phase's edge count in no question of routes. */
static void time_fall_backs(struct judge *j, struct verdict_phase *phase, struct samples *s)
{
    s->count = 0;
    for (size_t i = 0; i < pulls_count(j->pulls); i++) {
        const struct pull_start *start = pulls_at(j->pulls, i);
        uint64_t ns = 0;
        if (judge_start_counts(start) && !start->crosses && judge_phase_of(j, start) == phase &&
            fall_back_of(j->plan, start, &ns) == FALL_BACK_TIMED) {
            s->ns[s->count++] = ns;
        }
    }
    phase->fall_back = times_of(s);
}

/* Control starts are of no phase. */
static void count_attempts(struct judge *j)
{
    size_t count;
    const struct pull_attempt *attempts = pulls_attempts(j->pulls, &count);
    for (size_t i = 0; i < count; i++) {
        const struct pull_start *start = pulls_start(j->pulls, attempts[i].start);
        struct verdict_phase *phase = start ? judge_phase_of(j, start) : NULL;
        if (phase) {
            phase->attempts[attempts[i].registry]++;
            phase->failed[attempts[i].registry] += attempts[i].failed ? 1 : 0;
        }
    }
}

/* False: no memory, which the arena remembers. */
static bool make_counters(struct judge *j)
{
    struct verdict *v = j->verdict;
    size_t count = j->plan->scenario->registry_count + 1;
    for (size_t i = 0; i < v->phase_count; i++) {
        v->phases[i].attempts = arena_alloc(&v->arena, count, sizeof v->phases[i].attempts[0]);
        v->phases[i].failed = arena_alloc(&v->arena, count, sizeof v->phases[i].failed[0]);
    }
    return !v->arena.failed;
}

void judge_times_finish(struct judge *j)
{
    struct verdict *v = j->verdict;
    struct samples s = {.ns = calloc(pulls_count(j->pulls) + 1, sizeof *s.ns)};
    v->lag_p99_ns = j->lag_p99_ns;
    if (!s.ns || !make_counters(j)) {
        v->arena.failed = true;
        free(s.ns);
        return;
    }
    for (size_t i = 0; i < v->phase_count; i++) {
        time_starts(j, &v->phases[i], &s);
        time_fall_backs(j, &v->phases[i], &s);
    }
    count_attempts(j);
    free(s.ns);
}
