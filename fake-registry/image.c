/* Recipes to images: layers, then the config that names them, then the manifest of it all. */
#include "fake-registry/image.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/image_internal.h"
#include "harness/base/buf.h"
#include "harness/base/rng.h"

#define JSON_MAX (1u << 20)
#define CREATED "1970-01-01T00:00:00Z"

static void json_text(struct buf *b, const char *text)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): make_layers filled every layer */
    buf_json_string(b, text, strlen(text));
}

/* Makes content of what is in B, which is closed. NULL on failure. */
static struct content *content_of(struct buf *b, const char *media_type, struct err *e)
{
    size_t len = b->len;
    char *text = b->failed ? NULL : buf_take(b);
    buf_close(b);
    if (text == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for %s", media_type);
        return NULL;
    }
    struct content *c = content_new_take((uint8_t *)text, len, media_type, e);
    if (c == NULL) {
        free(text);
    }
    return c;
}

/* Appends "KEY":[…] with COUNT elements, each written by ELEMENT. */
static void json_list(struct buf *b, const char *key, size_t count,
                      void (*element)(struct buf *b, const void *data, size_t i), const void *data)
{
    json_text(b, key);
    buf_str(b, ":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buf_char(b, ',');
        }
        element(b, data, i);
    }
    buf_char(b, ']');
}

static void diff_id(struct buf *b, const void *data, size_t i)
{
    const char(*ids)[DIGEST_TEXT] = data;
    json_text(b, ids[i]);
}

static void history(struct buf *b, const void *data, size_t i)
{
    (void)data;
    buf_printf(b, "{\"created\":\"" CREATED "\",\"created_by\":\"pulldrill layer %zu\"}", i);
}

static struct content *make_config(const struct image_recipe *recipe,
                                   const char (*diff_ids)[DIGEST_TEXT], struct err *e)
{
    struct buf b;
    buf_init(&b, JSON_MAX);
    buf_str(&b, "{\"created\":\"" CREATED "\",\"architecture\":\"amd64\",\"os\":\"linux\","
                "\"config\":{\"Env\":[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
                "/sbin:/bin\"]");
    if (recipe->entrypoint != NULL) {
        const char *slash = recipe->entrypoint[0] == '/' ? "" : "/";
        struct buf path;
        buf_init(&path, JSON_MAX);
        buf_printf(&path, "%s%s", slash, recipe->entrypoint);
        buf_str(&b, ",\"Entrypoint\":[");
        buf_json_string(&b, path.data != NULL ? path.data : "", path.len);
        buf_str(&b, "]");
        b.failed = b.failed || path.failed;
        buf_close(&path);
    }
    buf_str(&b, "},\"rootfs\":{\"type\":\"layers\",");
    json_list(&b, "diff_ids", recipe->layer_count, diff_id, diff_ids);
    buf_str(&b, "},");
    json_list(&b, "history", recipe->layer_count, history, NULL);
    buf_str(&b, "}");
    return content_of(&b, IMAGE_CONFIG_TYPE, e);
}

static void descriptor(struct buf *b, const struct content *c)
{
    buf_str(b, "{\"mediaType\":");
    json_text(b, c->media_type);
    buf_str(b, ",\"digest\":");
    json_text(b, c->digest);
    buf_printf(b, ",\"size\":%" PRIu64 "}", c->size);
}

static void layer_descriptor(struct buf *b, const void *data, size_t i)
{
    struct content *const *layers = data;
    descriptor(b, layers[i]);
}

static struct content *make_manifest(const struct image *image, struct err *e)
{
    struct buf b;
    buf_init(&b, JSON_MAX);
    buf_str(&b, "{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_MANIFEST_TYPE "\",\"config\":");
    descriptor(&b, image->config);
    buf_char(&b, ',');
    json_list(&b, "layers", image->layer_count, layer_descriptor, image->layers);
    buf_str(&b, "}");
    return content_of(&b, IMAGE_MANIFEST_TYPE, e);
}

static int make_layers(const struct image_recipe *recipe, struct image *out,
                       char (*diff_ids)[DIGEST_TEXT], struct err *e)
{
    uint64_t seed = rng_hash(recipe->seed, recipe->name, strlen(recipe->name));
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

int image_build(const struct image_recipe *recipe, struct image *out, struct err *e)
{
    *out = (struct image){.manifest = NULL};
    if (recipe->layer_count > IMAGE_MAX_LAYERS) {
        return err_set(e, ERR_LIMIT, "image %s has more than %d layers", recipe->name,
                       IMAGE_MAX_LAYERS);
    }
    char(*diff_ids)[DIGEST_TEXT] = calloc(recipe->layer_count + 1, sizeof(*diff_ids));
    out->layers = calloc(recipe->layer_count + 1, sizeof(struct content *));
    if (diff_ids == NULL || out->layers == NULL) {
        free(diff_ids);
        image_close(out);
        return err_set(e, ERR_NOMEM, "no memory for image %s", recipe->name);
    }
    int result = make_layers(recipe, out, diff_ids, e);
    if (result == 0) {
        out->config = make_config(recipe, (const char(*)[DIGEST_TEXT])diff_ids, e);
        out->manifest = out->config != NULL ? make_manifest(out, e) : NULL;
        result = out->manifest != NULL ? 0 : -1;
    }
    free(diff_ids);
    if (result != 0) {
        image_close(out);
    }
    return result;
}

void image_close(struct image *image)
{
    content_unref(image->manifest);
    content_unref(image->config);
    for (size_t i = 0; image->layers != NULL && i < image->layer_count; i++) {
        content_unref(image->layers[i]);
    }
    free(image->layers);
    *image = (struct image){.manifest = NULL};
}

int image_put(const struct image *image, struct store *store, const char *repository,
              const char *tag, struct err *e)
{
    if (store_put_blob(store, repository, image->config, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < image->layer_count; i++) {
        if (store_put_blob(store, repository, image->layers[i], e) != 0) {
            return -1;
        }
    }
    return store_put_manifest(store, repository, tag, image->manifest, e);
}
