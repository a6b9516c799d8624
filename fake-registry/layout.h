/* Real content from OCI image layouts and from archives, verified. */
#ifndef PULLDRILL_FAKE_REGISTRY_LAYOUT_H
#define PULLDRILL_FAKE_REGISTRY_LAYOUT_H

#include "fake-registry/content_name.h"
#include "fake-registry/content_source.h"
#include "fake-registry/disk.h"

/* The image that NAME names in a layout folder. */
int layout_image(const struct content_name *name, struct image *out, struct err *e);
/* The same where the texts of the layout are known: MARKER of oci-layout, INDEX of index.json, its
 * blobs in FOLDER. WHERE it came from is for complaints. */
int layout_read(const char *where, const char *marker, const char *index, const char *name,
                const char *folder, struct image *out, struct err *e);

/* The image that NAME names in an archive of either kind; blobs are kept in CACHE. */
int archive_image(const struct content_name *name, const struct disk_cache *cache,
                  struct image *out, struct err *e);

#endif
