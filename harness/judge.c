/* From history to verdict: a fold over events, live or from a file.
 *
 * Happy path: each event goes to the pulls, then to every check, then to the summary; finish asks
 * every check for its result and draws the verdict from all. Failure modes: a drill that did not
 * come to its end (limit, interrupt, failure of the harness, a history without its last event, a
 * sick baseline) leaves checks unjudged rather than passed; only what was already lost for good
 * stays failed. Trouble of the judge itself makes the verdict an error. */
#include "harness/judge.h"

#include <stdlib.h>
#include <string.h>

#include "harness/history/history.h"
#include "harness/judge_internal.h"

/* ---- making and freeing -------------------------------------------------------------------- */

static size_t count_checks(const struct plan *plan)
{
    size_t count = plan->scenario->expect_count;
    for (size_t i = 0; i < check_catalogue_count; i++) {
        count += check_catalogue[i]->always ? 1 : 0;
    }
    return count;
}

static int add_check(struct judge *j, const struct check_info *info, const char *name,
                     struct doc_at at, struct err *e)
{
    struct check *c = &j->checks[j->check_count];
    struct verdict_check *out = &j->verdict->checks[j->check_count];
    if (check_read(c, info, at, j->plan->scenario, e) != 0) {
        return -1;
    }
    out->name = arena_strdup(&j->verdict->arena, name);
    out->check = info->name;
    out->always = info->always;
    out->verdict = VERDICT_INCONCLUSIVE;
    c->name = out->name;
    c->plan = j->plan;
    c->pulls = j->pulls;
    c->arena = &j->verdict->arena;
    c->out = out;
    j->check_count++;
    j->verdict->check_count = j->check_count;
    return info->init ? info->init(c, at, e) : 0;
}

