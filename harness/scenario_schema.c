/* The schema level by level, and the same tables as a reference. */
#include "harness/scenario_schema.h"

#include "harness/base/buf.h"
#include "harness/scenario_internal.h"
#include "harness/scenario_schema_internal.h"

#define MAX_FORM 4096

/* ---- one level ---- */

static void set_required(struct schema_maker *m, json_t *object, const struct key_level *level)
{
    json_t *required = json_array();
    for (size_t i = 0; i < level->key_count && !level->partial; i++) {
        if (level->keys[i].required)
            schema_append(m, required, json_string(level->keys[i].name));
    }
    if (json_array_size(required) > 0)
        schema_set(m, object, "required", json_incref(required));
    json_decref(required);
}

/* [{"required": [A]}, {"required": [B]}, …]. */
static json_t *each_required(struct schema_maker *m, const char *const *keys)
{
    json_t *all = json_array();
    for (size_t i = 0; keys[i]; i++) {
        json_t *names = json_array();
        schema_append(m, names, json_string(keys[i]));
        schema_append(m, all, schema_with(m, "required", names));
    }
    return all;
}

/* Which keys need or exclude each other. */
static void set_together(struct schema_maker *m, json_t *object, const struct key_level *level)
{
    json_t *dependencies = json_object();
    for (size_t i = 0; i < level->key_count; i++) {
        const struct key *key = &level->keys[i];
        json_t *names = json_array();
        if (key->needs && !level->partial)
            schema_append(m, names, json_string(key->needs));
        if (json_array_size(names) > 0)
            schema_set(m, dependencies, key->name, json_incref(names));
        json_decref(names);
        if (key->excludes) {
            const char *const one[] = {key->excludes, NULL};
            json_t *lone = each_required(m, one);
            schema_set(m, dependencies, key->name,
                       schema_with(m, "not", json_incref(json_array_get(lone, 0))));
            json_decref(lone);
        }
    }
    if (json_object_size(dependencies) > 0)
        schema_set(m, object, "dependencies", json_incref(dependencies));
    json_decref(dependencies);
    if (level->one_of)
        schema_set(m, object, "oneOf", each_required(m, level->one_of));
    if (level->any_of)
        schema_set(m, object, "anyOf", each_required(m, level->any_of));
}

static void fill_level(struct schema_maker *m, json_t *object, const struct key_level *level)
{
    json_t *properties = json_object();
    schema_set(m, object, "title", json_string(level->what));
    schema_set(m, object, "description", schema_sentence(m, level->meaning));
    schema_set(m, object, "type", json_string("object"));
    set_required(m, object, level);
    for (size_t i = 0; i < level->key_count; i++)
        schema_set(m, properties, level->keys[i].name, schema_key(m, &level->keys[i]));
    schema_set(m, object, "properties", properties);
    /* What these take beside their keys depends on a word in them. */
    if (level == &fault_level) {
        schema_fault_kinds(m, object);
    } else if (level == &scenario_level_expect) {
        schema_checks(m, object);
    } else {
        schema_set(m, object, "patternProperties", schema_with(m, "^x-", json_object()));
        schema_set(m, object, "additionalProperties", json_false());
    }
    if (level == &scenario_level_until)
        schema_until_events(m, object);
    set_together(m, object, level);
}

json_t *schema_level(struct schema_maker *m, const struct key_level *level)
{
    struct buf ref;
    if (!json_object_get(m->definitions, level->name)) {
        /* In place before it is filled, so that the order is that of the file. */
        json_t *object = json_object();
        schema_set(m, m->definitions, level->name, object);
        if (!m->failed)
            fill_level(m, object, level);
    }
    buf_init(&ref, MAX_FORM);
    buf_printf(&ref, "#/definitions/%s", level->name);
    json_t *object = schema_with(m, "$ref", json_string(ref.data ? ref.data : ""));
    m->failed = m->failed || ref.failed;
    buf_close(&ref);
    return object;
}

json_t *scenario_schema(void)
{
    struct schema_maker m = {.definitions = json_object()};
    json_t *schema = json_object();
    schema_set(&m, schema, "$schema", json_string("http://json-schema.org/draft-07/schema#"));
    fill_level(&m, schema, &scenario_level_top);
    schema_set(&m, schema, "definitions", m.definitions);
    if (!m.failed)
        return schema;
    json_decref(schema);
    return NULL;
}

/* ---- the reference ---- */

static json_t *reference_key(struct schema_maker *m, const struct key_level *level,
                             const struct key *key)
{
    struct buf form;
    json_t *object = json_object();
    buf_init(&form, MAX_FORM);
    key_form_text(&key->value, &form);
    m->failed = m->failed || form.failed || !form.data;
    schema_set(m, object, "key", json_string(key->name));
    schema_set(m, object, "form", json_string(form.data ? form.data : ""));
    schema_set(m, object, "required", json_boolean(key->required && !level->partial));
    schema_set(m, object, "default", key->fallback ? json_string(key->fallback) : json_null());
    schema_set(m, object, "meaning", json_string(key->meaning));
    schema_set(m, object, "example", json_string(key->example));
    buf_close(&form);
    return object;
}

static json_t *reference_level(struct schema_maker *m, const struct key_level *level)
{
    json_t *object = json_object(), *later = json_array(), *keys = json_array();
    for (size_t i = 0; i < level->later_count; i++)
        schema_append(m, later, json_string(level->later[i]));
    for (size_t i = 0; i < level->key_count; i++)
        schema_append(m, keys, reference_key(m, level, &level->keys[i]));
    schema_set(m, object, "level", json_string(level->name));
    schema_set(m, object, "meaning", json_string(level->meaning));
    schema_set(m, object, "later", later);
    schema_set(m, object, "keys", keys);
    return object;
}

json_t *scenario_reference(void)
{
    /* Every level of the file, fault levels among them. */
    static const struct key_level *const levels[] = {
        &scenario_level_top,
        &scenario_level_variable,
        &scenario_level_baseline,
        &scenario_level_registry,
        &scenario_level_tls,
        &scenario_level_auth,
        &scenario_level_hosts,
        &scenario_level_image,
        &scenario_level_layer,
        &scenario_level_subject,
        &scenario_level_machine,
        &scenario_level_variant,
        &fault_level,
        &fault_level_match,
        &fault_level_header,
        &fault_level_when,
        &fault_level_count,
        &scenario_level_phase,
        &scenario_level_until,
        &scenario_level_action,
        &scenario_level_expect,
        &scenario_level_proof,
        &scenario_level_twin,
    };
    struct schema_maker m = {0};
    json_t *array = json_array();
    for (size_t i = 0; i < SCENARIO_COUNT(levels); i++)
        schema_append(&m, array, reference_level(&m, levels[i]));
    if (!m.failed)
        return array;
    json_decref(array);
    return NULL;
}
