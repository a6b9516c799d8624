/* What a word decides in the schema: the parameters of each kind of fault and of each check, and
 * what each event of `until` can be narrowed by. */
#include <stdio.h>

#include "faults/catalogue.h"
#include "harness/check.h"
#include "harness/history/op.h"
#include "harness/scenario_internal.h"
#include "harness/scenario_schema_internal.h"
#include "harness/until.h"

#define OP_GLOB "[*?\\[]"
#define ALL_OPS OP_REQUESTS

/* {"if": {KEY is WORD}, "then": THEN}. */
static json_t *branch(struct schema_maker *m, const char *key, const char *word, json_t *then)
{
    json_t *object = json_object(), *test = json_object(), *required = json_array();
    schema_set(m, test, "properties",
               schema_with(m, key, schema_with(m, "const", json_string(word))));
    schema_append(m, required, json_string(key));
    schema_set(m, test, "required", required);
    schema_set(m, object, "if", test);
    schema_set(m, object, "then", then);
    return object;
}

/* What follows from a word: PROPERTIES and no others, of which REQUIRED must be there. */
static json_t *consequence(struct schema_maker *m, const char *meaning, json_t *properties,
                           json_t *required)
{
    json_t *then = json_object();
    schema_set(m, then, "description", schema_sentence(m, meaning));
    if (json_array_size(required) > 0)
        schema_set(m, then, "required", json_incref(required));
    json_decref(required);
    schema_set(m, then, "properties", properties);
    schema_set(m, then, "patternProperties", schema_with(m, "^x-", json_object()));
    schema_set(m, then, "additionalProperties", json_false());
    return then;
}

/* ---- faults ---- */

/* A fault's parameter as the row of a table. FORMS and QUOTED are the caller's, for as long as the
 * row is used. */
static struct key param_key(const struct fault_param_info *info, struct key_value forms[2],
                            char quoted[64])
{
    static const char name[] = "^[a-z0-9][a-z0-9-]{0,63}$";
    static const char token[] = "^[-!#$%&'*+.^_`|~0-9A-Za-z]+$";
    static const struct key_value header = {.form = KEY_TEXT, .min = 1};
    uint64_t max = info->max >= (uint64_t)INT64_MAX ? 0 : info->max;
    struct key key = {.name = info->name,
                      .required = info->required,
                      .fallback = info->fallback,
                      .meaning = info->meaning,
                      .example = info->example};
    forms[0] = (struct key_value){.form = KEY_COUNT, .min = info->min, .max = max};
    forms[1] = (struct key_value){.form = KEY_SIZE, .min = info->min, .expanded = true};
    key.value = (struct key_value){.form = KEY_ONE_OF, .of = forms, .of_count = 2};
    switch (info->type) {
    case TYPE_IMAGE:
        key.value =
            (struct key_value){.form = KEY_TEXT, .pattern = name, .shown = "name of an image"};
        break;
    case TYPE_CHOICE:
        key.value =
            (struct key_value){.form = KEY_CHOICE, .words = info->choices, .expanded = true};
        break;
    case TYPE_INTEGER:
        key.value = forms[0];
        break;
    case TYPE_DURATION:
        key.value = (struct key_value){.form = KEY_DURATION, .min = info->min, .expanded = true};
        break;
    case TYPE_SIZE:
        break;
    case TYPE_TEXT:
        forms[1] = (struct key_value){.form = KEY_TEXT, .min = 1};
        break;
    case TYPE_HEADERS:
        key.value = (struct key_value){.form = KEY_MAP,
                                       .of = &header,
                                       .pattern = token,
                                       .every_name = true,
                                       .shown = "object of texts"};
        break;
    }
    /* The catalogue's defaults are words for the reference: here those of strings have quotes. */
    if (info->fallback && (info->type == TYPE_CHOICE || info->type == TYPE_DURATION)) {
        snprintf(quoted, 64, "\"%s\"", info->fallback);
        key.fallback = quoted;
    }
    return key;
}

