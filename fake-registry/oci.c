/* Operations to responses: manifests, blobs and the way to the listings. Reads a store through
 * the views of the faults that fired; the store itself never changes. */
#include "fake-registry/oci.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/oci_internal.h"

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

static void carry(struct response *out, struct content *c, const char *media_type)
{
    out->content = content_ref(c);
    out->len = c->size;
    response_header_text(out, "Docker-Distribution-Api-Version", "registry/2.0");
    response_header_text(out, "Content-Type", media_type);
    response_header_text(out, "Docker-Content-Digest", c->digest);
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
        return oci_unknown(view->store, route, "MANIFEST_UNKNOWN", "manifest unknown", out);
    }
    carry(out, c, c->media_type);
    out->told = c->digest;
    return 0;
}

/* Narrows OUT, which carries all of C, to the single range that is asked for. There are no
 * validators here, so a condition on one (If-Range) never holds and the range is ignored. */
static int narrow(const struct http_request *request, const struct content *c, struct response *out)
{
    uint64_t from = 0;
    uint64_t len = 0;
    const char *range = http_request_header(request, "Range");
    if (range == NULL || http_request_header(request, "If-Range") != NULL) {
        return 0;
    }
    switch (http_range_parse(range, c->size, &from, &len)) {
    case HTTP_RANGE_NONE:
        return 0;
    case HTTP_RANGE_OK:
        out->status = 206;
        out->from = from;
        out->len = len;
        response_header(out, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, from,
                        from + len - 1, c->size);
        return 0;
    case HTTP_RANGE_UNSATISFIABLE:
        break;
    }
    uint64_t size = c->size;
    if (response_error(out, 416, NULL, "the range lies outside the blob") != 0) {
        return -1;
    }
    response_header(out, "Content-Range", "bytes */%" PRIu64, size);
    return 0;
}

static int blob(const struct oci_view *view, const struct http_request *request,
                const struct oci_route *route, struct response *out)
{
    struct content *c = store_blob(view->store, route->repository, route->reference);
    if (c == NULL || oci_view_hides(view, fault_hides_blob, route->repository, route->reference)) {
        return oci_unknown(view->store, route, "BLOB_UNKNOWN", "blob unknown to registry", out);
    }
    carry(out, c, "application/octet-stream");
    response_header_text(out, "Accept-Ranges", "bytes");
    return out->head_only ? 0 : narrow(request, c, out);
}

int oci_say(struct response *out, const char *media_type, const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    if (copy == NULL) {
        return -1;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    response_take_small(out, copy, len);
    response_header_text(out, "Docker-Distribution-Api-Version", "registry/2.0");
    response_header_text(out, "Content-Type", media_type);
    return 0;
}

/* The namespace that a client says it asks for (`ns`), where that can be a host: it is told back,
 * though nothing here depends on it. */
static void tell_namespace(const struct http_request *request, struct response *out)
{
    char host[256];
    if (request->query == NULL || oci_query(request->query, "ns", host, sizeof(host)) != OCI_GOOD) {
        return;
    }
    size_t len = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              ".-_:[]");
    if (len > 0 && host[len] == '\0') {
        response_header_text(out, "OCI-Namespace", host);
    }
}

static int respond(const struct oci_view *view, const struct http_request *request,
                   const struct oci_route *route, struct response *out)
{
    if (route->bad != NULL) {
        return oci_refuse_route(route, out);
    }
    switch (route->op) {
    case OP_MANIFEST_GET:
    case OP_MANIFEST_HEAD:
        return manifest(view, request, route, out);
    case OP_BLOB_GET:
    case OP_BLOB_HEAD:
        return blob(view, request, route, out);
    case OP_PING:
        return oci_say(out, "application/json", "{}", 2);
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
