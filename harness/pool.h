/* The loop's threads, begun before anything needs them. */
#ifndef PULLDRILL_POOL_H
#define PULLDRILL_POOL_H

#include <uv.h>

#include "harness/base/err.h"

/* Has LOOP's threads begin now, with interrupts held (see interrupts.h), so that these are never
 * theirs to take. WORK is busy until the loop has run. */
int pool_begin(uv_loop_t *loop, uv_work_t *work, struct err *e);

#endif
