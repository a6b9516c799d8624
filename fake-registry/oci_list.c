/* Listings: tags and the catalogue with their paging (n, last, Link), and referrers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/image.h"
#include "fake-registry/oci_internal.h"

/* 65,536 names of 256 bytes, quoted. */
#define LIST_MAX (20u << 20)

/* One page of a sorted list: the names after LAST, at most N of them. */
struct page {
    uint64_t n;
    char last[OCI_MAX_NAME];
    uint64_t taken;
    bool more;
    const char *end; /* the last name taken */
};

/* False where n is no number. */
static bool page_init(struct page *page, const char *query)
{
    char text[24];
    *page = (struct page){.n = UINT64_MAX};
    if (query == NULL) {
        return true;
    }
    if (!http_query(query, "last", page->last, sizeof(page->last))) {
        page->last[0] = '\0';
    }
    if (http_query(query, "n", text, sizeof(text))) {
        char *end = text;
        page->n = strtoull(text, &end, 10);
        return *text >= '0' && *text <= '9' && *end == '\0';
    }
    /* Present, but not to be decoded, or too long for any number. */
    return strncmp(query, "n=", 2) != 0 && strstr(query, "&n=") == NULL;
}

/* Writes NAME where it belongs to the page; false once the page is full. */
static bool page_add(struct page *page, const char *name, struct buf *b)
{
    if (strcmp(name, page->last) <= 0) {
        return true;
    }
    if (page->taken == page->n) {
        page->more = true;
        return false;
    }
    if (page->taken > 0) {
        buf_char(b, ',');
    }
    buf_json_string(b, name, strlen(name));
    page->taken++;
    page->end = name;
    return true;
}

/* Answers with what is in B; PATH is the list's own, for the link to the next page. */
static int page_finish(const struct page *page, const char *path, struct buf *b,
                       struct response *out)
{
    int result = b->failed ? -1 : oci_say(out, "application/json", b->data, b->len);
    buf_close(b);
    if (result == 0 && page->more && page->end != NULL) {
        response_header(out, "Link", "<%s?last=%s&n=%" PRIu64 ">; rel=\"next\"", path, page->end,
                        page->n);
    }
    return result;
}

static int bad_number(struct response *out)
{
    return response_error(out, 400, "PAGINATION_NUMBER_INVALID", "n is not a number");
}

int oci_tags(const struct oci_view *view, const struct http_request *request,
             const struct oci_route *route, struct response *out)
{
    struct page page;
    struct buf b;
    char path[OCI_MAX_NAME + 16];
    const char *repository = route->repository;
    if (!store_has_repository(view->store, repository)) {
        return response_error(out, 404, "NAME_UNKNOWN", "repository name not known to registry");
    }
    if (!page_init(&page, request->query)) {
        return bad_number(out);
    }
    buf_init(&b, LIST_MAX);
    buf_str(&b, "{\"name\":");
    buf_json_string(&b, repository, strlen(repository));
    buf_str(&b, ",\"tags\":[");
    const char *tag = NULL;
    for (size_t i = 0; (tag = store_tag(view->store, repository, i)) != NULL; i++) {
        const char *digest = store_manifest(view->store, repository, tag)->digest;
        if (!oci_view_hides(view, fault_hides_manifest, repository, digest) &&
            !page_add(&page, tag, &b)) {
            break;
        }
    }
    buf_str(&b, "]}\n");
    (void)snprintf(path, sizeof(path), "/v2/%s/tags/list", repository);
    return page_finish(&page, path, &b, out);
}

int oci_catalog(const struct oci_view *view, const struct http_request *request,
                struct response *out)
{
    struct page page;
    struct buf b;
    if (!page_init(&page, request->query)) {
        return bad_number(out);
    }
    buf_init(&b, LIST_MAX);
    buf_str(&b, "{\"repositories\":[");
    const char *name = NULL;
    for (size_t i = 0; (name = store_repository(view->store, i)) != NULL; i++) {
        if (!page_add(&page, name, &b)) {
            break;
        }
    }
    buf_str(&b, "]}\n");
    return page_finish(&page, "/v2/_catalog", &b, out);
}

int oci_referrers(const struct http_request *request, struct response *out)
{
    static const char index[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_INDEX_TYPE "\",\"manifests\":[]}";
    char filter[256];
    if (oci_say(out, IMAGE_INDEX_TYPE, index, sizeof(index) - 1) != 0) {
        return -1;
    }
    if (request->query != NULL &&
        http_query(request->query, "artifactType", filter, sizeof(filter))) {
        response_header_text(out, "OCI-Filters-Applied", "artifactType");
    }
    return 0;
}
