/* Requests to the OCI front, and what their answers say. */
#include "tests/lib/oci_ask.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX 8192

/* A request and the room its strings take. */
struct asked {
    struct http_request request;
    char path[TEXT_MAX];
    char query[TEXT_MAX];
    char headers[TEXT_MAX];
};

static void add_headers(struct asked *a, const char *headers)
{
    char *rest = NULL;
    (void)snprintf(a->headers, sizeof(a->headers), "%s", headers != NULL ? headers : "");
    for (char *line = strtok_r(a->headers, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *colon = strchr(line, ':');
        cr_assert_not_null(colon);
        *colon = '\0';
        a->request.headers[a->request.header_count++] =
            (struct http_header){line, colon + 1 + strspn(colon + 1, " ")};
    }
}

static void fill(struct asked *a, const struct oci_ask *ask)
{
    const char *mark = strchr(ask->target, '?');
    size_t path = mark != NULL ? (size_t)(mark - ask->target) : strlen(ask->target);
    cr_assert_lt(strlen(ask->target), TEXT_MAX);
    memset(&a->request, 0, sizeof(a->request));
    memcpy(a->path, ask->target, path);
    a->path[path] = '\0';
    (void)snprintf(a->query, sizeof(a->query), "%s", mark != NULL ? mark + 1 : "");
    a->request.method = ask->method;
    a->request.target = ask->target;
    a->request.path = a->path;
    a->request.query = mark != NULL ? a->query : NULL;
    a->request.minor = 1;
    a->request.has_body = ask->len > 0 || ask->chunked;
    a->request.content_length = ask->chunked ? 0 : ask->len;
    add_headers(a, ask->headers);
}

static void give_body(struct oci_write *w, const struct oci_ask *ask)
{
    const char *data = ask->body;
    size_t piece = ask->piece > 0 ? ask->piece : ask->len;
    for (size_t at = 0; at < ask->len; at += piece) {
        oci_write_body(w, data + at, ask->len - at < piece ? ask->len - at : piece);
    }
}

static void write_through(struct store *store, const struct oci_ask *ask,
                          const struct http_request *request, const struct oci_route *route,
                          struct response *r)
{
    struct oci_write w;
    struct store_job *job = NULL;
    response_init(r);
    cr_assert_eq(oci_write_begin(store, &ask->rules, request, route, &w), 0);
    give_body(&w, ask);
    cr_assert_eq(oci_write(store, &ask->rules, request, route, &w, &job, r), 0);
    if (job != NULL) {
        store_job_work(job);
        cr_assert_eq(oci_write_end(&w, job, r), 0);
    }
    oci_write_close(store, &w, false);
}

struct response oci_ask(struct store *store, const struct oci_ask *ask)
{
    struct asked a;
    struct oci_route route;
    struct response r;
    fill(&a, ask);
    oci_route(&a.request, &route);
    if (oci_is_write(route.op)) {
        write_through(store, ask, &a.request, &route, &r);
    } else {
        cr_assert_eq(oci_respond(store, &a.request, &route, NULL, 0, &r), 0);
    }
    cr_assert_eq(strlen(r.head), r.head_len);
    return r;
}

struct response oci_ask_text(struct store *store, const char *method, const char *target,
                             const char *headers, const char *body)
{
    struct oci_ask ask = {.method = method, .target = target, .headers = headers, .body = body};
    ask.len = body != NULL ? strlen(body) : 0;
    return oci_ask(store, &ask);
}

unsigned oci_ask_status(struct store *store, const char *method, const char *target,
                        const char *headers, const char *body)
{
    struct response r = oci_ask_text(store, method, target, headers, body);
    unsigned status = r.status;
    response_close(&r);
    return status;
}

const char *oci_told(const struct response *r, const char *name)
{
    static char value[RESPONSE_HEAD];
    size_t len = strlen(name);
    for (const char *at = r->head; *at != '\0'; at = strchr(at, '\n') + 1) {
        if (strncasecmp(at, name, len) == 0 && strncmp(at + len, ": ", 2) == 0) {
            (void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + len + 2, "\r"),
                           at + len + 2);
            return value;
        }
    }
    return "";
}

/* Member KEY of the INDEX-th error, or of its detail. */
static const char *of_error(const struct response *r, size_t index, bool detail, const char *key)
{
    static char text[2][256];
    char *out = text[detail];
    json_t *body = r->small != NULL ? json_loadb(r->small, r->len, 0, NULL) : NULL;
    const json_t *at = json_array_get(json_object_get(body, "errors"), index);
    const char *said =
        json_string_value(json_object_get(detail ? json_object_get(at, "detail") : at, key));
    (void)snprintf(out, sizeof(text[0]), "%s", said != NULL ? said : "");
    json_decref(body);
    return out;
}

const char *oci_code(const struct response *r, size_t index)
{
    return of_error(r, index, false, "code");
}

const char *oci_detail(const struct response *r, size_t index, const char *key)
{
    return of_error(r, index, true, key);
}

const char *oci_digest(const char *algorithm, const char *text)
{
    static char digest[4][DIGEST_TEXT];
    static size_t next;
    char *out = digest[next++ % 4];
    struct digest_stream *s = digest_stream_of(algorithm);
    cr_assert_not_null(s);
    digest_stream_update(s, text, strlen(text));
    cr_assert_eq(digest_stream_text(s, out), 0);
    return out;
}
