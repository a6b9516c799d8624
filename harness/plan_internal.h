/* What the files of the plan share. */
#ifndef PULLDRILL_PLAN_INTERNAL_H
#define PULLDRILL_PLAN_INTERNAL_H

#include "harness/plan.h"

/* plan_new with given VERSIONS and HOST, which are taken over on success. */
struct plan *plan_make(struct scenario *scenario, const struct plan_built *built, uint64_t seed,
                       const char *replay, json_t *versions, json_t *host, struct err *e);

/* The versions and the host of this run: new objects, NULL where there is no memory. */
json_t *plan_versions(void);
json_t *plan_host(void);

#endif
