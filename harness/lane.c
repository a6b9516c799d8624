/* A machine's place in the drill: its addresses and its folders.
 *
 * Happy path: a lane gets an address of 127.0.0.0/8 of its own, a folder WORK/lane-N, and a
 * listener for every registry; each start gets a fresh folder in it, which replaces the one before.
 * Failure modes: a folder that cannot be made or emptied, a listener that cannot be opened. What a
 * subject left in its folder is deleted without following links or entering what is mounted there;
 * what cannot be deleted is named on stderr and left where it is. */
#include "harness/lane.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/log.h"
#include "harness/lane_credentials.h"
#include "harness/lane_trust.h"
#include "harness/scratch.h"

/* Lanes a second byte of an address holds, and the number of second bytes used. */
#define LANES_PER_NET 250
#define LANE_NETS 250

/* ---- addresses ---------------------------------------------------------------------------- */

/* 127.H.L.1 with H and L from 1, so that neither 127.0.0.1 nor a net's first or last address is
 * taken; the harness's own lane lies outside of what numbers reach. */
static int set_address(struct lane *lane, struct err *e)
{
    uint64_t index = lane->number - 1;

    if (lane->number == 0) {
        snprintf(lane->address, sizeof lane->address, "127.254.254.1");
        return 0;
    }
    if (lane->number > LANES_PER_NET * LANE_NETS)
        return err_set(e, ERR_LIMIT, "more than %d lanes", LANES_PER_NET * LANE_NETS);
    snprintf(lane->address, sizeof lane->address, "127.%" PRIu64 ".%" PRIu64 ".1",
             index / LANES_PER_NET + 1, index % LANES_PER_NET + 1);
    return 0;
}

const struct lane_reach *lane_reach_of(enum scenario_reach reach)
{
    static const struct lane_reach *const ways[] = {[REACH_NAMES] = &lane_reach_names,
                                                    [REACH_PROXY] = &lane_reach_proxy,
                                                    [REACH_LISTEN] = &lane_reach_listen,
                                                    [REACH_PORTS] = &lane_reach_ports};

    return (size_t)reach < sizeof ways / sizeof *ways && ways[reach] != NULL ? ways[reach]
                                                                             : &lane_reach_ports;
}

/* ---- folders ------------------------------------------------------------------------------ */

static char *make_folder(const char *parent, const char *kind, uint64_t number, struct err *e)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s-%" PRIu64, parent, kind, number) < 0) {
        err_set(e, ERR_NOMEM, "no memory for a folder's name");
        return NULL;
    }
    if (mkdir(path, 0755) != 0) {
        err_errno(e, errno, "cannot make the folder %.500s", path);
        free(path);
        return NULL;
    }
    return path;
}

/* ---- a lane's life ------------------------------------------------------------------------ */

/* The scenario's folder as subjects in any working folder find it. A scenario that never was a file
 * keeps what it says. */
static char *absolute_folder(const char *folder)
{
    const char *from = folder == NULL || folder[0] == '\0' ? "." : folder;
    char *path = realpath(from, NULL);

    return path != NULL ? path : strdup(from);
}

static int set_up(struct lane *lane, struct err *e)
{
    if (set_address(lane, e) != 0)
        return -1;
    lane->scenario_dir = absolute_folder(lane->plan->scenario->folder);
    if (lane->scenario_dir == NULL)
        return err_set(e, ERR_NOMEM, "no memory for a lane");
    lane->dir = make_folder(lane->shared->work, "lane", lane->number, e);
    if (lane->dir == NULL)
        return -1;
    return lane->reach->open(lane, e) != 0 ? -1 : lane_credentials_make(lane, e);
}

struct lane *lane_new(const struct lane_shared *shared, const struct lane_reach *reach,
                      uint64_t number, int subject, struct err *e)
{
    struct lane *lane = calloc(1, sizeof *lane);

    if (lane == NULL) {
        err_set(e, ERR_NOMEM, "no memory for a lane");
        return NULL;
    }
    lane->shared = shared;
    lane->plan = shared->plan;
    lane->reach = reach;
    lane->number = number;
    lane->subject = subject;
    for (size_t i = 0; i < SCENARIO_MAX_REGISTRIES; i++)
        lane->listener[i] = -1;
    if (set_up(lane, e) != 0) {
        lane_free(lane);
        return NULL;
    }
    return lane;
}

void lane_free(struct lane *lane)
{
    struct err e = {0};

    if (lane == NULL)
        return;
    if (lane->reach->close != NULL)
        lane->reach->close(lane);
    if (lane->dir != NULL && scratch_remove(lane->dir, &e) != 0)
        log_line("%s", e.text);
    for (size_t i = 0; i < SCENARIO_MAX_REGISTRIES; i++)
        free(lane->auth_file[i]);
    lane_trust_free(lane);
    free(lane->ca_file);
    free(lane->dir);
    free(lane->start_dir);
    free(lane->scenario_dir);
    free(lane);
}

int lane_begin(struct lane *lane, uint64_t start, struct err *e)
{
    if (lane->start_dir != NULL && scratch_remove(lane->start_dir, e) != 0)
        return err_prefix(e, "lane %" PRIu64, lane->number);
    free(lane->start_dir);
    lane->start = 0;
    lane->start_dir = make_folder(lane->dir, "start", start, e);
    if (lane->start_dir == NULL)
        return -1;
    lane->start = start;
    return start > 0 && lane->reach->fresh != NULL ? lane->reach->fresh(lane, e) : 0;
}
