/* Images that take the place of another one in a share of the starts. */
#include "harness/scenario_internal.h"

#include "harness/base/units.h"

static int read_share(struct scenario_reader *r, struct doc_at at, struct scenario_image *out)
{
    const char *text;
    if (scenario_string(r, at, "\"canary\"", &text) != 0)
        return -1;
    if (units_share(text, &out->canary_share) != 0 || out->canary_share * 1e6 < 1)
        return doc_complain(
            r->err, at, "\"%.80s\" is no share of the starts; write for example \"10%%\"", text);
    return 0;
}

/* OUT takes the place of another image, which is no canary itself and has no second one. */
static int read_place(struct scenario_reader *r, struct doc_at at, struct scenario_image *out)
{
    struct scenario *s = r->s;
    const char *name;
    if (scenario_name_value(r, at, "an image", &name) != 0)
        return -1;
    int place = scenario_lookup(r, at, "image", name, s->images, s->image_count, sizeof *s->images);
    if (place < 0)
        return -1;
    if (&s->images[place] == out)
        return doc_complain(r->err, at,
                            "image \"%s\" is its own canary; name the image whose place it takes",
                            name);
    for (size_t i = 0; i < s->image_count; i++) {
        if (s->images[i].canary_of == place)
            return doc_complain(r->err, at,
                                "image \"%s\" has a canary already, \"%s\"; an image has one at "
                                "most",
                                name, s->images[i].name);
    }
    out->canary_of = place;
    return 0;
}

static int read_canary(struct scenario_reader *r, struct doc_at at, struct scenario_image *out)
{
    struct doc_at of, share;
    bool has_of = doc_member(at, "canary-of", &of);
    bool has_share = doc_member(at, "canary", &share);
    if (has_share && !has_of)
        return doc_complain(r->err, share,
                            "a canary of nothing; add \"canary-of\": the image whose place \"%s\" "
                            "takes",
                            out->name);
    if (has_of && !has_share)
        return doc_complain(r->err, of,
                            "a canary without a share of the starts; add for example \"canary\": "
                            "\"10%%\"");
    return has_of && (read_place(r, of, out) != 0 || read_share(r, share, out) != 0) ? -1 : 0;
}

/* A start that is given a canary has it in the place of one image, not of a row of them. */
static int check_rows(struct scenario_reader *r)
{
    const struct scenario *s = r->s;
    for (size_t i = 0; i < s->image_count; i++) {
        int of = s->images[i].canary_of;
        if (of >= 0 && s->images[of].canary_of >= 0)
            return doc_complain(r->err, s->images[i].at,
                                "image \"%s\" is a canary of \"%s\", which is one itself; name the "
                                "image that subjects ask for",
                                s->images[i].name, s->images[of].name);
    }
    return 0;
}

int scenario_canaries(struct scenario_reader *r, struct doc_at at)
{
    struct doc_at key, value;
    const char *name;
    size_t i = 0;
    struct doc_iter it = doc_iterate(at);
    while (scenario_next(&it, &name, &key, &value)) {
        if (read_canary(r, value, &r->s->images[i++]) != 0)
            return -1;
    }
    return check_rows(r);
}
