/* The store's repositories: each has sorted shelves of shared content (blobs, manifests, tags, and
 * referrers by subject).
 *
 * Happy path: content is made once, put on any number of shelves of any number of stores, and goes
 * when the last of them and the last response under way let go of it. What clients push comes in
 * through uploads (store_upload.c) and jobs (store_job.c, store_delete.c); a store on disk
 * (store_disk.c) has a file for all of that, and none for what the harness puts there.
 *
 * Failure modes: a put that finds no memory or passes a maximum takes nothing off a shelf; it may
 * leave an empty repository, or a manifest without its tag. A store is not changed by faults: those
 * are views over it.
 */
#include "fake-registry/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/store_internal.h"

/* Stated maximum. */
#define REPOSITORIES_MAX 65536

struct store *store_new(struct err *e)
{
    struct store *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for a store");
    }
    return s;
}

static void repository_close(struct repository *r)
{
    free(r->name);
    shelf_close(&r->blobs);
    shelf_close(&r->manifests);
    shelf_close(&r->tags);
    shelf_close(&r->referrers);
}

void store_free(struct store *s)
{
    if (s == NULL) {
        return;
    }
    while (s->uploads != NULL) {
        upload_free(s->uploads, s->disk);
    }
    for (size_t i = 0; i < s->count; i++) {
        repository_close(&s->repositories[i]);
    }
    free(s->repositories);
    kept_close(s);
    disk_close(s->disk);
    free(s);
}

/* Where NAME is among the repositories, or would go. */
static size_t place_of(const struct store *s, const char *name, bool *found)
{
    *found = false;
    return s->repositories == NULL
               ? 0
               : sorted_find(s->repositories, s->count, sizeof(*s->repositories), name, found);
}

struct repository *repository_find(const struct store *s, const char *name)
{
    bool found = false;
    size_t at = place_of(s, name, &found);
    return found ? &s->repositories[at] : NULL;
}

struct repository *repository_make(struct store *s, const char *name, struct err *e)
{
    bool found = false;
    size_t at = place_of(s, name, &found);
    if (found) {
        return &s->repositories[at];
    }
    if (s->count == REPOSITORIES_MAX) {
        (void)err_set(e, ERR_LIMIT, "more than %d repositories", REPOSITORIES_MAX);
        return NULL;
    }
    struct repository *all = sorted_room(s->repositories, s->count, &s->cap, sizeof(*all));
    if (all != NULL) {
        s->repositories = all;
    }
    char *copy = all != NULL ? strdup(name) : NULL;
    if (copy == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for repository %s", name);
        return NULL;
    }
    memmove(all + at + 1, all + at, (s->count - at) * sizeof(*all));
    all[at] = (struct repository){.name = copy};
    s->count++;
    return &all[at];
}

void repository_drop_empty(struct store *s, const char *name)
{
    struct repository *r = repository_find(s, name);
    if (r == NULL || r->blobs.count + r->manifests.count + r->tags.count > 0) {
        return;
    }
    repository_close(r);
    s->count--;
    memmove(r, r + 1, (s->count - (size_t)(r - s->repositories)) * sizeof(*r));
}

int store_put_blob(struct store *s, const char *repository, struct content *c, struct err *e)
{
    struct repository *r = repository_make(s, repository, e);
    return r != NULL ? shelf_put(&r->blobs, c->digest, c, e) : -1;
}

void referrer_key(char out[REFERRER_KEY], const char *subject, const char *digest)
{
    (void)snprintf(out, REFERRER_KEY, "%s %s", subject, digest);
}

int repository_put_manifest(struct repository *r, struct content *c, struct err *e)
{
    if (content_refer(c, e) != 0) {
        return -1;
    }
    if (c->referrer != NULL) {
        char key[REFERRER_KEY];
        referrer_key(key, c->referrer->subject, c->digest);
        if (shelf_put(&r->referrers, key, c, e) != 0) {
            return -1;
        }
    }
    return shelf_put(&r->manifests, c->digest, c, e);
}

int store_put_manifest(struct store *s, const char *repository, const char *tag, struct content *c,
                       struct err *e)
{
    struct repository *r = repository_make(s, repository, e);
    if (r == NULL || repository_put_manifest(r, c, e) != 0) {
        return -1;
    }
    return tag != NULL ? shelf_put(&r->tags, tag, c, e) : 0;
}

struct content *store_manifest(const struct store *s, const char *repository, const char *reference)
{
    const struct repository *r = repository_find(s, repository);
    if (r == NULL) {
        return NULL;
    }
    /* A tag holds no colon, a digest always does. */
    return shelf_get(strchr(reference, ':') != NULL ? &r->manifests : &r->tags, reference);
}

struct content *store_blob(const struct store *s, const char *repository, const char *digest)
{
    const struct repository *r = repository_find(s, repository);
    return r != NULL ? shelf_get(&r->blobs, digest) : NULL;
}

bool store_has_repository(const struct store *s, const char *repository)
{
    return repository_find(s, repository) != NULL;
}

const char *store_tag(const struct store *s, const char *repository, size_t index)
{
    const struct repository *r = repository_find(s, repository);
    return r != NULL && index < r->tags.count ? r->tags.items[index].key : NULL;
}

const char *store_repository(const struct store *s, size_t index)
{
    return index < s->count ? s->repositories[index].name : NULL;
}

struct content *store_blob_anywhere(const struct store *s, const char *digest)
{
    struct content *c = NULL;
    for (size_t i = 0; i < s->count && c == NULL; i++) {
        c = shelf_get(&s->repositories[i].blobs, digest);
    }
    return c;
}

struct content *store_referrer(const struct store *s, const char *repository, const char *digest,
                               size_t index)
{
    const struct repository *r = repository_find(s, repository);
    if (r == NULL || r->referrers.count == 0 || strlen(digest) >= DIGEST_TEXT) {
        return NULL;
    }
    char key[REFERRER_KEY];
    bool found = false;
    referrer_key(key, digest, "");
    size_t at = sorted_find(r->referrers.items, r->referrers.count, sizeof(*r->referrers.items),
                            key, &found);
    if (index >= r->referrers.count - at) {
        return NULL;
    }
    const struct item *item = &r->referrers.items[at + index];
    return strncmp(item->key, key, strlen(key)) == 0 ? item->content : NULL;
}
