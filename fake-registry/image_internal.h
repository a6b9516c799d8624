/* The parts of an image: its documents, and the bytes of a layer. */
#ifndef PULLDRILL_FAKE_REGISTRY_IMAGE_INTERNAL_H
#define PULLDRILL_FAKE_REGISTRY_IMAGE_INTERNAL_H

#include <stdbool.h>

#include "fake-registry/digest.h"
#include "fake-registry/image.h"

/* Stated maxima. */
#define IMAGE_MAX_LAYER_SIZE (UINT64_C(4) << 30)
#define IMAGE_MAX_FILES 4096
#define IMAGE_MAX_PATH 256

/* A gzip'd tar in memory and the digest of the tar within. */
struct layer_bytes {
    uint8_t *data; /* owned */
    uint64_t size;
    uint64_t cap;
    char diff_id[DIGEST_TEXT];
};

/* A given file, seeded content of SIZE bytes (FILL), or else a directory. */
struct layer_entry {
    char path[IMAGE_MAX_PATH]; /* first member: sorted by it */
    const struct image_file *file;
    bool fill;
    uint64_t size;
};

struct layer_entries {
    struct layer_entry *items;
    size_t count;
    size_t cap;
};

/* Writes ENTRIES as a gzip'd tar into OUT, using its memory again. STORED: the gzip does not search
 * for repeats. */
int layer_pass(const struct layer_entries *entries, uint64_t seed, bool stored,
               struct layer_bytes *out, struct err *e);

/* Builds LAYER, the INDEX-th of an image whose content comes from SEED. OUT->data is the caller's,
 * also where it failed. */
int layer_build(const struct image_layer *layer, uint64_t seed, size_t index,
                struct layer_bytes *out, struct err *e);

/* image_json.c: the documents, as content of their own; NULL: no memory. What they name is there.
 */
struct content *image_make_config(const struct image_recipe *recipe,
                                  const struct image_platform *platform,
                                  const char (*diff_ids)[DIGEST_TEXT], struct err *e);
struct content *image_make_manifest(const struct image_manifest *m, struct err *e);
struct content *image_make_index(const struct image *image, struct err *e);

#endif
