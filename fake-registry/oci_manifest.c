/* A manifest that is pushed (distribution-spec end-7): what it must be, and what is said of it.
 *
 * Happy path: the whole body is at hand; it has the digest that the path says, is a manifest of the
 * type that its head says, and becomes a job of the store with its tags. It is kept byte by byte.
 *
 * Failure modes, none of which keeps anything: too large (413), another digest (400
 * DIGEST_INVALID), no manifest or another type (400 MANIFEST_INVALID), more tags than can be told
 * (414), and where the registry asks for it, content that is not there (400 MANIFEST_BLOB_UNKNOWN).
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fake-registry/content_source.h"
#include "fake-registry/oci_internal.h"

#define TAG_SIZE 129
/* Missing content that is told of. */
#define MISSING_MAX 32

/* The tags that a push by digest names. */
struct tags {
    char text[OCI_MAX_TAGS][TAG_SIZE];
    const char *at[OCI_MAX_TAGS];
    size_t count;
    size_t bytes;
};

/* ---- the head ------------------------------------------------------------------------------ */

static bool by_digest(const struct oci_route *route)
{
    return strchr(route->reference, ':') != NULL;
}

/* 0: all of them; else the status of the refusal. */
static unsigned collect(const struct http_request *request, struct tags *tags)
{
    char tag[TAG_SIZE];
    const char *at = request->query;
    tags->count = 0;
    tags->bytes = 0;
    for (;;) {
        enum oci_value said = oci_query_next(&at, "tag", tag, sizeof(tag));
        if (said == OCI_ABSENT) {
            return 0;
        }
        if (said == OCI_BAD || !oci_tag_valid(tag)) {
            return 400;
        }
        size_t len = strlen(tag);
        tags->bytes += len + 2;
        if (tags->count == OCI_MAX_TAGS || tags->bytes > OCI_MAX_TAG_BYTES) {
            return 414;
        }
        memcpy(tags->text[tags->count], tag, len + 1);
        tags->at[tags->count] = tags->text[tags->count];
        tags->count++;
    }
}

int oci_manifest_begin(const struct http_request *request, const struct oci_route *route,
                       struct oci_write *w)
{
    struct tags tags;
    if (request->content_length > OCI_MAX_MANIFEST) {
        return oci_write_refuse(w, 413, "SIZE_INVALID", "the manifest is larger than 8 MiB");
    }
    switch (by_digest(route) ? collect(request, &tags) : 0) {
    case 400:
        return oci_write_refuse(w, 400, "TAG_INVALID", "a tag is malformed");
    case 414:
        return oci_write_refuse(w, 414, "SIZE_INVALID",
                                "more tags than one push may name: 32, of 1,300 bytes in all");
    default:
        return 0;
    }
}

/* ---- the body ------------------------------------------------------------------------------ */

/* The type that the head says, without parameters; empty where it says none. False: too long. */
static bool said_type(const struct http_request *request, char *out, size_t size)
{
    const char *header = http_request_header(request, "Content-Type");
    size_t len = header != NULL ? strcspn(header, "; \t") : 0;
    if (len >= size) {
        return false;
    }
    if (len > 0) {
        memcpy(out, header, len);
    }
    out[len] = '\0';
    return true;
}

/* The digest of what came, into DIGEST: of the algorithm in the path. False: another one than
 * there. */
static bool check_digest(const struct oci_route *route, const struct buf *body,
                         char digest[DIGEST_TEXT])
{
    if (!by_digest(route)) {
        return digest_sha256(body->data, body->len, digest) == 0;
    }
    struct digest_stream *s = digest_stream_new(route->reference);
    if (s == NULL) {
        return false;
    }
    digest_stream_update(s, body->data, body->len);
    memcpy(digest, route->reference, strlen(route->reference) + 1);
    return digest_stream_finish(s);
}

/* Reads the body. -1: E says what is wrong with it. */
static int read_body(const struct http_request *request, const struct buf *body,
                     struct content_list *list, struct err *e)
{
    char type[128];
    if (!said_type(request, type, sizeof(type))) {
        return err_set(e, ERR_INVALID, "the Content-Type is too long");
    }
    if (content_list_read(body->data, body->len, type, CONTENT_MAX_NAMED, list, e) != 0) {
        return -1;
    }
    if (list->own_type != NULL && strcmp(list->own_type, list->media_type) != 0) {
        (void)err_set(e, ERR_INVALID, "the mediaType is %.120s, the Content-Type says %.120s",
                      list->own_type, list->media_type);
        content_list_close(list);
        return -1;
    }
    return 0;
}

