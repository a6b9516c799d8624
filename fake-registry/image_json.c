/* The documents of an image: config, manifest, index. Their bytes follow from what they name. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/image_internal.h"
#include "harness/base/buf.h"

#define JSON_MAX (1u << 20)
#define CREATED "1970-01-01T00:00:00Z"

static void json_text(struct buf *b, const char *text)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): make_layers filled every layer */
    buf_json_string(b, text, strlen(text));
}

/* Appends PREFIX, which ends in a key and a colon, and TEXT as its value. */
static void member(struct buf *b, const char *prefix, const char *text)
{
    buf_str(b, prefix);
    json_text(b, text);
}

/* Makes content of what is in B, which is closed. NULL on failure. */
static struct content *content_of(struct buf *b, const char *media_type, struct err *e)
{
    size_t len = b->len;
    char *text = buf_take(b);
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

/* ---- the config ---------------------------------------------------------------------------- */

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

static void entrypoint(struct buf *b, const char *path)
{
    struct buf whole;
    buf_init(&whole, JSON_MAX);
    buf_printf(&whole, "%s%s", path[0] == '/' ? "" : "/", path);
    buf_str(b, ",\"Entrypoint\":[");
    buf_json_string(b, whole.data != NULL ? whole.data : "", whole.len);
    buf_str(b, "]");
    b->failed = b->failed || whole.failed;
    buf_close(&whole);
}

static void labels(struct buf *b, const struct image_recipe *recipe)
{
    buf_str(b, ",\"Labels\":{");
    for (size_t i = 0; i < recipe->label_count; i++) {
        const char *label = recipe->labels[i];
        size_t name = strcspn(label, "=");
        if (i > 0) {
            buf_char(b, ',');
        }
        buf_json_string(b, label, name);
        member(b, ":", label[name] == '=' ? label + name + 1 : "");
    }
    buf_char(b, '}');
}

struct content *image_make_config(const struct image_recipe *recipe,
                                  const struct image_platform *platform,
                                  const char (*diff_ids)[DIGEST_TEXT], struct err *e)
{
    struct buf b;
    buf_init(&b, JSON_MAX);
    buf_str(&b, "{\"created\":\"" CREATED "\"");
    member(&b, ",\"architecture\":", platform->architecture);
    if (platform->variant[0] != '\0') {
        member(&b, ",\"variant\":", platform->variant);
    }
    member(&b, ",\"os\":", platform->os);
    buf_str(&b, ",\"config\":{\"Env\":[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
                "/sbin:/bin\"]");
    if (recipe->entrypoint != NULL) {
        entrypoint(&b, recipe->entrypoint);
    }
    if (recipe->label_count > 0) {
        labels(&b, recipe);
    }
    buf_str(&b, "},\"rootfs\":{\"type\":\"layers\",");
    json_list(&b, "diff_ids", recipe->layer_count, diff_id, diff_ids);
    buf_str(&b, "},");
    json_list(&b, "history", recipe->layer_count, history, NULL);
    buf_str(&b, "}");
    return content_of(&b, IMAGE_CONFIG_TYPE, e);
}

/* ---- manifest and index -------------------------------------------------------------------- */

/* All of a descriptor but what closes it. */
static void descriptor_open(struct buf *b, const struct content *c)
{
    member(b, "{\"mediaType\":", c->media_type);
    member(b, ",\"digest\":", c->digest);
    buf_printf(b, ",\"size\":%" PRIu64, c->size);
}

static void descriptor(struct buf *b, const struct content *c)
{
    descriptor_open(b, c);
    buf_char(b, '}');
}

static void layer_descriptor(struct buf *b, const void *data, size_t i)
{
    struct content *const *layers = data;
    descriptor(b, layers[i]);
}

struct content *image_make_manifest(const struct image_manifest *m, struct err *e)
{
    struct buf b;
    buf_init(&b, JSON_MAX);
    buf_str(&b, "{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_MANIFEST_TYPE "\",\"config\":");
    descriptor(&b, m->config);
    buf_char(&b, ',');
    json_list(&b, "layers", m->layer_count, layer_descriptor, m->layers);
    buf_str(&b, "}");
    return content_of(&b, IMAGE_MANIFEST_TYPE, e);
}

static void manifest_descriptor(struct buf *b, const void *data, size_t i)
{
    const struct image_manifest *m = &((const struct image_manifest *)data)[i];
    descriptor_open(b, m->manifest);
    member(b, ",\"platform\":{\"architecture\":", m->platform.architecture);
    member(b, ",\"os\":", m->platform.os);
    if (m->platform.variant[0] != '\0') {
        member(b, ",\"variant\":", m->platform.variant);
    }
    buf_str(b, "}}");
}

struct content *image_make_index(const struct image *image, struct err *e)
{
    struct buf b;
    buf_init(&b, JSON_MAX);
    buf_str(&b, "{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_INDEX_TYPE "\",");
    json_list(&b, "manifests", image->manifest_count, manifest_descriptor, image->manifests);
    buf_str(&b, "}");
    return content_of(&b, IMAGE_INDEX_TYPE, e);
}
