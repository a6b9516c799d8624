/* The referrers of a manifest (distribution-spec end-12): an index of descriptors, filtered by
 * artifact type, in pages that no client refuses for their size. */
#include <inttypes.h>
#include <string.h>

#include "fake-registry/image.h"
#include "fake-registry/oci_internal.h"

/* A page ends before it would be larger than what every client takes of a manifest. */
#define PAGE_BYTES (4u << 20)
/* One descriptor may be larger than a page: its annotations are what a manifest can hold. */
#define LIST_MAX (PAGE_BYTES + 4 * OCI_MAX_MANIFEST)
#define FILTER_MAX 256

struct listing {
    const struct oci_view *view;
    const struct oci_route *route;
    struct oci_page page;
    char filter[FILTER_MAX];
    bool filtered;
    struct buf body;
};

static void add_text(struct buf *b, const char *key, const char *text)
{
    buf_printf(b, ",\"%s\":", key);
    buf_json_string(b, text, strlen(text));
}

static void write_descriptor(struct buf *b, const struct content *c)
{
    buf_str(b, "{\"mediaType\":");
    buf_json_string(b, c->media_type, strlen(c->media_type));
    buf_printf(b, ",\"size\":%" PRIu64 ",\"digest\":\"%s\"", c->size, c->digest);
    if (c->referrer->artifact_type != NULL) {
        add_text(b, "artifactType", c->referrer->artifact_type);
    }
    if (c->referrer->annotations != NULL) {
        buf_str(b, ",\"annotations\":");
        buf_str(b, c->referrer->annotations);
    }
    buf_char(b, '}');
}

static bool is_asked_for(const struct listing *l, const struct content *c)
{
    const char *type = c->referrer->artifact_type != NULL ? c->referrer->artifact_type : "";
    return strcmp(c->digest, l->page.last) > 0 && (!l->filtered || strcmp(type, l->filter) == 0) &&
           !oci_view_hides(l->view, fault_hides_manifest, l->route->repository, c->digest);
}

/* False once the page is full: what does not fit is taken back. */
static bool add(struct listing *l, const struct content *c)
{
    struct buf *b = &l->body;
    size_t before = b->len;
    if (l->page.taken == l->page.n) {
        l->page.more = true;
        return false;
    }
    if (l->page.taken > 0) {
        buf_char(b, ',');
    }
    write_descriptor(b, c);
    if (l->page.taken > 0 && !b->failed && b->len > PAGE_BYTES - 16) {
        b->len = before;
        b->data[before] = '\0';
        l->page.more = true;
        return false;
    }
    l->page.taken++;
    l->page.end = c->digest;
    return true;
}

/* TEXT as it may stand in a query. */
static void encode(struct buf *b, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-._~/";
    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL) {
            buf_char(b, *text);
        } else {
            buf_printf(b, "%%%02X", (unsigned char)*text);
        }
    }
}

static void link_next(const struct listing *l, struct response *out)
{
    struct buf b;
    buf_init(&b, RESPONSE_HEAD / 2);
    buf_printf(&b, "</v2/%s/referrers/%s?last=%s", l->route->repository, l->route->reference,
               l->page.end);
    if (l->page.n != UINT64_MAX) {
        buf_printf(&b, "&n=%" PRIu64, l->page.n);
    }
    if (l->filtered) {
        buf_str(&b, "&artifactType=");
        encode(&b, l->filter);
    }
    buf_str(&b, ">; rel=\"next\"");
    if (!b.failed) {
        response_header_text(out, "Link", b.data);
    }
    buf_close(&b);
}

static int say(struct listing *l, struct response *out)
{
    if (oci_say(out, IMAGE_INDEX_TYPE, &l->body) != 0) {
        return -1;
    }
    if (l->filtered) {
        response_header_text(out, "OCI-Filters-Applied", "artifactType");
    }
    if (l->page.more && l->page.end != NULL) {
        link_next(l, out);
    }
    return 0;
}

static int list(struct listing *l, struct response *out)
{
    const struct content *c = NULL;
    const char *repository = l->route->repository;
    buf_init(&l->body, LIST_MAX);
    buf_str(&l->body,
            "{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_INDEX_TYPE "\",\"manifests\":[");
    for (size_t i = 0;
         (c = store_referrer(l->view->store, repository, l->route->reference, i)) != NULL; i++) {
        if (is_asked_for(l, c) && !add(l, c)) {
            break;
        }
    }
    buf_str(&l->body, "]}\n");
    return say(l, out);
}

int oci_referrers(const struct oci_view *view, const struct http_request *request,
                  const struct oci_route *route, struct response *out)
{
    struct listing l = {.view = view, .route = route};
    if (!oci_page_init(&l.page, request->query)) {
        return oci_bad_number(out);
    }
    switch (http_query_param(request->query, "artifactType", l.filter, sizeof(l.filter))) {
    case HTTP_PARAM_BAD:
        return response_error(out, 400, "UNSUPPORTED", "artifactType is malformed");
    case HTTP_PARAM_GOOD:
        l.filtered = l.filter[0] != '\0';
        break;
    case HTTP_PARAM_ABSENT:
        break;
    }
    return list(&l, out);
}
