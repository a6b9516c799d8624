/* Images of an upstream registry, pulled before a drill begins.
 *
 * Happy path: a HEAD says which digest the tag stands for now; what the cache has is used, the rest
 * is fetched into it, each blob by one process at a time. So a second drill asks once and fetches
 * nothing, and during a drill nothing is asked at all. A name with a digest asks nothing where the
 * cache has it all.
 *
 * Failure modes: all that the other side does wrong (no answer, no such image, a refused
 * credential, a blob with another digest) is ERR_ENVIRONMENT and names the host; a blob in the
 * cache that was altered is fetched again; a cache that cannot be written is an error of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/upstream_internal.h"

static bool is_digest(const char *reference)
{
    return strchr(reference, ':') != NULL;
}

/* One request, and where it is challenged a second one. An answer other than 200 is a complaint
 * unless OTHER is not NULL, which then takes the status. */
static int ask(struct upstream *u, const char *path, bool head, struct disk_writer *writer,
               struct upstream_reply *reply, long *other, struct err *e)
{
    if (upstream_request(u, path, head, writer, reply, e) != 0) {
        return -1;
    }
    if (reply->status == 401) {
        struct upstream_challenge challenge = reply->challenge;
        upstream_reply_close(reply);
        if (upstream_authorize(u, &challenge, e) != 0 ||
            upstream_request(u, path, head, writer, reply, e) != 0) {
            return -1;
        }
    }
    if (reply->status == 200) {
        return 0;
    }
    upstream_reply_close(reply);
    bool refused = reply->status == 401 || reply->status == 403;
    if (other != NULL && !refused) {
        *other = reply->status;
        return -1;
    }
    char what[512];
    snprintf(what, sizeof(what), "answered %ld to %s of %s", reply->status, path,
             u->name->repository);
    return refused
               ? upstream_complain(u, what, e)
               : err_set(e, ERR_ENVIRONMENT, "the upstream registry %s %s", u->name->host, what);
}

/* ---- blobs and manifests by digest ---------------------------------------------------------- */

static int fetch(struct upstream *u, const struct content_descriptor *want, bool manifest,
                 struct err *e)
{
    char path[DIGEST_TEXT + 16];
    struct disk_writer w;
    struct upstream_reply reply;
    struct err local = {0};
    bool wrong = false;
    if (disk_writer_open(&w, u->cache, want, e) != 0 || w.there) {
        return w.there ? 0 : -1;
    }
    w.most = manifest && w.most > CONTENT_MAX_MANIFEST ? CONTENT_MAX_MANIFEST : w.most;
    snprintf(path, sizeof(path), "%s/%s", manifest ? "manifests" : "blobs", want->digest);
    if (ask(u, path, false, &w, &reply, NULL, e) != 0) {
        disk_writer_close(&w);
        return -1;
    }
    upstream_reply_close(&reply);
    if (disk_writer_keep(&w, &wrong, &local) == 0) {
        return 0;
    }
    return wrong ? err_set(e, ERR_ENVIRONMENT,
                           "the upstream registry %s sent a %s for %s that has another digest",
                           u->name->host, manifest ? "manifest" : "blob", want->digest)
                 : err_set(e, local.code, "%s", local.text);
}

/* What has no type yet is what the tag, or the digest in its place, stands for. */
static bool is_manifest(const struct content_descriptor *want)
{
    return want->media_type[0] == '\0' || strcmp(want->media_type, IMAGE_MANIFEST_TYPE) == 0 ||
           strcmp(want->media_type, IMAGE_INDEX_TYPE) == 0 ||
           strcmp(want->media_type, DOCKER_MANIFEST_TYPE) == 0 ||
           strcmp(want->media_type, DOCKER_LIST_TYPE) == 0;
}

/* From the cache, or by way of it. */
static struct content *load(void *data, const struct content_descriptor *want, bool memory,
                            bool *missing, struct err *e)
{
    struct upstream *u = data;
    uint64_t most = memory ? DISK_DOCUMENT : DISK_IN_MEMORY;
    bool altered = false;
    struct err local = {0};
    struct content *c = disk_load(u->cache->folder, want, most, missing, &altered, &local);
    if (c == NULL && (*missing || altered)) {
        if (fetch(u, want, is_manifest(want), e) != 0) {
            return NULL;
        }
        local = (struct err){0};
        c = disk_load(u->cache->folder, want, most, missing, &altered, &local);
    }
    if (c == NULL) {
        (void)err_set(e, local.code, "%s", local.text);
    }
    return c;
}

