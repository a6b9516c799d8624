/* One pass over a layer's entries: a timeless tar, gzip'd, in memory, and the digest of the tar.
 *
 * Happy path: the entries run through libarchive's tar writer; what it writes is hashed (the diff
 * id) and handed to a second libarchive writer that only compresses.
 *
 * Failure modes: no memory, or what libarchive refuses. The memory of the bytes stays with the
 * caller then too, who frees it.
 */
#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/image_internal.h"
#include "harness/base/rng.h"

#define PIECE 65536

/* One pass. Errors inside libarchive's callbacks are kept in E. */
struct pass {
    struct archive *tar;
    struct archive *gzip;
    struct digest_stream *digest;
    uint8_t *data;
    uint64_t size;
    uint64_t cap;
    struct err *e;
};

static la_ssize_t take_gzip(struct archive *a, void *data, const void *bytes, size_t len)
{
    struct pass *p = data;
    if (p->size + len > p->cap) {
        uint64_t cap = p->cap + p->cap / 2 + len + PIECE;
        uint8_t *bigger = realloc(p->data, cap);
        if (bigger == NULL) {
            (void)err_set(p->e, ERR_NOMEM, "no memory for a layer of %" PRIu64 " bytes", cap);
            archive_set_error(a, ARCHIVE_FATAL, "no memory");
            return -1;
        }
        p->data = bigger;
        p->cap = cap;
    }
    memcpy(p->data + p->size, bytes, len);
    p->size += len;
    return (la_ssize_t)len;
}

static la_ssize_t take_tar(struct archive *a, void *data, const void *bytes, size_t len)
{
    struct pass *p = data;
    digest_stream_update(p->digest, bytes, len);
    if (archive_write_data(p->gzip, bytes, len) != (la_ssize_t)len) {
        archive_set_error(a, ARCHIVE_FATAL, "%s", archive_error_string(p->gzip));
        return -1;
    }
    return (la_ssize_t)len;
}

static int complain(struct pass *p, struct archive *a)
{
    const char *text = archive_error_string(a);
    return err_set(p->e, ERR_INTERNAL, "libarchive: %s", text != NULL ? text : "unknown error");
}

static int open_gzip(struct pass *p, const char *level)
{
    struct archive_entry *entry = archive_entry_new();
    if (entry == NULL) {
        return err_set(p->e, ERR_NOMEM, "no memory for a layer");
    }
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_pathname(entry, "layer.tar");
    int bad = archive_write_set_format_raw(p->gzip) != ARCHIVE_OK ||
              archive_write_add_filter_gzip(p->gzip) != ARCHIVE_OK ||
              archive_write_set_filter_option(p->gzip, "gzip", "timestamp", NULL) != ARCHIVE_OK ||
              archive_write_set_filter_option(p->gzip, "gzip", "compression-level", level) !=
                  ARCHIVE_OK ||
              archive_write_set_bytes_per_block(p->gzip, PIECE) != ARCHIVE_OK ||
              archive_write_set_bytes_in_last_block(p->gzip, 1) != ARCHIVE_OK ||
              archive_write_open(p->gzip, p, NULL, take_gzip, NULL) != ARCHIVE_OK ||
              archive_write_header(p->gzip, entry) != ARCHIVE_OK;
    archive_entry_free(entry);
    return bad ? complain(p, p->gzip) : 0;
}

static int open_tar(struct pass *p)
{
    int bad = archive_write_set_format_pax_restricted(p->tar) != ARCHIVE_OK ||
              archive_write_add_filter_none(p->tar) != ARCHIVE_OK ||
              archive_write_set_bytes_per_block(p->tar, PIECE) != ARCHIVE_OK ||
              archive_write_set_bytes_in_last_block(p->tar, 1) != ARCHIVE_OK ||
              archive_write_open(p->tar, p, NULL, take_tar, NULL) != ARCHIVE_OK;
    return bad ? complain(p, p->tar) : 0;
}

static int write_data(struct pass *p, const void *data, size_t len)
{
    if (archive_write_data(p->tar, data, len) != (la_ssize_t)len) {
        return complain(p, p->tar);
    }
    return 0;
}

static int write_fill(struct pass *p, const struct layer_entry *entry, uint64_t seed)
{
    static const size_t piece = PIECE;
    struct rng rng;
    uint8_t *bytes = malloc(piece);
    int result = bytes != NULL ? 0 : err_set(p->e, ERR_NOMEM, "no memory for a layer");
    rng_init(&rng, rng_hash(seed, entry->path, strlen(entry->path)));
    for (uint64_t left = entry->size; result == 0 && left > 0;) {
        size_t len = left < piece ? (size_t)left : piece;
        rng_fill(&rng, bytes, len);
        result = write_data(p, bytes, len);
        left -= len;
    }
    free(bytes);
    return result;
}

static int write_entry(struct pass *p, const struct layer_entry *entry, uint64_t seed)
{
    struct archive_entry *ae = archive_entry_new();
    if (ae == NULL) {
        return err_set(p->e, ERR_NOMEM, "no memory for a layer");
    }
    bool directory = entry->file == NULL && !entry->fill;
    unsigned mode = directory ? 0755 : entry->fill ? 0644 : entry->file->mode & 07777;
    archive_entry_set_pathname(ae, entry->path);
    archive_entry_set_filetype(ae, directory ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(ae, mode);
    archive_entry_set_size(ae, (la_int64_t)entry->size);
    archive_entry_set_mtime(ae, 0, 0);
    archive_entry_set_uid(ae, 0);
    archive_entry_set_gid(ae, 0);
    int result = archive_write_header(p->tar, ae) == ARCHIVE_OK ? 0 : complain(p, p->tar);
    archive_entry_free(ae);
    if (result != 0 || directory || entry->size == 0) {
        return result;
    }
    return entry->fill ? write_fill(p, entry, seed)
                       : write_data(p, entry->file->data, entry->file->size);
}

/* Writes all entries and both trailers. */
static int write_all(struct pass *p, const struct layer_entries *entries, uint64_t seed)
{
    for (size_t i = 0; i < entries->count; i++) {
        if (write_entry(p, &entries->items[i], seed) != 0) {
            return -1;
        }
    }
    if (archive_write_close(p->tar) != ARCHIVE_OK) {
        return complain(p, p->tar);
    }
    return archive_write_close(p->gzip) == ARCHIVE_OK ? 0 : complain(p, p->gzip);
}

int layer_pass(const struct layer_entries *entries, uint64_t seed, bool stored,
               struct layer_bytes *out, struct err *e)
{
    struct pass p = {.data = out->data, .cap = out->cap, .e = e};
    p.tar = archive_write_new();
    p.gzip = archive_write_new();
    p.digest = digest_stream_sha256();
    int result = p.tar != NULL && p.gzip != NULL && p.digest != NULL
                     ? 0
                     : err_set(e, ERR_NOMEM, "no memory for a layer");
    if (result == 0) {
        result = open_gzip(&p, stored ? "0" : "1");
    }
    if (result == 0) {
        result = open_tar(&p);
    }
    if (result == 0) {
        result = write_all(&p, entries, seed);
    }
    /* The tar goes first: freeing it unfinished may still write to the gzip. */
    (void)archive_write_free(p.tar);
    (void)archive_write_free(p.gzip);
    if (result == 0 && digest_stream_text(p.digest, out->diff_id) != 0) {
        result = err_set(e, ERR_INTERNAL, "sha256 failed");
    } else if (result != 0) {
        digest_stream_free(p.digest);
    }
    out->data = p.data;
    out->size = p.size;
    out->cap = p.cap;
    return result;
}
