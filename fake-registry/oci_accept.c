/* What a client that says which manifests it takes is served.
 *
 * A manifest goes out as it was pushed, whatever `Accept` says, as most registries do: other bytes
 * would have another digest. One old client is helped as Docker's own registry helps it: it asks
 * for a tag and names Docker's manifests, but no list, and the tag stands for a Docker list. It is
 * given the list's manifest for linux/amd64, under that one's digest.
 */
#include <string.h>
#include <strings.h>

#include "fake-registry/content_source.h"
#include "fake-registry/oci_internal.h"

/* Children of a list that are looked at. */
#define CHILDREN_MAX 1024

/* Whether one of the media ranges in HEADER is TYPE; parameters do not count. */
static bool names(const char *header, const char *type)
{
    size_t want = strlen(type);
    for (const char *at = header; *at != '\0';) {
        at += strspn(at, " \t,");
        size_t len = strcspn(at, ",");
        size_t word = strcspn(at, ",; \t");
        if (word == want && strncasecmp(at, type, want) == 0) {
            return true;
        }
        at += len;
    }
    return false;
}

/* Whether any Accept of REQUEST names TYPE. */
static bool accepts(const struct http_request *request, const char *type)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, "Accept") == 0 &&
            names(request->headers[i].value, type)) {
            return true;
        }
    }
    return false;
}

static bool takes_no_list(const struct http_request *request)
{
    return accepts(request, DOCKER_MANIFEST_TYPE) && !accepts(request, DOCKER_LIST_TYPE) &&
           !accepts(request, "*/*") && !accepts(request, "application/*");
}

/* The manifest for linux/amd64 of the list C; NULL where there is none. */
static struct content *default_child(const struct store *store, const char *repository,
                                     const struct content *c)
{
    struct content_list list;
    struct content *child = NULL;
    if (content_list_read(c->data, c->size, c->media_type, CHILDREN_MAX, &list, NULL) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < list.count && child == NULL; i++) {
        const struct image_platform *p = &list.items[i].platform;
        if (strcmp(p->os, "linux") == 0 && strcmp(p->architecture, "amd64") == 0) {
            child = store_manifest(store, repository, list.items[i].digest);
        }
    }
    content_list_close(&list);
    return child != NULL && strcmp(child->media_type, DOCKER_MANIFEST_TYPE) == 0 ? child : NULL;
}

struct content *oci_negotiate(const struct store *store, const struct http_request *request,
                              const struct oci_route *route, struct content *c)
{
    if (c == NULL || c->data == NULL || strcmp(c->media_type, DOCKER_LIST_TYPE) != 0 ||
        strchr(route->reference, ':') != NULL || !takes_no_list(request)) {
        return c;
    }
    struct content *child = default_child(store, route->repository, c);
    return child != NULL ? child : c;
}
