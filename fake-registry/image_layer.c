/* What lies in a layer, and how much of it: entries in order, content up to the size asked for.
 *
 * Happy path: the given files and their folders alone are measured first. Where more is asked for,
 * seeded content is added in several files; it does not compress, so the compressed size follows
 * its amount nearly one to one, and each further pass corrects by what the last one missed.
 *
 * Failure modes: a recipe that makes no archive (a path twice, "..", too many files), a size over
 * the maximum, no memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/image_internal.h"

/* Larger layers are stored in their gzip: random content has no repeats to search for. */
#define STORED_ABOVE (UINT64_C(16) << 20)
#define TOLERANCE 1024
#define PASSES_MAX 8
#define CHUNK_MIN (UINT64_C(16) << 10)
#define CHUNK_MAX (UINT64_C(4) << 20)
#define ENTRIES_MAX (IMAGE_MAX_FILES * 4)

static int add(struct layer_entries *all, const struct layer_entry *entry, struct err *e)
{
    if (all->count == ENTRIES_MAX) {
        return err_set(e, ERR_LIMIT, "a layer of more than %d files and folders", ENTRIES_MAX);
    }
    if (all->count == all->cap) {
        size_t cap = all->cap == 0 ? 16 : all->cap * 2;
        struct layer_entry *items = realloc(all->items, cap * sizeof(*items));
        if (items == NULL) {
            return err_set(e, ERR_NOMEM, "no memory for the files of a layer");
        }
        all->items = items;
        all->cap = cap;
    }
    all->items[all->count++] = *entry;
    return 0;
}

static bool has(const struct layer_entries *all, const char *path)
{
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->items[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

/* Relative, printable, without empty, "." or ".." parts. */
static bool path_valid(const char *path)
{
    size_t len = strlen(path);
    if (len == 0 || len >= IMAGE_MAX_PATH) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (path[i] < '!' || path[i] > '~') {
            return false;
        }
    }
    for (const char *part = path;; part++) {
        size_t n = strcspn(part, "/");
        if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && memcmp(part, "..", 2) == 0)) {
            return false;
        }
        part += n;
        if (*part == '\0') {
            return true;
        }
    }
}

/* Adds the folders above PATH that are not there yet. */
static int add_folders(struct layer_entries *all, const char *path, struct err *e)
{
    struct layer_entry folder = {.file = NULL};
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        size_t len = (size_t)(slash - path);
        memcpy(folder.path, path, len);
        folder.path[len] = '\0';
        if (!has(all, folder.path) && add(all, &folder, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int add_files(struct layer_entries *all, const struct image_layer *layer, struct err *e)
{
    if (layer->file_count > IMAGE_MAX_FILES) {
        return err_set(e, ERR_LIMIT, "a layer of more than %d files", IMAGE_MAX_FILES);
    }
    for (size_t i = 0; i < layer->file_count; i++) {
        const struct image_file *file = &layer->files[i];
        struct layer_entry entry = {.file = file, .size = file->size};
        if (!path_valid(file->path)) {
            return err_set(e, ERR_INVALID, "not a path within an image: %.300s", file->path);
        }
        memcpy(entry.path, file->path, strlen(file->path) + 1);
        if (has(all, entry.path)) {
            return err_set(e, ERR_INVALID, "twice in a layer: %s", entry.path);
        }
        if (add_folders(all, entry.path, e) != 0 || add(all, &entry, e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Cuts FILL bytes of content into several files of a folder of the layer's own, so that layers do
 * not hide each other's. */
static int add_fill(struct layer_entries *all, size_t index, uint64_t fill, uint64_t chunk,
                    struct err *e)
{
    for (uint64_t i = 0; fill > 0; i++) {
        struct layer_entry entry = {.fill = true, .size = fill < chunk ? fill : chunk};
        (void)snprintf(entry.path, sizeof(entry.path), "opt/data/%zu/%04" PRIu64 ".bin", index, i);
        if (i == 0 && has(all, entry.path)) {
            return err_set(e, ERR_INVALID, "twice in a layer: %s", entry.path);
        }
        if ((i == 0 && add_folders(all, entry.path, e) != 0) || add(all, &entry, e) != 0) {
            return -1;
        }
        fill -= entry.size;
    }
    return 0;
}

static int by_path(const void *a, const void *b)
{
    const struct layer_entry *x = a;
    const struct layer_entry *y = b;
    return strcmp(x->path, y->path);
}

/* One pass with FILL bytes of content beside the given files. */
static int build(const struct image_layer *layer, uint64_t seed, size_t index, uint64_t fill,
                 struct layer_bytes *out, struct err *e)
{
    struct layer_entries all = {.items = NULL};
    uint64_t chunk = layer->size / 4;
    chunk = chunk < CHUNK_MIN ? CHUNK_MIN : chunk > CHUNK_MAX ? CHUNK_MAX : chunk;
    int result = add_files(&all, layer, e);
    if (result == 0) {
        result = add_fill(&all, index, fill, chunk, e);
    }
    if (result == 0 && all.count > 0) {
        qsort(all.items, all.count, sizeof(*all.items), by_path);
    }
    if (result == 0) {
        result = layer_pass(&all, seed, layer->size > STORED_ABOVE, out, e);
    }
    free(all.items);
    return result;
}

/* The error that would be left is small enough to stop. */
static bool near(uint64_t size, uint64_t want)
{
    return size > want ? size - want <= TOLERANCE : want - size <= TOLERANCE;
}

/* Gives back the room that the bytes grew into and did not need. */
static void fit(struct layer_bytes *bytes)
{
    uint8_t *smaller = realloc(bytes->data, bytes->size);
    if (smaller != NULL) {
        bytes->data = smaller;
        bytes->cap = bytes->size;
    }
}

int layer_build(const struct image_layer *layer, uint64_t seed, size_t index,
                struct layer_bytes *out, struct err *e)
{
    uint64_t fill = 0;
    *out = (struct layer_bytes){.data = NULL};
    if (layer->size > IMAGE_MAX_LAYER_SIZE) {
        return err_set(e, ERR_LIMIT, "a layer of more than 4 GiB is not built in memory");
    }
    for (int pass = 0; pass < PASSES_MAX; pass++) {
        out->size = 0;
        if (build(layer, seed, index, fill, out, e) != 0) {
            return -1;
        }
        if (near(out->size, layer->size) || (fill == 0 && out->size > layer->size)) {
            fit(out);
            return 0;
        }
        if (out->size > layer->size && out->size - layer->size >= fill) {
            fill = 1;
            continue;
        }
        fill = fill + layer->size - out->size;
    }
    return err_set(e, ERR_INTERNAL, "no layer of %" PRIu64 " bytes could be built", layer->size);
}
