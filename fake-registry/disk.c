/* Reading blobs from folders of blobs/ALGORITHM/HEX, each checked against its digest.
 *
 * Happy path: the file is opened once, hashed whole through that descriptor, and then served from
 * it, so that what is served is what was checked; a small one is kept in memory instead.
 *
 * Failure modes: no such file; a file of another size or digest, which is named with what it should
 * have been; anything but a regular file.
 */
#include "fake-registry/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/fd.h"

#define CHUNK ((size_t)256 << 10)

/* Opens a regular file; *ST is what it is like. */
static int open_file(const char *path, struct stat *st, bool *missing, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        *missing = errno == ENOENT;
        return err_errno(e, errno, "cannot open %s", path);
    }
    if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode)) {
        (void)close(fd);
        return err_set(e, ERR_INVALID, "%s is not a regular file", path);
    }
    return fd;
}

char *disk_read(const char *path, size_t max, size_t *len, bool *missing, struct err *e)
{
    struct stat st = {0};
    *missing = false;
    int fd = open_file(path, &st, missing, e);
    if (fd < 0) {
        return NULL;
    }
    uint64_t size = (uint64_t)st.st_size;
    char *text = size <= max ? malloc((size_t)size + 1) : NULL;
    ssize_t n = text != NULL ? fd_read_up_to(fd, text, (size_t)size) : -1;
    int cause = errno;
    (void)close(fd);
    if (n >= 0) {
        text[n] = '\0';
        *len = (size_t)n;
        return text;
    }
    if (size > max) {
        (void)err_set(e, ERR_LIMIT, "%s is larger than %zu bytes", path, max);
    } else if (text == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for %s", path);
    } else {
        (void)err_errno(e, cause, "cannot read %s", path);
    }
    free(text);
    return NULL;
}

/* Hashes FD to its end. *DATA, where not NULL, takes the SIZE bytes as well. */
static int hash(int fd, uint64_t size, uint8_t *data, struct digest_stream *stream)
{
    char *chunk = malloc(CHUNK);
    uint64_t done = 0;
    ssize_t n = -1;
    while (chunk != NULL && (n = fd_read_up_to(fd, chunk, CHUNK)) > 0) {
        if (done + (uint64_t)n > size) {
            n = -1; /* it grows under us */
            errno = EIO;
            break;
        }
        digest_stream_update(stream, chunk, (size_t)n);
        if (data != NULL) {
            memcpy(data + done, chunk, (size_t)n);
        }
        done += (uint64_t)n;
    }
    free(chunk);
    return n == 0 ? 0 : -1;
}

/* Whether FD, which was as ST says, is what WANT says; DATA as for hash. */
static int verify(int fd, const char *path, const struct content_descriptor *want,
                  const struct stat *st, uint8_t *data, bool *altered, struct err *e)
{
    struct stat now;
    struct digest_stream *stream = digest_stream_new(want->digest);
    if (stream == NULL) {
        return err_set(e, ERR_NOMEM, "no memory to hash %s", path);
    }
    if (hash(fd, (uint64_t)st->st_size, data, stream) != 0) {
        int cause = errno;
        digest_stream_free(stream);
        return err_errno(e, cause, "cannot read %s", path);
    }
    if (!digest_stream_finish(stream)) {
        *altered = true;
        return err_set(e, ERR_INVALID, "%s does not have the digest %s", path, want->digest);
    }
    if (fstat(fd, &now) != 0 || now.st_mtim.tv_sec != st->st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != st->st_mtim.tv_nsec) {
        *altered = true;
        return err_set(e, ERR_INVALID, "%s was written to while it was read", path);
    }
    return 0;
}

static struct content *load_from(int fd, const char *path, const struct content_descriptor *want,
                                 const struct stat *st, uint64_t memory, bool *altered,
                                 struct err *e)
{
    uint64_t size = (uint64_t)st->st_size;
    if (want->size != CONTENT_SIZE_UNKNOWN && size != want->size) {
        *altered = true;
        (void)err_set(e, ERR_INVALID, "%s has %" PRIu64 " bytes, not the %" PRIu64 " of %s", path,
                      size, want->size, want->digest);
        return NULL;
    }
    if (memory == DISK_DOCUMENT && size > CONTENT_MAX_MANIFEST) {
        (void)err_set(e, ERR_LIMIT, "%s is larger than the 8 MiB of a manifest", path);
        return NULL;
    }
    bool keep = size <= memory;
    uint8_t *data = keep ? malloc((size_t)size + 1) : NULL;
    struct content *c = NULL;
    if (keep && data == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for %s", path);
    } else if (verify(fd, path, want, st, data, altered, e) == 0) {
        c = content_verified_take(data, keep ? -1 : fd, size, want->digest, want->media_type, e);
    }
    if (c == NULL) {
        free(data);
    }
    return c;
}

struct content *disk_load(const char *folder, const struct content_descriptor *want,
                          uint64_t memory, bool *missing, bool *altered, struct err *e)
{
    char path[DISK_MAX_PATH + 200];
    struct stat st = {0};
    *missing = *altered = false;
    snprintf(path, sizeof(path), "%s/blobs/%.6s/%s", folder, want->digest, want->digest + 7);
    int fd = open_file(path, &st, missing, e);
    if (fd < 0) {
        return NULL;
    }
    struct content *c = load_from(fd, path, want, &st, memory, altered, e);
    if (c == NULL || c->fd != fd) {
        (void)close(fd);
    }
    return c;
}
