/* What a registry asks of those who pull, and its hosts apart from itself. */
#include "harness/scenario_internal.h"

#include "harness/base/clock.h"

#define TTL_NS (300 * CLOCK_NS_PER_S)

static int read_flag(struct scenario_reader *r, struct doc_at at, const char *what, bool *out)
{
    if (!json_is_boolean(at.value))
        return doc_complain(r->err, at, "%s is no boolean; write true or false", what);
    *out = json_is_true(at.value);
    return 0;
}

static int read_type(struct scenario_reader *r, struct doc_at at, struct scenario_registry *out)
{
    size_t choice = 0;
    if (scenario_choice_key(r, at, &scenario_level_auth, "type", &choice) != 0)
        return -1;
    out->auth = (enum registry_auth)choice;
    return 0;
}

static int read_auth_object(struct scenario_reader *r, struct doc_at at,
                            struct scenario_registry *out)
{
    struct doc_at member;
    if (scenario_keys(r, at, &scenario_level_auth) != 0 ||
        scenario_need_key(r, at, "\"auth\"", &scenario_level_auth, "type", &member) != 0 ||
        read_type(r, member, out) != 0)
        return -1;
    if (doc_member(at, "anonymous", &member) &&
        read_flag(r, member, "\"anonymous\"", &out->anonymous) != 0)
        return -1;
    if (!doc_member(at, "ttl", &member))
        return 0;
    if (out->auth != REGISTRY_AUTH_TOKEN)
        return doc_complain(r->err, member,
                            "\"ttl\" is of tokens, and this registry has none; leave it out, or "
                            "write \"type\": \"token\"");
    return scenario_duration(r, member, "\"ttl\"", &out->token_ttl_ns);
}

static int read_auth(struct scenario_reader *r, struct doc_at at, struct scenario_registry *out)
{
    if (json_is_string(at.value))
        return read_type(r, at, out);
    if (json_is_object(at.value))
        return read_auth_object(r, at, out);
    return doc_complain(r->err, at,
                        "\"auth\" is neither a word nor an object; write \"none\", \"basic\", "
                        "\"token\" or an object with \"type\"");
}

static int read_host(struct scenario_reader *r, struct doc_at hosts, const char *key,
                     const struct scenario_registry *registry, struct scenario_host *out)
{
    struct doc_at at;
    if (!doc_member(hosts, key, &at))
        return 0;
    if (!json_is_string(at.value) && !json_is_boolean(at.value))
        return doc_complain(r->err, at, "\"%s\" is neither true nor a name; write one of them",
                            key);
    if (json_is_boolean(at.value)) {
        out->own = json_is_true(at.value);
        return 0;
    }
    out->own = true;
    out->name = scenario_host(r, at, registry);
    return out->name ? 0 : -1;
}

int scenario_hosts(struct scenario_reader *r, struct doc_at at, struct scenario_registry *out)
{
    struct doc_at member;
    out->token_ttl_ns = TTL_NS;
    if (doc_member(at, "auth", &member) && read_auth(r, member, out) != 0)
        return -1;
    if (!doc_member(at, "hosts", &member))
        return 0;
    if (scenario_keys(r, member, &scenario_level_hosts) != 0 ||
        read_host(r, member, "token", out, &out->token) != 0 ||
        read_host(r, member, "blobs", out, &out->blobs) != 0)
        return -1;
    if (out->token.own && out->auth != REGISTRY_AUTH_TOKEN)
        return doc_complain(r->err, member,
                            "a host for tokens, and this registry has none; write \"auth\": "
                            "\"token\" beside it");
    return 0;
}
