/* Slices: where a moment lies on the picture, and that every attempt and start is counted once. */
#include <criterion/criterion.h>
#include <string.h>

#include "reports/web/slices.h"

#define MS UINT64_C(1000000)

static struct slices s;

static uint64_t sum_attempts(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s.count; i++) {
        sum += slices_height(&s, i);
    }
    return sum;
}

static uint64_t sum_starts(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s.count; i++) {
        const struct slices_starts *at = &s.starts[i];
        sum += at->worked + at->failed + at->hung + at->wrong + at->stopped;
    }
    return sum;
}

/* Slices follow one another without a gap, each in one stretch, and time never goes left. */
static void check_shape(const struct trace *t)
{
    size_t next = 0;
    cr_assert_gt(s.stretch_count, 0);
    for (size_t i = 0; i < s.stretch_count; i++) {
        cr_assert_eq(s.stretches[i].first, next);
        cr_assert_geq(s.stretches[i].count, 1);
        cr_assert_leq(s.stretches[i].from_ns, s.stretches[i].to_ns);
        next += s.stretches[i].count;
    }
    cr_assert_eq(s.count, next);
    cr_assert_leq(s.count, SLICES_MAX);
    double before = 0;
    for (uint64_t i = 0; i <= 1000; i++) {
        double at = slices_place(&s, t->end_ns / 1000 * i);
        cr_assert_geq(at, before);
        cr_assert_leq(at, (double)s.count);
        before = at;
    }
    for (size_t i = 0; i < s.count; i++) {
        cr_assert_leq(slices_begin_ns(&s, i), slices_end_ns(&s, i));
    }
}

static void fill(const struct trace *t)
{
    slices_fill(&s, t);
    check_shape(t);
}

#define ATTEMPT(AT, REGISTRY, FAILED)                                                              \
    {                                                                                              \
        .t_ns = (AT)*MS, .start = 1, .registry = (REGISTRY), .failed = (FAILED)                    \
    }

/* steady 0 to 100 ms, outage 100 to 300, recovery 310 to 410: the times of the tests below. */
static struct trace_band phases[] = {
    {"steady", 0, 100 * MS, 1, 2},
    {"outage", 100 * MS, 300 * MS, 3, 4},
    {"recovery", 310 * MS, 410 * MS, 5, 6},
};

static struct trace three_phases(struct trace_attempt *attempts, size_t count)
{
    return (struct trace){.phases = phases,
                          .phase_count = 3,
                          .attempts = attempts,
                          .attempt_count = count,
                          .registry_count = 2,
                          .end_ns = 420 * MS};
}

/* An attempt on an edge is in the later phase's first slice; none is lost or counted twice, also
 * those before the first phase, between two and behind the last. */
Test(slices, edges)
{
    struct trace_attempt a[] = {ATTEMPT(0, 0, false),   ATTEMPT(100, 0, true),
                                ATTEMPT(100, 1, false), ATTEMPT(305, 1, true),
                                ATTEMPT(310, 0, true),  ATTEMPT(410, 1, true)};
    struct trace t = three_phases(a, 6);
    fill(&t);
    cr_assert_eq(s.stretch_count, 3);
    cr_assert_eq(sum_attempts(), 6);
    size_t outage = s.stretches[1].first;
    size_t recovery = s.stretches[2].first;
    cr_assert_eq(s.attempts[0][0].worked, 1);
    cr_assert_eq(s.attempts[outage][0].failed, 1);
    cr_assert_eq(s.attempts[outage][1].worked, 1);
    cr_assert_eq(s.attempts[recovery - 1][1].failed, 1, "between two: the phase before");
    cr_assert_eq(s.attempts[recovery][0].failed, 1);
    cr_assert_eq(s.attempts[s.count - 1][1].failed, 1, "the very end: the last slice");
    phases[0].from_ns = 50 * MS;
    fill(&t);
    phases[0].from_ns = 0;
    cr_assert_eq(s.attempts[0][0].worked, 1);
    cr_assert_eq(sum_attempts(), 6);
}

/* The middle of a phase lies in the middle of its slices; a phase's end where the next begins. */
Test(slices, places)
{
    struct trace t = three_phases(NULL, 0);
    fill(&t);
    const struct slices_stretch *outage = &s.stretches[1];
    double middle = (double)outage->first + (double)outage->count / 2;
    cr_assert_float_eq(slices_place(&s, 205 * MS), middle, 1e-9);
    cr_assert_float_eq(slices_place(&s, 100 * MS), (double)outage->first, 1e-9);
    cr_assert_float_eq(slices_place(&s, 310 * MS), (double)s.stretches[2].first, 1e-9);
    cr_assert_float_eq(slices_place(&s, UINT64_MAX), (double)s.count, 1e-9);
    cr_assert_eq(outage->own_ns, 200 * MS);
    cr_assert_eq(slices_begin_ns(&s, outage->first), 100 * MS);
    cr_assert_eq(slices_end_ns(&s, outage->first + outage->count - 1), 310 * MS);
    cr_assert_eq(slices_stretch_of(&s, outage->first), outage);
    cr_assert_null(slices_stretch_of(&s, s.count));
}

