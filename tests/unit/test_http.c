/* Unit tests of the HTTP side: requests from bytes, ranges, queries, reasons. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/http.h"

#define HOST "Host: r\r\n"

/* What a stream of bytes came to: events as letters (H head, B body, D done, X broken), the whole
 * body, the targets, and how much was consumed up to the first D. */
struct outcome {
    char events[4096];
    char body[4096];
    size_t body_len;
    char targets[4096];
    size_t first_end;
    unsigned status;
};

static void note(struct outcome *o, char c)
{
    size_t n = strlen(o->events);
    /* Pieces of one body are one B: how they are cut is the network's affair. */
    if (n + 1 < sizeof(o->events) && !(c == 'B' && n > 0 && o->events[n - 1] == 'B')) {
        o->events[n] = c;
    }
}

/* Feeds DATA in steps of STEP bytes and follows the parser's contract. */
static struct outcome drive(const char *data, size_t len, size_t step)
{
    struct outcome o = {.first_end = SIZE_MAX};
    struct http_parser *p = http_parser_new();
    const char *why = NULL;
    cr_assert_not_null(p);
    for (size_t at = 0, end = 0; end < len;) {
        end = len - end < step ? len : end + step;
        enum http_event event = HTTP_MORE;
        do {
            const char *body = NULL;
            size_t body_len = 0;
            size_t used = 0;
            event = http_parser_feed(p, data + at, end - at, &used, &body, &body_len);
            cr_assert_leq(used, end - at);
            if (event == HTTP_HEAD) {
                note(&o, 'H');
                size_t n = strlen(o.targets);
                (void)snprintf(o.targets + n, sizeof(o.targets) - n, "%s ",
                               http_parser_request(p)->target);
            } else if (event == HTTP_BODY) {
                note(&o, 'B');
                cr_assert(body >= data + at && body + body_len <= data + at + used);
                memcpy(o.body + o.body_len, body, body_len);
                o.body_len += body_len;
            } else if (event == HTTP_DONE) {
                note(&o, 'D');
                o.first_end = o.first_end == SIZE_MAX ? at + used : o.first_end;
                http_parser_next(p);
            } else if (event == HTTP_BROKEN) {
                note(&o, 'X');
                o.status = http_parser_status(p, &why);
                cr_assert_not_null(why);
                http_parser_free(p);
                return o;
            }
            at += used;
        } while (event != HTTP_MORE);
        cr_assert_eq(at, end, "HTTP_MORE consumes all");
    }
    http_parser_free(p);
    return o;
}

/* The same outcome however the bytes arrive. */
static struct outcome drive_all(const char *data, size_t len)
{
    struct outcome whole = drive(data, len, len);
    for (size_t step = 1; step < 8 && step < len; step++) {
        struct outcome o = drive(data, len, step);
        cr_assert_str_eq(o.events, whole.events, "step %zu", step);
        cr_assert_str_eq(o.targets, whole.targets, "step %zu", step);
        cr_assert_eq(o.status, whole.status, "step %zu: %u, not %u", step, o.status, whole.status);
        cr_assert_eq(o.body_len, whole.body_len);
        cr_assert_arr_eq(o.body, whole.body, whole.body_len);
    }
    return whole;
}

static struct outcome drive_text(const char *text)
{
    return drive_all(text, strlen(text));
}

