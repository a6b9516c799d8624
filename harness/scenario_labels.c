/* What an image says of itself: the labels of its config, the platforms of its index. */
#include <string.h>

#include "fake-registry/image.h"
#include "harness/scenario_internal.h"

#define LABEL_MAX 256 /* characters of a name */

/* ---- labels ---- */

static int read_label(struct scenario_reader *r, const char *name, struct doc_at key,
                      struct doc_at at, struct scenario_words *out)
{
    size_t len = strlen(name);
    if (len == 0 || len > LABEL_MAX || strchr(name, '='))
        return doc_complain(r->err, key,
                            "\"%.300s\" is no name of a label; use 1 to %d characters without =, "
                            "such as \"org.opencontainers.image.version\"",
                            name, LABEL_MAX);
    return scenario_pair(r, name, at, "the value of a label", TEXT_PLAIN, out);
}

/* Every key is a label here, one that begins with `x-` as well. */
static int read_labels(struct scenario_reader *r, struct doc_at at, struct scenario_words *out)
{
    struct doc_at key, value;
    const char *name;
    if (scenario_is_key(r, at, NULL, &scenario_level_image, "labels") != 0)
        return -1;
    out->word = scenario_alloc(r, doc_size(at), sizeof *out->word);
    out->at = scenario_alloc(r, doc_size(at), sizeof *out->at);
    if (!out->word || !out->at)
        return -1;
    struct doc_iter it = doc_iterate(at);
    while (doc_next(&it, &name, &key, &value)) {
        if (read_label(r, name, key, value, out) != 0)
            return -1;
    }
    return 0;
}

/* ---- platforms ---- */

static int read_platform(struct scenario_reader *r, struct doc_at at, const char **list,
                         size_t count)
{
    struct image_platform parts;
    const char *text = scenario_text(r, at, "a platform", TEXT_PLAIN);
    if (!text)
        return -1;
    if (!image_platform_parse(text, &parts))
        return doc_complain(r->err, at,
                            "\"%.100s\" is no platform; write system/architecture, such as "
                            "\"linux/amd64\" or \"linux/arm64/v8\"",
                            text);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], text) == 0)
            return doc_complain(r->err, at, "\"%s\" stands here twice; name a platform once", text);
    }
    list[count] = text;
    return 0;
}

static int read_platforms(struct scenario_reader *r, struct doc_at at, struct scenario_image *out)
{
    struct doc_at value;
    if (scenario_is_key(r, at, NULL, &scenario_level_image, "platforms") != 0)
        return -1;
    const char **list = scenario_alloc(r, doc_size(at), sizeof *list);
    if (!list)
        return -1;
    struct doc_iter it = doc_iterate(at);
    while (doc_next(&it, NULL, NULL, &value)) {
        if (read_platform(r, value, list, out->platform_count) != 0)
            return -1;
        out->platform_count++;
    }
    out->platforms = list;
    return 0;
}

int scenario_labels(struct scenario_reader *r, struct doc_at at, struct scenario_image *out)
{
    struct doc_at labels, platforms;
    if (doc_member(at, "labels", &labels) && read_labels(r, labels, &out->labels) != 0)
        return -1;
    return doc_member(at, "platforms", &platforms) ? read_platforms(r, platforms, out) : 0;
}
