/* The schema says what the parser does: every key of every table, no more and no fewer. */
#include <criterion/criterion.h>
#include <string.h>

#include "faults/catalogue.h"
#include "harness/check.h"
#include "harness/scenario_internal.h"

static json_t *schema;

static void load(void)
{
    json_error_t e;
    schema = json_load_file("scenarios/scenario.schema.json", JSON_REJECT_DUPLICATES, &e);
    cr_assert_not_null(schema, "line %d: %s", e.line, e.text);
}

static void unload(void)
{
    json_decref(schema);
}

TestSuite(scenario_schema, .init = load, .fini = unload);

static json_t *definition(const char *name)
{
    json_t *d = json_object_get(json_object_get(schema, "definitions"), name);
    cr_assert_not_null(d, "no definition %s", name);
    return d;
}

/* KEYS of the parser are the members of PROPERTIES. */
static void same_keys(const json_t *properties, const struct scenario_level *level)
{
    cr_assert_not_null(properties, "%s", level->what);
    for (size_t i = 0; i < level->key_count; i++)
        cr_expect_not_null(json_object_get(properties, level->keys[i]), "%s lacks \"%s\"",
                           level->what, level->keys[i]);
    cr_expect_eq(json_object_size(properties), level->key_count, "%s has other keys too",
                 level->what);
}

static json_t *properties_of(const json_t *object)
{
    return json_object_get(object, "properties");
}

/* Every object the scenario's own files read. */
Test(scenario_schema, keys)
{
    json_t *top = properties_of(schema);
    json_t *either = json_object_get(definition("variable"), "anyOf");
    json_t *layer = json_object_get(definition("layer"), "anyOf");
    same_keys(top, &scenario_level_top);
    same_keys(properties_of(json_array_get(either, 1)), &scenario_level_variable);
    same_keys(properties_of(json_object_get(top, "baseline")), &scenario_level_baseline);
    same_keys(properties_of(definition("registry")), &scenario_level_registry);
    same_keys(properties_of(definition("image")), &scenario_level_image);
    same_keys(properties_of(json_array_get(layer, 1)), &scenario_level_layer);
    same_keys(properties_of(definition("subject")), &scenario_level_subject);
    same_keys(properties_of(definition("variant")), &scenario_level_variant);
    same_keys(properties_of(definition("phase")), &scenario_level_phase);
    same_keys(properties_of(json_object_get(top, "proof")), &scenario_level_proof);
    same_keys(properties_of(definition("twin")), &scenario_level_twin);
}

/* What `allOf` of a definition says where KEY is WORD: its `then`. */
static json_t *branch(const char *name, const char *key, const char *word)
{
    json_t *all = json_object_get(definition(name), "allOf"), *entry;
    size_t i;
    json_array_foreach(all, i, entry)
    {
        json_t *tested = json_object_get(properties_of(json_object_get(entry, "if")), key);
        const char *value = json_string_value(json_object_get(tested, "const"));
        if (value && strcmp(value, word) == 0)
            return json_object_get(entry, "then");
    }
    cr_assert_fail("no branch for %s", word);
    return NULL;
}

static bool holds(const json_t *array, const char *word)
{
    size_t i;
    json_t *value;
    json_array_foreach(array, i, value)
    {
        if (strcmp(json_string_value(value), word) == 0)
            return true;
    }
    return false;
}

/* The keys that a branch allows, `x-…` aside. */
static json_t *allowed(const json_t *then)
{
    json_t *any = json_object_get(json_object_get(then, "propertyNames"), "anyOf");
    return json_object_get(json_array_get(any, 1), "enum");
}

static void same_choices(const json_t *property, const char *const *choices, const char *what)
{
    json_t *words = json_object_get(property, "enum");
    size_t n = 0;
    for (; choices && choices[n]; n++)
        cr_expect(holds(words, choices[n]), "%s lacks %s", what, choices[n]);
    cr_expect_eq(json_array_size(words), n, "%s has other words", what);
}

