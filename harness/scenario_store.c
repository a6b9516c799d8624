/* What a registry holds what is pushed in, and how it takes it. */
#include "harness/scenario_internal.h"

static int read_flag(struct scenario_reader *r, struct doc_at at, const char *key, bool *out)
{
    struct doc_at member;
    if (!doc_member(at, key, &member))
        return 0;
    if (!json_is_boolean(member.value))
        return doc_complain(r->err, member, "\"%s\" is no boolean; write true or false", key);
    *out = json_is_true(member.value);
    return 0;
}

int scenario_store(struct scenario_reader *r, struct doc_at at, struct scenario_registry *out)
{
    struct doc_at member;
    size_t choice = 0;
    out->sparse = true;
    if (doc_member(at, "store", &member) &&
        scenario_choice_key(r, member, &scenario_level_registry, "store", &choice) != 0)
        return -1;
    out->on_disk = choice == 1;
    return read_flag(r, at, "sparse", &out->sparse) != 0
               ? -1
               : read_flag(r, at, "read-only", &out->read_only);
}
