/* The verdict of all checks, whose fault it is, and why, in one sentence. */
#include <signal.h>
#include <string.h>

#include "harness/base/buf.h"
#include "harness/judge_internal.h"

static enum verdict_kind worst_check(const struct verdict *v)
{
    enum verdict_kind worst = VERDICT_PASS;
    for (size_t i = 0; i < v->check_count; i++) {
        worst = v->checks[i].verdict > worst ? v->checks[i].verdict : worst;
    }
    return worst;
}

/* Registries that stood alone, of which nothing was expected: none of it is a pass. */
static bool nothing_expected(const struct judge *j)
{
    return j->plan->served && j->plan->scenario->expect_count == 0;
}

static enum verdict_kind overall(const struct judge *j, bool sick)
{
    enum verdict_kind worst = worst_check(j->verdict);
    if (j->trouble.code != ERR_NONE || j->end == JUDGE_FAILURE) {
        return VERDICT_ERROR;
    }
    if (j->end == JUDGE_SKIPPED) {
        return VERDICT_SKIPPED;
    }
    if ((sick || j->end != JUDGE_COMPLETED || nothing_expected(j)) &&
        worst < VERDICT_INCONCLUSIVE) {
        return VERDICT_INCONCLUSIVE;
    }
    return worst;
}

static const struct check *first_inconclusive(const struct judge *j)
{
    for (size_t i = 0; i < j->check_count; i++) {
        if (j->checks[i].out->verdict == VERDICT_INCONCLUSIVE) {
            return &j->checks[i];
        }
    }
    return NULL;
}

/* Whether the loop was too slow for a time threshold of C: more than a tenth of it. */
static bool too_slow_for(const struct check *c)
{
    for (size_t i = 0; i < c->info->param_count && i < CHECK_MAX_PARAMS; i++) {
        bool duration = c->info->params[i].type == CHECK_DURATION && c->value[i].set;
        if (duration && c->lag_p99_ns > c->value[i].number / 10) {
            return true;
        }
    }
    return false;
}

/* Whether a start has overwritten or deleted what is drilled. */
static bool was_changed(const struct judge *j)
{
    const struct scenario *s = j->plan->scenario;
    for (size_t i = 0; i < s->registry_count * s->image_count; i++) {
        if (pulls_change(j->pulls, i / s->image_count, i % s->image_count)) {
            return true;
        }
    }
    return false;
}

/* An inconclusive drill is the scenario's (its faults or its evidence missed), but for heals, which
 * are ours unless a start took away what a fresh pull needs, and a harness too slow for its own
 * thresholds, which is the machine's. */
static const char *blame_inconclusive(const struct judge *j, bool sick)
{
    const struct check *c = first_inconclusive(j);
    if (j->plan->served && j->end == JUDGE_COMPLETED) {
        return "nobody";
    }
    if (j->end == JUDGE_INTERRUPTED || j->end == JUDGE_CUT) {
        return "environment";
    }
    if (sick) {
        return "subject";
    }
    if (c && strcmp(c->info->name, "healed") == 0) {
        return was_changed(j) ? "subject" : "harness";
    }
    return c && too_slow_for(c) ? "environment" : "scenario";
}

static const char *blame(const struct judge *j, bool sick)
{
    switch (j->verdict->verdict) {
    case VERDICT_PASS:
    case VERDICT_SKIPPED:
        return "nobody";
    case VERDICT_FAIL:
        return "subject";
    case VERDICT_INCONCLUSIVE:
        return blame_inconclusive(j, sick);
    case VERDICT_ERROR:
        break;
    }
    return "harness";
}

/* The longest sentence of WHY: what each lane and connection waited for comes one a line. */
#define MAX_WHY (16u << 10)

/* TEXT on one line. */
static const char *one_line(struct arena *a, const char *text)
{
    struct buf line;
    buf_init(&line, MAX_WHY);
    while (*text) {
        size_t len = strcspn(text, "\n");
        if (len > 0) {
            buf_str(&line, line.len > 0 ? "; " : "");
            buf_append(&line, text, len);
        }
        text += len + (text[len] ? 1 : 0);
    }
    const char *kept = arena_strndup(a, line.data ? line.data : "", line.len);
    buf_close(&line);
    return kept;
}

static const char *detail(const struct judge *j, const char *otherwise)
{
    return j->detail ? one_line(&j->verdict->arena, j->detail) : otherwise;
}

/* What made the baseline sick: the first start that did, else what the check or the drill says. */
static const char *sickness(const struct judge *j)
{
    const struct verdict_check *out = j->baseline ? j->baseline->out : NULL;
    if (out && out->reason_count > 0) {
        return out->reasons[0].text;
    }
    return out && out->actual ? out->actual : detail(j, "nothing more is known");
}

static const char *why_inconclusive(struct judge *j, bool sick)
{
    struct arena *a = &j->verdict->arena;
    if (sick) {
        return arena_printf(a, "the baseline was sick: %s", sickness(j));
    }
    const struct check *c = first_inconclusive(j);
    if (!c && nothing_expected(j)) {
        return "nothing was expected: the registries were served, and their scenario has no "
               "\"expect\"";
    }
    return c ? arena_printf(a, "%s: %s", c->name, c->out->actual) : NULL;
}

static const char *why(struct judge *j, bool sick)
{
    struct arena *a = &j->verdict->arena;
    if (j->trouble.code != ERR_NONE) {
        return one_line(a, j->trouble.text);
    }
    switch (j->end) {
    case JUDGE_FAILURE:
        return arena_printf(a, "the harness failed: %s", detail(j, "it did not say how"));
    case JUDGE_INTERRUPTED:
        return arena_printf(a, "interrupted: %s", detail(j, "by a signal"));
    case JUDGE_SKIPPED:
        return detail(j, "this machine does not allow what it needs");
    case JUDGE_LIMIT:
        return detail(j, "the drill's limit struck");
    case JUDGE_CUT:
        return "the history has no drill-end: the harness was killed before the drill was over";
    case JUDGE_SICK_BASELINE:
    case JUDGE_COMPLETED:
    case JUDGE_LOST:
        break;
    }
    return j->verdict->verdict == VERDICT_INCONCLUSIVE ? why_inconclusive(j, sick) : NULL;
}

/* The signal that interrupted the drill, as its last event names it first; else 0. */
static int interrupted_by(const struct judge *j)
{
    const char *said = j->end == JUDGE_INTERRUPTED && j->detail ? j->detail : "";
    if (strncmp(said, "SIGINT", strlen("SIGINT")) == 0) {
        return SIGINT;
    }
    return strncmp(said, "SIGTERM", strlen("SIGTERM")) == 0 ? SIGTERM : 0;
}

void judge_conclude(struct judge *j, bool sick)
{
    j->verdict->signal = interrupted_by(j);
    j->verdict->verdict = overall(j, sick);
    j->verdict->blame = blame(j, sick);
    j->verdict->why = why(j, sick);
}
