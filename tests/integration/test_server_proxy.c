/* The CONNECT proxy on real sockets: tunnels, plain requests, faults through both, and what is
 * refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/server_bed.h"

#define PING "GET /v2/ HTTP/1.1\r\nHost: quay.io\r\n\r\n"
#define CONNECT_80 "CONNECT quay.io:80 HTTP/1.1\r\nHost: quay.io:80\r\n\r\n"
#define ESTABLISHED "HTTP/1.1 200 Connection established\r\n\r\n"

/* A bed with a proxy that leads to "primary" as quay.io and to "failover" as public.ecr.aws. */
struct proxy_bed {
    struct bed *bed;
    int proxy;
};

static struct proxy_bed open_proxy(const char *rules)
{
    struct proxy_bed p = {.bed = bed_open(rules, NULL)};
    struct err e = {0};
    struct bed *b = p.bed;
    struct tls_context *tls = NULL;
    if (b->authority != NULL) {
        static const char *const names[] = {"quay.io"};
        const struct tls_leaf leaf = {.names = names, .name_count = 1};
        tls = tls_authority_context(b->authority, &leaf, &e);
    }
    int failover = server_add_registry(
        b->server, &(struct server_registry){.name = "failover", .store = b->store}, &e);
    const struct server_listen primary = {.registry = b->registry, .authority = "quay.io"};
    const struct server_listen secure = {
        .registry = b->registry, .authority = "quay.io", .tls = tls};
    const struct server_listen other = {.registry = failover, .authority = "public.ecr.aws"};
    const struct server_proxy_target targets[] = {
        {"quay.io", 80, primary}, {"public.ecr.aws", 80, other}, {"quay.io", 443, secure}};
    p.proxy = server_listen_proxy(b->server, 1, targets, tls != NULL ? 3 : 2, "127.3.1.1", 0, &e);
    cr_assert_geq(p.proxy, 0, "%s", e.text);
    return p;
}

/* A client with a tunnel to quay.io. */
static int tunnel(const struct proxy_bed *p, const char *connect)
{
    struct bed_reply r;
    int fd = bed_connect_plain(p->bed, p->proxy);
    bed_send(p->bed, fd, connect);
    bed_reply(p->bed, fd, true, &r);
    cr_assert_str_eq(r.bytes.data, ESTABLISHED);
    bed_reply_close(&r);
    return fd;
}

/* What TEXT, all that a client says to the proxy, is answered; the connection then ends. */
static unsigned refusal(const struct proxy_bed *p, const char *text)
{
    struct bed_reply r;
    int fd = bed_connect_plain(p->bed, p->proxy);
    bed_send(p->bed, fd, text);
    bed_reply_to_end(p->bed, fd, &r);
    unsigned status = r.status;
    cr_expect(r.eof, "%.40s: the connection does not end", text);
    bed_reply_close(&r);
    (void)close(fd);
    return status;
}

/* A tunnel is a connection to its registry: the events name it, its start and what was delivered,
 * and nothing of the proxy's own bytes is counted. */
Test(server_proxy, tunnels)
{
    struct proxy_bed p = open_proxy(NULL);
    struct bed_reply r;
    int fd = tunnel(&p, CONNECT_80);
    for (int i = 0; i < 2; i++) {
        bed_get_blob(p.bed, fd, p.bed->layer, "");
        bed_reply(p.bed, fd, false, &r);
        cr_assert_eq(r.status, 200);
        cr_assert_arr_eq(bed_body(&r), p.bed->layer->data, BED_LAYER);
        bed_reply_close(&r);
    }
    (void)close(fd);
    const struct event_connection_close *end = &bed_wait(p.bed, EVENT_CONNECTION_CLOSE, 1)->close;
    const struct event_connection_open *open = &bed_find(p.bed, EVENT_CONNECTION_OPEN, 1)->open;
    const struct event_response *response = &bed_find(p.bed, EVENT_RESPONSE, 1)->response;
    const struct event_lookup *lookup = &bed_find(p.bed, EVENT_LOOKUP, 1)->lookup;
    cr_expect_str_eq(open->registry, "primary");
    cr_expect_str_eq(open->host, "primary");
    cr_expect_eq(open->start, 1);
    cr_expect_eq(response->object_bytes, BED_LAYER);
    cr_expect_eq(end->requests, 2);
    cr_expect_eq(end->written, 2 * response->written);
    cr_expect_eq(end->delivered, end->written);
    cr_expect_str_eq(lookup->name, "quay.io");
    cr_expect_str_eq(lookup->registry, "primary");
    cr_expect_str_eq(lookup->transport, "proxy");
    cr_expect_eq(bed_count(p.bed, EVENT_LOOKUP), 1);
    bed_close(p.bed);
}

