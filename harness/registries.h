/* The registries of a scenario: stores, images, credentials, and the server they are on. Those of a
 * drill, and those of `serve`. */
#ifndef PULLDRILL_REGISTRIES_H
#define PULLDRILL_REGISTRIES_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "fake-registry/image.h"
#include "fake-registry/server.h"
#include "fake-registry/store.h"
#include "faults/engine.h"
#include "harness/base/err.h"
#include "harness/history/history.h"
#include "harness/plan.h"

struct auth;          /* fake-registry/auth.h */
struct tls_authority; /* fake-registry/tls.h */

/* Embedded; zeroed it is empty. */
struct registries {
    struct store *stores[SCENARIO_MAX_REGISTRIES];
    struct auth *auth[SCENARIO_MAX_REGISTRIES]; /* NULL: that registry asks for none */
    struct image *images;                       /* as many as the scenario has */
    size_t image_count;
    struct tls_authority *ca; /* NULL where nothing speaks TLS */
    struct server *server;
};

/* Whether any registry of S keeps what it holds on disk. */
bool registries_on_disk(const struct scenario *s);

/* Makes the stores, those on disk as FOLDER/NAME, builds the images and puts them where the
 * scenario says they lie. NOTE is told what a store found wrong with itself; may be NULL. FOLDER
 * may be NULL where registries_on_disk is false. */
int registries_build(struct registries *r, const struct scenario *s, uint64_t seed,
                     const char *folder, void (*note)(void *data, const char *text), void *data,
                     struct err *e);

/* The plan of *SCENARIO, which is taken over and cleared on success, with what was built. REPLAY
 * is copied; may be NULL. */
struct plan *registries_plan(const struct registries *r, struct scenario **scenario, uint64_t seed,
                             const char *replay, struct err *e);

/* Credentials (unknown to HISTORY), an authority where one is needed, and the server, which has no
 * listener yet. Everything is borrowed. */
int registries_open(struct registries *r, const struct plan *plan, uv_loop_t *loop,
                    struct history *history, struct fault_engine *faults, struct err *e);

/* Frees all but the server, which must be closed by now. */
void registries_close(struct registries *r);

/* The first event of HISTORY: PLAN; written at once. */
int registries_tell_plan(const struct plan *plan, struct history *history, struct err *e);

#endif
