/* The host names that a scenario's registries play. */
#include "harness/scenario_internal.h"

#include <string.h>

static bool is_label(const char *at, size_t len)
{
    return len > 0 && len <= 63 && at[0] != '-' && at[len - 1] != '-' &&
           strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789-") >= len;
}

/* RFC 1123 section 2.1, in lower case. */
static bool is_host_name(const char *name)
{
    if (strlen(name) > 253)
        return false;
    for (;;) {
        size_t len = strcspn(name, ".");
        if (!is_label(name, len))
            return false;
        if (name[len] == '\0')
            return true;
        name += len + 1;
    }
}

static bool plays(const struct scenario_registry *registry, const char *name)
{
    for (size_t i = 0; i < registry->name_count; i++) {
        if (strcmp(registry->names[i], name) == 0)
            return true;
    }
    return (registry->token.name && strcmp(registry->token.name, name) == 0) ||
           (registry->blobs.name && strcmp(registry->blobs.name, name) == 0);
}

/* The registry that plays NAME already; NULL: none does. */
static const struct scenario_registry *player(const struct scenario_reader *r, const char *name,
                                              const struct scenario_registry *out)
{
    for (size_t i = 0; i < r->s->registry_count; i++) {
        if (plays(&r->s->registries[i], name))
            return &r->s->registries[i];
    }
    return plays(out, name) ? out : NULL;
}

const char *scenario_host(struct scenario_reader *r, struct doc_at at,
                          const struct scenario_registry *out)
{
    const char *name = scenario_text(r, at, "a host name", TEXT_PLAIN);
    if (!name)
        return NULL;
    if (!is_host_name(name)) {
        doc_complain(r->err, at,
                     "\"%.80s\" is no host name; write one in lower case, without a port, such as "
                     "\"quay.io\"",
                     name);
        return NULL;
    }
    const struct scenario_registry *other = player(r, name, out);
    if (other) {
        doc_complain(r->err, at,
                     "\"%s\" is played by registry \"%s\" already; a name leads to one host only",
                     name, other->name);
        return NULL;
    }
    return name;
}

int scenario_names(struct scenario_reader *r, struct doc_at at, struct scenario_registry *out)
{
    struct doc_at member, value;
    if (!doc_member(at, "names", &member))
        return 0;
    if (scenario_is_key(r, member, NULL, &scenario_level_registry, "names") != 0)
        return -1;
    out->names = scenario_alloc(r, doc_size(member), sizeof *out->names);
    if (!out->names)
        return -1;
    struct doc_iter it = doc_iterate(member);
    while (doc_next(&it, NULL, NULL, &value)) {
        const char *name = scenario_host(r, value, out);
        if (!name)
            return -1;
        out->names[out->name_count++] = name;
    }
    return 0;
}
