/* The scenario that `serve` serves. */
#include "harness/serve_scenario.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* No start is ever made of it: what stands here only has to be a scenario. */
#define NO_SUBJECT "{\"serve\": {\"command\": [\"true\"]}}"
/* A phase must say what ends it; what ends this one is a signal. */
#define SERVED_FOR "1ms"

static int no_memory(struct err *e)
{
    return err_set(e, ERR_NOMEM, "serve: no memory for the scenario");
}

/* ---- registries ---------------------------------------------------------------------------- */

static json_t *named_registries(const struct serve_want *want, struct err *e)
{
    json_t *registries = json_object();
    for (size_t i = 0; registries != NULL && i < want->registry_count; i++) {
        const char *name = want->registries[i];
        if (json_object_get(registries, name) != NULL) {
            err_set(e, ERR_USAGE, "--registry %s stands here twice; name a registry once", name);
            json_decref(registries);
            return NULL;
        }
        if (json_object_set_new(registries, name, json_object()) != 0) {
            err_set(e, ERR_USAGE, "--registry %s: the name is not UTF-8; use a-z, 0-9 and -", name);
            json_decref(registries);
            return NULL;
        }
    }
    if (registries != NULL && want->registry_count == 0) {
        json_object_set_new(registries, "primary", json_object());
    }
    return registries;
}

/* Lays over each registry what was asked for. */
static int set_registries(json_t *root, const struct serve_want *want)
{
    const char *name;
    json_t *registry;
    int rc = 0;
    json_object_foreach(json_object_get(root, "registries"), name, registry)
    {
        if (want->disk) {
            rc |= json_object_set_new(registry, "store", json_string("disk"));
        }
        if (want->read_only) {
            rc |= json_object_set_new(registry, "read-only", json_true());
        }
        if (want->refuse_sparse) {
            rc |= json_object_set_new(registry, "sparse", json_false());
        }
        if (want->tls && !json_is_object(json_object_get(registry, "tls"))) {
            rc |= json_object_set_new(registry, "tls", json_true());
        }
        if (want->auth != NULL) {
            rc |= json_object_set_new(registry, "auth", json_string(want->auth));
        }
    }
    return rc;
}

/* ---- images -------------------------------------------------------------------------------- */

/* Each "${" is made literal, as the parser would expand it. NULL: no memory, or not UTF-8. */
static json_t *literal(const char *text)
{
    char out[2 * CONTENT_MAX_PATH];
    size_t n = 0;
    for (const char *p = text; *p != '\0' && n + 2 < sizeof out; p++) {
        if (p[0] == '$' && p[1] == '{') {
            out[n++] = '$';
        }
        out[n++] = *p;
    }
    out[n] = '\0';
    return json_string(out);
}

/* Images of the command line are called image-1 and so on, past names that the file has. */
static int add_images(json_t *root, const struct serve_want *want, struct err *e)
{
    json_t *images = json_object_get(root, "images");
    size_t number = 0;
    if (images == NULL && want->image_count > 0) {
        images = json_object();
        json_object_set_new(root, "images", images);
    }
    for (size_t i = 0; i < want->image_count; i++) {
        char name[32];
        do {
            snprintf(name, sizeof name, "image-%zu", ++number);
        } while (json_object_get(images, name) != NULL);
        json_t *image = json_pack("{s:o, s:o}", "ref", literal(want->images[i].ref), "from",
                                  literal(want->images[i].from));
        if (json_object_set_new(images, name, image) != 0) {
            return err_set(e, ERR_USAGE, "--image %s: the text is not UTF-8", want->images[i].from);
        }
    }
    return 0;
}

/* ---- phases -------------------------------------------------------------------------------- */