/* ---- what the tag stands for ---------------------------------------------------------------- */

/* Keeps a manifest that came by its tag, and says which it is. */
static int keep_manifest(struct upstream *u, const struct upstream_reply *reply,
                         struct content_descriptor *top, struct err *e)
{
    struct disk_writer w;
    bool wrong = false;
    const char *text = reply->body.data != NULL ? reply->body.data : "";
    if (digest_sha256(text, reply->body.len, top->digest) != 0) {
        return err_set(e, ERR_INTERNAL, "sha256 failed");
    }
    if (digest_valid(reply->digest) && strncmp(reply->digest, "sha256:", 7) == 0 &&
        strcmp(reply->digest, top->digest) != 0) {
        return err_set(e, ERR_ENVIRONMENT,
                       "the upstream registry %s says that %s:%s is %s, but sent %s", u->name->host,
                       u->name->repository, u->name->reference, reply->digest, top->digest);
    }
    top->size = reply->body.len;
    if (disk_writer_open(&w, u->cache, top, e) != 0 || w.there) {
        return w.there ? 0 : -1;
    }
    if (disk_writer_add(&w, text, reply->body.len, e) != 0) {
        disk_writer_close(&w);
        return -1;
    }
    return disk_writer_keep(&w, &wrong, e);
}

static int resolve(struct upstream *u, struct content_descriptor *top, struct err *e)
{
    char path[DIGEST_TEXT + 16];
    struct upstream_reply reply;
    long other = 0;
    *top = (struct content_descriptor){.size = CONTENT_SIZE_UNKNOWN};
    if (is_digest(u->name->reference)) {
        memcpy(top->digest, u->name->reference, sizeof(top->digest));
        return 0;
    }
    snprintf(path, sizeof(path), "manifests/%s", u->name->reference);
    int rc = ask(u, path, true, NULL, &reply, &other, e);
    bool told = rc == 0 && digest_valid(reply.digest);
    if (rc != 0 && other == 0) {
        return -1;
    }
    if (rc == 0) {
        upstream_reply_close(&reply);
    }
    if (!told) { /* no HEAD there, or one that says no digest */
        if (ask(u, path, false, NULL, &reply, NULL, e) != 0) {
            return -1;
        }
        rc = keep_manifest(u, &reply, top, e);
        upstream_reply_close(&reply);
    } else {
        memcpy(top->digest, reply.digest, sizeof(top->digest));
    }
    memcpy(top->media_type, reply.media_type, sizeof(top->media_type));
    return rc;
}

/* ---- the image ------------------------------------------------------------------------------ */

static int pull(struct upstream *u, struct image *out, struct err *e)
{
    struct content_source source = {.load = load, .data = u};
    struct content_descriptor top;
    if (upstream_credential_find(u, e) != 0 || resolve(u, &top, e) != 0) {
        return -1;
    }
    /* A type that says nothing, as some servers give, leaves it to the document. */
    if (strncmp(top.media_type, "application/vnd.", 16) != 0) {
        top.media_type[0] = '\0';
    }
    return content_image(&source, &top, out, e);
}

int upstream_image(const struct content_name *name, const struct disk_cache *cache,
                   struct image *out, struct err *e)
{
    struct upstream u = {.name = name,
                         .cache = cache,
                         .curl = curl_easy_init(),
                         .plain = name->scheme == SCHEME_HTTP,
                         .either = name->scheme == SCHEME_EITHER,
                         .ca = getenv("PULLDRILL_UPSTREAM_CA")};
    struct err local = {0};
    *out = (struct image){.top = NULL};
    if (u.curl == NULL) {
        return err_set(e, ERR_NOMEM, "no memory to ask the upstream registry %s", name->host);
    }
    int rc = pull(&u, out, &local);
    if (rc != 0 && (local.code == ERR_INVALID || local.code == ERR_LIMIT)) {
        (void)err_set(e, ERR_ENVIRONMENT, "the upstream registry %s has %s:%s, but: %s", name->host,
                      name->repository, name->reference, local.text);
    } else if (rc != 0) {
        (void)err_set(e, local.code, "%s", local.text);
    }
    curl_easy_cleanup(u.curl);
    upstream_credential_close(&u.credential);
    free(u.bearer);
    return rc;
}
