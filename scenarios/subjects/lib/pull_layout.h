/* An OCI image layout on disk, in which nothing has its final name before it is whole. */
#ifndef PULLDRILL_SUBJECT_PULL_LAYOUT_H
#define PULLDRILL_SUBJECT_PULL_LAYOUT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/digest.h"
#include "harness/base/buf.h"
#include "harness/base/err.h"
#include "scenarios/subjects/lib/pull_manifest.h"

struct pull_layout {
    char dir[PATH_MAX]; /* absolute */
};

/* Makes DIR (its parents must exist) and its blobs folder. */
int pull_layout_init(struct pull_layout *l, const char *dir, struct err *e);
/* Whether the blob lies there whole: its bytes are read and hashed. */
bool pull_layout_has(const struct pull_layout *l, const char *digest, uint64_t size);
/* Takes DIR, which exists and is only read. */
int pull_layout_open(struct pull_layout *l, const char *dir, struct err *e);
/* The whole of the blob, at most MAX bytes, with the right digest; OUT is initialised, and closed
 * on failure. */
int pull_layout_read(const struct pull_layout *l, const char *digest, size_t max, struct buf *out,
                     struct err *e);
/* The same of its index.json, which has no digest. */
int pull_layout_index(const struct pull_layout *l, size_t max, struct buf *out, struct err *e);
/* Makes the image visible: oci-layout, then index.json with the one manifest, named TAG. */
int pull_layout_publish(const struct pull_layout *l, const struct pull_descriptor *manifest,
                        const char *tag, struct err *e);
/* Writes PATH by way of a temporary file beside it. */
int pull_file_replace(const char *path, const char *text, size_t len, struct err *e);

/* A blob on its way: a temporary file and the digest of its bytes so far. */
struct pull_blob {
    const struct pull_layout *layout;
    const struct pull_descriptor *want;
    char temp[PATH_MAX + 32];
    int fd;
    uint64_t have;
    struct digest_stream *stream;
};

/* On failure nothing is left behind. */
int pull_blob_init(struct pull_blob *b, const struct pull_layout *l,
                   const struct pull_descriptor *want, struct err *e);
/* Removes what was not kept. */
void pull_blob_close(struct pull_blob *b);
/* Forgets every byte. */
int pull_blob_restart(struct pull_blob *b, struct err *e);
int pull_blob_write(struct pull_blob *b, const void *data, size_t len, struct err *e);
/* Whether all bytes are there with the right digest. Ends the digest: either keep or restart. */
bool pull_blob_verify(struct pull_blob *b);
/* Gives a verified blob its name. */
int pull_blob_keep(struct pull_blob *b, struct err *e);

#endif