/* A plain GET gives its parts, and blanks around values are gone. */
Test(http, plain_get)
{
    struct http_parser *p = http_parser_new();
    const char *text = "GET /v2/a/tags/list?n=5&last=x HTTP/1.1\r\nHost:  r:5000 \t\r\n"
                       "Accept: a\r\nempty:\r\nACCEPT: b\r\n\r\n";
    const char *body = NULL;
    size_t body_len = 0;
    size_t used = 0;
    cr_assert_eq(http_parser_feed(p, text, strlen(text), &used, &body, &body_len), HTTP_HEAD);
    cr_assert_eq(used, strlen(text));
    const struct http_request *r = http_parser_request(p);
    cr_assert_str_eq(r->method, "GET");
    cr_assert_str_eq(r->target, "/v2/a/tags/list?n=5&last=x");
    cr_assert_str_eq(r->path, "/v2/a/tags/list");
    cr_assert_str_eq(r->query, "n=5&last=x");
    cr_assert_eq(r->header_count, 4);
    cr_assert_str_eq(http_request_header(r, "host"), "r:5000");
    cr_assert_str_eq(http_request_header(r, "accept"), "a");
    cr_assert_str_eq(http_request_header(r, "Empty"), "");
    cr_assert_str_eq(r->headers[3].value, "b");
    cr_assert_null(http_request_header(r, "Hos"));
    cr_assert_eq(r->minor, 1);
    cr_assert(r->keep_alive && !r->has_body && !r->expect_continue);
    cr_assert_eq(http_parser_feed(p, NULL, 0, &used, &body, &body_len), HTTP_DONE);
    http_parser_free(p);
}

/* A head whose text outgrows the first buffer still has all its strings in place. */
Test(http, strings_survive_growth)
{
    char text[40000] = "GET /x HTTP/1.1\r\n" HOST;
    size_t len = strlen(text);
    for (int i = 0; i < 90; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "H%d: %d-%0*d\r\n", i, i, 400, i);
    }
    len += (size_t)snprintf(text + len, sizeof(text) - len, "\r\n");
    struct http_parser *p = http_parser_new();
    for (int round = 0; round < 2; round++) {
        const char *body = NULL;
        size_t body_len = 0;
        size_t used = 0;
        for (size_t at = 0; at < len; at++) {
            enum http_event want = at + 1 == len ? HTTP_HEAD : HTTP_MORE;
            cr_assert_eq(http_parser_feed(p, text + at, 1, &used, &body, &body_len), want);
        }
        const struct http_request *r = http_parser_request(p);
        cr_assert_eq(r->header_count, 91);
        cr_assert_str_eq(r->headers[90].name, "H89");
        cr_assert_eq(strncmp(r->headers[45].value, "44-000", 6), 0);
        cr_assert_str_eq(r->path, "/x");
        cr_assert_eq(http_parser_feed(p, "", 0, &used, &body, &body_len), HTTP_DONE);
        http_parser_next(p);
    }
    http_parser_free(p);
}

/* Bodies by length and by chunks, extensions and trailers included, come out whole. */
Test(http, bodies)
{
    struct outcome o =
        drive_text("POST /a HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\nhello world");
    cr_assert_str_eq(o.events, "HBD");
    cr_assert_eq(memcmp(o.body, "hello world", 11), 0);
    o = drive_text("PUT /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                   "5;x=\"y\"\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: t\r\n\r\n"
                   "GET /next HTTP/1.1\r\n" HOST "\r\n");
    cr_assert_str_eq(o.events, "HBDHD");
    cr_assert_eq(o.body_len, 11);
    cr_assert_eq(memcmp(o.body, "hello world", 11), 0);
    cr_assert_str_eq(o.targets, "/a /next ");
}

/* After a request is complete, no byte of the next one has been consumed. */
Test(http, pipelining_stops_at_the_boundary)
{
    const char *get = "GET /a HTTP/1.1\r\n" HOST "\r\n";
    struct outcome o = drive_text("GET /a HTTP/1.1\r\n" HOST "\r\nGET /b HTTP/1.1\r\n" HOST "\r\n"
                                  "\r\nHEAD /c HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nxy"
                                  "GET /d HTTP/1.0\r\n\r\n");
    cr_assert_str_eq(o.events, "HDHDHBDHD");
    cr_assert_str_eq(o.targets, "/a /b /c /d ");
    cr_assert_eq(o.first_end, strlen(get));
    /* "Connection: close" does not make the parser eat what follows. */
    o = drive_text("GET /a HTTP/1.1\r\nConnection: close\r\n" HOST "\r\nGET /b HTTP/1.1\r\n" HOST
                   "\r\n");
    cr_assert_str_eq(o.events, "HDHD");
}