/* Names are the same in capitals and with a final dot; a head may come byte by byte, and what
 * follows it at once belongs to the tunnel. */
Test(server_proxy, takes_connect_as_it_comes)
{
    static const char text[] = "CONNECT QUAY.io.:80 HTTP/1.1\r\nHost: x\r\n\r\n" PING;
    struct proxy_bed p = open_proxy(NULL);
    struct bed_reply r;
    int fd = bed_connect_plain(p.bed, p.proxy);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        const char one[2] = {text[i], '\0'};
        bed_send(p.bed, fd, one);
    }
    bed_reply_some(p.bed, fd, 1, &r);
    cr_assert_eq(strncmp(r.bytes.data, ESTABLISHED "HTTP/1.1 200 OK\r\n", 56), 0);
    bed_reply_close(&r);
    (void)close(fd);
    fd = bed_connect_plain(p.bed, p.proxy);
    bed_send(p.bed, fd, CONNECT_80 PING);
    bed_reply_some(p.bed, fd, 1, &r);
    cr_assert_eq(strncmp(r.bytes.data, ESTABLISHED "HTTP/1.1 200 OK\r\n", 56), 0);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(p.bed);
}

/* A cut through a tunnel comes at the very byte, and then FIN. */
Test(server_proxy, cuts_at_the_byte)
{
    struct proxy_bed p =
        open_proxy("{'t': {'on': 'primary', 'kind': 'truncate', 'after-bytes': 4097}}");
    struct bed_reply r;
    bed_arm(p.bed, "t");
    int fd = tunnel(&p, CONNECT_80);
    bed_get_blob(p.bed, fd, p.bed->layer, "");
    bed_reply_to_end(p.bed, fd, &r);
    (void)close(fd);
    const struct event_response *response = &bed_wait(p.bed, EVENT_RESPONSE, 1)->response;
    cr_assert(r.eof);
    cr_assert_eq(r.body_len, 4097);
    cr_assert_arr_eq(bed_body(&r), p.bed->layer->data, 4097);
    cr_assert_eq(response->object_bytes, 4097);
    cr_assert_eq(response->delivered, r.bytes.len);
    cr_assert_str_eq(response->faults, "t");
    bed_reply_close(&r);
    bed_close(p.bed);
}

/* A reset of the registry is an RST to the client, after exactly as many bytes. */
Test(server_proxy, resets_at_the_byte)
{
    struct proxy_bed p = open_proxy("{'r': {'on': 'primary', 'kind': 'reset', 'after-bytes': 1}}");
    struct bed_reply r;
    bed_arm(p.bed, "r");
    int fd = tunnel(&p, CONNECT_80);
    bed_get_blob(p.bed, fd, p.bed->layer, "");
    bed_reply_to_end(p.bed, fd, &r);
    (void)close(fd);
    cr_assert_eq(r.error, ECONNRESET);
    cr_assert_eq(r.body_len, 1);
    cr_assert_str_eq(bed_wait(p.bed, EVENT_CONNECTION_CLOSE, 1)->close.how, "ours-rst");
    bed_reply_close(&r);
    bed_close(p.bed);
}

