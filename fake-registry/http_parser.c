/* The request parser: llhttp finds the parts, this file keeps them and holds the limits.
 *
 * Happy path: llhttp's callbacks copy target, header names and values NUL-terminated into one text
 * buffer that is kept from request to request, so that steady state allocates nothing. llhttp is
 * paused when the head is complete (offsets become pointers then, as the buffer may have moved
 * while it grew), at the end of each chunk, and at the end of the message, so that nothing behind
 * it is consumed. llhttp is started afresh for every request.
 *
 * Failure modes: whatever llhttp refuses is 400 (505 for the version). Debian compiles llhttp to be
 * chosen strict or loose by a macro, so what loose lets pass in a head (bare CR or LF, folded
 * lines, a space before the colon) is looked for in the raw bytes (http_lines.c). The version, Host
 * and Transfer-Encoding are judged when the head is complete (http_head.c): llhttp passes by a
 * Transfer-Encoding that is empty. A broken parser stays broken.
 */
/* llhttp's method of this name gives way to the event of http.h. */
#define HTTP_HEAD LLHTTP_METHOD_HEAD
#include <llhttp.h>
#undef HTTP_HEAD

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fake-registry/http.h"
#include "fake-registry/http_head.h"
#include "fake-registry/http_lines.h"

/* Separators in the head make room for the NULs; the path is copied once more. */
#define TEXT_MAX ((size_t)HTTP_MAX_HEAD + HTTP_MAX_TARGET + 64)
#define TEXT_FIRST 2048
#define TEXT_KEPT 16384

enum stage { STAGE_OF_HEAD, STAGE_OF_BODY, STAGE_COMPLETE, STAGE_BROKEN };

struct http_parser {
    llhttp_t ll;
    enum stage stage;
    /* The head as text: target NUL (name NUL value NUL)*, with offsets of names and values. */
    char *text;
    size_t text_len;
    size_t text_cap;
    uint32_t name[HTTP_MAX_HEADERS];
    uint32_t value[HTTP_MAX_HEADERS];
    bool header_open;
    size_t head_seen; /* raw bytes */
    struct http_lines lines;
    /* Bytes of chunk heads, extensions and trailers since the last byte of content. */
    size_t overhead;
    const char *piece;
    size_t piece_len;
    unsigned status;
    const char *why;
    struct http_request request;
};

static int refuse(struct http_parser *p, unsigned status, const char *why)
{
    if (p->status == 0) {
        p->status = status;
        p->why = why;
    }
    return -1;
}

static int grow(struct http_parser *p, size_t need)
{
    size_t cap = p->text_cap != 0 ? p->text_cap : TEXT_FIRST;
    if (need <= p->text_cap) {
        return 0;
    }
    while (cap < need && cap < TEXT_MAX) {
        cap *= 2;
    }
    if (cap < need) {
        return refuse(p, 431, "the head of the request is too large");
    }
    char *text = realloc(p->text, cap);
    if (text == NULL) {
        return refuse(p, 500, "no memory for the head of the request");
    }
    p->text = text;
    p->text_cap = cap;
    return 0;
}

static int add_text(struct http_parser *p, const char *at, size_t len)
{
    if (grow(p, p->text_len + len + 1) != 0) {
        return -1;
    }
    memcpy(p->text + p->text_len, at, len);
    p->text_len += len;
    return 0;
}

static int end_text(struct http_parser *p)
{
    return add_text(p, "", 1);
}

static int on_url(llhttp_t *ll, const char *at, size_t len)
{
    struct http_parser *p = ll->data;
    if (p->text_len + len > HTTP_MAX_TARGET) {
        return refuse(p, 414, "the target is too long");
    }
    return add_text(p, at, len);
}

static int on_url_complete(llhttp_t *ll)
{
    return end_text(ll->data);
}

/* Ends the value that is open, without the blanks behind it. */
static int end_header(struct http_parser *p)
{
    struct http_request *r = &p->request;
    if (!p->header_open) {
        return 0;
    }
    p->header_open = false;
    size_t from = p->value[r->header_count];
    while (p->text_len > from &&
           (p->text[p->text_len - 1] == ' ' || p->text[p->text_len - 1] == '\t')) {
        p->text_len--;
    }
    r->header_count++;
    return end_text(p);
}

static int on_header_field(llhttp_t *ll, const char *at, size_t len)
{
    struct http_parser *p = ll->data;
    if (p->stage != STAGE_OF_HEAD) {
        return 0; /* a trailer: read past */
    }
    if (p->header_open && p->value[p->request.header_count] != 0 && end_header(p) != 0) {
        return -1;
    }
    if (!p->header_open) {
        if (p->request.header_count == HTTP_MAX_HEADERS) {
            return refuse(p, 431, "the request has too many headers");
        }
        p->header_open = true;
        p->name[p->request.header_count] = (uint32_t)p->text_len;
        p->value[p->request.header_count] = 0;
    }
    return add_text(p, at, len);
}

