/* TLS on real sockets: how it ends, what its handshakes come to, what of it the history tells. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "tests/lib/server_bed.h"

#define MANIFEST "/v2/ci/agent/manifests/stable"

/* Before any test, in each one's process. */
__attribute__((constructor)) static void speak_tls(void)
{
    bed_speaks_tls = true;
}

static const struct event_connection_close *closed(struct bed *b, size_t n)
{
    return &bed_wait(b, EVENT_CONNECTION_CLOSE, n)->close;
}

/* An answer arrives whole, is told in bytes of plaintext, and the connection is kept. */
Test(server_tls, answers)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    for (size_t i = 1; i <= 3; i++) {
        bed_get_blob(b, fd, b->file, "");
        bed_reply(b, fd, false, &r);
        cr_assert_eq(r.status, 200);
        cr_assert_eq(r.body_len, BED_FILE);
        const struct event *a = bed_wait(b, EVENT_RESPONSE, i);
        cr_assert_str_eq(a->response.end, "whole");
        cr_assert_eq(a->response.written, r.bytes.len);
        cr_assert_eq(a->response.delivered, r.bytes.len);
        bed_reply_close(&r);
    }
    cr_assert(bed_find(b, EVENT_CONNECTION_OPEN, 1)->open.tls);
    cr_assert_eq(bed_count(b, EVENT_CONNECTION_OPEN), 1);
    (void)close(fd);
    cr_assert_str_eq(closed(b, 1)->how, "peer-fin");
    cr_assert_null(closed(b, 1)->tls);
    bed_close(b);
}

/* Large bodies go through a send queue that is full most of the time, byte by byte as they are. */
Test(server_tls, fills_the_send_queue)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->big, "");
    for (int i = 0; i < 100; i++) {
        bed_turn(b);
    }
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.body_len, BED_BIG);
    cr_assert_eq(memcmp(bed_body(&r), b->big->data, BED_BIG), 0);
    cr_assert_eq(bed_wait(b, EVENT_RESPONSE, 1)->response.delivered, r.bytes.len);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* A client that never reads: what it has been sent in part of a record does not count for it. */
Test(server_tls, counts_what_was_not_read)
{
    struct bed *b = bed_open(NULL, NULL);
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->big, "");
    for (int i = 0; i < 50; i++) {
        bed_turn(b);
    }
    (void)close(fd);
    const struct event_response *a = &bed_wait(b, EVENT_RESPONSE, 1)->response;
    cr_assert_str_eq(a->end, "abandoned");
    cr_assert_lt(a->delivered, a->written);
    cr_assert_lt(a->written, BED_BIG);
    cr_assert_str_eq(closed(b, 1)->how, "peer-rst");
    bed_close(b);
}

/* The server's orderly end says close_notify; a cut by a fault does not. */
Test(server_tls, says_close_notify_in_order_alone)
{
    struct bed *b =
        bed_open("{'t': {'on': 'primary', 'kind': 'truncate', 'after-bytes': 100}}", NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->layer, "Connection: close\r\n");
    bed_reply_to_end(b, fd, &r);
    cr_assert(r.eof && r.notified);
    cr_assert_eq(r.body_len, BED_LAYER);
    bed_reply_close(&r);
    (void)close(fd);
    bed_arm(b, "t");
    fd = bed_connect(b);
    bed_get_blob(b, fd, b->layer, "Connection: close\r\n");
    bed_reply_to_end(b, fd, &r);
    cr_assert(r.eof && !r.notified);
    cr_assert_eq(r.body_len, 100);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* A client that says close_notify and waits for ours gets it, and has ended the connection. */
Test(server_tls, answers_close_notify)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    char data[256];
    int fd = bed_connect(b);
    bed_get(b, fd, MANIFEST);
    bed_reply(b, fd, false, &r);
    bed_reply_close(&r);
    tls_peer_shut(b->peer[fd]);
    size_t n = tls_peer_output(b->peer[fd], data, sizeof(data));
    cr_assert_eq(send(fd, data, n, 0), (ssize_t)n);
    bed_reply_to_end(b, fd, &r);
    cr_assert(r.eof && r.notified);
    bed_reply_close(&r);
    (void)close(fd);
    cr_assert_str_eq(closed(b, 1)->how, "peer-fin");
    cr_assert_str_eq(bed_find(b, EVENT_RESPONSE, 1)->response.end, "whole");
    bed_close(b);
}

