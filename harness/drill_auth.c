/* The credentials of a drill: random, one set a registry that asks for any, never in the history.
 */
#include "fake-registry/auth.h"
#include "harness/drill_internal.h"

static int make_auth(struct drill *d, size_t i, const char *mark, struct err *e)
{
    const struct scenario_registry *r = &d->plan->scenario->registries[i];
    const struct auth_config config = {.registry = r->name,
                                       .mark = mark,
                                       .mode =
                                           r->auth == REGISTRY_AUTH_BASIC ? AUTH_BASIC : AUTH_TOKEN,
                                       .anonymous = r->anonymous,
                                       .ttl_ns = r->token_ttl_ns};
    d->auth[i] = auth_new(&config, e);
    return d->auth[i] != NULL ? 0 : err_prefix(e, "registry %s", r->name);
}

static int hide(struct drill *d, const char *mark, struct err *e)
{
    char secret[AUTH_SECRET];
    for (size_t i = 0; auth_secret(mark, i, secret); i++) {
        if (history_secret(d->history, secret, e) != 0) {
            return -1;
        }
    }
    return 0;
}

int drill_auth_open(struct drill *d, struct err *e)
{
    const struct scenario *s = d->plan->scenario;
    char mark[AUTH_MARK + 1] = "";
    for (size_t i = 0; i < s->registry_count; i++) {
        if (s->registries[i].auth == REGISTRY_AUTH_NONE) {
            continue;
        }
        if (mark[0] == '\0' && (auth_mark(mark, e) != 0 || hide(d, mark, e) != 0)) {
            return -1;
        }
        if (make_auth(d, i, mark, e) != 0) {
            return -1;
        }
    }
    return 0;
}

void drill_auth_close(struct drill *d)
{
    for (size_t i = 0; i < SCENARIO_MAX_REGISTRIES; i++) {
        auth_free(d->auth[i]);
        d->auth[i] = NULL;
    }
}
