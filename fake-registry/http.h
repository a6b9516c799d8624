/* HTTP/1.1 bytes to requests, and response heads to bytes (RFC 9112, by llhttp). No sockets. */
#ifndef PULLDRILL_FAKE_REGISTRY_HTTP_H
#define PULLDRILL_FAKE_REGISTRY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/buf.h"
#include "harness/base/err.h"

/* Stated maxima; past them the answer is 431, 431 and 414, and the connection closes. */
#define HTTP_MAX_HEAD 65536
#define HTTP_MAX_HEADERS 100
#define HTTP_MAX_TARGET 8192

struct http_header {
    const char *name; /* as sent; compare without case */
    const char *value;
};

/* One request. Strings are NUL-terminated and live in the parser until http_parser_next. */
struct http_request {
    const char *method;
    const char *target; /* as sent: path and query */
    const char *path;   /* without query; not decoded */
    const char *query;  /* without '?'; NULL where there is none */
    struct http_header headers[HTTP_MAX_HEADERS];
    size_t header_count;
    unsigned minor; /* HTTP/1.MINOR */
    bool keep_alive;
    bool has_body; /* a length above 0, or chunked */
    uint64_t content_length;
    bool expect_continue;
};

/* The value of the first header NAME (any case), or NULL. */
const char *http_request_header(const struct http_request *r, const char *name);

/* What a query says of a parameter. */
enum http_param { HTTP_PARAM_ABSENT, HTTP_PARAM_GOOD, HTTP_PARAM_BAD };
/* The next parameter NAME of the query text at *AT (which may be NULL), decoded into OUT; *AT moves
 * behind it. HTTP_PARAM_BAD: malformed, or it does not fit SIZE, which is 1 at least. */
enum http_param http_query_next(const char **at, const char *name, char *out, size_t size);
/* The first one of QUERY. */
enum http_param http_query_param(const char *query, const char *name, char *out, size_t size);
/* The same, where only a good one counts. */
bool http_query(const char *query, const char *name, char *out, size_t size);

/* Decodes %XX, and '+' to a blank where PLUS, of LEN bytes into OUT; false where malformed, where a
 * NUL hides in it, or where it does not fit. */
bool http_decode(const char *text, size_t len, bool plus, char *out, size_t size);

/* One connection's parser, owned by the caller. NULL: no memory. */
struct http_parser;
struct http_parser *http_parser_new(void);
void http_parser_free(struct http_parser *p);

enum http_event {
    HTTP_MORE,   /* all input consumed, nothing complete yet */
    HTTP_HEAD,   /* a request's head is complete: http_parser_request; any body follows */
    HTTP_BODY,   /* *BODY, *BODY_LEN: a piece of the body, within DATA */
    HTTP_DONE,   /* the request is complete; call http_parser_next before feeding on */
    HTTP_BROKEN, /* not HTTP, or over a maximum: http_parser_status says 400, 414, 431, 501, 505
                    (500: no memory); every further feed says so again */
};
/* Feeds LEN bytes; sets *USED to what was consumed before the event (the caller feeds the rest
 * again: pipelined requests stay in its buffer). Several events may fall on one byte (HTTP_HEAD and
 * HTTP_DONE of a request without a body), so feed on, if need be with LEN 0, until HTTP_MORE. */
enum http_event http_parser_feed(struct http_parser *p, const char *data, size_t len, size_t *used,
                                 const char **body, size_t *body_len);
const struct http_request *http_parser_request(const struct http_parser *p);
void http_parser_next(struct http_parser *p);
/* Whether nothing of a request has come: P may serve another connection meanwhile. */
bool http_parser_idle(const struct http_parser *p);
/* After HTTP_BROKEN: the status to answer with and why, in words. */
unsigned http_parser_status(const struct http_parser *p, const char **why);

/* "Not Found" and so on; "Unknown" for a code without a registered phrase (RFC 9110). */
const char *http_reason(unsigned status);

/* Ranges that one request may ask for; of more, all are ignored. */
#define HTTP_MAX_RANGES 1024

/* Some of a body: LEN bytes, at least one, from FROM. */
struct http_span {
    uint64_t from;
    uint64_t len;
};

/* Range: bytes=a-b, a-, -n and lists of them, over a body of SIZE bytes (RFC 9110 section 14): SPAN
 * takes the COUNT that can be satisfied, in their order. An unknown unit, what is no list of
 * ranges, and ranges of more bytes together than there are, are ignored (HTTP_RANGE_NONE). One that
 * runs backwards cannot be satisfied: the RFC lets it be ignored, too, but the conformance suite of
 * the distribution specification asks for 416. */
enum http_range { HTTP_RANGE_NONE, HTTP_RANGE_OK, HTTP_RANGE_UNSATISFIABLE };
enum http_range http_range_parse(const char *header, uint64_t size,
                                 struct http_span span[HTTP_MAX_RANGES], size_t *count);

/* What the conditions of a request (RFC 9110 section 13) make of an answer to GET or HEAD whose
 * entity tag is TAG in quotes. There are no dates here, so conditions on one are ignored. BARE:
 * If-None-Match may also say TAG without its quotes, as clients of Docker's registry do. */
enum http_condition {
    HTTP_HOLDS,        /* or there is none */
    HTTP_NOT_MODIFIED, /* 304 */
    HTTP_FAILED,       /* 412 */
};
enum http_condition http_condition(const struct http_request *r, const char *tag, bool bare);
/* Whether a range may be sent: there is no If-Range, or it names TAG in quotes. */
bool http_if_range(const struct http_request *r, const char *tag);

#endif
