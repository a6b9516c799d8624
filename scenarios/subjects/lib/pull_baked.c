/* The image baked in. Happy path: index.json names it (by tag, by digest, or as the only one), an
 * index leads to the manifest for the platform, every blob has its digest, the config's label is
 * the interface asked for. Failure modes: each of these can be otherwise, years after somebody put
 * the image there; then it is refused with the reason. */
#include "scenarios/subjects/lib/pull_baked.h"

#include <jansson.h>
#include <string.h>

#define INDEX_MAX (4u << 20)
#define REF_NAME "org.opencontainers.image.ref.name"

/* ---- which image --------------------------------------------------------------------------- */

static bool is_named(const json_t *entry, const struct pull_options *o)
{
    const json_t *annotations = json_object_get(entry, "annotations");
    const char *name = json_string_value(json_object_get(o->image.by_digest ? entry : annotations,
                                                         o->image.by_digest ? "digest" : REF_NAME));

    return name != NULL && strcmp(name, o->image.reference) == 0;
}

/* The entry that has the name, else the only one. */
static const json_t *choose(const json_t *index, const struct pull_options *o)
{
    const json_t *entries = json_object_get(index, "manifests");

    for (size_t i = 0; i < json_array_size(entries); i++) {
        if (is_named(json_array_get(entries, i), o))
            return json_array_get(entries, i);
    }
    return json_array_size(entries) == 1 ? json_array_get(entries, 0) : NULL;
}

static int read_entry(const struct pull_layout *l, const struct pull_options *o,
                      struct pull_descriptor *out, struct err *e)
{
    struct buf text;
    json_t *index;
    const json_t *entry;
    int result;

    if (pull_layout_index(l, INDEX_MAX, &text, e) != 0)
        return -1;
    index = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    buf_close(&text);
    entry = choose(index, o);
    result = entry != NULL
                 ? pull_descriptor_read(entry, out, e)
                 : err_set(e, ERR_INVALID, "its index.json names no %s", o->image.reference);
    json_decref(index);
    return result;
}

/* ---- its manifest -------------------------------------------------------------------------- */

static int read_manifest(const struct pull_layout *l, const struct pull_options *o,
                         const struct pull_descriptor *from, struct pull_manifest *out,
                         struct err *e)
{
    struct buf text;
    int result;

    if (pull_layout_read(l, from->digest, PULL_MAX_MANIFEST, &text, e) != 0)
        return -1;
    result = pull_manifest_parse(text.data, text.len, from->media_type, &o->platform, out, e);
    buf_close(&text);
    return result;
}

/* The digest that was asked for may be that of the index, or of what it leads to. */
static bool is_pinned(const struct pull_options *o, const char *top, const char *digest)
{
    const char *want = o->image.by_digest ? o->image.reference : o->digest;

    return want == NULL || strcmp(want, top) == 0 || strcmp(want, digest) == 0;
}

static int find_manifest(struct pull_baked *b, const struct pull_options *o,
                         struct pull_manifest *m, struct err *e)
{
    struct pull_descriptor top;

    if (read_entry(&b->layout, o, &top, e) != 0 || read_manifest(&b->layout, o, &top, m, e) != 0)
        return -1;
    b->manifest = m->index ? m->child : top;
    if (m->index && read_manifest(&b->layout, o, &b->manifest, m, e) != 0)
        return -1;
    if (!m->index && is_pinned(o, top.digest, b->manifest.digest))
        return 0;
    pull_manifest_close(m);
    return err_set(e, ERR_INVALID, "it is %s, which is not what was asked for", top.digest);
}

/* ---- what is in it ------------------------------------------------------------------------- */

static int check_blobs(const struct pull_layout *l, const struct pull_manifest *m, struct err *e)
{
    for (size_t i = 0; i < m->count; i++) {
        if (!pull_layout_has(l, m->blobs[i].digest, m->blobs[i].size))
            return err_set(e, ERR_INVALID, "%s is not there whole", m->blobs[i].digest);
    }
    return 0;
}

static int check_interface(const struct pull_layout *l, const struct pull_manifest *m,
                           const struct pull_options *o, struct err *e)
{
    struct buf text;
    json_t *config;
    const char *value;
    int result = 0;

    if (o->interface == NULL)
        return 0;
    if (pull_layout_read(l, m->blobs[0].digest, PULL_MAX_MANIFEST, &text, e) != 0)
        return -1;
    config = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    buf_close(&text);
    value = json_string_value(json_object_get(
        json_object_get(json_object_get(config, "config"), "Labels"), o->interface_label));
    if (value == NULL)
        result = err_set(e, ERR_INVALID, "it has no label %s, and %s is needed", o->interface_label,
                         o->interface);
    else if (strcmp(value, o->interface) != 0)
        result = err_set(e, ERR_INVALID, "its label %s is %.100s, and %s is needed",
                         o->interface_label, value, o->interface);
    json_decref(config);
    return result;
}

int pull_baked_open(struct pull_baked *b, const struct pull_options *o, struct err *e)
{
    struct pull_manifest m;
    int result;

    if (pull_layout_open(&b->layout, o->baked_in, e) != 0)
        return -1;
    if (find_manifest(b, o, &m, e) != 0)
        return -1;
    memcpy(b->version, m.version, sizeof(b->version));
    result = check_blobs(&b->layout, &m, e);
    if (result == 0)
        result = check_interface(&b->layout, &m, o, e);
    pull_manifest_close(&m);
    return result;
}
