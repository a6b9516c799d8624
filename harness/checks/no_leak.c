/* no-leak: no credential reached a registry, or a redirect target, that it does not belong to. */
#include <stdio.h>
#include <string.h>

#include "harness/checks/checks.h"
#include "harness/checks/common.h"

#define OTHERS "other:" /* how an event names a credential of another registry */
#define TARGET "/blobs" /* … and a host that a registry redirects to */

struct state {
    uint64_t own, within, leaked;
};

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    c->state = arena_alloc(c->arena, 1, sizeof(struct state));
    return c->state ? 0 : err_set(e, ERR_NOMEM, "no-leak: no memory");
}

/* A redirect target needs no credential: its URL is signed, and it is not always the registry's. */
static bool is_target(const char *host)
{
    size_t len = host ? strlen(host) : 0;
    return len > strlen(TARGET) && strcmp(host + len - strlen(TARGET), TARGET) == 0;
}

static bool is_below(const char *name, const char *domain)
{
    size_t len = strlen(name);
    size_t of = strlen(domain);
    return len > of + 1 && name[len - of - 1] == '.' && strcmp(name + len - of, domain) == 0;
}

/* Whether the subject of START knows the registries by their names. */
static bool by_names(const struct check *c, uint64_t number)
{
    const struct pull_start *start = pulls_start(c->pulls, number);
    if (!start || start->subject < 0) {
        return false;
    }
    enum scenario_reach reach = c->plan->scenario->subjects[start->subject].reach;
    return reach == REACH_NAMES || reach == REACH_PROXY;
}

/* Whether the redirect target is called by a name below the registry's own, such as cdn01.quay.io:
 * then it is the same owner's, and every client written in Go sends on what it sent the registry.
 */
static bool is_within(const struct check *c, const struct event_request *ask)
{
    int index = ask->registry ? plan_registry(c->plan, ask->registry) : -1;
    const struct scenario_registry *r = index < 0 ? NULL : &c->plan->scenario->registries[index];
    if (!r || !r->blobs.name || !by_names(c, ask->start)) {
        return false;
    }
    for (size_t i = 0; i < r->name_count; i++) {
        if (is_below(r->blobs.name, r->names[i])) {
            return true;
        }
    }
    return false;
}

/* Whose credential went where it does not belong; NULL: nobody's. */
static const char *leaked(const struct check *c, const struct event_request *ask)
{
    if (strncmp(ask->credential, OTHERS, strlen(OTHERS)) == 0) {
        return ask->credential + strlen(OTHERS);
    }
    bool astray = strcmp(ask->credential, "own") == 0 && is_target(ask->host);
    return astray && !is_within(c, ask) ? ask->registry : NULL;
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    const struct event_request *ask = &ev->request;
    if (ev->type != EVENT_REQUEST || ask->lane == 0 || !ask->credential) {
        return;
    }
    const char *whose = leaked(c, ask);
    if (!whose) {
        bool own = strcmp(ask->credential, "own") == 0;
        state->own += own ? 1 : 0;
        state->within += own && is_target(ask->host) ? 1 : 0;
        return;
    }
    char who[48] = "a request of no start";
    uint64_t events[] = {ev->n, 0};
    if (ask->start > 0) {
        snprintf(who, sizeof who, "start %llu", (unsigned long long)ask->start);
    }
    check_reason(c, events, "%s sent %s's credential to %s", who, whose,
                 ask->host       ? ask->host
                 : ask->registry ? ask->registry
                                 : "a registry");
    state->leaked++;
    c->lost = true;
}

static void pass(struct check *c, const struct state *state)
{
    char within[96] = "";
    if (state->within > 0) {
        snprintf(within, sizeof within,
                 " (%llu to a redirect target below the registry's own name)",
                 (unsigned long long)state->within);
    }
    check_result(c, VERDICT_PASS, "%llu request%s carried a credential, each to where it belongs%s",
                 (unsigned long long)state->own, state->own == 1 ? "" : "s", within);
}

static void finish(struct check *c)
{
    const struct state *state = c->state;
    check_expected(c, "no credential reaches a registry, or a redirect target, that it does not "
                      "belong to");
    if (state->leaked > 0) {
        check_result(c, VERDICT_FAIL,
                     "%llu request%s carried a credential to where it does not belong",
                     (unsigned long long)state->leaked, state->leaked == 1 ? "" : "s");
    } else if (state->own > 0) {
        pass(c, state);
    } else {
        check_result(c, VERDICT_PASS, "not tested: no credentials in play");
    }
}

const struct check_info check_no_leak = {
    .name = "no-leak",
    .always = true,
    .served = true,
    .meaning = "no credential reached a registry, or a redirect target, that it does not belong to",
    .init = init,
    .event = event,
    .finish = finish,
};
