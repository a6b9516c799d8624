/* One attempt: one try at one manifest or blob on one registry. */
#ifndef PULLDRILL_SUBJECT_PULL_ATTEMPT_H
#define PULLDRILL_SUBJECT_PULL_ATTEMPT_H

#include <stddef.h>
#include <stdint.h>

#include "harness/base/buf.h"
#include "scenarios/subjects/lib/pull_failure.h"
#include "scenarios/subjects/lib/pull_fetch.h"
#include "scenarios/subjects/lib/pull_layout.h"
#include "scenarios/subjects/lib/pull_manifest.h"

/* Where to ask: a registry and a repository in it. */
struct pull_source {
    const char *scheme;
    const char *registry; /* HOST:PORT */
    const char *repository;
};

/* A manifest. WANT is what is known of it beforehand: a digest and a size, or, for a tag, nothing
 * (an empty digest). Filled by a successful attempt, untouched by a failing one. */
struct pull_manifest_target {
    const char *reference;
    const struct image_platform *platform; /* that an index is followed to */
    struct pull_descriptor want;
    struct buf bytes;
    struct pull_manifest manifest;
    struct pull_descriptor got;
};

/* One try at SOURCE for what T wants. -1: F says what failed. */
int pull_attempt_manifest(struct pull_client *c, const struct pull_source *source,
                          struct pull_manifest_target *t, struct pull_failure *f);

/* Goes on from the bytes that BLOB already has, which must be this registry's own. */
int pull_attempt_blob(struct pull_client *c, const struct pull_source *source,
                      struct pull_blob *blob, struct pull_failure *f);

#endif
