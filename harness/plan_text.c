/* The plan as one line of JSON, and back. What is read may be anything: a history is input. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/buf.h"
#include "harness/base/json_memory.h"
#include "harness/plan_internal.h"

#define TEXT_MAX (1u << 20)
/* What is in a text of PLAN_MAX_BYTES needs less. */
#define READ_MAX ((size_t)64 << 20)

/* ---- writing ---- */

/* A string value; bytes that are not UTF-8 (a path, a command line) become U+FFFD. */
static json_t *text_value(const char *text)
{
    struct buf quoted;
    json_t *value = json_string(text);
    if (value)
        return value;
    buf_init(&quoted, TEXT_MAX);
    buf_json_string(&quoted, text, strlen(text));
    if (!quoted.failed)
        value = json_loadb(quoted.data, quoted.len, JSON_DECODE_ANY, NULL);
    buf_close(&quoted);
    return value;
}

static json_t *names_of(const struct scenario *s, unsigned on)
{
    json_t *names = json_array();
    for (size_t i = 0; names && i < s->registry_count; i++) {
        if ((on & (1u << i)) &&
            json_array_append_new(names, json_string(s->registries[i].name)) != 0) {
            json_decref(names);
            return NULL;
        }
    }
    return names;
}

static json_t *blobs_of(const struct plan_blob *list, size_t count)
{
    json_t *blobs = json_array();
    for (size_t i = 0; blobs && i < count; i++) {
        json_t *blob =
            json_pack("{s:s, s:I}", "digest", list[i].digest, "size", (json_int_t)list[i].size);
        if (json_array_append_new(blobs, blob) != 0) {
            json_decref(blobs);
            return NULL;
        }
    }
    return blobs;
}

/* What an index lists; NULL also where IMAGE is none. */
static json_t *manifests_of(const struct plan_image *image)
{
    json_t *manifests = plan_image_is_index(image) ? json_array() : NULL;
    for (size_t i = 0; manifests && i < image->manifest_count; i++) {
        const struct plan_manifest *m = &image->manifests[i];
        json_t *manifest =
            json_pack("{s:s, s:I, s:s, s:o}", "digest", m->digest, "size", (json_int_t)m->size,
                      "platform", m->platform, "blobs", blobs_of(m->blobs, m->blob_count));
        if (json_array_append_new(manifests, manifest) != 0) {
            json_decref(manifests);
            return NULL;
        }
    }
    return manifests;
}

/* The blobs of an index stand with its manifests. */
static json_t *image_of(const struct plan *p, const struct plan_image *m)
{
    bool index = plan_image_is_index(m);
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:I, s:o}", "name", m->name, "repository",
                     m->repository, "tag", m->tag, "on", names_of(p->scenario, m->on), "digest",
                     m->digest, "manifest-size", (json_int_t)m->manifest_size,
                     index ? "manifests" : "blobs",
                     index ? manifests_of(m) : blobs_of(m->blobs, m->blob_count));
}

static json_t *images_of(const struct plan *p)
{
    json_t *images = json_array();
    for (size_t i = 0; images && i < p->scenario->image_count; i++) {
        if (json_array_append_new(images, image_of(p, &p->images[i])) != 0) {
            json_decref(images);
            return NULL;
        }
    }
    return images;
}

/* Adds where lanes listen, where that was asked for. */
static int add_listen(const struct plan_listen *listen, json_t *root)
{
    if (!listen->address)
        return 0;
    json_t *value = json_pack("{s:s, s:i, s:s?}", "address", listen->address, "port",
                              (int)listen->port, "advertise", listen->advertise);
    return json_object_set_new(root, "listen", value);
}

static int add_served(const struct plan *p, json_t *root)
{
    return p->served ? json_object_set_new(root, "served", json_true()) : 0;
}