/* `existing: reset` finds the tunnels that are open, and those of its own registry alone. */
Test(server_proxy, existing_tunnels_are_reset)
{
    struct proxy_bed p =
        open_proxy("{'s': {'on': 'failover', 'kind': 'status', 'code': 500, 'existing': 'reset'}}");
    struct bed_reply r;
    int primary = tunnel(&p, CONNECT_80);
    int failover = tunnel(&p, "CONNECT public.ecr.aws:80 HTTP/1.1\r\nHost: x\r\n\r\n");
    bed_arm(p.bed, "s");
    bed_reply_to_end(p.bed, failover, &r);
    cr_assert_eq(r.error, ECONNRESET);
    bed_reply_close(&r);
    bed_send(p.bed, primary, PING);
    bed_reply(p.bed, primary, false, &r);
    cr_assert_eq(r.status, 200);
    bed_reply_close(&r);
    (void)close(primary);
    (void)close(failover);
    bed_close(p.bed);
}

/* TLS begins behind the 200, also where the client's hello came in one segment with its CONNECT;
 * the certificate is that of the name. */
Test(server_proxy, speaks_tls_in_the_tunnel)
{
    bed_speaks_tls = true;
    struct proxy_bed p = open_proxy(NULL);
    struct bed_reply r;
    const struct tls_peer_options options = {.ca = tls_authority_pem(p.bed->authority),
                                             .host = "quay.io"};
    int fd = tunnel(&p, "CONNECT quay.io:443 HTTP/1.1\r\nHost: quay.io:443\r\n\r\n");
    bed_shake(p.bed, fd, &options);
    cr_assert_not(p.bed->peer[fd]->failed);
    cr_assert_eq(p.bed->peer[fd]->verify, X509_V_OK);
    bed_get_blob(p.bed, fd, p.bed->layer, "");
    bed_reply(p.bed, fd, false, &r);
    cr_assert_eq(r.status, 200);
    cr_assert_arr_eq(bed_body(&r), p.bed->layer->data, BED_LAYER);
    cr_assert(bed_find(p.bed, EVENT_CONNECTION_OPEN, 1)->open.tls);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(p.bed);
}

/* What follows a CONNECT at once is TLS's, not the proxy's: the server answers it with its own part
 * of the handshake. */
