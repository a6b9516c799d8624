/* Images built from a recipe: real gzip'd tars with real files, the same bytes for the same seed.
 */
#ifndef PULLDRILL_FAKE_REGISTRY_IMAGE_H
#define PULLDRILL_FAKE_REGISTRY_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "fake-registry/store.h"
#include "harness/base/err.h"

/* A file put into a layer. DATA is borrowed. */
struct image_file {
    const char *path; /* within the image, without a leading slash */
    const void *data;
    size_t size;
    unsigned mode; /* 0755 and so on */
};

/* A layer of SIZE compressed bytes, within 1 KiB: its files, then seeded content that does not
 * compress. SIZE below what the files need is raised to it; 0 asks for the files alone. */
struct image_layer {
    uint64_t size;
    const struct image_file *files;
    size_t file_count;
};

struct image_recipe {
    const char *name;
    uint64_t seed;
    const struct image_layer *layers;
    size_t layer_count;
    const char *entrypoint; /* a path in the image; NULL for none */
};

/* A built image: an OCI manifest, its config, its layers. The contents are owned. */
struct image {
    struct content *manifest;
    struct content *config;
    struct content **layers;
    size_t layer_count;
};

#define IMAGE_MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define IMAGE_INDEX_TYPE "application/vnd.oci.image.index.v1+json"
#define IMAGE_CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define IMAGE_LAYER_TYPE "application/vnd.oci.image.layer.v1.tar+gzip"

/* Makes manifest, config and layers in memory, the same for the same recipe. OUT holds a reference
 * to each until image_close; on failure it is empty. */
int image_build(const struct image_recipe *recipe, struct image *out, struct err *e);
void image_close(struct image *image);
/* Puts manifest, config and layers into STORE as REPOSITORY:TAG. */
int image_put(const struct image *image, struct store *store, const char *repository,
              const char *tag, struct err *e);

#endif
