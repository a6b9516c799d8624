/* served-by: which registry the starts that worked have their image from. */
#include <stdio.h>

#include "harness/checks/checks.h"
#include "harness/checks/common.h"

enum { REGISTRY, OBJECT, MIN, MAX, PARAMS };
enum { OBJECT_MANIFEST, OBJECT_BLOBS, OBJECT_ALL };

static const char *const objects[] = {"manifest", "blobs", "all", NULL};

static const struct check_param params[PARAMS] = {
    [REGISTRY] = {.name = "registry",
                  .type = CHECK_REGISTRY,
                  .required = true,
                  .meaning = "the registry that serves"},
    [OBJECT] = {.name = "object",
                .type = CHECK_CHOICE,
                .choices = objects,
                .meaning = "what it serves; the manifest where absent"},
    [MIN] = {.name = "min",
             .type = CHECK_SHARE,
             .meaning = "at least this share, or this many, of the starts that worked have all of "
                        "it from there; 100% where neither bound is given"},
    [MAX] = {.name = "max",
             .type = CHECK_SHARE,
             .meaning = "at most this share, or this many, of them have any of it from there"},
};

struct state {
    struct check_value min, max;
    unsigned object;
    int registry;
    struct checks_stray stray;
    uint64_t seen;   /* starts that count, worked or not */
    uint64_t worked; /* of those, that worked and fetched something to look at */
    uint64_t whole;  /* all of it from the registry */
    uint64_t some;   /* any of it */
};

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    struct state *state = arena_alloc(c->arena, 1, sizeof *state);
    if (!state) {
        return err_set(e, ERR_NOMEM, "served-by: no memory");
    }
    state->registry = (int)c->value[REGISTRY].number;
    state->object = c->value[OBJECT].set ? (unsigned)c->value[OBJECT].number : OBJECT_MANIFEST;
    state->min = c->value[MIN];
    state->max = c->value[MAX];
    if (!state->min.set && !state->max.set) {
        state->min = (struct check_value){.set = true, .is_share = true, .share = 1};
    }
    checks_stray_init(&state->stray, -1, CHECKS_OBJECT_OPS);
    c->state = state;
    return 0;
}

/* ---- one start ----------------------------------------------------------------------------- */

struct look {
    uint64_t fetched, here;
    const struct pull_object *mine, *foreign; /* the first object from here, from elsewhere */
    int foreign_by;
    uint64_t mine_event, foreign_event;
};

static void look_at(struct look *look, const struct pull_object *object, int by, uint64_t event,
                    int registry)
{
    look->fetched++;
    if (by == registry) {
        look->mine = look->here == 0 ? object : look->mine;
        look->mine_event = look->here == 0 ? event : look->mine_event;
        look->here++;
    } else if (look->fetched - look->here == 1) {
        look->foreign = object;
        look->foreign_by = by;
        look->foreign_event = event;
    }
}

/* Blobs that a warm start did not fetch are nobody's. Of the manifests at least one has somebody
 * who told it, or the start is not served at all. */
static struct look look(const struct state *state, const struct pull_start *start)
{
    struct look look = {.foreign_by = -1};
    for (size_t i = 0; i < start->object_count; i++) {
        const struct pull_object *object = &start->objects[i];
        bool manifest = checks_is_manifest(object);
        uint64_t event;
        int by = checks_object_by(start, object, &event);
        if (by >= 0 && state->object != (manifest ? OBJECT_BLOBS : OBJECT_MANIFEST)) {
            look_at(&look, object, by, event, state->registry);
        }
    }
    if (look.fetched == 0 && state->object != OBJECT_BLOBS) {
        look_at(&look, NULL, -1, 0, state->registry);
    }
    return look;
}

static bool counts(const struct check *c, const struct pull_start *start)
{
    return checks_route_counts(c, start) && start->outcome == OUTCOME_WORKED;
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    const struct pull_start *start = checks_ended(c, ev);
    checks_stray_event(&state->stray, c, ev);
    if (!start || !checks_route_counts(c, start)) {
        return;
    }
    state->seen++;
    if (!counts(c, start)) {
        return;
    }
    struct look seen = look(state, start);
    if (seen.fetched == 0) {
        return;
    }
    state->worked++;
    state->whole += seen.here == seen.fetched ? 1 : 0;
    state->some += seen.here > 0 ? 1 : 0;
    c->lost = c->lost || checks_min_lost(c, &state->min, state->worked - state->whole) ||
              checks_max_lost(c, &state->max, state->some);
}