/* Clients that do not trust us, or that lack what we need of them, are told of by name, and no
 * request is. */
Test(server_tls, names_failed_handshakes)
{
    struct err e = {0};
    struct bed *b = bed_open(NULL, NULL);
    struct tls_authority *other = tls_authority_new(&e);
    const struct {
        struct tls_peer_options options;
        const char *how;
        const char *tls;
    } cases[] = {
        {{.ca = tls_authority_pem(other)}, "peer-fin", "peer alert: unknown ca"},
        {{.ca = tls_authority_pem(b->authority), .host = "quay.io"},
         "peer-fin",
         "peer alert: bad certificate"},
        {{.ca = tls_authority_pem(b->authority), .alpn = "h2"},
         "ours-fin",
         "handshake failed: no application protocol"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = bed_connect_tls(b, &cases[i].options);
        bed_turn(b);
        (void)close(fd);
        cr_assert_str_eq(closed(b, i + 1)->tls, cases[i].tls);
        cr_assert_str_eq(closed(b, i + 1)->how, cases[i].how);
        cr_assert_eq(closed(b, i + 1)->requests, 0);
    }
    cr_assert_eq(bed_count(b, EVENT_REQUEST), 0);
    tls_authority_free(other);
    bed_close(b);
}

/* A peer that leaves before its handshake is done: by FIN, by RST, and with nothing said. */
Test(server_tls, tells_of_handshakes_that_were_left)
{
    struct bed *b = bed_open(NULL, NULL);
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};
    int fd = bed_connect_plain(b, b->listener);
    (void)close(fd);
    cr_assert_str_eq(closed(b, 1)->how, "peer-fin");
    cr_assert_str_eq(closed(b, 1)->tls, "the handshake was not begun");
    fd = bed_connect_plain(b, b->listener);
    cr_assert_eq(send(fd, "\x16\x03\x01", 3, 0), 3);
    (void)bed_wait(b, EVENT_CONNECTION_OPEN, 2);
    bed_turn(b);
    (void)close(fd);
    cr_assert_str_eq(closed(b, 2)->how, "peer-fin");
    cr_assert_str_eq(closed(b, 2)->tls, "the handshake was not finished");
    fd = bed_connect_plain(b, b->listener);
    cr_assert_eq(send(fd, "\x16\x03\x01", 3, 0), 3);
    (void)bed_wait(b, EVENT_CONNECTION_OPEN, 3);
    bed_turn(b);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    (void)close(fd);
    cr_assert_str_eq(closed(b, 3)->how, "peer-rst");
    cr_assert_str_eq(closed(b, 3)->tls, "the handshake was not finished");
    bed_close(b);
}

/* Whoever never shakes hands is not waited for for ever. */
Test(server_tls, ends_idle_handshakes)
{
    struct bed *b = bed_open(NULL, NULL);
    int fd = bed_connect_plain(b, b->listener);
    bed_close_idle(b);
    cr_assert_str_eq(closed(b, 1)->how, "idle");
    (void)close(fd);
    bed_close(b);
}

/* A request of plain HTTP gets a plain answer that says what is wrong, and the end. */
Test(server_tls, tells_plain_clients)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect_plain(b, b->listener);
    bed_get(b, fd, MANIFEST);
    bed_reply_to_end(b, fd, &r);
    cr_assert(r.eof);
    cr_assert_str_eq(r.bytes.data, "HTTP/1.0 400 Bad Request\r\n\r\n"
                                   "Client sent an HTTP request to an HTTPS server.\n");
    bed_reply_close(&r);
    (void)close(fd);
    cr_assert_str_eq(closed(b, 1)->how, "ours-fin");
    cr_assert_str_eq(closed(b, 1)->tls, "plain http was sent to a port of tls");
    cr_assert_eq(bed_count(b, EVENT_REQUEST), 0);
    bed_close(b);
}

