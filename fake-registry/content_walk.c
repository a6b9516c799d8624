/* From a top descriptor to a whole image: the documents first, then the blobs that they name.
 *
 * Happy path: the top is loaded; an index has each of its manifests loaded, each manifest its
 * config and layers. What several manifests share is loaded once.
 *
 * Failure modes: content that is missing, altered or over a stated maximum ends the walk; what was
 * loaded so far is let go of. Of a sparse source an index may list manifests that are not there.
 */
#include <stdlib.h>
#include <string.h>

#include "fake-registry/content_source.h"

struct walk {
    const struct content_source *source;
    struct image *image;
    uint64_t total; /* bytes of all blobs so far */
};

static struct content *shared_in(const struct image_manifest *m, const char *digest)
{
    if (m->config != NULL && strcmp(m->config->digest, digest) == 0) {
        return m->config;
    }
    for (size_t i = 0; i < m->layer_count; i++) {
        if (strcmp(m->layers[i]->digest, digest) == 0) {
            return m->layers[i];
        }
    }
    return NULL;
}

/* The same content of another manifest, or of the same; its media type must be the same, too. */
static struct content *shared(const struct walk *w, const struct content_descriptor *want)
{
    for (size_t i = 0; i < w->image->manifest_count; i++) {
        struct content *c = shared_in(&w->image->manifests[i], want->digest);
        if (c != NULL && strcmp(c->media_type, want->media_type) == 0) {
            return content_ref(c);
        }
    }
    return NULL;
}

static struct content *load_blob(struct walk *w, const struct content_descriptor *want, bool memory,
                                 struct err *e)
{
    bool missing = false;
    struct content *c = shared(w, want);
    if (c != NULL) {
        return c;
    }
    w->total += want->size;
    if (w->total > CONTENT_MAX_IMAGE) {
        (void)err_set(e, ERR_LIMIT, "the image is larger than 64 GiB");
        return NULL;
    }
    return w->source->load(w->source->data, want, memory, &missing, e);
}

/* Layers that lie elsewhere (some of Windows) are in no registry, so not in ours. */
static int load_layers(struct walk *w, const struct content_list *list, struct image_manifest *out,
                       struct err *e)
{
    out->layers = calloc(list->count + 1, sizeof(struct content *));
    if (out->layers == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for layers");
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].elsewhere) {
            continue;
        }
        struct content *c = load_blob(w, &list->items[i], false, e);
        if (c == NULL) {
            return err_prefix(e, "layer %zu", i);
        }
        out->layers[out->layer_count++] = c;
    }
    return 0;
}

/* All that LIST, read from MANIFEST, names. PLATFORM: as an index has it; NULL. */
static int load_manifest(struct walk *w, struct content *manifest, const struct content_list *list,
                         const struct image_platform *platform, struct err *e)
{
    struct image_manifest *out = &w->image->manifests[w->image->manifest_count++];
    bool document = list->config.size <= CONTENT_MAX_MANIFEST;
    out->manifest = content_ref(manifest);
    out->config = load_blob(w, &list->config, document, e);
    if (out->config == NULL) {
        return err_prefix(e, "the config of manifest %s", manifest->digest);
    }
    if (platform != NULL && platform->os[0] != '\0') {
        out->platform = *platform;
    } else if (out->config->data != NULL) {
        content_config_platform(out->config->data, out->config->size, &out->platform);
    }
    return load_layers(w, list, out, e) == 0 ? 0 : err_prefix(e, "manifest %s", manifest->digest);
}

static struct content *load_document(struct walk *w, const struct content_descriptor *want,
                                     bool *missing, struct err *e)
{
    if (want->size != CONTENT_SIZE_UNKNOWN && want->size > CONTENT_MAX_MANIFEST) {
        (void)err_set(e, ERR_LIMIT, "manifest %s is larger than 8 MiB", want->digest);
        return NULL;
    }
    struct content *c = w->source->load(w->source->data, want, true, missing, e);
    if (c == NULL) {
        (void)err_prefix(e, "a manifest");
    }
    return c;
}

/* One manifest that an index lists. */
static int load_child(struct walk *w, const struct content_descriptor *want, struct err *e)
{
    bool missing = false;
    struct err local = {0};
    struct content_list list;
    struct content *c = load_document(w, want, &missing, &local);
    if (c == NULL) {
        return missing && w->source->sparse ? 0 : err_set(e, local.code, "%s", local.text);
    }
    int rc = content_list_read(c->data, c->size, c->media_type, IMAGE_MAX_LAYERS, &list, e);
    if (rc == 0 && list.index) {
        rc = err_set(e, ERR_INVALID, "an index that lists another index, %s; name that one instead",
                     want->digest);
    } else if (rc == 0) {
        rc = load_manifest(w, c, &list, &want->platform, e);
    } else {
        (void)err_prefix(e, "manifest %s", want->digest);
    }
    content_list_close(&list);
    content_unref(c);
    return rc;
}

static int load_index(struct walk *w, const struct content_list *list, struct err *e)
{
    for (size_t i = 0; i < list->count; i++) {
        if (load_child(w, &list->items[i], e) != 0) {
            return -1;
        }
    }
    return w->image->manifest_count > 0
               ? 0
               : err_set(e, ERR_INVALID, "none of the manifests that its index lists is there");
}

static int load_all(struct walk *w, const struct content_descriptor *want, struct err *e)
{
    bool missing = false;
    struct content_list list;
    struct image *out = w->image;
    out->top = load_document(w, want, &missing, e);
    if (out->top == NULL) {
        return -1;
    }
    size_t max = IMAGE_MAX_MANIFESTS > IMAGE_MAX_LAYERS ? IMAGE_MAX_MANIFESTS : IMAGE_MAX_LAYERS;
    if (content_list_read(out->top->data, out->top->size, out->top->media_type, max, &list, e) !=
        0) {
        return err_prefix(e, "manifest %s", want->digest);
    }
    int rc = 0;
    out->manifests = calloc(IMAGE_MAX_MANIFESTS, sizeof(*out->manifests));
    if (out->manifests == NULL) {
        rc = err_set(e, ERR_NOMEM, "no memory for manifests");
    } else if (list.index && list.count > IMAGE_MAX_MANIFESTS) {
        rc = err_set(e, ERR_LIMIT, "an index of more than %d manifests", IMAGE_MAX_MANIFESTS);
    } else {
        memcpy(out->top->media_type, list.media_type, sizeof(list.media_type));
        rc = list.index ? load_index(w, &list, e) : load_manifest(w, out->top, &list, NULL, e);
    }
    content_list_close(&list);
    return rc;
}

int content_image(const struct content_source *source, const struct content_descriptor *top,
                  struct image *out, struct err *e)
{
    struct walk w = {.source = source, .image = out};
    *out = (struct image){.top = NULL};
    if (load_all(&w, top, e) != 0) {
        image_close(out);
        return -1;
    }
    return 0;
}
