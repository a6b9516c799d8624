/* Blobs that are served from their files: each is open only while an answer is sent from it.
 *
 * Happy path: what was verified is noted of the file (which one it is, how long, last changed when)
 * and the file is closed; the first answer opens it, others meanwhile share the descriptor, and the
 * last closes it. So a store may hold far more blobs than a process may have descriptors, and a
 * blob that is deleted while it is sent is sent whole.
 *
 * Failure modes: no descriptor is left, the file is gone, or it is not what was verified: it is not
 * served until a push has brought it again, or the next open of the store has looked at it, and
 * that is told once for each blob.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake-registry/store_internal.h"

struct content_file {
    struct store_disk *disk;
    size_t readers;
    bool told;
    dev_t device;
    ino_t number;
    struct timespec changed;
};

int disk_blob_stat(const struct store_disk *disk, const char *digest, struct stat *st)
{
    char path[DISK_NAME];
    disk_blob_path(path, digest);
    return fstatat(disk->root, path, st, AT_SYMLINK_NOFOLLOW);
}

int content_lay_down(struct content *c, struct store_disk *disk, const struct stat *st,
                     struct err *e)
{
    c->file = malloc(sizeof(*c->file));
    if (c->file == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for %s", c->digest);
    }
    *c->file = (struct content_file){
        .disk = disk, .device = st->st_dev, .number = st->st_ino, .changed = st->st_mtim};
    if (c->fd >= 0) {
        (void)close(c->fd);
        c->fd = -1;
    }
    return 0;
}

static bool is_same(const struct content *c, const struct stat *st)
{
    const struct content_file *f = c->file;
    return S_ISREG(st->st_mode) && st->st_dev == f->device && st->st_ino == f->number &&
           (uint64_t)st->st_size == c->size && st->st_mtim.tv_sec == f->changed.tv_sec &&
           st->st_mtim.tv_nsec == f->changed.tv_nsec;
}

bool content_stands(const struct content *c, const struct store_disk *disk)
{
    struct stat st;
    if (disk_blob_stat(disk, c->digest, &st) != 0) {
        return false;
    }
    return c->file != NULL ? is_same(c, &st) : (uint64_t)st.st_size == c->size;
}

void content_stand_again(struct content *c)
{
    struct content_file *f = c->file;
    struct stat st;
    if (f != NULL && disk_blob_stat(f->disk, c->digest, &st) == 0) {
        f->device = st.st_dev;
        f->number = st.st_ino;
        f->changed = st.st_mtim;
        f->told = false;
    }
}

/* The file of C, if it is the one that was verified. */
static int open_verified(const struct content *c, struct err *e)
{
    const struct store_disk *disk = c->file->disk;
    char path[DISK_NAME];
    struct stat st;
    disk_blob_path(path, c->digest);
    int fd = openat(disk->root, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &st) == 0) {
        if (is_same(c, &st)) {
            return fd;
        }
        (void)err_set(e, ERR_IO, "%s in the store %s has changed since it was verified", path,
                      disk->folder);
    } else {
        (void)disk_trouble(disk, e, "read", path);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return -1;
}

static void tell(struct content_file *f, const char *why)
{
    char text[sizeof(((struct err *)NULL)->text) + 32];
    if (!f->told) {
        (void)snprintf(text, sizeof(text), "a blob is not served: %s", why);
        f->told = disk_tell(f->disk, text);
    }
}

int content_open(struct content *c, struct err *e)
{
    struct content_file *f = c->file;
    struct err why = {0};
    if (f == NULL) {
        return 0;
    }
    if (f->readers == 0) {
        c->fd = open_verified(c, &why);
    }
    if (c->fd < 0) {
        tell(f, why.text);
        return err_set(e, why.code, "%s", why.text);
    }
    f->readers++;
    return 0;
}

void content_close(struct content *c)
{
    struct content_file *f = c->file;
    if (f != NULL && --f->readers == 0) {
        (void)close(c->fd);
        c->fd = -1;
    }
}
