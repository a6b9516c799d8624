/* Walking a tar: what archive.c and archive_docker.c ask of archive_walk.c. */
#ifndef PULLDRILL_FAKE_REGISTRY_ARCHIVE_INTERNAL_H
#define PULLDRILL_FAKE_REGISTRY_ARCHIVE_INTERNAL_H

#include "fake-registry/layout.h"

/* A file in an archive; its data comes once, in order. */
struct archive_file {
    const char *path; /* relative, without "./" in front and ".." within */
    uint64_t size;
    struct archive *archive;
};

/* Calls VISIT for each regular file of the tar at PATH (plain, or compressed by gzip, bzip2, xz or
 * zstd). Nothing is ever written under a name of the archive's: folders and links are passed over,
 * and what has no business there ends the walk. */
int archive_each(const char *path,
                 int (*visit)(void *data, struct archive_file *file, struct err *e), void *data,
                 struct err *e);
/* Hands the file's bytes to ADD, piece by piece. */
int archive_feed(struct archive_file *file,
                 int (*add)(void *data, const void *bytes, size_t len, struct err *e), void *data,
                 struct err *e);
/* The whole file as text of at most CONTENT_MAX_MANIFEST bytes into *TEXT, which must be NULL (a
 * second file of that name is refused); the caller frees it. */
int archive_text(struct archive_file *file, char **text, struct err *e);
/* Puts the file, of DIGEST, into CACHE, if it is not there. */
int archive_keep(struct archive_file *file, const struct disk_cache *cache, const char *digest,
                 struct err *e);
/* Whether the tar in the gzip file at PATH has DIGEST. */
int archive_check_gzip(const char *path, const char *digest, struct err *e);

/* archive_docker.c: the image that NAME names in what `docker save` wrote. */
int archive_docker(const struct content_name *name, const struct disk_cache *cache,
                   struct image *out, struct err *e);

#endif