/* Requests past the limit of input are not read under TLS, either; all are answered in the end. */
Test(server_tls, bounds_its_input)
{
    struct bed *b =
        bed_open("{'st': {'on': 'primary', 'kind': 'stall', 'when': {'limit': 1}}}", NULL);
    char padding[4000];
    char text[8192];
    size_t sent = 0;
    memset(padding, 'x', sizeof(padding));
    (void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\nX-P: %.*s\r\n\r\n", MANIFEST,
                   (int)sizeof(padding), padding);
    bed_arm(b, "st");
    int fd = bed_connect(b);
    for (; sent < 60; sent++) {
        bed_send(b, fd, text);
    }
    (void)bed_wait(b, EVENT_FAULT_DECIDED, 1);
    for (int i = 0; i < 20; i++) {
        bed_turn(b);
    }
    bed_heal(b, "st");
    for (size_t i = 1; i <= sent; i++) {
        while (bed_find(b, EVENT_RESPONSE, i) == NULL) {
            (void)recv(fd, text, sizeof(text), 0);
            (void)uv_run(&b->loop, UV_RUN_ONCE);
        }
        cr_assert_str_eq(bed_find(b, EVENT_RESPONSE, i)->response.end, "whole");
        cr_assert_eq(bed_find(b, EVENT_REQUEST, i)->request.pipelined, i > 1);
    }
    (void)close(fd);
    bed_close(b);
}

