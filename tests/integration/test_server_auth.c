/* A registry that asks for tokens, on real sockets: forms that come in pieces or not at all, faults
 * on the realm and beside it, the harness's own lane. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/auth.h"
#include "tests/lib/server_bed.h"

#define MANIFEST "/v2/ci/agent/manifests/stable"

static struct auth *auth;

/* A bed with a second registry, which asks for tokens; listens for it on lane 1 as HOW says. */
static struct bed *open_bed(const char *rules, const struct server_listen *how, int *listener)
{
    static const char mark[] = "AAAAABBBBBCCCCC";
    struct bed *b = bed_open(rules, NULL);
    struct err e = {0};
    const struct auth_config config = {
        .registry = "failover", .mark = mark, .mode = AUTH_TOKEN, .ttl_ns = UINT64_C(60000000000)};
    auth = auth_new(&config, &e);
    cr_assert_not_null(auth, "%s", e.text);
    struct server_listen to = *how;
    to.registry = server_add_registry(
        b->server,
        &(struct server_registry){
            .name = "failover", .store = b->store, .auth = auth, .redirect_blobs = true},
        &e);
    *listener = server_listen(b->server, &to, "127.3.1.2", 0, &e);
    cr_assert_geq(*listener, 0, "%s", e.text);
    return b;
}

static void close_bed(struct bed *b)
{
    bed_close(b);
    auth_free(auth);
}

static unsigned get(struct bed *b, int listener, const char *path)
{
    int fd = bed_connect_to(b, listener);
    struct bed_reply r;
    bed_get(b, fd, path);
    bed_reply(b, fd, false, &r);
    unsigned status = r.status;
    bed_reply_close(&r);
    (void)close(fd);
    return status;
}

/* A form in pieces: the request is told once, when all of it has come, with whose credential it is;
 * what is asked next on the connection finds its own. */
Test(server_auth, form_in_pieces)
{
    int listener;
    struct bed *b = open_bed(NULL, &(struct server_listen){.lane = 1}, &listener);
    char form[512];
    char head[256];
    struct bed_reply r;
    int len = snprintf(form, sizeof form, "grant_type=password&username=%s&password=%s",
                       auth_user(auth), auth_password(auth));
    int fd = bed_connect_to(b, listener);
    (void)snprintf(head, sizeof head,
                   "POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%.30s", len, form);
    bed_send(b, fd, head);
    for (int i = 0; i < 20; i++)
        bed_turn(b);
    cr_assert_eq(bed_count(b, EVENT_REQUEST), 0);
    bed_send(b, fd, form + 30);
    bed_reply(b, fd, false, &r);
    cr_expect_eq(r.status, 200);
    cr_expect_not_null(strstr(bed_body(&r), "\"access_token\":\"AAAAABBBBBCCCCC."));
    bed_reply_close(&r);
    cr_assert_eq(bed_count(b, EVENT_REQUEST), 1);
    cr_expect_str_eq(bed_find(b, EVENT_REQUEST, 1)->request.credential, "own");
    bed_get(b, fd, "/v2/");
    bed_reply(b, fd, false, &r);
    cr_expect_eq(r.status, 401);
    bed_reply_close(&r);
    cr_assert_eq(bed_count(b, EVENT_REQUEST), 2);
    cr_expect_str_eq(bed_find(b, EVENT_REQUEST, 2)->request.credential, "none");
    (void)close(fd);
    close_bed(b);
}

/* The challenge of a HEAD has no body: on a connection that is kept alive it would be taken for the
 * beginning of the next answer. */
Test(server_auth, head_is_challenged_without_a_body)
{
    int listener;
    struct bed *b = open_bed(NULL, &(struct server_listen){.lane = 1}, &listener);
    int fd = bed_connect_to(b, listener);
    bed_send(b, fd, "HEAD " MANIFEST " HTTP/1.1\r\nHost: x\r\n\r\n");
    const struct event_response *r = &bed_wait(b, EVENT_RESPONSE, 1)->response;
    cr_expect_eq(r->status, 401);
    cr_expect_eq(r->written, r->head_bytes, "%llu of %llu", (unsigned long long)r->written,
                 (unsigned long long)r->head_bytes);
    (void)close(fd);
    close_bed(b);
}

/* A form that never comes whole is told all the same, once, before its response. */
Test(server_auth, half_a_form)
{
    int listener;
    struct bed *b = open_bed(NULL, &(struct server_listen){.lane = 1}, &listener);
    char text[512];
    int fd = bed_connect_to(b, listener);
    (void)snprintf(text, sizeof text,
                   "POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\npassword=%s",
                   auth_password(auth));
    bed_send(b, fd, text);
    (void)close(fd);
    const struct event *response = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_eq(bed_count(b, EVENT_REQUEST), 1);
    const struct event *request = bed_find(b, EVENT_REQUEST, 1);
    cr_expect_lt(request->n, response->n);
    cr_expect_eq(request->request.op, OP_TOKEN);
    cr_expect_str_eq(request->request.credential, "own");
    cr_expect_str_eq(response->response.end, "abandoned");
    close_bed(b);
}

