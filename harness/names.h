/* The host names that registries play: which is whose, and its address within a lane. Pure. */
#ifndef PULLDRILL_NAMES_H
#define PULLDRILL_NAMES_H

#include <stddef.h>

#include "fake-registry/server.h"
#include "harness/plan.h"

/* The most names over all registries, their token and blob hosts among them. */
#define NAMES_MAX 256
/* Addresses in the range for benchmarks of RFC 2544 (198.18.0.0/15): routed nowhere, and not a
 * loopback address, which some clients trust without a certificate. */
#define NAMES_DNS "198.18.0.53"

struct name_row {
    const char *name; /* lower case, no final dot; borrowed from the plan */
    int registry;
    enum server_role role; /* SERVER_REGISTRY, SERVER_TOKEN, SERVER_BLOBS */
    char address[24];      /* "198.18.1.7": one a name, the same in every lane of the drill */
};
struct names {
    struct name_row row[NAMES_MAX];
    size_t count;
};

/* Every name of the plan's registries, in document order. */
void names_of(const struct plan *plan, struct names *out);
/* The row of NAME, in any case, with a final dot or without; NULL where nobody plays it. */
const struct name_row *names_find(const struct names *names, const char *name);

#endif
