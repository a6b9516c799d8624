/* The credentials of registries: random, one set a registry that asks for any, never in the
 * history.
 */
#include "fake-registry/auth.h"
#include "harness/registries_internal.h"

static struct auth *make_auth(const struct scenario_registry *r, const char *mark, struct err *e)
{
    const struct auth_config config = {.registry = r->name,
                                       .mark = mark,
                                       .mode =
                                           r->auth == REGISTRY_AUTH_BASIC ? AUTH_BASIC : AUTH_TOKEN,
                                       .anonymous = r->anonymous,
                                       .ttl_ns = r->token_ttl_ns};
    struct auth *auth = auth_new(&config, e);
    if (auth == NULL) {
        err_prefix(e, "registry %s", r->name);
    }
    return auth;
}

static int hide(struct history *history, const char *mark, struct err *e)
{
    char secret[AUTH_SECRET];
    for (size_t i = 0; auth_secret(mark, i, secret); i++) {
        if (history_secret(history, secret, e) != 0) {
            return -1;
        }
    }
    return 0;
}

int registries_auth_open(struct registries *r, const struct scenario *s, struct history *history,
                         struct err *e)
{
    char mark[AUTH_MARK + 1] = "";
    for (size_t i = 0; i < s->registry_count; i++) {
        if (s->registries[i].auth == REGISTRY_AUTH_NONE) {
            continue;
        }
        if (mark[0] == '\0' && (auth_mark(mark, e) != 0 || hide(history, mark, e) != 0)) {
            return -1;
        }
        r->auth[i] = make_auth(&s->registries[i], mark, e);
        if (r->auth[i] == NULL) {
            return -1;
        }
    }
    return 0;
}
