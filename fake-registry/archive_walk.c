/* Reading archives of images by libarchive: file after file, nothing trusted.
 *
 * Happy path: the headers are walked in order; a visitor takes the bytes of those it wants, the
 * others are passed over. Nothing is unpacked under a name that the archive chose.
 *
 * Failure modes: what is no tar, paths that lead out, devices, more or larger files than stated,
 * and a file cut short all end the walk with the archive's name in front.
 */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "fake-registry/archive_internal.h"
#include "harness/base/buf.h"

#define MAX_ENTRIES 65536
#define BLOCK ((size_t)128 << 10)

static int complain(struct archive *a, struct err *e)
{
    const char *why = archive_error_string(a);
    return err_set(e, ERR_INVALID, "cannot be read: %s", why != NULL ? why : "no reason given");
}

static struct archive *begin(const char *path, bool tar, struct err *e)
{
    struct archive *a = archive_read_new();
    if (a == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory to read an archive");
        return NULL;
    }
    int rc = archive_read_support_filter_gzip(a);
    if (tar) {
        rc |= archive_read_support_filter_bzip2(a) | archive_read_support_filter_xz(a) |
              archive_read_support_filter_zstd(a) | archive_read_support_format_tar(a);
    } else {
        rc |= archive_read_support_format_raw(a);
    }
    if (rc != ARCHIVE_OK || archive_read_open_filename(a, path, BLOCK) != ARCHIVE_OK) {
        (void)complain(a, e);
        (void)archive_read_free(a);
        return NULL;
    }
    return a;
}

/* The path as it is known here; NULL: it leads out of the archive, or there is none. */
static const char *inner_path(struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    while (path != NULL && path[0] == '.' && path[1] == '/') {
        path += 2;
    }
    if (path == NULL || path[0] == '/' || strlen(path) >= CONTENT_MAX_PATH) {
        return NULL;
    }
    for (const char *part = path;; part++) {
        size_t n = strcspn(part, "/");
        if (n == 2 && part[0] == '.' && part[1] == '.') {
            return NULL;
        }
        part += n;
        if (*part == '\0') {
            return path;
        }
    }
}

/* 1: a file to visit; 0: nothing to see. */
static int look_at(struct archive_entry *entry, struct archive_file *file, uint64_t *total,
                   struct err *e)
{
    const char *path = inner_path(entry);
    unsigned type = archive_entry_filetype(entry);
    if (path == NULL) {
        const char *given = archive_entry_pathname(entry);
        return err_set(e, ERR_INVALID, "has a file \"%.200s\", which leads out of it",
                       given != NULL ? given : "");
    }
    if (archive_entry_hardlink(entry) != NULL || type == AE_IFLNK || type == AE_IFDIR) {
        return 0;
    }
    if (type != AE_IFREG) {
        return err_set(e, ERR_INVALID, "has \"%.200s\", which is no file, folder or link", path);
    }
    int64_t size = archive_entry_size(entry);
    if (size < 0 || (uint64_t)size > CONTENT_MAX_BLOB) {
        return err_set(e, ERR_LIMIT, "has \"%.200s\", which is larger than 16 GiB", path);
    }
    *total += (uint64_t)size;
    if (*total > CONTENT_MAX_IMAGE) {
        return err_set(e, ERR_LIMIT, "holds more than 64 GiB");
    }
    file->path = path;
    file->size = (uint64_t)size;
    return 1;
}

static int walk(struct archive *a, int (*visit)(void *data, struct archive_file *f, struct err *e),
                void *data, struct err *e)
{
    uint64_t total = 0;
    for (size_t i = 0; i < MAX_ENTRIES; i++) {
        struct archive_entry *entry = NULL;
        struct archive_file file = {.archive = a};
        int rc = archive_read_next_header(a, &entry);
        if (rc == ARCHIVE_EOF) {
            return 0;
        }
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) {
            return complain(a, e);
        }
        int found = look_at(entry, &file, &total, e);
        if (found < 0 || (found > 0 && visit(data, &file, e) != 0)) {
            return -1;
        }
    }
    return err_set(e, ERR_LIMIT, "holds more than %d files", MAX_ENTRIES);
}

