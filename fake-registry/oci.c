/* Operations to responses: manifests, blobs and the way to the listings. Reads a store through
 * the views of the faults that fired; the store itself never changes. */
#include "fake-registry/oci.h"

#include <inttypes.h>
#include <string.h>

#include "fake-registry/oci_internal.h"

#define BLOB_TYPE "application/octet-stream"
#define PING_BODY 8
/* Of a path that is led to the right one; with that it fits a head. */
#define MAX_QUERY 512

bool oci_view_hides(const struct oci_view *view, oci_hides *hides, const char *repository,
                    const char *reference)
{
    for (size_t i = 0; i < view->count; i++) {
        const struct fault_decision *d = &view->decisions[i];
        if (d->fired && d->rule->kind->stage == STAGE_STORE &&
            hides(d->rule, repository, reference)) {
            return true;
        }
    }
    return false;
}

const char *oci_resolve(const struct store *store, const struct oci_route *route)
{
    const struct content *c = NULL;
    if (route->bad != NULL) {
        return NULL;
    }
    if (op_is_manifest(route->op)) {
        c = store_manifest(store, route->repository, route->reference);
    } else if (op_is_blob(route->op)) {
        c = store_blob(store, route->repository, route->reference);
    }
    return c != NULL ? c->digest : NULL;
}

/* What every answer about content says, and what one about a blob says: that is what its name says
 * for ever, so it may be cached, as Docker's registry allows. */
#define API_LINE "Docker-Distribution-Api-Version: registry/2.0\r\n"
#define CACHE_LINE "Cache-Control: max-age=31536000\r\n"
#define LINES(out, text) response_header_lines(out, text, sizeof(text) - 1)

/* All of C, whose other headers were told. */
static void carry(struct response *out, struct content *c, const char *media_type)
{
    out->content = content_ref(c);
    out->len = c->size;
    response_header_text(out, "Content-Type", media_type);
    response_header_digest(out, c->digest);
}

/* The client has C already. */
static void carry_nothing(struct response *out, struct content *c)
{
    out->status = 304;
    out->content = content_ref(c);
    response_header_digest(out, c->digest);
}

static int refuse_condition(struct response *out)
{
    return response_error(out, 412, NULL, "what is asked for is not what the condition names");
}

/* What the reference stands for as the views show it: a stale tag stands for another image. */
static struct content *manifest_seen(const struct oci_view *view, const struct oci_route *route)
{
    for (size_t i = 0; i < view->count; i++) {
        const struct fault_decision *d = &view->decisions[i];
        if (d->fired && fault_shows_stale(d->rule, route->repository, route->reference)) {
            return store_manifest(view->store, route->repository, d->rule->image->digest);
        }
    }
    return store_manifest(view->store, route->repository, route->reference);
}

static int manifest(const struct oci_view *view, const struct http_request *request,
                    const struct oci_route *route, struct response *out)
{
    struct content *c = oci_negotiate(view->store, request, route, manifest_seen(view, route));
    if (c == NULL || oci_view_hides(view, fault_hides_manifest, route->repository, c->digest)) {
        return oci_unknown(route, "MANIFEST_UNKNOWN", "manifest unknown", out);
    }
    switch (http_condition(request, c->digest, true)) {
    case HTTP_FAILED:
        return refuse_condition(out);
    case HTTP_NOT_MODIFIED:
        LINES(out, API_LINE);
        carry_nothing(out, c);
        break;
    case HTTP_HOLDS:
        LINES(out, API_LINE);
        carry(out, c, c->media_type);
        break;
    }
    out->told = c->digest;
    return 0;
}

static void carry_blob(struct response *out, struct content *c, const char *media_type)
{
    LINES(out, API_LINE CACHE_LINE "Accept-Ranges: bytes\r\n");
    carry(out, c, media_type);
}

static int refuse_range(struct response *out, const struct content *c)
{
    if (response_error(out, 416, NULL, "the range lies outside the blob") != 0) {
        return -1;
    }
    response_header(out, "Content-Range", "bytes */%" PRIu64, c->size);
    return 0;
}

static int carry_parts(struct response *out, struct content *c, const struct http_span *span,
                       size_t count)
{
    struct multipart *parts = multipart_new(span, count, c->size, c->digest, BLOB_TYPE);
    if (parts == NULL) {
        return -1;
    }
    carry_blob(out, c, parts->type);
    out->parts = parts;
    out->len = parts->len;
    out->status = 206;
    return 0;
}