static int add_checks(struct judge *j, struct err *e)
{
    const struct scenario *s = j->plan->scenario;
    struct doc_at nowhere = {0};
    for (size_t i = 0; i < check_catalogue_count; i++) {
        const struct check_info *info = check_catalogue[i];
        bool says = info->served || !j->plan->served;
        if (info->always && says && add_check(j, info, info->name, nowhere, e) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < s->expect_count; i++) {
        const struct check_info *info = check_find(s->expects[i].check);
        if (!info) {
            return err_set(e, ERR_INVALID, "there is no check \"%s\"", s->expects[i].check);
        }
        if (add_check(j, info, s->expects[i].name, s->expects[i].at, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int build(struct judge *j, struct err *e)
{
    size_t count = count_checks(j->plan);
    j->pulls = pulls_new(j->plan, e);
    j->verdict = verdict_new(e);
    if (!j->pulls || !j->verdict) {
        return -1;
    }
    j->verdict->arena.max = JUDGE_MAX_BYTES;
    j->checks = calloc(count + 1, sizeof j->checks[0]);
    j->verdict->checks = arena_alloc(&j->verdict->arena, count + 1, sizeof j->checks[0].out[0]);
    if (!j->checks || !j->verdict->checks || judge_summary_init(j) != 0) {
        return err_set(e, ERR_NOMEM, "judge: no memory");
    }
    if (add_checks(j, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < j->check_count; i++) {
        if (strcmp(j->checks[i].info->name, "baseline") == 0) {
            j->baseline = &j->checks[i];
        }
    }
    return j->verdict->arena.failed ? err_set(e, ERR_NOMEM, "judge: no memory") : 0;
}

struct judge *judge_new(const struct plan *plan, struct err *e)
{
    struct judge *j = calloc(1, sizeof *j);
    if (!j) {
        err_set(e, ERR_NOMEM, "judge: no memory");
        return NULL;
    }
    j->plan = plan;
    if (build(j, e) != 0) {
        judge_free(j);
        return NULL;
    }
    return j;
}

void judge_free(struct judge *j)
{
    if (!j) {
        return;
    }
    pulls_free(j->pulls);
    if (j->verdict) {
        verdict_free(j->verdict);
    }
    free(j->checks);
    free(j->faults);
    free(j->registries);
    free(j);
}

/* ---- events -------------------------------------------------------------------------------- */

static enum judge_end end_of(const char *reason)
{
    static const struct {
        const char *name;
        enum judge_end end;
    } table[] = {
        {"completed", JUDGE_COMPLETED}, {"sick-baseline", JUDGE_SICK_BASELINE},
        {"limit", JUDGE_LIMIT},         {"interrupted", JUDGE_INTERRUPTED},
        {"failure", JUDGE_FAILURE},     {"lost", JUDGE_LOST},
        {"skipped", JUDGE_SKIPPED},
    };
    for (size_t i = 0; reason && i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, reason) == 0) {
            return table[i].end;
        }
    }
    return JUDGE_FAILURE;
}

static void on_drill_end(struct judge *j, const struct event_drill_end *end)
{
    struct arena *a = &j->verdict->arena;
    j->end = end_of(end->reason);
    j->verdict->reason = arena_strdup(a, end->reason ? end->reason : "");
    j->detail = end->detail ? arena_strdup(a, end->detail) : NULL;
}

void judge_event(void *judge, const struct event *ev)
{
    struct judge *j = judge;
    if (!j->verdict || j->trouble.code != ERR_NONE) {
        return;
    }
    j->last_ns = ev->t_ns;
    if (pulls_event(j->pulls, ev, &j->trouble) != 0) {
        err_prefix(&j->trouble, "event %llu", (unsigned long long)ev->n);
        return;
    }
    for (size_t i = 0; i < j->check_count; i++) {
        if (j->checks[i].info->event) {
            j->checks[i].info->event(&j->checks[i], ev);
        }
    }
    judge_summary_event(j, ev);
    if (ev->type == EVENT_LAG && ev->lag.p99_ns > j->lag_p99_ns) {
        j->lag_p99_ns = ev->lag.p99_ns;
    } else if (ev->type == EVENT_DRILL_END) {
        on_drill_end(j, &ev->drill_end);
    }
    if (j->verdict->arena.failed) {
        err_set(&j->trouble, ERR_NOMEM, "judge: no memory at event %llu",
                (unsigned long long)ev->n);
    }
}

const struct pulls *judge_pulls(const struct judge *j)
{
    return j->pulls;
}

bool judge_baseline_sick(const struct judge *j, const char **why)
{
    bool sick = j->baseline && j->baseline->lost;
    const char *actual = sick && j->verdict ? j->baseline->out->actual : NULL;
    *why = sick ? (actual ? actual : "the baseline is sick") : NULL;
    return sick;
}

/* A name is that of an entry, or a check's word, which may stand for several entries. */
static bool name_lost(const struct judge *j, const char *name)
{
    for (size_t i = 0; i < j->check_count; i++) {
        const struct check *c = &j->checks[i];
        bool named = strcmp(c->name, name) == 0 || strcmp(c->info->name, name) == 0;
        if (named && c->lost) {
            return true;
        }
    }
    return false;
}

bool judge_lost(const struct judge *j, const char *const *names, size_t count)
{
    if (!j->verdict) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!name_lost(j, names[i])) {
            return false;
        }
    }
    return count > 0;
}

bool judge_exposed(const struct judge *j)
{
    const struct scenario *s = j->plan->scenario;
    for (size_t i = 0; i < s->fault_count; i++) {
        const struct fault_rule *rule = &s->faults[i];
        bool counted = rule->kind->evidence != EVIDENCE_ARMED;
        if (counted && j->faults[i].armed && j->faults[i].fired < rule->min_fired) {
            return false;
        }
    }
    return true;
}

/* ---- results of checks --------------------------------------------------------------------- */

static void not_judged(struct check *c, const char *why)
{
    c->out->judged = false;
    c->out->verdict = VERDICT_INCONCLUSIVE;
    c->out->reason_count = 0;
    c->out->actual = arena_printf(c->arena, "not judged: %s", why);
}

/* Always-on checks that say whether the drill itself can be trusted: failing they show nothing
 * about the subject. */
static bool is_trust(const struct check_info *info)
{
    return info->always && strcmp(info->name, "nothing-left") != 0 &&
           strcmp(info->name, "no-leak") != 0;
}

static void finish_one(struct check *c, uint64_t lag_p99_ns)
{
    c->lag_p99_ns = lag_p99_ns;
    c->out->judged = false;
    c->out->verdict = VERDICT_INCONCLUSIVE;
    c->info->finish(c);
    /* A check that was lost for good may turn out to say nothing (lag), but never to pass. */
    if (c->lost && c->out->verdict == VERDICT_PASS) {
        c->out->verdict = VERDICT_FAIL;
    }
    if (is_trust(c->info) && c->out->verdict == VERDICT_FAIL) {
        c->out->verdict = VERDICT_INCONCLUSIVE;
    }
    if (!c->out->judged) {
        check_result(c, VERDICT_INCONCLUSIVE, "the check gave no result");
    }
    if (!c->out->expected) {
        c->out->expected = c->info->meaning;
    }
}

/* What a drill that was cut short still shows: what is lost stays lost, and what the always-on
 * checks found wrong; the rest might have come out otherwise. */
static void keep_lost(struct check *c, const char *why)
{
    bool found = c->info->always && c->out->verdict != VERDICT_PASS;
    if (!found && !(c->lost && c->out->verdict == VERDICT_FAIL)) {
        not_judged(c, why);
    }
}

static void adjust(struct check *c, enum judge_end end, bool sick)
{
    if (end == JUDGE_INTERRUPTED) {
        not_judged(c, "the drill was interrupted");
    } else if (end == JUDGE_SKIPPED) {
        not_judged(c, "the drill was skipped");
        c->out->verdict = VERDICT_SKIPPED;
    } else if (end == JUDGE_FAILURE) {
        keep_lost(c, "the harness failed");
    } else if (sick) {
        bool own = strcmp(c->info->name, "baseline") == 0;
        if (!c->info->always || (!own && c->out->verdict == VERDICT_INCONCLUSIVE)) {
            not_judged(c, "the baseline was sick");
        }
    } else if (end == JUDGE_LIMIT) {
        keep_lost(c, "the drill's limit struck");
    } else if (end == JUDGE_CUT) {
        keep_lost(c, "the history has no end");
    } else if (end == JUDGE_LOST && !c->info->always && !c->lost) {
        not_judged(c, "the drill was stopped once what was to fail had failed");
    }
}

static void finish_checks(struct judge *j, bool sick)
{
    for (size_t i = 0; i < j->check_count; i++) {
        struct check *c = &j->checks[i];
        if (j->trouble.code != ERR_NONE) {
            c->out->expected = c->info->meaning;
            not_judged(c, "the judge failed");
            continue;
        }
        finish_one(c, j->lag_p99_ns);
        adjust(c, j->end, sick);
        if (j->plan->served && !c->info->served) {
            not_judged(c, "the registries were served, no start was made");
        }
    }
}

struct verdict *judge_finish(struct judge *j, struct err *e)
{
    struct verdict *v = j->verdict;
    if (!v) {
        err_set(e, ERR_INTERNAL, "judge: finished already");
        return NULL;
    }
    const char *why;
    bool sick = judge_baseline_sick(j, &why) || j->end == JUDGE_SICK_BASELINE;
    finish_checks(j, sick);
    judge_summary_finish(j);
    judge_conclude(j, sick);
    j->verdict = NULL;
    if (v->arena.failed) {
        verdict_free(v);
        err_set(e, ERR_NOMEM, "judge: no memory for the verdict");
        return NULL;
    }
    return v;
}

/* ---- from a file --------------------------------------------------------------------------- */

static struct verdict *judge_rest(struct history_reader *reader, struct event *ev,
                                  struct plan *plan, struct err *e)
{
    struct judge *j = judge_new(plan, e);
    struct verdict *v = NULL;
    int rc = 1;
    if (!j) {
        return NULL;
    }
    while (rc == 1) {
        judge_event(j, ev);
        rc = history_reader_next(reader, ev, e);
    }
    if (rc == 0) {
        j->truncated = history_reader_truncated(reader);
        v = judge_finish(j, e);
    }
    judge_free(j);
    return v;
}

struct verdict *judge_file(const char *path, struct err *e)
{
    struct event ev;
    struct verdict *v = NULL;
    struct history_reader *reader = history_reader_open(path, e);
    if (!reader) {
        return NULL;
    }
    struct plan *plan = plan_of_history(path, reader, &ev, e);
    if (plan) {
        v = judge_rest(reader, &ev, plan, e);
        plan_free(plan);
    }
    history_reader_close(reader);
    return v;
}
