/* Parser and schema say the same of every key: each is read, described, and there in both. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "faults/catalogue.h"
#include "harness/check.h"
#include "harness/scenario_internal.h"
#include "harness/scenario_schema.h"
#include "harness/until.h"

/* A scenario that has an object of each level. */
static const char whole[] =
    "{\"version\": 1, \"title\": \"t\", \"baseline\": {\"none\": \"x\"},"
    " \"configuration\": {\"v\": {\"type\": \"env\", \"key\": \"V\", \"default\": \"x\"}},"
    " \"registries\": {\"primary\": {\"names\": [\"docker.io\"]},"
    "   \"failover\": {\"names\": [\"ghcr.io\"], \"auth\": {\"type\": \"token\"},"
    "   \"hosts\": {}, \"tls\": {}}},"
    " \"images\": {\"agent\": {\"ref\": \"ci/agent\", \"layers\": [{\"size\": \"1KiB\"}]},"
    "   \"agent-v2\": {\"ref\": \"ci/agent:v2\", \"on\": [\"primary\"]}},"
    " \"subjects\": {\"build-start\": {\"command\": [\"true\"], \"reach\": \"names\","
    "   \"machine\": {}, \"variants\": {\"retry-only\": {}}}},"
    " \"faults\": {\"agent-deleted\": {\"on\": \"primary\", \"kind\": \"status\", \"code\": 500,"
    "   \"match\": {\"header\": {\"name\": \"A\"}}, \"when\": {\"limit\": {\"count\": 1}}}},"
    " \"phases\": [{\"name\": \"steady\", \"starts\": 1,"
    "   \"do\": [{\"move-tag\": \"agent-v2\", \"as\": \"ci/agent\"}]},"
    "    {\"name\": \"outage\", \"until\":"
    "   {\"event\": \"request\", \"at-most\": \"1s\"}, \"faults\": [\"agent-deleted\"]}],"
    " \"expect\": [{\"check\": \"starts-succeed\"}],"
    " \"proof\": {\"must-fail\": [{\"variant\": \"retry-only\", \"because\": [\"control\"]}]}}";

/* Where in it each level stands. */
static const struct {
    const struct key_level *level;
    const char *path;
} places[] = {
    {&scenario_level_top, ""},
    {&scenario_level_variable, "configuration/v"},
    {&scenario_level_baseline, "baseline"},
    {&scenario_level_registry, "registries/failover"},
    {&scenario_level_tls, "registries/failover/tls"},
    {&scenario_level_auth, "registries/failover/auth"},
    {&scenario_level_hosts, "registries/failover/hosts"},
    {&scenario_level_image, "images/agent-v2"},
    {&scenario_level_layer, "images/agent/layers/0"},
    {&scenario_level_subject, "subjects/build-start"},
    {&scenario_level_machine, "subjects/build-start/machine"},
    {&scenario_level_variant, "subjects/build-start/variants/retry-only"},
    {&fault_level, "faults/agent-deleted"},
    {&fault_level_match, "faults/agent-deleted/match"},
    {&fault_level_header, "faults/agent-deleted/match/header"},
    {&fault_level_when, "faults/agent-deleted/when"},
    {&fault_level_count, "faults/agent-deleted/when/limit"},
    {&scenario_level_phase, "phases/1"},
    {&scenario_level_until, "phases/1/until"},
    {&scenario_level_action, "phases/0/do/0"},
    {&scenario_level_expect, "expect/0"},
    {&scenario_level_proof, "proof"},
    {&scenario_level_twin, "proof/must-fail/0"},
};

static json_t *parse_json(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    cr_assert_not_null(value, "%s", text);
    return value;
}

/* The object at PATH within ROOT: names and numbers with slashes between them. */
static json_t *object_at(json_t *root, const char *path)
{
    json_t *at = root;
    while (*path) {
        char part[64];
        size_t n = strcspn(path, "/");
        snprintf(part, sizeof part, "%.*s", (int)n, path);
        at = json_is_array(at) ? json_array_get(at, (size_t)(part[0] - '0'))
                               : json_object_get(at, part);
        cr_assert_not_null(at, "%s", path);
        path += path[n] ? n + 1 : n;
    }
    return at;
}

/* What the parser says of ROOT; "" where it takes it. */
static void complaint(const json_t *root, char text[1024])
{
    struct scenario_options options = {.frozen = true};
    struct err e = {0};
    char *file = json_dumps(root, 0);
    struct scenario *s = scenario_parse("s.json", file, strlen(file), &options, &e);
    snprintf(text, 1024, "%s", s ? "" : e.text);
    scenario_free(s);
    free(file);
}

/* Whether NAME is one of those of which LEVEL takes one. */
static bool is_one_of(const struct key_level *level, const char *name)
{
    for (size_t i = 0; name && level->one_of && level->one_of[i]; i++) {
        if (strcmp(level->one_of[i], name) == 0)
            return true;
    }
    return false;
}

