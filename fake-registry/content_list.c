/* Manifests and indexes, of OCI and of Docker: what they say of what they name. Pure. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/content_source.h"
#include "harness/base/json_memory.h"

#define REF_NAME "org.opencontainers.image.ref.name"

static bool copy(char *out, size_t size, const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;
    if (len >= size) {
        return false;
    }
    if (len > 0) {
        memcpy(out, text, len);
    }
    out[len] = '\0';
    return true;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* A word that is too long to be one is left out. */
static void read_platform(const json_t *object, struct image_platform *out)
{
    (void)copy(out->os, sizeof(out->os), text_of(object, "os"));
    (void)copy(out->architecture, sizeof(out->architecture), text_of(object, "architecture"));
    (void)copy(out->variant, sizeof(out->variant), text_of(object, "variant"));
}

static int read_descriptor(const json_t *object, struct content_descriptor *out, struct err *e)
{
    const char *digest = text_of(object, "digest");
    const json_t *size = json_object_get(object, "size");
    *out = (struct content_descriptor){.name = NULL};
    if (digest == NULL || !digest_valid(digest)) {
        return err_set(e, ERR_INVALID, "a descriptor without a digest of sha256 or sha512");
    }
    (void)copy(out->digest, sizeof(out->digest), digest);
    if (!json_is_integer(size) || json_integer_value(size) < 0) {
        return err_set(e, ERR_INVALID, "the descriptor of %s has no size", digest);
    }
    out->size = (uint64_t)json_integer_value(size);
    if (out->size > CONTENT_MAX_BLOB) {
        return err_set(e, ERR_LIMIT, "%s is larger than 16 GiB", digest);
    }
    if (!copy(out->media_type, sizeof(out->media_type), text_of(object, "mediaType"))) {
        return err_set(e, ERR_INVALID, "the media type of %s is too long", digest);
    }
    out->elsewhere = json_array_size(json_object_get(object, "urls")) > 0 &&
                     (strstr(out->media_type, ".foreign.") != NULL ||
                      strstr(out->media_type, ".nondistributable.") != NULL);
    out->name = text_of(json_object_get(object, "annotations"), REF_NAME);
    read_platform(json_object_get(object, "platform"), &out->platform);
    return 0;
}

static int read_items(const json_t *array, size_t max, struct content_list *out, struct err *e)
{
    size_t count = json_array_size(array);
    if (count > max) {
        return err_set(e, ERR_LIMIT, "a document that names %zu others; at most %zu are taken",
                       count, max);
    }
    out->items = calloc(count + 1, sizeof(*out->items));
    if (out->items == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for a manifest");
    }
    for (; out->count < count; out->count++) {
        if (read_descriptor(json_array_get(array, out->count), &out->items[out->count], e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Go's clients write a list that has nothing in it as null: `crane index filter` does. */
static bool is_list(const json_t *value)
{
    return json_is_array(value) || json_is_null(value);
}

/* By its media type, else by what is in it. */
static int read_kind(const json_t *root, const char *type, struct content_list *out, struct err *e)
{
    bool manifests = json_is_array(json_object_get(root, "manifests"));
    bool layers = json_is_array(json_object_get(root, "layers"));
    if (type[0] == '\0') {
        type = manifests ? IMAGE_INDEX_TYPE : IMAGE_MANIFEST_TYPE;
    }
    out->index = strcmp(type, IMAGE_INDEX_TYPE) == 0 || strcmp(type, DOCKER_LIST_TYPE) == 0;
    bool single = strcmp(type, IMAGE_MANIFEST_TYPE) == 0 || strcmp(type, DOCKER_MANIFEST_TYPE) == 0;
    if (!out->index && !single) {
        return err_set(e, ERR_INVALID,
                       "a manifest of type %.120s; OCI's and Docker's schema 2 are "
                       "known here",
                       type);
    }
    if (manifests && layers) {
        /* Two readers could take it for two different images (CVE-2021-41190). */
        return err_set(e, ERR_INVALID, "a document with both \"manifests\" and \"layers\"");
    }
    if (!is_list(json_object_get(root, out->index ? "manifests" : "layers"))) {
        return err_set(e, ERR_INVALID, "a document of type %s without \"%s\"", type,
                       out->index ? "manifests" : "layers");
    }
    return copy(out->media_type, sizeof(out->media_type), type)
               ? 0
               : err_set(e, ERR_INVALID, "the media type is too long");
}

/* The artifact type of an image without one is the type of its config; an index has none then. */
static int read_subject(const json_t *root, struct content_list *out, struct err *e)
{
    const json_t *subject = json_object_get(root, "subject");
    const char *type = text_of(root, "artifactType");
    struct content_descriptor descriptor;
    if (type == NULL || *type == '\0') {
        type = out->index ? NULL : text_of(json_object_get(root, "config"), "mediaType");
    }
    out->artifact_type = type != NULL && *type != '\0' ? type : NULL;
    if (subject == NULL || json_is_null(subject)) {
        return 0;
    }
    if (read_descriptor(subject, &descriptor, e) != 0) {
        return err_prefix(e, "the subject");
    }
    return copy(out->subject, sizeof(out->subject), descriptor.digest) ? 0 : -1;
}

static int read_root(const json_t *root, const char *media_type, size_t max,
                     struct content_list *out, struct err *e)
{
    const char *own = text_of(root, "mediaType");
    out->own_type = own;
    if (json_integer_value(json_object_get(root, "schemaVersion")) != 2) {
        return err_set(e, ERR_INVALID, "a manifest whose schemaVersion is not 2");
    }
    if (read_kind(root, media_type[0] != '\0' ? media_type : own != NULL ? own : "", out, e) != 0) {
        return -1;
    }
    if (!out->index && read_descriptor(json_object_get(root, "config"), &out->config, e) != 0) {
        return err_prefix(e, "the config");
    }
    if (read_subject(root, out, e) != 0) {
        return -1;
    }
    return read_items(json_object_get(root, out->index ? "manifests" : "layers"), max, out, e);
}

int content_list_read(const void *text, size_t len, const char *media_type, size_t max,
                      struct content_list *out, struct err *e)
{
    *out = (struct content_list){.index = false};
    unsigned lost = json_memory_lost();
    json_t *root = json_loadb(text, len, 0, NULL);
    if (json_memory_lost() != lost) {
        json_decref(root);
        return err_set(e, ERR_NOMEM, "no memory to read a manifest");
    }
    if (!json_is_object(root)) {
        json_decref(root);
        return err_set(e, ERR_INVALID, "a manifest that is no JSON object");
    }
    out->document = root;
    if (read_root(root, media_type, max, out, e) != 0) {
        content_list_close(out);
        return -1;
    }
    return 0;
}

void content_list_forget(struct content_list *list)
{
    json_decref(list->document);
    list->document = NULL;
    list->own_type = list->artifact_type = NULL;
    for (size_t i = 0; i < list->count; i++) {
        list->items[i].name = NULL;
    }
}

void content_list_close(struct content_list *list)
{
    json_decref(list->document);
    free(list->items);
    *list = (struct content_list){.index = false};
}

void content_config_platform(const void *text, size_t len, struct image_platform *out)
{
    json_t *root = json_loadb(text, len, 0, NULL);
    *out = (struct image_platform){.os = ""};
    read_platform(root, out);
    json_decref(root);
}