/* Whether REPOSITORY has what D describes: a manifest in an index, else a blob. */
static bool is_there(const struct store *store, const char *repository, bool manifest,
                     const struct content_descriptor *d)
{
    return d->elsewhere || (manifest && store_manifest(store, repository, d->digest) != NULL) ||
           store_blob(store, repository, d->digest) != NULL;
}

/* What LIST names and REPOSITORY has not; a subject may always be pushed later. */
static size_t missing(const struct store *store, const char *repository,
                      const struct content_list *list, const char **out)
{
    size_t count = 0;
    if (!list->index && !is_there(store, repository, false, &list->config)) {
        out[count++] = list->config.digest;
    }
    for (size_t i = 0; i < list->count && count < MISSING_MAX; i++) {
        if (!is_there(store, repository, list->index, &list->items[i])) {
            out[count++] = list->items[i].digest;
        }
    }
    return count;
}

/* ---- the answer ---------------------------------------------------------------------------- */

static void tell_tags(const struct tags *tags, struct response *out)
{
    char text[OCI_MAX_TAG_BYTES + 1];
    size_t len = 0;
    for (size_t i = 0; i < tags->count; i++) {
        size_t tag = strlen(tags->at[i]);
        if (i > 0) {
            memcpy(text + len, ", ", 2);
            len += 2;
        }
        memcpy(text + len, tags->at[i], tag);
        len += tag;
    }
    if (len > 0) {
        text[len] = '\0';
        response_header_text(out, "OCI-Tag", text);
    }
}

/* Content for the store out of the body; NULL: no memory, or a type that is too long. */
static struct content *take_content(struct oci_write *w, const char *digest, const char *type,
                                    struct err *e)
{
    size_t len = w->manifest.len;
    char *data = buf_take(&w->manifest);
    struct content *c =
        data != NULL ? content_verified_take((uint8_t *)data, -1, len, digest, type, e) : NULL;
    if (c == NULL) {
        free(data);
    }
    return c;
}

static int keep(struct store *store, const struct http_request *request,
                const struct oci_route *route, const struct content_list *list, const char *digest,
                struct oci_write *w, struct store_job **job, struct response *out)
{
    struct err e = {.code = ERR_NONE};
    struct tags tags = {.count = 0};
    if (by_digest(route)) {
        (void)collect(request, &tags); /* as in the beginning */
    }
    struct content *c = take_content(w, digest, list->media_type, &e);
    if (c == NULL) {
        return -1;
    }
    const char *own[] = {route->reference};
    *job = by_digest(route)
               ? store_job_manifest(store, route->repository, c, tags.at, tags.count, &e)
               : store_job_manifest(store, route->repository, c, own, 1, &e);
    content_unref(c);
    if (*job == NULL) {
        return oci_store_error(out, &e);
    }
    oci_empty(&w->answer, 201);
    response_header(&w->answer, "Location", "/v2/%s/manifests/%s", route->repository, digest);
    response_header_text(&w->answer, "Docker-Content-Digest", digest);
    if (list->subject[0] != '\0') {
        response_header_text(&w->answer, "OCI-Subject", list->subject);
    }
    tell_tags(&tags, &w->answer);
    return 0;
}

int oci_manifest_put(struct store *store, const struct oci_rules *rules,
                     const struct http_request *request, const struct oci_route *route,
                     struct oci_write *w, struct store_job **job, struct response *out)
{
    struct err e = {.code = ERR_NONE};
    struct content_list list = {.index = false};
    const char *unknown[MISSING_MAX];
    char digest[DIGEST_TEXT];
    const char *told = route->reference;
    if (w->manifest.failed) {
        return -1;
    }
    if (w->manifest.len == 0) {
        return response_error(out, 400, "MANIFEST_INVALID", "no manifest came");
    }
    if (!check_digest(route, &w->manifest, digest)) {
        return oci_error(out, 400, "DIGEST_INVALID",
                         "provided digest did not match uploaded content", "digest", &told, 1);
    }
    if (read_body(request, &w->manifest, &list, &e) != 0) {
        return e.code == ERR_NOMEM ? -1 : response_error(out, 400, "MANIFEST_INVALID", e.text);
    }
    size_t count = rules->refuse_sparse ? missing(store, route->repository, &list, unknown) : 0;
    int result = count > 0 ? oci_error(out, 400, "MANIFEST_BLOB_UNKNOWN",
                                       "manifest references a manifest or blob unknown to registry",
                                       "digest", unknown, count)
                           : keep(store, request, route, &list, digest, w, job, out);
    content_list_close(&list);
    return result;
}
