/* version-share: how many of the starts that worked run an image, by the digest they were told. */
#include <math.h>
#include <string.h>

#include "harness/base/units.h"
#include "harness/checks/checks.h"
#include "harness/checks/common.h"

enum { MIN, MAX, PARAMS };

static const struct check_param params[PARAMS] = {
    [MIN] = {.name = "min",
             .type = CHECK_SHARE,
             .meaning = "at least this share, or this many, of the starts that worked run it"},
    [MAX] = {.name = "max",
             .type = CHECK_SHARE,
             .meaning = "at most this share, or this many, of them run it"},
};

struct state {
    uint64_t worked; /* starts that worked, and show what they run */
    uint64_t runs;   /* of those, that run the image */
    uint64_t first_run, last_run, first_other, last_other; /* ends of such starts; 0: none */
};

static int accept_bounds(const struct check *c, struct doc_at at, struct err *e)
{
    const struct check_value *min = &c->value[MIN], *max = &c->value[MAX];
    if (c->image < 0) {
        return doc_complain(e, at,
                            "check \"version-share\" needs \"image\": the one that starts run");
    }
    if (!min->set && !max->set) {
        return doc_complain(e, at, "check \"version-share\" needs a bound; add \"min\" or \"max\"");
    }
    bool alike = min->set && max->set && min->is_share == max->is_share;
    if (alike && (min->is_share ? min->share > max->share : min->number > max->number)) {
        return doc_complain(
            e, at, "check \"version-share\" has a \"min\" above its \"max\"; nothing could pass");
    }
    return 0;
}

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    c->state = arena_alloc(c->arena, 1, sizeof(struct state));
    return c->state ? 0 : err_set(e, ERR_NOMEM, "version-share: no memory");
}

/* ---- enough of them ------------------------------------------------------------------------- */

/* How many starts a bound needs: of a share, so many that at least one is expected on either side
 * of it. */
static uint64_t samples_for(const struct check_value *bound)
{
    double side = bound->share < 0.5 ? bound->share : 1 - bound->share;
    bool says = bound->set && bound->is_share && side > 0;
    return says ? (uint64_t)ceil(1 / side - 1e-6) : 1;
}

static uint64_t samples_needed(const struct check *c)
{
    uint64_t min = samples_for(&c->value[MIN]), max = samples_for(&c->value[MAX]);
    return min > max ? min : max;
}

/* ---- one start ----------------------------------------------------------------------------- */

/* Whether A and B stand for one another, so that a start runs but one of them. */
static bool are_rivals(const struct check *c, int a, int b)
{
    const struct scenario_image *one = &c->plan->scenario->images[a];
    const struct scenario_image *other = &c->plan->scenario->images[b];
    return one->canary_of == b || other->canary_of == a ||
           strcmp(one->repository, other->repository) == 0;
}

/* A start may pull several images; of those that stand for one another it runs the one that it was
 * told last. */
static bool runs(const struct check *c, const struct pull_start *start)
{
    int baked_in = checks_baked_in(c, start);
    if (start->image == c->image || baked_in >= 0) {
        return baked_in < 0 || baked_in == c->image;
    }
    return (start->whole >> c->image & 1) != 0 && !are_rivals(c, c->image, start->image);
}

static bool counts(const struct check *c, const struct pull_start *start)
{
    struct check any = *c;
    any.image = -1;
    return checks_outcome_counts(&any, start) && start->outcome == OUTCOME_WORKED &&
           (start->image >= 0 || checks_baked_in(c, start) >= 0);
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    const struct pull_start *start = checks_ended(c, ev);
    if (!start || !counts(c, start)) {
        return;
    }
    bool mine = runs(c, start);
    uint64_t *first = mine ? &state->first_run : &state->first_other;
    uint64_t *last = mine ? &state->last_run : &state->last_other;
    *first = *first > 0 ? *first : ev->n;
    *last = ev->n;
    state->worked++;
    state->runs += mine ? 1 : 0;
    c->lost = state->worked >= samples_needed(c) &&
              (c->lost || checks_min_lost(c, &c->value[MIN], state->worked - state->runs) ||
               checks_max_lost(c, &c->value[MAX], state->runs));
}

/* ---- the result ---------------------------------------------------------------------------- */

static void tell_expected(struct check *c)
{
    const struct check_value *min = &c->value[MIN], *max = &c->value[MAX];
    struct check any = *c;
    char low[CHECKS_BOUND], high[CHECKS_BOUND], where[CHECKS_WHERE];
    any.image = -1;
    checks_bound_text(min, low);
    checks_bound_text(max, high);
    checks_where(&any, where);
    check_expected(c, "%s%s%s%s%s starts%s that worked run %s",
                   !max->set   ? "at least "
                   : !min->set ? "at most "
                               : "from ",
                   min->set ? low : "", min->set && max->set ? " to " : "", max->set ? high : "",
                   (max->set ? max : min)->is_share ? " of" : "", where,
                   c->plan->images[c->image].name);
}

/* The starts on the side that broke a bound. */
static void name_bad(struct check *c, bool low)
{
    const struct state *state = c->state;
    char share[CHECKS_SHARE];
    uint64_t first = low ? state->first_other : state->first_run;
    uint64_t last = low ? state->last_other : state->last_run;
    uint64_t events[] = {first, last != first ? last : 0, 0};
    checks_share_text(low ? state->worked - state->runs : state->runs, state->worked, share);
    check_reason(c, events, "%s of the starts that worked run %s%s", share,
                 low ? "another image than " : "", c->plan->images[c->image].name);
}

static void finish(struct check *c)
{
    const struct state *state = c->state;
    bool low = !checks_min_kept(&c->value[MIN], state->runs, state->worked);
    bool high = !checks_max_kept(&c->value[MAX], state->runs, state->worked);
    char share[CHECKS_SHARE];
    tell_expected(c);
    checks_share_text(state->runs, state->worked, share);
    if (state->worked < samples_needed(c)) {
        check_result(c, VERDICT_INCONCLUSIVE, "%s",
                     state->worked > 0 ? share : "no start to judge");
        check_reason(c, NULL, "%llu starts that worked show too little; this needs %llu",
                     (unsigned long long)state->worked, (unsigned long long)samples_needed(c));
        return;
    }
    if (low) {
        name_bad(c, true);
    }
    if (high) {
        name_bad(c, false);
    }
    check_result(c, low || high ? VERDICT_FAIL : VERDICT_PASS, "%s", share);
}

const struct check_info check_version_share = {
    .name = "version-share",
    .scope = SCOPE_SUBJECT | SCOPE_IMAGE | SCOPE_DURING,
    .params = params,
    .param_count = PARAMS,
    .meaning = "so many of the starts that worked run this image, by its digest",
    .accept = accept_bounds,
    .init = init,
    .event = event,
    .finish = finish,
};
