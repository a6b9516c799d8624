/* Writes on real sockets: bodies that are kept, refused and left off, and jobs of the pool. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/digest.h"
#include "tests/lib/server_push.h"

/* A blob goes in by POST and PUT, and comes out again; the history says what came and what it has
 * brought into the registry. */
Test(server_write, keeps_a_blob)
{
    struct bed *b = bed_open(NULL, NULL);
    char digest[DIGEST_TEXT];
    int fd = bed_connect(b);
    cr_assert_eq(push_blob(b, fd, "some layer"), 201);
    cr_assert(push_has_blob(b, "some layer"));
    cr_assert_eq(digest_sha256("some layer", 10, digest), 0);
    const struct event_response *a = &bed_wait(b, EVENT_RESPONSE, 2)->response;
    cr_assert_eq(a->status, 201);
    cr_assert_eq(a->received, 10);
    cr_assert_str_eq(a->stored, digest);
    cr_assert_null(bed_find(b, EVENT_RESPONSE, 1)->response.stored);
    cr_assert_eq(bed_find(b, EVENT_REQUEST, 2)->request.op, OP_UPLOAD_FINISH);
    (void)close(fd);
    bed_close(b);
}

/* A manifest goes in by its tag, and is asked for by it. */
Test(server_write, keeps_a_manifest)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    cr_assert_eq(push_ask(b, fd, "PUT", PUSH_MANIFESTS "new", PUSH_INDEX_TYPE, PUSH_INDEX, NULL),
                 201);
    cr_assert_eq(push_ask(b, fd, "GET", PUSH_MANIFESTS "new", "", NULL, &r), 200);
    cr_assert_str_eq(bed_body(&r), PUSH_INDEX);
    bed_reply_close(&r);
    const struct event_response *a = &bed_find(b, EVENT_RESPONSE, 1)->response;
    cr_assert_str_eq(a->stored, bed_wait(b, EVENT_RESPONSE, 2)->response.digest);
    (void)close(fd);
    bed_close(b);
}

/* What is deleted is gone. */
Test(server_write, deletes)
{
    struct bed *b = bed_open(NULL, NULL);
    int fd = bed_connect(b);
    cr_assert_eq(push_ask(b, fd, "PUT", PUSH_MANIFESTS "new", PUSH_INDEX_TYPE, PUSH_INDEX, NULL),
                 201);
    cr_assert_eq(push_ask(b, fd, "DELETE", PUSH_MANIFESTS "new", "", NULL, NULL), 202);
    cr_assert_eq(push_ask(b, fd, "GET", PUSH_MANIFESTS "new", "", NULL, NULL), 404);
    (void)close(fd);
    bed_close(b);
}

/* Many writes sent at once on one connection are answered in turn. */
Test(server_write, takes_pipelined_manifests)
{
    struct bed *b = bed_open(NULL, NULL);
    int fd = bed_connect(b);
    for (int i = 0; i < 20; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), PUSH_MANIFESTS "t%d", i);
        push_send(b, fd, "PUT", path, PUSH_INDEX_TYPE, PUSH_INDEX);
    }
    for (size_t i = 1; i <= 20; i++) {
        cr_assert_eq(bed_wait(b, EVENT_RESPONSE, i)->response.status, 201);
    }
    cr_assert_not_null(store_manifest(b->store, "ci/agent", "t0"));
    cr_assert_not_null(store_manifest(b->store, "ci/agent", "t19"));
    (void)close(fd);
    bed_close(b);
}

/* A body in chunks of any size is put together. */
Test(server_write, takes_chunked_bodies)
{
    struct bed *b = bed_open(NULL, NULL);
    char path[768];
    struct bed_reply r;
    int fd = bed_connect(b);
    push_begin_put(b, fd, "some layer", path);
    push_send(b, fd, "PUT", path, "Transfer-Encoding: chunked\r\n", NULL);
    bed_send(b, fd, "1\r\ns\r\n3;x=y\r\nome\r\n6\r\n layer\r\n0\r\nTrailer: x\r\n\r\n");
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 201);
    cr_assert(push_has_blob(b, "some layer"));
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* ---- who asks first ------------------------------------------------------------------------- */

