/* Changes of the store that clients ask for: begun and finished by the store's thread, worked on by
 * any one between.
 *
 * Happy path: begin copies what the work needs and holds the digest, so that a delete meanwhile
 * leaves its file alone; the work hashes what was not hashed on the way in and, on disk, writes;
 * finish puts the result on the shelves. On disk the files are the truth: finish takes in what is
 * there then, so two pushes of one tag, or a push and a delete, end the same here and there.
 *
 * Failure modes: another digest, no room, no memory: finish says so, what the work wrote is taken
 * back, and the shelves are as before. The upload is gone in any case.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/store_internal.h"

/* More than this is not hashed while others wait. */
#define HASH_INLINE (UINT64_C(1) << 20)
#define CHUNK ((size_t)256 << 10)

void job_free(struct store_job *j)
{
    for (size_t i = 0; j->tags != NULL && i < j->tag_count; i++) {
        free(j->tags[i]);
    }
    free(j->tags);
    free(j->fresh);
    free(j->files);
    for (size_t i = 0; i < j->removal_count; i++) {
        free(j->removals[i].path);
    }
    free(j->removals);
    upload_free(j->upload, j->disk);
    content_unref(j->content);
    j->store->memory -= j->memory;
    free(j->repository);
    free(j);
}

struct store_job *job_new(struct store *s, enum job_kind kind, const char *repository,
                          const char *digest, struct err *e)
{
    struct store_job *j = calloc(1, sizeof(*j));
    if (j != NULL) {
        j->repository = strdup(repository);
    }
    if (j == NULL || j->repository == NULL) {
        free(j);
        (void)err_set(e, ERR_NOMEM, "no memory for a push");
        return NULL;
    }
    j->kind = kind;
    j->store = s;
    j->disk = s->disk;
    memcpy(j->digest, digest, strlen(digest) + 1);
    return j;
}

/* SIZE bytes in memory are J's until it is done: then the store counts what became of them. */
static void count_memory(struct store_job *j, uint64_t size)
{
    j->memory = j->disk == NULL ? size : 0;
    j->store->memory += j->memory;
}

static int plan_files(struct store_job *j, struct err *e);

/* Holds the digest, once all else is known. */
static struct store_job *begun(struct store_job *j, uint64_t size, struct err *e)
{
    if (plan_files(j, e) != 0 || kept_hold(j->store, j->digest, e) != 0) {
        job_free(j);
        return NULL;
    }
    j->size = size;
    j->there = j->disk != NULL && kept_links(j->store, j->digest) > 0;
    return j;
}

/* Where the blob lies in the store already, that is taken, and the upload only held against its
 * digest. */
struct store_job *store_job_blob(struct store *s, struct upload *u, const char *digest,
                                 struct err *e)
{
    struct store_job *j =
        digest_valid(digest) ? job_new(s, JOB_BLOB, u->repository, digest, e) : NULL;
    upload_detach(u);
    if (j == NULL) {
        (void)err_set(e, ERR_INVALID, "no digest: %.160s", digest);
        upload_free(u, s->disk);
        return NULL;
    }
    j->upload = u;
    count_memory(j, u->size);
    j->sum_known = u->sum != NULL && strncmp(digest, u->algorithm, strlen(u->algorithm)) == 0;
    j = begun(j, u->size, e);
    struct content *known = j != NULL ? store_blob_anywhere(s, digest) : NULL;
    if (known != NULL) {
        j->content = content_ref(known);
        j->mends = j->there && !content_stands(known, j->disk);
        j->there = j->there && !j->mends;
    } else if (j != NULL) {
        j->there = false;
    }
    return j;
}

int job_copy_tags(struct store_job *j, const char *const *tags, size_t count, struct err *e)
{
    j->tags = calloc(count + 1, sizeof(*j->tags));
    j->fresh = calloc(count + 1, sizeof(*j->fresh));
    for (; j->tags != NULL && j->tag_count < count; j->tag_count++) {
        j->tags[j->tag_count] = strdup(tags[j->tag_count]);
        if (j->tags[j->tag_count] == NULL) {
            break;
        }
    }
    return j->tags != NULL && j->fresh != NULL && j->tag_count == count
               ? 0
               : err_set(e, ERR_NOMEM, "no memory for the tags of a push");
}

/* The files of the work on disk: that of the link, then those of the tags. */
static int plan_files(struct store_job *j, struct err *e)
{
    if (j->disk == NULL) {
        return 0;
    }
    j->files = calloc(j->tag_count + 1, sizeof(*j->files));
    if (j->files == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for a push");
    }
    for (size_t i = 0; i <= j->tag_count; i++) {
        const char *key = i == 0 ? j->digest : j->tags[i - 1];
        struct job_file *f = &j->files[i];
        f->kind = i > 0 ? DISK_TAG : j->kind == JOB_MANIFEST ? DISK_MANIFEST : DISK_BLOB;
        if (!disk_link_path(f->path, j->repository, f->kind, key)) {
            return err_set(e, ERR_LIMIT, "there can be no file for %.160s of %.200s", key,
                           j->repository);
        }
    }
    return 0;
}

