/* What makes a valid scenario pointless, or inconclusive whatever happens: told before anybody
 * waits for it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/explain_internal.h"
#include "harness/history/op.h"

/* LABEL of a warning to come; the first has the heading above it. */
static const char *warned(struct explain *x, const char *label)
{
    if (x->warnings++ == 0) {
        explain_heading(x, "Warnings");
    }
    return label;
}

static unsigned long long shown(uint64_t n)
{
    return n;
}

/* ---- faults -------------------------------------------------------------------------------- */

static bool mentions(const struct scenario_words *words, const char *text)
{
    for (size_t i = 0; i < words->count; i++) {
        if (strstr(words->word[i], text)) {
            return true;
        }
    }
    return false;
}

static bool says(const struct scenario_subject *subject, const char *text)
{
    return mentions(&subject->command, text) || mentions(&subject->prepare, text) ||
           mentions(&subject->env, text);
}

/* Whether SUBJECT may ask for IMAGE: it names it, or none at all. */
static bool may_ask(const struct scenario_subject *subject, const char *image)
{
    char whole[SCENARIO_MAX_NAME + 16], digest[SCENARIO_MAX_NAME + 16];
    snprintf(whole, sizeof whole, "${image.%s}", image);
    snprintf(digest, sizeof digest, "${image.%s.digest}", image);
    return !says(subject, "${image.") || says(subject, whole) || says(subject, digest);
}

static bool anybody_asks(const struct scenario *s, size_t fault, const char *image)
{
    for (size_t i = 0; i < s->phase_count; i++) {
        for (size_t k = 0; explain_phase_has(s, i, fault) && k < s->subject_count; k++) {
            if (explain_starts(s, i, (int)k) > 0 && may_ask(&s->subjects[k], image)) {
                return true;
            }
        }
    }
    return false;
}

/* A fault that may act a stated number of times in all cannot meet more starts than that. */
static void warn_limit(struct explain *x, size_t fault)
{
    const struct fault_rule *rule = &x->scenario->faults[fault];
    const struct fault_count *limit = &rule->when.limit;
    uint64_t starts = explain_fault_starts(x->scenario, fault);
    if (!limit->set || limit->per != PER_DRILL) {
        return;
    }
    double needed = ceil(rule->exposure * (double)starts - 1e-6);
    if (rule->has_exposure && starts != EXPLAIN_UNKNOWN && (double)limit->n < needed) {
        explain_row(x, warned(x, rule->name),
                    "acts at most %llu times, yet must meet %.0f starts: exposure will be "
                    "inconclusive",
                    shown(limit->n), needed);
    }
    if (limit->n < rule->min_fired) {
        explain_row(x, warned(x, rule->name),
                    "acts at most %llu times, yet must fire %llu times: exposure will be "
                    "inconclusive",
                    shown(limit->n), shown(rule->min_fired));
    }
}

/* The image that is asked for where RULE is met: a tag that is stale stands for another one. */
static const char *asked_for(const struct scenario *s, const struct fault_rule *rule)
{
    const char *tag = fault_rule_tag(rule);
    for (size_t i = 0; tag && i < s->image_count; i++) {
        const struct scenario_image *image = &s->images[i];
        if (strcmp(image->repository, rule->image->repository) == 0 &&
            strcmp(image->tag, tag) == 0) {
            return image->name;
        }
    }
    return rule->image->name;
}

/* Whether something is wrong with the primary in a phase of FAULT, or FAULT is on the primary. */
static bool primary_breaks(const struct scenario *s, size_t fault)
{
    for (size_t i = 0; i < s->phase_count; i++) {
        for (size_t k = 0; explain_phase_has(s, i, fault) && k < s->fault_count; k++) {
            if (explain_phase_has(s, i, k) && explain_acts_on(&s->faults[k], s, s->primary)) {
                return true;
            }
        }
    }
    return false;
}

/* The host where what RULE acts on is asked for instead of REGISTRY itself: its tokens, or its
 * blobs, from which REGISTRY only leads away. NULL: it can act where it is. */
static const char *asked_elsewhere(const struct fault_rule *rule, const struct scenario_registry *r)
{
    uint32_t ops = fault_rule_ops(rule);
    if (strcmp(rule->on, r->name) != 0 || ops == 0) {
        return NULL;
    }
    if (r->token.own && (ops & ~OP_BIT(OP_TOKEN)) == 0) {
        return "token";
    }
    bool body = rule->kind->stage == STAGE_BODY;
    return r->blobs.own && body && (ops & ~OP_BIT(OP_BLOB_GET)) == 0 ? "blobs" : NULL;
}

static void warn_host(struct explain *x, const struct fault_rule *rule)
{
    const struct scenario *s = x->scenario;
    for (size_t i = 0; i < s->registry_count; i++) {
        const char *host = asked_elsewhere(rule, &s->registries[i]);
        if (host) {
            explain_row(x, warned(x, rule->name),
                        "acts on %s, which has a host of its own for that, %s/%s: nobody will meet "
                        "it, and exposure will be inconclusive",
                        rule->on, rule->on, host);
        }
    }
}

