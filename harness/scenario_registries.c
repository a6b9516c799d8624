/* The registries and images of a scenario. */
#include "harness/scenario_internal.h"

#include <string.h>

const char *registry_role_name(enum registry_role role)
{
    return role <= ROLE_OTHER ? key_find(&scenario_level_registry, "role")->value.words[role]
                              : "unknown";
}

/* GIVEN: the role stands in the file. */
static int read_registry(struct scenario_reader *r, struct doc_at at, struct scenario_registry *out,
                         bool *given)
{
    struct doc_at member;
    size_t choice;
    if (scenario_keys(r, at, &scenario_level_registry) != 0)
        return -1;
    out->role = ROLE_FAILOVER;
    *given = doc_member(at, "role", &member);
    if (*given) {
        if (scenario_choice_key(r, member, &scenario_level_registry, "role", &choice) != 0)
            return -1;
        out->role = (enum registry_role)choice;
    }
    if (strcmp(out->name, "primary") == 0) {
        if (*given && out->role != ROLE_PRIMARY)
            return doc_complain(r->err, member,
                                "the registry named \"primary\" has the role \"%s\"; leave the "
                                "role out, or give the registry another name",
                                registry_role_name(out->role));
        out->role = ROLE_PRIMARY;
        *given = true;
    }
    if (scenario_names(r, at, out) != 0 || scenario_tls(r, at, out) != 0 ||
        scenario_store(r, at, out) != 0)
        return -1;
    return scenario_hosts(r, at, out) != 0 ? -1 : scenario_upstream(r, at, out);
}

/* The one that says so, else the first that says nothing else. */
static int choose_primary(struct scenario_reader *r, struct doc_at at, const bool *given)
{
    struct scenario *s = r->s;
    size_t chosen = s->registry_count;
    for (size_t i = 0; i < s->registry_count; i++) {
        if (s->registries[i].role != ROLE_PRIMARY)
            continue;
        if (chosen < s->registry_count)
            return doc_complain(r->err, s->registries[i].at,
                                "a second primary registry, \"%s\" beside \"%s\"; give one of "
                                "them another role",
                                s->registries[i].name, s->registries[chosen].name);
        chosen = i;
    }
    for (size_t i = 0; i < s->registry_count && chosen == s->registry_count; i++) {
        if (!given[i])
            chosen = i;
    }
    if (chosen == s->registry_count)
        return doc_complain(r->err, at,
                            "no registry is the primary; give one of them \"role\": \"primary\"");
    s->primary = chosen;
    s->registries[chosen].role = ROLE_PRIMARY;
    return 0;
}

int scenario_registries(struct scenario_reader *r, struct doc_at root)
{
    struct scenario *s = r->s;
    struct doc_at at, key, value;
    const char *name;
    bool given[SCENARIO_MAX_REGISTRIES] = {false};
    if (scenario_need_key(r, root, "the scenario", &scenario_level_top, "registries", &at) != 0 ||
        scenario_is_key(r, at, NULL, &scenario_level_top, "registries") != 0)
        return -1;
    s->registries = scenario_alloc(r, scenario_count(at), sizeof *s->registries);
    if (!s->registries)
        return -1;
    struct doc_iter it = doc_iterate(at);
    while (scenario_next(&it, &name, &key, &value)) {
        struct scenario_registry *out = &s->registries[s->registry_count];
        *out = (struct scenario_registry){.name = name, .at = key};
        if (scenario_name(r, key, "a registry", name) != 0 ||
            read_registry(r, value, out, &given[s->registry_count]) != 0)
            return -1;
        s->registry_count++;
    }
    return choose_primary(r, at, given);
}

int scenario_registry_name(struct scenario_reader *r, struct doc_at at, unsigned named)
{
    const struct scenario *s = r->s;
    const char *name;
    if (scenario_name_value(r, at, "a registry", &name) != 0)
        return -1;
    int i = scenario_lookup(r, at, "registry", name, s->registries, s->registry_count,
                            sizeof *s->registries);
    if (i >= 0 && (named & (1u << i)))
        return doc_complain(r->err, at, "\"%s\" stands here twice; name a registry once", name);
    return i;
}

/* ---- images ---- */

static int read_on(struct scenario_reader *r, struct doc_at at, struct scenario_image *out)
{
    const struct scenario *s = r->s;
    struct doc_at member, value;
    if (!doc_member(at, "on", &member)) {
        out->on = (1u << s->registry_count) - 1;
        return 0;
    }
    if (scenario_is_key(r, member, "\"on\" of an image", &scenario_level_image, "on") != 0)
        return -1;
    struct doc_iter it = doc_iterate(member);
    while (doc_next(&it, NULL, NULL, &value)) {
        int i = scenario_registry_name(r, value, out->on);
        if (i < 0)
            return -1;
        out->on |= 1u << i;
    }
    return 0;
}

/* Two images under one name on one registry would hide each other. */
static int check_apart(struct scenario_reader *r, const struct scenario_image *image,
                       struct doc_at ref)
{
    const struct scenario *s = r->s;
    for (size_t i = 0; i < s->image_count; i++) {
        const struct scenario_image *other = &s->images[i];
        if (other == image || strcmp(other->repository, image->repository) != 0 ||
            strcmp(other->tag, image->tag) != 0)
            continue;
        unsigned both = other->on & image->on;
        for (size_t k = 0; k < s->registry_count; k++) {
            if (both & (1u << k))
                return doc_complain(r->err, ref,
                                    "images \"%s\" and \"%s\" are both %s:%s on \"%s\"; give them "
                                    "different tags or registries",
                                    other->name, image->name, image->repository, image->tag,
                                    s->registries[k].name);
        }
    }
    return 0;
}

static int read_image(struct scenario_reader *r, struct doc_at at, struct scenario_image *out)
{
    struct doc_at ref;
    const char *text;
    if (scenario_keys(r, at, &scenario_level_image) != 0 ||
        scenario_need_key(r, at, "an image", &scenario_level_image, "ref", &ref) != 0)
        return -1;
    text = scenario_text(r, ref, "\"ref\"", TEXT_PLAIN);
    if (!text || scenario_ref(r, ref, text, &out->repository, &out->tag) != 0 ||
        read_on(r, at, out) != 0 || scenario_content(r, at, out) != 0 ||
        scenario_labels(r, at, out) != 0)
        return -1;
    return check_apart(r, out, ref);
}

int scenario_images(struct scenario_reader *r, struct doc_at root)
{
    struct scenario *s = r->s;
    struct doc_at at, key, value;
    const char *name;
    if (!doc_member(root, "images", &at))
        return 0;
    if (scenario_is_key(r, at, NULL, &scenario_level_top, "images") != 0)
        return -1;
    s->images = scenario_alloc(r, scenario_count(at), sizeof *s->images);
    if (!s->images)
        return -1;
    struct doc_iter it = doc_iterate(at);
    while (scenario_next(&it, &name, &key, &value)) {
        struct scenario_image *out = &s->images[s->image_count];
        *out = (struct scenario_image){.name = name, .at = key, .canary_of = -1};
        if (scenario_name(r, key, "an image", name) != 0 || read_image(r, value, out) != 0)
            return -1;
        s->image_count++;
    }
    return scenario_canaries(r, at);
}