/* The ranges of C that RANGE asks for. */
static int carry_ranges(const char *range, struct content *c, struct response *out)
{
    struct http_span span[HTTP_MAX_RANGES];
    size_t count = 0;
    switch (http_range_parse(range, c->size, span, &count)) {
    case HTTP_RANGE_NONE:
        carry_blob(out, c, BLOB_TYPE);
        return 0;
    case HTTP_RANGE_UNSATISFIABLE:
        return refuse_range(out, c);
    case HTTP_RANGE_OK:
        break;
    }
    if (count > 1) {
        return carry_parts(out, c, span, count);
    }
    carry_blob(out, c, BLOB_TYPE);
    out->status = 206;
    out->from = span[0].from;
    out->len = span[0].len;
    response_header(out, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, out->from,
                    out->from + out->len - 1, c->size);
    return 0;
}

static int blob(const struct oci_view *view, const struct http_request *request,
                const struct oci_route *route, struct response *out)
{
    struct content *c = store_blob(view->store, route->repository, route->reference);
    if (c == NULL || oci_view_hides(view, fault_hides_blob, route->repository, route->reference)) {
        return oci_unknown(route, "BLOB_UNKNOWN", "blob unknown to registry", out);
    }
    switch (http_condition(request, c->digest, false)) {
    case HTTP_FAILED:
        return refuse_condition(out);
    case HTTP_NOT_MODIFIED:
        LINES(out, API_LINE CACHE_LINE);
        carry_nothing(out, c);
        return 0;
    case HTTP_HOLDS:
        break;
    }
    /* Ranges are of GET alone (RFC 9110 section 14.2). */
    const char *range = out->head_only ? NULL : http_request_header(request, "Range");
    if (range != NULL && http_if_range(request, c->digest)) {
        return carry_ranges(range, c, out);
    }
    carry_blob(out, c, BLOB_TYPE);
    return 0;
}

int oci_say(struct response *out, const char *media_type, struct buf *b)
{
    if (response_take_buf(out, b) != 0) {
        return -1;
    }
    response_header_text(out, "Docker-Distribution-Api-Version", "registry/2.0");
    response_header_text(out, "Content-Type", media_type);
    return 0;
}

static int ping(struct response *out)
{
    struct buf b;
    buf_init(&b, PING_BODY);
    buf_str(&b, "{}");
    return oci_say(out, "application/json", &b);
}

/* The namespace that a client says it asks for (`ns`), where that can be a host: it is told back,
 * though nothing here depends on it. */
static void tell_namespace(const struct http_request *request, struct response *out)
{
    char host[256];
    if (!http_query(request->query, "ns", host, sizeof(host))) {
        return;
    }
    size_t len = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              ".-_:[]");
    if (len > 0 && host[len] == '\0') {
        response_header_text(out, "OCI-Namespace", host);
    }
}

/* Docker's registry, too, leads to the path that was meant. Relative, as it may be behind a proxy
 * under another name. */
static int show_way(const struct http_request *request, struct response *out)
{
    char right[OCI_MAX_RIGHT_PATH];
    const char *query = request->query;
    if (!oci_right_path(request->path, right) || (query != NULL && strlen(query) > MAX_QUERY)) {
        return response_error(out, 404, NULL, "no such endpoint");
    }
    oci_empty(out, 301);
    response_header(out, "Location", "%s%s%s", right, query != NULL ? "?" : "",
                    query != NULL ? query : "");
    return 0;
}

static int respond(const struct oci_view *view, const struct http_request *request,
                   const struct oci_route *route, struct response *out)
{
    if (route->bad != NULL) {
        return oci_refuse_route(route, out);
    }
    if (route->astray) {
        return show_way(request, out);
    }
    switch (route->op) {
    case OP_MANIFEST_GET:
    case OP_MANIFEST_HEAD:
        return manifest(view, request, route, out);
    case OP_BLOB_GET:
    case OP_BLOB_HEAD:
        return blob(view, request, route, out);
    case OP_PING:
        return ping(out);
    case OP_TAGS:
        return oci_tags(view, request, route, out);
    case OP_CATALOG:
        return oci_catalog(view, request, out);
    case OP_REFERRERS:
        return oci_referrers(view, request, route, out);
    case OP_UPLOAD_STATUS:
        return oci_upload_status(view->store, route, out);
    default:
        return response_error(out, 404, NULL, "no such endpoint");
    }
}

int oci_respond(const struct store *store, const struct http_request *request,
                const struct oci_route *route, const struct fault_decision *decisions, size_t count,
                struct response *out)
{
    struct oci_view view = {store, decisions, count};
    response_init(out);
    out->head_only = strcmp(request->method, "HEAD") == 0;
    if (respond(&view, request, route, out) != 0) {
        return -1;
    }
    tell_namespace(request, out);
    return 0;
}
