/* Lists of ranges, the bodies that are made of them, and finding one's way in those. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/multipart.h"
#include "harness/base/buf.h"

#define DIGEST "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define BOUNDARY_AT (sizeof("multipart/byteranges; boundary=") - 1)

/* What HEADER asks for, as "FROM+LEN …", or "none" and "unsatisfiable". */
static const char *asked(const char *header, uint64_t size)
{
    static char text[256];
    static struct http_span span[HTTP_MAX_RANGES];
    size_t count = 0;
    size_t at = 0;
    switch (http_range_parse(header, size, span, &count)) {
    case HTTP_RANGE_NONE:
        return count == 0 ? "none" : "none with ranges";
    case HTTP_RANGE_UNSATISFIABLE:
        return count == 0 ? "unsatisfiable" : "unsatisfiable with ranges";
    case HTTP_RANGE_OK:
        break;
    }
    for (size_t i = 0; i < count; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%" PRIu64 "+%" PRIu64,
                               i > 0 ? " " : "", span[i].from, span[i].len);
    }
    return text;
}

/* Several ranges, in the order they are asked for. What cannot be satisfied is left out; blanks and
 * empty elements mean nothing; what is no list, and more bytes than there are, is ignored. */
Test(http_range, lists)
{
    static const struct {
        const char *header;
        uint64_t size;
        const char *want;
    } cases[] = {
        {"bytes=0-1,3-4", 10, "0+2 3+2"},
        {"bytes=8-9,0-1", 10, "8+2 0+2"},
        {"bytes=0-0,-1", 10, "0+1 9+1"},
        {"bytes= 0-1 ,\t3-4 , ", 10, "0+2 3+2"},
        {"bytes=,,0-1,,,3-4,,", 10, "0+2 3+2"},
        {"bytes=0-1,0-1", 10, "0+2 0+2"},
        {"bytes=0-4,5-9", 10, "0+5 5+5"},
        {"bytes=0-4,4-9", 10, "none"},
        {"bytes=0-,0-0", 10, "none"},
        {"bytes=0-,5-18446744073709551615,1-18446744073709551615", 10, "none"},
        {"bytes=0-1,10-,3-4", 10, "0+2 3+2"},
        {"bytes=0-1,10-12", 10, "0+2"},
        {"bytes=5-3,0-1", 10, "0+2"},
        {"bytes=-0,0-1", 10, "0+2"},
        {"bytes=10-,11-12,-0", 10, "unsatisfiable"},
        {"bytes=0-1,x", 10, "none"},
        {"bytes=0-1;3-4", 10, "none"},
        {"bytes=0-1 3-4", 10, "none"},
        {"bytes=0-1,-", 10, "none"},
        {"bytes=,", 10, "none"},
        {"bytes=0-,-5", 0, "none"},
        {"bytes=0-,1-", 0, "unsatisfiable"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_str_eq(asked(cases[i].header, cases[i].size), cases[i].want, "%s",
                         cases[i].header);
    }
}

/* As many as stated are taken, one more and all are ignored; those that cannot be satisfied count.
 */
Test(http_range, the_most)
{
    static struct http_span span[HTTP_MAX_RANGES];
    size_t count = 0;
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_str(&b, "bytes=99999-");
    for (size_t i = 1; i < HTTP_MAX_RANGES; i++) {
        buf_printf(&b, ",%zu-%zu", 2 * i, 2 * i);
    }
    cr_assert_not(b.failed);
    cr_assert_eq(http_range_parse(b.data, 4096, span, &count), HTTP_RANGE_OK);
    cr_assert_eq(count, HTTP_MAX_RANGES - 1);
    cr_assert_eq(span[count - 1].from, 2 * (HTTP_MAX_RANGES - 1));
    buf_str(&b, ",1-1");
    cr_assert_eq(http_range_parse(b.data, 4096, span, &count), HTTP_RANGE_NONE);
    cr_assert_eq(count, 0);
    buf_close(&b);
}

/* Two ranges of a content of 1,000 bytes, whose byte I is 'a' + I % 26. */
static struct multipart *two(void)
{
    static const struct http_span span[] = {{500, 10}, {0, 3}};
    struct multipart *m = multipart_new(span, 2, 1000, DIGEST, "text/plain");
    cr_assert_not_null(m);
    return m;
}

/* The body as it goes out, piece by piece from AT on; STEP bounds what is taken of one. */
static char *body_of(const struct multipart *m, uint64_t step)
{
    char *body = malloc(m->len + 1);
    cr_assert_not_null(body);
    for (uint64_t at = 0; at < m->len;) {
        struct multipart_piece piece = multipart_at(m, at);
        uint64_t n = piece.len < step ? piece.len : step;
        cr_assert_gt(n, 0);
        for (uint64_t i = 0; i < n; i++) {
            body[at + i] =
                piece.text ? m->text[piece.offset + i] : (char)('a' + (piece.offset + i) % 26);
        }
        at += n;
    }
    body[m->len] = '\0';
    return body;
}

/* The body is what RFC 9110 section 14.6 shows, byte for byte, wherever one begins to read. */
Test(http_range, multipart_bytes)
{
    struct multipart *m = two();
    const char *boundary = m->type + BOUNDARY_AT;
    char want[512];
    cr_assert_eq(strncmp(m->type, "multipart/byteranges; boundary=", BOUNDARY_AT), 0);
    cr_assert_eq(strlen(boundary), 32);
    (void)snprintf(want, sizeof(want),
                   "--%s\r\nContent-Range: bytes 500-509/1000\r\nContent-Type: text/plain\r\n\r\n"
                   "ghijklmnop\r\n"
                   "--%s\r\nContent-Range: bytes 0-2/1000\r\nContent-Type: text/plain\r\n\r\n"
                   "abc\r\n--%s--\r\n",
                   boundary, boundary, boundary);
    for (uint64_t step = 1; step < 200; step += 33) {
        char *body = body_of(m, step);
        cr_assert_str_eq(body, want);
        free(body);
    }
    cr_assert_eq(m->len, strlen(want));
    multipart_free(m);
}

/* The boundary is the same for the same content, and another one for another. */
Test(http_range, boundary)
{
    static const struct http_span span[] = {{0, 1}, {5, 1}};
    struct multipart *a = two();
    struct multipart *same = multipart_new(span, 2, 10, DIGEST, "text/plain");
    struct multipart *other = multipart_new(span, 2, 10, "sha256:0", "text/plain");
    cr_assert_str_eq(a->type, same->type);
    cr_assert_str_neq(a->type, other->type);
    multipart_free(a);
    multipart_free(same);
    multipart_free(other);
}

/* What a piece of the body brings of the content: cut short anywhere, and altered anywhere. */
Test(http_range, told)
{
    struct multipart *m = two();
    const uint64_t first = m->part[0].at;
    const uint64_t second = m->part[1].at;
    const struct {
        uint64_t len;
        struct http_span bad;
        const char *want;
    } cases[] = {
        {m->len, {0, 0}, "500-509 0-2"},
        {0, {0, 0}, NULL},
        {first, {0, 0}, NULL},
        {first + 1, {0, 0}, "500-500"},
        {first + 10, {0, 0}, "500-509"},
        {second, {0, 0}, "500-509"},
        {second + 2, {0, 0}, "500-509 0-1"},
        {m->len, {first, 1}, "501-509 0-2"},
        {m->len, {first + 4, 2}, "500-503 506-509 0-2"},
        {m->len, {first + 9, 1}, "500-508 0-2"},
        {m->len, {first + 10, 1}, "500-509"},
        {m->len, {second - 1, 1}, "500-509"},
        {m->len, {first + 9, second - first - 8}, "500-508"},
        {m->len, {second + 1, 1}, "500-509 0-0 2-2"},
        {m->len, {second + 3, 9}, "500-509 0-2"},
        {m->len, {0, first}, "0-2"},
        {m->len, {first - 1, 1}, "0-2"},
        {m->len, {0, m->len}, NULL},
        {first + 6, {first + 5, 100}, "500-504"},
        {first + 5, {first + 5, 100}, "500-504"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *told = multipart_told(m, cases[i].len, cases[i].bad);
        if (cases[i].want == NULL) {
            cr_expect_null(told, "case %zu: %s", i, told);
        } else {
            cr_expect(told != NULL && strcmp(told, cases[i].want) == 0, "case %zu: %s", i, told);
        }
    }
    multipart_free(m);
}

/* As many ranges of the largest numbers there are find room, also where one is altered within. */
Test(http_range, told_fits)
{
    static struct http_span span[HTTP_MAX_RANGES];
    for (size_t i = 0; i < HTTP_MAX_RANGES; i++) {
        span[i] = (struct http_span){UINT64_MAX - 8 * (HTTP_MAX_RANGES - i), 4};
    }
    struct multipart *m =
        multipart_new(span, HTTP_MAX_RANGES, UINT64_MAX, DIGEST, "application/octet-stream");
    cr_assert_not_null(m);
    const char *told = multipart_told(m, m->len, (struct http_span){m->part[7].at + 1, 1});
    size_t ranges = 0;
    for (const char *at = told; at != NULL; at = strchr(at + 1, ' ')) {
        ranges++;
    }
    cr_assert_eq(ranges, HTTP_MAX_RANGES + 1);
    cr_assert_eq(multipart_at(m, m->len - 1).len, 1);
    multipart_free(m);
}
