/* What the ways to reach the fakes have in common: the hosts of a scenario's registries, and where
 * a lane listens. Pure. */
#ifndef PULLDRILL_REACH_H
#define PULLDRILL_REACH_H

#include <stddef.h>
#include <stdint.h>

#include "fake-registry/server.h"
#include "harness/lane.h"

/* A registry itself, the realm of its tokens, what its blob GETs are redirected to. */
#define REACH_MAX_HOSTS (3 * SCENARIO_MAX_REGISTRIES)
struct reach_host {
    int registry;
    enum server_role role;
    const char *const *names; /* that it plays, of the scenario */
    size_t name_count;        /* 0: it is known by its port alone */
};
/* Every host of S, in document order; at most REACH_MAX_HOSTS. */
size_t reach_hosts(const struct scenario *s, struct reach_host *out);

/* Where LANE's listener number INDEX (from 0) listens: on the lane's own loopback address and a
 * free port, or where --listen says. PORT 0: a free one. */
struct reach_place {
    const char *address;
    const char *advertise; /* the name told in the address's place; NULL: the address */
    uint16_t port;
};
int reach_place(const struct lane *lane, size_t index, struct reach_place *out, struct err *e);
/* The place in a URL: "build-host:8080", "[::1]:8080". */
void reach_endpoint(const struct reach_place *place, uint16_t port, char *out, size_t size);

/* Tells LANE's subjects registries by name: the first that each plays, with TLS as it says. -1: one
 * has none. */
int reach_by_name(struct lane *lane, struct err *e);

/* A listener for HOST at PLACE, plain or with TLS as its registry says. Its index; -1: E. */
int reach_listen(struct lane *lane, const struct reach_host *host, const struct reach_place *place,
                 struct err *e);

#endif
