/* What `docker save` writes, as an image of Docker's schema 2.
 *
 * Happy path: a first walk finds manifest.json, which names config and layers by file; a second one
 * reads the config and hashes the layers; a third puts into the cache what is not there yet. Layers
 * are tars as they were unpacked, so each must have the digest that the config says (diff_ids), and
 * the manifest, which such an archive lacks, names them as uncompressed. Layers that another tool
 * compressed stay so, and are unpacked once to be held against the config.
 *
 * Failure modes: no manifest.json, none or several images of the name, a file that is missing (a
 * link counts as missing, unless another file has its content) or that has another digest.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/archive_internal.h"
#include "harness/base/buf.h"
#include "harness/base/json_memory.h"

struct docker_layer {
    const char *file;
    const char *diff_id;
    char digest[DIGEST_TEXT]; /* of the file; empty: not found */
    uint64_t size;
    bool gzip;
};

struct docker_tar {
    const struct content_name *name;
    const struct disk_cache *cache;
    char *text;     /* manifest.json */
    json_t *list;   /* the same read */
    json_t *chosen; /* borrowed from LIST */
    char *config;
    json_t *document; /* the config read; holds the diff_ids */
    struct docker_layer *layers;
    size_t count;
};

/* ---- manifest.json -------------------------------------------------------------------------- */

static int visit_list(void *data, struct archive_file *file, struct err *e)
{
    struct docker_tar *t = data;
    return strcmp(file->path, "manifest.json") == 0 ? archive_text(file, &t->text, e) : 0;
}

/* Tools write the names of Docker Hub with its host or without. */
static const char *familiar(const char *name)
{
    name += strncmp(name, "docker.io/", 10) == 0 ? 10 : 0;
    return name + (strncmp(name, "library/", 8) == 0 ? 8 : 0);
}

/* Whether IMAGE bears NAME, whose tag is latest where it says none. */
static bool bears(const json_t *image, const char *name)
{
    const json_t *tags = json_object_get(image, "RepoTags");
    name = familiar(name);
    const char *slash = strrchr(name, '/');
    bool tagged = strchr(slash != NULL ? slash : name, ':') != NULL;
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *tag = json_string_value(json_array_get(tags, i));
        size_t len = strlen(name);
        tag = tag != NULL ? familiar(tag) : "";
        if (strncmp(tag, name, len) == 0 && strcmp(tag + len, tagged ? "" : ":latest") == 0) {
            return true;
        }
    }
    return false;
}

static void list_tags(const json_t *list, struct buf *out)
{
    for (size_t i = 0; i < json_array_size(list) && out->len < 300; i++) {
        const json_t *tags = json_object_get(json_array_get(list, i), "RepoTags");
        const char *tag = json_string_value(json_array_get(tags, 0));
        buf_printf(out, "%s\"%.100s\"", i == 0 ? "" : ", ", tag != NULL ? tag : "one without name");
    }
}

static int choose(struct docker_tar *t, struct err *e)
{
    const char *name = t->name->name;
    size_t count = json_array_size(t->list);
    for (size_t i = 0; i < count && t->chosen == NULL; i++) {
        json_t *image = json_array_get(t->list, i);
        if (name[0] != '\0' ? bears(image, name) : count == 1) {
            t->chosen = image;
        }
    }
    if (t->chosen != NULL) {
        return 0;
    }
    struct buf names;
    buf_init(&names, 4096);
    list_tags(t->list, &names);
    (void)err_set(e, ERR_INVALID, "holds no image \"%.100s\", or several; there is %s", name,
                  count > 0 && names.data != NULL ? names.data : "none");
    buf_close(&names);
    return -1;
}

/* The files that the chosen image names. */
static int read_files(struct docker_tar *t, struct err *e)
{
    const json_t *layers = json_object_get(t->chosen, "Layers");
    size_t count = json_array_size(layers);
    if (count > IMAGE_MAX_LAYERS) {
        return err_set(e, ERR_LIMIT, "holds an image of more than %d layers", IMAGE_MAX_LAYERS);
    }
    t->layers = calloc(count + 1, sizeof(*t->layers));
    if (t->layers == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for layers");
    }
    for (; t->count < count; t->count++) {
        t->layers[t->count].file = json_string_value(json_array_get(layers, t->count));
        if (t->layers[t->count].file == NULL) {
            return err_set(e, ERR_INVALID, "has a manifest.json without names of layers");
        }
    }
    return json_is_string(json_object_get(t->chosen, "Config"))
               ? 0
               : err_set(e, ERR_INVALID, "has a manifest.json without a config");
}

