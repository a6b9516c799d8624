/* Proxies: a listener with a table of where it leads.
 *
 * Happy path: each target is a listener without a socket, one for those that are alike, in the
 * proxy's lane; connections through the proxy are moved to it and are then like any other, so that
 * faults find them by its name. Failure modes: too many targets, no memory; a target whose name is
 * too long. A proxy itself is never refused: what it leads to is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/server_internal.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool alike(const struct server_listen *a, const struct server_listen *b)
{
    return a->registry == b->registry && a->role == b->role && a->of == b->of && a->tls == b->tls &&
           a->trusted == b->trusted && same_text(a->authority, b->authority);
}

/* Where an earlier target leads to the same; NULL: it is the first of its kind. */
static struct listener *found_before(const struct listener *proxy,
                                     const struct server_proxy_target *targets, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (alike(&targets[k].to, &targets[i].to)) {
            return proxy->targets[k].to;
        }
    }
    return NULL;
}

static struct listener *make_listener(struct server *s, const struct listener *proxy,
                                      const struct server_proxy_target *target, struct err *e)
{
    struct server_listen how = target->to;
    how.lane = proxy->lane->number;
    struct listener *l = listener_new(s, &how, e);
    if (l == NULL) {
        return NULL;
    }
    l->fd = -1;
    l->port = target->port;
    (void)snprintf(l->address, sizeof(l->address), "%s", proxy->address);
    (void)snprintf(l->authority, sizeof(l->authority), "%s",
                   how.authority != NULL ? how.authority : target->name);
    listener_install(l);
    return l;
}

static int fill_target(struct server *s, struct listener *proxy,
                       const struct server_proxy_target *targets, size_t i, struct err *e)
{
    struct proxy_target *t = &proxy->targets[i];
    if (snprintf(t->name, sizeof(t->name), "%s", targets[i].name) >= (int)sizeof(t->name)) {
        return err_set(e, ERR_LIMIT, "too long a name for a proxy: %.100s", targets[i].name);
    }
    t->port = targets[i].port;
    t->to = found_before(proxy, targets, i);
    if (t->to == NULL) {
        t->to = make_listener(s, proxy, &targets[i], e);
    }
    proxy->target_count += t->to != NULL ? 1 : 0;
    return t->to != NULL ? 0 : -1;
}

int server_listen_proxy(struct server *s, uint64_t lane, const struct server_proxy_target *targets,
                        size_t count, const char *address, uint16_t port, struct err *e)
{
    const struct server_listen how = {.registry = -1, .role = SERVER_PROXY, .lane = lane};
    if (count > SERVER_MAX_TARGETS) {
        return err_set(e, ERR_LIMIT, "more than %d targets of a proxy", SERVER_MAX_TARGETS);
    }
    int listener = server_listen(s, &how, address, port, e);
    if (listener < 0) {
        return -1;
    }
    struct listener *proxy = s->listeners[listener];
    proxy->targets = calloc(count + 1, sizeof(*proxy->targets));
    if (proxy->targets == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for a proxy");
    }
    for (size_t i = 0; i < count; i++) {
        if (fill_target(s, proxy, targets, i, e) != 0) {
            return -1;
        }
    }
    return listener;
}

struct listener *listener_proxy_target(const struct listener *l, const char *name, uint16_t port,
                                       const struct registry **player)
{
    *player = NULL;
    for (size_t i = 0; i < l->target_count; i++) {
        if (strcmp(l->targets[i].name, name) == 0) {
            *player = l->targets[i].to->registry;
            if (l->targets[i].port == port) {
                return l->targets[i].to;
            }
        }
    }
    return NULL;
}