static int on_header_field_complete(llhttp_t *ll)
{
    struct http_parser *p = ll->data;
    if (p->stage != STAGE_OF_HEAD || !p->header_open) {
        return 0;
    }
    if (end_text(p) != 0) {
        return -1;
    }
    p->value[p->request.header_count] = (uint32_t)p->text_len;
    return 0;
}

static int on_header_value(llhttp_t *ll, const char *at, size_t len)
{
    struct http_parser *p = ll->data;
    return p->stage == STAGE_OF_HEAD && p->header_open ? add_text(p, at, len) : 0;
}

static int on_header_value_complete(llhttp_t *ll)
{
    struct http_parser *p = ll->data;
    return p->stage == STAGE_OF_HEAD ? end_header(p) : 0;
}

/* Splits the target; of the absolute form (RFC 9112 section 3.2.2) only path and query are used. */
static int split_target(struct http_parser *p)
{
    struct http_request *r = &p->request;
    size_t skip = 0;
    size_t target_len = strlen(p->text);
    if (memchr(p->text, '#', target_len) != NULL) {
        return refuse(p, 400, "the target holds a fragment");
    }
    if (strncasecmp(p->text, "http://", 7) == 0 || strncasecmp(p->text, "https://", 8) == 0) {
        skip = (size_t)(strstr(p->text, "://") - p->text) + 3;
        skip += strcspn(p->text + skip, "/?");
    }
    bool rootless = p->text[skip] == '?' || p->text[skip] == '\0';
    size_t path_at = p->text_len;
    if (grow(p, p->text_len + target_len + 2) != 0) {
        return -1;
    }
    p->text[path_at] = '/';
    memcpy(p->text + path_at + (rootless ? 1 : 0), p->text + skip, target_len - skip + 1);
    p->text_len += target_len - skip + 1 + (rootless ? 1 : 0);
    r->target = p->text;
    r->path = p->text + path_at;
    char *mark = strchr(p->text + path_at, '?');
    r->query = mark != NULL ? mark + 1 : NULL;
    if (mark != NULL) {
        *mark = '\0';
    }
    return 0;
}

/* What the text of the headers says must be what llhttp took from it. */
static int check_headers(struct http_parser *p)
{
    const char *why = NULL;
    unsigned status = http_head_check(&p->request, (p->ll.flags & F_CONTENT_LENGTH) != 0,
                                      (p->ll.flags & F_CHUNKED) != 0, &why);
    return status != 0 ? refuse(p, status, why) : 0;
}

static void fill_request(struct http_parser *p)
{
    struct http_request *r = &p->request;
    for (size_t i = 0; i < r->header_count; i++) {
        r->headers[i].name = p->text + p->name[i];
        r->headers[i].value = p->text + p->value[i];
    }
    bool chunked = (p->ll.flags & F_CHUNKED) != 0;
    r->method = llhttp_method_name((llhttp_method_t)p->ll.method);
    r->minor = p->ll.http_minor;
    r->keep_alive = llhttp_should_keep_alive(&p->ll) != 0;
    r->content_length = chunked ? 0 : p->ll.content_length;
    r->has_body = chunked || r->content_length > 0;
    const char *expect = http_request_header(r, "Expect");
    r->expect_continue = r->minor > 0 && expect != NULL && strcasecmp(expect, "100-continue") == 0;
}

static int on_headers_complete(llhttp_t *ll)
{
    struct http_parser *p = ll->data;
    if (end_header(p) != 0) {
        return -1;
    }
    if (ll->http_major != 1) {
        return refuse(p, 505, "not HTTP/1");
    }
    /* A later minor version is served as the latest that is known (RFC 9110 section 2.5). */
    ll->http_minor = ll->http_minor > 0 ? 1 : 0;
    /* No other protocol is spoken here: Upgrade and CONNECT are requests like any other. */
    ll->upgrade = 0;
    if (split_target(p) != 0) {
        return -1;
    }
    fill_request(p);
    if (check_headers(p) != 0) {
        return -1;
    }
    p->stage = p->request.has_body ? STAGE_OF_BODY : STAGE_COMPLETE;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *ll, const char *at, size_t len)
{
    struct http_parser *p = ll->data;
    p->piece = at;
    p->piece_len = len;
    return 0;
}

/* One piece of the body an event: a second chunk waits for the next feed. */
static int on_chunk_complete(llhttp_t *ll)
{
    struct http_parser *p = ll->data;
    return p->piece_len > 0 ? HPE_PAUSED : 0;
}

static int on_message_complete(llhttp_t *ll)
{
    struct http_parser *p = ll->data;
    p->stage = STAGE_COMPLETE;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_url_complete = on_url_complete,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_complete = on_chunk_complete,
    .on_message_complete = on_message_complete,
};

