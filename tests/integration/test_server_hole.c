/* Black holes on real sockets: new connections hang, open ones stall, a heal lets all go on. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/server_bed.h"

#define MANIFEST "/v2/ci/agent/manifests/stable"
#define HOLE "{'hole': {'on': 'primary', 'kind': 'black-hole'}}"

/* How long a connection is watched that must not come about. */
#define A_WHILE_MS 50

static bool hangs(struct bed *b, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    for (int i = 0; i < A_WHILE_MS; i++) {
        bed_turn(b);
        if (poll(&p, 1, 1) != 0) {
            return false;
        }
    }
    return true;
}

/* Whether FD is connected, once that is decided. */
static bool gets_through(struct bed *b, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t len = sizeof(error);
    while (poll(&p, 1, 10) == 0) {
        bed_turn(b);
    }
    cr_assert_eq(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
    return error == 0;
}

/* A connection to a black hole is neither made nor refused, and leaves no event; once it is healed
 * the kernel's next try gets through. */
Test(server_hole, hangs_and_heals)
{
    struct bed *b = bed_open(HOLE, NULL);
    bed_arm(b, "hole");
    int fd = bed_begin_connect(b, b->listener);
    cr_assert(hangs(b, fd));
    cr_expect_eq(bed_count(b, EVENT_CONNECTION_OPEN), 0);
    cr_expect_eq(server_refusing(b->server), 1);
    bed_heal(b, "hole");
    cr_expect_eq(server_refusing(b->server), 0);
    cr_assert(gets_through(b, fd));
    bed_is_served(b, fd);
    cr_expect_eq(bed_count(b, EVENT_CONNECTION_OPEN), 1, "the filler is no client");
    (void)close(fd);
    bed_close(b);
}

/* What stood in the queue before the fault began is a client, and its connection stalls with the
 * others: its request arrives when the fault is healed. */
Test(server_hole, stalls_open_connections)
{
    struct bed *b = bed_open(HOLE, NULL);
    struct bed_reply r;
    int fd = bed_connect(b), queued = bed_begin_connect(b, b->listener);
    bed_is_served(b, fd);
    bed_arm(b, "hole");
    cr_expect_eq(bed_count(b, EVENT_CONNECTION_OPEN), 2);
    bed_get(b, fd, MANIFEST);
    for (int i = 0; i < A_WHILE_MS; i++) {
        bed_turn(b);
        (void)poll(NULL, 0, 1);
    }
    cr_expect_eq(bed_count(b, EVENT_REQUEST), 1);
    bed_heal(b, "hole");
    bed_reply(b, fd, false, &r);
    cr_expect_eq(r.status, 200);
    bed_reply_close(&r);
    bed_is_served(b, queued);
    (void)close(fd);
    (void)close(queued);
    bed_close(b);
}

/* Turns the loop and reads all that has come; says how much that was. */
static size_t drink(struct bed *b, int fd)
{
    char piece[65536];
    size_t all = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    bed_turn(b);
    while (poll(&p, 1, 1) > 0) {
        ssize_t n = recv(fd, piece, sizeof(piece), 0);
        cr_assert_gt(n, 0);
        all += (size_t)n;
    }
    return all;
}

/* An answer that is under way stops where it is, and goes on when the fault is healed. */
Test(server_hole, stalls_an_answer)
{
    struct bed *b = bed_open(HOLE, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->big, "");
    bed_reply_some(b, fd, 1, &r);
    bed_arm(b, "hole");
    bed_reply_close(&r);
    for (int i = 0; i < A_WHILE_MS; i++) {
        (void)drink(b, fd);
    }
    cr_expect_eq(drink(b, fd), 0, "nothing more comes");
    cr_expect_eq(bed_count(b, EVENT_RESPONSE), 0);
    bed_heal(b, "hole");
    while (bed_count(b, EVENT_RESPONSE) == 0) {
        (void)drink(b, fd);
    }
    cr_expect_str_eq(bed_find(b, EVENT_RESPONSE, 1)->response.end, "whole");
    (void)close(fd);
    bed_close(b);
}

/* With `existing` reset, open connections are reset when the fault begins. */
Test(server_hole, may_reset_open_connections)
{
    struct bed *b =
        bed_open("{'hole': {'on': 'primary', 'kind': 'black-hole', 'existing': 'reset'}}", NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_is_served(b, fd);
    bed_arm(b, "hole");
    bed_reply_to_end(b, fd, &r);
    cr_expect_eq(r.error, ECONNRESET);
    cr_expect_str_eq(bed_wait(b, EVENT_CONNECTION_CLOSE, 1)->close.fault, "hole");
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* A client that goes away from a stalled connection is noticed; so is one at its start's end. */
Test(server_hole, notices_that_a_client_went)
{
    struct bed *b = bed_open(HOLE, NULL);
    int first = bed_connect(b), second = bed_connect(b);
    bed_is_served(b, first);
    bed_is_served(b, second);
    bed_arm(b, "hole");
    (void)close(first);
    cr_expect_str_eq(bed_wait(b, EVENT_CONNECTION_CLOSE, 1)->close.how, "peer-fin");
    bed_get(b, second, MANIFEST);
    (void)close(second);
    server_lane_end(b->server, 1, false);
    cr_expect_eq(bed_count(b, EVENT_CONNECTION_CLOSE), 2);
    cr_expect_eq(bed_count(b, EVENT_REQUEST), 2);
    bed_heal(b, "hole");
    bed_close(b);
}

/* A port that is refused as well refuses; once that is healed it is a black hole again. */
Test(server_hole, gives_way_to_a_refusal)
{
    struct bed *b = bed_open("{'hole': {'on': 'primary', 'kind': 'black-hole'},"
                             " 'gone': {'on': 'primary', 'kind': 'refuse'}}",
                             NULL);
    bed_arm(b, "hole");
    bed_arm(b, "gone");
    int refused = bed_begin_connect(b, b->listener);
    cr_expect_not(gets_through(b, refused));
    bed_heal(b, "gone");
    int fd = bed_begin_connect(b, b->listener);
    cr_expect(hangs(b, fd));
    bed_heal(b, "hole");
    cr_expect(gets_through(b, fd));
    (void)close(fd);
    (void)close(refused);
    bed_close(b);
}

/* A listener that is opened while the fault is on is a black hole from the outset; only that of the
 * lane that is matched. */
Test(server_hole, meets_later_listeners_of_its_lane)
{
    struct bed *b =
        bed_open("{'hole': {'on': 'primary', 'kind': 'black-hole', 'match': {'lane': 2}}}", NULL);
    bed_arm(b, "hole");
    const struct server_listen how = {.registry = b->registry, .lane = 2};
    int listener = server_listen(b->server, &how, "127.0.0.1", 0, NULL);
    cr_assert_geq(listener, 0);
    int fd = bed_begin_connect(b, listener), other = bed_connect(b);
    cr_expect(hangs(b, fd));
    bed_is_served(b, other);
    bed_heal(b, "hole");
    cr_expect(gets_through(b, fd));
    (void)close(fd);
    (void)close(other);
    bed_close(b);
}

/* A filler that was given is kept: it fills the queue of its listener again and again. */
Test(server_hole, uses_a_given_filler_again)
{
    struct bed *b = bed_open(HOLE, NULL);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(made, (struct sockaddr *)&any, sizeof(any)), 0);
    const struct server_listen how = {.registry = b->registry, .lane = 1, .filler = filler};
    int listener = server_adopt(b->server, &how, made, NULL);
    cr_assert_geq(listener, 0);
    for (int i = 0; i < 3; i++) {
        bed_arm(b, "hole");
        int fd = bed_begin_connect(b, listener);
        cr_assert(hangs(b, fd), "round %d", i);
        (void)close(fd);
        bed_heal(b, "hole");
        int after = bed_connect_to(b, listener);
        bed_is_served(b, after);
        (void)close(after);
    }
    cr_expect_eq(bed_count(b, EVENT_CONNECTION_OPEN), 3);
    bed_close(b);
}