static bool has_phase(const struct scenario *base, const char *name)
{
    for (size_t i = 0; base != NULL && i < base->phase_count; i++) {
        if (strcmp(base->phases[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static int check_phase(const struct scenario *base, const char *name, struct err *e)
{
    if (base == NULL) {
        return err_set(e, ERR_USAGE, "--phase %s: of which scenario? name its file", name);
    }
    if (has_phase(base, name)) {
        return 0;
    }
    const char *near = doc_nearest(name, base->phases, base->phase_count, sizeof base->phases[0]);
    return err_set(e, ERR_USAGE, "--phase %s: the scenario has no such phase%s%s%s", name,
                   near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                   near != NULL ? "?" : "");
}

static int add_phase(json_t *root, const struct scenario *base, const struct serve_want *want)
{
    json_t *phases = json_object_get(root, "phases");
    if (want->phase != NULL || has_phase(base, SERVE_PHASE)) {
        return 0;
    }
    return json_array_append_new(phases,
                                 json_pack("{s:s, s:s}", "name", SERVE_PHASE, "for", SERVED_FOR));
}

/* ---- all of it ----------------------------------------------------------------------------- */

/* A new scenario without a file. */
static json_t *plain_root(uint64_t seed, const struct serve_want *want, struct err *e)
{
    json_t *registries = named_registries(want, e);
    json_t *root =
        registries == NULL
            ? NULL
            : json_pack("{s:i, s:s, s:I, s:o, s:o, s:[]}", "version", 1, "title",
                        "registries that stand alone", "seed", (json_int_t)seed, "registries",
                        registries, "subjects", json_loads(NO_SUBJECT, 0, NULL), "phases");
    if (root == NULL) {
        no_memory(e); /* the first trouble stays */
    }
    return root;
}

char *serve_scenario(const struct scenario *base, uint64_t seed, const struct serve_want *want,
                     struct err *e)
{
    if (want->phase != NULL && check_phase(base, want->phase, e) != 0) {
        return NULL;
    }
    if (base != NULL && want->registry_count > 0) {
        err_set(e, ERR_USAGE, "--registry %s beside a scenario, which has its own; leave it out",
                want->registries[0]);
        return NULL;
    }
    json_t *root = base != NULL ? scenario_resolved(base, seed) : plain_root(seed, want, e);
    char *text = NULL;
    if (root != NULL && add_images(root, want, e) == 0 && set_registries(root, want) == 0 &&
        add_phase(root, base, want) == 0) {
        text = json_dumps(root, JSON_COMPACT);
    }
    if (text == NULL) {
        no_memory(e);
    }
    json_decref(root);
    return text;
}

/* ---- what an image is called --------------------------------------------------------------- */

/* The last member of PATH, without what archives end in. */
static void base_name(const char *path, char *out, size_t size)
{
    static const char *const ends[] = {".tar.gz", ".tgz", ".tar"};
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    size_t from = len;
    while (from > 0 && path[from - 1] != '/') {
        from--;
    }
    snprintf(out, size, "%.*s", (int)(len - from), path + from);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t n = strlen(out);
        size_t k = strlen(ends[i]);
        if (n > k && strcmp(out + n - k, ends[i]) == 0) {
            out[n - k] = '\0';
            return;
        }
    }
}

int serve_image_ref(const struct content_name *from, const char *called, char *ref, size_t size,
                    struct err *e)
{
    char base[256];
    bool digest = from->kind == CONTENT_UPSTREAM && strchr(from->reference, ':') != NULL;
    bool whole = strchr(called, ':') != NULL || strchr(called, '/') != NULL;
    int n = 0;
    if (from->kind == CONTENT_UPSTREAM) {
        n = snprintf(ref, size, "%s:%s", from->repository, digest ? "latest" : from->reference);
    } else if (whole) {
        n = snprintf(ref, size, "%s", called);
    } else {
        base_name(from->path, base, sizeof base);
        n = snprintf(ref, size, "%s:%s", base, called[0] != '\0' ? called : "latest");
    }
    return n >= 0 && (size_t)n < size
               ? 0
               : err_set(e, ERR_USAGE, "--image %s: its name is too long; write REF= before it",
                         from->path);
}
