/* The plan as one line of JSON, and back. What is read may be anything: a history is input. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/buf.h"
#include "harness/plan_internal.h"

#define TEXT_MAX (1u << 20)

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

static json_t *blobs_of(const struct plan_image *image)
{
    json_t *blobs = json_array();
    for (size_t i = 0; blobs && i < image->blob_count; i++) {
        json_t *blob = json_pack("{s:s, s:I}", "digest", image->blobs[i].digest, "size",
                                 (json_int_t)image->blobs[i].size);
        if (json_array_append_new(blobs, blob) != 0) {
            json_decref(blobs);
            return NULL;
        }
    }
    return blobs;
}

static json_t *images_of(const struct plan *p)
{
    json_t *images = json_array();
    for (size_t i = 0; images && i < p->scenario->image_count; i++) {
        const struct plan_image *m = &p->images[i];
        json_t *image = json_pack(
            "{s:s, s:s, s:s, s:o, s:s, s:I, s:o}", "name", m->name, "repository", m->repository,
            "tag", m->tag, "on", names_of(p->scenario, m->on), "digest", m->digest, "manifest-size",
            (json_int_t)m->manifest_size, "blobs", blobs_of(m));
        if (json_array_append_new(images, image) != 0) {
            json_decref(images);
            return NULL;
        }
    }
    return images;
}

char *plan_text(const struct plan *p, struct err *e)
{
    const struct scenario *s = p->scenario;
    json_t *root =
        json_pack("{s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:O, s:O}", "scenario",
                  scenario_resolved(s, p->seed), "file", text_value(s->path), "folder",
                  text_value(s->folder), "subjects-dir", text_value(s->subjects_dir), "seed",
                  (json_int_t)p->seed, "replay", p->replay ? text_value(p->replay) : json_null(),
                  "images", images_of(p), "versions", p->versions, "host", p->host);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!text)
        err_set(e, ERR_NOMEM, "no memory for the plan's text");
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
    char *text = json_dumps(resolved, JSON_COMPACT);
    if (!text) {
        err_set(e, ERR_NOMEM, "no memory to read the plan");
        return NULL;
    }
    struct scenario *s = scenario_parse(file, text, strlen(text), &options, e);
    free(text);
    if (!s)
        err_prefix(e, "the plan in the history");
    return s;
}

static int read_blobs(const json_t *list, struct plan_blob *out, size_t *count, struct err *e)
{
    *count = json_array_size(list);
    if (!json_is_array(list) || *count > SCENARIO_MAX_LAYERS + 1)
        return invalid(e, "\"blobs\" is no list, or too long");
    for (size_t i = 0; i < *count; i++) {
        const json_t *blob = json_array_get(list, i);
        const json_t *size = json_object_get(blob, "size");
        out[i].digest = json_string_value(json_object_get(blob, "digest"));
        if (!out[i].digest || !json_is_integer(size) || json_integer_value(size) < 0)
            return invalid(e, "a blob has no digest or size");
        out[i].size = (uint64_t)json_integer_value(size);
    }
    return 0;
}

/* BLOBS has room for one image's. */
static int read_image(const json_t *image, const struct scenario_image *planned,
                      struct plan_blob *blobs, struct plan_built *out, struct err *e)
{
    const char *name = json_string_value(json_object_get(image, "name"));
    const json_t *size = json_object_get(image, "manifest-size");
    out->digest = json_string_value(json_object_get(image, "digest"));
    if (!name || strcmp(name, planned->name) != 0 || !out->digest)
        return invalid(e, "an image has no digest, or another name than in the scenario");
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return invalid(e, "an image has no \"manifest-size\"");
    out->manifest_size = (uint64_t)json_integer_value(size);
    out->blobs = blobs;
    return read_blobs(json_object_get(image, "blobs"), blobs, &out->blob_count, e);
}

struct read_images {
    struct plan_built built[SCENARIO_MAX_IMAGES];
    struct plan_blob blobs[SCENARIO_MAX_IMAGES][SCENARIO_MAX_LAYERS + 1];
};

static int read_images(const json_t *list, const struct scenario *s, struct read_images *out,
                       struct err *e)
{
    if (!json_is_array(list) || json_array_size(list) != s->image_count)
        return invalid(e, "\"images\" are not those of the scenario");
    for (size_t i = 0; i < s->image_count; i++) {
        if (read_image(json_array_get(list, i), &s->images[i], out->blobs[i], &out->built[i], e) !=
            0)
            return -1;
    }
    return 0;
}

/* S is taken over on success. */
static struct plan *read_rest(const json_t *root, struct scenario *s, struct err *e)
{
    const json_t *seed = json_object_get(root, "seed");
    json_t *versions = json_object_get(root, "versions");
    json_t *host = json_object_get(root, "host");
    struct read_images *images = calloc(1, sizeof *images);
    struct plan *p = NULL;
    if (!images)
        err_set(e, ERR_NOMEM, "no memory to read the plan");
    else if (!json_is_integer(seed) || json_integer_value(seed) < 0)
        invalid(e, "\"seed\" is no number");
    else if (!json_is_object(versions) || !json_is_object(host))
        invalid(e, "\"versions\" or \"host\" is missing");
    else if (read_images(json_object_get(root, "images"), s, images, e) == 0)
        p = plan_make(s, images->built, (uint64_t)json_integer_value(seed),
                      json_string_value(json_object_get(root, "replay")), versions, host, e);
    if (p) {
        json_incref(versions);
        json_incref(host);
    }
    free(images);
    return p;
}

struct plan *plan_read(const char *text, struct err *e)
{
    if (strlen(text) > PLAN_MAX_BYTES) {
        err_set(e, ERR_LIMIT, "the plan in the history is larger than %u bytes", PLAN_MAX_BYTES);
        return NULL;
    }
    json_error_t why = {0};
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(root)) {
        /* jansson gives no reason where it had no memory. */
        if (!root && !why.text[0])
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