void http_parser_next(struct http_parser *p)
{
    if (p->stage == STAGE_BROKEN) {
        return;
    }
    llhttp_init(&p->ll, HTTP_REQUEST, &settings);
    p->ll.data = p;
    p->ll.lenient_flags = LENIENT_VERSION; /* on_headers_complete judges it */
    p->stage = STAGE_OF_HEAD;
    p->text_len = 0;
    if (p->text_cap > TEXT_KEPT) {
        free(p->text);
        p->text = NULL;
        p->text_cap = 0;
    }
    p->header_open = false;
    p->head_seen = 0;
    http_lines_init(&p->lines);
    p->overhead = 0;
    p->request.header_count = 0;
}

bool http_parser_idle(const struct http_parser *p)
{
    return p->stage == STAGE_OF_HEAD && p->head_seen == 0;
}

struct http_parser *http_parser_new(void)
{
    struct http_parser *p = calloc(1, sizeof(*p));
    if (p != NULL) {
        http_parser_next(p);
    }
    return p;
}

void http_parser_free(struct http_parser *p)
{
    if (p != NULL) {
        free(p->text);
        free(p);
    }
}

static enum http_event broken(struct http_parser *p)
{
    enum llhttp_errno error = llhttp_get_errno(&p->ll);
    const char *reason = llhttp_get_error_reason(&p->ll);
    bool version = error == HPE_PAUSED_H2_UPGRADE || p->ll.method == HTTP_PRI;
    (void)refuse(p, version ? 505 : 400, reason != NULL ? reason : "not HTTP");
    p->stage = STAGE_BROKEN;
    return HTTP_BROKEN;
}

/* Lets llhttp read; false where it broke. *USED is what it consumed. */
static bool run(struct http_parser *p, const char *data, size_t len, size_t *used)
{
    llhttp_resume(&p->ll);
    enum llhttp_errno error = llhttp_execute(&p->ll, data, len);
    const char *stop = error == HPE_OK ? data + len : llhttp_get_error_pos(&p->ll);
    *used = stop >= data && stop <= data + len ? (size_t)(stop - data) : 0;
    return error == HPE_OK || error == HPE_PAUSED;
}

static enum http_event feed_head(struct http_parser *p, const char *data, size_t len, size_t *used)
{
    size_t room = HTTP_MAX_HEAD - p->head_seen;
    size_t consumed = 0;
    bool whole = run(p, data, len < room ? len : room, &consumed);
    p->head_seen += consumed;
    if (!http_lines_take(&p->lines, data, consumed)) {
        /* This stands before whatever llhttp complains of: the answer must not depend on how the
         * bytes were cut. */
        p->status = 0;
        (void)refuse(p, 400, "malformed line in the head of the request");
        return broken(p);
    }
    if (!whole) {
        return broken(p);
    }
    *used = consumed;
    if (p->stage != STAGE_OF_HEAD) {
        return HTTP_HEAD;
    }
    if (p->head_seen == HTTP_MAX_HEAD) {
        (void)refuse(p, 431, "the head of the request is too large");
        return broken(p);
    }
    return HTTP_MORE;
}

static enum http_event feed_body(struct http_parser *p, const char *data, size_t len, size_t *used)
{
    p->piece = NULL;
    p->piece_len = 0;
    if (!run(p, data, len, used)) {
        *used = 0;
        return broken(p);
    }
    size_t before = p->piece_len > 0 ? (size_t)(p->piece - data) : *used;
    p->overhead += before;
    if (p->overhead > HTTP_MAX_HEAD) {
        *used = 0;
        (void)refuse(p, 431, "chunk extensions or trailers are too large");
        return broken(p);
    }
    if (p->piece_len > 0) {
        p->overhead = *used - before - p->piece_len;
        return HTTP_BODY;
    }
    return p->stage == STAGE_COMPLETE ? HTTP_DONE : HTTP_MORE;
}

enum http_event http_parser_feed(struct http_parser *p, const char *data, size_t len, size_t *used,
                                 const char **body, size_t *body_len)
{
    enum http_event event = HTTP_BROKEN;
    *used = 0;
    *body = NULL;
    *body_len = 0;
    if (data == NULL) {
        data = "";
        len = 0;
    }
    switch (p->stage) {
    case STAGE_OF_HEAD:
        return feed_head(p, data, len, used);
    case STAGE_OF_BODY:
        event = feed_body(p, data, len, used);
        if (event == HTTP_BODY) {
            *body = p->piece;
            *body_len = p->piece_len;
        }
        return event;
    case STAGE_COMPLETE:
        return HTTP_DONE;
    case STAGE_BROKEN:
        break;
    }
    return event;
}

const struct http_request *http_parser_request(const struct http_parser *p)
{
    return &p->request;
}

unsigned http_parser_status(const struct http_parser *p, const char **why)
{
    *why = p->why;
    return p->status;
}
