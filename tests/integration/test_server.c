/* The server on real sockets, without faults: requests, deliveries, limits, its end. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/server_bed.h"

#define MANIFEST "/v2/ci/agent/manifests/stable"

/* One GET: the bytes arrive, and connection-open, request and response tell all of it. */
Test(server, tells_a_get)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_send(b, fd,
             "GET " MANIFEST "?ns=docker.io&token=hidden HTTP/1.1\r\nHost: p\r\n"
             "User-Agent: drill\r\n\r\n");
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 200);
    cr_assert_eq(r.body_len, BED_MANIFEST);
    cr_assert_arr_eq(bed_body(&r), b->manifest->data, BED_MANIFEST);
    const struct event *open = bed_find(b, EVENT_CONNECTION_OPEN, 1);
    cr_assert_eq(open->open.lane, 1);
    cr_assert_eq(open->open.start, 1);
    const struct event *q = bed_find(b, EVENT_REQUEST, 1);
    cr_assert_eq(q->request.op, OP_MANIFEST_GET);
    cr_assert_str_eq(q->request.digest, b->manifest->digest);
    cr_assert_str_eq(q->request.reference, "stable");
    cr_assert_str_eq(q->request.ns, "docker.io");
    cr_assert_str_eq(q->request.user_agent, "drill");
    cr_assert_str_eq(q->request.path, MANIFEST "?ns=docker.io&token=***");
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_eq(a->response.request, q->request.ordinal);
    cr_assert_eq(a->response.status, 200);
    cr_assert_str_eq(a->response.end, "whole");
    cr_assert_str_eq(a->response.digest, b->manifest->digest);
    cr_assert_eq(a->response.head_bytes, r.head_len);
    cr_assert_eq(a->response.written, r.bytes.len);
    cr_assert_eq(a->response.delivered, r.bytes.len);
    cr_assert_eq(a->response.object_bytes, BED_MANIFEST);
    bed_reply_close(&r);
    (void)close(fd);
    const struct event *c = bed_wait(b, EVENT_CONNECTION_CLOSE, 1);
    cr_assert_str_eq(c->close.how, "peer-fin");
    cr_assert_eq(c->close.requests, 1);
    bed_close(b);
}

/* HEAD carries the length and no body, so the next answer on the connection is in its place. */
Test(server, head_then_get_on_one_connection)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_send(b, fd, "HEAD " MANIFEST " HTTP/1.1\r\nHost: p\r\n\r\n");
    bed_reply(b, fd, true, &r);
    cr_assert_eq(r.status, 200);
    cr_assert_eq(r.body_len, 0);
    cr_assert_not_null(strstr(r.bytes.data, "Content-Length: 300\r\n"));
    bed_reply_close(&r);
    bed_get(b, fd, MANIFEST);
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 200);
    cr_assert_eq(r.body_len, BED_MANIFEST);
    bed_reply_close(&r);
    cr_assert_eq(bed_wait(b, EVENT_RESPONSE, 1)->response.object_bytes, 0);
    (void)bed_wait(b, EVENT_RESPONSE, 2);
    cr_assert_eq(bed_count(b, EVENT_CONNECTION_OPEN), 1);
    (void)close(fd);
    bed_close(b);
}

/* A body larger than socket buffers reaches a client that reads while it comes, byte for byte. */
Test(server, sends_a_big_body)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->big, "");
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.body_len, BED_BIG);
    cr_assert_eq(memcmp(bed_body(&r), b->big->data, BED_BIG), 0);
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_str_eq(a->response.end, "whole");
    cr_assert_eq(a->response.object_bytes, BED_BIG);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* Content that lies in a file goes by sendfile, a range of it from the right place. */
