/* A start. Happy path: the tag's manifest (for an index also its child for the platform), the
 * config, the layers, then index.json and the result. Failure modes: the first object that no
 * registry delivers ends the pull; what came whole stays in the layout, which has no index.json.
 * The start then has the baked-in image, or else fails without a result. */
#include "scenarios/subjects/lib/pull_image.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "scenarios/subjects/lib/pull_baked.h"
#include "scenarios/subjects/lib/pull_object.h"

/* What the result says. */
struct outcome {
    struct pull_descriptor manifest;
    char version[64];
    char from[24]; /* the registry, or "baked-in" */
    const char *layout;
};

static void target_init(struct pull_manifest_target *t, const struct pull_options *o)
{
    memset(t, 0, sizeof(*t));
    t->reference = o->image.reference;
    t->platform = &o->platform;
    buf_init(&t->bytes, PULL_MAX_MANIFEST);
}

static void target_close(struct pull_manifest_target *t)
{
    pull_manifest_close(&t->manifest);
    buf_close(&t->bytes);
}

/* Replaces the index in T by its child for this platform. The child's digest is pinned by the
 * index, so it may come from another registry. */
static int follow_index(struct pull_start *s, struct pull_manifest_target *t, size_t *served_by,
                        struct err *e)
{
    const struct pull_descriptor child = t->manifest.child;

    pull_manifest_close(&t->manifest);
    t->want = child;
    t->reference = t->want.digest;
    if (pull_object_manifest(s, t, served_by, e) != 0)
        return -1;
    if (t->manifest.index)
        return err_set(e, ERR_INVALID, "an index inside an index");
    return 0;
}

static int get_manifest(struct pull_start *s, struct pull_manifest_target *t, size_t *served_by,
                        struct err *e)
{
    const struct pull_reference *image = &s->options->image;

    if (image->by_digest)
        memcpy(t->want.digest, image->reference, sizeof(t->want.digest));
    else if (s->options->digest != NULL)
        snprintf(t->want.digest, sizeof(t->want.digest), "%s", s->options->digest);
    if (pull_object_manifest(s, t, served_by, e) != 0)
        return -1;
    return t->manifest.index ? follow_index(s, t, served_by, e) : 0;
}

static int keep_manifest(struct pull_start *s, const struct pull_manifest_target *t, struct err *e)
{
    struct pull_blob blob;
    int result = -1;

    if (pull_blob_init(&blob, &s->layout, &t->got, e) != 0)
        return -1;
    if (pull_blob_write(&blob, t->bytes.data, t->bytes.len, e) == 0) {
        if (pull_blob_verify(&blob))
            result = pull_blob_keep(&blob, e);
        else
            err_set(e, ERR_INTERNAL, "the manifest changed in memory");
    }
    pull_blob_close(&blob);
    return result;
}

static int get_all(struct pull_start *s, struct pull_manifest_target *t, struct outcome *out,
                   struct err *e)
{
    size_t served_by;

    if (get_manifest(s, t, &served_by, e) != 0)
        return -1;
    for (size_t i = 0; i < t->manifest.count; i++) {
        if (pull_object_blob(s, &t->manifest.blobs[i], e) != 0)
            return -1;
    }
    pull_registry_name(served_by, out->from);
    out->layout = s->layout.dir;
    out->manifest = t->got;
    memcpy(out->version, t->manifest.version, sizeof(out->version));
    if (keep_manifest(s, t, e) != 0)
        return -1;
    return pull_layout_publish(&s->layout, &t->got, s->options->image.reference, e);
}

/* After a pull that failed as E says: the image that the machine has. -1: E says more. */
static int fall_back_on(const struct pull_options *o, struct pull_baked *baked, struct outcome *out,
                        struct err *e)
{
    struct err why = {0};

    if (pull_baked_open(baked, o, &why) != 0) {
        const struct err pull = *e;

        *e = (struct err){0};
        return err_set(e, ERR_IO, "%.600s; and the image baked in: %.300s", pull.text, why.text);
    }
    fprintf(stderr, "build-start: %s; using the image baked in, %s\n", e->text,
            baked->manifest.digest);
    out->manifest = baked->manifest;
    out->layout = baked->layout.dir;
    memcpy(out->version, baked->version, sizeof(out->version));
    snprintf(out->from, sizeof(out->from), "baked-in");
    return 0;
}

static int write_result(const struct pull_start *s, const struct outcome *out, struct err *e)
{
    json_t *result;
    char *text;
    int status;

    if (s->options->result == NULL)
        return 0;
    result =
        json_pack("{s:s, s:s, s:s*, s:s}", "digest", out->manifest.digest, "registry", out->from,
                  "version", out->version[0] != '\0' ? out->version : NULL, "layout", out->layout);
    text = result != NULL ? json_dumps(result, 0) : NULL;
    json_decref(result);
    if (text == NULL)
        return err_set(e, ERR_NOMEM, "no memory for the result");
    status = pull_file_replace(s->options->result, text, strlen(text), e);
    free(text);
    return status;
}

static int pull_all(struct pull_start *s, struct err *e)
{
    struct pull_manifest_target t;
    struct pull_baked baked;
    struct outcome out;
    int result;

    memset(&out, 0, sizeof(out));
    target_init(&t, s->options);
    result = get_all(s, &t, &out, e);
    target_close(&t);
    if (result != 0 && s->options->baked_in != NULL)
        result = fall_back_on(s->options, &baked, &out, e);
    return result == 0 ? write_result(s, &out, e) : -1;
}

int pull_image(const struct pull_options *o, struct err *e)
{
    struct pull_start s = {.options = o};
    int result;

    pull_order_init(&s.order, o->policy, o->registry_count, o->attempts);
    rng_init(&s.rng, o->seed);
    if (pull_layout_init(&s.layout, o->out, e) != 0)
        return -1;
    if (pull_client_init(&s.client, &o->limits, clock_now_ns() + o->deadline_ns, e) != 0)
        return -1;
    result = pull_all(&s, e);
    pull_client_close(&s.client);
    return result;
}
