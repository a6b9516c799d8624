/* Durations against thresholds. */
#include "harness/checks/times.h"

#include <stdio.h>
#include <string.h>

#include "harness/base/units.h"

enum { P50, P95, P99, MAX };

static const double ranks[TIMES_PARAMS] = {[P50] = 0.50, [P95] = 0.95, [P99] = 0.99, [MAX] = 1};

const struct check_param times_params[TIMES_PARAMS] = {
    {.name = "p50",
     .type = CHECK_DURATION,
     .samples = 1,
     .meaning = "half of them take at most this long"},
    {.name = "p95",
     .type = CHECK_DURATION,
     .samples = 20,
     .meaning = "95% of them take at most this long; needs 20 starts"},
    {.name = "p99",
     .type = CHECK_DURATION,
     .samples = 100,
     .meaning = "99% of them take at most this long; needs 100 starts"},
    {.name = "max", .type = CHECK_DURATION, .samples = 1, .meaning = "none takes longer than this"},
};

int times_accept(const struct check *c, struct doc_at at, struct err *e)
{
    for (size_t i = 0; i < TIMES_PARAMS; i++) {
        if (c->value[i].set) {
            return 0;
        }
    }
    return doc_complain(e, at,
                        "check \"%s\" needs a threshold; add \"p50\", \"p95\", \"p99\" or \"max\"",
                        c->info->name);
}

void times_add(struct check *c, struct times *t, uint64_t ns, uint64_t start)
{
    if (checks_list_add(c, &t->ns, ns) && !checks_list_add(c, &t->start, start)) {
        t->ns.count--;
    }
}

bool times_over_max(const struct check *c, uint64_t ns)
{
    return c->value[MAX].set && ns > c->value[MAX].number;
}

static void append(char text[TIMES_TEXT], const char *name, const char *between, const char *value)
{
    size_t len = strlen(text);
    snprintf(text + len, TIMES_TEXT - len, "%s%s%s%s", len > 0 ? ", " : "", name, between, value);
}

void times_expected(const struct check *c, char text[TIMES_TEXT])
{
    text[0] = '\0';
    for (size_t i = 0; i < TIMES_PARAMS; i++) {
        if (c->value[i].set) {
            append(text, times_params[i].name, " within ", c->value[i].text);
        }
    }
}

/* Names the starts that took longer than LIMIT. */
static void name_slow(struct check *c, const struct times *t, uint64_t limit, const char *text)
{
    for (size_t i = 0; i < t->ns.count; i++) {
        const struct pull_start *start = pulls_start(c->pulls, t->start.value[i]);
        if (!start || t->ns.value[i] <= limit) {
            continue;
        }
        char name[CHECKS_NAME], took[32];
        uint64_t events[] = {start->begin_event, start->end_event, 0};
        checks_start_name(c, start, name);
        units_duration_text(t->ns.value[i], took);
        check_reason(c, events, "%s: took %s, over %s", name, took, text);
    }
}

static enum verdict_kind judge_one(struct check *c, const struct times *t, size_t i, uint64_t got)
{
    const struct check_value *limit = &c->value[i];
    const char *name = times_params[i].name;
    if (t->ns.count < times_params[i].samples) {
        check_reason(c, NULL, "%s needs %zu starts; %zu were seen", name, times_params[i].samples,
                     t->ns.count);
        return VERDICT_INCONCLUSIVE;
    }
    if (c->lag_p99_ns > limit->number / 10) {
        char lag[32];
        units_duration_text(c->lag_p99_ns, lag);
        check_reason(c, NULL,
                     "the harness itself lagged by %s (p99), more than a tenth of %s %s: its times "
                     "cannot be trusted",
                     lag, name, limit->text);
        return VERDICT_INCONCLUSIVE;
    }
    if (got <= limit->number) {
        return VERDICT_PASS;
    }
    name_slow(c, t, limit->number, limit->text);
    return VERDICT_FAIL;
}

enum verdict_kind times_judge(struct check *c, const struct times *t, char text[TIMES_TEXT])
{
    enum verdict_kind verdict = VERDICT_PASS;
    size_t n = t->ns.count;
    uint64_t *sorted = arena_alloc(c->arena, n, sizeof *sorted);
    text[0] = '\0';
    if (!sorted) {
        return VERDICT_INCONCLUSIVE;
    }
    memcpy(sorted, t->ns.value, n * sizeof *sorted);
    for (size_t i = 0; i < TIMES_PARAMS; i++) {
        if (!c->value[i].set) {
            continue;
        }
        char took[32];
        uint64_t got = check_percentile(sorted, n, ranks[i]);
        units_duration_text(got, took);
        append(text, times_params[i].name, " ", took);
        verdict = checks_worse(verdict, judge_one(c, t, i, got));
    }
    return verdict;
}
