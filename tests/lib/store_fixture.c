/* Pushes into stores without a registry: blobs and manifests through uploads and jobs. */
#include "tests/lib/store_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE ((size_t)64 << 10)

struct content *store_text_typed(const char *text, const char *media_type)
{
    struct err e = {0};
    uint8_t *data = (uint8_t *)strdup(text);
    struct content *c = content_new_take(data, strlen(text), media_type, &e);
    cr_assert_not_null(c, "%s", e.text);
    return c;
}

struct content *store_text(const char *text)
{
    return store_text_typed(text, "text/plain");
}

void store_digest(const char *text, char out[DIGEST_TEXT])
{
    cr_assert_eq(digest_sha256(text, strlen(text), out), 0);
}

int store_do(struct store_job *j)
{
    struct err e = {0};
    store_job_work(j);
    return store_job_finish(j, &e) == 0 ? 0 : (int)e.code;
}

static int delete_thing(struct store *s, const char *repository, enum store_thing thing,
                        const char *key, struct err *e)
{
    struct store_job *j = store_job_delete(s, repository, thing, key, e);
    if (j == NULL) {
        return e->code == ERR_NONE ? 0 : -1;
    }
    store_job_work(j);
    return store_job_finish(j, e) == 0 ? 1 : -1;
}

int store_delete_blob(struct store *s, const char *repository, const char *digest, struct err *e)
{
    return delete_thing(s, repository, STORE_BLOB, digest, e);
}

int store_delete_manifest(struct store *s, const char *repository, const char *digest,
                          struct err *e)
{
    return delete_thing(s, repository, STORE_MANIFEST, digest, e);
}

int store_delete_tag(struct store *s, const char *repository, const char *tag, struct err *e)
{
    return delete_thing(s, repository, STORE_TAG, tag, e);
}

int store_push(struct store *s, const char *repository, const void *data, size_t len,
               const char *digest)
{
    struct err e = {0};
    struct upload *u = store_upload_begin(s, repository, NULL, &e);
    if (u == NULL) {
        return (int)e.code;
    }
    cr_assert(upload_hold(u));
    for (size_t done = 0; done < len; done += PIECE) {
        size_t piece = len - done < PIECE ? len - done : PIECE;
        if (upload_add(u, (const char *)data + done, piece, &e) != 0) {
            store_upload_cancel(s, u);
            return (int)e.code;
        }
    }
    struct store_job *j = store_job_blob(s, u, digest, &e);
    return j != NULL ? store_do(j) : (int)e.code;
}

int store_push_text(struct store *s, const char *repository, const char *text)
{
    char digest[DIGEST_TEXT];
    store_digest(text, digest);
    return store_push(s, repository, text, strlen(text), digest);
}

int store_push_manifest(struct store *s, const char *repository, const char *text, const char *tag)
{
    struct err e = {0};
    struct content *c = store_text_typed(text, STORE_MANIFEST_TYPE);
    struct store_job *j = store_job_manifest(s, repository, c, &tag, tag != NULL ? 1 : 0, &e);
    content_unref(c);
    return j != NULL ? store_do(j) : (int)e.code;
}

bool store_is(struct content *c, const char *text)
{
    struct err e = {0};
    size_t len = strlen(text);
    if (c == NULL || c->size != len) {
        return false;
    }
    cr_assert_eq(content_open(c, &e), 0, "%s", e.text);
    char *data = c->data != NULL ? NULL : malloc(len + 1);
    cr_assert(c->data != NULL || data != NULL);
    bool same = c->data != NULL || pread(c->fd, data, len, 0) == (ssize_t)len;
    same = same && memcmp(c->data != NULL ? (char *)c->data : data, text, len) == 0;
    free(data);
    content_close(c);
    return same;
}

void store_referring(const char *subject, const char *note, char out[2048])
{
    static const char digest[] =
        "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    (void)snprintf(out, 2048,
                   "{\"schemaVersion\":2,\"mediaType\":\"" STORE_MANIFEST_TYPE
                   "\",\"artifactType\":\"application/x-note\",\"config\":{\"mediaType\":"
                   "\"application/vnd.oci.empty.v1+json\",\"digest\":\"%s\",\"size\":2},"
                   "\"layers\":[],\"subject\":{\"mediaType\":\"" STORE_MANIFEST_TYPE
                   "\",\"digest\":\"%s\",\"size\":3},\"annotations\":{\"note\":\"%s\"}}",
                   digest, subject, note);
}