static int read_list(struct docker_tar *t, struct err *e)
{
    if (archive_each(t->name->path, visit_list, t, e) != 0) {
        return -1;
    }
    unsigned lost = json_memory_lost();
    t->list = t->text != NULL ? json_loads(t->text, 0, NULL) : NULL;
    if (json_memory_lost() != lost) {
        return err_set(e, ERR_NOMEM, "no memory to read its manifest.json");
    }
    if (!json_is_array(t->list)) {
        return err_set(e, ERR_INVALID, "is nothing that `docker save` wrote: %s",
                       t->text == NULL ? "it has no manifest.json"
                                       : "its manifest.json is no JSON array");
    }
    return choose(t, e) == 0 ? read_files(t, e) : -1;
}

/* ---- config and layers ---------------------------------------------------------------------- */

struct look {
    struct digest_stream *stream;
    uint8_t first[2];
    size_t seen;
};

static int look_at(void *data, const void *bytes, size_t len, struct err *e)
{
    struct look *l = data;
    (void)e;
    for (size_t i = 0; i < len && l->seen < sizeof(l->first); i++) {
        l->first[l->seen++] = ((const uint8_t *)bytes)[i];
    }
    digest_stream_update(l->stream, bytes, len);
    return 0;
}

static int hash_layer(struct docker_layer *layer, struct archive_file *file, struct err *e)
{
    struct look l = {.stream = digest_stream_sha256()};
    if (l.stream == NULL) {
        return err_set(e, ERR_NOMEM, "no memory to hash a layer");
    }
    if (archive_feed(file, look_at, &l, e) != 0) {
        digest_stream_free(l.stream);
        return -1;
    }
    layer->size = file->size;
    layer->gzip = l.seen == 2 && l.first[0] == 0x1f && l.first[1] == 0x8b;
    return digest_stream_text(l.stream, layer->digest) == 0
               ? 0
               : err_set(e, ERR_INTERNAL, "sha256 failed");
}

static struct docker_layer *find_layer(const struct docker_tar *t, const char *file)
{
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->layers[i].file, file) == 0) {
            return &t->layers[i];
        }
    }
    return NULL;
}

static int visit_parts(void *data, struct archive_file *file, struct err *e)
{
    struct docker_tar *t = data;
    struct docker_layer *layer = find_layer(t, file->path);
    if (layer != NULL) {
        return hash_layer(layer, file, e);
    }
    const char *config = json_string_value(json_object_get(t->chosen, "Config"));
    return strcmp(config, file->path) == 0 ? archive_text(file, &t->config, e) : 0;
}

/* The layer's file, or the one that has the content it should have. */
static int settle(struct docker_tar *t, size_t i, struct err *e)
{
    struct docker_layer *layer = &t->layers[i];
    for (size_t k = 0; k < t->count && layer->digest[0] == '\0'; k++) {
        const struct docker_layer *other = &t->layers[k];
        if (other->digest[0] != '\0' && strcmp(other->diff_id, layer->diff_id) == 0) {
            const char *diff_id = layer->diff_id;
            *layer = *other;
            layer->diff_id = diff_id;
        }
    }
    if (layer->digest[0] == '\0') {
        return err_set(e, ERR_INVALID, "has no file \"%.200s\", which is layer %zu", layer->file,
                       i);
    }
    if (!layer->gzip && strcmp(layer->digest, layer->diff_id) != 0) {
        return err_set(e, ERR_INVALID, "has \"%.200s\", which does not have the digest %s",
                       layer->file, layer->diff_id);
    }
    return 0;
}