char *plan_text(const struct plan *p, struct err *e)
{
    const struct scenario *s = p->scenario;
    unsigned lost = json_memory_lost();
    json_t *root =
        json_pack("{s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:O, s:O}", "scenario",
                  scenario_resolved(s, p->seed), "file", text_value(s->path), "folder",
                  text_value(s->folder), "subjects-dir", text_value(s->subjects_dir), "seed",
                  (json_int_t)p->seed, "replay", p->replay ? text_value(p->replay) : json_null(),
                  "images", images_of(p), "versions", p->versions, "host", p->host);
    char *text = root && add_listen(&p->listen, root) == 0 && add_served(p, root) == 0
                     ? json_dumps(root, JSON_COMPACT)
                     : NULL;
    json_decref(root);
    if (!text || json_memory_lost() != lost) {
        free(text);
        err_set(e, ERR_NOMEM, "no memory for the plan's text");
        return NULL;
    }
    return text;
}

/* ---- reading ---- */

static int invalid(struct err *e, const char *what)
{
    return err_set(e, ERR_INVALID,
                   "the plan in the history is not one of ours: %s; judge an unchanged history",
                   what);
}

static struct scenario *read_scenario(const json_t *root, struct err *e)
{
    const json_t *resolved = json_object_get(root, "scenario");
    const char *file = json_string_value(json_object_get(root, "file"));
    const char *dir = json_string_value(json_object_get(root, "subjects-dir"));
    struct scenario_options options = {.subjects_dir = dir, .frozen = true};
    if (!json_is_object(resolved) || !file || !dir) {
        invalid(e, "\"scenario\", \"file\" or \"subjects-dir\" is missing");
        return NULL;
    }
    unsigned lost = json_memory_lost();
    char *text = json_dumps(resolved, JSON_COMPACT);
    if (!text || json_memory_lost() != lost) {
        free(text);
        err_set(e, ERR_NOMEM, "no memory to read the plan");
        return NULL;
    }
    struct scenario *s = scenario_parse(file, text, strlen(text), &options, e);
    free(text);
    if (!s)
        err_prefix(e, "the plan in the history");
    return s;
}

/* The member NAME of OBJECT as a size. False: there is none. */
static bool read_size(const json_t *object, const char *name, uint64_t *out)
{
    const json_t *size = json_object_get(object, name);
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return false;
    *out = (uint64_t)json_integer_value(size);
    return true;
}

static int read_blobs(const json_t *list, struct arena *a, const struct plan_blob **out,
                      size_t *count, struct err *e)
{
    *count = json_array_size(list);
    if (!json_is_array(list) || *count > PLAN_MAX_BLOBS)
        return invalid(e, "\"blobs\" is no list, or too long");
    struct plan_blob *blobs = arena_alloc(a, *count + 1, sizeof *blobs);
    if (!blobs)
        return err_set(e, ERR_NOMEM, "no memory to read the plan");
    for (size_t i = 0; i < *count; i++) {
        const json_t *blob = json_array_get(list, i);
        blobs[i].digest = json_string_value(json_object_get(blob, "digest"));
        if (!blobs[i].digest || !read_size(blob, "size", &blobs[i].size))
            return invalid(e, "a blob has no digest or size");
    }
    *out = blobs;
    return 0;
}

static int read_manifest(const json_t *manifest, struct arena *a, struct plan_manifest *out,
                         struct err *e)
{
    out->digest = json_string_value(json_object_get(manifest, "digest"));
    out->platform = json_string_value(json_object_get(manifest, "platform"));
    if (!out->digest || !out->platform || !read_size(manifest, "size", &out->size))
        return invalid(e, "a manifest has no digest, size or platform");
    return read_blobs(json_object_get(manifest, "blobs"), a, &out->blobs, &out->blob_count, e);
}

static int read_manifests(const json_t *list, struct arena *a, struct plan_built *out,
                          struct err *e)
{
    size_t count = json_array_size(list);
    if (count == 0 || count > PLAN_MAX_MANIFESTS)
        return invalid(e, "\"manifests\" is no list, empty, or too long");
    struct plan_manifest *manifests = arena_alloc(a, count, sizeof *manifests);
    if (!manifests)
        return err_set(e, ERR_NOMEM, "no memory to read the plan");
    for (size_t i = 0; i < count; i++) {
        if (read_manifest(json_array_get(list, i), a, &manifests[i], e) != 0)
            return -1;
    }
    out->manifests = manifests;
    out->manifest_count = count;
    return 0;
}