/* C as it lies in the store already, in whatever repository; NULL. */
static struct content *manifest_anywhere(const struct store *s, const struct content *c)
{
    struct content *known = NULL;
    for (size_t i = 0; i < s->count && known == NULL; i++) {
        known = shelf_get(&s->repositories[i].manifests, c->digest);
        if (known != NULL && strcmp(known->media_type, c->media_type) != 0) {
            known = NULL;
        }
    }
    return known;
}

struct store_job *store_job_manifest(struct store *s, const char *repository, struct content *c,
                                     const char *const *tags, size_t count, struct err *e)
{
    struct store_job *j = job_new(s, JOB_MANIFEST, repository, c->digest, e);
    if (j == NULL) {
        return NULL;
    }
    struct content *known = manifest_anywhere(s, c);
    j->content = content_ref(known != NULL ? known : c);
    if ((known == NULL && s->disk == NULL && store_find_room(s, c->size, e) != 0) ||
        job_copy_tags(j, tags, count, e) != 0 || content_refer(j->content, e) != 0) {
        job_free(j);
        return NULL;
    }
    return begun(j, c->size, e);
}

struct store_job *store_job_mount(struct store *s, const char *repository, struct content *c,
                                  struct err *e)
{
    struct store_job *j = job_new(s, JOB_MOUNT, repository, c->digest, e);
    if (j == NULL) {
        return NULL;
    }
    j->content = content_ref(c);
    return begun(j, c->size, e);
}

bool store_job_slow(const struct store_job *j)
{
    if (j->kind == JOB_DELETE) {
        return j->removal_count > 0;
    }
    return j->disk != NULL || (j->kind == JOB_BLOB && !j->sum_known && j->size > HASH_INLINE);
}

/* ---- the work ------------------------------------------------------------------------------- */

/* Feeds SUM the upload's file. */
static int hash_file(const struct upload *u, struct digest_stream *sum, struct err *e)
{
    char *chunk = malloc(CHUNK);
    uint64_t done = 0;
    if (chunk == NULL) {
        return err_set(e, ERR_NOMEM, "no memory to hash an upload");
    }
    while (done < u->size) {
        size_t want = u->size - done < CHUNK ? (size_t)(u->size - done) : CHUNK;
        ssize_t n = pread(u->fd, chunk, want, (off_t)done);
        if (n <= 0) {
            break;
        }
        digest_stream_update(sum, chunk, (size_t)n);
        done += (uint64_t)n;
    }
    free(chunk);
    return done == u->size ? 0 : err_set(e, ERR_IO, "cannot read the upload %s again", u->id);
}

/* Whether the upload has the digest that was asked for. */
static int check_digest(struct store_job *j)
{
    struct upload *u = j->upload;
    char actual[DIGEST_TEXT] = "";
    struct digest_stream *sum = u->sum;
    if (j->sum_known) {
        u->sum = NULL;
    } else {
        sum = digest_stream_new(j->digest);
        if (sum == NULL) {
            return err_set(&j->err, ERR_NOMEM, "no memory to hash an upload");
        }
        if (u->fd < 0) {
            digest_stream_update(sum, u->data != NULL ? (const void *)u->data : "",
                                 (size_t)u->size);
        } else if (hash_file(u, sum, &j->err) != 0) {
            digest_stream_free(sum);
            return -1;
        }
    }
    if (digest_stream_text(sum, actual) != 0) {
        return err_set(&j->err, ERR_INTERNAL, "hashing failed");
    }
    return strcmp(actual, j->digest) == 0
               ? 0
               : err_set(&j->err, ERR_INVALID, "what came has the digest %s", actual);
}

/* The upload's memory becomes the blob's, without what is left over of it. */
static int take_memory(struct store_job *j)
{
    struct upload *u = j->upload;
    uint8_t *data = realloc(u->data, u->size > 0 ? (size_t)u->size : 1);
    u->data = data != NULL ? data : u->data;
    j->content = content_verified_take(u->data, -1, u->size, j->digest, STORE_BLOB_TYPE, &j->err);
    if (j->content == NULL) {
        return -1;
    }
    u->data = NULL;
    return 0;
}

static int work(struct store_job *j)
{
    if (j->kind == JOB_BLOB && check_digest(j) != 0) {
        return -1;
    }
    if (j->kind == JOB_DELETE) {
        return j->removal_count > 0 ? disk_delete_work(j) : 0;
    }
    if (j->disk != NULL) {
        return disk_job_work(j);
    }
    return j->kind == JOB_BLOB && j->content == NULL ? take_memory(j) : 0;
}

void store_job_work(struct store_job *j)
{
    j->worked = work(j) == 0;
}

/* ---- finishing ------------------------------------------------------------------------------ */

/* Whether the I-th file says what J wrote: false where it has been deleted since, or another push
 * has come. One that cannot be read does. */
