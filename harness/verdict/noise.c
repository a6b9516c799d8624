/* What a difference between two results of the same drill means: chance, or a change. */
#include "harness/verdict/noise.h"

#include <math.h>
#include <stddef.h>

/* The numbers of the rule; noise_rule says them. */
#define CHANCE 0.01
#define TIME_GROWTH 1.5
#define TIME_NS UINT64_C(250000000)
#define TIME_LAGS 20
#define SAME_TIME_GROWTH 1.1
#define SAME_TIME_NS UINT64_C(10000000)
#define MEAN_GROWTH 1.1
#define MEAN_MORE 0.5

static const struct {
    unsigned p;
    uint64_t samples;
} ranks[] = {{50, 5}, {95, 20}, {99, 100}};
#define RANK_COUNT (sizeof ranks / sizeof ranks[0])

/* Terms of the hypergeometric tail; past its mode they fall fast. */
#define MAX_TERMS 1000000

/* ---- shares -------------------------------------------------------------------------------- */

static double log_choose(double n, double k)
{
    int sign;
    return lgamma_r(n + 1, &sign) - lgamma_r(k + 1, &sign) - lgamma_r(n - k + 1, &sign);
}

double noise_fisher(struct noise_share was, struct noise_share is)
{
    double draws = (double)is.whole;
    double others = (double)was.whole;
    double marked = (double)was.part + (double)is.part;
    double all = draws + others;
    double most = marked < draws ? marked : draws;
    double sum = 0;
    double x = (double)is.part;
    for (int i = 0; i < MAX_TERMS && x <= most; i++, x++) {
        double unmarked = draws - x;
        if (unmarked > all - marked) {
            continue;
        }
        double term = exp(log_choose(marked, x) + log_choose(all - marked, unmarked) -
                          log_choose(all, draws));
        sum += term;
        if (term < sum * 1e-12) {
            break;
        }
    }
    return sum < 1 ? sum : 1;
}

/* Shares that no journal of ours can hold (more than all) are taken as all. */
static struct noise_share sane(struct noise_share s)
{
    s.part = s.part < s.whole ? s.part : s.whole;
    return s;
}

enum noise noise_share(struct noise_share was, struct noise_share is)
{
    was = sane(was);
    is = sane(is);
    if (was.part == is.part && was.whole == is.whole) {
        return NOISE_SAME;
    }
    if (was.part == 0 && is.part == 0) {
        return NOISE_SAME;
    }
    if (was.part == was.whole && is.part == is.whole) {
        return NOISE_SAME;
    }
    if (noise_fisher(was, is) < CHANCE) {
        return NOISE_WORSE;
    }
    return noise_fisher(is, was) < CHANCE ? NOISE_BETTER : NOISE_WITHIN;
}

/* ---- times --------------------------------------------------------------------------------- */

static bool grew(uint64_t from_ns, uint64_t to_ns, uint64_t lag_ns)
{
    uint64_t by = to_ns > from_ns ? to_ns - from_ns : 0;
    return (double)to_ns > (double)from_ns * TIME_GROWTH && by > TIME_NS && by / TIME_LAGS > lag_ns;
}

enum noise noise_time(uint64_t was_ns, uint64_t is_ns, uint64_t lag_ns)
{
    uint64_t less = was_ns < is_ns ? was_ns : is_ns;
    uint64_t more = was_ns < is_ns ? is_ns : was_ns;
    if (grew(was_ns, is_ns, lag_ns)) {
        return NOISE_WORSE;
    }
    if (grew(is_ns, was_ns, lag_ns)) {
        return NOISE_BETTER;
    }
    bool near = more - less <= SAME_TIME_NS || (double)more <= (double)less * SAME_TIME_GROWTH;
    return near ? NOISE_SAME : NOISE_WITHIN;
}

uint64_t noise_samples(unsigned p)
{
    for (size_t i = 0; i < RANK_COUNT; i++) {
        if (ranks[i].p == p) {
            return ranks[i].samples;
        }
    }
    return UINT64_MAX;
}

/* ---- means --------------------------------------------------------------------------------- */

static bool rose(double from, double to)
{
    return to > from * MEAN_GROWTH && to - from > MEAN_MORE;
}

enum noise noise_mean(double was, double is)
{
    if (rose(was, is)) {
        return NOISE_WORSE;
    }
    if (rose(is, was)) {
        return NOISE_BETTER;
    }
    return fabs(was - is) < 0.005 ? NOISE_SAME : NOISE_WITHIN;
}

/* ---- words --------------------------------------------------------------------------------- */

void noise_rule(const char *indent, struct buf *out)
{
    static const char *const verdicts[] = {
        "Verdicts, of scenarios and of checks, are exact: any that is worse is a",
        "regression, and so is a scenario or a check that was judged in OLD and is",
        "missing, skipped or not judged in NEW. A bad twin that OLD caught regresses",
        "when it passes. What failed in both is said, but is no regression.",
        "Phases are held against each other when their faults are the same and both",
        "came to their end.",
        "Outcomes: any start that did not work is a regression where OLD had none, in a",
        "phase that counts its starts, with the same seed and number of starts.",
    };
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        buf_printf(out, "%s%s\n", indent, verdicts[i]);
    }
    buf_printf(out,
               "%sOther shares of starts (outcomes, where the image came from) are worse when\n"
               "%schance would give that in less than %g%% of drills (Fisher's exact test).\n",
               indent, indent, CHANCE * 100);
    buf_printf(
        out,
        "%sPercentiles of time (of starts that worked, of falling back) need %llu, %llu and\n"
        "%s%llu samples (p50, p95, p99) on both sides, and are worse when they are more\n"
        "%sthan %g times as long, by more than %llu ms and by more than %d times the\n"
        "%sharness's own lag (p99) in either drill.\n",
        indent, (unsigned long long)ranks[0].samples, (unsigned long long)ranks[1].samples, indent,
        (unsigned long long)ranks[2].samples, indent, TIME_GROWTH,
        (unsigned long long)(TIME_NS / 1000000), TIME_LAGS, indent);
    buf_printf(out,
               "%sAttempts per start at a registry are worse when their mean grew by more than\n"
               "%s%g%% and by more than %g. They are not held against each other where the\n"
               "%sseeds differ and a fault acts on a part of its requests only, where NEW never\n"
               "%stries the registry, and where OLD never did and fewer of its starts worked.\n",
               indent, indent, (MEAN_GROWTH - 1) * 100, MEAN_MORE, indent, indent);
    buf_printf(out,
               "%sAny smaller difference is noise, and so is one that is better by as little.\n",
               indent);
}
