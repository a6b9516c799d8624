/* Reading manifests with jansson. What is ambiguous (a manifest that is also an index, a key given
 * twice) is refused: two readers of one digest must not see two images. */
#include "scenarios/subjects/lib/pull_manifest.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_INDEX "application/vnd.docker.distribution.manifest.list.v2+json"

const char pull_manifest_accept[] =
    OCI_MANIFEST ", " OCI_INDEX ", " DOCKER_MANIFEST ", " DOCKER_INDEX;

static bool is_index(const char *type)
{
    return strcmp(type, OCI_INDEX) == 0 || strcmp(type, DOCKER_INDEX) == 0;
}

static bool is_manifest(const char *type)
{
    return strcmp(type, OCI_MANIFEST) == 0 || strcmp(type, DOCKER_MANIFEST) == 0;
}

/* Copies the string VALUE into TEXT; false where it is none or does not fit. */
static bool copy_text(const json_t *value, char *text, size_t size)
{
    const size_t len = json_string_length(value);

    if (!json_is_string(value) || len >= size)
        return false;
    memcpy(text, json_string_value(value), len + 1);
    return true;
}

int pull_descriptor_read(const json_t *value, struct pull_descriptor *out, struct err *e)
{
    const json_t *size = json_object_get(value, "size");

    if (!copy_text(json_object_get(value, "mediaType"), out->media_type, sizeof(out->media_type)))
        return err_set(e, ERR_INVALID, "a descriptor without a media type");
    if (!copy_text(json_object_get(value, "digest"), out->digest, sizeof(out->digest)) ||
        !digest_valid(out->digest))
        return err_set(e, ERR_INVALID, "a descriptor without a usable digest");
    if (!json_is_integer(size) || json_integer_value(size) < 0 ||
        (uint64_t)json_integer_value(size) > PULL_MAX_BLOB_SIZE)
        return err_set(e, ERR_INVALID, "a descriptor without a usable size");
    out->size = (uint64_t)json_integer_value(size);
    return 0;
}

static int fit(const json_t *entry, const struct image_platform *want)
{
    const json_t *platform = json_object_get(entry, "platform");

    return pull_platform_fit(want, json_string_value(json_object_get(platform, "os")),
                             json_string_value(json_object_get(platform, "architecture")),
                             json_string_value(json_object_get(platform, "variant")));
}

static int read_index(const json_t *root, const struct image_platform *platform,
                      struct pull_manifest *out, struct err *e)
{
    const json_t *entries = json_object_get(root, "manifests");
    const json_t *entry;
    char name[PULL_PLATFORM_TEXT];
    int best = 0;
    size_t i;

    if (json_array_size(entries) > PULL_MAX_BLOBS)
        return err_set(e, ERR_LIMIT, "an index of more than %u manifests", PULL_MAX_BLOBS);
    json_array_foreach(entries, i, entry)
    {
        struct pull_descriptor child = {.size = 0};
        const int fits = fit(entry, platform);

        if (fits <= best)
            continue;
        if (pull_descriptor_read(entry, &child, e) != 0)
            return -1;
        if (is_manifest(child.media_type) && child.size <= PULL_MAX_MANIFEST) {
            out->child = child;
            best = fits;
        }
    }
    if (best > 0)
        return 0;
    pull_platform_text(platform, name);
    return err_set(e, ERR_INVALID, "an index without a manifest for %s", name);
}

static int read_blobs(const json_t *root, struct pull_manifest *out, struct err *e)
{
    const json_t *layers = json_object_get(root, "layers");
    const size_t count = json_array_size(layers) + 1;

    if (!json_is_array(layers) || !json_is_object(json_object_get(root, "config")))
        return err_set(e, ERR_INVALID, "a manifest without a config or layers");
    if (count > PULL_MAX_BLOBS)
        return err_set(e, ERR_LIMIT, "a manifest of more than %u blobs", PULL_MAX_BLOBS);
    out->blobs = calloc(count, sizeof(*out->blobs));
    if (out->blobs == NULL)
        return err_set(e, ERR_NOMEM, "no memory for %zu descriptors", count);
    if (pull_descriptor_read(json_object_get(root, "config"), &out->blobs[0], e) != 0)
        return -1;
    for (size_t i = 1; i < count; i++) {
        if (pull_descriptor_read(json_array_get(layers, i - 1), &out->blobs[i], e) != 0)
            return -1;
    }
    out->count = count;
    return 0;
}

/* The document's own word for its type, else the answer's without its parameters. */
static int read_type(const json_t *root, const char *content_type, struct pull_manifest *out,
                     struct err *e)
{
    const json_t *own = json_object_get(root, "mediaType");
    const size_t len = strcspn(content_type, "; \t");

    if (own != NULL) {
        if (!copy_text(own, out->media_type, sizeof(out->media_type)))
            return err_set(e, ERR_INVALID, "mediaType is no media type");
    } else if (len < sizeof(out->media_type)) {
        memcpy(out->media_type, content_type, len);
        out->media_type[len] = '\0';
    }
    out->index = is_index(out->media_type);
    if (!out->index && !is_manifest(out->media_type))
        return err_set(e, ERR_INVALID, "the type \"%s\" is no manifest", out->media_type);
    if (json_object_get(root, out->index ? "layers" : "manifests") != NULL)
        return err_set(e, ERR_INVALID, "both a manifest and an index");
    return 0;
}

static int read_root(const json_t *root, const char *content_type,
                     const struct image_platform *platform, struct pull_manifest *out,
                     struct err *e)
{
    const json_t *annotations = json_object_get(root, "annotations");
    const json_t *version = json_object_get(annotations, "org.opencontainers.image.version");

    if (!json_is_object(root) || json_integer_value(json_object_get(root, "schemaVersion")) != 2)
        return err_set(e, ERR_INVALID, "no manifest of schema version 2");
    if (read_type(root, content_type, out, e) != 0)
        return -1;
    if (!copy_text(version, out->version, sizeof(out->version)))
        out->version[0] = '\0';
    return out->index ? read_index(root, platform, out, e) : read_blobs(root, out, e);
}

int pull_manifest_parse(const char *text, size_t len, const char *content_type,
                        const struct image_platform *platform, struct pull_manifest *out,
                        struct err *e)
{
    json_error_t why;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    int result;

    memset(out, 0, sizeof(*out));
    if (root == NULL)
        return err_set(e, ERR_INVALID, "not JSON");
    result = read_root(root, content_type, platform, out, e);
    if (result != 0)
        pull_manifest_close(out);
    json_decref(root);
    return result;
}

void pull_manifest_close(struct pull_manifest *m)
{
    free(m->blobs);
    m->blobs = NULL;
    m->count = 0;
}
