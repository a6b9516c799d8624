/* What the files of a lane share: its environment under construction. Private to them. */
#ifndef PULLDRILL_LANE_INTERNAL_H
#define PULLDRILL_LANE_INTERNAL_H

#include "harness/environment.h"
#include "harness/lane.h"

/* PULLDRILL_<GROUP><NAME><SUFFIX>=VALUE with NAME in capitals and `-` as `_`; nothing where VALUE
 * is NULL. */
int lane_put_fact(struct environment *env, const char *group, const char *name, const char *suffix,
                  const char *value, struct err *e);

#endif
