/* no-leak: no credential reached a registry that it does not belong to. */
#include <string.h>

#include "harness/checks/checks.h"
#include "harness/checks/common.h"

#define OTHERS "other:" /* how an event names a credential of another registry */

struct state {
    uint64_t own, leaked;
};

static int init(struct check *c, struct doc_at at, struct err *e)
{
    (void)at;
    c->state = arena_alloc(c->arena, 1, sizeof(struct state));
    return c->state ? 0 : err_set(e, ERR_NOMEM, "no-leak: no memory");
}

static void event(struct check *c, const struct event *ev)
{
    struct state *state = c->state;
    if (ev->type != EVENT_REQUEST || ev->request.lane == 0 || !ev->request.credential) {
        return;
    }
    const struct event_request *ask = &ev->request;
    state->own += strcmp(ask->credential, "own") == 0 ? 1 : 0;
    if (strncmp(ask->credential, OTHERS, strlen(OTHERS)) == 0) {
        const char *name = ask->registry ? ask->registry : "a registry";
        const char *host = ask->host ? ask->host : name;
        uint64_t events[] = {ev->n, 0};
        check_reason(c, events, "start %llu sent %s the credential of %s",
                     (unsigned long long)ask->start, host, ask->credential + strlen(OTHERS));
        state->leaked++;
        c->lost = true;
    }
}

static void finish(struct check *c)
{
    const struct state *state = c->state;
    check_expected(c, "no credential reaches a registry that it does not belong to");
    if (state->leaked > 0) {
        check_result(c, VERDICT_FAIL, "%llu request%s carried another registry's credential",
                     (unsigned long long)state->leaked, state->leaked == 1 ? "" : "s");
    } else if (state->own > 0) {
        check_result(c, VERDICT_PASS,
                     "%llu request%s carried a credential, each its registry's own",
                     (unsigned long long)state->own, state->own == 1 ? "" : "s");
    } else {
        check_result(c, VERDICT_PASS, "not tested: no credentials in play");
    }
}

const struct check_info check_no_leak = {
    .name = "no-leak",
    .always = true,
    .meaning = "no credential reached a registry that it does not belong to",
    .init = init,
    .event = event,
    .finish = finish,
};