/* Every kind of fault with its parameters, those it needs, and their words. */
Test(scenario_schema, faults)
{
    json_t *properties = properties_of(definition("fault"));
    cr_expect_eq(json_array_size(json_object_get(json_object_get(properties, "kind"), "enum")),
                 FAULT_KINDS);
    for (size_t k = 0; k < FAULT_KINDS; k++) {
        const struct fault_kind_info *kind = &fault_catalogue[k];
        json_t *then = branch("fault", "kind", kind->name);
        json_t *keys = allowed(then), *required = json_object_get(then, "required");
        size_t needed = 0;
        for (size_t i = 0; i < FAULT_KEYS; i++)
            cr_expect(holds(keys, fault_keys[i].name), "%s", fault_keys[i].name);
        for (size_t i = 0; i < kind->param_count; i++) {
            const struct fault_param_info *param = &kind->params[i];
            json_t *property = json_object_get(properties, param->name);
            cr_expect(holds(keys, param->name), "%s %s", kind->name, param->name);
            cr_expect_eq(holds(required, param->name), param->required, "%s", param->name);
            cr_expect_not_null(property, "%s", param->name);
            if (param->choices)
                same_choices(property, param->choices, param->name);
            needed += param->required;
        }
        cr_expect_eq(json_array_size(keys), FAULT_KEYS + kind->param_count, "%s", kind->name);
        cr_expect_eq(json_array_size(required), needed, "%s", kind->name);
    }
}

static void same_words(const char *name, const struct fault_word *words, size_t count)
{
    json_t *properties = properties_of(definition(name));
    for (size_t i = 0; i < count; i++)
        cr_expect_not_null(json_object_get(properties, words[i].name), "%s", words[i].name);
    cr_expect_eq(json_object_size(properties), count, "%s", name);
}

/* The keys of `match` and `when`. */
Test(scenario_schema, match_and_when)
{
    same_words("match", fault_match_keys, FAULT_MATCH_KEYS);
    same_words("when", fault_when_keys, FAULT_WHEN_KEYS);
}

/* One check: its parameters and the keys that narrow it. */
static void same_check(const struct check_info *info)
{
    static const struct {
        const char *name;
        unsigned scope;
    } scopes[] = {{"subject", SCOPE_SUBJECT}, {"image", SCOPE_IMAGE}, {"during", SCOPE_DURING}};
    json_t *then = branch("expectation", "check", info->name);
    json_t *keys = allowed(then), *required = json_object_get(then, "required");
    size_t count = 2, needed = 0;
    for (size_t i = 0; i < info->param_count; i++) {
        const struct check_param *param = &info->params[i];
        json_t *property = json_object_get(properties_of(then), param->name);
        cr_expect(holds(keys, param->name), "%s %s", info->name, param->name);
        cr_expect_eq(holds(required, param->name), param->required, "%s", param->name);
        cr_expect_not_null(property, "%s %s", info->name, param->name);
        if (param->choices)
            same_choices(property, param->choices, param->name);
        count++;
        needed += param->required;
    }
    for (size_t i = 0; i < SCENARIO_COUNT(scopes); i++) {
        bool taken = (info->scope & scopes[i].scope) != 0;
        cr_expect_eq(holds(keys, scopes[i].name), taken, "%s %s", info->name, scopes[i].name);
        count += taken;
    }
    cr_expect_eq(json_array_size(keys), count, "%s has other keys", info->name);
    cr_expect_eq(json_array_size(required), needed, "%s", info->name);
}

/* Every check that may be asked for, and none that is on anyway. */
Test(scenario_schema, checks)
{
    json_t *check = json_object_get(properties_of(definition("expectation")), "check");
    json_t *words = json_object_get(check, "enum");
    size_t asked = 0;
    for (size_t i = 0; i < check_catalogue_count; i++) {
        const struct check_info *info = check_catalogue[i];
        cr_expect_eq(holds(words, info->name), !info->always, "%s", info->name);
        if (info->always)
            continue;
        same_check(info);
        asked++;
    }
    cr_expect_eq(json_array_size(words), asked);
}