static int read_config(struct docker_tar *t, struct err *e)
{
    if (archive_each(t->name->path, visit_parts, t, e) != 0) {
        return -1;
    }
    unsigned lost = json_memory_lost();
    t->document = t->config != NULL ? json_loads(t->config, 0, NULL) : NULL;
    if (json_memory_lost() != lost) {
        return err_set(e, ERR_NOMEM, "no memory to read its config");
    }
    const json_t *ids = json_object_get(json_object_get(t->document, "rootfs"), "diff_ids");
    if (json_array_size(ids) != t->count || t->document == NULL) {
        return err_set(e, ERR_INVALID, "has no config that fits the layers of its manifest.json");
    }
    for (size_t i = 0; i < t->count; i++) {
        t->layers[i].diff_id = json_string_value(json_array_get(ids, i));
        if (t->layers[i].diff_id == NULL || !digest_valid(t->layers[i].diff_id)) {
            return err_set(e, ERR_INVALID, "has a config without digests of its layers");
        }
    }
    for (size_t i = 0; i < t->count; i++) {
        if (settle(t, i, e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* A config that is called by its digest must have it. */
static int check_config(const struct docker_tar *t, const struct content *config, struct err *e)
{
    const char *file = json_string_value(json_object_get(t->chosen, "Config"));
    const char *slash = strrchr(file, '/');
    const char *name = slash != NULL ? slash + 1 : file;
    name += strncmp(name, "sha256:", 7) == 0 ? 7 : 0;
    if (strspn(name, "0123456789abcdef") != 64 || strncmp(name, config->digest + 7, 64) == 0) {
        return 0;
    }
    return err_set(e, ERR_INVALID, "has \"%.200s\", whose digest is %s", file, config->digest);
}

/* ---- the image ------------------------------------------------------------------------------ */

static int visit_layers(void *data, struct archive_file *file, struct err *e)
{
    struct docker_tar *t = data;
    const struct docker_layer *layer = find_layer(t, file->path);
    return layer != NULL ? archive_keep(file, t->cache, layer->digest, e) : 0;
}

static struct content *load_layer(const struct docker_tar *t, const struct docker_layer *layer,
                                  struct err *e)
{
    struct content_descriptor want = {.size = layer->size};
    char path[DISK_MAX_PATH + 200];
    bool missing = false;
    bool altered = false;
    memcpy(want.digest, layer->digest, sizeof(want.digest));
    snprintf(want.media_type, sizeof(want.media_type), "%s",
             layer->gzip ? DOCKER_LAYER_TYPE : DOCKER_STORED_TYPE);
    snprintf(path, sizeof(path), "%s/blobs/%.6s/%s", t->cache->folder, layer->digest,
             layer->digest + 7);
    if (layer->gzip && archive_check_gzip(path, layer->diff_id, e) != 0) {
        (void)err_prefix(e, "\"%.200s\"", layer->file);
        return NULL;
    }
    return disk_load(t->cache->folder, &want, DISK_IN_MEMORY, &missing, &altered, e);
}

static int load_layers(struct docker_tar *t, struct image_manifest *out, struct err *e)
{
    if (archive_each(t->name->path, visit_layers, t, e) != 0) {
        return -1;
    }
    out->layers = calloc(t->count + 1, sizeof(struct content *));
    if (out->layers == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for layers");
    }
    for (size_t i = 0; i < t->count; i++) {
        out->layers[i] = load_layer(t, &t->layers[i], e);
        if (out->layers[i] == NULL) {
            return -1;
        }
        out->layer_count = i + 1;
    }
    return 0;
}

static struct content *text_content(char *text, size_t len, const char *type, struct err *e)
{
    struct content *c = content_new_take((uint8_t *)text, len, type, e);
    if (c == NULL) {
        free(text);
    }
    return c;
}

static void put_descriptor(struct buf *b, const struct content *c)
{
    buf_printf(b, "{\"mediaType\":\"%s\",\"size\":%" PRIu64 ",\"digest\":\"%s\"}", c->media_type,
               c->size, c->digest);
}

static struct content *make_manifest(const struct image_manifest *m, struct err *e)
{
    struct buf b;
    buf_init(&b, CONTENT_MAX_MANIFEST);
    buf_str(&b, "{\"schemaVersion\":2,\"mediaType\":\"" DOCKER_MANIFEST_TYPE "\",\"config\":");
    put_descriptor(&b, m->config);
    buf_str(&b, ",\"layers\":[");
    for (size_t i = 0; i < m->layer_count; i++) {
        buf_str(&b, i > 0 ? "," : "");
        put_descriptor(&b, m->layers[i]);
    }
    buf_str(&b, "]}");
    size_t len = b.len;
    char *text = buf_take(&b);
    buf_close(&b);
    if (text == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for a manifest");
        return NULL;
    }
    return text_content(text, len, DOCKER_MANIFEST_TYPE, e);
}

static int make_image(struct docker_tar *t, struct image *out, struct err *e)
{
    out->manifests = calloc(1, sizeof(*out->manifests));
    if (out->manifests == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for an image");
    }
    struct image_manifest *m = out->manifests;
    out->manifest_count = 1;
    if (load_layers(t, m, e) != 0) {
        return -1;
    }
    content_config_platform(t->config, strlen(t->config), &m->platform);
    m->config = text_content(t->config, strlen(t->config), DOCKER_CONFIG_TYPE, e);
    t->config = NULL;
    if (m->config == NULL || check_config(t, m->config, e) != 0) {
        return -1;
    }
    m->manifest = make_manifest(m, e);
    if (m->manifest == NULL) {
        return -1;
    }
    out->top = content_ref(m->manifest);
    return 0;
}

int archive_docker(const struct content_name *name, const struct disk_cache *cache,
                   struct image *out, struct err *e)
{
    struct docker_tar t = {.name = name, .cache = cache};
    int rc = 0;
    if (read_list(&t, e) != 0 || read_config(&t, e) != 0 || make_image(&t, out, e) != 0) {
        image_close(out);
        rc = err_prefix(e, "%s", name->path);
    }
    free(t.text);
    free(t.config);
    free(t.layers);
    json_decref(t.list);
    json_decref(t.document);
    return rc;
}
