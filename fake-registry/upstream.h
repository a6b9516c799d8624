/* Real content from a registry elsewhere, by libcurl: pulled before the drill, kept in the cache.
 */
#ifndef PULLDRILL_FAKE_REGISTRY_UPSTREAM_H
#define PULLDRILL_FAKE_REGISTRY_UPSTREAM_H

#include "fake-registry/content_name.h"
#include "fake-registry/content_source.h"
#include "fake-registry/disk.h"

/* The image that NAME names. Asks what its tag stands for now; what the cache has of it is not
 * fetched again. Credentials of that host are those of Docker's and Podman's own files. Whatever
 * the other side does wrong is ERR_ENVIRONMENT, "the upstream registry HOST …". */
int upstream_image(const struct content_name *name, const struct disk_cache *cache,
                   struct image *out, struct err *e);

#endif
