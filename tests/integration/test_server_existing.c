/* `existing`: what becomes of connections that are open when a fault begins, whatever they are
 * doing and whatever the fault is. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/server_bed.h"

#define MANIFEST "/v2/ci/agent/manifests/stable"

/* A kind of each stage, with what it needs. */
static const char *const kinds[] = {
    "'kind': 'refuse'",
    "'kind': 'delete-image', 'image': 'agent'",
    "'kind': 'status', 'code': 500",
    "'kind': 'latency', 'delay': '1s'",
    "'kind': 'stall'",
    "'kind': 'corrupt'",
    "'kind': 'truncate', 'after-bytes': 10",
    "'kind': 'close'",
    "'kind': 'reset'",
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What a connection does when the fault begins. */
enum doing { QUEUED, IDLE, DELAYED, STALLED, WRITING, DOINGS };
static const char *const says[] = {[DELAYED] = "delayed by 'slow'",
                                   [STALLED] = "stalled by 'st'",
                                   [WRITING] = "waits for its client to read"};

static struct bed *open_with(const char *kind, const char *existing)
{
    const struct server_limits limits = {.drain_ms = 50};
    char rules[512];
    (void)snprintf(rules, sizeof(rules),
                   "{'slow': {'on': 'primary', 'kind': 'latency', 'delay': '1h'},"
                   " 'st': {'on': 'primary', 'kind': 'stall', 'after-bytes': 10},"
                   " 'f': {'on': 'primary', %s, 'existing': '%s'}}",
                   kind, existing);
    return bed_open(rules, &limits);
}

/* A client of lane 1 whose connection is DOING that. */
static int connection_that_is(struct bed *b, enum doing doing)
{
    int fd = bed_connect(b);
    cr_assert_geq(fd, 0);
    switch (doing) {
    case IDLE:
        bed_is_served(b, fd);
        break;
    case DELAYED:
    case STALLED:
        bed_arm(b, doing == DELAYED ? "slow" : "st");
        bed_get_blob(b, fd, b->layer, "");
        bed_until_it_says(b, says[doing]);
        break;
    case WRITING:
        bed_get_blob(b, fd, b->big, ""); /* more than two kernels hold */
        bed_until_it_says(b, says[doing]);
        break;
    case QUEUED: /* the server's loop has not turned since */
    case DOINGS:
        break;
    }
    return fd;
}

/* The client sees the end that was asked for, and the history says who made it. */
static void expect_end(struct bed *b, int fd, bool reset, const char *what)
{
    size_t before = bed_count(b, EVENT_CONNECTION_CLOSE);
    struct bed_reply r;
    bed_reply_to_end(b, fd, &r);
    cr_expect(reset ? r.error == ECONNRESET : r.eof, "%s: eof %d, error %d", what, r.eof, r.error);
    bed_reply_close(&r);
    (void)close(fd);
    const struct event *end = bed_wait(b, EVENT_CONNECTION_CLOSE, before > 0 ? before : 1);
    cr_expect_str_eq(end->close.how, reset ? "ours-rst" : "ours-fin", "%s: %s", what,
                     end->close.how);
    cr_assert_not_null(end->close.fault, "%s", what);
    cr_expect_str_eq(end->close.fault, "f", "%s", what);
}

static void one(const char *kind, enum doing doing, bool reset)
{
    char what[128];
    struct bed *b = open_with(kind, reset ? "reset" : "close");
    (void)snprintf(what, sizeof(what), "%s, doing %d, reset %d", kind, doing, reset);
    int fd = connection_that_is(b, doing);
    bed_arm(b, "f");
    expect_end(b, fd, reset, what);
    if (doing >= DELAYED) {
        const struct event *cut = bed_wait(b, EVENT_RESPONSE, 1);
        cr_expect_str_eq(cut->response.end, "cut", "%s", what);
        cr_expect_not_null(strstr(cut->response.faults, "f"), "%s", what);
    }
    bed_close(b);
}

/* Idle, or not even taken from the queue: each is ended as asked by a fault of each stage. */
Test(server_existing, every_kind_ends_what_is_open, .timeout = 110)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        for (int reset = 0; reset <= 1; reset++) {
            one(kinds[kind], QUEUED, reset == 1);
            one(kinds[kind], IDLE, reset == 1);
        }
    }
}

/* The same in the middle of an answer: delayed, stalled, or held up by its client. */
Test(server_existing, answers_under_way_end, .timeout = 110)
{
    for (int doing = DELAYED; doing < DOINGS; doing++) {
        for (int reset = 0; reset <= 1; reset++) {
            one(kinds[0], (enum doing)doing, reset == 1);
            one(kinds[2], (enum doing)doing, reset == 1);
        }
    }
}

/* keep leaves each of them to go on as if nothing had happened. */
Test(server_existing, keep_leaves_them_alone)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct bed *b = open_with(kinds[kind], "keep");
        int stalled = connection_that_is(b, STALLED);
        bed_arm(b, "f");
        struct bed_reply r;
        bed_heal(b, "st");
        bed_reply(b, stalled, false, &r);
        cr_expect_eq(r.body_len, BED_LAYER, "%s", kinds[kind]);
        bed_reply_close(&r);
        (void)close(stalled);
        bed_close(b);
    }
}

/* A fault that comes and goes ends what is open each time it comes, and nothing while it stays or
 * once it is gone. */
Test(server_existing, phase_after_phase)
{
    struct bed *b = open_with("'kind': 'status', 'code': 500", "reset");
    for (int i = 0; i < 3; i++) {
        int before = connection_that_is(b, IDLE);
        struct bed_reply r;
        bed_arm(b, "f");
        bed_reply_to_end(b, before, &r);
        cr_expect_eq(r.error, ECONNRESET);
        bed_reply_close(&r);
        (void)close(before);
        int within = bed_connect(b);
        bed_get(b, within, MANIFEST);
        bed_reply(b, within, false, &r);
        cr_expect_eq(r.status, 500);
        bed_reply_close(&r);
        bed_heal(b, "f");
        bed_is_served(b, within);
        (void)close(within);
    }
    bed_close(b);
}

/* Connections of another registry, and of another lane than the one it matches, stay. */
Test(server_existing, only_where_the_fault_is)
{
    struct bed *b = bed_open("{'f': {'on': 'primary', 'kind': 'status', 'code': 500,"
                             " 'match': {'lane': 1}, 'existing': 'close'}}",
                             NULL);
    struct err e = {0};
    struct bed_reply r;
    int failover = server_add_registry(
        b->server, &(struct server_registry){.name = "failover", .store = b->store}, &e);
    int other = server_listen(b->server, &(struct server_listen){.registry = failover, .lane = 1},
                              "127.3.1.1", 0, &e);
    int lane2 = server_listen(
        b->server, &(struct server_listen){.registry = b->registry, .lane = 2}, "127.3.2.1", 0, &e);
    cr_assert(other >= 0 && lane2 >= 0, "%s", e.text);
    int fds[] = {bed_connect_to(b, other), bed_connect_to(b, lane2)};
    int met = bed_connect(b);
    bed_arm(b, "f");
    expect_end(b, met, false, "its own lane");
    for (size_t i = 0; i < 2; i++) {
        bed_get(b, fds[i], MANIFEST);
        bed_reply(b, fds[i], false, &r);
        cr_expect_eq(r.status, 200);
        bed_reply_close(&r);
        (void)close(fds[i]);
    }
    bed_close(b);
}
