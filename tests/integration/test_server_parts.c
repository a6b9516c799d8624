/* Several ranges in one answer, and answers that say nothing is new, on real sockets and under
 * faults: each byte, and what the history tells of it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/server_bed.h"

#define MANIFEST "/v2/ci/agent/manifests/stable"

static uint8_t byte_of(const struct content *c, uint64_t at)
{
    uint8_t byte = 0;
    if (c->data != NULL) {
        return c->data[at];
    }
    cr_assert_eq(pread(c->fd, &byte, 1, (off_t)at), 1);
    return byte;
}

/* The parts that were asked of C, as they must come. */
static struct multipart *parts_of(const struct content *c, const struct http_span *span,
                                  size_t count)
{
    struct multipart *m =
        multipart_new(span, count, c->size, c->digest, "application/octet-stream");
    cr_assert_not_null(m);
    return m;
}

/* The first LEN bytes of the body are the parts M of C, but for those of BAD, which differ. */
static void expect_parts(const struct bed_reply *r, const struct multipart *m,
                         const struct content *c, size_t len, struct http_span bad)
{
    cr_assert_eq(r->status, 206);
    cr_assert_not_null(strstr(r->bytes.data, m->type));
    cr_assert_eq(r->body_len, len);
    for (size_t at = 0; at < len; at++) {
        struct multipart_piece p = multipart_at(m, at);
        uint8_t want = p.text ? (uint8_t)m->text[p.offset] : byte_of(c, p.offset);
        bool altered = at >= bad.from && at - bad.from < bad.len;
        cr_assert_eq((uint8_t)bed_body(r)[at] != want, altered, "byte %zu", at);
    }
}

/* From memory and from a file parts come as they were asked for, on a connection that stays; the
 * history has each. */
Test(server_parts, come_as_asked)
{
    static const struct http_span span[] = {{4000, 1000}, {0, 1}, {60000, 5536}};
    struct bed *b = bed_open(NULL, NULL);
    const struct content *of[] = {b->layer, b->file, b->layer};
    int fd = bed_connect(b);
    for (size_t i = 0; i < 3; i++) {
        struct bed_reply r;
        struct multipart *m = parts_of(of[i], span, 3);
        bed_get_blob(b, fd, of[i], "Range: bytes=4000-4999,0-0,60000-65535\r\n");
        bed_reply(b, fd, false, &r);
        expect_parts(&r, m, of[i], m->len, (struct http_span){0, 0});
        const struct event *a = bed_wait(b, EVENT_RESPONSE, i + 1);
        cr_assert_str_eq(a->response.end, "whole");
        cr_assert_str_eq(a->response.object, of[i]->digest);
        cr_assert_str_eq(a->response.pieces, "4000-4999 0-0 60000-65535");
        cr_assert_eq(a->response.object_bytes, 0);
        cr_assert_eq(a->response.altered_bytes, 0);
        multipart_free(m);
        bed_reply_close(&r);
    }
    cr_assert_eq(bed_count(b, EVENT_CONNECTION_OPEN), 1);
    (void)close(fd);
    bed_close(b);
}