/* An operation of OPS, or a glob over them. */
static json_t *op_word(struct schema_maker *m, uint32_t ops)
{
    static const struct key_value glob = {.form = KEY_TEXT, .pattern = OP_GLOB};
    json_t *words = json_array(), *either = json_array();
    for (unsigned i = 0; i < OP_COUNT; i++) {
        if (ops & OP_BIT(i))
            schema_append(m, words, json_string(op_name((enum op)i)));
    }
    schema_append(m, either, schema_with(m, "enum", words));
    schema_append(m, either, schema_value(m, &glob));
    return either;
}

/* `op` of a kind that cannot act on all operations. */
static json_t *kind_ops(struct schema_maker *m, uint32_t ops)
{
    json_t *either = op_word(m, ops);
    schema_append(m, either, schema_with(m, "items", schema_with(m, "anyOf", op_word(m, ops))));
    json_t *list = json_array_get(either, 2);
    schema_set(m, list, "type", json_string("array"));
    return schema_with(m, "properties", schema_with(m, "op", schema_with(m, "anyOf", either)));
}

/* The keys of LEVEL whose bit is in ALLOWED, and x-…. */
static json_t *some_keys(struct schema_maker *m, const struct key_level *level, unsigned allowed)
{
    json_t *names = json_array(), *either = json_array();
    for (size_t i = 0; i < level->key_count; i++) {
        if (allowed & fault_key_bit(level, &level->keys[i]))
            schema_append(m, names, json_string(level->keys[i].name));
    }
    schema_append(m, either, schema_with(m, "enum", names));
    schema_append(m, either, schema_with(m, "pattern", json_string("^x-")));
    return schema_with(m, "propertyNames", schema_with(m, "anyOf", either));
}

static unsigned all_bits(const struct key_level *level)
{
    return (1u << level->key_count) - 1;
}

/* What the kind says of the keys that every fault has. */
static void narrow_common(struct schema_maker *m, json_t *properties,
                          const struct fault_kind_info *kind)
{
    if (kind->match_keys != all_bits(&fault_level_match))
        schema_set(m, properties, "match", some_keys(m, &fault_level_match, kind->match_keys));
    else if (kind->ops != ALL_OPS)
        schema_set(m, properties, "match", kind_ops(m, kind->ops));
    if (kind->when_keys != all_bits(&fault_level_when))
        schema_set(m, properties, "when", some_keys(m, &fault_level_when, kind->when_keys));
    if (kind->evidence == EVIDENCE_ARMED)
        schema_set(m, properties, "min-fired", schema_with(m, "maximum", json_integer(0)));
    const char *existing = key_word(&key_find(&fault_level, "existing")->value, kind->existing);
    schema_set(m, properties, "existing", schema_with(m, "default", json_string(existing)));
}

static json_t *kind_branch(struct schema_maker *m, const struct fault_kind_info *kind)
{
    json_t *properties = json_object(), *required = json_array();
    for (size_t i = 0; i < fault_level.key_count; i++)
        schema_set(m, properties, fault_level.keys[i].name, json_true());
    narrow_common(m, properties, kind);
    for (size_t i = 0; i < kind->param_count; i++) {
        struct key_value forms[2];
        char quoted[64];
        const struct key key = param_key(&kind->params[i], forms, quoted);
        schema_set(m, properties, key.name, schema_key(m, &key));
        if (key.required)
            schema_append(m, required, json_string(key.name));
    }
    return branch(m, "kind", kind->name, consequence(m, kind->meaning, properties, required));
}

void schema_fault_kinds(struct schema_maker *m, json_t *fault)
{
    json_t *all = json_array();
    for (size_t i = 0; i < FAULT_KINDS; i++)
        schema_append(m, all, kind_branch(m, &fault_catalogue[i]));
    schema_set(m, fault, "allOf", all);
}

/* ---- checks ---- */

static const char *any_op(size_t i)
{
    return i < OP_REQUEST_COUNT ? op_name((enum op)i) : NULL;
}

