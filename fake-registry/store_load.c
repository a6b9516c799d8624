/* What a store on disk holds: read once, each blob held against its digest.
 *
 * Happy path: the files of blobs/ are listed in order and held, the repositories walked, and each
 * content that one of them names is hashed and put on its shelf. Then the holds go, and with them
 * the files that nobody names.
 *
 * Failure modes: content that is altered or not there, a link or a tag that says nothing we know:
 * told by a note, not served, and left where it is, until a push brings the right one. A file that
 * cannot be read (rights, descriptors, the disk) fails the whole: better no store than half of one.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/disk.h"
#include "fake-registry/store_internal.h"

/* One file of blobs/. */
struct found {
    char *digest;
    struct content *blob; /* once it was loaded as one; a reference of ours */
    bool bad;             /* not what its name says */
    bool stays;           /* named by what could not be read */
};

struct load {
    struct store *store;
    void (*note)(void *data, const char *text);
    void *data;
    struct err *e;
    struct found *found; /* sorted by digest */
    size_t count;
    size_t cap;
    char repository[DISK_NAME];
};

static void note(const struct load *l, const char *what, const char *key, const char *why)
{
    char text[2 * DISK_NAME];
    if (l->note != NULL) {
        (void)snprintf(text, sizeof(text), "the store %s: %s %s of %s is not served: %s",
                       l->store->disk->folder, what, key, l->repository, why);
        l->note(l->data, text);
    }
}

static int by_digest(const void *a, const void *b)
{
    return strcmp(((const struct found *)a)->digest, ((const struct found *)b)->digest);
}

/* EACH file of the folder PATH, by its name behind PREFIX; where that is not empty, what is no
 * digest is left alone. A folder that is not there is empty. */
static int for_each(struct load *l, const char *path, const char *prefix,
                    int (*each)(struct load *l, const char *key))
{
    if (!disk_exists(l->store->disk, path)) {
        return 0;
    }
    DIR *list = disk_list(l->store->disk, path, l->e);
    if (list == NULL) {
        return -1;
    }
    int rc = 0;
    for (const char *name = disk_next(list); rc == 0 && name != NULL; name = disk_next(list)) {
        char key[DISK_NAME];
        (void)snprintf(key, sizeof(key), "%s%.600s", prefix, name);
        rc = prefix[0] == '\0' || digest_valid(key) ? each(l, key) : 0;
    }
    return disk_list_end(l->store->disk, path, list, rc, l->e);
}

static int add_found(struct load *l, const char *digest)
{
    struct found *all = sorted_room(l->found, l->count, &l->cap, sizeof(*all));
    l->found = all != NULL ? all : l->found;
    char *copy = all != NULL ? strdup(digest) : NULL;
    if (copy == NULL) {
        return err_set(l->e, ERR_NOMEM, "no memory for the store %s", l->store->disk->folder);
    }
    all[l->count++] = (struct found){.digest = copy};
    return 0;
}

