/* The work of a push on disk.
 *
 * Happy path: the content is fsynced in uploads/, renamed into blobs/, and that folder fsynced; the
 * small files that name it (the link of its repository, the tags) are written beside, and then
 * renamed one after the other, the link first. Whoever kills us in between leaves content without a
 * name, which is thrown away at the next open, or a manifest without its tag: never a name without
 * what it stands for.
 *
 * Failure modes: all that needs room on the disk comes before the first name; what was named
 * nevertheless is taken back by disk_job_undo.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/disk.h"
#include "fake-registry/store_internal.h"

/* A small blob is read back into memory, a large one is served from its file. */
static int take_upload(struct store_job *j)
{
    struct upload *u = j->upload;
    bool keep = u->size <= STORE_IN_MEMORY;
    uint8_t *data = keep ? malloc((size_t)u->size + 1) : NULL;
    if (keep && data == NULL) {
        return err_set(&j->err, ERR_NOMEM, "no memory for %s", j->digest);
    }
    if (keep && pread(u->fd, data, (size_t)u->size, 0) != (ssize_t)u->size) {
        free(data);
        return err_set(&j->err, ERR_IO, "cannot read the upload %s again", u->id);
    }
    j->content = content_verified_take(data, -1, u->size, j->digest, STORE_BLOB_TYPE, &j->err);
    if (j->content == NULL) {
        free(data);
        return -1;
    }
    return 0;
}

/* What is to become the content's file, fsynced; its path in OUT. */
static int write_content(struct store_job *j, char out[DISK_NAME])
{
    struct upload *u = j->upload;
    if (u == NULL) {
        struct disk_bytes bytes = {j->content->data, j->content->fd, j->content->size};
        return disk_write_new(j->disk, &bytes, out, &j->err);
    }
    disk_upload_path(out, u->id);
    if (ftruncate(u->fd, (off_t)u->size) != 0 || fsync(u->fd) != 0) {
        return disk_trouble(j->disk, &j->err, "write", out);
    }
    return 0;
}

/* Whether the file TO is there and is what it is to be: 1, 0; -1: it cannot be said. */
static int is_good(struct store_job *j, const char *to)
{
    struct content_descriptor want = {.size = j->content->size};
    struct err e = {0};
    bool missing = false;
    bool altered = false;
    if (!disk_exists(j->disk, to)) {
        return 0;
    }
    memcpy(want.digest, j->digest, sizeof(j->digest));
    struct content *c = disk_load(j->disk->folder, &want, 0, &missing, &altered, &e);
    content_unref(c);
    if (c != NULL) {
        return 1;
    }
    return missing || altered || e.code == ERR_INVALID ? 0 : err_set(&j->err, e.code, "%s", e.text);
}

/* The file FROM becomes TO. One that is good stays, for what is served from it knows it: another
 * push of the same content has just brought it. */
static int name_content(struct store_job *j, const char *from, const char *to)
{
    struct stat st;
    int good = is_good(j, to);
    if (good < 0 || (good == 0 && disk_rename(j->disk, from, to, &j->err) != 0)) {
        (void)disk_unlink(j->disk, from, NULL);
        return -1;
    }
    if (good > 0 && disk_unlink(j->disk, from, &j->err) != 0) {
        return -1;
    }
    /* What has a FILE is served meanwhile: its descriptor is the loop's. */
    if (j->content->data != NULL || j->content->file != NULL || j->content->fd >= 0) {
        return 0;
    }
    if (disk_blob_stat(j->disk, j->digest, &st) != 0) {
        return disk_trouble(j->disk, &j->err, "read", to);
    }
    return content_lay_down(j->content, j->disk, &st, &j->err);
}

static int put_content(struct store_job *j)
{
    char from[DISK_NAME];
    char to[DISK_NAME];
    disk_blob_path(to, j->digest);
    if (write_content(j, from) != 0) {
        return -1;
    }
    (void)pthread_mutex_lock(&j->disk->naming);
    int rc = name_content(j, from, to);
    (void)pthread_mutex_unlock(&j->disk->naming);
    return rc == 0 ? disk_fsync_parent(j->disk, to, &j->err) : -1;
}

/* Writes what F is to hold, and notes what it holds now. */
static int write_part(struct store_job *j, struct job_file *f)
{
    struct disk_bytes bytes = {.fd = -1};
    if (f->kind == DISK_BLOB) {
        return disk_exists(j->disk, f->path) ? 0
                                             : disk_write_new(j->disk, &bytes, f->part, &j->err);
    }
    bytes.data = f->kind == DISK_TAG ? j->digest : j->content->media_type;
    bytes.size = strlen(bytes.data);
    if (disk_read_text(j->disk, f->path, f->before, sizeof(f->before)) != 0 ||
        (f->kind == DISK_TAG && !digest_valid(f->before))) {
        f->before[0] = '\0';
    }
    return disk_write_new(j->disk, &bytes, f->part, &j->err);
}

/* Not while a delete looks what it stands for. */
static int name_part(struct store_job *j, const struct job_file *f)
{
    (void)pthread_mutex_lock(&j->disk->tagging);
    int rc = disk_rename(j->disk, f->part, f->path, &j->err);
    (void)pthread_mutex_unlock(&j->disk->tagging);
    return rc;
}

static int name_parts(struct store_job *j)
{
    for (size_t i = 0; i <= j->tag_count; i++) {
        struct job_file *f = &j->files[i];
        if (f->part[0] != '\0') {
            if (name_part(j, f) != 0) {
                return -1;
            }
            f->part[0] = '\0';
            f->done = true;
        }
        /* One fsync of the folder does for all the tags. */
        if ((i == 0 || i == j->tag_count) && disk_fsync_parent(j->disk, f->path, &j->err) != 0) {
            return -1;
        }
    }
    return 0;
}

int disk_job_work(struct store_job *j)
{
    int rc = 0;
    if (j->content == NULL) {
        rc = take_upload(j);
    }
    if (rc == 0 && !j->there) {
        rc = put_content(j);
    }
    for (size_t i = 0; rc == 0 && i <= j->tag_count; i++) {
        rc = disk_make_parents(j->disk, j->files[i].path, &j->err);
        rc = rc == 0 ? write_part(j, &j->files[i]) : rc;
    }
    rc = rc == 0 ? name_parts(j) : rc;
    if (rc != 0) {
        disk_job_undo(j);
    }
    return rc;
}

/* F says again what it said before, or is gone where that was nothing. A tag that another push has
 * moved meanwhile is that push's. */
static void put_back(const struct store_job *j, struct job_file *f)
{
    struct disk_bytes bytes = {f->before, -1, strlen(f->before)};
    bool was = f->before[0] != '\0';
    if (was && disk_write_new(j->disk, &bytes, f->part, NULL) != 0) {
        return;
    }
    (void)pthread_mutex_lock(&j->disk->tagging);
    if (f->kind == DISK_TAG && disk_stands_for_other(j->disk, f->path, j->digest)) {
        /* as it is */
    } else if (!was) {
        (void)disk_unlink(j->disk, f->path, NULL);
    } else if (disk_rename(j->disk, f->part, f->path, NULL) == 0) {
        f->part[0] = '\0';
    }
    (void)pthread_mutex_unlock(&j->disk->tagging);
}

void disk_job_undo(struct store_job *j)
{
    for (size_t i = j->tag_count + 1; j->files != NULL && i-- > 0;) {
        struct job_file *f = &j->files[i];
        if (f->done) {
            put_back(j, f);
        }
        if (f->part[0] != '\0') {
            (void)disk_unlink(j->disk, f->part, NULL);
        }
        f->done = false;
    }
}
