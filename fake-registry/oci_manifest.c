/* A manifest that is pushed (distribution-spec end-7): what it must be, and what is said of it.
 *
 * Happy path: the whole body is at hand; it has the digest that the path says, is a manifest of the
 * type that its head says, and becomes a job of the store with its tags. It is kept byte by byte.
 * To read it takes long where it is large (a tenth of a second for 4 MiB), so that is apart from
 * what needs the store, and touches nothing that others do.
 *
 * Failure modes, none of which keeps anything: too large (413), another digest (400
 * DIGEST_INVALID), no manifest or another type (400 MANIFEST_INVALID), more tags than can be told
 * (414), and where the registry asks for it, content that is not there (400 MANIFEST_BLOB_UNKNOWN).
 */
#include <stdlib.h>
#include <string.h>

#include "fake-registry/content_source.h"
#include "fake-registry/oci_internal.h"

#define TAG_SIZE 129
/* A larger body is not read while others wait. */
#define READ_INLINE ((size_t)64 << 10)
/* Missing content that is told of. */
#define MISSING_MAX 32

/* A body that is read, and what of its request that needs. */
struct oci_manifest {
    char type[128]; /* as the head says it */
    bool type_fits;
    char reference[OCI_MAX_REFERENCE];
    char digest[DIGEST_TEXT]; /* of what came */
    bool matches;             /* … and as the path says */
    struct content_list list;
    struct referrer *referrer; /* what is listed of it; NULL: it has no subject */
    struct err err;            /* why it is none that is taken */
};

/* The tags that a push by digest names. */
struct tags {
    char text[OCI_MAX_TAGS][TAG_SIZE];
    const char *at[OCI_MAX_TAGS];
    size_t count;
    size_t bytes;
};

/* ---- the head ------------------------------------------------------------------------------ */

static bool by_digest(const char *reference)
{
    return strchr(reference, ':') != NULL;
}

