/* Images: one manifest, or an index of one a platform; built from a recipe as real gzip'd tars with
 * real files, the same bytes for the same seed. */
#ifndef PULLDRILL_FAKE_REGISTRY_IMAGE_H
#define PULLDRILL_FAKE_REGISTRY_IMAGE_H

#include <stdbool.h>
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

/* Stated maxima of an image, built here or brought from elsewhere. */
#define IMAGE_MAX_LAYERS 128
#define IMAGE_MAX_MANIFESTS 64 /* that an index lists */
#define IMAGE_MAX_LABELS 64
#define IMAGE_MAX_WORD 32 /* of a platform, with its NUL */

/* What a manifest runs on; empty where nothing says it. */
struct image_platform {
    char os[IMAGE_MAX_WORD];
    char architecture[IMAGE_MAX_WORD];
    char variant[IMAGE_MAX_WORD];
};

/* "linux/arm64/v8", or without a variant. False: it is none, and OUT is undefined. */
bool image_platform_parse(const char *text, struct image_platform *out);

struct image_recipe {
    const char *name;
    uint64_t seed;
    const struct image_layer *layers;
    size_t layer_count;
    const char *entrypoint;    /* a path in the image; NULL for none */
    const char *const *labels; /* "NAME=value", of the config */
    size_t label_count;
    const char *const *platforms; /* "linux/arm64": an index of one manifest each; NULL: no index */
    size_t platform_count;
};

/* One manifest with all it names. The contents are owned. */
struct image_manifest {
    struct content *manifest;
    struct content *config;
    struct content **layers;
    size_t layer_count;
    struct image_platform platform; /* as the index says it, else as the config does */
};

/* An image: TOP is what its tag names, an index of the manifests, or else the one manifest itself
 * (two references to one content). The contents are owned. */
struct image {
    struct content *top;
    struct image_manifest *manifests; /* at least one, at most IMAGE_MAX_MANIFESTS */
    size_t manifest_count;
};

#define IMAGE_MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define IMAGE_INDEX_TYPE "application/vnd.oci.image.index.v1+json"
#define IMAGE_CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define IMAGE_LAYER_TYPE "application/vnd.oci.image.layer.v1.tar+gzip"

/* Makes all of it in memory, the same for the same recipe. OUT holds a reference to each until
 * image_close; on failure it is empty. */
int image_build(const struct image_recipe *recipe, struct image *out, struct err *e);
/* Whatever is there is released; a zeroed image is empty. */
void image_close(struct image *image);
/* Puts all of it into STORE: the top as REPOSITORY:TAG (TAG may be NULL), what an index lists by
 * digest alone. */
int image_put(const struct image *image, struct store *store, const char *repository,
              const char *tag, struct err *e);

#endif
