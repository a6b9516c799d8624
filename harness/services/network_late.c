/* A machine whose network comes up late.
 *
 * Happy path: when a start begins, each armed rule on its subject is decided; if any fires, the
 * network goes down, and comes up when the longest has passed, when that rule is healed, or when
 * the start is over. Failure modes: a network that cannot be taken down fails the start's
 * beginning; one that cannot be brought up is told by whoever asked, or on the timer, kept for the
 * next that asks. */
#include "harness/services/network_late.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/base/clock.h"

struct network_late {
    struct network_late_config config;
    uv_timer_t timer;
    const struct fault_rule *rule; /* that holds the network down; NULL: it is up */
    struct err failed;             /* of the timer, until somebody asks */
    void (*done)(void *data);
    void *done_data;
};

struct network_late *network_late_new(const struct network_late_config *config, struct err *e)
{
    struct network_late *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for a lane's network");
        return NULL;
    }
    l->config = *config;
    l->timer.data = l;
    (void)uv_timer_init(config->loop, &l->timer); /* cannot fail */
    return l;
}

static void tell(const struct network_late *l, uint64_t start, const struct fault_decision *d)
{
    char actions[256] = "", key[96];
    struct event ev = {.type = EVENT_FAULT_DECIDED, .actor = "drill"};
    if (d->fired) {
        fault_action_text(&d->action, actions, sizeof(actions));
    }
    (void)snprintf(key, sizeof(key), "%" PRIu64 " %s - %" PRIu64, start, op_name(OP_START), d->nth);
    ev.decided = (struct event_fault_decided){.fault = d->rule->name,
                                              .key = key,
                                              .start = start,
                                              .op = op_name(OP_START),
                                              .nth = d->nth,
                                              .fired = d->fired,
                                              .actions = d->fired ? actions : NULL,
                                              .lane = l->config.lane};
    (void)history_append(l->config.history, &ev);
}

static int bring_up(struct network_late *l, struct err *e)
{
    (void)uv_timer_stop(&l->timer);
    l->rule = NULL;
    return l->config.set(l->config.data, true, e);
}

static void on_timer(uv_timer_t *timer)
{
    struct network_late *l = timer->data;
    (void)bring_up(l, &l->failed);
}

/* What the timer could not do. */
static int failed(struct network_late *l, struct err *e)
{
    if (l->failed.code == ERR_NONE) {
        return 0;
    }
    (void)err_set(e, l->failed.code, "%s", l->failed.text);
    l->failed = (struct err){0};
    return -1;
}

static int take_down(struct network_late *l, const struct fault_rule *rule, uint64_t ns,
                     struct err *e)
{
    if (l->config.set(l->config.data, false, e) != 0) {
        return -1;
    }
    l->rule = rule;
    uv_update_time(l->config.loop);
    (void)uv_timer_start(&l->timer, on_timer, (ns - 1) / CLOCK_NS_PER_MS + 1, 0);
    return 0;
}

int network_late_begin(struct network_late *l, uint64_t start, struct err *e)
{
    struct fault_decision decisions[FAULT_MAX_DECISIONS];
    const struct fault_facts facts = {.target = l->config.subject,
                                      .op = OP_START,
                                      .lane = l->config.lane,
                                      .start = start,
                                      .nth = 1,
                                      .now_ns = history_now_ns(l->config.history)};
    const struct fault_rule *longest = NULL;
    uint64_t ns = 0;
    size_t count = fault_decide(l->config.faults, &facts, STAGE_MACHINE, STAGE_MACHINE, decisions);
    for (size_t i = 0; i < count; i++) {
        const struct fault_action *action = &decisions[i].action;
        tell(l, start, &decisions[i]);
        if (decisions[i].fired && action->rule->kind->kind == FAULT_NETWORK_LATE &&
            action->delay_ns > ns) {
            longest = action->rule;
            ns = action->delay_ns;
        }
    }
    if (failed(l, e) != 0) {
        return -1;
    }
    return longest != NULL ? take_down(l, longest, ns, e) : 0;
}

int network_late_end(struct network_late *l, struct err *e)
{
    int result = failed(l, e);
    return l->rule != NULL && bring_up(l, e) != 0 ? -1 : result;
}

int network_late_healed(struct network_late *l, const struct fault_rule *rule, struct err *e)
{
    return l->rule != NULL && l->rule == rule ? bring_up(l, e) : 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct network_late *l = handle->data;
    void (*done)(void *data) = l->done;
    void *data = l->done_data;
    free(l);
    if (done != NULL) {
        done(data);
    }
}

void network_late_close(struct network_late *l, void (*done)(void *data), void *data)
{
    l->done = done;
    l->done_data = data;
    uv_close((uv_handle_t *)&l->timer, on_closed);
}