/* ---- the result ---------------------------------------------------------------------------- */

/* NULL stands for the manifest of a start that was served none. */
static void name_object(const struct pull_object *object, char text[32])
{
    static const char *const names[] = {
        [PULL_INDEX] = "index", [PULL_MANIFEST] = "manifest", [PULL_CONFIG] = "config"};
    if (object && object->kind == PULL_LAYER) {
        snprintf(text, 32, "layer %zu", object->layer);
    } else {
        snprintf(text, 32, "%s", names[object ? object->kind : PULL_MANIFEST]);
    }
}

/* Names the starts that break the minimum (LOW), or the maximum. */
static void name_bad(struct check *c, bool low)
{
    const struct state *state = c->state;
    for (size_t i = 0; i < pulls_count(c->pulls); i++) {
        const struct pull_start *start = pulls_at(c->pulls, i);
        if (!counts(c, start)) {
            continue;
        }
        struct look seen = look(state, start);
        bool bad = low ? seen.here < seen.fetched : seen.here > 0;
        if (seen.fetched > 0 && bad) {
            char name[CHECKS_NAME], what[32];
            uint64_t events[] = {low ? seen.foreign_event : seen.mine_event, start->end_event, 0};
            uint64_t end[] = {start->end_event, 0};
            name_object(low ? seen.foreign : seen.mine, what);
            checks_start_name(c, start, name);
            check_reason(c, events[0] ? events : end, "%s: %s served by %s", name, what,
                         checks_registry_name(c, low ? seen.foreign_by : state->registry));
        }
    }
}

static const char *const all_of[] = {"", "with all blobs ", "with everything "};
static const char *const any_of[] = {"", "with any blob ", "with anything "};

static void tell_expected(struct check *c)
{
    const struct state *state = c->state;
    char min[CHECKS_BOUND], max[CHECKS_BOUND], where[CHECKS_WHERE];
    const char *registry = checks_registry_name(c, state->registry);
    checks_bound_text(&state->min, min);
    checks_bound_text(&state->max, max);
    checks_where(c, where);
    const char *min_of = state->min.is_share ? " of" : "";
    const char *max_of = state->max.is_share ? " of" : "";
    if (!state->max.set) {
        check_expected(c, "at least %s%s starts%s %sserved by %s", min, min_of, where,
                       all_of[state->object], registry);
    } else if (!state->min.set) {
        check_expected(c, "at most %s%s starts%s %sserved by %s", max, max_of, where,
                       any_of[state->object], registry);
    } else {
        check_expected(c, "from %s%s to %s%s starts%s %sserved by %s", min, min_of, max, max_of,
                       where, all_of[state->object], registry);
    }
}

static void finish(struct check *c)
{
    const struct state *state = c->state;
    enum verdict_kind verdict = VERDICT_PASS;
    char share[CHECKS_SHARE];
    tell_expected(c);
    if (state->worked == 0) {
        checks_nothing_to_judge(c, state->seen == 0 ? "began and ended in one phase"
                                                    : "worked and fetched it");
        return;
    }
    if (!checks_min_kept(&state->min, state->whole, state->worked)) {
        name_bad(c, true);
        verdict = VERDICT_FAIL;
    }
    if (!checks_max_kept(&state->max, state->some, state->worked)) {
        name_bad(c, false);
        verdict = VERDICT_FAIL;
    }
    verdict = checks_doubt(c, &state->stray, verdict);
    checks_share_text(state->min.set ? state->whole : state->some, state->worked, share);
    check_result(c, verdict, "%s", share);
}

const struct check_info check_served_by = {
    .name = "served-by",
    .scope = SCOPE_SUBJECT | SCOPE_IMAGE | SCOPE_DURING,
    .params = params,
    .param_count = PARAMS,
    .meaning = "starts that worked have their image from this registry",
    .init = init,
    .event = event,
    .finish = finish,
};
