/* One object over all registries: attempts, back-off, fallback, in the order the policy gives. */
#ifndef PULLDRILL_SUBJECT_PULL_OBJECT_H
#define PULLDRILL_SUBJECT_PULL_OBJECT_H

#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "scenarios/subjects/lib/pull_attempt.h"
#include "scenarios/subjects/lib/pull_options.h"
#include "scenarios/subjects/lib/pull_order.h"

/* What lives as long as the start. */
struct pull_start {
    const struct pull_options *options;
    struct pull_order order;
    struct pull_client client;
    struct pull_layout layout;
    struct rng rng;
};

/* Gets the manifest T, and sets SERVED_BY to the registry that gave it. */
int pull_object_manifest(struct pull_start *s, struct pull_manifest_target *t, size_t *served_by,
                         struct err *e);
/* Gets the blob WANT into the layout, unless it lies there whole. */
int pull_object_blob(struct pull_start *s, const struct pull_descriptor *want, struct err *e);

#endif