Test(server, sends_a_range_of_a_file)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    uint8_t want[1000];
    int fd = bed_connect(b);
    cr_assert_eq(pread(b->file->fd, want, sizeof(want), 5000), (ssize_t)sizeof(want));
    bed_get_blob(b, fd, b->file, "Range: bytes=5000-5999\r\n");
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 206);
    cr_assert_eq(r.body_len, sizeof(want));
    cr_assert_arr_eq(bed_body(&r), want, sizeof(want));
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_eq(a->response.object_from, 5000);
    cr_assert_eq(a->response.object_bytes, sizeof(want));
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* Requests sent at once are answered one after the other, each in full and in order. */
Test(server, answers_pipelined_requests_in_order)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    for (int i = 0; i < 200; i++) {
        bed_get(b, fd, i % 2 == 0 ? MANIFEST : "/v2/ci/agent/manifests/none");
    }
    bed_send(b, fd, "GET /v2/ HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n");
    bed_reply_to_end(b, fd, &r);
    cr_assert(r.eof);
    cr_assert_eq(bed_count(b, EVENT_REQUEST), 201);
    for (size_t i = 1; i <= 200; i++) {
        const struct event *a = bed_find(b, EVENT_RESPONSE, i);
        cr_assert_eq(a->response.request, i);
        cr_assert_eq(a->response.status, i % 2 == 1 ? 200 : 404);
        cr_assert_str_eq(a->response.end, "whole");
    }
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* A request cut into single bytes is one request. */
Test(server, takes_a_request_byte_by_byte)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    for (const char *p = "GET " MANIFEST " HTTP/1.1\r\nHost: p\r\n\r\n"; *p != '\0'; p++) {
        const char one[2] = {*p, '\0'};
        bed_send(b, fd, one);
    }
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 200);
    cr_assert_eq(bed_count(b, EVENT_REQUEST), 1);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* HTTP/1.0 without keep-alive ends the connection, by FIN, after a whole answer. */
Test(server, closes_after_http_1_0)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_send(b, fd, "GET " MANIFEST " HTTP/1.0\r\n\r\n");
    bed_reply_to_end(b, fd, &r);
    cr_assert(r.eof);
    cr_assert_eq(r.body_len, BED_MANIFEST);
    (void)close(fd);
    cr_assert_str_eq(bed_wait(b, EVENT_RESPONSE, 1)->response.end, "whole");
    cr_assert_str_eq(bed_wait(b, EVENT_CONNECTION_CLOSE, 1)->close.how, "ours-fin");
    bed_reply_close(&r);
    bed_close(b);
}

/* What is not HTTP gets an OCI error and the connection ends; the request is on record. */
Test(server, answers_what_is_not_http)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_send(b, fd, "\x16\x03\x01 hello\r\n\r\n");
    bed_reply_to_end(b, fd, &r);
    cr_assert_eq(r.status, 400);
    cr_assert(r.eof);
    cr_assert_not_null(strstr(bed_body(&r), "\"errors\""));
    cr_assert_eq(bed_find(b, EVENT_REQUEST, 1)->request.op, OP_OTHER);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* A body on a GET is read past (after 100 Continue where that is asked), and the next request is
 * found behind it. */
Test(server, reads_past_a_body)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_send(b, fd,
             "GET " MANIFEST " HTTP/1.1\r\nHost: p\r\nContent-Length: 5\r\n"
             "Expect: 100-continue\r\n\r\n");
    bed_reply(b, fd, true, &r);
    cr_assert_eq(r.status, 100);
    bed_reply_close(&r);
    bed_send(b, fd, "helloGET /v2/ HTTP/1.1\r\nHost: p\r\n\r\n");
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 200);
    bed_reply_close(&r);
    (void)bed_wait(b, EVENT_RESPONSE, 2);
    cr_assert_eq(bed_find(b, EVENT_REQUEST, 2)->request.op, OP_PING);
    (void)close(fd);
    bed_close(b);
}

/* A body past the maximum is refused before it is read, and the client sees the whole answer and a
 * FIN although what it sent lies unread: a plain close would have reset it. */
Test(server, refuses_a_large_body)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    const char head[] = "GET " MANIFEST " HTTP/1.1\r\nHost: p\r\nContent-Length: 99999999\r\n\r\n";
    char *text = malloc(300001);
    cr_assert_not_null(text);
    memset(text, 'x', 300000);
    memcpy(text, head, sizeof(head) - 1);
    text[300000] = '\0';
    int fd = bed_connect(b);
    bed_send(b, fd, text);
    bed_reply_to_end(b, fd, &r);
    cr_assert_eq(r.status, 413);
    cr_assert(r.eof, "errno %d", r.error);
    (void)close(fd);
    cr_assert_str_eq(bed_wait(b, EVENT_RESPONSE, 1)->response.end, "whole");
    bed_reply_close(&r);
    free(text);
    bed_close(b);
}