/* A parser may serve another connection only where nothing of a request lies in it. */
Test(http, idle_between_requests_only)
{
    static const char text[] = "GET / HTTP/1.1\r\n" HOST "\r\n";
    struct http_parser *p = http_parser_new();
    const char *body = NULL;
    size_t body_len = 0;
    size_t used = 0;
    cr_expect(http_parser_idle(p));
    cr_assert_eq(http_parser_feed(p, text, 1, &used, &body, &body_len), HTTP_MORE);
    cr_expect_not(http_parser_idle(p), "a head has begun");
    cr_assert_eq(http_parser_feed(p, text + 1, sizeof(text) - 2, &used, &body, &body_len),
                 HTTP_HEAD);
    cr_expect_not(http_parser_idle(p), "its request is not answered");
    http_parser_next(p);
    cr_expect(http_parser_idle(p));
    http_parser_free(p);
}

/* Requests that offer another protocol are read as HTTP/1.1. */
Test(http, upgrades_are_ignored)
{
    struct outcome o =
        drive_text("GET /a HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
                   "CONNECT x:443 HTTP/1.1\r\n" HOST "\r\n"
                   "CONNECT y:443 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nxy"
                   "GET /b HTTP/1.1\r\n" HOST "\r\n");
    cr_assert_str_eq(o.events, "HDHDHBDHD");
    cr_assert_str_eq(o.targets, "/a x:443 y:443 /b ");
}

/* Whatever leaves doubt about where a request ends, or what was meant, is refused. */
Test(http, refuses)
{
    static const struct {
        unsigned status;
        const char *text;
    } bad[] = {
        {400, "GET / HTTP/1.1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
        {400, "GET / HTTP/1.0\r\n" HOST HOST "\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc"},
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding:\r\n\r\n"},
        {501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"},
        {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "X: a\r\n folded\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "X: a\r\n\tfolded\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "X : a\r\n\r\n"},
        {400, "GET / HTTP/1.1\n" HOST "\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "X: a\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "X: a\rY: b\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "\rX"},
        {400, "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n"},
        {400, "GET /#x HTTP/1.1\r\n" HOST "\r\n"},
        {400, "get / HTTP/1.1\r\n" HOST "\r\n"},
        {400, "\x16\x03\x01\x02 hello of TLS"},
        {505, "GET / HTTP/2.0\r\n" HOST "\r\n"},
        {505, "GET / HTTP/3.0\r\n" HOST "\r\n"},
        {505, "GET /\r\n\r\n"},
        {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct outcome o = drive_text(bad[i].text);
        cr_assert_str_eq(o.events, "X", "%zu: %s gave %s", i, bad[i].text, o.events);
        cr_assert_eq(o.status, bad[i].status, "%zu: %s gave %u", i, bad[i].text, o.status);
    }
}

/* A chunk size that is none breaks the body, and the parser stays broken. */
Test(http, bad_chunks)
{
    static const char *const bad[] = {"x\r\nhello\r\n", "-1\r\n", "11111111111111111\r\n",
                                      " 5\r\n"};
    char text[256];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text),
                       "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%s", bad[i]);
        struct outcome o = drive_text(text);
        cr_assert_str_eq(o.events, "HX", "%s gave %s", bad[i], o.events);
        cr_assert_eq(o.status, 400);
    }
    struct http_parser *p = http_parser_new();
    const char *body = NULL;
    size_t body_len = 0;
    size_t used = 0;
    cr_assert_eq(http_parser_feed(p, "\x01", 1, &used, &body, &body_len), HTTP_BROKEN);
    http_parser_next(p);
    cr_assert_eq(http_parser_feed(p, "GET / HTTP/1.1\r\n", 16, &used, &body, &body_len),
                 HTTP_BROKEN);
    http_parser_free(p);
}

/* Fills TEXT with a request whose target or header is LEN bytes long. */
static size_t long_request(char *text, const char *before, size_t len, const char *after)
{
    size_t n = strlen(before);
    memcpy(text, before, n);
    memset(text + n, 'a', len);
    memcpy(text + n + len, after, strlen(after));
    return n + len + strlen(after);
}

/* The maxima hold to the byte: what just fits is served, one more is refused with its own status.
 */
Test(http, maxima)
{
    static char text[HTTP_MAX_HEAD + 4096];
    const char *end = " HTTP/1.1\r\n" HOST "\r\n";
    size_t len = long_request(text, "GET /", HTTP_MAX_TARGET - 1, end);
    cr_assert_str_eq(drive(text, len, 1000).events, "HD");
    len = long_request(text, "GET /", HTTP_MAX_TARGET, end);
    cr_assert_eq(drive(text, len, 1000).status, 414);

    size_t fixed = strlen("GET / HTTP/1.1\r\n" HOST "X: \r\n\r\n");
    len = long_request(text, "GET / HTTP/1.1\r\n" HOST "X: ", HTTP_MAX_HEAD - fixed, "\r\n\r\n");
    cr_assert_eq(len, HTTP_MAX_HEAD);
    cr_assert_str_eq(drive(text, len, len).events, "HD");
    cr_assert_str_eq(drive(text, len, 4096).events, "HD");
    len =
        long_request(text, "GET / HTTP/1.1\r\n" HOST "X: ", HTTP_MAX_HEAD - fixed + 1, "\r\n\r\n");
    cr_assert_eq(drive(text, len, len).status, 431);

    len = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < HTTP_MAX_HEADERS - 1; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "a:b\r\n");
    }
    memcpy(text + len, "\r\n", 2);
    cr_assert_str_eq(drive(text, len + 2, 7).events, "HD");
    memcpy(text + len, "a:b\r\n\r\n", 7);
    cr_assert_eq(drive(text, len + 7, 7).status, 431);
}