/* As many ranges as are taken, of a file: sendfile and sendmsg by turns, thousands of times. */
Test(server_parts, the_most)
{
    static struct http_span span[HTTP_MAX_RANGES];
    struct bed *b = bed_open(NULL, NULL);
    struct bed_reply r;
    struct buf request;
    int fd = bed_connect(b);
    buf_init(&request, 1 << 16);
    buf_printf(&request, "GET /v2/ci/agent/blobs/%s HTTP/1.1\r\nHost: primary\r\nRange: bytes=",
               b->file->digest);
    for (size_t i = 0; i < HTTP_MAX_RANGES; i++) {
        span[i] = (struct http_span){100 * i + i % 7, 1 + i % 90};
        buf_printf(&request, "%s%zu-%zu", i > 0 ? "," : "", (size_t)span[i].from,
                   (size_t)(span[i].from + span[i].len - 1));
    }
    buf_str(&request, "\r\n\r\n");
    cr_assert_not(request.failed);
    struct multipart *m = parts_of(b->file, span, HTTP_MAX_RANGES);
    bed_send(b, fd, request.data);
    bed_reply(b, fd, false, &r);
    expect_parts(&r, m, b->file, m->len, (struct http_span){0, 0});
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_str_eq(a->response.pieces, multipart_told(m, m->len, (struct http_span){0, 0}));
    multipart_free(m);
    buf_close(&request);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* corrupt counts in the body: within a part that part is told without what was altered, and where
 * it strikes the text before a part, nothing of it: who goes by that text puts it elsewhere. */
static void check_corrupt(const char *rules, struct http_span bad, const char *pieces)
{
    static const struct http_span span[] = {{1000, 100}, {3000, 100}};
    struct bed *b = bed_open(rules, NULL);
    struct bed_reply r;
    struct multipart *m = parts_of(b->file, span, 2);
    bed_arm(b, "c");
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->file, "Range: bytes=1000-1099,3000-3099\r\n");
    bed_reply(b, fd, false, &r);
    expect_parts(&r, m, b->file, m->len, bad);
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_str_eq(a->response.faults, "c");
    cr_assert_str_eq(a->response.pieces, pieces);
    cr_assert_eq(a->response.altered_from, bad.from);
    cr_assert_eq(a->response.altered_bytes, bad.len);
    multipart_free(m);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* The first part begins at byte 117 of this body, the second at 336. */
Test(server_parts, corrupted)
{
    check_corrupt("{'c': {'on': 'primary', 'kind': 'corrupt', 'offset': 4, 'bytes': 2}}",
                  (struct http_span){4, 2}, "3000-3099");
    check_corrupt("{'c': {'on': 'primary', 'kind': 'corrupt', 'offset': 117, 'bytes': 3}}",
                  (struct http_span){117, 3}, "1003-1099 3000-3099");
    check_corrupt("{'c': {'on': 'primary', 'kind': 'corrupt', 'offset': 200, 'bytes': 140}}",
                  (struct http_span){200, 140}, "1000-1082");
}

/* truncate: so many bytes of the body come, and what they brought is told, to the byte. */
Test(server_parts, truncated)
{
    static const struct http_span span[] = {{1000, 100}, {3000, 100}};
    struct bed *b =
        bed_open("{'t': {'on': 'primary', 'kind': 'truncate', 'after-bytes': 147}}", NULL);
    struct bed_reply r;
    struct multipart *m = parts_of(b->file, span, 2);
    bed_arm(b, "t");
    int fd = bed_connect(b);
    bed_get_blob(b, fd, b->file, "Range: bytes=1000-1099,3000-3099\r\n");
    bed_reply_to_end(b, fd, &r);
    cr_assert(r.eof);
    expect_parts(&r, m, b->file, 147, (struct http_span){0, 0});
    const struct event *a = bed_wait(b, EVENT_RESPONSE, 1);
    cr_assert_str_eq(a->response.end, "cut");
    cr_assert_str_eq(a->response.pieces, "1000-1029");
    multipart_free(m);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* Asks for the manifest, which the client has. */
static void revalidate(struct bed *b, int fd, const char *method, struct bed_reply *r)
{
    char text[512];
    (void)snprintf(text, sizeof(text),
                   "%s " MANIFEST " HTTP/1.1\r\nHost: primary\r\nIf-None-Match: \"%s\"\r\n\r\n",
                   method, b->manifest->digest);
    bed_send(b, fd, text);
    bed_reply(b, fd, true, r);
}

/* Nothing new: no body, the digest told, and the connection is good for more. */
Test(server_parts, not_modified)
{
    struct bed *b = bed_open(NULL, NULL);
    const char *methods[] = {"GET", "HEAD"};
    int fd = bed_connect(b);
    for (size_t i = 0; i < 2; i++) {
        struct bed_reply r;
        revalidate(b, fd, methods[i], &r);
        cr_assert_eq(r.status, 304);
        cr_assert_eq(r.body_len, 0);
        const struct event *a = bed_wait(b, EVENT_RESPONSE, i + 1);
        cr_assert_eq(a->response.status, 304);
        cr_assert_str_eq(a->response.digest, b->manifest->digest);
        cr_assert_str_eq(a->response.end, "whole");
        cr_assert_null(a->response.object);
        cr_assert_eq(a->response.delivered, a->response.head_bytes);
        bed_reply_close(&r);
    }
    bed_is_served(b, fd);
    (void)close(fd);
    bed_close(b);
}

/* What alters or cuts a body finds none here, and has not fired; a status takes its place, and a
 * cut before the head is one before any answer. */
Test(server_parts, not_modified_under_faults)
{
    struct bed *b = bed_open("{'c': {'on': 'primary', 'kind': 'corrupt'},"
                             " 't': {'on': 'primary', 'kind': 'truncate', 'after-bytes': 0},"
                             " 'l': {'on': 'primary', 'kind': 'reset', 'after-bytes': 0},"
                             " 's': {'on': 'primary', 'kind': 'status', 'code': 503},"
                             " 'r': {'on': 'primary', 'kind': 'reset'}}",
                             NULL);
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_arm(b, "c");
    bed_arm(b, "t");
    bed_arm(b, "l");
    revalidate(b, fd, "GET", &r);
    cr_assert_eq(r.status, 304);
    cr_assert_null(bed_wait(b, EVENT_RESPONSE, 1)->response.faults);
    for (size_t i = 1; i <= bed_count(b, EVENT_FAULT_DECIDED); i++) {
        cr_assert_not(bed_find(b, EVENT_FAULT_DECIDED, i)->decided.fired);
    }
    bed_reply_close(&r);
    bed_arm(b, "s");
    revalidate(b, fd, "HEAD", &r);
    cr_assert_eq(r.status, 503);
    cr_assert_null(bed_wait(b, EVENT_RESPONSE, 2)->response.digest);
    bed_reply_close(&r);
    bed_heal(b, "s");
    bed_arm(b, "r");
    revalidate(b, fd, "GET", &r);
    cr_assert_eq(r.status, 0);
    cr_assert_str_eq(bed_wait(b, EVENT_RESPONSE, 3)->response.faults, "r");
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}
