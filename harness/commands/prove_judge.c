/* Whether a drill of a proof came out as it should: the good subject passes, a bad twin fails for
 * the reasons named and for no other. Pure. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/commands/prove.h"

/* Appends to WHY, parts divided by "; "; what does not fit is left out. */
static void say(struct prove_finding *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void say(struct prove_finding *f, const char *fmt, ...)
{
    size_t len = strlen(f->why);
    va_list ap;
    if (len > 0 && len + 3 < sizeof f->why) {
        memcpy(f->why + len, "; ", 3);
        len += 2;
    }
    va_start(ap, fmt);
    vsnprintf(f->why + len, sizeof f->why - len, fmt, ap);
    va_end(ap);
}

static bool is_named(const struct verdict_check *c, const char *name)
{
    return strcmp(c->name, name) == 0 || strcmp(c->check, name) == 0;
}

/* An always-on check that is inconclusive has found the drill not to be trusted: that is how most
 * of them fail. */
static bool has_failed(const struct verdict_check *c)
{
    return c->judged &&
           (c->verdict == VERDICT_FAIL || (c->always && c->verdict == VERDICT_INCONCLUSIVE));
}

static bool named_failed(const struct verdict *v, const char *name)
{
    for (size_t i = 0; i < v->check_count; i++) {
        if (is_named(&v->checks[i], name) && has_failed(&v->checks[i])) {
            return true;
        }
    }
    return false;
}

static bool twin_names(const struct scenario_twin *twin, const struct verdict_check *c)
{
    for (size_t i = 0; i < twin->because_count; i++) {
        if (is_named(c, twin->because[i])) {
            return true;
        }
    }
    return false;
}

/* Whether the twin was to be caught by its baseline, and was: what came after was never reached. */
static bool caught_sick(const struct verdict *v, const struct scenario_twin *twin)
{
    bool named = false;
    for (size_t i = 0; i < twin->because_count; i++) {
        named = named || strcmp(twin->because[i], "baseline") == 0;
    }
    return named && named_failed(v, "baseline");
}

static const char *came_to(const struct verdict_check *c)
{
    return !c->judged                           ? "was not judged"
           : c->verdict == VERDICT_PASS         ? "passed"
           : c->verdict == VERDICT_INCONCLUSIVE ? "was inconclusive"
                                                : "failed";
}

/* Each entry of that name, and what it came to. */
static void say_named(const struct verdict *v, const char *name, struct prove_finding *out)
{
    for (size_t i = 0; i < v->check_count; i++) {
        const struct verdict_check *c = &v->checks[i];
        if (is_named(c, name)) {
            say(out, "%s was to fail, but %s (%s)", c->name, came_to(c),
                c->actual != NULL ? c->actual : "");
        }
    }
}

static bool unjudged(const struct verdict *v, const char *name)
{
    for (size_t i = 0; i < v->check_count; i++) {
        if (is_named(&v->checks[i], name) && v->checks[i].judged) {
            return false;
        }
    }
    return true;
}

/* ---- exposure ------------------------------------------------------------------------------ */

static bool was_reached(const struct verdict *v, const struct scenario *s, size_t fault)
{
    for (size_t i = 0; i < v->phase_count && i < s->phase_count; i++) {
        for (size_t k = 0; k < s->phases[i].fault_count; k++) {
            if (s->phases[i].faults[k] == fault) {
                return true;
            }
        }
    }
    return false;
}

/* A twin may miss a fault's share: it stops early, or never comes so far. But each fault that was
 * reached must have fired: one that did not has shown nothing. */
static bool exposed_enough(const struct verdict *v, const struct scenario *s,
                           struct prove_finding *out)
{
    bool good = true;
    for (size_t i = 0; i < s->fault_count && i < v->fault_count; i++) {
        const struct verdict_fault *f = &v->faults[i];
        bool counted = s->faults[i].kind->evidence != EVIDENCE_ARMED;
        uint64_t least = counted ? s->faults[i].min_fired : 0;
        if (was_reached(v, s, i) ? f->fired >= least : strcmp(v->reason, "lost") == 0) {
            continue;
        }
        say(out, "fault %s fired %llu times, at least %llu needed", f->name,
            (unsigned long long)f->fired, (unsigned long long)least);
        good = false;
    }
    return good;
}

/* Whether always-on check C, which TWIN does not name, is as it should be. */
static bool other_good(const struct verdict *v, const struct scenario *s,
                       const struct verdict_check *c, bool sick, struct prove_finding *out)
{
    if ((c->judged && c->verdict == VERDICT_PASS) || (sick && !c->judged)) {
        return true;
    }
    if (strcmp(c->check, "exposure") == 0 && c->judged) {
        return exposed_enough(v, s, out);
    }
    say(out, "%s was to pass, but %s (%s)", c->name, came_to(c),
        c->actual != NULL ? c->actual : "");
    return false;
}

/* ---- findings ------------------------------------------------------------------------------ */

/* A drill that says nothing about the subject; false where it says something. */
static bool says_nothing(const struct verdict *v, struct prove_finding *out)
{
    if (v->verdict != VERDICT_ERROR && v->signal == 0 && v->verdict != VERDICT_SKIPPED) {
        return false;
    }
    out->verdict = v->verdict == VERDICT_ERROR || v->verdict == VERDICT_SKIPPED
                       ? v->verdict
                       : VERDICT_INCONCLUSIVE;
    say(out, "%s", v->why != NULL ? v->why : "the drill came to no verdict");
    return true;
}

void prove_judge_good(const struct verdict *v, struct prove_finding *out)
{
    memset(out, 0, sizeof *out);
    out->verdict = v->verdict;
    if (says_nothing(v, out) || v->verdict == VERDICT_PASS) {
        return;
    }
    for (size_t i = 0; i < v->check_count; i++) {
        const struct verdict_check *c = &v->checks[i];
        if (c->judged && c->verdict != VERDICT_PASS) {
            const char *why = c->reason_count > 0 ? c->reasons[0].text : NULL;
            say(out, "%s %s (%s)%s%s", c->name, came_to(c), c->actual != NULL ? c->actual : "",
                why != NULL ? ": " : "", why != NULL ? why : "");
        }
    }
    if (out->why[0] == '\0') {
        say(out, "%s", v->why != NULL ? v->why : "no reason is known");
    }
}

void prove_judge_twin(const struct verdict *v, const struct scenario *s,
                      const struct scenario_twin *twin, struct prove_finding *out)
{
    bool good = true;
    bool sick = caught_sick(v, twin);
    memset(out, 0, sizeof *out);
    if (says_nothing(v, out)) {
        return;
    }
    for (size_t i = 0; i < twin->because_count; i++) {
        const char *name = twin->because[i];
        if (!named_failed(v, name) && !(sick && unjudged(v, name))) {
            say_named(v, name, out);
            good = false;
        }
    }
    for (size_t i = 0; i < v->check_count; i++) {
        const struct verdict_check *c = &v->checks[i];
        if (c->always && !twin_names(twin, c)) {
            good = other_good(v, s, c, sick, out) && good;
        }
    }
    /* A machine too slow for the scenario's thresholds has not shown that the twin gets by. */
    bool slow = v->blame != NULL && strcmp(v->blame, "environment") == 0;
    out->verdict = good ? VERDICT_PASS : slow ? VERDICT_INCONCLUSIVE : VERDICT_FAIL;
}

/* ---- rounds -------------------------------------------------------------------------------- */

void prove_add_starts(struct verdict_starts *to, const struct verdict_starts *more)
{
    to->worked += more->worked;
    to->failed += more->failed;
    to->hung += more->hung;
    to->wrong += more->wrong;
}

void prove_add_round(struct prove *p, struct prove_cell *cell, const struct verdict *v,
                     const struct prove_finding *finding)
{
    bool first = cell->done == 0;
    if (first) {
        cell->drill = v->verdict;
    } else if (v->verdict != cell->drill || finding->verdict != cell->finding.verdict) {
        cell->differs = true;
    }
    if (first || finding->verdict > cell->finding.verdict) {
        cell->finding = *finding;
        cell->replay = arena_strdup(&p->arena, v->replay != NULL ? v->replay : "");
    }
    cell->done++;
    cell->as_expected += finding->verdict == VERDICT_PASS ? 1 : 0;
    cell->duration_ns += v->duration_ns;
    prove_add_starts(&cell->starts, &v->starts);
    cell->stopped += v->reason != NULL && strcmp(v->reason, "lost") == 0 ? 1 : 0;
    cell->signal = cell->signal != 0 ? cell->signal : v->signal;
}
