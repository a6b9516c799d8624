/* The layout's files. Happy path: a blob is written to a hidden temporary file in the layout,
 * hashed on the way, and renamed to blobs/ALGORITHM/HEX once it is whole and right; index.json
 * comes last, so a reader sees either no image or all of it. Failure modes: a failing write or
 * rename leaves the temporary file to pull_blob_close, which removes it; a killed process leaves at
 * most a hidden file that nobody reads. */
#include "scenarios/subjects/lib/pull_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The longest name below the layout, with its slash. */
#define BELOW 160

static int make_dir(const char *path, struct err *e)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return err_errno(e, errno, "cannot make %s", path);
    return 0;
}

int pull_layout_init(struct pull_layout *l, const char *dir, struct err *e)
{
    char path[PATH_MAX + BELOW];

    if (make_dir(dir, e) != 0)
        return -1;
    if (realpath(dir, l->dir) == NULL)
        return err_errno(e, errno, "cannot resolve %s", dir);
    snprintf(path, sizeof(path), "%s/blobs", l->dir);
    return make_dir(path, e);
}

/* blobs/sha256/HEX: the digest's colon becomes the slash. */
static void blob_path(const struct pull_layout *l, const char *digest, char *path, size_t size)
{
    const size_t algorithm = strcspn(digest, ":");

    snprintf(path, size, "%s/blobs/%.*s/%s", l->dir, (int)algorithm, digest,
             digest + algorithm + 1);
}

static bool hash_file(int fd, const char *digest, uint64_t size)
{
    struct digest_stream *stream = digest_stream_new(digest);
    char chunk[16384];
    uint64_t total = 0;
    ssize_t n = 0;

    if (stream == NULL)
        return false;
    while (total <= size && (n = read(fd, chunk, sizeof(chunk))) > 0) {
        digest_stream_update(stream, chunk, (size_t)n);
        total += (uint64_t)n;
    }
    return digest_stream_finish(stream) && n == 0 && total == size;
}

bool pull_layout_has(const struct pull_layout *l, const char *digest, uint64_t size)
{
    char path[PATH_MAX + BELOW];
    bool whole;
    int fd;

    blob_path(l, digest, path, sizeof(path));
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    whole = hash_file(fd, digest, size);
    close(fd);
    return whole;
}

int pull_layout_open(struct pull_layout *l, const char *dir, struct err *e)
{
    if (realpath(dir, l->dir) == NULL)
        return err_errno(e, errno, "cannot resolve %s", dir);
    return 0;
}

/* A regular file only: what lies in a layout may be anything. */
static int read_file(const char *path, size_t max, struct buf *out, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t n = 1;

    if (fd < 0)
        return err_errno(e, errno, "cannot open %s", path);
    buf_init(out, max);
    while (n > 0) {
        char chunk[16384];

        n = read(fd, chunk, sizeof(chunk));
        if (n > 0)
            buf_append(out, chunk, (size_t)n);
        if (out->failed)
            break;
    }
    close(fd);
    if (n == 0 && out->data != NULL)
        return 0;
    buf_close(out);
    return err_set(e, ERR_INVALID, "%s is empty, too large, or cannot be read", path);
}

int pull_layout_read(const struct pull_layout *l, const char *digest, size_t max, struct buf *out,
                     struct err *e)
{
    char path[PATH_MAX + BELOW];
    struct digest_stream *stream = digest_stream_new(digest);

    if (stream == NULL)
        return err_set(e, ERR_NOMEM, "no digest for %s", digest);
    blob_path(l, digest, path, sizeof(path));
    if (read_file(path, max, out, e) != 0) {
        digest_stream_free(stream);
        return -1;
    }
    digest_stream_update(stream, out->data, out->len);
    if (digest_stream_finish(stream))
        return 0;
    buf_close(out);
    return err_set(e, ERR_INVALID, "%s holds other bytes", path);
}