Test(server_proxy, hello_behind_connect)
{
    static const char connect[] = "CONNECT quay.io:443 HTTP/1.1\r\nHost: quay.io:443\r\n\r\n";
    bed_speaks_tls = true;
    struct proxy_bed p = open_proxy(NULL);
    struct bed_reply r;
    char text[8192];
    const struct tls_peer_options options = {.ca = tls_authority_pem(p.bed->authority),
                                             .host = "quay.io"};
    struct tls_peer *peer = tls_peer_new(&options);
    cr_assert_eq(tls_peer_read(peer, text, sizeof(text)), 0);
    memcpy(text, connect, sizeof(connect) - 1);
    size_t len = sizeof(connect) - 1;
    len += tls_peer_output(peer, text + len, sizeof(text) - len);
    int fd = bed_connect_plain(p.bed, p.proxy);
    cr_assert_eq(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
    bed_reply(p.bed, fd, true, &r);
    cr_assert_eq(r.status, 200);
    if (r.body_len > 0) {
        tls_peer_feed(peer, bed_body(&r), r.body_len);
    }
    for (ssize_t n = 0; SSL_is_init_finished(peer->ssl) == 0 && !peer->failed && n >= 0;) {
        cr_assert_eq(tls_peer_read(peer, text, sizeof(text)), 0);
        bed_turn(p.bed);
        n = recv(fd, text, sizeof(text), 0);
        if (n > 0) {
            tls_peer_feed(peer, text, (size_t)n);
        } else if (n < 0 && errno == EAGAIN) {
            n = 0;
        }
    }
    cr_assert(SSL_is_init_finished(peer->ssl));
    tls_peer_free(peer);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(p.bed);
}

/* Plain requests in absolute form go each to the registry that they name: for the history each
 * change is a connection of its own. */
Test(server_proxy, plain_requests)
{
    static const char *const names[] = {"quay.io", "quay.io:80", "public.ecr.aws"};
    struct proxy_bed p = open_proxy(NULL);
    int fd = bed_connect_plain(p.bed, p.proxy);
    for (size_t i = 0; i < 3; i++) {
        char text[256];
        struct bed_reply r;
        (void)snprintf(text, sizeof(text),
                       "GET http://%s/v2/ci/agent/manifests/stable HTTP/1.1\r\nHost: other\r\n"
                       "Proxy-Connection: keep-alive\r\n\r\n",
                       names[i]);
        bed_send(p.bed, fd, text);
        bed_reply(p.bed, fd, false, &r);
        cr_assert_eq(r.status, 200, "%s: %u", names[i], r.status);
        cr_assert_eq(r.body_len, BED_MANIFEST);
        bed_reply_close(&r);
    }
    (void)close(fd);
    (void)bed_wait(p.bed, EVENT_CONNECTION_CLOSE, 2);
    cr_expect_eq(bed_count(p.bed, EVENT_CONNECTION_OPEN), 2);
    cr_expect_str_eq(bed_find(p.bed, EVENT_REQUEST, 2)->request.registry, "primary");
    cr_expect_str_eq(bed_find(p.bed, EVENT_REQUEST, 3)->request.registry, "failover");
    cr_expect_neq(bed_find(p.bed, EVENT_REQUEST, 2)->request.connection,
                  bed_find(p.bed, EVENT_REQUEST, 3)->request.connection);
    cr_expect_eq(bed_find(p.bed, EVENT_CONNECTION_CLOSE, 1)->close.requests, 2);
    cr_expect_eq(bed_find(p.bed, EVENT_CONNECTION_CLOSE, 2)->close.requests, 1);
    cr_expect_eq(bed_find(p.bed, EVENT_CONNECTION_CLOSE, 2)->close.written,
                 bed_find(p.bed, EVENT_RESPONSE, 3)->response.written);
    bed_close(p.bed);
}

/* A name that nobody plays is refused, an address too, and the history says who asked for what; no
 * connection to a registry is in it. */
Test(server_proxy, refuses_names_of_others)
{
    struct proxy_bed p = open_proxy(NULL);
    cr_expect_eq(refusal(&p, "CONNECT ghcr.io:443 HTTP/1.1\r\nHost: ghcr.io\r\n\r\n"), 403);
    cr_expect_eq(refusal(&p, "CONNECT 127.3.1.1:80 HTTP/1.1\r\nHost: x\r\n\r\n"), 403);
    cr_expect_eq(refusal(&p, "CONNECT [::1]:443 HTTP/1.1\r\nHost: x\r\n\r\n"), 403);
    cr_expect_eq(refusal(&p, "GET http://ghcr.io/v2/ HTTP/1.1\r\nHost: ghcr.io\r\n\r\n"), 403);
    static const char *const names[] = {"ghcr.io", "127.3.1.1", "::1", "ghcr.io"};
    for (size_t i = 0; i < 4; i++) {
        const struct event_lookup *lookup = &bed_find(p.bed, EVENT_LOOKUP, i + 1)->lookup;
        cr_expect_str_eq(lookup->name, names[i]);
        cr_expect_str_eq(lookup->answer, "refused");
        cr_expect_null(lookup->registry);
        cr_expect_eq(lookup->start, 1);
    }
    cr_expect_null(bed_find(p.bed, EVENT_CONNECTION_OPEN, 1));
    cr_expect_null(bed_find(p.bed, EVENT_CONNECTION_CLOSE, 1));
    bed_close(p.bed);
}

/* What is no request to a proxy, or too much of one, is answered and ends the connection. */
Test(server_proxy, refuses_junk)
{
    struct proxy_bed p = open_proxy(NULL);
    char *large = calloc(1, 70000);
    (void)snprintf(large, 70000, "CONNECT quay.io:80 HTTP/1.1\r\nHost: x\r\nX: %065000d", 1);
    memset(large + strlen(large), 'x', 2000);
    cr_expect_eq(refusal(&p, large), 431);
    free(large);
    cr_expect_eq(refusal(&p, "CONNECT quay.io:81 HTTP/1.1\r\nHost: x\r\n\r\n"), 502);
    cr_expect_eq(refusal(&p, "CONNECT quay.io HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    cr_expect_eq(refusal(&p, "CONNECT quay.io:0 HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    cr_expect_eq(refusal(&p, "CONNECT quay.io:65616 HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    cr_expect_eq(refusal(&p, "CONNECT http://quay.io/ HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    cr_expect_eq(refusal(&p, "CONNECT quay.io:80 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"),
                 400);
    cr_expect_eq(refusal(&p, "GET /v2/ HTTP/1.1\r\nHost: quay.io\r\n\r\n"), 400);
    cr_expect_eq(refusal(&p, "GET https://quay.io/v2/ HTTP/1.1\r\nHost: quay.io\r\n\r\n"), 400);
    cr_expect_eq(refusal(&p, "GET http://a@quay.io/v2/ HTTP/1.1\r\nHost: quay.io\r\n\r\n"), 400);
    cr_expect_eq(refusal(&p, "\x16\x03\x01\x02\r\n\r\n"), 400);
    cr_expect_eq(refusal(&p, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    cr_expect_null(bed_find(p.bed, EVENT_REQUEST, 1));
    cr_expect_null(bed_find(p.bed, EVENT_CONNECTION_OPEN, 1));
    bed_close(p.bed);
}

/* Where everything is down the proxy stands, and leads nowhere; so with a registry that refuses. */
Test(server_proxy, leads_nowhere_while_all_is_down)
{
    struct proxy_bed p = open_proxy("{'down': {'on': 'primary', 'kind': 'refuse'}}");
    struct err e = {0};
    int open = tunnel(&p, CONNECT_80);
    cr_assert_eq(server_refuse_all(p.bed->server, true, &e), 0);
    cr_expect_eq(refusal(&p, CONNECT_80), 502);
    cr_expect_str_eq(bed_find(p.bed, EVENT_LOOKUP, 2)->lookup.answer, "unreachable");
    cr_expect_eq(server_refusing(p.bed->server), 3); /* the bed's own listener is the third */
    cr_assert_eq(server_refuse_all(p.bed->server, false, &e), 0);
    cr_expect_eq(server_refusing(p.bed->server), 0);
    (void)close(tunnel(&p, CONNECT_80));
    bed_arm(p.bed, "down");
    struct bed_reply r;
    bed_reply_to_end(p.bed, open, &r);
    cr_expect_eq(r.error, ECONNRESET); /* a machine that is gone answers by RST */
    bed_reply_close(&r);
    cr_expect_eq(refusal(&p, CONNECT_80), 502);
    bed_heal(p.bed, "down");
    (void)close(tunnel(&p, CONNECT_80));
    (void)close(open);
    bed_close(p.bed);
}

/* A proxy that is opened while everything is down leads nowhere, either. */
Test(server_proxy, opened_while_all_is_down)
{
    struct bed *b = bed_open(NULL, NULL);
    struct err e = {0};
    cr_assert_eq(server_refuse_all(b->server, true, &e), 0);
    const struct server_proxy_target target = {"quay.io", 80, {.registry = b->registry}};
    struct proxy_bed p = {.bed = b};
    p.proxy = server_listen_proxy(b->server, 1, &target, 1, "127.3.1.1", 0, &e);
    cr_assert_geq(p.proxy, 0, "%s", e.text);
    cr_expect_eq(refusal(&p, CONNECT_80), 502);
    bed_close(b);
}

/* A CONNECT that nobody waits for any more, taken at its start's end, is no connection of the next
 * start. */
Test(server_proxy, late_tunnel)
{
    struct proxy_bed p = open_proxy(NULL);
    int fd = bed_connect_plain(p.bed, p.proxy);
    cr_assert_eq(send(fd, CONNECT_80 PING, strlen(CONNECT_80 PING), MSG_NOSIGNAL),
                 (ssize_t)strlen(CONNECT_80 PING));
    (void)close(fd);
    server_lane_end(p.bed->server, 1, false);
    const struct event *open = bed_find(p.bed, EVENT_CONNECTION_OPEN, 1);
    cr_assert_not_null(open);
    cr_expect(open->open.late);
    cr_expect_eq(open->open.start, 0);
    (void)bed_wait(p.bed, EVENT_CONNECTION_CLOSE, 1);
    bed_close(p.bed);
}