/* A short phase beside one that is a hundred times as long keeps a fair share of the width; equal
 * ones have equal shares. */
Test(slices, fair_shares)
{
    struct trace_band p[] = {{"steady", 0, 130 * MS, 1, 2},
                             {"outage", 130 * MS, 15130 * MS, 3, 4},
                             {"recovery", 15130 * MS, 15260 * MS, 5, 6}};
    struct trace t = {.phases = p, .phase_count = 3, .end_ns = 15260 * MS};
    fill(&t);
    cr_assert_geq(s.stretches[0].count * 9, s.count, "at least a ninth");
    cr_assert_geq(s.stretches[2].count * 9, s.count);
    cr_assert_gt(s.stretches[1].count, s.count / 2);
    p[1].to_ns = p[2].from_ns = 260 * MS;
    p[2].to_ns = t.end_ns = 390 * MS;
    fill(&t);
    cr_assert_leq(s.stretches[0].count, s.stretches[1].count + 1);
    cr_assert_leq(s.stretches[1].count, s.stretches[0].count + 1);
}

/* No time passes in any phase: each still has its slices, and holds what is in it. */
Test(slices, zero_length)
{
    struct trace_band p[] = {{"a", 5, 5, 1, 2}, {"b", 5, 5, 3, 4}};
    struct trace_attempt a[] = {{.t_ns = 5}};
    struct trace t = {
        .phases = p, .phase_count = 2, .attempts = a, .attempt_count = 1, .end_ns = 5};
    fill(&t);
    cr_assert_eq(sum_attempts(), 1);
    cr_assert_eq(s.attempts[s.stretches[1].first][0].worked, 1);
}

/* A drill that came to no phase is one stretch; one attempt is enough, and none. */
Test(slices, no_phases)
{
    struct trace_attempt a[] = {ATTEMPT(3, 0, true)};
    struct trace t = {.attempts = a, .attempt_count = 1, .end_ns = 10 * MS};
    fill(&t);
    cr_assert_eq(s.stretch_count, 1);
    cr_assert_eq(s.stretches[0].kind, SLICES_WHOLE);
    cr_assert_eq(sum_attempts(), 1);
    t = (struct trace){0};
    fill(&t);
    cr_assert_eq(sum_attempts(), 0);
}

/* A phase that an abort cut off lasts to the end of the history, and holds everything to there. */
Test(slices, cut_off)
{
    struct trace_band p[] = {{"steady", 0, 100 * MS, 1, 2}, {"outage", 100 * MS, 900 * MS, 3, 0}};
    struct trace_attempt a[] = {ATTEMPT(50, 0, false), ATTEMPT(900, 0, true)};
    struct trace t = {
        .phases = p, .phase_count = 2, .attempts = a, .attempt_count = 2, .end_ns = 900 * MS};
    fill(&t);
    cr_assert_eq(s.stretch_count, 2);
    cr_assert_eq(s.attempts[s.count - 1][0].failed, 1);
    cr_assert_eq(sum_attempts(), 2);
}

/* What starts do after the last phase settles in a stretch of its own; what the harness killed
 * makes none. */
Test(slices, settling)
{
    struct trace_attempt a[] = {ATTEMPT(412, 0, false)};
    struct trace t = three_phases(a, 1);
    fill(&t);
    cr_assert_eq(s.stretch_count, 4);
    cr_assert_eq(s.stretches[3].kind, SLICES_SETTLING);
    cr_assert_eq(s.attempts[s.count - 1][0].worked, 1);
    struct trace_start killed[] = {{.number = 1,
                                    .phase = "recovery",
                                    .end_ns = 415 * MS,
                                    .outcome = OUTCOME_FAILED,
                                    .cancelled = true}};
    t = three_phases(a, 0);
    t.starts = killed;
    t.start_count = 1;
    fill(&t);
    cr_assert_eq(s.stretch_count, 3);
    cr_assert_eq(s.starts[s.count - 1].stopped, 1);
    killed[0].cancelled = false;
    fill(&t);
    cr_assert_eq(s.stretch_count, 4);
    cr_assert_eq(s.starts[s.count - 1].failed, 1);
}

/* Control starts have a stretch of their own, their attempts are in no slice, and nobody else's
 * attempt is ever in theirs. */
