/* How a start came by its image when the primary is in trouble, and how long falling back took:
 * what checks and the summary share. Pure. */
#ifndef PULLDRILL_FALL_BACK_H
#define PULLDRILL_FALL_BACK_H

#include <stdint.h>

#include "harness/plan.h"
#include "harness/pulls.h"

enum fall_back {
    FALL_BACK_NONE,        /* the primary alone, or no trouble */
    FALL_BACK_TIMED,       /* from the first contact with the primary to the first useful byte */
    FALL_BACK_STUCK,       /* trouble with the primary, and nothing from a failover */
    FALL_BACK_UNCONTACTED, /* used a failover, or failed, without a contact with the primary */
    FALL_BACK_UNTIMED,     /* turned to a failover and fetched nothing that could be timed */
};
/* NS receives the time, for FALL_BACK_TIMED alone. */
enum fall_back fall_back_of(const struct plan *plan, const struct pull_start *start, uint64_t *ns);

#endif
