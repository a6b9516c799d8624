/* Recipes to images: for each platform its layers, then the config that names them, then the
 * manifest of it all; an index of these where the recipe has platforms. */
#include "fake-registry/image.h"

#include <stdlib.h>
#include <string.h>

#include "fake-registry/image_internal.h"
#include "harness/base/rng.h"

/* ---- platforms ----------------------------------------------------------------------------- */

/* Copies the word of TEXT up to a slash or the end; what is behind it, NULL where it is no word. */
static const char *take_word(const char *text, char out[IMAGE_MAX_WORD])
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.-");
    if (len == 0 || len >= IMAGE_MAX_WORD || (text[len] != '/' && text[len] != '\0')) {
        return NULL;
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return text + len;
}

bool image_platform_parse(const char *text, struct image_platform *out)
{
    *out = (struct image_platform){.os = ""};
    const char *rest = take_word(text, out->os);
    if (rest == NULL || *rest == '\0') {
        return false;
    }
    rest = take_word(rest + 1, out->architecture);
    if (rest != NULL && *rest == '/') {
        rest = take_word(rest + 1, out->variant);
    }
    return rest != NULL && *rest == '\0';
}

/* ---- one manifest -------------------------------------------------------------------------- */

static int make_layers(const struct image_recipe *recipe, uint64_t seed, struct image_manifest *out,
                       char (*diff_ids)[DIGEST_TEXT], struct err *e)
{
    for (size_t i = 0; i < recipe->layer_count; i++) {
        struct layer_bytes bytes;
        struct content *c = NULL;
        if (layer_build(&recipe->layers[i], seed, i, &bytes, e) == 0) {
            c = content_new_take(bytes.data, bytes.size, IMAGE_LAYER_TYPE, e);
        }
        if (c == NULL) {
            free(bytes.data);
            return err_prefix(e, "layer %zu of image %s", i, recipe->name);
        }
        memcpy(diff_ids[i], bytes.diff_id, DIGEST_TEXT);
        out->layers[i] = c;
        out->layer_count = i + 1;
    }
    return 0;
}

/* What is made of OUT until it fails is the caller's. */
static int make_manifest(const struct image_recipe *recipe, uint64_t seed,
                         struct image_manifest *out, struct err *e)
{
    char(*diff_ids)[DIGEST_TEXT] = calloc(recipe->layer_count + 1, sizeof(*diff_ids));
    out->layers = calloc(recipe->layer_count + 1, sizeof(struct content *));
    int result = diff_ids != NULL && out->layers != NULL
                     ? make_layers(recipe, seed, out, diff_ids, e)
                     : err_set(e, ERR_NOMEM, "no memory for image %s", recipe->name);
    if (result == 0) {
        out->config =
            image_make_config(recipe, &out->platform, (const char(*)[DIGEST_TEXT])diff_ids, e);
        out->manifest = out->config != NULL ? image_make_manifest(out, e) : NULL;
        result = out->manifest != NULL ? 0 : -1;
    }
    free(diff_ids);
    return result;
}

static void manifest_close(struct image_manifest *m)
{
    content_unref(m->manifest);
    content_unref(m->config);
    for (size_t i = 0; m->layers != NULL && i < m->layer_count; i++) {
        content_unref(m->layers[i]);
    }
    free(m->layers);
}

/* ---- the whole ----------------------------------------------------------------------------- */

static int make_plain(const struct image_recipe *recipe, uint64_t seed, struct image *out,
                      struct err *e)
{
    out->manifest_count = 1;
    out->manifests[0].platform = (struct image_platform){.os = "linux", .architecture = "amd64"};
    if (make_manifest(recipe, seed, &out->manifests[0], e) != 0) {
        return -1;
    }
    out->top = content_ref(out->manifests[0].manifest);
    return 0;
}

/* Each platform has content of its own, as a compiler would make it. */
static int make_platforms(const struct image_recipe *recipe, uint64_t seed, struct image *out,
                          struct err *e)
{
    for (size_t i = 0; i < recipe->platform_count; i++) {
        const char *name = recipe->platforms[i];
        struct image_manifest *m = &out->manifests[i];
        if (!image_platform_parse(name, &m->platform)) {
            return err_set(e, ERR_INVALID, "image %s: not a platform: %.100s", recipe->name, name);
        }
        out->manifest_count = i + 1;
        if (make_manifest(recipe, rng_hash(seed, name, strlen(name)), m, e) != 0) {
            return err_prefix(e, "platform %s", name);
        }
    }
    out->top = image_make_index(out, e);
    return out->top != NULL ? 0 : -1;
}

static int check_recipe(const struct image_recipe *recipe, struct err *e)
{
    if (recipe->layer_count > IMAGE_MAX_LAYERS) {
        return err_set(e, ERR_LIMIT, "image %s has more than %d layers", recipe->name,
                       IMAGE_MAX_LAYERS);
    }
    if (recipe->platform_count > IMAGE_MAX_MANIFESTS) {
        return err_set(e, ERR_LIMIT, "image %s has more than %d platforms", recipe->name,
                       IMAGE_MAX_MANIFESTS);
    }
    if (recipe->label_count > IMAGE_MAX_LABELS) {
        return err_set(e, ERR_LIMIT, "image %s has more than %d labels", recipe->name,
                       IMAGE_MAX_LABELS);
    }
    return 0;
}

int image_build(const struct image_recipe *recipe, struct image *out, struct err *e)
{
    *out = (struct image){.top = NULL};
    if (check_recipe(recipe, e) != 0) {
        return -1;
    }
    out->manifests = calloc(recipe->platform_count + 1, sizeof(*out->manifests));
    if (out->manifests == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for image %s", recipe->name);
    }
    uint64_t seed = rng_hash(recipe->seed, recipe->name, strlen(recipe->name));
    int result = recipe->platform_count > 0 ? make_platforms(recipe, seed, out, e)
                                            : make_plain(recipe, seed, out, e);
    if (result != 0) {
        image_close(out);
    }
    return result;
}

void image_close(struct image *image)
{
    content_unref(image->top);
    for (size_t i = 0; image->manifests != NULL && i < image->manifest_count; i++) {
        manifest_close(&image->manifests[i]);
    }
    free(image->manifests);
    *image = (struct image){.top = NULL};
}

static int put_manifest(const struct image_manifest *m, struct store *store, const char *repository,
                        struct err *e)
{
    if (store_put_blob(store, repository, m->config, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < m->layer_count; i++) {
        if (store_put_blob(store, repository, m->layers[i], e) != 0) {
            return -1;
        }
    }
    return store_put_manifest(store, repository, NULL, m->manifest, e);
}

int image_put(const struct image *image, struct store *store, const char *repository,
              const char *tag, struct err *e)
{
    for (size_t i = 0; i < image->manifest_count; i++) {
        if (put_manifest(&image->manifests[i], store, repository, e) != 0) {
            return -1;
        }
    }
    return store_put_manifest(store, repository, tag, image->top, e);
}
