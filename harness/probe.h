/* The harness's own pull: whether a registry serves an image whole. By libcurl, off the loop. */
#ifndef PULLDRILL_PROBE_H
#define PULLDRILL_PROBE_H

#include <stdbool.h>
#include <uv.h>

#include "harness/base/err.h"
#include "harness/plan.h"

struct probe;

/* OK, and in DETAIL what was pulled or what failed. */
typedef void probe_done(void *data, bool ok, const char *detail);

/* Pulls every image of PLAN that lies on REGISTRY (an index) from ENDPOINT (host:port), manifest by
 * tag and every blob, and verifies each digest. Runs in libuv's thread pool; DONE comes from the
 * loop, once, at the latest after PROBE_LIMIT_S an object. -1: nothing was begun. */
#define PROBE_LIMIT_S 60
int probe_start(uv_loop_t *loop, const struct plan *plan, int registry, const char *endpoint,
                probe_done *done, void *data, struct err *e);

#endif
