/* A client of a registry without sockets. */
#include "tests/fuzz/lib/client.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/lib/answer.h"
#include "tests/fuzz/lib/fuzz.h"

#define MAX_MESSAGE ((size_t)16 << 20)

static const struct oci_rules rules = {.read_only = false};

void client_finish(struct store *store, const struct http_request *request,
                   const struct oci_route *route, struct oci_write *w, struct response *out)
{
    struct store_job *job = NULL;
    MUST(oci_write(store, &rules, request, route, w, &job, out) == 0, "no memory");
    if (job != NULL) {
        (void)store_job_slow(job);
        store_job_work(job);
        MUST(oci_write_end(w, job, out) == 0, "no memory");
    }
    oci_write_close(store, w, true);
    answer_check(out);
}

/* The request's head, up to its end. */
static const struct http_request *send_head(struct http_parser *parser,
                                            const struct client_request *r)
{
    struct buf head;
    const char *body;
    size_t used, body_len;
    buf_init(&head, MAX_MESSAGE);
    buf_printf(&head, "%s %s HTTP/1.1\r\nHost: r\r\n%sContent-Length: %zu\r\n\r\n", r->method,
               r->target, r->headers, r->len);
    MUST(!head.failed, "no memory");
    enum http_event event = http_parser_feed(parser, head.data, head.len, &used, &body, &body_len);
    MUST(event == HTTP_HEAD && used == head.len, "no request: %s", head.data);
    buf_close(&head);
    return http_parser_request(parser);
}

static void write_to(struct store *store, const struct client_request *r,
                     const struct http_request *request, const struct oci_route *route,
                     struct response *out)
{
    struct oci_write w;
    size_t len = r->cut < r->len ? r->cut : r->len;
    MUST(oci_write_begin(store, &rules, request, route, &w) == 0, "no memory");
    oci_write_body(&w, r->body, len / 2);
    if (len > 0) {
        oci_write_body(&w, (const char *)r->body + len / 2, len - len / 2);
    }
    if (r->cut < r->len) {
        oci_write_close(store, &w, r->keep);
        return;
    }
    client_finish(store, request, route, &w, out);
}

void client_ask(struct store *store, const struct client_request *r, struct response *out)
{
    struct oci_route route;
    struct http_parser *parser = http_parser_new();
    MUST(parser != NULL, "no memory");
    const struct http_request *request = send_head(parser, r);
    response_init(out);
    oci_route(request, &route);
    if (oci_is_write(route.op)) {
        write_to(store, r, request, &route, out);
    } else {
        MUST(oci_respond(store, request, &route, NULL, 0, out) == 0, "no memory");
        answer_check(out);
    }
    http_parser_free(parser);
}

bool client_header(const struct response *r, const char *name, char *out, size_t size)
{
    size_t name_len = strlen(name);
    const char *end = r->head + r->head_len;
    for (const char *at = r->head; at < end;) {
        const char *stop = memmem(at, (size_t)(end - at), "\r\n", 2);
        MUST(stop != NULL, "a header line does not end");
        size_t len = (size_t)(stop - at);
        if (len > name_len + 2 && strncasecmp(at, name, name_len) == 0 && at[name_len] == ':') {
            len -= name_len + 2;
            MUST(len < size, "a value of %zu bytes", len);
            memcpy(out, at + name_len + 2, len);
            out[len] = '\0';
            return true;
        }
        at = stop + 2;
    }
    return false;
}
