/* The host names that registries play. */
#include "harness/names.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static void add(struct names *names, const char *name, int registry, enum server_role role)
{
    if (name == NULL || names->count == NAMES_MAX)
        return;
    struct name_row *row = &names->row[names->count];
    *row = (struct name_row){.name = name, .registry = registry, .role = role};
    unsigned index = (unsigned)names->count;
    (void)snprintf(row->address, sizeof row->address, "198.18.%u.%u", (index / 250 + 1) % 256,
                   index % 250 + 1);
    names->count++;
}

void names_of(const struct plan *plan, struct names *out)
{
    const struct scenario *s = plan->scenario;
    out->count = 0;
    for (size_t i = 0; i < s->registry_count; i++) {
        const struct scenario_registry *r = &s->registries[i];
        for (size_t k = 0; k < r->name_count; k++)
            add(out, r->names[k], (int)i, SERVER_REGISTRY);
        add(out, r->token.name, (int)i, SERVER_TOKEN);
        add(out, r->blobs.name, (int)i, SERVER_BLOBS);
    }
}

const struct name_row *names_find(const struct names *names, const char *name)
{
    size_t len = strlen(name);
    if (len > 0 && name[len - 1] == '.')
        len--;
    for (size_t i = 0; i < names->count; i++) {
        if (strlen(names->row[i].name) == len && strncasecmp(names->row[i].name, name, len) == 0)
            return &names->row[i];
    }
    return NULL;
}