/* Puts VALUE under KEY, with what must stand beside it and without what must not. */
static void put(json_t *object, const struct key_level *level, const struct key *key, json_t *value)
{
    bool chosen = is_one_of(level, key->name) || is_one_of(level, key->needs);
    for (size_t i = 0; chosen && level->one_of[i]; i++)
        json_object_del(object, level->one_of[i]);
    if (key->needs)
        json_object_set_new(object, key->needs, parse_json(key_find(level, key->needs)->example));
    json_object_set_new(object, key->name, value);
    for (size_t i = 0; i < level->key_count; i++) {
        const struct key *other = &level->keys[i];
        if (other != key && other->needs && !json_object_get(object, other->needs))
            json_object_del(object, other->name);
    }
}

/* No reader may pass a key by: each refuses null, by its own complaint and not as unknown. */
Test(scenario_schema, every_key_is_read)
{
    char text[1024];
    for (size_t p = 0; p < SCENARIO_COUNT(places); p++) {
        for (size_t i = 0; i < places[p].level->key_count; i++) {
            const struct key *key = &places[p].level->keys[i];
            json_t *root = parse_json(whole);
            put(object_at(root, places[p].path), places[p].level, key, json_null());
            complaint(root, text);
            cr_expect(text[0], "%s: \"%s\" is read by nobody", places[p].level->what, key->name);
            cr_expect_null(strstr(text, "unknown key"), "%s", text);
            cr_expect_null(strstr(text, "not in this version"), "%s", text);
            json_decref(root);
        }
    }
}

/* A key that no table has is refused in every object. */
Test(scenario_schema, no_other_key_is_taken)
{
    char text[1024];
    for (size_t p = 0; p < SCENARIO_COUNT(places); p++) {
        json_t *root = parse_json(whole);
        json_object_set_new(object_at(root, places[p].path), "zzzzzz", json_true());
        complaint(root, text);
        cr_expect(text[0], "%s takes any key", places[p].level->what);
        json_decref(root);
    }
}

/* `until` is narrowed by what its event has: the first event that takes KEY. */
static void choose_event(json_t *until, const char *key)
{
    static const char *const keys[] = {"registry", "subject", "fault", "outcome"};
    static const unsigned bits[] = {UNTIL_REGISTRY, UNTIL_SUBJECT, UNTIL_FAULT, UNTIL_OUTCOME};
    for (size_t i = 0; i < SCENARIO_COUNT(keys); i++) {
        for (size_t e = 0; strcmp(keys[i], key) == 0 && until_event_word(e); e++) {
            if (until_event_narrows(e) & bits[i])
                json_object_set_new(until, "event", json_string(until_event_word(e)));
        }
    }
}

/* What the reference shows as an example is right. Those that leave out what the rest of the file
 * names are tried level by level instead. */
Test(scenario_schema, every_example_is_right)
{
    char text[1024];
    for (size_t p = 0; p < SCENARIO_COUNT(places); p++) {
        for (size_t i = 0; i < places[p].level->key_count; i++) {
            const struct key *key = &places[p].level->keys[i];
            if (p == 0 && (strcmp(key->name, "subjects") == 0 || strcmp(key->name, "faults") == 0 ||
                           strcmp(key->name, "phases") == 0 || strcmp(key->name, "images") == 0 ||
                           strcmp(key->name, "registries") == 0))
                continue;
            json_t *root = parse_json(whole);
            json_t *object = object_at(root, places[p].path);
            put(object, places[p].level, key, parse_json(key->example));
            if (places[p].level == &scenario_level_until)
                choose_event(object, key->name);
            complaint(root, text);
            cr_expect_str_empty(text, "%s, \"%s\": %s", places[p].level->what, key->name, text);
            json_decref(root);
        }
    }
}

/* ---- the schema ---- */

static json_t *schema;

static void load(void)
{
    schema = scenario_schema();
    cr_assert_not_null(schema);
}

static void unload(void)
{
    json_decref(schema);
}

static json_t *properties_of(const json_t *object)
{
    return json_object_get(object, "properties");
}

static json_t *definition(const struct key_level *level)
{
    json_t *definitions = json_object_get(schema, "definitions");
    return level == &scenario_level_top ? schema : json_object_get(definitions, level->name);
}

/* The schema has the keys of every table and no others, each described and with its example. */
Test(scenario_schema, every_key_is_described, .init = load, .fini = unload)
{
    for (size_t p = 0; p < SCENARIO_COUNT(places); p++) {
        const struct key_level *level = places[p].level;
        const json_t *properties = properties_of(definition(level));
        cr_expect_eq(json_object_size(properties), level->key_count, "%s", level->what);
        for (size_t i = 0; i < level->key_count; i++) {
            const json_t *property = json_object_get(properties, level->keys[i].name);
            cr_expect_not_null(json_object_get(property, "description"), "%s \"%s\"", level->what,
                               level->keys[i].name);
            cr_expect_not_null(json_object_get(property, "examples"), "%s \"%s\"", level->what,
                               level->keys[i].name);
        }
    }
    cr_expect_eq(json_object_size(json_object_get(schema, "definitions")),
                 SCENARIO_COUNT(places) - 1, "a level of the schema is not in this test's list");
}

