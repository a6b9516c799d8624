/* The host names that registries play. */
#include "harness/names.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "harness/reach.h"

static void add(struct names *names, const char *name, int registry, enum server_role role)
{
    if (names->count == NAMES_MAX)
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
    struct reach_host hosts[REACH_MAX_HOSTS];
    size_t count = reach_hosts(plan->scenario, hosts);
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < hosts[i].name_count; k++)
            add(out, hosts[i].names[k], hosts[i].registry, hosts[i].role);
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