static const struct key_value share_forms[] = {{.form = KEY_SHARE}, {.form = KEY_COUNT}};
static const struct key_value op_forms[] = {
    {.form = KEY_CHOICE, .word_at = any_op, .shown = "an operation"},
    {.form = KEY_STRING, .pattern = OP_GLOB, .shown = "a glob over them"}};

static const struct key_value glob_value = {.form = KEY_TEXT, .min = 1};
static const struct key_value glob_forms[] = {
    {.form = KEY_TEXT, .min = 1, .shown = "a glob"},
    {.form = KEY_LIST, .min = 1, .max = 64, .of = &glob_value, .shown = "an array of globs"}};

static struct key check_key(const struct check_param *param, char example[64])
{
    struct key key = {.name = param->name,
                      .required = param->required,
                      .meaning = param->meaning,
                      .example = example};
    switch (param->type) {
    case CHECK_REGISTRY:
        key.value = (struct key_value){.form = KEY_NAME, .shown = "name of a registry"};
        snprintf(example, 64, "\"primary\"");
        break;
    case CHECK_COUNT:
        key.value = (struct key_value){.form = KEY_COUNT};
        snprintf(example, 64, "3");
        break;
    case CHECK_SHARE:
        key.value = (struct key_value){.form = KEY_ONE_OF, .of = share_forms, .of_count = 2};
        snprintf(example, 64, "\"100%%\"");
        break;
    case CHECK_DURATION:
        key.value = (struct key_value){.form = KEY_DURATION};
        snprintf(example, 64, "\"2s\"");
        break;
    case CHECK_CHOICE:
        key.value = (struct key_value){.form = KEY_CHOICE, .words = param->choices};
        snprintf(example, 64, "\"%s\"", param->choices[0]);
        break;
    case CHECK_OP:
        key.value = (struct key_value){.form = KEY_ONE_OF, .of = op_forms, .of_count = 2};
        snprintf(example, 64, "\"manifest-get\"");
        break;
    case CHECK_GLOBS:
        key.value = (struct key_value){.form = KEY_ONE_OF, .of = glob_forms, .of_count = 2};
        snprintf(example, 64, "\"*.example.com\"");
        break;
    }
    return key;
}

static json_t *check_branch(struct schema_maker *m, const struct check_info *info)
{
    static const struct {
        const char *key;
        unsigned scope;
    } scopes[] = {{"subject", SCOPE_SUBJECT}, {"image", SCOPE_IMAGE}, {"during", SCOPE_DURING}};
    json_t *properties = json_object(), *required = json_array();
    schema_set(m, properties, "check", json_true());
    schema_set(m, properties, "name", json_true());
    for (size_t i = 0; i < SCENARIO_COUNT(scopes); i++) {
        if (info->scope & scopes[i].scope)
            schema_set(m, properties, scopes[i].key, json_true());
    }
    for (size_t i = 0; i < info->param_count; i++) {
        char example[64];
        const struct key key = check_key(&info->params[i], example);
        schema_set(m, properties, key.name, schema_key(m, &key));
        if (key.required)
            schema_append(m, required, json_string(key.name));
    }
    return branch(m, "check", info->name, consequence(m, info->meaning, properties, required));
}

void schema_checks(struct schema_maker *m, json_t *expectation)
{
    json_t *all = json_array();
    for (size_t i = 0; i < check_catalogue_count; i++) {
        if (!check_catalogue[i]->always)
            schema_append(m, all, check_branch(m, check_catalogue[i]));
    }
    schema_set(m, expectation, "allOf", all);
}

/* ---- until ---- */

void schema_until_events(struct schema_maker *m, json_t *until)
{
    json_t *all = json_array();
    for (size_t e = 0; until_event_word(e); e++) {
        json_t *properties = json_object();
        for (size_t i = 0; until_narrowings[i].key; i++) {
            if (!(until_event_narrows(e) & until_narrowings[i].bit))
                schema_set(m, properties, until_narrowings[i].key, json_false());
        }
        schema_append(
            m, all,
            branch(m, "event", until_event_word(e), schema_with(m, "properties", properties)));
    }
    schema_set(m, until, "allOf", all);
}