/* A client that asks is told to go on where its body is wanted. */
Test(server_write, says_continue)
{
    struct bed *b = bed_open(NULL, NULL);
    char path[768];
    struct bed_reply r;
    int fd = bed_connect(b);
    push_begin_put(b, fd, "some layer", path);
    push_send(b, fd, "PUT", path, "Content-Length: 10\r\nExpect: 100-continue\r\n", NULL);
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 100);
    bed_reply_close(&r);
    bed_send(b, fd, "some layer");
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 201);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* Where it is not, the last word comes at once, and the connection ends. */
Test(server_write, answers_instead_of_continue)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    push_send(b, fd, "PATCH", PUSH_NOWHERE, "Content-Length: 10\r\nExpect: 100-continue\r\n", NULL);
    bed_reply_to_end(b, fd, &r);
    cr_assert_eq(r.status, 404);
    cr_assert(r.eof);
    cr_assert_not_null(strstr(r.bytes.data, "Connection: close\r\n"));
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* A refused body that is too long to be read past is answered before it has come. */
Test(server_write, answers_a_long_refused_body_early)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    push_send(b, fd, "PATCH", PUSH_NOWHERE, "Content-Length: 50000000\r\n", NULL);
    bed_send(b, fd, "only the beginning");
    bed_reply_to_end(b, fd, &r);
    cr_assert_eq(r.status, 404);
    cr_assert(r.eof);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* So is one where nothing is written: the answer is that, and not that it was too long. */
Test(server_write, answers_a_long_body_in_the_wrong_place)
{
    static const char *const more[] = {"Content-Length: 50000000\r\n",
                                       "Content-Length: 50000000\r\nExpect: 100-continue\r\n",
                                       "Content-Length: 5\r\nExpect: 100-continue\r\n"};
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        int fd = bed_connect(b);
        push_send(b, fd, "POST", PUSH_NOWHERE, more[i], NULL);
        bed_reply_to_end(b, fd, &r);
        cr_assert_eq(r.status, 405, "%s", more[i]);
        bed_reply_close(&r);
        (void)close(fd);
    }
    bed_close(b);
}

/* So is one in chunks, whose length nobody knows, once it has grown too long. */
Test(server_write, answers_a_refused_body_that_grows)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    char *chunk = push_text(1, 65536);
    int fd = bed_connect(b);
    push_send(b, fd, "PATCH", PUSH_NOWHERE, "Transfer-Encoding: chunked\r\n", NULL);
    for (int i = 0; i < 20; i++) {
        bed_send(b, fd, "10000\r\n");
        bed_send(b, fd, chunk);
        bed_send(b, fd, "\r\n");
    }
    bed_reply_to_end(b, fd, &r);
    cr_assert_eq(r.status, 404);
    bed_reply_close(&r);
    free(chunk);
    (void)close(fd);
    bed_close(b);
}

/* A short refused body is read past, and the connection goes on. */
Test(server_write, goes_on_after_a_refused_body)
{
    struct bed *b = bed_open(NULL, NULL);
    char *body = push_text(1, 100000);
    int fd = bed_connect(b);
    cr_assert_eq(push_ask(b, fd, "PATCH", PUSH_NOWHERE, "", body, NULL), 404);
    cr_assert_eq(push_ask(b, fd, "GET", "/v2/", "", NULL, NULL), 200);
    cr_assert_eq(bed_find(b, EVENT_RESPONSE, 1)->response.received, 100000);
    free(body);
    (void)close(fd);
    bed_close(b);
}

/* ---- bodies that end too soon --------------------------------------------------------------- */

/* What a PATCH had added before its connection ended stays, and its client goes on from there. */
Test(server_write, keeps_what_an_interrupted_patch_added)
{
    struct bed *b = bed_open(NULL, NULL);
    char place[512];
    char path[768];
    char range[32];
    struct bed_reply r;
    int fd = bed_connect(b);
    push_begin(b, fd, place);
    push_send(b, fd, "PATCH", place, "Content-Length: 10\r\n", NULL);
    bed_send(b, fd, "some ");
    (void)close(fd);
    const struct event_response *a = &bed_wait(b, EVENT_RESPONSE, 2)->response;
    cr_assert_str_eq(a->end, "abandoned");
    cr_assert_eq(a->received, 5);
    fd = bed_connect(b);
    cr_assert_eq(push_ask(b, fd, "GET", place, "", NULL, &r), 204);
    push_header(&r, "Range", range, sizeof(range));
    cr_assert_str_eq(range, "0-4");
    bed_reply_close(&r);
    push_finish_path(place, "some layer", path);
    cr_assert_eq(push_ask(b, fd, "PUT", path, "", "layer", NULL), 201);
    cr_assert(push_has_blob(b, "some layer"));
    (void)close(fd);
    bed_close(b);
}

