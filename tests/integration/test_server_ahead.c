/* The server tells which requests were sent ahead of the answer before them. */
#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "tests/lib/server_bed.h"

#define ASKED 300
#define ASKED_SMALL 1500
#define PATIENCE_NS (UINT64_C(20) * CLOCK_NS_PER_S)
#define STILL_TURNS 200 /* after which a server is taken to wait */
#define MANIFEST "/v2/ci/agent/manifests/stable"

static bool pipelined(const struct bed *b, size_t n)
{
    const struct event *ev = bed_find(b, EVENT_REQUEST, n);
    cr_assert_not_null(ev);
    return ev->request.pipelined;
}

/* One answer is read, then the next is asked for: nothing is ahead, however large the answers. */
Test(server_ahead, one_after_the_other)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    for (size_t i = 1; i <= 6; i++) {
        if (i % 3 == 0) {
            bed_get_blob(b, fd, b->big, "");
        } else if (i % 3 == 1) {
            bed_get(b, fd, MANIFEST);
        } else {
            bed_get_blob(b, fd, b->file, "");
        }
        bed_reply(b, fd, false, &r);
        cr_expect_eq(r.status, 200);
        bed_reply_close(&r);
        cr_expect_not(pipelined(b, i), "request %zu", i);
    }
    (void)close(fd);
    bed_close(b);
}

/* Three in one packet: the two behind are ahead; one sent when all is answered is not. */
Test(server_ahead, all_at_once)
{
    struct bed *b = bed_open(NULL, NULL);
    int fd = bed_connect(b);
    bed_send(b, fd,
             "GET " MANIFEST " HTTP/1.1\r\nHost: p\r\n\r\n"
             "GET " MANIFEST " HTTP/1.1\r\nHost: p\r\n\r\n"
             "GET " MANIFEST " HTTP/1.1\r\nHost: p\r\n\r\n");
    (void)bed_wait(b, EVENT_RESPONSE, 3);
    for (size_t i = 1; i <= 3; i++) {
        cr_expect_eq(pipelined(b, i), i > 1, "request %zu", i);
    }
    bed_get(b, fd, MANIFEST);
    (void)bed_wait(b, EVENT_RESPONSE, 4);
    cr_expect_not(pipelined(b, 4));
    (void)close(fd);
    bed_close(b);
}

/* In packets of their own, all there before the first answer's last byte can leave: the second
 * waits in our kernel, or in our hands, while a large answer is written. */
Test(server_ahead, while_an_answer_is_written)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->big, "");
    bed_reply_some(b, fd, 1, &r);
    bed_reply_close(&r);
    bed_send(b, fd, "GET " MANIFEST " HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n");
    cr_assert_eq(bed_count(b, EVENT_REQUEST), 1);
    bed_reply_to_end(b, fd, &r);
    cr_assert(r.eof);
    bed_reply_close(&r);
    cr_expect(pipelined(b, 2));
    (void)close(fd);
    bed_close(b);
}

/* Until the server waits for a client that reads nothing. */
static void until_stuck(struct bed *b)
{
    for (size_t seen = 0, same = 0; same < STILL_TURNS; same++) {
        bed_turn(b);
        size_t count = bed_count(b, EVENT_REQUEST);
        same = count == seen && count > 0 ? same : 0;
        seen = count;
    }
}

/* Asks for more than the send queue takes, and reads nothing. */
static void ask_much(struct bed *b, int fd)
{
    for (int i = 0; i < ASKED; i++) {
        bed_get_blob(b, fd, b->layer, "");
    }
    until_stuck(b);
    cr_assert_lt(bed_count(b, EVENT_REQUEST), ASKED, "all of it fits the send queue");
}

static void read_all(int fd)
{
    char piece[65536];
    while (recv(fd, piece, sizeof(piece), MSG_DONTWAIT) > 0) {
    }
}

/* A server that stops answers what was asked ahead, although it looks itself whether the answer
 * before was delivered. */
Test(server_ahead, while_the_server_stops)
{
    struct bed *b = bed_open(NULL, NULL);
    int fd = bed_connect(b);
    uint64_t give_up = clock_now_ns() + PATIENCE_NS;
    ask_much(b, fd);
    read_all(fd);
    while (server_stop(b->server) > 0) {
        cr_assert_lt(clock_now_ns(), give_up, "%zu answered", bed_count(b, EVENT_RESPONSE));
        bed_turn(b);
        read_all(fd);
    }
    cr_expect_eq(bed_count(b, EVENT_RESPONSE), ASKED);
    (void)close(fd);
    bed_close(b);
}

/* Small answers, none of them read, and then a reset: one that is wholly written and not delivered
 * does not keep its connection for ever. */
Test(server_ahead, gone_with_answers_unread)
{
    const struct linger reset = {.l_onoff = 1};
    const int small = 4096;
    struct bed *b = bed_open(NULL, NULL);
    int fd = bed_connect(b);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    for (int i = 0; i < ASKED_SMALL; i++) {
        bed_get(b, fd, MANIFEST);
    }
    until_stuck(b);
    cr_assert_lt(bed_count(b, EVENT_REQUEST), ASKED_SMALL, "all of it fits the receive queue");
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    (void)close(fd);
    const struct event *ev = bed_wait(b, EVENT_CONNECTION_CLOSE, 1);
    cr_expect_str_eq(ev->close.how, "peer-rst");
    bed_close(b);
}
