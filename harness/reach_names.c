/* Reaching the fakes by the registries' real names: the subject ships unchanged.
 *
 * Happy path: a lane gets namespaces of its own (lane_space.h); in its network every name that a
 * registry plays has an address, whose sockets become listeners of the server here, on 443 with the
 * name's certificate and on 80 as a redirect, or on 80 alone where the registry speaks no TLS; a
 * name server answers the names and refuses all others; commands on the lane enter the namespaces.
 * What the kernel counted there during a start is told at the start's end. Failure modes: the
 * machine or the rights do not allow namespaces, and the scenario is skipped; a start's network
 * cannot be brought back, and the drill ends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/environment.h"
#include "harness/lane.h"
#include "harness/lane_space.h"
#include "harness/lane_trust.h"
#include "harness/names.h"
#include "harness/reach.h"
#include "harness/scratch.h"
#include "harness/services/dns.h"
#include "harness/services/network_late.h"

/* Lives on after the lane until the handles of its name server are closed. */
struct reach_names {
    struct names names;
    struct space *space;
    struct dns_server *dns;
    struct network_late *late;
    struct net_counters before; /* when the running start began */
    struct err trouble;         /* of the last start's end, for the next one's beginning */
    bool used;                  /* a start has had the root that the lane began with */
    unsigned open;              /* of DNS and LATE, those that are still to close */
};

/* ---- closing ------------------------------------------------------------------------------ */

static void on_closed(void *data)
{
    struct reach_names *r = data;

    if (--r->open > 0)
        return;
    space_free(r->space);
    free(r);
}

static void names_close(struct lane *lane)
{
    struct reach_names *r = lane->reach_data;

    lane->reach_data = NULL;
    lane->space_count = 0;
    if (r == NULL)
        return;
    r->open = 1; /* this call's own, so that the last of the others frees nothing too early */
    if (r->dns != NULL) {
        r->open++;
        dns_server_close(r->dns, on_closed, r);
    }
    if (r->late != NULL) {
        r->open++;
        network_late_close(r->late, on_closed, r);
    }
    on_closed(r);
}

/* ---- opening ------------------------------------------------------------------------------ */

static struct space_want wanted(const struct lane *lane, const struct reach_names *r)
{
    return (struct space_want){
        .names = &r->names,
        .dir = lane->dir,
        .bundle = lane_trust_bundle(lane),
        .certs_d = lane_trust_certs_d(lane),
        .ca = lane->ca_file,
        .machine = lane->plan->scenario->subjects[lane->subject].machine,
    };
}

/* Commands on the lane run in these from now on. */
static void list_spaces(struct lane *lane, const struct space *s)
{
    lane->space_count = 0;
    if (s->user >= 0)
        lane->spaces[lane->space_count++] = s->user;
    lane->spaces[lane->space_count++] = s->net;
    lane->spaces[lane->space_count++] = s->mnt;
    lane->spaces[lane->space_count++] = s->uts;
}

static int make_space(struct lane *lane, struct reach_names *r, struct err *e)
{
    const struct space_want want = wanted(lane, r);

    r->space = space_new(&want, e);
    if (r->space == NULL)
        return -1;
    list_spaces(lane, r->space);
    return 0;
}

/* A cold start finds the root as the machine has it, whatever the one before did to it. What a
 * `setup` has made or left running is in the lane's first root: that is kept. */
static int names_fresh(struct lane *lane, struct err *e)
{
    const struct scenario_subject *subject = &lane->plan->scenario->subjects[lane->subject];
    struct reach_names *r = lane->reach_data;
    const struct space_want want = wanted(lane, r);

    if (!subject->machine.overlay || subject->cache != CACHE_COLD || subject->setup.count > 0)
        return 0;
    if (!r->used) {
        r->used = true;
        return 0;
    }
    if (space_renew(r->space, &want, e) != 0)
        return -1;
    list_spaces(lane, r->space);
    return 0;
}

/* *FD and *FILLER become a listener like HOW; the server has them then. */
static int adopt(struct lane *lane, struct server_listen *how, int *fd, int *filler, struct err *e)
{
    how->filler = *filler;
    int listener = server_adopt(lane->shared->server, how, *fd, e);

    if (listener >= 0) {
        *fd = -1;
        *filler = -1;
    }
    return listener;
}

