/* Reaching registries by port: each on an address and a port that the subject is told, on the
 * lane's own loopback address (`ports`) or where --listen says (`listen`). */
#include <inttypes.h>
#include <string.h>

#include "harness/lane_trust.h"
#include "harness/reach.h"

/* The context of HOST at PLACE, by any name it may be asked for; NULL: E. */
static struct tls_context *context_of(const struct lane *lane, const struct reach_host *host,
                                      const struct reach_place *place, struct err *e)
{
    const char *names[SCENARIO_MAX_NAMES + 2];
    size_t count = 0;

    if (place->advertise != NULL)
        names[count++] = place->advertise;
    names[count++] = place->address;
    for (size_t i = 0; i < host->name_count && i < SCENARIO_MAX_NAMES; i++)
        names[count++] = host->names[i];
    return lane_trust_context(lane->shared, host->registry, names, count, e);
}

int reach_listen(struct lane *lane, const struct reach_host *host, const struct reach_place *place,
                 struct err *e)
{
    char authority[300];
    struct server_listen how = {.registry = host->registry,
                                .role = host->role,
                                .lane = lane->number,
                                .trusted = lane->number == 0};

    /* The harness's own lane has nothing to prove. */
    if (lane->plan->scenario->registries[host->registry].tls && lane->number != 0) {
        how.tls = context_of(lane, host, place, e);
        if (how.tls == NULL)
            return -1;
    }
    if (place->advertise != NULL) {
        reach_endpoint(place, place->port, authority, sizeof authority);
        how.authority = authority;
    }
    return server_listen(lane->shared->server, &how, place->address, place->port, e);
}

/* ENDPOINT gets what the host is asked for by. */
static int open_host(struct lane *lane, const struct reach_host *host, size_t index,
                     char endpoint[272], struct err *e)
{
    struct server *server = lane->shared->server;
    const size_t r = (size_t)host->registry;
    struct reach_place place;
    int listener =
        reach_place(lane, index, &place, e) == 0 ? reach_listen(lane, host, &place, e) : -1;

    if (listener < 0)
        return err_prefix(e, "registry %s on lane %" PRIu64,
                          lane->plan->scenario->registries[r].name, lane->number);
    reach_endpoint(&place, server_port(server, listener), endpoint, 272);
    if (host->role == SERVER_REGISTRY) {
        lane->listener[r] = listener;
        lane->tls[r] = lane->plan->scenario->registries[r].tls && lane->number != 0;
        memcpy(lane->endpoint[r], endpoint, sizeof lane->endpoint[r]);
    }
    return 0;
}

static int ports_open(struct lane *lane, struct err *e)
{
    struct reach_host hosts[REACH_MAX_HOSTS];
    char endpoint[REACH_MAX_HOSTS][272];
    size_t count = reach_hosts(lane->plan->scenario, hosts);

    for (size_t i = 0; i < count; i++) {
        if (open_host(lane, &hosts[i], i, endpoint[i], e) != 0)
            return -1;
    }
    if (lane_trust_make(lane, e) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (hosts[i].role != SERVER_REGISTRY && lane->tls[hosts[i].registry] &&
            lane_trust_host(lane, hosts[i].registry, endpoint[i], e) != 0)
            return -1;
    }
    return 0;
}

static int listen_open(struct lane *lane, struct err *e)
{
    if (lane->plan->listen.address == NULL)
        return err_set(e, ERR_USAGE,
                       "subject %s has \"reach\": \"listen\", and nothing says where; write "
                       "--listen ADDR, an address that its machines reach",
                       lane->plan->scenario->subjects[lane->subject].name);
    return ports_open(lane, e);
}

/* The listeners live and close with the server, which drains them first. */
static void ports_close(struct lane *lane)
{
    for (size_t i = 0; i < SCENARIO_MAX_REGISTRIES; i++)
        lane->listener[i] = -1;
}

const struct lane_reach lane_reach_ports = {
    .name = "ports",
    .open = ports_open,
    .close = ports_close,
    .cannot_show = "subjects were given host:port in their environment, which is not how they find "
                   "their registries in production",
};

const struct lane_reach lane_reach_listen = {
    .name = "listen",
    .open = listen_open,
    .close = ports_close,
    .cannot_show = "subjects were given host:port of the machine that runs the drill, so their "
                   "real names, ports and network paths were not used",
};
