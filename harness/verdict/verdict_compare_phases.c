/* Two drills of one scenario held against each other phase by phase: outcomes, where images came
 * from, times, attempts. */
#include <stdio.h>
#include <string.h>

#include "harness/base/units.h"
#include "harness/verdict/noise.h"
#include "harness/verdict/verdict_compare_internal.h"

static enum compare_kind kind_of(enum noise noise)
{
    switch (noise) {
    case NOISE_SAME:
        return COMPARE_SAME;
    case NOISE_WITHIN:
        return COMPARE_NOISE;
    case NOISE_WORSE:
        return COMPARE_WORSE;
    case NOISE_BETTER:
        return COMPARE_BETTER;
    }
    return COMPARE_NOT;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* One phase on both sides. */
struct two {
    struct compare_pair *p;
    const struct verdict *was_all, *is_all;
    const struct verdict_phase *was, *is;
    const char *name;
};

static void told(struct two *t, enum compare_kind kind, const char *what, const char *was,
                 const char *is, const char *why)
{
    compare_add(t->p, kind, compare_text(t->p, "%s: %s", t->name, what), was, is, why);
}

/* ---- outcomes ------------------------------------------------------------------------------ */

static uint64_t total(const struct verdict_starts *s)
{
    return s->worked + s->failed + s->hung + s->wrong;
}

static uint64_t bad(const struct verdict_starts *s)
{
    return s->failed + s->hung + s->wrong;
}

static const char *outcomes_text(struct compare_pair *p, const struct verdict_starts *s)
{
    char text[160];
    size_t len = 0;
    const struct {
        uint64_t count;
        const char *word;
    } parts[] = {{s->failed, "failed"}, {s->hung, "hung"}, {s->wrong, "wrong"}};
    text[0] = '\0';
    for (size_t i = 0; i < 3; i++) {
        if (parts[i].count > 0 && len < sizeof text) {
            len += (size_t)snprintf(text + len, sizeof text - len, ", %llu %s",
                                    (unsigned long long)parts[i].count, parts[i].word);
        }
    }
    return compare_text(p, "%llu of %llu worked%s", (unsigned long long)s->worked,
                        (unsigned long long)total(s), text);
}

/* The worst of the shares that did not work, that hung, and that were wrong: one may grow at the
 * expense of another. */
static enum noise outcome_noise(const struct verdict_starts *was, const struct verdict_starts *is)
{
    const uint64_t parts[][2] = {
        {bad(was), bad(is)},
        {was->hung, is->hung},
        {was->wrong, is->wrong},
    };
    enum noise worst = NOISE_SAME;
    for (size_t i = 0; i < 3; i++) {
        enum noise one = noise_share((struct noise_share){parts[i][0], total(was)},
                                     (struct noise_share){parts[i][1], total(is)});
        if (one == NOISE_WORSE || worst == NOISE_SAME) {
            worst = one;
        }
    }
    return worst;
}

/* Whether what happened once must happen again: decisions are repeatable, and so is their number.
 */
static bool is_exact(const struct two *t)
{
    return t->was_all->seed == t->is_all->seed && same_text(t->was->reason, "starts") &&
           same_text(t->is->reason, "starts") && total(&t->was->starts) == total(&t->is->starts);
}

static void compare_outcomes(struct two *t)
{
    const struct verdict_starts *was = &t->was->starts;
    const struct verdict_starts *is = &t->is->starts;
    enum compare_kind kind = kind_of(outcome_noise(was, is));
    const char *why = NULL;
    if (kind == COMPARE_NOISE && is_exact(t) && was->worked == total(was)) {
        kind = COMPARE_WORSE;
        why = "every start worked in OLD";
    } else if (kind == COMPARE_SAME && is->worked < total(is)) {
        kind = COMPARE_STILL;
    }
    told(t, kind, "starts", outcomes_text(t->p, was), outcomes_text(t->p, is), why);
}

/* ---- pulls --------------------------------------------------------------------------------- */

static const char *pulls_text(struct compare_pair *p, const struct verdict_pulls *pulls)
{
    return compare_text(p, "%llu primary, %llu fell back, %llu mixed, %llu failed",
                        (unsigned long long)pulls->primary, (unsigned long long)pulls->fell_back,
                        (unsigned long long)pulls->mixed, (unsigned long long)pulls->failed);
}

/* Worse: fewer from the primary, more that failed, more from here and there. */
static void compare_pulls(struct two *t)
{
    const struct verdict_pulls *was = &t->was->pulls;
    const struct verdict_pulls *is = &t->is->pulls;
    uint64_t was_all = was->primary + was->fell_back + was->failed + was->mixed;
    uint64_t is_all = is->primary + is->fell_back + is->failed + is->mixed;
    const uint64_t parts[][2] = {
        {was->failed, is->failed},
        {was->mixed, is->mixed},
        {was_all - was->primary, is_all - is->primary},
    };
    enum noise worst = NOISE_SAME;
    for (size_t i = 0; i < 3; i++) {
        enum noise one = noise_share((struct noise_share){parts[i][0], was_all},
                                     (struct noise_share){parts[i][1], is_all});
        if (one == NOISE_WORSE || worst == NOISE_SAME) {
            worst = one;
        }
    }
    told(t, kind_of(worst), "pulls", pulls_text(t->p, was), pulls_text(t->p, is), NULL);
}

/* ---- times --------------------------------------------------------------------------------- */

static void compare_one_time(struct two *t, const char *what, unsigned p, uint64_t was, uint64_t is)
{
    char text[2][32];
    uint64_t was_lag = t->was_all->lag_p99_ns;
    uint64_t is_lag = t->is_all->lag_p99_ns;
    enum noise noise = noise_time(was, is, was_lag > is_lag ? was_lag : is_lag);
    units_duration_text(was, text[0]);
    units_duration_text(is, text[1]);
    told(t, kind_of(noise), compare_text(t->p, "%s p%u", what, p), text[0], text[1], NULL);
}

/* A percentile is compared where both sides have enough samples, and is told as not comparable
 * where only one has, and where neither has enough for the median. */
static void compare_times(struct two *t, const char *what, const struct verdict_times *was,
                          const struct verdict_times *is)
{
    const struct {
        unsigned p;
        uint64_t was, is;
    } ranks[] = {{50, was->p50_ns, is->p50_ns},
                 {95, was->p95_ns, is->p95_ns},
                 {99, was->p99_ns, is->p99_ns}};
    for (size_t i = 0; i < 3 && (was->count > 0 || is->count > 0); i++) {
        uint64_t need = noise_samples(ranks[i].p);
        if (was->count >= need && is->count >= need) {
            compare_one_time(t, what, ranks[i].p, ranks[i].was, ranks[i].is);
        } else if (was->count >= need || is->count >= need || i == 0) {
            told(t, COMPARE_NOT, compare_text(t->p, "%s p%u", what, ranks[i].p),
                 compare_text(t->p, "%llu samples", (unsigned long long)was->count),
                 compare_text(t->p, "%llu samples", (unsigned long long)is->count),
                 compare_text(t->p, "too few samples: it needs %llu on both sides",
                              (unsigned long long)need));
            return; /* still less for the next */
        }
    }
}

/* ---- attempts ------------------------------------------------------------------------------ */

/* A fault with a limit or a probability: which requests it strikes hangs on the seed. */
static bool acts_on_part(const struct verdict *v)
{
    for (size_t i = 0; i < v->fault_count; i++) {
        if (v->faults[i].fired < v->faults[i].matched) {
            return true;
        }
    }
    return false;
}

static const uint64_t *find_attempts(const struct verdict *v, const struct verdict_phase *phase,
                                     const char *registry)
{
    for (size_t i = 0; phase->attempts && i < v->registry_count; i++) {
        if (same_text(v->registries[i].name, registry)) {
            return &phase->attempts[i];
        }
    }
    return NULL;
}

/* An earlier version of the program wrote no attempts by phase, but those of the drill. */
static bool lacks_attempts(const struct verdict *v, const char *registry)
{
    uint64_t all = 0;
    for (size_t i = 0; i < v->registry_count; i++) {
        all += same_text(v->registries[i].name, registry) ? v->registries[i].attempts : 0;
    }
    for (size_t i = 0; i < v->phase_count; i++) {
        const uint64_t *attempts = find_attempts(v, &v->phases[i], registry);
        if (attempts && *attempts > 0) {
            return false;
        }
    }
    return all > 0;
}

static void compare_attempts(struct two *t, size_t registry)
{
    const char *name = t->was_all->registries[registry].name;
    const char *what = compare_text(t->p, "attempts per start at %s", name ? name : "(none)");
    const uint64_t *was = find_attempts(t->was_all, t->was, name);
    const uint64_t *is = find_attempts(t->is_all, t->is, name);
    uint64_t was_starts = total(&t->was->starts);
    uint64_t is_starts = total(&t->is->starts);
    if (!was || !is || was_starts == 0 || is_starts == 0) {
        told(t, COMPARE_NOT, what, "", "", "one side has no such registry, or no starts");
        return;
    }
    if (lacks_attempts(t->was_all, name) || lacks_attempts(t->is_all, name)) {
        told(t, COMPARE_NOT, what, "", "", "an earlier version wrote no attempts by phase");
        return;
    }
    double was_mean = (double)*was / (double)was_starts;
    double is_mean = (double)*is / (double)is_starts;
    enum compare_kind kind = kind_of(noise_mean(was_mean, is_mean));
    const char *why = NULL;
    if (t->was_all->seed != t->is_all->seed && kind != COMPARE_SAME &&
        (acts_on_part(t->was_all) || acts_on_part(t->is_all))) {
        kind = COMPARE_NOT;
        why = "other seeds, and a fault that acts on a part of its requests";
    }
    if (kind == COMPARE_BETTER && *is == 0) {
        kind = COMPARE_NOT;
        why = "NEW never tries it";
    } else if (kind == COMPARE_WORSE && *was == 0 && bad(&t->is->starts) < bad(&t->was->starts)) {
        kind = COMPARE_NOT;
        why = "OLD never tried it, and fewer starts worked";
    }
    told(t, kind, what, compare_text(t->p, "%.2f", was_mean), compare_text(t->p, "%.2f", is_mean),
         why);
}

/* ---- phases -------------------------------------------------------------------------------- */

/* The words with which a phase ends before its time. */
static bool is_whole(const struct verdict_phase *phase)
{
    static const char *const broken[] = {"unfinished",    "lost",    "limit",
                                         "sick-baseline", "failure", "interrupted"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        if (same_text(phase->reason, broken[i])) {
            return false;
        }
    }
    return phase->reason != NULL;
}

static const struct verdict_phase *find_phase(const struct verdict *v, const char *name)
{
    for (size_t i = 0; i < v->phase_count; i++) {
        if (same_text(v->phases[i].name, name)) {
            return &v->phases[i];
        }
    }
    return NULL;
}

static void compare_phase(struct two *t)
{
    if (!is_whole(t->was) || !is_whole(t->is)) {
        compare_add(t->p, COMPARE_NOT, compare_text(t->p, "phase %s", t->name), t->was->reason,
                    t->is->reason, "it did not come to its end");
        return;
    }
    compare_outcomes(t);
    compare_pulls(t);
    compare_times(t, "start time", &t->was->start_times, &t->is->start_times);
    compare_times(t, "time to fall back", &t->was->fall_back, &t->is->fall_back);
    for (size_t i = 0; i < t->was_all->registry_count; i++) {
        compare_attempts(t, i);
    }
}

static const struct verdict_fault *find_fault(const struct verdict *v, const char *name)
{
    for (size_t i = 0; i < v->fault_count; i++) {
        if (same_text(v->faults[i].name, name)) {
            return &v->faults[i];
        }
    }
    return NULL;
}

/* The first fault of A that B lacks or words otherwise; NULL: none. */
static const struct verdict_fault *other_fault(const struct verdict *a, const struct verdict *b)
{
    for (size_t i = 0; i < a->fault_count; i++) {
        const struct verdict_fault *f = find_fault(b, a->faults[i].name);
        if (!f || !same_text(f->text, a->faults[i].text) || !same_text(f->on, a->faults[i].on)) {
            return &a->faults[i];
        }
    }
    return NULL;
}

static bool same_faults(struct compare_pair *p, const struct verdict *was, const struct verdict *is)
{
    const struct verdict_fault *other = other_fault(was, is);
    other = other ? other : other_fault(is, was);
    if (other) {
        const struct verdict_fault *a = find_fault(was, other->name);
        const struct verdict_fault *b = find_fault(is, other->name);
        compare_add(p, COMPARE_NOT, "phases", a ? a->text : "none", b ? b->text : "none",
                    compare_text(p, "other faults: %s", other->name ? other->name : "(none)"));
    }
    return !other;
}

void compare_phases(struct compare_pair *p, const struct verdict *was, const struct verdict *is)
{
    if (!same_faults(p, was, is)) {
        return;
    }
    for (size_t i = 0; i < was->phase_count; i++) {
        struct two t = {.p = p, .was_all = was, .is_all = is, .was = &was->phases[i]};
        t.name = t.was->name ? t.was->name : "(none)";
        t.is = find_phase(is, t.was->name);
        if (t.is) {
            compare_phase(&t);
        } else {
            compare_add(p, COMPARE_NOT, compare_text(p, "phase %s", t.name), t.was->reason,
                        "missing", "NEW has no such phase");
        }
    }
    for (size_t i = 0; i < is->phase_count; i++) {
        if (!find_phase(was, is->phases[i].name)) {
            const char *name = is->phases[i].name;
            compare_add(p, COMPARE_NEW, compare_text(p, "phase %s", name ? name : "(none)"), "",
                        is->phases[i].reason, NULL);
        }
    }
}