static void drop(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* Port 443 with a certificate, and port 80 leads there; or port 80 alone, and 443 refuses. */
static int listen_name(struct lane *lane, const struct name_row *row, struct space_name *sockets,
                       struct err *e)
{
    bool tls = lane->plan->scenario->registries[row->registry].tls;
    struct server_listen how = {
        .registry = row->registry, .role = row->role, .lane = lane->number, .authority = row->name};
    int listener = -1;

    if (tls) {
        how.tls = lane_trust_context(lane->shared, row->registry, &row->name, 1, e);
        if (how.tls == NULL)
            return -1;
        listener = adopt(lane, &how, &sockets->https, &sockets->https_filler, e);
        how.role = SERVER_TO_HTTPS;
        how.of = row->role;
        how.tls = NULL;
    }
    int plain = adopt(lane, &how, &sockets->http, &sockets->http_filler, e);
    if (plain < 0 || (tls && listener < 0))
        return -1;
    drop(&sockets->https);
    drop(&sockets->https_filler);
    if (row->role == SERVER_REGISTRY && lane->listener[row->registry] < 0)
        lane->listener[row->registry] = tls ? listener : plain;
    return 0;
}

static int listen_all(struct lane *lane, struct reach_names *r, struct err *e)
{
    for (size_t i = 0; i < r->names.count; i++) {
        if (listen_name(lane, &r->names.row[i], &r->space->name[i], e) != 0)
            return err_prefix(e, "%s on lane %llu", r->names.row[i].name,
                              (unsigned long long)lane->number);
    }
    return 0;
}

static int answer_names(struct lane *lane, struct reach_names *r, struct err *e)
{
    const struct dns_config config = {
        .loop = lane->shared->loop,
        .history = lane->shared->history,
        .faults = lane->shared->faults,
        .plan = lane->plan,
        .names = &r->names,
        .lane = lane->number,
        .udp_fd = r->space->dns_udp,
        .tcp_fd = r->space->dns_tcp,
    };

    r->dns = dns_server_new(&config, e);
    if (r->dns == NULL)
        return -1;
    r->space->dns_udp = -1;
    r->space->dns_tcp = -1;
    return 0;
}

static int set_network(void *data, bool up, struct err *e)
{
    struct reach_names *r = data;

    return space_network(r->space, up, e);
}

static int watch_network(struct lane *lane, struct reach_names *r, struct err *e)
{
    const struct network_late_config config = {
        .loop = lane->shared->loop,
        .history = lane->shared->history,
        .faults = lane->shared->faults,
        .subject = lane->plan->scenario->subjects[lane->subject].name,
        .lane = lane->number,
        .set = set_network,
        .data = r,
    };

    r->late = network_late_new(&config, e);
    return r->late != NULL ? 0 : -1;
}

static int names_open(struct lane *lane, struct err *e)
{
    struct reach_names *r = calloc(1, sizeof *r);

    if (r == NULL)
        return err_set(e, ERR_NOMEM, "no memory for a lane");
    lane->reach_data = r;
    names_of(lane->plan, &r->names);
    if (reach_by_name(lane, e) != 0 || lane_trust_make(lane, e) != 0 ||
        make_space(lane, r, e) != 0 || listen_all(lane, r, e) != 0 || answer_names(lane, r, e) != 0)
        return -1;
    return watch_network(lane, r, e);
}

/* ---- a start ------------------------------------------------------------------------------ */

static int names_begin(struct lane *lane, struct err *e)
{
    struct reach_names *r = lane->reach_data;

    if (r->trouble.code != ERR_NONE)
        return err_set(e, r->trouble.code, "the start before: %s", r->trouble.text);
    space_counters(r->space, &r->before);
    dns_server_begin(r->dns, lane->start);
    return network_late_begin(r->late, lane->start, e);
}

/* What the kernel counted in the lane's network while the start ran. */
static void tell_counters(const struct lane *lane, const struct reach_names *r)
{
    struct net_counters now;

    space_counters(r->space, &now);
    for (size_t i = 0; i < NET_COUNTER_COUNT; i++) {
        if (now.value[i] <= r->before.value[i])
            continue;
        struct event ev = {.type = EVENT_COUNTER, .actor = "harness"};
        ev.counter.lane = lane->number;
        ev.counter.start = lane->start;
        ev.counter.counter = net_counter_name((enum net_counter)i);
        ev.counter.value = now.value[i] - r->before.value[i];
        history_append(lane->shared->history, &ev);
    }
}

static void names_end(struct lane *lane)
{
    struct reach_names *r = lane->reach_data;

    dns_server_end(r->dns);
    network_late_end(r->late, &r->trouble);
    tell_counters(lane, r);
}

static int names_healed(struct lane *lane, const struct fault_rule *rule, struct err *e)
{
    struct reach_names *r = lane->reach_data;

    dns_server_healed(r->dns, rule);
    return network_late_healed(r->late, rule, e);
}

/* ---- the environment ---------------------------------------------------------------------- */

/* Variables that lead to container engines of the machine, where these are masked, and those that
 * change how names are found. */
static const char *const engine_variables[] = {"DOCKER_HOST",
                                               "DOCKER_CONTEXT",
                                               "DOCKER_TLS_VERIFY",
                                               "DOCKER_CERT_PATH",
                                               "CONTAINER_HOST",
                                               "CONTAINER_CONNECTION",
                                               "CONTAINER_SSHKEY",
                                               "CONTAINERD_ADDRESS",
                                               "CONTAINERD_SNAPSHOTTER",
                                               "CONTAINERD_NAMESPACE",
                                               "BUILDKIT_HOST",
                                               "BUILDX_BUILDER",
                                               "CONTAINER_RUNTIME_ENDPOINT",
                                               "IMAGE_SERVICE_ENDPOINT"};
static const char *const resolver_variables[] = {"LOCALDOMAIN", "RES_OPTIONS", "HOSTALIASES",
                                                 "RESOLV_HOST_CONF"};

/* What Podman, Buildah and Skopeo tell themselves once they are root in a namespace that an
 * ordinary user made: without it they would look for the machine's own folders. Those of the user
 * that are not below its home are the lane's own. */
static int put_rootless(const struct lane *lane, struct environment *env, struct err *e)
{
    char uid[16];
    char gid[16];
    char folder[SCRATCH_PATH + 64];

    (void)snprintf(folder, sizeof folder, "%s/run", lane->dir);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) /* tidy: allow mkdir, in the lane's folder */
        return err_errno(e, errno, "cannot make %s", folder);
    if (environment_put(env, "XDG_RUNTIME_DIR", folder, e) != 0)
        return -1;
    (void)snprintf(uid, sizeof uid, "%u", (unsigned)geteuid());
    (void)snprintf(gid, sizeof gid, "%u", (unsigned)getegid());
    if (environment_put(env, "_CONTAINERS_USERNS_CONFIGURED", "done", e) != 0 ||
        environment_put(env, "_CONTAINERS_ROOTLESS_UID", uid, e) != 0)
        return -1;
    return environment_put(env, "_CONTAINERS_ROOTLESS_GID", gid, e);
}

static int names_environment(const struct lane *lane, struct environment *env, struct err *e)
{
    for (size_t i = 0; i < sizeof resolver_variables / sizeof *resolver_variables; i++)
        environment_drop(env, resolver_variables[i]);
    if (!lane->plan->scenario->subjects[lane->subject].machine.keep_sockets) {
        for (size_t i = 0; i < sizeof engine_variables / sizeof *engine_variables; i++)
            environment_drop(env, engine_variables[i]);
    }
    const struct reach_names *r = lane->reach_data;
    if (r->space->user >= 0 && put_rootless(lane, env, e) != 0)
        return -1;
    return lane_trust_environment_covered(lane, env, e);
}

const struct lane_reach lane_reach_names = {
    .name = "names",
    .open = names_open,
    .close = names_close,
    .fresh = names_fresh,
    .begin = names_begin,
    .end = names_end,
    .healed = names_healed,
    .environment = names_environment,
    .cannot_show = "between the machine and its registries there was no network but the machine's "
                   "own loopback, and certificates were the drill's",
};
