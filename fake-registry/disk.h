/* Content on disk: blobs by digest in folders, read with their digests checked; and a cache of them
 * that drills share. */
#ifndef PULLDRILL_FAKE_REGISTRY_DISK_H
#define PULLDRILL_FAKE_REGISTRY_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/content_source.h"

#define DISK_MAX_PATH 4096
/* The content that WANT describes, of FOLDER/blobs/ALGORITHM/HEX: size and digest are checked over
 * the whole file. Up to MEMORY bytes it is kept in memory, else FD is its file; a document
 * (DISK_DOCUMENT) is in memory, or too large. NULL: E names the file; *MISSING where there is none,
 * *ALTERED where it is not what its name says. */
#define DISK_DOCUMENT UINT64_MAX
/* Of an image's blobs, whose files stay open; of a store's, of which there may be any number. */
#define DISK_IN_MEMORY (UINT64_C(256) << 10)
#define STORE_IN_MEMORY (UINT64_C(4) << 10)
struct content *disk_load(const char *folder, const struct content_descriptor *want,
                          uint64_t memory, bool *missing, bool *altered, struct err *e);
/* The whole of a small file, at most MAX bytes; the caller frees it. NULL: E; *MISSING. */
char *disk_read(const char *path, size_t max, size_t *len, bool *missing, struct err *e);

/* The folder that what came from upstream registries and archives is kept in. */
struct disk_cache {
    char folder[DISK_MAX_PATH];
    bool (*stop)(void *data); /* asked while waiting: true ends it; may be NULL */
    void *data;
};
/* Finds it by PULLDRILL_CACHE, XDG_CACHE_HOME or HOME, in this order, and makes it. */
int disk_cache_open(struct disk_cache *c, struct err *e);

/* One blob on its way into the cache. While it is open no other process writes the same one. */
struct disk_writer {
    const struct disk_cache *cache;
    char digest[DIGEST_TEXT];
    char path[DISK_MAX_PATH + 200]; /* where it will lie */
    char part[DISK_MAX_PATH + 200]; /* what it is called until then */
    int lock;
    int fd;
    uint64_t size;
    uint64_t most; /* bytes: what was said of it, else CONTENT_MAX_BLOB */
    struct digest_stream *stream;
    bool there; /* another has brought it: nothing is to be written */
};
/* Waits for its turn; W->there: the blob is in the cache already, and looks whole. E: a cache that
 * cannot be written, a wait that was stopped. */
int disk_writer_open(struct disk_writer *w, const struct disk_cache *c,
                     const struct content_descriptor *want, struct err *e);
int disk_writer_add(struct disk_writer *w, const void *data, size_t len, struct err *e);
/* What was added becomes the blob, if it has the digest (else *WRONG). W is closed in any case. */
int disk_writer_keep(struct disk_writer *w, bool *wrong, struct err *e);
/* Forgets what was added. W may be closed. */
void disk_writer_close(struct disk_writer *w);

#endif