/* 0: all of them; else the status of the refusal. */
static unsigned collect(const struct http_request *request, struct tags *tags)
{
    char tag[TAG_SIZE];
    const char *at = request->query;
    tags->count = 0;
    tags->bytes = 0;
    for (;;) {
        enum http_param said = http_query_next(&at, "tag", tag, sizeof(tag));
        if (said == HTTP_PARAM_ABSENT) {
            return 0;
        }
        if (said == HTTP_PARAM_BAD || !oci_tag_valid(tag)) {
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
    switch (by_digest(route->reference) ? collect(request, &tags) : 0) {
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

/* The digest of what came: of the algorithm in the path. False: another one than there. */
static bool check_digest(struct oci_manifest *m, const struct buf *body)
{
    if (!by_digest(m->reference)) {
        return digest_sha256(body->data, body->len, m->digest) == 0;
    }
    struct digest_stream *s = digest_stream_new(m->reference);
    if (s == NULL) {
        return false;
    }
    digest_stream_update(s, body->data, body->len);
    memcpy(m->digest, m->reference, strlen(m->reference) + 1);
    return digest_stream_finish(s);
}

/* Reads the body. M's err says what is wrong with it. */
static void read_body(struct oci_manifest *m, const struct buf *body)
{
    struct content_list *list = &m->list;
    if (!m->type_fits) {
        (void)err_set(&m->err, ERR_INVALID, "the Content-Type is too long");
        return;
    }
    if (content_list_read(body->data, body->len, m->type, CONTENT_MAX_NAMED, list, &m->err) != 0) {
        return;
    }
    if (list->own_type != NULL && strcmp(list->own_type, list->media_type) != 0) {
        (void)err_set(&m->err, ERR_INVALID, "the mediaType is %.120s, the Content-Type says %.120s",
                      list->own_type, list->media_type);
    } else {
        (void)content_list_referrer(list, &m->referrer, &m->err);
    }
    content_list_forget(list); /* here: that takes long, too */
}

static struct oci_manifest *manifest_new(const struct http_request *request,
                                         const struct oci_route *route)
{
    struct oci_manifest *m = calloc(1, sizeof(*m));
    if (m != NULL) {
        m->type_fits = said_type(request, m->type, sizeof(m->type));
        memcpy(m->reference, route->reference, sizeof(m->reference));
    }
    return m;
}

void oci_manifest_free(struct oci_manifest *m)
{
    if (m != NULL) {
        content_list_close(&m->list);
        referrer_free(m->referrer);
        free(m);
    }
}

bool oci_write_slow(struct oci_write *w, const struct http_request *request,
                    const struct oci_route *route)
{
    if (!w->takes_manifest || w->refused || w->read != NULL || w->manifest.failed ||
        w->manifest.len <= READ_INLINE) {
        return false;
    }
    w->read = manifest_new(request, route);
    return w->read != NULL;
}

void oci_write_read(struct oci_write *w)
{
    struct oci_manifest *m = w->read;
    m->matches = check_digest(m, &w->manifest);
    if (m->matches) {
        read_body(m, &w->manifest);
    }
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
static struct content *take_content(struct oci_write *w, struct err *e)
{
    struct oci_manifest *m = w->read;
    size_t len = w->manifest.len;
    char *data = buf_take(&w->manifest);
    struct content *c = data != NULL ? content_verified_take((uint8_t *)data, -1, len, m->digest,
                                                             m->list.media_type, e)
                                     : NULL;
    if (c == NULL) {
        free(data);
        return NULL;
    }
    content_refer_take(c, m->referrer);
    m->referrer = NULL;
    return c;
}

static int keep(struct store *store, const struct http_request *request,
                const struct oci_route *route, struct oci_write *w, struct store_job **job,
                struct response *out)
{
    struct err e = {.code = ERR_NONE};
    struct tags tags = {.count = 0};
    const struct oci_manifest *m = w->read;
    if (by_digest(route->reference)) {
        (void)collect(request, &tags); /* as in the beginning */
    }
    struct content *c = take_content(w, &e);
    if (c == NULL) {
        return -1;
    }
    const char *own[] = {route->reference};
    *job = by_digest(route->reference)
               ? store_job_manifest(store, route->repository, c, tags.at, tags.count, &e)
               : store_job_manifest(store, route->repository, c, own, 1, &e);
    content_unref(c);
    if (*job == NULL) {
        return oci_store_error(out, &e);
    }
    oci_empty(&w->answer, 201);
    response_header(&w->answer, "Location", "/v2/%s/manifests/%s", route->repository, m->digest);
    response_header_text(&w->answer, "Docker-Content-Digest", m->digest);
    if (m->list.subject[0] != '\0') {
        response_header_text(&w->answer, "OCI-Subject", m->list.subject);
    }
    tell_tags(&tags, &w->answer);
    return 0;
}

int oci_manifest_put(struct store *store, const struct oci_rules *rules,
                     const struct http_request *request, const struct oci_route *route,
                     struct oci_write *w, struct store_job **job, struct response *out)
{
    const char *unknown[MISSING_MAX];
    const char *told = route->reference;
    if (w->manifest.failed) {
        return -1;
    }
    if (w->manifest.len == 0) {
        return response_error(out, 400, "MANIFEST_INVALID", "no manifest came");
    }
    if (w->read == NULL) {
        w->read = manifest_new(request, route);
        if (w->read == NULL) {
            return -1;
        }
        oci_write_read(w);
    }
    const struct oci_manifest *m = w->read;
    if (!m->matches) {
        return oci_error(out, 400, "DIGEST_INVALID",
                         "provided digest did not match uploaded content", "digest", &told, 1);
    }
    if (m->err.code != ERR_NONE) {
        return m->err.code == ERR_NOMEM ? -1
                                        : response_error(out, 400, "MANIFEST_INVALID", m->err.text);
    }
    size_t count = rules->refuse_sparse ? missing(store, route->repository, &m->list, unknown) : 0;
    return count > 0 ? oci_error(out, 400, "MANIFEST_BLOB_UNKNOWN",
                                 "manifest references a manifest or blob unknown to registry",
                                 "digest", unknown, count)
                     : keep(store, request, route, w, job, out);
}
