/* Archives of images: OCI image layouts in a tar. Those of `docker save` are in archive_docker.c.
 *
 * Happy path: one walk takes the layout's texts into memory and its blobs into the cache; then it
 * is read like a layout whose blobs lie in the cache.
 *
 * Failure modes: those of archive_walk.c, disk_cache.c and layout.c, with the archive's name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/archive_internal.h"

struct tar_layout {
    const struct disk_cache *cache;
    char *marker;
    char *index;
};

static int visit(void *data, struct archive_file *file, struct err *e)
{
    struct tar_layout *t = data;
    char digest[DIGEST_TEXT];
    if (strcmp(file->path, "oci-layout") == 0) {
        return archive_text(file, &t->marker, e);
    }
    if (strcmp(file->path, "index.json") == 0) {
        return archive_text(file, &t->index, e);
    }
    if (strncmp(file->path, "blobs/", 6) != 0 || strlen(file->path) >= 6 + sizeof(digest)) {
        return 0;
    }
    snprintf(digest, sizeof(digest), "%s", file->path + 6);
    char *slash = strchr(digest, '/');
    if (slash == NULL) {
        return 0;
    }
    *slash = ':';
    return digest_valid(digest) ? archive_keep(file, t->cache, digest, e) : 0;
}

static int oci_archive(const struct content_name *name, const struct disk_cache *cache,
                       struct image *out, struct err *e)
{
    struct tar_layout t = {.cache = cache};
    int rc = archive_each(name->path, visit, &t, e);
    if (rc == 0 && (t.marker == NULL || t.index == NULL)) {
        rc = err_set(e, ERR_INVALID, "is no archive of an image layout: it has no %s",
                     t.marker == NULL ? "oci-layout" : "index.json");
    }
    if (rc != 0) {
        (void)err_prefix(e, "%s", name->path);
    } else {
        rc = layout_read(name->path, t.marker, t.index, name->name, cache->folder, out, e);
    }
    free(t.marker);
    free(t.index);
    return rc;
}

int archive_image(const struct content_name *name, const struct disk_cache *cache,
                  struct image *out, struct err *e)
{
    *out = (struct image){.top = NULL};
    return name->kind == CONTENT_DOCKER_ARCHIVE ? archive_docker(name, cache, out, e)
                                                : oci_archive(name, cache, out, e);
}
