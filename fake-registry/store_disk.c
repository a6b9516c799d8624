/* The files of a store on disk: paths below its folder, and the few ways of writing them.
 *
 * Happy path: whatever is to have a name is written in uploads/, fsynced, renamed to where it
 * belongs, and the folder that has its name now is fsynced. So a name never stands for half a file,
 * and a name that an answer told of survives a power cut.
 *
 * Failure modes: each call that the operating system refuses is an error that names path and
 * folder; the caller takes back what it made.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-registry/store_internal.h"
#include "harness/base/clock.h"

/* A disk that is full or gone is told this often, however many clients meet it. */
#define TOLD_MAX 4
#define TOLD_SPAN_NS (10 * CLOCK_NS_PER_S)
/* Written bytes are sent on their way to the disk in pieces of this size. */
#define FLUSH_STEP (UINT64_C(8) << 20)
#define PREFIX_LEN 7 /* "sha256:" */

bool disk_tell(struct store_disk *disk, const char *text)
{
    uint64_t now = clock_now_ns();
    if (now - disk->told_ns >= TOLD_SPAN_NS) {
        disk->told_ns = now;
        disk->told = 0;
    }
    if (disk->note == NULL || disk->told == TOLD_MAX) {
        return false;
    }
    disk->told++;
    disk->note(disk->note_data, text);
    return true;
}

void store_trouble(const struct store *s, const struct err *e)
{
    if (s->disk != NULL && (e->code == ERR_IO || e->code == ERR_NOMEM)) {
        (void)disk_tell(s->disk, e->text);
    }
}

int disk_trouble(const struct store_disk *disk, struct err *e, const char *what, const char *path)
{
    return err_errno(e, errno, "cannot %s %s in the store %s", what, path, disk->folder);
}

/* Whether NAME leads nowhere but down: the parts of a repository's name begin with a letter or a
 * digit, and a tag is one part. */