static bool still_so(const struct store_job *j, size_t i)
{
    char text[DIGEST_TEXT];
    if (j->disk == NULL) {
        return true;
    }
    const struct job_file *f = &j->files[i];
    if (f->kind != DISK_TAG) {
        return disk_exists(j->disk, f->path);
    }
    return disk_read_text(j->disk, f->path, text, sizeof(text)) == 0 ? strcmp(text, j->digest) == 0
                                                                     : errno != ENOENT;
}

static int take_blob(struct store_job *j, struct repository *r, struct err *e)
{
    if (!still_so(j, 0)) {
        return 0;
    }
    const struct content *there = shelf_get(&r->blobs, j->digest);
    /* What is there serves as well, unless its file was made again for another. */
    bool serves =
        there != NULL && (j->disk == NULL || there == j->content || content_stands(there, j->disk));
    if (!serves && shelf_put(&r->blobs, j->digest, j->content, e) != 0) {
        return -1;
    }
    kept_link(j->store, shelf_item(&r->blobs, j->digest), j->digest);
    return 0;
}

/* Puts the tags that are FRESH, or those that are not, which cannot fail. */
static int take_tags(const struct store_job *j, struct repository *r, bool fresh, struct err *e)
{
    for (size_t i = 0; i < j->tag_count; i++) {
        const struct item *item = shelf_item(&r->tags, j->tags[i]);
        if ((item == NULL) != fresh || !still_so(j, i + 1)) {
            continue;
        }
        if (shelf_put(&r->tags, j->tags[i], j->content, e) != 0) {
            return -1;
        }
        shelf_item(&r->tags, j->tags[i])->kept = true;
        j->fresh[i] = j->fresh[i] || fresh;
    }
    return 0;
}

/* The manifest has been deleted since: so are the tags that stand for it. */
static void drop_tags(const struct store_job *j, struct repository *r)
{
    for (size_t i = 0; i < j->tag_count; i++) {
        const struct item *item = shelf_item(&r->tags, j->tags[i]);
        disk_forget_tag(j->disk, j->files[i + 1].path, j->digest);
        if (item != NULL && item->kept && !disk_exists(j->disk, j->files[i + 1].path)) {
            shelf_remove(&r->tags, item);
        }
    }
}

/* What may fail comes first, so that it can be taken back: tags that are new, and the manifest. */
static int take_manifest(struct store_job *j, struct repository *r, struct err *e)
{
    if (!still_so(j, 0)) {
        drop_tags(j, r);
        return 0;
    }
    if (take_tags(j, r, true, e) != 0 || repository_put_manifest(r, j->content, e) != 0) {
        for (size_t i = 0; i < j->tag_count; i++) {
            if (j->fresh[i]) {
                shelf_remove(&r->tags, shelf_item(&r->tags, j->tags[i]));
            }
        }
        return -1;
    }
    kept_link(j->store, shelf_item(&r->manifests, j->digest), j->digest);
    return take_tags(j, r, false, e);
}

/* A mount of what the harness put there stays the harness's, in memory. */
static bool is_kept(const struct store_job *j)
{
    return j->kind != JOB_MOUNT || j->disk != NULL || kept_links(j->store, j->digest) > 0;
}

static int take(struct store_job *j, struct err *e)
{
    struct store *s = j->store;
    bool known = repository_find(s, j->repository) != NULL;
    struct repository *r = repository_make(s, j->repository, e);
    int rc = -1;
    if (r == NULL) {
        return -1;
    }
    if (!is_kept(j)) {
        rc = shelf_put(&r->blobs, j->digest, j->content, e);
    } else {
        rc = j->kind == JOB_MANIFEST ? take_manifest(j, r, e) : take_blob(j, r, e);
    }
    if (rc != 0 && !known) {
        repository_drop_empty(s, j->repository);
    }
    return rc;
}

/* What the work made is taken back, but for a link that another push of the same counts on. */
static void take_back(struct store_job *j)
{
    const struct repository *r = repository_find(j->store, j->repository);
    const struct shelf *shelf = r == NULL                 ? NULL
                                : j->kind == JOB_MANIFEST ? &r->manifests
                                                          : &r->blobs;
    const struct item *item = shelf != NULL ? shelf_item(shelf, j->digest) : NULL;
    if (j->files != NULL && j->files[0].before[0] == '\0' && item != NULL && item->kept) {
        j->files[0].done = false;
    }
    disk_job_undo(j);
}

static int finish_push(struct store_job *j, struct err *e)
{
    struct store *s = j->store;
    int rc = j->worked ? take(j, e) : err_set(e, j->err.code, "%s", j->err.text);
    if (j->worked && rc != 0) {
        take_back(j);
    }
    if (rc == 0 && j->mends) {
        content_stand_again(j->content);
    }
    kept_release(s, j->digest);
    return rc;
}

int store_job_finish(struct store_job *j, struct err *e)
{
    int rc = j->kind == JOB_DELETE ? store_delete_finish(j, e) : finish_push(j, e);
    if (rc != 0) {
        store_trouble(j->store, e);
    }
    job_free(j);
    return rc;
}
