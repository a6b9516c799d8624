/* Content that is shared by reference count, and who a manifest refers to. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/content_source.h"
#include "fake-registry/store_internal.h"

struct content *content_verified_take(uint8_t *data, int fd, uint64_t size, const char *digest,
                                      const char *media_type, struct err *e)
{
    struct content *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for content");
        return NULL;
    }
    if (strlen(media_type) >= sizeof(c->media_type)) {
        (void)err_set(e, ERR_LIMIT, "media type too long: %.160s", media_type);
        free(c);
        return NULL;
    }
    memcpy(c->digest, digest, strlen(digest) + 1);
    memcpy(c->media_type, media_type, strlen(media_type) + 1);
    c->refs = 1;
    c->size = size;
    c->data = data;
    c->fd = fd;
    return c;
}

struct content *content_new_take(uint8_t *data, uint64_t size, const char *media_type,
                                 struct err *e)
{
    char digest[DIGEST_TEXT];
    if (digest_sha256(data != NULL ? (const void *)data : "", size, digest) != 0) {
        (void)err_set(e, ERR_INTERNAL, "sha256 failed");
        return NULL;
    }
    return content_verified_take(data, -1, size, digest, media_type, e);
}

struct content *content_ref(struct content *c)
{
    c->refs++;
    return c;
}

void referrer_free(struct referrer *r)
{
    if (r != NULL) {
        free(r->artifact_type);
        free(r->annotations);
        free(r);
    }
}

void content_unref(struct content *c)
{
    if (c == NULL || --c->refs > 0) {
        return;
    }
    if (c->fd >= 0) {
        (void)close(c->fd);
    }
    free(c->file);
    free(c->data);
    referrer_free(c->referrer);
    free(c);
}

void content_refer_take(struct content *c, struct referrer *r)
{
    c->referrer = r;
    c->referred = true;
}

int content_list_referrer(const struct content_list *list, struct referrer **out, struct err *e)
{
    *out = NULL;
    if (list->subject[0] == '\0') {
        return 0;
    }
    const json_t *annotations = json_object_get(list->document, "annotations");
    bool annotated = json_is_object(annotations);
    struct referrer *r = calloc(1, sizeof(*r));
    if (r != NULL) {
        memcpy(r->subject, list->subject, sizeof(r->subject));
        r->artifact_type = list->artifact_type != NULL ? strdup(list->artifact_type) : NULL;
        r->annotations = annotated ? json_dumps(annotations, JSON_COMPACT) : NULL;
    }
    if (r == NULL || (list->artifact_type != NULL && r->artifact_type == NULL) ||
        (annotated && r->annotations == NULL)) {
        referrer_free(r);
        return err_set(e, ERR_NOMEM, "no memory for a referrer");
    }
    *out = r;
    return 0;
}

int content_refer(struct content *c, struct err *e)
{
    struct content_list list;
    struct referrer *referrer = NULL;
    struct err why = {0};
    if (c->referred || c->data == NULL) {
        return 0;
    }
    if (content_list_read(c->data, (size_t)c->size, c->media_type, CONTENT_MAX_NAMED, &list,
                          &why) != 0) {
        /* What cannot be read refers to nothing. */
        return why.code == ERR_NOMEM ? err_set(e, ERR_NOMEM, "%s", why.text) : 0;
    }
    int rc = content_list_referrer(&list, &referrer, e);
    if (rc == 0) {
        content_refer_take(c, referrer);
    }
    content_list_close(&list);
    return rc;
}
