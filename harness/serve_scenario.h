/* The scenario that `serve` serves: made of flags, or of a file and flags. Pure. */
#ifndef PULLDRILL_SERVE_SCENARIO_H
#define PULLDRILL_SERVE_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/content_name.h"
#include "harness/base/err.h"
#include "harness/scenario.h"

/* The phase that is served where none is asked for. */
#define SERVE_PHASE "serve"

struct serve_image {
    char ref[SCENARIO_MAX_REF];
    const char *from;
};

/* What the command line asks for. */
struct serve_want {
    const char *const *registries; /* names; none: those of the file, or the one "primary" */
    size_t registry_count;
    const struct serve_image *images; /* on every registry, beside those of the file */
    size_t image_count;
    const char *auth;  /* of every registry; NULL: as the file says */
    const char *phase; /* of the file, served all the time; NULL: none of them */
    bool disk, read_only, refuse_sparse, tls; /* of every registry; false: as the file says */
};

/* The text of the scenario, as one line of JSON, for scenario_parse. BASE is the file, already
 * read; NULL: there is none. Free it. NULL: E says which word of WANT is wrong. */
char *serve_scenario(const struct scenario *base, uint64_t seed, const struct serve_want *want,
                     struct err *e);

/* The REF of an image FROM: what it is called there (CALLED; may be empty) where that is a
 * repository and a tag, else the name of its folder or file with CALLED as its tag, or "latest". */
int serve_image_ref(const struct content_name *from, const char *called, char *ref, size_t size,
                    struct err *e);

#endif
