/* Whether a registry speaks TLS, and how. */
#include "harness/scenario_internal.h"

static int read_options(struct scenario_reader *r, struct doc_at at, struct scenario_registry *out)
{
    struct doc_at member;
    size_t choice = 0;
    if (scenario_keys(r, at, &scenario_level_tls) != 0)
        return -1;
    out->tls = true;
    if (!doc_member(at, "client", &member))
        return 0;
    if (scenario_choice_key(r, member, &scenario_level_tls, "client", &choice) != 0)
        return -1;
    out->client = (enum registry_client)choice;
    return 0;
}

int scenario_tls(struct scenario_reader *r, struct doc_at at, struct scenario_registry *out)
{
    struct doc_at member;
    out->tls = out->name_count > 0;
    if (!doc_member(at, "tls", &member))
        return 0;
    if (json_is_boolean(member.value)) {
        out->tls = json_is_true(member.value);
        return 0;
    }
    if (!json_is_object(member.value))
        return doc_complain(r->err, member,
                            "\"tls\" is neither true, nor false, nor an object; write \"tls\": "
                            "true");
    return read_options(r, member, out);
}
