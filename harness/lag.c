/* The loop's own lag, by a check handle (just woken) and a prepare handle (about to wait). */
#include "harness/lag.h"

#include <stdlib.h>

#include "harness/base/clock.h"

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void tell(struct lag *lag)
{
    if (lag->kept == 0) {
        return;
    }
    qsort(lag->turn_ns, lag->kept, sizeof lag->turn_ns[0], compare);
    struct event ev = {.type = EVENT_LAG, .actor = "harness"};
    ev.lag.turns = lag->turns;
    ev.lag.p50_ns = lag->turn_ns[lag->kept / 2];
    ev.lag.p99_ns = lag->turn_ns[(lag->kept * 99) / 100];
    ev.lag.max_ns = lag->turn_ns[lag->kept - 1];
    history_append(lag->history, &ev);
    lag->turns = 0;
    lag->kept = 0;
}

static void on_check(uv_check_t *handle)
{
    struct lag *lag = handle->data;
    lag->woke_ns = clock_now_ns();
}

static void keep(struct lag *lag, uint64_t ns)
{
    if (lag->kept < LAG_MAX_TURNS) {
        lag->turn_ns[lag->kept++] = ns;
        return;
    }
    uint64_t *slot = &lag->turn_ns[lag->turns % LAG_MAX_TURNS];
    if (ns > *slot) {
        *slot = ns;
    }
}

static void on_prepare(uv_prepare_t *handle)
{
    struct lag *lag = handle->data;
    if (lag->woke_ns != 0) {
        lag->turns++;
        keep(lag, clock_now_ns() - lag->woke_ns);
        lag->woke_ns = 0;
    }
}

static void on_second(uv_timer_t *handle)
{
    tell(handle->data);
}

void lag_init(struct lag *lag, uv_loop_t *loop, struct history *history)
{
    lag->history = history;
    lag->woke_ns = 0;
    lag->turns = 0;
    lag->kept = 0;
    uv_prepare_init(loop, &lag->prepare);
    uv_check_init(loop, &lag->check);
    uv_timer_init(loop, &lag->timer);
    lag->prepare.data = lag;
    lag->check.data = lag;
    lag->timer.data = lag;
    uv_prepare_start(&lag->prepare, on_prepare);
    uv_check_start(&lag->check, on_check);
    uv_timer_start(&lag->timer, on_second, 1000, 1000);
    uv_unref((uv_handle_t *)&lag->prepare);
    uv_unref((uv_handle_t *)&lag->check);
    uv_unref((uv_handle_t *)&lag->timer);
}

void lag_close(struct lag *lag)
{
    tell(lag);
    uv_close((uv_handle_t *)&lag->prepare, NULL);
    uv_close((uv_handle_t *)&lag->check, NULL);
    uv_close((uv_handle_t *)&lag->timer, NULL);
}
