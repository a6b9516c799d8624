/* Reaching registries by their own names through a proxy: a listener a lane, on its loopback
 * address or where --listen says, and the variables that point clients at it. It leads to what the
 * registries play, on ports 443 and 80, and to nothing else. Clients leave names to their proxy, so
 * that nothing on the machine has to resolve them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/lane_internal.h"
#include "harness/lane_trust.h"
#include "harness/names.h"
#include "harness/reach.h"

#define HTTPS 443
#define HTTP 80

#define MAX_TARGETS ((size_t)2 * NAMES_MAX)
_Static_assert(2 * NAMES_MAX <= SERVER_MAX_TARGETS, "a proxy leads to every name on both ports");

/* Of a lane reached so. */
struct proxy {
    char url[300]; /* "http://127.1.1.1:40123" */
};

/* Where it leads, while it is made. */
struct targets {
    struct server_proxy_target target[MAX_TARGETS];
    size_t count;
};

static int add_target(struct targets *t, const char *name, uint16_t port,
                      const struct server_listen *to, struct err *e)
{
    if (t->count == MAX_TARGETS)
        return err_set(e, ERR_LIMIT, "more than %d names of registries", NAMES_MAX);
    t->target[t->count++] = (struct server_proxy_target){.name = name, .port = port, .to = *to};
    return 0;
}

/* A host that speaks TLS is on port 443, and port 80 sends there; else it is on port 80 alone. */
static int add_name(const struct lane *lane, struct targets *t, const struct reach_host *host,
                    const char *name, struct err *e)
{
    struct server_listen to = {.registry = host->registry, .role = host->role, .authority = name};

    if (!lane->tls[host->registry])
        return add_target(t, name, HTTP, &to, e);
    to.tls = lane_trust_context(lane->shared, host->registry, host->names, host->name_count, e);
    if (to.tls == NULL || add_target(t, name, HTTPS, &to, e) != 0)
        return -1;
    to.tls = NULL;
    to.role = SERVER_TO_HTTPS;
    to.of = host->role;
    return add_target(t, name, HTTP, &to, e);
}

static int add_host(const struct lane *lane, struct targets *t, const struct reach_host *host,
                    struct err *e)
{
    for (size_t i = 0; i < host->name_count; i++) {
        if (add_name(lane, t, host, host->names[i], e) != 0)
            return -1;
    }
    return 0;
}

static int add_hosts(const struct lane *lane, struct targets *t, struct err *e)
{
    const struct scenario *s = lane->plan->scenario;
    struct reach_host hosts[REACH_MAX_HOSTS];
    size_t count = reach_hosts(s, hosts);

    for (size_t i = 0; i < count; i++) {
        if (add_host(lane, t, &hosts[i], e) != 0)
            return -1;
    }
    return 0;
}

static int listen_here(struct lane *lane, const struct targets *t, struct err *e)
{
    char endpoint[280];
    struct reach_place place;
    struct proxy *p = lane->reach_data;
    struct server *server = lane->shared->server;

    if (reach_place(lane, 0, &place, e) != 0)
        return -1;
    int listener = server_listen_proxy(server, lane->number, t->target, t->count, place.address,
                                       place.port, e);
    if (listener < 0)
        return err_prefix(e, "the proxy of lane %" PRIu64, lane->number);
    reach_endpoint(&place, server_port(server, listener), endpoint, sizeof endpoint);
    (void)snprintf(p->url, sizeof p->url, "http://%s", endpoint);
    return 0;
}

static int proxy_open(struct lane *lane, struct err *e)
{
    struct targets *t = calloc(1, sizeof *t);

    lane->reach_data = calloc(1, sizeof(struct proxy));
    if (t == NULL || lane->reach_data == NULL) {
        free(t);
        return err_set(e, ERR_NOMEM, "no memory for a proxy");
    }
    int rc = reach_by_name(lane, e) != 0 || lane_trust_make(lane, e) != 0 ||
                     add_hosts(lane, t, e) != 0 || listen_here(lane, t, e) != 0
                 ? -1
                 : 0;
    free(t);
    return rc;
}

/* The listener lives and closes with the server. */
static void proxy_close(struct lane *lane)
{
    free(lane->reach_data);
    lane->reach_data = NULL;
}

/* In both spellings: curl reads http_proxy in small letters alone. What is on the machine itself
 * is not asked of the proxy, which would refuse it. */
static int proxy_environment(const struct lane *lane, struct environment *env, struct err *e)
{
    static const char *const names[] = {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY",
                                        "http_proxy",  "ALL_PROXY",   "all_proxy"};
    static const char direct[] = "localhost,127.0.0.0/8,::1";
    const struct proxy *p = lane->reach_data;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (environment_put(env, names[i], p->url, e) != 0)
            return -1;
    }
    return environment_put(env, "NO_PROXY", direct, e) != 0 ||
                   environment_put(env, "no_proxy", direct, e) != 0
               ? -1
               : lane_put_fact(env, "", "", "PROXY", p->url, e);
}

const struct lane_reach lane_reach_proxy = {
    .name = "proxy",
    .open = proxy_open,
    .close = proxy_close,
    .environment = proxy_environment,
    .cannot_show = "subjects reached the real names through a proxy, so how they resolve names and "
                   "take refused connections was not shown, nor how they fare without a proxy",
};
