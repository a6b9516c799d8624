/* Deletes: what clients take away, durable before it is acknowledged.
 *
 * Happy path: begin lists the files that go, the tags of a manifest before its link; the work moves
 * them into uploads/, fsyncs the folders that had them, and only then unlinks them; finish takes
 * off the shelves what has no file any more. So a kill in between leaves a store that loads: a
 * manifest that has lost some of its tags, never a tag without its manifest. In memory there is no
 * work.
 *
 * Failure modes: where the disk refuses, what was moved is moved back, and all is as before. A tag
 * that another push has moved meanwhile is that push's, and stays; one that a push has given the
 * manifest meanwhile goes with it, at the end of whichever is later.
 */
#include <errno.h>
#include <string.h>

#include "fake-registry/store_internal.h"

/* ---- beginning ------------------------------------------------------------------------------ */

static struct shelf *shelf_of(struct repository *r, enum disk_kind kind)
{
    switch (kind) {
    case DISK_BLOB:
        return &r->blobs;
    case DISK_MANIFEST:
        return &r->manifests;
    default:
        return &r->tags;
    }
}

/* The file of ITEM, where it has one, goes. */
static int plan_removal(struct store_job *j, const struct item *item, enum disk_kind kind,
                        struct err *e)
{
    char path[DISK_NAME];
    if (j->disk == NULL || !item->kept || !disk_link_path(path, j->repository, kind, item->key)) {
        return 0;
    }
    struct removal *all = sorted_room(j->removals, j->removal_count, &j->removal_cap, sizeof(*all));
    j->removals = all != NULL ? all : j->removals;
    char *copy = all != NULL ? strdup(path) : NULL;
    if (copy == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for a delete");
    }
    all[j->removal_count++] = (struct removal){.path = copy, .kind = kind};
    return 0;
}

static int plan(struct store_job *j, struct repository *r, const struct item *item, struct err *e)
{
    for (size_t i = 0; j->what == DISK_MANIFEST && i < r->tags.count; i++) {
        const struct item *tag = &r->tags.items[i];
        if (strcmp(tag->content->digest, j->digest) == 0 &&
            plan_removal(j, tag, DISK_TAG, e) != 0) {
            return -1;
        }
    }
    return plan_removal(j, item, j->what, e);
}

struct store_job *store_job_delete(struct store *s, const char *repository, enum store_thing thing,
                                   const char *key, struct err *e)
{
    static const enum disk_kind kinds[] = {DISK_BLOB, DISK_MANIFEST, DISK_TAG};
    struct repository *r = repository_find(s, repository);
    const struct item *item = r != NULL ? shelf_item(shelf_of(r, kinds[thing]), key) : NULL;
    if (item == NULL) {
        return NULL;
    }
    struct store_job *j = job_new(s, JOB_DELETE, repository, item->content->digest, e);
    if (j == NULL) {
        return NULL;
    }
    j->what = kinds[thing];
    if ((j->what == DISK_TAG && job_copy_tags(j, &key, 1, e) != 0) || plan(j, r, item, e) != 0) {
        job_free(j);
        return NULL;
    }
    return j;
}

/* ---- the work ------------------------------------------------------------------------------- */

bool disk_stands_for_other(const struct store_disk *disk, const char *path, const char *digest)
{
    char text[DIGEST_TEXT];
    return disk_read_text(disk, path, text, sizeof(text)) == 0 && strcmp(text, digest) != 0;
}

/* Moves M's file into uploads/; one that is not there is gone already. */
static int move_away(struct store_job *j, struct removal *m)
{
    char part[DISK_NAME];
    uint64_t number = disk_part_new(j->disk, part);
    int rc = 0;
    (void)pthread_mutex_lock(&j->disk->tagging);
    if (m->kind != DISK_TAG || j->what == DISK_TAG ||
        !disk_stands_for_other(j->disk, m->path, j->digest)) {
        rc = disk_rename(j->disk, m->path, part, NULL);
        m->part = rc == 0 ? number : 0;
    }
    if (rc != 0 && errno == ENOENT && !disk_exists(j->disk, m->path)) {
        rc = 0;
    } else if (rc != 0) {
        (void)disk_trouble(j->disk, &j->err, "delete", m->path);
    }
    (void)pthread_mutex_unlock(&j->disk->tagging);
    return rc;
}