int pull_layout_index(const struct pull_layout *l, size_t max, struct buf *out, struct err *e)
{
    char path[PATH_MAX + BELOW];

    snprintf(path, sizeof(path), "%s/index.json", l->dir);
    return read_file(path, max, out, e);
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int pull_file_replace(const char *path, const char *text, size_t len, struct err *e)
{
    char temp[PATH_MAX + BELOW + 16];
    int fd;

    snprintf(temp, sizeof(temp), "%s.XXXXXX", path);
    fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, errno, "cannot make %s", temp);
    if (write_all(fd, text, len) != 0 || fchmod(fd, 0644) != 0)
        err_errno(e, errno, "cannot write %s", temp);
    else if (rename(temp, path) != 0)
        err_errno(e, errno, "cannot rename %s", temp);
    else
        temp[0] = '\0';
    close(fd);
    if (temp[0] == '\0')
        return 0;
    unlink(temp);
    return -1;
}

static int replace_json(const struct pull_layout *l, const char *name, json_t *value, struct err *e)
{
    char path[PATH_MAX + BELOW];
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
    int result;

    json_decref(value);
    if (text == NULL)
        return err_set(e, ERR_NOMEM, "no memory for %s", name);
    snprintf(path, sizeof(path), "%s/%s", l->dir, name);
    result = pull_file_replace(path, text, strlen(text), e);
    free(text);
    return result;
}

int pull_layout_publish(const struct pull_layout *l, const struct pull_descriptor *manifest,
                        const char *tag, struct err *e)
{
    if (replace_json(l, "oci-layout", json_pack("{s:s}", "imageLayoutVersion", "1.0.0"), e) != 0)
        return -1;
    return replace_json(l, "index.json",
                        json_pack("{s:i, s:[{s:s, s:s, s:I, s:{s:s}}]}", "schemaVersion", 2,
                                  "manifests", "mediaType", manifest->media_type, "digest",
                                  manifest->digest, "size", (json_int_t)manifest->size,
                                  "annotations", "org.opencontainers.image.ref.name", tag),
                        e);
}

int pull_blob_init(struct pull_blob *b, const struct pull_layout *l,
                   const struct pull_descriptor *want, struct err *e)
{
    *b = (struct pull_blob){.layout = l, .want = want, .fd = -1};
    snprintf(b->temp, sizeof(b->temp), "%s/.pull-XXXXXX", l->dir);
    b->fd = mkostemp(b->temp, O_CLOEXEC);
    if (b->fd < 0)
        return err_errno(e, errno, "cannot make %s", b->temp);
    b->stream = digest_stream_new(want->digest);
    if (b->stream != NULL)
        return 0;
    pull_blob_close(b);
    return err_set(e, ERR_NOMEM, "no digest for %s", want->digest);
}

void pull_blob_close(struct pull_blob *b)
{
    digest_stream_free(b->stream);
    b->stream = NULL;
    if (b->fd >= 0)
        close(b->fd);
    b->fd = -1;
    if (b->temp[0] != '\0')
        unlink(b->temp);
    b->temp[0] = '\0';
}

int pull_blob_restart(struct pull_blob *b, struct err *e)
{
    digest_stream_free(b->stream);
    b->have = 0;
    b->stream = digest_stream_new(b->want->digest);
    if (b->stream == NULL)
        return err_set(e, ERR_NOMEM, "no digest for %s", b->want->digest);
    if (ftruncate(b->fd, 0) != 0 || lseek(b->fd, 0, SEEK_SET) != 0)
        return err_errno(e, errno, "cannot empty %s", b->temp);
    return 0;
}

int pull_blob_write(struct pull_blob *b, const void *data, size_t len, struct err *e)
{
    if (write_all(b->fd, data, len) != 0)
        return err_errno(e, errno, "cannot write %s", b->temp);
    digest_stream_update(b->stream, data, len);
    b->have += len;
    return 0;
}

bool pull_blob_verify(struct pull_blob *b)
{
    struct digest_stream *stream = b->stream;

    b->stream = NULL;
    return digest_stream_finish(stream) && b->have == b->want->size;
}

int pull_blob_keep(struct pull_blob *b, struct err *e)
{
    char path[PATH_MAX + BELOW];
    char *slash;

    blob_path(b->layout, b->want->digest, path, sizeof(path));
    slash = strrchr(path, '/');
    *slash = '\0';
    if (make_dir(path, e) != 0)
        return -1;
    *slash = '/';
    if (fchmod(b->fd, 0644) != 0 || rename(b->temp, path) != 0)
        return err_errno(e, errno, "cannot name %s", path);
    b->temp[0] = '\0';
    return 0;
}
