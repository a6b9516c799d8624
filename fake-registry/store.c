/* The store in memory: per repository three sorted shelves (blobs, manifests, tags) of shared
 * content.
 *
 * Happy path: content is made once, put on any number of shelves of any number of stores, and goes
 * when the last of them and the last response under way let go of it. Look-ups are binary searches
 * and allocate nothing.
 *
 * Failure modes: a put that finds no memory or passes a maximum takes nothing off a shelf; it may
 * leave an empty repository, or a manifest without its tag. A store is not changed by faults: those
 * are views over it.
 */
#include "fake-registry/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Stated maxima. */
#define SHELF_MAX 65536
#define REPOSITORIES_MAX 65536

struct item {
    char *key; /* owned */
    struct content *content;
};

/* Sorted by key. */
struct shelf {
    struct item *items;
    size_t count;
    size_t cap;
};

struct repository {
    char *name;
    struct shelf blobs;
    struct shelf manifests;
    struct shelf tags;
};

struct store {
    struct repository *repositories; /* sorted by name */
    size_t count;
    size_t cap;
};

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

void content_unref(struct content *c)
{
    if (c == NULL || --c->refs > 0) {
        return;
    }
    if (c->fd >= 0) {
        (void)close(c->fd);
    }
    free(c->data);
    free(c);
}

struct store *store_new(struct err *e)
{
    struct store *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for a store");
    }
    return s;
}

static void shelf_close(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++) {
        free(shelf->items[i].key);
        content_unref(shelf->items[i].content);
    }
    free(shelf->items);
}

void store_free(struct store *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        free(s->repositories[i].name);
        shelf_close(&s->repositories[i].blobs);
        shelf_close(&s->repositories[i].manifests);
        shelf_close(&s->repositories[i].tags);
    }
    free(s->repositories);
    free(s);
}

/* Where KEY is, or would go, in COUNT structs of STRIDE bytes sorted by their first member, a name;
 * *FOUND says which. */
static size_t find(const void *items, size_t count, size_t stride, const char *key, bool *found)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *const *name = (const void *)((const char *)items + middle * stride);
        int order = strcmp(*name, key);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *found = false;
    return low;
}

static size_t shelf_find(const struct shelf *shelf, const char *key, bool *found)
{
    if (shelf->items == NULL) {
        *found = false;
        return 0;
    }
    return find(shelf->items, shelf->count, sizeof(*shelf->items), key, found);
}

static struct content *shelf_get(const struct shelf *shelf, const char *key)
{
    bool found = false;
    size_t at = shelf_find(shelf, key, &found);
    return found ? shelf->items[at].content : NULL;
}

/* Makes room for one more of SIZE bytes in an array of *CAP. */
static void *make_room(void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) {
        return items;
    }
    size_t more = *cap == 0 ? 8 : *cap * 2;
    void *bigger = realloc(items, more * size);
    if (bigger != NULL) {
        *cap = more;
    }
    return bigger;
}

static int shelf_put(struct shelf *shelf, const char *key, struct content *c, struct err *e)
{
    bool found = false;
    size_t at = shelf_find(shelf, key, &found);
    if (found) {
        struct content *old = shelf->items[at].content;
        shelf->items[at].content = content_ref(c);
        content_unref(old);
        return 0;
    }
    if (shelf->count == SHELF_MAX) {
        return err_set(e, ERR_LIMIT, "more than %d of a kind in a repository", SHELF_MAX);
    }
    struct item *items = make_room(shelf->items, shelf->count, &shelf->cap, sizeof(*items));
    if (items == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for %s in the store", key);
    }
    shelf->items = items;
    char *copy = strdup(key);
    if (copy == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for %s in the store", key);
    }
    memmove(items + at + 1, items + at, (shelf->count - at) * sizeof(*items));
    items[at] = (struct item){.key = copy, .content = content_ref(c)};
    shelf->count++;
    return 0;
}

static size_t repository_find(const struct store *s, const char *name, bool *found)
{
    return find(s->repositories, s->count, sizeof(*s->repositories), name, found);
}

static const struct repository *repository_get(const struct store *s, const char *name)
{
    bool found = false;
    size_t at = repository_find(s, name, &found);
    return found ? &s->repositories[at] : NULL;
}

static struct repository *repository_make(struct store *s, const char *name, struct err *e)
{
    bool found = false;
    size_t at = repository_find(s, name, &found);
    if (found) {
        return &s->repositories[at];
    }
    if (s->count == REPOSITORIES_MAX) {
        (void)err_set(e, ERR_LIMIT, "more than %d repositories", REPOSITORIES_MAX);
        return NULL;
    }
    struct repository *all = make_room(s->repositories, s->count, &s->cap, sizeof(*all));
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

int store_put_blob(struct store *s, const char *repository, struct content *c, struct err *e)
{
    struct repository *r = repository_make(s, repository, e);
    return r != NULL ? shelf_put(&r->blobs, c->digest, c, e) : -1;
}

int store_put_manifest(struct store *s, const char *repository, const char *tag, struct content *c,
                       struct err *e)
{
    struct repository *r = repository_make(s, repository, e);
    if (r == NULL) {
        return -1;
    }
    if (shelf_put(&r->manifests, c->digest, c, e) != 0) {
        return -1;
    }
    return tag != NULL ? shelf_put(&r->tags, tag, c, e) : 0;
}

struct content *store_manifest(const struct store *s, const char *repository, const char *reference)
{
    const struct repository *r = repository_get(s, repository);
    if (r == NULL) {
        return NULL;
    }
    /* A tag holds no colon, a digest always does. */
    return shelf_get(strchr(reference, ':') != NULL ? &r->manifests : &r->tags, reference);
}

struct content *store_blob(const struct store *s, const char *repository, const char *digest)
{
    const struct repository *r = repository_get(s, repository);
    return r != NULL ? shelf_get(&r->blobs, digest) : NULL;
}

bool store_has_repository(const struct store *s, const char *repository)
{
    return repository_get(s, repository) != NULL;
}

const char *store_tag(const struct store *s, const char *repository, size_t index)
{
    const struct repository *r = repository_get(s, repository);
    return r != NULL && index < r->tags.count ? r->tags.items[index].key : NULL;
}

const char *store_repository(const struct store *s, size_t index)
{
    return index < s->count ? s->repositories[index].name : NULL;
}
