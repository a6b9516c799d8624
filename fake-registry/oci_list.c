/* Listings: tags and the catalogue, with their paging (n, last, Link). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/oci_internal.h"

/* 65,536 names of 256 bytes, quoted. */
#define LIST_MAX (20u << 20)

bool oci_page_init(struct oci_page *page, const char *query)
{
    char text[24];
    *page = (struct oci_page){.n = UINT64_MAX};
    if (query == NULL) {
        return true;
    }
    if (!http_query(query, "last", page->last, sizeof(page->last))) {
        page->last[0] = '\0';
    }
    switch (http_query_param(query, "n", text, sizeof(text))) {
    case HTTP_PARAM_ABSENT:
        return true;
    case HTTP_PARAM_GOOD:
        break;
    case HTTP_PARAM_BAD:
        return false;
    }
    char *end = text;
    page->n = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0';
}

/* Writes NAME where it belongs to the page; false once the page is full. */
static bool page_add(struct oci_page *page, const char *name, struct buf *b)
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
static int page_finish(const struct oci_page *page, const char *path, struct buf *b,
                       struct response *out)
{
    int result = oci_say(out, "application/json", b);
    if (result == 0 && page->more && page->end != NULL) {
        response_header(out, "Link", "<%s?last=%s&n=%" PRIu64 ">; rel=\"next\"", path, page->end,
                        page->n);
    }
    return result;
}

int oci_bad_number(struct response *out)
{
    return response_error(out, 400, "PAGINATION_NUMBER_INVALID", "n is not a number");
}

int oci_tags(const struct oci_view *view, const struct http_request *request,
             const struct oci_route *route, struct response *out)
{
    struct oci_page page;
    struct buf b;
    char path[OCI_MAX_NAME + 16];
    const char *repository = route->repository;
    if (!store_has_repository(view->store, repository)) {
        return oci_error(out, 404, "NAME_UNKNOWN", "repository name not known to registry", "name",
                         &repository, 1);
    }
    if (!oci_page_init(&page, request->query)) {
        return oci_bad_number(out);
    }
    buf_init(&b, LIST_MAX);
    buf_str(&b, "{\"name\":");
    buf_json_string(&b, repository, strlen(repository));
    buf_str(&b, ",\"tags\":[");
    const char *tag = NULL;
    for (size_t i = 0; (tag = store_tag(view->store, repository, i)) != NULL; i++) {
        /* What a tag stands for is looked up only where it may be hidden: there may be many. */
        bool hidden =
            view->count > 0 && oci_view_hides(view, fault_hides_manifest, repository,
                                              store_manifest(view->store, repository, tag)->digest);
        if (!hidden && !page_add(&page, tag, &b)) {
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
    struct oci_page page;
    struct buf b;
    if (!oci_page_init(&page, request->query)) {
        return oci_bad_number(out);
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