/* A fault that begins during a handshake cuts it, as its `existing` says. */
Test(server_tls, cuts_handshakes)
{
    struct bed *b = bed_open("{'s': {'on': 'primary', 'kind': 'status', 'code': 503,"
                             " 'existing': 'reset'}}",
                             NULL);
    struct bed_reply r;
    int fd = bed_connect_plain(b, b->listener);
    (void)bed_wait(b, EVENT_CONNECTION_OPEN, 1);
    bed_arm(b, "s");
    bed_reply_to_end(b, fd, &r);
    cr_assert_eq(r.error, ECONNRESET);
    cr_assert_str_eq(closed(b, 1)->how, "ours-rst");
    cr_assert_str_eq(closed(b, 1)->fault, "s");
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* What an unfinished handshake waits for can be told. */
Test(server_tls, describes_handshakes)
{
    struct bed *b = bed_open(NULL, NULL);
    char text[256];
    int fd = bed_connect_plain(b, b->listener);
    (void)bed_wait(b, EVENT_CONNECTION_OPEN, 1);
    server_describe(b->server, text, sizeof(text));
    cr_assert_str_eq(text, "connection 1 lane 1 primary: in its TLS handshake\n");
    (void)close(fd);
    bed_close(b);
}

/* A flaw of the certificate is one for new handshakes; the client's alert and the fault are told.
 */
Test(server_tls, shows_flawed_certificates)
{
    struct bed *b = bed_open("{'c': {'on': 'primary', 'kind': 'tls-certificate', 'flaw': 'expired',"
                             "       'when': {'limit': 1}}}",
                             NULL);
    int kept = bed_connect(b);
    bed_arm(b, "c");
    bed_is_served(b, kept);
    (void)close(bed_connect(b));
    const struct event_fault_decided *d = &bed_wait(b, EVENT_FAULT_DECIDED, 1)->decided;
    cr_assert(d->fired);
    cr_assert_str_eq(d->op, "handshake");
    cr_assert_str_eq(d->actions, "tls-certificate expired");
    cr_assert_str_eq(d->key, "1 handshake - 2");
    cr_assert_eq(d->connection, 2);
    cr_assert_str_eq(closed(b, 1)->tls, "peer alert: certificate expired");
    cr_assert_str_eq(closed(b, 1)->fault, "c");
    int after = bed_connect(b);
    cr_assert(!bed_wait(b, EVENT_FAULT_DECIDED, 2)->decided.fired);
    cr_assert(!b->peer[after]->failed, "the limit is reached");
    (void)close(after);
    (void)close(kept);
    bed_close(b);
}

/* A handshake that is held says nothing, is described, and goes on with the heal. */
Test(server_tls, holds_handshakes_until_healed)
{
    struct bed *b = bed_open("{'s': {'on': 'primary', 'kind': 'tls-stall'}}", NULL);
    const struct tls_peer_options options = {.ca = tls_authority_pem(b->authority)};
    char data[16384];
    bed_arm(b, "s");
    struct tls_peer *p = tls_peer_new(&options);
    int fd = bed_connect_plain(b, b->listener);
    (void)tls_peer_read(p, data, sizeof(data));
    size_t n = tls_peer_output(p, data, sizeof(data));
    cr_assert_eq(send(fd, data, n, 0), (ssize_t)n);
    (void)bed_wait(b, EVENT_FAULT_DECIDED, 1);
    for (int i = 0; i < 20; i++) {
        bed_turn(b);
    }
    cr_assert_eq(recv(fd, data, sizeof(data), 0), -1);
    cr_assert_eq(server_totals(b->server).stalled, 1);
    server_describe(b->server, data, sizeof(data));
    cr_assert_str_eq(data, "connection 1 lane 1 primary: held by 's' in its TLS handshake\n");
    bed_heal(b, "s");
    b->peer[fd] = p;
    while (SSL_is_init_finished(p->ssl) == 0) {
        ssize_t got = recv(fd, data, sizeof(data), 0);
        tls_peer_feed(p, data, got > 0 ? (size_t)got : 0);
        (void)tls_peer_read(p, data, sizeof(data));
        bed_turn(b);
    }
    bed_is_served(b, fd);
    (void)close(fd);
    cr_assert_null(closed(b, 1)->fault);
    bed_close(b);
}

/* Who gives up on it is told at once, and the fault is named. */
Test(server_tls, notices_who_gives_up_on_a_handshake)
{
    struct bed *b = bed_open("{'s': {'on': 'primary', 'kind': 'tls-stall'}}", NULL);
    bed_arm(b, "s");
    int fd = bed_connect_plain(b, b->listener);
    cr_assert_eq(send(fd, "\x16\x03\x01", 3, 0), 3);
    (void)bed_wait(b, EVENT_FAULT_DECIDED, 1);
    (void)close(fd);
    cr_assert_str_eq(closed(b, 1)->how, "peer-fin");
    cr_assert_str_eq(closed(b, 1)->fault, "s");
    cr_assert_str_eq(closed(b, 1)->tls, "the handshake was not finished");
    bed_close(b);
}

/* A reset answers the client's first bytes; who only connects meets no fault. */
Test(server_tls, resets_handshakes)
{
    struct bed *b = bed_open("{'r': {'on': 'primary', 'kind': 'tls-reset'}}", NULL);
    struct bed_reply r;
    bed_arm(b, "r");
    (void)close(bed_connect_plain(b, b->listener));
    cr_assert_null(closed(b, 1)->fault);
    cr_assert_eq(bed_count(b, EVENT_FAULT_DECIDED), 0);
    int fd = bed_connect_plain(b, b->listener);
    cr_assert_eq(send(fd, "\x16\x03\x01", 3, 0), 3);
    bed_reply_to_end(b, fd, &r);
    cr_assert_eq(r.error, ECONNRESET);
    bed_reply_close(&r);
    (void)close(fd);
    cr_assert_str_eq(closed(b, 2)->how, "ours-rst");
    cr_assert_str_eq(closed(b, 2)->fault, "r");
    bed_close(b);
}
