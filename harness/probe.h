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

/* An image of the plan, by a tag or a digest that stands for it. */
struct probe_want {
    size_t image;
    const char *reference;
};

/* Pulls the COUNT images in WANTS (taken over on success: freed when the probe is done) from
 * ENDPOINT (host:port), manifest and every blob, and verifies each digest. Runs in libuv's thread
 * pool; DONE comes from the loop, once, at the latest after PROBE_LIMIT_S an object. -1: nothing
 * was begun. */
#define PROBE_LIMIT_S 60
int probe_start(uv_loop_t *loop, const struct plan *plan, struct probe_want *wants, size_t count,
                const char *endpoint, probe_done *done, void *data, struct err *e);

#endif