Test(slices, control)
{
    struct trace_attempt a[] = {ATTEMPT(409, 0, false), ATTEMPT(416, 0, true)};
    struct trace_start starts[] = {
        {.number = 1, .phase = "steady", .end_ns = 90 * MS, .outcome = OUTCOME_HUNG},
        {.number = 2, .begin_ns = 415 * MS, .end_ns = 419 * MS, .outcome = OUTCOME_FAILED},
    };
    struct trace t = three_phases(a, 2);
    a[1].control = true;
    t.starts = starts;
    t.start_count = 2;
    fill(&t);
    cr_assert_eq(s.stretch_count, 4);
    const struct slices_stretch *control = &s.stretches[3];
    cr_assert_eq(control->kind, SLICES_CONTROL);
    cr_assert_eq(control->from_ns, 415 * MS);
    cr_assert_eq(s.control_attempts, 1);
    cr_assert_eq(sum_attempts(), 1);
    cr_assert_eq(sum_starts(), 2);
    for (size_t i = 0; i < control->count; i++) {
        cr_assert_eq(slices_height(&s, control->first + i), 0);
    }
    a[1].control = false;
    fill(&t);
    cr_assert_eq(sum_attempts(), 2);
    cr_assert_eq(s.stretches[4].kind, SLICES_CONTROL);
    cr_assert_eq(slices_height(&s, s.stretches[4].first), 0);
}

/* Each outcome is counted as what it is. */
Test(slices, outcomes)
{
    struct trace_start starts[] = {
        {.phase = "a", .outcome = OUTCOME_WORKED},
        {.phase = "a", .outcome = OUTCOME_FAILED},
        {.phase = "a", .outcome = OUTCOME_HUNG},
        {.phase = "a", .outcome = OUTCOME_WRONG},
        {.phase = "a", .outcome = OUTCOME_NONE},
        {.phase = "a", .outcome = OUTCOME_WORKED, .cancelled = true},
    };
    struct slices_starts sum = {0};
    for (size_t i = 0; i < 6; i++) {
        slices_count_start(&sum, &starts[i]);
    }
    cr_assert_eq(sum.worked, 1);
    cr_assert_eq(sum.failed, 1);
    cr_assert_eq(sum.hung, 1);
    cr_assert_eq(sum.wrong, 1);
    cr_assert_eq(sum.stopped, 2);
}

/* A hundred thousand attempts over sixteen registries and as many phases as there may be: nothing
 * is lost, and a registry past the maximum is counted with the last. */
Test(slices, very_many)
{
    enum { ATTEMPTS = 100000, PHASES = 70 };
    static struct trace_attempt a[ATTEMPTS];
    static struct trace_band p[PHASES];
    for (size_t i = 0; i < PHASES; i++) {
        p[i] = (struct trace_band){"p", i * 1000, i * 1000 + 990, i, i};
    }
    for (size_t i = 0; i < ATTEMPTS; i++) {
        a[i] = (struct trace_attempt){
            .t_ns = i * 7 % 70000, .registry = (unsigned)(i % 17), .failed = i % 3 == 0};
    }
    struct trace t = {.phases = p,
                      .phase_count = PHASES,
                      .attempts = a,
                      .attempt_count = ATTEMPTS,
                      .registry_count = 17,
                      .end_ns = 70000};
    fill(&t);
    cr_assert_leq(s.stretch_count, SLICES_MAX_STRETCHES);
    cr_assert_eq(sum_attempts(), ATTEMPTS);
    uint64_t last = 0;
    uint64_t failed = 0;
    for (size_t i = 0; i < s.count; i++) {
        last += s.attempts[i][15].worked + s.attempts[i][15].failed;
        for (size_t r = 0; r < SLICES_MAX_REGISTRIES; r++) {
            failed += s.attempts[i][r].failed;
        }
    }
    cr_assert_eq(last, ATTEMPTS / 17 * 2);
    cr_assert_eq(failed, ATTEMPTS / 3 + 1);
}

/* Times near the end of the clock, and phases that end before they begin, do no harm. */
Test(slices, absurd_times)
{
    struct trace_band p[] = {{"a", UINT64_MAX - 10, 3, 1, 2}, {"b", 1, UINT64_MAX, 3, 4}};
    struct trace_attempt a[] = {{.t_ns = UINT64_MAX}, {.t_ns = 0}};
    struct trace t = {
        .phases = p, .phase_count = 2, .attempts = a, .attempt_count = 2, .end_ns = UINT64_MAX};
    slices_fill(&s, &t);
    cr_assert_eq(sum_attempts(), 2);
    cr_assert_leq(s.count, SLICES_MAX);
}

/* Steps are 1, 2 or 5 times a power of ten, and the smallest that will do. */
Test(slices, round_steps)
{
    cr_assert_eq(slices_round_step(0, 4), 1);
    cr_assert_eq(slices_round_step(4, 4), 1);
    cr_assert_eq(slices_round_step(5, 4), 2);
    cr_assert_eq(slices_round_step(14, 4), 5, "2 would make seven");
    cr_assert_eq(slices_round_step(38, 4), 10);
    cr_assert_eq(slices_round_step(100, 4), 50);
    cr_assert_eq(slices_round_step(99, 4), 20);
    cr_assert_eq(slices_round_step(1000, 0), 1);
    cr_assert_gt(slices_round_step(UINT64_MAX, 4), UINT64_MAX / 100);
}
