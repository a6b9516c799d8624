/* Lanes and their starts on real sockets: labels, counts, what a dead start leaves behind. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake-registry/exchange_internal.h"
#include "tests/lib/server_bed.h"

#define MANIFEST "/v2/ci/agent/manifests/stable"

/* A connection keeps the start it was opened in; its requests carry the start then running. */
Test(server_lanes, labels_with_the_running_start)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    for (uint64_t start = 1; start <= 2; start++) {
        server_lane_begin(b->server, 1, start);
        bed_get(b, fd, MANIFEST);
        bed_reply(b, fd, false, &r);
        bed_reply_close(&r);
        server_lane_end(b->server, 1, false);
        /* The end of a start is synchronous: the delivery is settled, the client still there. */
        cr_assert_eq(bed_find(b, EVENT_REQUEST, start)->request.start, start);
        cr_assert_eq(bed_find(b, EVENT_RESPONSE, start)->response.start, start);
        cr_assert_str_eq(bed_find(b, EVENT_RESPONSE, start)->response.end, "whole");
    }
    bed_get(b, fd, MANIFEST);
    bed_reply(b, fd, false, &r);
    cr_assert_eq(bed_find(b, EVENT_REQUEST, 3)->request.start, 0);
    bed_reply_close(&r);
    (void)close(fd);
    cr_assert_eq(bed_wait(b, EVENT_CONNECTION_CLOSE, 1)->close.start, 1);
    bed_close(b);
}

/* What a dead start left in the accept queue is late and of no start; what it had sent on a
 * connection we knew is late and its own. All of it is told before lane_end returns. */
Test(server_lanes, drains_what_a_dead_start_left)
{
    struct bed *b = bed_open(NULL, NULL);
    int known = bed_connect(b);
    (void)bed_wait(b, EVENT_CONNECTION_OPEN, 1);
    int queued = bed_connect(b);
    const char *text = "GET " MANIFEST " HTTP/1.1\r\nHost: p\r\n\r\n";
    cr_assert_eq(send(known, text, strlen(text), 0), (ssize_t)strlen(text));
    cr_assert_eq(send(queued, text, strlen(text), 0), (ssize_t)strlen(text));
    (void)close(known);
    (void)close(queued);
    server_lane_end(b->server, 1, false);
    cr_assert_eq(bed_count(b, EVENT_CONNECTION_CLOSE), 2);
    cr_assert_eq(bed_count(b, EVENT_RESPONSE), 2);
    const struct event *open = bed_find(b, EVENT_CONNECTION_OPEN, 2);
    cr_assert(open->open.late);
    cr_assert_eq(open->open.start, 0);
    for (size_t i = 1; i <= 2; i++) {
        const struct event *q = bed_find(b, EVENT_REQUEST, i);
        cr_assert(q->request.late);
        cr_assert_eq(q->request.start, q->request.connection == 1 ? 1 : 0);
        cr_assert(bed_find(b, EVENT_RESPONSE, i)->response.late);
    }
    cr_assert_eq(server_totals(b->server).open, 0);
    bed_close(b);
}

/* A start killed while it was stalled has abandoned its answer by the time lane_end returns. */
Test(server_lanes, ends_stalled_answers_of_the_dead)
{
    struct bed *b =
        bed_open("{'st': {'on': 'primary', 'kind': 'stall', 'after-bytes': 100}}", NULL);
    struct bed_reply r;
    bed_arm(b, "st");
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->layer, "");
    bed_reply_some(b, fd, 100, &r);
    (void)close(fd);
    server_lane_end(b->server, 1, false);
    const struct event *a = bed_find(b, EVENT_RESPONSE, 1);
    cr_assert_not_null(a);
    cr_assert_str_eq(a->response.end, "abandoned");
    cr_assert_eq(a->response.object_bytes, 100);
    cr_assert_eq(a->response.start, 1);
    bed_reply_close(&r);
    bed_close(b);
}

/* Each start counts its questions from 1: the same question again is the second, another one, or
 * the same on another registry, is a first. */
