/* Whose end of a TLS connection it was, where the client asked for one answer alone. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/server_bed.h"

#define LAST_ONE                                                                                   \
    "GET /v2/ci/agent/manifests/stable HTTP/1.1\r\nHost: primary\r\nConnection: close\r\n\r\n"

/* Asks, reads the whole answer and leaves, as clients without keep-alive do. False where the server
 * had already said its own farewell: the machine was slow, and nothing is shown. */
static bool ask_and_leave(struct bed *b)
{
    struct bed_reply r;
    char more = 0;
    int fd = bed_connect(b);
    bed_send(b, fd, LAST_ONE);
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.body_len, BED_MANIFEST);
    bed_reply_close(&r);
    bool silent = recv(fd, &more, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
    (void)close(fd);
    return silent;
}

/* A client that has read its answer and closes is no client that reset the connection: nothing of
 * ours is left unread in its socket, so what was delivered counts as read. */
Test(server_tls_close, the_client_may_close_first)
{
    bed_speaks_tls = true;
    struct bed *b = bed_open(NULL, NULL);
    bool silent = false;
    size_t tries = 0;
    while (!silent && tries < 20) {
        silent = ask_and_leave(b);
        (void)bed_wait(b, EVENT_CONNECTION_CLOSE, ++tries);
    }
    cr_assert(silent, "the server never waits for its client to close");
    cr_assert_str_neq(bed_find(b, EVENT_CONNECTION_CLOSE, tries)->close.how, "peer-rst");
    bed_close(b);
}

/* One that waits for the end is not kept waiting: it is told by close_notify, then by FIN. */
Test(server_tls_close, the_server_closes_then)
{
    bed_speaks_tls = true;
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_send(b, fd, LAST_ONE);
    bed_reply_to_end(b, fd, &r);
    cr_assert(r.eof);
    cr_assert(r.notified);
    cr_assert_eq(r.body_len, BED_MANIFEST);
    (void)close(fd);
    cr_assert_str_eq(bed_wait(b, EVENT_CONNECTION_CLOSE, 1)->close.how, "ours-fin");
    bed_reply_close(&r);
    bed_close(b);
}

/* One that closes with its answer unread resets the connection before we said farewell. */
Test(server_tls_close, an_answer_must_be_read)
{
    bed_speaks_tls = true;
    struct bed *b = bed_open(NULL, NULL);
    int fd = bed_connect(b);
    bed_send(b, fd, LAST_ONE);
    (void)bed_wait(b, EVENT_RESPONSE, 1);
    (void)close(fd);
    cr_assert_str_eq(bed_wait(b, EVENT_CONNECTION_CLOSE, 1)->close.how, "peer-rst");
    bed_close(b);
}

/* Turns the loop until something of the server's lies in FD, which is not read. */
static void wait_for_more(struct bed *b, int fd)
{
    char more = 0;
    while (recv(fd, &more, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) {
        bed_turn(b);
    }
}

/* The same where it says its own farewell first, keeps the connection, and closes long after. */
Test(server_tls_close, a_farewell_and_a_late_close_are_no_reset)
{
    bed_speaks_tls = true;
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    char out[256];
    int fd = bed_connect(b);
    bed_get(b, fd, "/v2/ci/agent/manifests/stable");
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.body_len, BED_MANIFEST);
    tls_peer_shut(b->peer[fd]);
    size_t len = tls_peer_output(b->peer[fd], out, sizeof(out));
    cr_assert_eq(send(fd, out, len, 0), (ssize_t)len);
    wait_for_more(b, fd);
    (void)close(fd);
    cr_assert_str_eq(bed_wait(b, EVENT_CONNECTION_CLOSE, 1)->close.how, "peer-fin");
    bed_reply_close(&r);
    bed_close(b);
}
