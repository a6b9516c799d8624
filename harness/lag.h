/* The loop's own lag: how long each turn kept others waiting, told once a second. */
#ifndef PULLDRILL_LAG_H
#define PULLDRILL_LAG_H

#include <uv.h>

#include "harness/history/history.h"

#define LAG_MAX_TURNS 8192

/* Embedded. A turn runs from the moment the loop wakes to the moment it waits again. Turns past
 * LAG_MAX_TURNS in a second replace the shortest seen, so the percentiles err on the long side. */
struct lag {
    struct history *history;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_timer_t timer;
    uint64_t woke_ns;
    uint64_t turns;
    uint64_t turn_ns[LAG_MAX_TURNS];
    size_t kept;
};

/* Cannot fail on a loop that runs. Appends a `lag` event a second; does not keep the loop alive. */
void lag_init(struct lag *lag, uv_loop_t *loop, struct history *history);
/* Tells the rest and closes the three handles. */
void lag_close(struct lag *lag);

#endif
