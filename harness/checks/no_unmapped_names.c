/* no-unmapped-names: starts look up no names but those that registries play. */
#include <fnmatch.h>
#include <strings.h>

#include "harness/checks/checks.h"
#include "harness/checks/common.h"

enum { ALLOW, PARAMS };

static const struct check_param params[PARAMS] = {
    [ALLOW] = {.name = "allow",
               .type = CHECK_GLOBS,
               .meaning = "names that may be looked up all the same: a glob, or an array of globs"},
};

/* The most names that are told apart; further ones are only counted. */
#define MAX_NAMES 64

struct seen {
    const char *name;
    uint64_t times;
    uint64_t start; /* the first that asked */
    uint64_t event;
};

struct state {
    struct seen seen[MAX_NAMES];
    size_t count;
    uint64_t mapped;   /* lookups of names that are played */
    uint64_t allowed;  /* lookups of names that are allowed */
    uint64_t unmapped; /* lookups of all others */
};

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    c->state = arena_alloc(c->arena, 1, sizeof(struct state));
    return c->state ? 0 : err_set(e, ERR_NOMEM, "no-unmapped-names: no memory");
}

/* ---- events -------------------------------------------------------------------------------- */

static bool is_allowed(const struct check *c, const char *name)
{
    const json_t *globs = c->value[ALLOW].globs;
    if (json_is_string(globs)) {
        return fnmatch(json_string_value(globs), name, FNM_CASEFOLD) == 0;
    }
    for (size_t i = 0; i < json_array_size(globs); i++) {
        if (fnmatch(json_string_value(json_array_get(globs, i)), name, FNM_CASEFOLD) == 0) {
            return true;
        }
    }
    return false;
}

/* Where NAME is counted; NULL: there is no room to tell it apart. */
static struct seen *seen_of(struct check *c, struct state *state, const struct event *ev,
                            const char *name)
{
    for (size_t i = 0; i < state->count; i++) {
        if (strcasecmp(state->seen[i].name, name) == 0) {
            return &state->seen[i];
        }
    }
    const char *copy = state->count < MAX_NAMES ? arena_strdup(c->arena, name) : NULL;
    if (!copy) {
        return NULL; /* for want of memory: the arena remembers */
    }
    struct seen *seen = &state->seen[state->count++];
    *seen = (struct seen){.name = copy, .start = ev->lookup.start, .event = ev->n};
    return seen;
}

static void note(struct check *c, struct state *state, const struct event *ev, const char *name)
{
    struct seen *seen = seen_of(c, state, ev, name);
    if (seen) {
        seen->times++;
    }
    state->unmapped++;
    c->lost = true;
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    if (ev->type != EVENT_LOOKUP || ev->lookup.start == 0) {
        return;
    }
    const struct pull_start *start = pulls_start(c->pulls, ev->lookup.start);
    if (!start || !check_covers(c, start)) {
        return;
    }
    const char *name = ev->lookup.name ? ev->lookup.name : "";
    if (ev->lookup.registry) {
        state->mapped++;
    } else if (c->value[ALLOW].set && is_allowed(c, name)) {
        state->allowed++;
    } else {
        note(c, state, ev, name);
    }
}

/* ---- the result ---------------------------------------------------------------------------- */

/* Starts whose lookups are seen. */
static uint64_t count_starts(const struct check *c)
{
    uint64_t count = 0;
    for (size_t i = 0; i < pulls_count(c->pulls); i++) {
        const struct pull_start *start = pulls_at(c->pulls, i);
        enum scenario_reach reach = c->plan->scenario->subjects[start->subject].reach;
        bool seen = reach == REACH_NAMES || reach == REACH_PROXY;
        count += seen && check_covers(c, start) ? 1 : 0;
    }
    return count;
}

static void finish(struct check *c)
{
    const struct state *state = c->state;
    uint64_t starts = count_starts(c);
    char where[CHECKS_WHERE];
    checks_where(c, where);
    check_expected(c, "starts%s look up no names but those that registries play", where);
    for (size_t i = 0; i < state->count; i++) {
        const struct seen *seen = &state->seen[i];
        uint64_t events[] = {seen->event, 0};
        check_reason(c, events, "%s was looked up %llu time%s, first by start %llu", seen->name,
                     (unsigned long long)seen->times, seen->times == 1 ? "" : "s",
                     (unsigned long long)seen->start);
    }
    if (state->unmapped > 0) {
        check_result(c, VERDICT_FAIL, "%llu lookup%s of names that no registry plays",
                     (unsigned long long)state->unmapped, state->unmapped == 1 ? "" : "s");
    } else if (starts == 0) {
        check_reason(c, NULL, "lookups are seen with \"reach\": \"names\" or \"proxy\" only");
        check_result(c, VERDICT_INCONCLUSIVE, "not tested: no start's lookups are seen");
    } else {
        uint64_t good = state->mapped + state->allowed;
        char allowed[64] = "";
        if (state->allowed > 0) {
            snprintf(allowed, sizeof allowed, ", %llu of them of allowed ones",
                     (unsigned long long)state->allowed);
        }
        check_result(c, VERDICT_PASS, "%llu lookup%s of such names by %llu start%s%s",
                     (unsigned long long)good, good == 1 ? "" : "s", (unsigned long long)starts,
                     starts == 1 ? "" : "s", allowed);
    }
}

const struct check_info check_no_unmapped_names = {
    .name = "no-unmapped-names",
    .scope = SCOPE_SUBJECT | SCOPE_DURING,
    .params = params,
    .param_count = PARAMS,
    .meaning = "starts look up no names but those that registries play",
    .init = init,
    .event = event,
    .finish = finish,
};