/* A form with chunks that are none is refused, and told before. */
Test(server_auth, broken_form)
{
    int listener;
    struct bed *b = open_bed(NULL, &(struct server_listen){.lane = 1}, &listener);
    struct bed_reply r;
    int fd = bed_connect_to(b, listener);
    bed_send(b, fd,
             "POST /token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n");
    bed_reply_to_end(b, fd, &r);
    cr_expect_eq(r.status, 400);
    bed_reply_close(&r);
    cr_assert_eq(bed_count(b, EVENT_REQUEST), 1);
    cr_expect_eq(bed_find(b, EVENT_REQUEST, 1)->request.op, OP_TOKEN);
    (void)close(fd);
    close_bed(b);
}

/* A fault on tokens takes the realm's answer alone. One of the store's views is asked nothing by
 * those who are not let in, so that a limit on it is not used up by challenges. */
Test(server_auth, faults)
{
    int listener;
    struct bed *b = open_bed("{'t': {'on': 'failover', 'kind': 'status', 'code': 503,"
                             "       'match': {'op': 'token'}},"
                             " 'd': {'on': 'failover', 'kind': 'delete-image', 'image': 'agent'}}",
                             &(struct server_listen){.lane = 1}, &listener);
    bed_arm(b, "t");
    bed_arm(b, "d");
    cr_expect_eq(get(b, listener, "/token"), 503);
    cr_expect_eq(bed_count(b, EVENT_FAULT_DECIDED), 1);
    cr_expect_eq(get(b, listener, MANIFEST), 401);
    cr_expect_eq(bed_count(b, EVENT_FAULT_DECIDED), 1);
    bed_heal(b, "t");
    cr_expect_eq(get(b, listener, "/token"), 200);
    close_bed(b);
}

/* The harness's own lane is asked for nothing and sent nowhere. */
Test(server_auth, trusted)
{
    int listener;
    struct bed *b = open_bed(NULL, &(struct server_listen){.lane = 9, .trusted = true}, &listener);
    char path[256];
    cr_expect_eq(get(b, listener, "/v2/"), 200);
    cr_expect_eq(get(b, listener, MANIFEST), 200);
    (void)snprintf(path, sizeof path, "/v2/ci/agent/blobs/%s", b->layer->digest);
    cr_expect_eq(get(b, listener, path), 200);
    close_bed(b);
}

/* Each host answers for itself alone: no registry behind the realm, nothing but HTTPS behind a port
 * that leads there. */
Test(server_auth, hosts)
{
    int listener;
    struct bed *b = open_bed(
        NULL, &(struct server_listen){.lane = 1, .role = SERVER_TOKEN, .authority = "auth.test"},
        &listener);
    struct err e = {0};
    struct bed_reply r;
    cr_expect_eq(get(b, listener, "/token"), 200);
    cr_expect_eq(get(b, listener, MANIFEST), 404);
    cr_expect_str_eq(bed_find(b, EVENT_REQUEST, 1)->request.host, "failover/token");
    int to_https = server_listen(
        b->server,
        &(struct server_listen){
            .registry = b->registry, .lane = 1, .role = SERVER_TO_HTTPS, .authority = "quay.test"},
        "127.3.1.3", 0, &e);
    int fd = bed_connect_to(b, to_https);
    bed_get(b, fd, MANIFEST "?ns=x");
    bed_reply(b, fd, false, &r);
    cr_expect_eq(r.status, 301);
    cr_expect_not_null(
        strstr(r.bytes.data, "\r\nLocation: https://quay.test" MANIFEST "?ns=x\r\n"));
    bed_reply_close(&r);
    (void)close(fd);
    close_bed(b);
}

/* Port 80 of a redirect target is the target, too: what is sent there is told, and meets faults, as
 * what is sent to its port 443. */
Test(server_auth, port_80_of_a_host)
{
    int listener;
    struct bed *b = open_bed(
        NULL,
        &(struct server_listen){
            .lane = 1, .role = SERVER_TO_HTTPS, .of = SERVER_BLOBS, .authority = "cdn.test"},
        &listener);
    cr_expect_eq(get(b, listener, MANIFEST), 301);
    cr_expect_str_eq(bed_find(b, EVENT_REQUEST, 1)->request.host, "failover/blobs");
    close_bed(b);
}