/* In order, so that none has to make room for another. */
static int hold_all(struct load *l)
{
    if (l->count > 0) {
        qsort(l->found, l->count, sizeof(*l->found), by_digest);
    }
    for (size_t i = 0; i < l->count; i++) {
        if (kept_hold(l->store, l->found[i].digest, l->e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* A bad file stays held, and what a bad link names: neither is ours to take away. */
static void release_all(struct load *l)
{
    for (size_t i = l->count; i-- > 0;) {
        if (!l->found[i].bad && !l->found[i].stays) {
            kept_release(l->store, l->found[i].digest);
        }
    }
}

static void load_close(struct load *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->found[i].digest);
        content_unref(l->found[i].blob);
    }
    free(l->found);
}

/* C's file, which was opened to be hashed, is closed until it is read. */
static int lay_down(struct load *l, struct content *c)
{
    struct stat st;
    if (c->fd < 0) {
        return 0;
    }
    if (fstat(c->fd, &st) != 0) {
        return disk_trouble(l->store->disk, l->e, "read the blob", c->digest);
    }
    return content_lay_down(c, l->store->disk, &st, l->e);
}

/* The content of F, hashed; a reference for the caller. *OUT NULL: it is bad, and was told. */
static int load_content(struct load *l, struct found *f, const char *what, const char *media_type,
                        struct content **out)
{
    bool missing = false;
    bool altered = false;
    struct err e = {0};
    struct content_descriptor want = {.size = CONTENT_SIZE_UNKNOWN};
    bool manifest = strcmp(media_type, STORE_BLOB_TYPE) != 0;
    memcpy(want.digest, f->digest, strlen(f->digest) + 1);
    memcpy(want.media_type, media_type, strlen(media_type) + 1);
    *out = f->bad ? NULL
                  : disk_load(l->store->disk->folder, &want,
                              manifest ? DISK_DOCUMENT : STORE_IN_MEMORY, &missing, &altered, &e);
    if (*out != NULL) {
        return lay_down(l, *out);
    }
    if (!f->bad && !altered && !missing && e.code != ERR_INVALID && e.code != ERR_LIMIT) {
        return err_set(l->e, e.code, "%s", e.text);
    }
    f->bad = true;
    note(l, what, f->digest, "its content is altered");
    return 0;
}

static struct found *find_content(const struct load *l, const char *what, const char *digest)
{
    bool there = false;
    size_t at = 0;
    if (l->found != NULL) {
        at = sorted_find(l->found, l->count, sizeof(*l->found), digest, &there);
    }
    if (!there) {
        note(l, what, digest, "its content is not there");
    }
    return there ? &l->found[at] : NULL;
}

static int load_blob(struct load *l, const char *digest)
{
    struct found *f = find_content(l, "the blob", digest);
    if (f == NULL) {
        return 0;
    }
    if (f->blob == NULL && load_content(l, f, "the blob", STORE_BLOB_TYPE, &f->blob) != 0) {
        return -1;
    }
    if (f->blob == NULL) {
        return 0;
    }
    struct repository *r = repository_make(l->store, l->repository, l->e);
    if (r == NULL || shelf_put(&r->blobs, digest, f->blob, l->e) != 0) {
        return -1;
    }
    kept_link(l->store, shelf_item(&r->blobs, digest), digest);
    return 0;
}

/* Whether TEXT can be told in a head: "type/subtype", without parameters. */
static bool is_media_type(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "!#$&-^_.+/");
    return len > 0 && text[len] == '\0';
}

static int load_manifest(struct load *l, const char *digest)
{
    char path[DISK_NAME];
    char type[sizeof(((struct content *)NULL)->media_type)];
    struct content *c = NULL;
    struct found *f = find_content(l, "the manifest", digest);
    if (f == NULL) {
        return 0;
    }
    if (!disk_link_path(path, l->repository, DISK_MANIFEST, digest) ||
        disk_read_text(l->store->disk, path, type, sizeof(type)) != 0 || !is_media_type(type)) {
        note(l, "the manifest", digest, "its media type cannot be read");
        f->stays = true;
        return 0;
    }
    if (load_content(l, f, "the manifest", type, &c) != 0) {
        return -1;
    }
    if (c == NULL) {
        return 0;
    }
    struct repository *r = repository_make(l->store, l->repository, l->e);
    int rc = r != NULL ? repository_put_manifest(r, c, l->e) : -1;
    if (rc == 0) {
        kept_link(l->store, shelf_item(&r->manifests, digest), digest);
    }
    content_unref(c);
    return rc;
}

static int load_tag(struct load *l, const char *tag)
{
    char path[DISK_NAME];
    char digest[DIGEST_TEXT];
    if (!disk_link_path(path, l->repository, DISK_TAG, tag)) {
        return 0; /* no tag of ours */
    }
    if (disk_read_text(l->store->disk, path, digest, sizeof(digest)) != 0 ||
        !digest_valid(digest)) {
        note(l, "the tag", tag, "what it stands for cannot be read");
        return 0;
    }
    struct content *c = store_manifest(l->store, l->repository, digest);
    if (c == NULL) {
        note(l, "the tag", tag, "its manifest is not served");
        return 0;
    }
    struct repository *r = repository_make(l->store, l->repository, l->e);
    if (r == NULL || shelf_put(&r->tags, tag, c, l->e) != 0) {
        return -1;
    }
    shelf_item(&r->tags, tag)->kept = true;
    return 0;
}

/* EACH file of L's repository's FOLDER. */
static int load_each(struct load *l, const char *folder, const char *prefix,
                     int (*each)(struct load *l, const char *key))
{
    char path[2 * DISK_NAME];
    (void)snprintf(path, sizeof(path), "repositories/%s/%s", l->repository, folder);
    return for_each(l, path, prefix, each);
}

static int load_repository(struct load *l)
{
    if (disk_keeps_repository(l->store->disk, l->repository) &&
        repository_make(l->store, l->repository, l->e) == NULL) {
        return -1;
    }
    return load_each(l, "_blobs/sha256", "sha256:", load_blob) == 0 &&
                   load_each(l, "_blobs/sha512", "sha512:", load_blob) == 0 &&
                   load_each(l, "_manifests/sha256", "sha256:", load_manifest) == 0 &&
                   load_each(l, "_manifests/sha512", "sha512:", load_manifest) == 0 &&
                   load_each(l, "_tags", "", load_tag) == 0
               ? 0
               : -1;
}

/* Whether there can be one of the name in L: what else lies there is left alone. */
static bool is_repository(const struct load *l)
{
    char path[DISK_NAME];
    return disk_link_path(path, l->repository, DISK_TAG, "tag") &&
           disk_is_folder(l->store->disk, l->repository);
}

/* The repository whose name is in L, and all below it. Names are shorter than DISK_NAME, and so is
 * how deep this goes. */
static int walk(struct load *l) /* NOLINT(misc-no-recursion) */
{
    char path[DISK_NAME + 16];
    size_t len = strlen(l->repository);
    (void)snprintf(path, sizeof(path), "repositories%s%s", len > 0 ? "/" : "", l->repository);
    if (len > 0 && load_repository(l) != 0) {
        return -1;
    }
    DIR *list = disk_list(l->store->disk, path, l->e);
    if (list == NULL) {
        return -1;
    }
    int rc = 0;
    for (const char *name = disk_next(list); rc == 0 && name != NULL; name = disk_next(list)) {
        int n = name[0] == '_' ? -1
                               : snprintf(l->repository + len, sizeof(l->repository) - len, "%s%s",
                                          len > 0 ? "/" : "", name);
        if (n > 0 && (size_t)n < sizeof(l->repository) - len && is_repository(l)) {
            rc = walk(l);
        }
        l->repository[len] = '\0';
    }
    return disk_list_end(l->store->disk, path, list, rc, l->e);
}

int store_load(struct store *s, void (*noted)(void *data, const char *text), void *data,
               struct err *e)
{
    struct load l = {.store = s, .note = noted, .data = data, .e = e};
    int rc = for_each(&l, "blobs/sha256", "sha256:", add_found) == 0 &&
                     for_each(&l, "blobs/sha512", "sha512:", add_found) == 0 && hold_all(&l) == 0 &&
                     walk(&l) == 0
                 ? 0
                 : -1;
    if (rc == 0) {
        release_all(&l);
    }
    load_close(&l);
    return rc;
}