static void warn_fault(struct explain *x, size_t fault)
{
    const struct scenario *s = x->scenario;
    const struct fault_rule *rule = &s->faults[fault];
    if (rule->image && !anybody_asks(s, fault, asked_for(s, rule))) {
        explain_row(x, warned(x, rule->name),
                    "no subject that has starts in its phases asks for image %s: nobody will meet "
                    "it, and exposure will be inconclusive",
                    asked_for(s, rule));
    }
    if (rule->evidence == EVIDENCE_ARMED && !explain_acts_on(rule, s, s->primary)) {
        explain_row(x, warned(x, rule->name),
                    "leaves no trace, so only starts that ask %s first count as having met it; "
                    "where they ask %s first, exposure will be inconclusive",
                    rule->on, s->registries[s->primary].name);
    } else if (rule->kind->place != PLACE_SUBJECT && !primary_breaks(s, fault)) {
        explain_row(x, warned(x, rule->name),
                    "acts on %s while nothing is wrong with %s: starts that ask %s first never "
                    "meet it",
                    rule->on, s->registries[s->primary].name, s->registries[s->primary].name);
    }
    warn_host(x, rule);
    warn_limit(x, fault);
}

/* ---- checks -------------------------------------------------------------------------------- */

static const struct check_value *value_of(const struct check *c, const char *name)
{
    for (size_t i = 0; i < c->info->param_count; i++) {
        if (strcmp(c->info->params[i].name, name) == 0 && c->value[i].set) {
            return &c->value[i];
        }
    }
    return NULL;
}

static bool is(const struct check *c, const char *name)
{
    return strcmp(c->info->name, name) == 0;
}

/* The starts that C can draw on at most. */
static uint64_t drawn_on(const struct explain *x, const struct check *c)
{
    return explain_check_starts(c, x->scenario, is(c, "falls-back-within"), x->scenario->primary);
}

static void warn_samples(struct explain *x, const struct check *c, uint64_t starts)
{
    for (size_t i = 0; i < c->info->param_count; i++) {
        const struct check_param *param = &c->info->params[i];
        if (c->value[i].set && starts > 0 && starts < param->samples) {
            explain_row(x, warned(x, c->name),
                        "%s needs %zu starts and can see %llu at most: it will be inconclusive",
                        param->name, param->samples, shown(starts));
        }
    }
}

static void warn_nobody(struct explain *x, const struct check *c, uint64_t starts)
{
    if (starts > 0) {
        return;
    }
    if (is(c, "falls-back-within") && explain_check_starts(c, x->scenario, false, 0) > 0) {
        explain_row(x, warned(x, c->name),
                    "no fault acts on %s where it looks: nobody needs to fall back, and it will be "
                    "inconclusive",
                    x->scenario->registries[x->scenario->primary].name);
    } else {
        explain_row(x, warned(x, c->name), "no start to judge: it will be inconclusive");
    }
}

static void warn_within_starts(struct explain *x, const struct check *c)
{
    const struct check_value *nth = value_of(c, "within-starts");
    const struct scenario *s = x->scenario;
    if (!nth || c->during < 0 || value_of(c, "within")) {
        return;
    }
    for (size_t i = 0; i < s->subject_count; i++) {
        uint64_t starts = explain_starts(s, (size_t)c->during, (int)i);
        if ((c->subject < 0 || c->subject == (int)i) && starts > 0 && starts < nth->number) {
            explain_row(x, warned(x, c->name),
                        "%s has %llu start%s in %s, and the first that is held to it is number "
                        "%llu: it will be inconclusive",
                        s->subjects[i].name, shown(starts), starts == 1 ? "" : "s",
                        s->phases[c->during].name, shown(nth->number));
        }
    }
}

/* A fault without a trace where C counts what a registry saw; NULL: there is none. */
static const struct fault_rule *untraced(const struct explain *x, const struct check *c)
{
    const struct scenario *s = x->scenario;
    const struct check_value *at = value_of(c, "registry");
    size_t registry = at ? (size_t)at->number : s->primary;
    for (size_t i = 0; i < s->phase_count; i++) {
        for (size_t k = 0; k < s->fault_count; k++) {
            bool here = (c->during < 0 || c->during == (int)i) && explain_phase_has(s, i, k);
            if (here && s->faults[k].kind->evidence == EVIDENCE_ARMED &&
                explain_acts_on(&s->faults[k], s, registry)) {
                return &s->faults[k];
            }
        }
    }
    return NULL;
}

static void warn_untraced(struct explain *x, const struct check *c)
{
    bool counts = is(c, "attempts-per-start") || is(c, "requests") || is(c, "falls-back-within");
    const struct fault_rule *rule = counts ? untraced(x, c) : NULL;
    if (rule) {
        explain_row(x, warned(x, c->name),
                    "%s %s connections where it counts, and those leave no trace: it can "
                    "fail, but it cannot pass",
                    rule->name, rule->kind->kind == FAULT_BLACK_HOLE ? "drops" : "refuses");
    }
}

/* ---- all ----------------------------------------------------------------------------------- */

void explain_warnings(struct explain *x)
{
    const struct scenario *s = x->scenario;
    for (size_t i = 0; i < s->fault_count; i++) {
        warn_fault(x, i);
    }
    for (size_t i = 0; i < s->expect_count; i++) {
        const struct check *c = &x->checks[i];
        uint64_t starts = drawn_on(x, c);
        warn_nobody(x, c, starts);
        warn_samples(x, c, starts);
        warn_within_starts(x, c);
        warn_untraced(x, c);
    }
    if (s->expect_count == 0) {
        explain_row(x, warned(x, "expect"), "is empty: only what is always expected is judged");
    }
    if (s->twin_count == 0) {
        explain_row(x, warned(x, "proof"),
                    "is missing: nothing shows that this drill can fail; name a bad twin in "
                    "\"must-fail\"");
    }
}
