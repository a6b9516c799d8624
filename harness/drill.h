/* One drill: registries, lanes, phases, faults and starts on one loop, from plan to history. */
#ifndef PULLDRILL_DRILL_H
#define PULLDRILL_DRILL_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/err.h"
#include "harness/scenario.h"
#include "harness/verdict/verdict.h"

struct event;
struct plan_listen; /* harness/plan.h */

struct drill_options {
    const char *out; /* the scenario's folder, which exists; NULL: nothing is kept (try) */
    bool has_seed;
    uint64_t seed;
    const char *replay;               /* the command that repeats it; the seed is appended */
    const char *replay_tail;          /* what follows the seed: " -- COMMAND…"; NULL */
    const struct plan_listen *listen; /* --listen, --advertise; NULL: neither */
    bool bare;                        /* the starts alone: no probes, no control start (`try`) */
    /* Checks that are to fail: once all are lost for good (judge_lost) and every fault that is on
     * has fired often enough, no more starts are begun, and those that run are killed. NULL. */
    const char *const *stop_when_lost;
    size_t stop_when_lost_count;
    void (*watch)(void *data, const struct event *ev); /* sees every event; NULL */
    void *watch_data;
};

/* Runs SCENARIO (taken over, also on failure) to its end: an answer always comes, whatever breaks.
 * SIGINT and SIGTERM heal, reap and still yield a verdict (with `signal` set). NULL only where not
 * even a history could be begun; E says why. Not reentrant: it handles signals. */
struct verdict *drill_run(struct scenario *scenario, const struct drill_options *options,
                          struct err *e);

#endif