static bool is_safe(const char *name, bool slashes)
{
    bool begins = true;
    for (const char *at = name; *at != '\0'; at++) {
        bool plain =
            (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9');
        bool inner = *at == '.' || *at == '_' || *at == '-';
        bool slash = slashes && *at == '/';
        bool first_of_tag = !slashes && *at == '_';
        if (begins ? !plain && !first_of_tag : !plain && !inner && !slash) {
            return false;
        }
        begins = slash;
    }
    return !begins;
}

bool disk_link_path(char out[DISK_NAME], const char *repository, enum disk_kind kind,
                    const char *key)
{
    int n = -1;
    if (!is_safe(repository, true)) {
        return false;
    }
    if (kind == DISK_TAG) {
        n = is_safe(key, false)
                ? snprintf(out, DISK_NAME, "repositories/%s/_tags/%s", repository, key)
                : -1;
    } else if (digest_valid(key)) {
        n = snprintf(out, DISK_NAME, "repositories/%s/%s/%.6s/%s", repository,
                     kind == DISK_BLOB ? "_blobs" : "_manifests", key, key + PREFIX_LEN);
    }
    return n > 0 && n < DISK_NAME;
}

void disk_blob_path(char out[DISK_NAME], const char *digest)
{
    (void)snprintf(out, DISK_NAME, "blobs/%.6s/%s", digest, digest + PREFIX_LEN);
}

void disk_upload_path(char out[DISK_NAME], const char *id)
{
    (void)snprintf(out, DISK_NAME, "uploads/%s", id);
}

void disk_part_path(char out[DISK_NAME], uint64_t number)
{
    (void)snprintf(out, DISK_NAME, "uploads/part-%llu", (unsigned long long)number);
}

uint64_t disk_part_new(struct store_disk *disk, char out[DISK_NAME])
{
    uint64_t number = atomic_fetch_add(&disk->parts, 1) + 1;
    disk_part_path(out, number);
    return number;
}

static int create(const struct store_disk *disk, const char *path, struct err *e)
{
    int fd = openat(disk->root, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd >= 0 ? fd : disk_trouble(disk, e, "make", path);
}

int disk_upload_create(const struct store_disk *disk, const char *id, struct err *e)
{
    char path[DISK_NAME];
    disk_upload_path(path, id);
    return create(disk, path, e);
}

int disk_write(const struct store_disk *disk, int fd, const void *data, size_t len, uint64_t offset,
               const char *path, struct err *e)
{
    const char *at = data;
    while (len > 0) {
        ssize_t n = pwrite(fd, at, len, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            errno = n < 0 ? errno : ENOSPC;
            return disk_trouble(disk, e, "write", path);
        }
        at += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

void disk_flush(int fd, uint64_t *flushed, uint64_t size)
{
    *flushed = *flushed > size ? size : *flushed; /* it was rewound */
    if (size - *flushed >= FLUSH_STEP) {
        (void)sync_file_range(fd, (off_t)*flushed, (off_t)(size - *flushed), SYNC_FILE_RANGE_WRITE);
        *flushed = size;
    }
}

/* Copies SIZE bytes of FROM. */
static int write_file(const struct store_disk *disk, int fd, int from, uint64_t size,
                      const char *path, struct err *e)
{
    static const size_t chunk_size = (size_t)256 << 10;
    char *chunk = malloc(chunk_size);
    if (chunk == NULL) {
        return err_set(e, ERR_NOMEM, "no memory to write %s", path);
    }
    uint64_t done = 0;
    int rc = 0;
    while (rc == 0 && done < size) {
        size_t want = size - done < chunk_size ? (size_t)(size - done) : chunk_size;
        ssize_t n = pread(from, chunk, want, (off_t)done);
        if (n <= 0) {
            errno = n < 0 ? errno : EIO;
            rc = disk_trouble(disk, e, "read what is to become", path);
        } else {
            rc = disk_write(disk, fd, chunk, (size_t)n, done, path, e);
            done += (uint64_t)n;
        }
    }
    free(chunk);
    return rc;
}

int disk_write_new(struct store_disk *disk, const struct disk_bytes *bytes, char out[DISK_NAME],
                   struct err *e)
{
    (void)disk_part_new(disk, out);
    int fd = create(disk, out, e);
    if (fd < 0) {
        out[0] = '\0';
        return -1;
    }
    int rc = bytes->data != NULL || bytes->size == 0
                 ? disk_write(disk, fd, bytes->data, (size_t)bytes->size, 0, out, e)
                 : write_file(disk, fd, bytes->fd, bytes->size, out, e);
    if (rc == 0 && fsync(fd) != 0) {
        rc = disk_trouble(disk, e, "write", out);
    }
    (void)close(fd);
    if (rc != 0) {
        (void)disk_unlink(disk, out, NULL);
        out[0] = '\0';
    }
    return rc;
}

int disk_rename(const struct store_disk *disk, const char *from, const char *to, struct err *e)
{
    return renameat(disk->root, from, disk->root, to) == 0 ? 0 : disk_trouble(disk, e, "write", to);
}

int disk_fsync_folder(const struct store_disk *disk, const char *path, struct err *e)
{
    int fd = openat(disk->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd >= 0 ? fsync(fd) : -1;
    if (rc != 0) {
        rc = disk_trouble(disk, e, "write", path);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return rc;
}

int disk_fsync_parent(const struct store_disk *disk, const char *path, struct err *e)
{
    char folder[DISK_NAME];
    const char *slash = strrchr(path, '/');
    (void)snprintf(folder, sizeof(folder), "%.*s", slash != NULL ? (int)(slash - path) : 1,
                   slash != NULL ? path : ".");
    return disk_fsync_folder(disk, folder, e);
}

int disk_make_parents(const struct store_disk *disk, const char *path, struct err *e)
{
    char folder[DISK_NAME];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
        if (mkdirat(disk->root, folder, 0700) != 0 && errno != EEXIST) {
            return disk_trouble(disk, e, "make", folder);
        }
        /* One that is there may be another job's, who is not that far yet. */
        if (disk_fsync_parent(disk, folder, e) != 0) {
            return -1;
        }
    }
    return 0;
}

int disk_unlink(const struct store_disk *disk, const char *path, struct err *e)
{
    return unlinkat(disk->root, path, 0) == 0 || errno == ENOENT
               ? 0
               : disk_trouble(disk, e, "delete", path);
}

bool disk_exists(const struct store_disk *disk, const char *path)
{
    return faccessat(disk->root, path, F_OK, 0) == 0;
}

bool disk_is_folder(const struct store_disk *disk, const char *repository)
{
    char path[DISK_NAME + 16];
    struct stat st;
    (void)snprintf(path, sizeof(path), "repositories/%s", repository);
    return fstatat(disk->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static void kept_path(char out[2 * DISK_NAME], const char *repository)
{
    (void)snprintf(out, (size_t)2 * DISK_NAME, "repositories/%s/_kept", repository);
}

/* On a disk that is full it goes with its last content. */
void disk_keep_repository(const struct store_disk *disk, const char *repository)
{
    char path[2 * DISK_NAME];
    kept_path(path, repository);
    if (mkdirat(disk->root, path, 0700) == 0) {
        (void)disk_fsync_parent(disk, path, NULL);
    }
}

bool disk_keeps_repository(const struct store_disk *disk, const char *repository)
{
    char path[2 * DISK_NAME];
    kept_path(path, repository);
    return disk_exists(disk, path);
}

int disk_read_text(const struct store_disk *disk, const char *path, char *out, size_t size)
{
    int fd = openat(disk->root, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return -1;
    }
    ssize_t n = read(fd, out, size);
    (void)close(fd);
    if (n < 0 || (size_t)n == size) {
        errno = n < 0 ? errno : EFBIG;
        return -1;
    }
    out[n] = '\0';
    return 0;
}

void disk_close(struct store_disk *disk)
{
    if (disk == NULL) {
        return;
    }
    if (disk->lock >= 0) {
        (void)close(disk->lock);
    }
    if (disk->root >= 0) {
        (void)close(disk->root);
    }
    (void)pthread_mutex_destroy(&disk->naming);
    (void)pthread_mutex_destroy(&disk->tagging);
    free(disk->folder);
    free(disk);
}