static int read_image(const json_t *image, const struct scenario_image *planned, struct arena *a,
                      struct plan_built *out, struct err *e)
{
    const char *name = json_string_value(json_object_get(image, "name"));
    const json_t *manifests = json_object_get(image, "manifests");
    out->digest = json_string_value(json_object_get(image, "digest"));
    if (!name || strcmp(name, planned->name) != 0 || !out->digest)
        return invalid(e, "an image has no digest, or another name than in the scenario");
    if (!read_size(image, "manifest-size", &out->manifest_size))
        return invalid(e, "an image has no \"manifest-size\"");
    if (manifests)
        return read_manifests(manifests, a, out, e);
    return read_blobs(json_object_get(image, "blobs"), a, &out->blobs, &out->blob_count, e);
}

/* As many as S has images, in A; NULL: E says why. */
static struct plan_built *read_images(const json_t *list, const struct scenario *s, struct arena *a,
                                      struct err *e)
{
    struct plan_built *built = arena_alloc(a, s->image_count + 1, sizeof *built);
    if (!built) {
        err_set(e, ERR_NOMEM, "no memory to read the plan");
        return NULL;
    }
    if (!json_is_array(list) || json_array_size(list) != s->image_count) {
        invalid(e, "\"images\" are not those of the scenario");
        return NULL;
    }
    for (size_t i = 0; i < s->image_count; i++) {
        if (read_image(json_array_get(list, i), &s->images[i], a, &built[i], e) != 0)
            return NULL;
    }
    return built;
}

/* S is taken over on success. */
static int read_listen(const json_t *root, struct plan *p, struct err *e)
{
    const json_t *listen = json_object_get(root, "listen");
    const json_t *port = json_object_get(listen, "port");
    struct plan_listen at = {.address = json_string_value(json_object_get(listen, "address")),
                             .advertise = json_string_value(json_object_get(listen, "advertise"))};
    if (!listen)
        return 0;
    if (!at.address || !json_is_integer(port) || json_integer_value(port) < 0 ||
        json_integer_value(port) > UINT16_MAX)
        return invalid(e, "\"listen\" has no address or no port");
    at.port = (uint16_t)json_integer_value(port);
    return plan_set_listen(p, &at, e);
}

static struct plan *read_rest(const json_t *root, struct scenario *s, struct err *e)
{
    const json_t *seed = json_object_get(root, "seed");
    json_t *versions = json_object_get(root, "versions");
    json_t *host = json_object_get(root, "host");
    struct arena a;
    struct plan_built *built = NULL;
    struct plan *p = NULL;
    arena_init(&a, READ_MAX);
    if (!json_is_integer(seed) || json_integer_value(seed) < 0)
        invalid(e, "\"seed\" is no number");
    else if (!json_is_object(versions) || !json_is_object(host))
        invalid(e, "\"versions\" or \"host\" is missing");
    else
        built = read_images(json_object_get(root, "images"), s, &a, e);
    if (built)
        p = plan_make(s, built, (uint64_t)json_integer_value(seed),
                      json_string_value(json_object_get(root, "replay")), versions, host, e);
    if (p) {
        json_incref(versions);
        json_incref(host);
        p->served = json_is_true(json_object_get(root, "served"));
    }
    if (p && read_listen(root, p, e) != 0) {
        p->scenario = NULL; /* the caller's still */
        plan_free(p);
        p = NULL;
    }
    arena_close(&a);
    return p;
}

struct plan *plan_read(const char *text, struct err *e)
{
    if (strlen(text) > PLAN_MAX_BYTES) {
        err_set(e, ERR_LIMIT, "the plan in the history is larger than %u bytes", PLAN_MAX_BYTES);
        return NULL;
    }
    unsigned lost = json_memory_lost();
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root) || json_memory_lost() != lost) {
        if (json_memory_lost() != lost)
            err_set(e, ERR_NOMEM, "no memory to read the plan");
        else
            invalid(e, "it is no JSON object");
        json_decref(root);
        return NULL;
    }
    struct scenario *s = read_scenario(root, e);
    struct plan *p = s ? read_rest(root, s, e) : NULL;
    if (s && !p)
        scenario_free(s);
    json_decref(root);
    return p;
}