int archive_each(const char *path,
                 int (*visit)(void *data, struct archive_file *file, struct err *e), void *data,
                 struct err *e)
{
    struct archive *a = begin(path, true, e);
    int rc = a != NULL ? walk(a, visit, data, e) : -1;
    if (a != NULL) {
        (void)archive_read_free(a);
    }
    return rc;
}

int archive_feed(struct archive_file *file,
                 int (*add)(void *data, const void *bytes, size_t len, struct err *e), void *data,
                 struct err *e)
{
    const void *bytes = NULL;
    size_t len = 0;
    int64_t offset = 0;
    uint64_t done = 0;
    int rc;
    while ((rc = archive_read_data_block(file->archive, &bytes, &len, &offset)) == ARCHIVE_OK) {
        if ((uint64_t)offset != done) {
            return err_set(e, ERR_INVALID, "has \"%.200s\" with holes in it", file->path);
        }
        done += len;
        if (add(data, bytes, len, e) != 0) {
            return -1;
        }
    }
    return rc == ARCHIVE_EOF && done == file->size
               ? 0
               : err_set(e, ERR_INVALID, "is cut short within \"%.200s\"", file->path);
}

static int add_text(void *data, const void *bytes, size_t len, struct err *e)
{
    struct buf *b = data;
    buf_append(b, bytes, len);
    return b->failed ? err_set(e, ERR_NOMEM, "no memory for a text of an archive") : 0;
}

int archive_text(struct archive_file *file, char **text, struct err *e)
{
    struct buf b;
    if (*text != NULL) {
        return err_set(e, ERR_INVALID, "has \"%.200s\" twice", file->path);
    }
    if (file->size > CONTENT_MAX_MANIFEST) {
        return err_set(e, ERR_LIMIT, "has \"%.200s\", which is larger than 8 MiB", file->path);
    }
    buf_init(&b, CONTENT_MAX_MANIFEST + 1);
    int rc = archive_feed(file, add_text, &b, e);
    *text = rc == 0 ? buf_take(&b) : NULL;
    buf_close(&b);
    return rc != 0 || *text != NULL ? rc : err_set(e, ERR_NOMEM, "no memory for an archive");
}

static int add_to_cache(void *data, const void *bytes, size_t len, struct err *e)
{
    return disk_writer_add(data, bytes, len, e);
}

int archive_keep(struct archive_file *file, const struct disk_cache *cache, const char *digest,
                 struct err *e)
{
    struct content_descriptor want = {.size = file->size};
    struct disk_writer w;
    bool wrong = false;
    struct err local = {0};
    memcpy(want.digest, digest, strlen(digest) + 1);
    if (disk_writer_open(&w, cache, &want, e) != 0 || w.there) {
        return w.there ? 0 : -1;
    }
    if (archive_feed(file, add_to_cache, &w, e) != 0) {
        disk_writer_close(&w);
        return -1;
    }
    if (disk_writer_keep(&w, &wrong, &local) == 0) {
        return 0;
    }
    return wrong ? err_set(e, ERR_INVALID, "has \"%.200s\", which does not have the digest %s",
                           file->path, digest)
                 : err_set(e, local.code, "%s", local.text);
}

/* Feeds what the one stream in A unpacks to. */
static int unpack(struct archive *a, struct digest_stream *stream)
{
    struct archive_entry *entry = NULL;
    const void *bytes = NULL;
    size_t len = 0;
    int64_t offset = 0;
    int rc = archive_read_next_header(a, &entry);
    for (uint64_t done = 0; rc == ARCHIVE_OK && done <= CONTENT_MAX_IMAGE; done += len) {
        rc = archive_read_data_block(a, &bytes, &len, &offset);
        if (rc == ARCHIVE_OK) {
            digest_stream_update(stream, bytes, len);
        }
    }
    return rc == ARCHIVE_EOF ? 0 : -1;
}

int archive_check_gzip(const char *path, const char *digest, struct err *e)
{
    struct digest_stream *stream = digest_stream_new(digest);
    if (stream == NULL) {
        return err_set(e, ERR_NOMEM, "no memory to hash a layer");
    }
    struct archive *a = begin(path, false, e);
    int rc = a != NULL ? unpack(a, stream) : -1;
    if (a != NULL) {
        (void)archive_read_free(a);
    }
    if (rc != 0) {
        digest_stream_free(stream);
    }
    return rc == 0 && digest_stream_finish(stream)
               ? 0
               : err_set(e, ERR_INVALID, "does not unpack to %s", digest);
}
