/* Real content as an image: what a source must offer, and the walk from a manifest to its layers.
 */
#ifndef PULLDRILL_FAKE_REGISTRY_CONTENT_SOURCE_H
#define PULLDRILL_FAKE_REGISTRY_CONTENT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/digest.h"
#include "fake-registry/image.h"
#include "fake-registry/store.h"
#include "harness/base/err.h"

/* Stated maxima. */
#define CONTENT_MAX_MANIFEST (8u << 20)
#define CONTENT_MAX_NAMED 65536 /* what a manifest that is pushed may name */
#define CONTENT_MAX_BLOB (UINT64_C(16) << 30)
#define CONTENT_MAX_IMAGE (UINT64_C(64) << 30) /* all blobs of an image */
#define CONTENT_MAX_LISTED 4096                /* manifests in the index.json of a layout */

#define DOCKER_MANIFEST_TYPE "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_LIST_TYPE "application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_CONFIG_TYPE "application/vnd.docker.container.image.v1+json"
#define DOCKER_LAYER_TYPE "application/vnd.docker.image.rootfs.diff.tar.gzip"
#define DOCKER_STORED_TYPE "application/vnd.docker.image.rootfs.diff.tar"

#define CONTENT_SIZE_UNKNOWN UINT64_MAX

/* What one document says of another, or of a blob. */
struct content_descriptor {
    char media_type[128]; /* empty: not said */
    char digest[DIGEST_TEXT];
    uint64_t size;    /* CONTENT_SIZE_UNKNOWN: not said */
    bool elsewhere;   /* has URLs of its own and lies in no registry */
    const char *name; /* org.opencontainers.image.ref.name; lives as long as the list; NULL */
    struct image_platform platform;
};

/* A manifest or an index, read. */
struct content_list {
    bool index;
    const char *own_type; /* the mediaType in it; NULL: none */
    char media_type[128];
    struct content_descriptor config;
    struct content_descriptor *items; /* layers, or manifests */
    size_t count;
    char subject[DIGEST_TEXT]; /* empty: none */
    const char *artifact_type; /* artifactType, else the config's media type; NULL: none */
    void *document;            /* holds the names */
};

/* Reads LEN bytes of TEXT, of MEDIA_TYPE where that is not empty. At most MAX items. */
int content_list_read(const void *text, size_t len, const char *media_type, size_t max,
                      struct content_list *out, struct err *e);
/* What is listed of LIST's document as a referrer; *OUT NULL: it has no subject. */
int content_list_referrer(const struct content_list *list, struct referrer **out, struct err *e);
/* Lets go of the document, and of what points into it; the rest stays. */
void content_list_forget(struct content_list *list);
void content_list_close(struct content_list *list);
/* The platform that a config says. */
void content_config_platform(const void *text, size_t len, struct image_platform *out);

/* Where content comes from. */
struct content_source {
    /* The content that WANT describes, whole and verified, a reference for the caller; MEMORY: not
     * left on disk, as it will be read here. NULL: E says why; *MISSING: there is none. */
    struct content *(*load)(void *data, const struct content_descriptor *want, bool memory,
                            bool *missing, struct err *e);
    void *data;
    bool sparse; /* an index may list manifests that are not there, as long as one is */
};

/* Loads what TOP describes and all it names. OUT is the caller's to close; on failure it is empty.
 */
int content_image(const struct content_source *source, const struct content_descriptor *top,
                  struct image *out, struct err *e);

#endif
