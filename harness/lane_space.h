/* The namespaces of a lane with names: a network of its own, in which the registries' names have
 * addresses, and mounts of its own, which make them known. Made by a process of ours that is gone
 * once it has handed everything out: the descriptors here are all that keeps them. */
#ifndef PULLDRILL_LANE_SPACE_H
#define PULLDRILL_LANE_SPACE_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/err.h"
#include "harness/lane.h"
#include "harness/names.h"
#include "harness/net_counters.h"

/* argv[0] under which main makes the namespaces of a lane. */
#define SPACE_ARGV0 "pulldrill-space"
/* How long that may take. */
#define SPACE_LIMIT_MS 10000

/* The sockets of a name, each in the lane's network. */
struct space_name {
    int https, http;               /* TCP, bound to its address at 443 and 80, not listening */
    int https_filler, http_filler; /* TCP, for what a black hole fills the queue with */
};

/* -1 where a descriptor is not there (any more): who takes one over writes that. */
struct space {
    const struct names *names;
    struct space_name name[NAMES_MAX]; /* as many as NAMES has */
    int dns_udp, dns_tcp;              /* bound to NAMES_DNS at 53 */
    int snmp, netstat;                 /* /proc/net/snmp and netstat of the lane's network */
    int control;                       /* a datagram socket in it, for its addresses */
    int user, net, mnt, uts;           /* the namespaces; USER is -1 where root needs none */
};

struct space_want {
    const struct names *names; /* borrowed, outlives the space */
    const char *dir;           /* ${lane.dir}: absolute; writable in the namespace, too */
    const char *bundle;        /* certificates in place of the system's; NULL: they stay */
    const char *certs_d;       /* folder in place of those for Docker and Podman; NULL: they stay */
    const char *ca;            /* our own authority's certificate; NULL: none */
    struct scenario_machine machine;
};

/* Blocks for some milliseconds. NULL: E says why; ERR_UNSUPPORTED where kernel or rights do not
 * allow it. */
struct space *space_new(const struct space_want *want, struct err *e);
/* Its mounts and its host name anew, with what they were when the space was made: a root that is
 * thrown away is the machine's again. WANT is that of space_new, with "overlay" (so that the space
 * has no user namespace). What runs in the old ones stays there. */
int space_renew(struct space *space, const struct space_want *want, struct err *e);
/* Closes what it still holds; the namespaces go with their last process. */
void space_free(struct space *space);

/* Takes the addresses of the names and of the name server away (the machine has no network but its
 * loopback), or gives them back. Sockets bound to them stay what they are. */
int space_network(struct space *space, bool up, struct err *e);

/* What the kernel has counted in the lane's network since it is there. */
void space_counters(const struct space *space, struct net_counters *out);

/* Main of the process that makes the namespaces. ARGV is what space_new passes behind argv[0]. */
int space_main(char *const argv[]);

#endif
