/* A network that comes late, on a loop of its own: when it goes down, and what brings it up. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/services/network_late.h"
#include "tests/lib/fault_rules.h"

static uv_loop_t loop;
static struct history *history;
static struct fault_rules rules;
static struct network_late *late;
static char moves[64]; /* 'd' for down, 'u' for up, in order */
static bool stuck;     /* the network cannot be moved */
static size_t decided;
static bool closed;

static int set_network(void *data, bool up, struct err *e)
{
    (void)data;
    size_t len = strlen(moves);
    cr_assert_lt(len + 1, sizeof(moves));
    moves[len] = up ? 'u' : 'd';
    return stuck ? err_set(e, ERR_IO, "it is stuck") : 0;
}

static void keep(void *data, const struct event *ev)
{
    (void)data;
    if (ev->type == EVENT_FAULT_DECIDED) {
        cr_expect_str_eq(ev->decided.op, "start");
        cr_expect_eq(ev->decided.lane, 2);
        cr_expect_eq(ev->decided.request, 0);
        decided++;
    }
}

static void open_bed(const char *text)
{
    cr_assert_eq(uv_loop_init(&loop), 0);
    history = history_new(NULL, NULL);
    cr_assert_eq(history_observe(history, keep, NULL, NULL), 0);
    fault_rules_open(&rules, text, 1);
    const struct network_late_config config = {.loop = &loop,
                                               .history = history,
                                               .faults = rules.engine,
                                               .subject = "puller",
                                               .lane = 2,
                                               .set = set_network};
    late = network_late_new(&config, NULL);
    cr_assert_not_null(late);
}

static void on_closed(void *data)
{
    (void)data;
    closed = true;
}

static void close_bed(void)
{
    network_late_close(late, on_closed, NULL);
    cr_assert_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    cr_assert(closed);
    cr_assert_eq(uv_loop_close(&loop), 0);
    fault_rules_close(&rules);
    history_free(history);
}

/* The network is down from a start's beginning until the longest time of all that fired is up. */
Test(network_late, comes_up_by_itself)
{
    open_bed("{'a': {'on': 'puller', 'kind': 'network-late', 'for': '20ms'},"
             " 'b': {'on': 'puller', 'kind': 'network-late', 'for': '1ms'}}");
    uint64_t begun_ns = clock_now_ns();
    cr_assert_eq(network_late_begin(late, 7, NULL), 0);
    cr_expect_str_eq(moves, "d");
    cr_expect_eq(decided, 2);
    cr_assert_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    cr_expect_geq(clock_now_ns() - begun_ns, 20 * CLOCK_NS_PER_MS);
    cr_expect_str_eq(moves, "du");
    cr_expect_eq(network_late_end(late, NULL), 0);
    cr_expect_str_eq(moves, "du");
    close_bed();
}

/* A heal brings it up at once, if it is that of the rule which holds it down; so does the start's
 * end. */
Test(network_late, comes_up_by_a_heal_or_at_the_end)
{
    open_bed("{'a': {'on': 'puller', 'kind': 'network-late', 'for': '1h'},"
             " 'b': {'on': 'puller', 'kind': 'network-late', 'for': '1s'}}");
    cr_assert_eq(network_late_begin(late, 7, NULL), 0);
    cr_expect_eq(network_late_healed(late, &rules.rule[1], NULL), 0);
    cr_expect_str_eq(moves, "d");
    cr_expect_eq(network_late_healed(late, &rules.rule[0], NULL), 0);
    cr_expect_str_eq(moves, "du");
    cr_assert_eq(network_late_begin(late, 8, NULL), 0);
    cr_expect_eq(network_late_end(late, NULL), 0);
    cr_expect_str_eq(moves, "dudu");
    close_bed();
}

/* A start that no rule fires for has its network all along; that it was decided on is recorded. */
Test(network_late, leaves_others_alone)
{
    open_bed("{'a': {'on': 'puller', 'kind': 'network-late', 'for': '1h', 'when': {'skip': 1}},"
             " 'b': {'on': 'other', 'kind': 'network-late', 'for': '1h'}}");
    cr_assert_eq(network_late_begin(late, 7, NULL), 0);
    cr_expect_str_eq(moves, "");
    cr_expect_eq(decided, 1);
    close_bed();
}

/* A network that cannot be taken down fails the start; one that the timer cannot bring up is told
 * to the next that asks. */
Test(network_late, tells_what_went_wrong)
{
    struct err e = {0};
    open_bed("{'a': {'on': 'puller', 'kind': 'network-late', 'for': '1ms'}}");
    stuck = true;
    cr_expect_eq(network_late_begin(late, 7, &e), -1);
    cr_expect_str_eq(e.text, "it is stuck");
    stuck = false;
    cr_assert_eq(network_late_begin(late, 8, NULL), 0);
    stuck = true;
    cr_assert_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    e = (struct err){0};
    cr_expect_eq(network_late_end(late, &e), -1);
    cr_expect_str_eq(e.text, "it is stuck");
    close_bed();
}
