/* Registries that stand alone, until they are told to stop. */
#ifndef PULLDRILL_SERVE_H
#define PULLDRILL_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/err.h"
#include "harness/scenario.h"

/* How long a transfer under way may take once a stop is asked for. */
#define SERVE_DRAIN_MS 10000

struct serve_options {
    const char *address;    /* numeric; NULL: 127.0.0.1 */
    uint16_t port;          /* of the first listener, further ones follow; 0: free ones */
    const char *advertise;  /* told in the address's place; NULL: the address */
    const char *store;      /* the folder of stores on disk; NULL: one that goes at the end */
    const char *files;      /* where certificates and credentials go; NULL: the same */
    const char *ready_file; /* NULL: none */
    const char *record;     /* the history; NULL: none */
    const char *phase;      /* what is served, of the scenario */
    bool faults;            /* those of the phase are on */
    uint64_t seed;
    const char *replay; /* the command that does the same; may be NULL */
    /* Told each line of the result: who listens where, and at last that all do. -1: it cannot be
     * told, and nothing is served. */
    int (*say)(void *data, const char *line, struct err *e);
    /* Told what a person may want to know. */
    void (*note)(void *data, const char *text);
    void *data;
};

/* Serves SCENARIO (taken over, also on failure) until SIGINT or SIGTERM; a second signal does not
 * wait for transfers under way. -1: E says what broke. Not reentrant: it handles signals. */
int serve_run(struct scenario *scenario, const struct serve_options *options, struct err *e);

#endif