/* What an interrupted PUT had added does not. */
Test(server_write, forgets_what_an_interrupted_put_added)
{
    struct bed *b = bed_open(NULL, NULL);
    char path[768];
    int fd = bed_connect(b);
    push_begin_put(b, fd, "some layer", path);
    push_send(b, fd, "PUT", path, "Content-Length: 10\r\n", NULL);
    bed_send(b, fd, "some ");
    (void)close(fd);
    (void)bed_wait(b, EVENT_RESPONSE, 2);
    fd = bed_connect(b);
    cr_assert_eq(push_ask(b, fd, "PUT", path, "", "some layer", NULL), 201);
    (void)close(fd);
    bed_close(b);
}

/* A client that stops sending is closed like one that asks nothing. */
Test(server_write, closes_a_stalled_upload)
{
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    char place[512];
    int fd = bed_connect(b);
    push_begin(b, fd, place);
    push_send(b, fd, "PATCH", place, "Content-Length: 10\r\nExpect: 100-continue\r\n", NULL);
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 100);
    bed_reply_close(&r);
    bed_send(b, fd, "some ");
    bed_close_idle(b);
    cr_assert_str_eq(bed_wait(b, EVENT_CONNECTION_CLOSE, 1)->close.how, "idle");
    cr_assert_eq(bed_find(b, EVENT_RESPONSE, 2)->response.status, 0);
    (void)close(fd);
    bed_close(b);
}

/* ---- the thread pool ------------------------------------------------------------------------ */

#define BIG ((size_t)4 << 20)

/* Sends the whole PUT of TEXT, whose digest takes so long that the pool works it out. */
static int send_big(struct bed *b, const char *text)
{
    char path[768];
    int fd = bed_connect(b);
    push_begin_put(b, fd, text, path);
    push_send(b, fd, "PUT", path, "", text);
    return fd;
}

/* What takes long is stored, too, and what was sent meanwhile is answered after it. */
Test(server_write, stores_in_the_pool)
{
    struct bed *b = bed_open(NULL, NULL);
    char *text = push_text(7, BIG);
    int fd = send_big(b, text);
    bed_get(b, fd, "/v2/");
    cr_assert_eq(bed_wait(b, EVENT_RESPONSE, 2)->response.status, 201);
    cr_assert_eq(bed_wait(b, EVENT_RESPONSE, 3)->response.status, 200);
    cr_assert(push_has_blob(b, text));
    free(text);
    (void)close(fd);
    bed_close(b);
}

/* A client that goes away meanwhile does not undo it. */
Test(server_write, stores_for_a_client_that_is_gone)
{
    struct bed *b = bed_open(NULL, NULL);
    char *text = push_text(8, BIG);
    int fd = send_big(b, text);
    (void)close(fd);
    push_wait_for_blob(b, text);
    free(text);
    bed_close(b);
}

/* Nor does the end of the server, which waits for it. */
Test(server_write, closes_while_it_stores)
{
    struct bed *b = bed_open(NULL, NULL);
    char *text = push_text(9, BIG);
    int fd = send_big(b, text);
    bed_close(b);
    free(text);
    (void)close(fd);
}

/* Until the pool works on what was sent, or is done with it. */
static void wait_for_job(struct bed *b, const char *text)
{
    char waits[512] = "";
    while (strstr(waits, "to be stored") == NULL && !push_has_blob(b, text)) {
        bed_turn(b);
        server_describe(b->server, waits, sizeof(waits));
    }
}

/* A cut meanwhile takes the answer away, and nothing else. */
Test(server_write, stores_though_it_is_cut)
{
    struct bed *b =
        bed_open("{'f': {'on': 'primary', 'kind': 'refuse', 'existing': 'reset'}}", NULL);
    char *text = push_text(10, BIG);
    int fd = send_big(b, text);
    wait_for_job(b, text);
    bed_arm(b, "f");
    push_wait_for_blob(b, text);
    (void)bed_wait(b, EVENT_CONNECTION_CLOSE, 1);
    bed_heal(b, "f");
    free(text);
    (void)close(fd);
    bed_close(b);
}

/* A black hole meanwhile holds the answer back until its heal. */
Test(server_write, stores_in_a_black_hole)
{
    struct bed *b = bed_open("{'h': {'on': 'primary', 'kind': 'black-hole'}}", NULL);
    char *text = push_text(11, BIG);
    int fd = send_big(b, text);
    wait_for_job(b, text);
    bed_arm(b, "h");
    push_wait_for_blob(b, text);
    bed_heal(b, "h");
    cr_assert_eq(bed_wait(b, EVENT_RESPONSE, 2)->response.status, 201);
    free(text);
    (void)close(fd);
    bed_close(b);
}