/* What was moved away, and nobody has made again, goes back. */
static void move_back(struct store_job *j)
{
    for (size_t i = j->removal_count; i-- > 0;) {
        struct removal *m = &j->removals[i];
        char part[DISK_NAME];
        if (m->part == 0) {
            continue;
        }
        disk_part_path(part, m->part);
        (void)pthread_mutex_lock(&j->disk->tagging);
        if (disk_exists(j->disk, m->path) || disk_rename(j->disk, part, m->path, NULL) != 0) {
            (void)disk_unlink(j->disk, part, NULL);
        }
        (void)pthread_mutex_unlock(&j->disk->tagging);
    }
}

/* Moves all away, and has the folders say so on the disk: that of the tags before the link goes. */
static int move_all(struct store_job *j)
{
    const struct removal *last = NULL;
    disk_keep_repository(j->disk, j->repository);
    for (size_t i = 0; i < j->removal_count; i++) {
        struct removal *m = &j->removals[i];
        if (last != NULL && last->kind != m->kind &&
            disk_fsync_parent(j->disk, last->path, &j->err) != 0) {
            return -1;
        }
        if (move_away(j, m) != 0) {
            return -1;
        }
        last = m;
    }
    return last != NULL ? disk_fsync_parent(j->disk, last->path, &j->err) : 0;
}

int disk_delete_work(struct store_job *j)
{
    if (move_all(j) != 0) {
        move_back(j);
        return -1;
    }
    for (size_t i = 0; i < j->removal_count; i++) {
        char part[DISK_NAME];
        if (j->removals[i].part > 0) {
            disk_part_path(part, j->removals[i].part);
            (void)disk_unlink(j->disk, part, NULL); /* else the next open does it */
        }
    }
    return 0;
}

/* ---- finishing ------------------------------------------------------------------------------ */

/* Whether ITEM is to go: what is on disk once its file has, however that came. */
static bool is_gone(const struct store_job *j, const struct item *item, enum disk_kind kind)
{
    char path[DISK_NAME];
    if (!item->kept || j->disk == NULL) {
        return j->worked;
    }
    return !disk_link_path(path, j->repository, kind, item->key) || !disk_exists(j->disk, path);
}

void disk_forget_tag(struct store_disk *disk, const char *path, const char *digest)
{
    (void)pthread_mutex_lock(&disk->tagging);
    if (!disk_stands_for_other(disk, path, digest)) {
        (void)disk_unlink(disk, path, NULL);
    }
    (void)pthread_mutex_unlock(&disk->tagging);
}

/* Takes away the tags of the manifest: where that is gone ALL of them, else those without a file.
 */
static void take_tags(struct store_job *j, struct repository *r, bool all)
{
    for (size_t i = r->tags.count; i-- > 0;) {
        const struct item *tag = &r->tags.items[i];
        char path[DISK_NAME];
        if (strcmp(tag->content->digest, j->digest) != 0) {
            continue;
        }
        if (all && tag->kept && j->disk != NULL &&
            disk_link_path(path, j->repository, DISK_TAG, tag->key)) {
            disk_forget_tag(j->disk, path, j->digest);
        }
        /* One that another push is about to move comes back with that. */
        if (all || is_gone(j, tag, DISK_TAG)) {
            shelf_remove(&r->tags, tag);
        }
    }
}

static void take_referrer(struct repository *r, const struct content *c)
{
    char key[REFERRER_KEY];
    if (c->referrer == NULL) {
        return;
    }
    referrer_key(key, c->referrer->subject, c->digest);
    const struct item *listed = shelf_item(&r->referrers, key);
    if (listed != NULL) {
        shelf_remove(&r->referrers, listed);
    }
}

/* Takes ITEM off its shelf. */
static void take_item(struct store_job *j, struct repository *r, const struct item *item)
{
    bool counted = item->kept && j->what != DISK_TAG;
    if (j->what == DISK_MANIFEST) {
        take_referrer(r, item->content);
    }
    shelf_remove(shelf_of(r, j->what), item);
    if (counted) {
        kept_unlink(j->store, j->digest);
    }
}

int store_delete_finish(struct store_job *j, struct err *e)
{
    struct repository *r = repository_find(j->store, j->repository);
    const char *key = j->what == DISK_TAG ? j->tags[0] : j->digest;
    const struct item *item = r != NULL ? shelf_item(shelf_of(r, j->what), key) : NULL;
    bool gone = item != NULL && is_gone(j, item, j->what);
    if (item != NULL && j->what == DISK_MANIFEST) {
        take_tags(j, r, gone);
    }
    if (gone) {
        take_item(j, r, item);
    }
    return j->worked ? 0 : err_set(e, j->err.code, "%s", j->err.text);
}