/* What the word WORD of KEY lets stand beside it. */
static const json_t *branch(const struct key_level *level, const char *key, const char *word)
{
    json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(definition(level), "allOf"), i, entry)
    {
        const json_t *tested = json_object_get(properties_of(json_object_get(entry, "if")), key);
        if (strcmp(json_string_value(json_object_get(tested, "const")), word) == 0)
            return json_object_get(entry, "then");
    }
    cr_assert_fail("no branch for %s", word);
    return NULL;
}

/* Registries of ROOT play names, and its subject looks them up. */
static void give_names(json_t *root)
{
    json_t *registry;
    const char *name;
    json_object_foreach(json_object_get(root, "registries"), name, registry)
    {
        char host[64];
        snprintf(host, sizeof host, "%s.example", name);
        json_object_set_new(registry, "names", json_pack("[s]", host));
    }
    json_object_set_new(object_at(root, "subjects/build-start"), "reach", json_string("names"));
}

/* Each parameter of each kind is read by the parser, and in the schema beside the common keys. */
Test(scenario_schema, every_kind_of_fault, .init = load, .fini = unload)
{
    char text[1024];
    for (size_t k = 0; k < FAULT_KINDS; k++) {
        const struct fault_kind_info *kind = &fault_catalogue[k];
        const json_t *then = branch(&fault_level, "kind", kind->name);
        size_t required = 0;
        const char *on = kind->place == PLACE_SUBJECT ? "build-start" : "primary";
        json_t *fault = json_pack("{s:s, s:s}", "on", on, "kind", kind->name);
        for (size_t i = 0; i < kind->param_count; i++) {
            const struct fault_param_info *param = &kind->params[i];
            cr_expect_not_null(json_object_get(properties_of(then), param->name), "%s",
                               param->name);
            json_object_set_new(fault, param->name, parse_json(param->example));
            required += param->required;
        }
        cr_expect_eq(json_object_size(properties_of(then)),
                     fault_level.key_count + kind->param_count, "%s", kind->name);
        cr_expect_eq(json_array_size(json_object_get(then, "required")), required, "%s",
                     kind->name);
        json_t *root = parse_json(whole);
        if (kind->place != PLACE_HOST)
            give_names(root);
        if (kind->stage == STAGE_TLS)
            json_object_set_new(object_at(root, "registries/primary"), "tls", json_true());
        json_object_set(json_object_get(root, "faults"), "agent-deleted", fault);
        complaint(root, text);
        cr_expect_str_empty(text, "the examples of %s: %s", kind->name, text);
        for (size_t i = 0; i < kind->param_count; i++) {
            json_object_set_new(fault, kind->params[i].name, json_null());
            complaint(root, text);
            cr_expect_not_null(strstr(text, kind->params[i].name), "%s", text);
            json_object_set_new(fault, kind->params[i].name, parse_json(kind->params[i].example));
        }
        json_decref(fault);
        json_decref(root);
    }
}

/* Each parameter of each check that may be asked for is read, and in the schema with its scope. */
Test(scenario_schema, every_check, .init = load, .fini = unload)
{
    char text[1024];
    size_t asked = 0;
    for (size_t c = 0; c < check_catalogue_count; c++) {
        const struct check_info *info = check_catalogue[c];
        if (info->always)
            continue;
        const json_t *then = branch(&scenario_level_expect, "check", info->name);
        size_t count = 2 + info->param_count;
        for (unsigned scope = SCOPE_SUBJECT; scope <= SCOPE_DURING; scope <<= 1)
            count += (info->scope & scope) != 0;
        cr_expect_eq(json_object_size(properties_of(then)), count, "%s", info->name);
        for (size_t i = 0; i < info->param_count; i++) {
            json_t *root = parse_json(whole);
            json_t *entry = object_at(root, "expect/0");
            json_object_set_new(entry, "check", json_string(info->name));
            json_object_set_new(entry, info->params[i].name, json_null());
            complaint(root, text);
            cr_expect(text[0] && !strstr(text, "takes no"), "%s: %s", info->params[i].name, text);
            cr_expect_not_null(json_object_get(properties_of(then), info->params[i].name), "%s %s",
                               info->name, info->params[i].name);
            json_decref(root);
        }
        asked++;
    }
    cr_expect_eq(json_array_size(json_object_get(definition(&scenario_level_expect), "allOf")),
                 asked);
}

/* The reference tells every level that the schema has. */
Test(scenario_schema, every_level_is_in_the_reference)
{
    json_t *reference = scenario_reference();
    cr_assert_eq(json_array_size(reference), SCENARIO_COUNT(places));
    for (size_t p = 0; p < SCENARIO_COUNT(places); p++) {
        const json_t *level = json_array_get(reference, p);
        cr_expect_str_eq(json_string_value(json_object_get(level, "level")), places[p].level->name);
        cr_expect_eq(json_array_size(json_object_get(level, "keys")), places[p].level->key_count);
    }
    json_decref(reference);
}
