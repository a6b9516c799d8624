/* What the ways to reach the fakes have in common: hosts, and where a lane listens. */
#include "harness/reach.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add(struct reach_host *out, size_t *count, int registry, enum server_role role,
                const char *const *names, size_t name_count)
{
    out[(*count)++] = (struct reach_host){
        .registry = registry, .role = role, .names = names, .name_count = name_count};
}

size_t reach_hosts(const struct scenario *s, struct reach_host *out)
{
    size_t count = 0;

    for (size_t i = 0; i < s->registry_count; i++) {
        const struct scenario_registry *r = &s->registries[i];

        add(out, &count, (int)i, SERVER_REGISTRY, (const char *const *)r->names, r->name_count);
        if (r->token.own)
            add(out, &count, (int)i, SERVER_TOKEN, &r->token.name, r->token.name != NULL);
        if (r->blobs.own)
            add(out, &count, (int)i, SERVER_BLOBS, &r->blobs.name, r->blobs.name != NULL);
    }
    return count;
}

/* How many listeners a lane has at most: those of a proxy have no port of their own. */
static size_t listeners_of(const struct scenario *s)
{
    struct reach_host hosts[REACH_MAX_HOSTS];

    for (size_t i = 0; i < s->subject_count; i++) {
        if (s->subjects[i].reach == REACH_LISTEN)
            return reach_hosts(s, hosts);
    }
    return 1;
}

/* Whether --listen is for LANE. */
static bool listens_outside(const struct lane *lane)
{
    const struct scenario *s = lane->plan->scenario;

    if (lane->plan->listen.address == NULL || lane->subject < 0)
        return false;
    enum scenario_reach reach = s->subjects[lane->subject].reach;
    return reach == REACH_LISTEN || reach == REACH_PROXY;
}

int reach_place(const struct lane *lane, size_t index, struct reach_place *out, struct err *e)
{
    const struct plan_listen *listen = &lane->plan->listen;

    *out = (struct reach_place){.address = lane->address};
    if (!listens_outside(lane))
        return 0;
    out->address = listen->address;
    out->advertise = listen->advertise;
    if (listen->port == 0)
        return 0;
    uint64_t port = listen->port + (lane->number - 1) * listeners_of(lane->plan->scenario) + index;
    if (port > UINT16_MAX)
        return err_set(e, ERR_USAGE,
                       "--listen: lane %" PRIu64 " would need port %" PRIu64
                       "; begin at a lower one",
                       lane->number, port);
    out->port = (uint16_t)port;
    return 0;
}

void reach_endpoint(const struct reach_place *place, uint16_t port, char *out, size_t size)
{
    const char *host = place->advertise != NULL ? place->advertise : place->address;
    bool v6 = strchr(host, ':') != NULL;

    (void)snprintf(out, size, "%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

int reach_by_name(struct lane *lane, struct err *e)
{
    const struct scenario *s = lane->plan->scenario;

    for (size_t i = 0; i < s->registry_count; i++) {
        const struct scenario_registry *r = &s->registries[i];

        if (r->name_count == 0)
            return err_set(e, ERR_INVALID, "registry %s has no names", r->name);
        (void)snprintf(lane->endpoint[i], sizeof lane->endpoint[i], "%s", r->names[0]);
        lane->tls[i] = r->tls;
    }
    return 0;
}