/* A client that resets while its answer is coming abandons it: less was delivered than written. */
Test(server, tells_an_abandoned_answer)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->big, "");
    bed_reply_some(b, fd, 1000, &r);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    (void)close(fd);
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_str_eq(a->response.end, "abandoned");
    cr_assert_gt(a->response.written, a->response.delivered);
    cr_assert_lt(a->response.object_bytes, BED_BIG);
    cr_assert_str_eq(bed_wait(b, EVENT_CONNECTION_CLOSE, 1)->close.how, "peer-rst");
    bed_reply_close(&r);
    bed_close(b);
}

/* A client that closes without having read its answer resets by its kernel: peer-rst says so. */
Test(server, tells_an_unread_answer)
{
    struct bed *b = bed_open(NULL, NULL);
    int fd = bed_connect(b);
    bed_get(b, fd, MANIFEST);
    (void)bed_wait(b, EVENT_RESPONSE, 1);
    (void)close(fd);
    cr_assert_str_eq(bed_wait(b, EVENT_CONNECTION_CLOSE, 1)->close.how, "peer-rst");
    bed_close(b);
}

/* A client that closes its own side early (half-close) still gets the whole answer. */
Test(server, answers_a_half_closed_client)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->layer, "");
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    bed_reply_to_end(b, fd, &r);
    cr_assert_eq(r.body_len, BED_LAYER);
    cr_assert_str_eq(bed_wait(b, EVENT_RESPONSE, 1)->response.end, "whole");
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* Idle connections end, also one that stopped reading in the middle of an answer. */
Test(server, closes_idle_connections)
{
    struct bed *b = bed_open(NULL, NULL);
    int idle = bed_connect(b);
    int slow = bed_connect(b);
    bed_get_blob(b, slow, b->big, "");
    bed_until_it_says(b, "waits for its client to read");
    bed_close_idle(b);
    cr_assert_str_eq(bed_wait(b, EVENT_CONNECTION_CLOSE, 1)->close.how, "idle");
    cr_assert_str_eq(bed_wait(b, EVENT_CONNECTION_CLOSE, 2)->close.how, "idle");
    const struct event *a = bed_find(b, EVENT_RESPONSE, 1);
    cr_assert_str_eq(a->response.end, "cut");
    cr_assert_gt(a->response.written, a->response.delivered);
    (void)close(idle);
    (void)close(slow);
    bed_close(b);
}

/* Past the maximum of connections a client is closed at once, and on record. */
Test(server, bounds_connections)
{
    const struct server_limits limits = {.max_connections = 1};
    struct bed *b = bed_open(NULL, &limits);
    struct bed_reply r;
    int first = bed_connect(b);
    (void)bed_wait(b, EVENT_CONNECTION_OPEN, 1);
    int second = bed_connect(b);
    bed_reply_to_end(b, second, &r);
    cr_assert_str_eq(bed_find(b, EVENT_CONNECTION_CLOSE, 1)->close.how, "limit");
    bed_reply_close(&r);
    bed_is_served(b, first);
    (void)close(first);
    (void)close(second);
    bed_close(b);
}

/* With no descriptor left a connection waits in the queue, and is taken once one is free. */
Test(server, waits_for_a_descriptor)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    struct rlimit limit;
    int first = bed_connect(b);
    (void)bed_wait(b, EVENT_CONNECTION_OPEN, 1);
    int second = bed_connect(b);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = (rlim_t)second + 1;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < 20; i++) {
        bed_turn(b);
    }
    cr_assert_eq(server_totals(b->server).connections, 1);
    (void)close(first);
    (void)bed_wait(b, EVENT_CONNECTION_CLOSE, 1);
    bed_get(b, second, MANIFEST);
    bed_reply(b, second, false, &r);
    cr_assert_eq(r.status, 200);
    limit.rlim_cur = before;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    bed_reply_close(&r);
    (void)close(second);
    bed_close(b);
}

/* Closing ends answers under way as the harness's doing, and the loop closes. */
Test(server, closes_in_the_middle_of_an_answer)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->big, "");
    bed_reply_some(b, fd, 1000, &r);
    bed_until_it_says(b, "connection 1 lane 1 primary: waits for its client to read");
    server_lane_end(b->server, 1, true);
    cr_assert_str_eq(bed_find(b, EVENT_RESPONSE, 1)->response.end, "harness");
    cr_assert_str_eq(bed_find(b, EVENT_CONNECTION_CLOSE, 1)->close.how, "ours-fin");
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}