/* Endless trailers are no way round the maximum of a head. */
Test(http, trailers_are_bounded)
{
    static char text[HTTP_MAX_HEAD * 2];
    size_t len = (size_t)snprintf(
        text, sizeof(text), "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n");
    while (len + 20 < sizeof(text)) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "Trailer: x\r\n");
    }
    struct outcome o = drive(text, len, 1000);
    cr_assert_str_eq(o.events, "HX");
    cr_assert_eq(o.status, 431);
}

static struct http_request *head_of(struct http_parser *p, const char *text)
{
    const char *body = NULL;
    size_t body_len = 0;
    size_t used = 0;
    http_parser_next(p);
    cr_assert_eq(http_parser_feed(p, text, strlen(text), &used, &body, &body_len), HTTP_HEAD);
    return (struct http_request *)(uintptr_t)http_parser_request(p);
}

/* Keep-alive follows version and Connection; Expect is only for HTTP/1.1; the absolute form of a
 * target is served by its path. */
Test(http, facts_of_a_head)
{
    struct http_parser *p = http_parser_new();
    cr_assert(head_of(p, "GET / HTTP/1.1\r\n" HOST "\r\n")->keep_alive);
    cr_assert(!head_of(p, "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n")->keep_alive);
    cr_assert(!head_of(p, "GET / HTTP/1.0\r\n\r\n")->keep_alive);
    cr_assert(head_of(p, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")->keep_alive);
    cr_assert(
        head_of(p, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n")
            ->expect_continue);
    cr_assert(!head_of(p, "PUT / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
                   ->expect_continue);
    cr_assert_eq(http_parser_request(p)->content_length, 5);
    const struct http_request *r = head_of(p, "GET http://r:1/v2/?a=b HTTP/1.1\r\n" HOST "\r\n");
    cr_assert_str_eq(r->path, "/v2/");
    cr_assert_str_eq(r->query, "a=b");
    cr_assert_str_eq(r->target, "http://r:1/v2/?a=b");
    r = head_of(p, "GET http://r:1 HTTP/1.1\r\n" HOST "\r\n");
    cr_assert_str_eq(r->path, "/");
    cr_assert_null(r->query);
    http_parser_free(p);
}

/* Query parameters are found whole, decoded once, and refused where they do not decode or fit. */
Test(http, query)
{
    char out[8];
    cr_assert(http_query("n=5&last=a%2Fb", "n", out, sizeof(out)));
    cr_assert_str_eq(out, "5");
    cr_assert(http_query("n=5&last=a%2fb", "last", out, sizeof(out)));
    cr_assert_str_eq(out, "a/b");
    cr_assert(http_query("a+b=1&x=a+b%2B", "x", out, sizeof(out)));
    cr_assert_str_eq(out, "a b+");
    cr_assert(http_query("n&last=", "n", out, sizeof(out)));
    cr_assert_str_eq(out, "");
    cr_assert(!http_query("nn=5", "n", out, sizeof(out)));
    cr_assert(!http_query(NULL, "n", out, sizeof(out)));
    cr_assert(!http_query("n=%4", "n", out, sizeof(out)));
    cr_assert(!http_query("n=%zz", "n", out, sizeof(out)));
    cr_assert(!http_query("n=%00", "n", out, sizeof(out)));
    cr_assert(!http_query("n=12345678", "n", out, sizeof(out)));
    cr_assert(http_query("n=1234567", "n", out, sizeof(out)));
}

/* Ranges: each form, clipped to the body; one that runs backwards is refused, as the conformance
 * suite of the specification asks; what cannot be understood is ignored. */
Test(http, ranges)
{
    static const struct {
        const char *header;
        uint64_t size;
        enum http_range result;
        uint64_t from;
        uint64_t len;
    } cases[] = {
        {"bytes=0-", 10, HTTP_RANGE_OK, 0, 10},
        {"bytes=3-5", 10, HTTP_RANGE_OK, 3, 3},
        {"BYTES= 3-5 ", 10, HTTP_RANGE_OK, 3, 3},
        {"bytes=3-99", 10, HTTP_RANGE_OK, 3, 7},
        {"bytes=9-9", 10, HTTP_RANGE_OK, 9, 1},
        {"bytes=-4", 10, HTTP_RANGE_OK, 6, 4},
        {"bytes=-40", 10, HTTP_RANGE_OK, 0, 10},
        {"bytes=0-99999999999999999999999", 10, HTTP_RANGE_OK, 0, 10},
        {"bytes=10-", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=99999999999999999999999-", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-0", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=0-", 0, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-5", 0, HTTP_RANGE_NONE, 0, 0},
        {"bytes=5-3", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=5-0 ", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=a-b", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=-", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=1", 10, HTTP_RANGE_NONE, 0, 0},
        {"items=0-1", 10, HTTP_RANGE_NONE, 0, 0},
        {NULL, 10, HTTP_RANGE_NONE, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_span span[HTTP_MAX_RANGES];
        size_t count = 0;
        enum http_range result = http_range_parse(cases[i].header, cases[i].size, span, &count);
        cr_assert_eq(result, cases[i].result, "case %zu", i);
        cr_assert_eq(count, result == HTTP_RANGE_OK ? 1 : 0, "case %zu", i);
        if (result == HTTP_RANGE_OK) {
            cr_assert_eq(span[0].from, cases[i].from, "case %zu", i);
            cr_assert_eq(span[0].len, cases[i].len, "case %zu", i);
        }
    }
}

/* Known codes have their phrase, others say so. */
Test(http, reasons)
{
    cr_assert_str_eq(http_reason(206), "Partial Content");
    cr_assert_str_eq(http_reason(429), "Too Many Requests");
    cr_assert_str_eq(http_reason(599), "Unknown");
}