Test(server_lanes, counts_questions_per_start)
{
    struct bed *b = bed_open("{'l': {'on': 'primary', 'kind': 'status', 'code': 500}}", NULL);
    struct bed_reply r;
    const char *const paths[] = {MANIFEST, "/v2/ci/agent/tags/list", MANIFEST, MANIFEST};
    const uint64_t want[] = {1, 1, 2, 1};
    bed_arm(b, "l");
    int fd = bed_connect(b);
    for (size_t i = 0; i < 4; i++) {
        if (i == 3) {
            server_lane_begin(b->server, 1, 2);
        }
        bed_get(b, fd, paths[i]);
        bed_reply(b, fd, false, &r);
        bed_reply_close(&r);
        cr_assert_eq(bed_find(b, EVENT_FAULT_DECIDED, i + 1)->decided.nth, want[i], "%zu", i);
    }
    (void)close(fd);
    bed_close(b);
}

/* A fault for one lane leaves the others alone. */
Test(server_lanes, refuses_on_one_lane)
{
    struct bed *b =
        bed_open("{'f': {'on': 'primary', 'kind': 'refuse', 'match': {'lane': 2}}}", NULL);
    struct err e = {0};
    int other = server_listen(
        b->server, &(struct server_listen){.registry = b->registry, .lane = 2}, "127.3.2.1", 0, &e);
    int kept = bed_connect(b);
    bed_arm(b, "f");
    cr_assert_eq(server_refusing(b->server), 1);
    cr_assert_eq(bed_connect_to(b, other), -1);
    cr_assert_eq(errno, ECONNREFUSED);
    int fd = bed_connect(b);
    cr_assert_geq(fd, 0);
    cr_assert_eq(bed_count(b, EVENT_CONNECTION_CLOSE), 0);
    (void)close(fd);
    (void)close(kept);
    bed_close(b);
}

/* A listening socket made elsewhere is served, refuses and listens again without another bind. */
Test(server_lanes, adopts_a_listener)
{
    struct bed *b = bed_open("{'f': {'on': 'primary', 'kind': 'refuse'}}", NULL);
    struct err e = {0};
    int spare = server_listen(
        b->server, &(struct server_listen){.registry = b->registry, .lane = 3}, "127.3.3.1", 0, &e);
    uint16_t port = server_port(b->server, spare);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(0x7f030401);
    int made = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(made, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(listen(made, 8), 0);
    int adopted = server_adopt(
        b->server, &(struct server_listen){.registry = b->registry, .lane = 4}, made, &e);
    cr_assert_geq(adopted, 0, "%s", e.text);
    char want[64];
    (void)snprintf(want, sizeof(want), "127.3.4.1:%u", port);
    cr_assert_str_eq(server_address(b->server, adopted), want);
    for (int i = 0; i < 3; i++) {
        bed_arm(b, "f");
        cr_assert_eq(bed_connect_to(b, adopted), -1);
        bed_heal(b, "f");
        int fd = bed_connect_to(b, adopted);
        cr_assert_geq(fd, 0);
        bed_is_served(b, fd);
        (void)close(fd);
    }
    bed_close(b);
}

/* A rate paces an answer: no kind of fault asks for one yet, so the segment is put in by hand. */
Test(server_lanes, paces_an_answer)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    (void)bed_wait(b, EVENT_CONNECTION_OPEN, 1);
    struct connection *c = b->server->lanes[0]->connections;
    cr_assert_eq(exchange_begin(c, NULL), 0);
    cr_assert_eq(exchange_refuse(c, 503, "slow"), 0);
    struct wire_plan *plan = &c->exchange->plan;
    memmove(&plan->segment[1], &plan->segment[0], plan->count * sizeof(plan->segment[0]));
    plan->segment[0] = (struct segment){.kind = SEGMENT_RATE, .rate = 2000};
    plan->count++;
    connection_run(c);
    connection_update(c);
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 503);
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_str_eq(a->response.end, "whole");
    /* All but the last step (of 41 bytes) was waited for. */
    cr_assert_geq(a->response.duration_ns, (r.bytes.len - 41) * UINT64_C(1000000000) / 2000);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}
