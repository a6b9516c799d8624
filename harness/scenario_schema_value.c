/* Forms of values as JSON Schema. */
#include <ctype.h>

#include "harness/base/buf.h"
#include "harness/base/units.h"
#include "harness/scenario_schema_internal.h"

#define MAX_TEXT (8u << 10)
#define NAME "[a-z0-9][a-z0-9-]{0,63}"
/* A string with a variable in it may come to anything. */
#define VARIABLE "\\$\\{"

void schema_set(struct schema_maker *m, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        m->failed = true;
}

void schema_append(struct schema_maker *m, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        m->failed = true;
}

json_t *schema_with(struct schema_maker *m, const char *key, json_t *value)
{
    json_t *object = json_object();
    schema_set(m, object, key, value);
    return object;
}

/* What TEXT holds as a string; closes TEXT. */
static json_t *take(struct schema_maker *m, struct buf *text)
{
    json_t *string = text->failed || !text->data ? NULL : json_stringn(text->data, text->len);
    m->failed = m->failed || !string;
    buf_close(text);
    return string;
}

/* ---- strings ---- */

static json_t *of_type(struct schema_maker *m, const char *type)
{
    return schema_with(m, "type", json_string(type));
}

/* A string that fits PATTERN, or (EXPANDED) has a variable in it. */
static json_t *fitting(struct schema_maker *m, const char *pattern, bool expanded)
{
    json_t *object = of_type(m, "string");
    struct buf text;
    buf_init(&text, MAX_TEXT);
    buf_printf(&text, "%s%s", pattern, expanded ? "|" VARIABLE : "");
    schema_set(m, object, "pattern", take(m, &text));
    return object;
}

/* What VS Code says in place of the pattern; others ignore it. */
static json_t *explained(struct schema_maker *m, json_t *object, const char *message)
{
    schema_set(m, object, "patternErrorMessage", json_string(message));
    return object;
}

/* A number and one of the units, zero only where the form allows it. */
static json_t *with_unit(struct schema_maker *m, const char *(*unit)(size_t i),
                         const struct key_value *value)
{
    struct buf text;
    const char *name;
    buf_init(&text, MAX_TEXT);
    buf_printf(&text, "^%s[0-9]+(\\.[0-9]{1,6})?(", value->min > 0 ? "(?!0+(\\.0+)?[a-zA-Z])" : "");
    for (size_t i = 0; (name = unit(i)); i++)
        buf_printf(&text, "%s%s", i == 0 ? "" : "|", name);
    buf_printf(&text, ")$");
    json_t *object = fitting(m, text.data ? text.data : "", value->expanded);
    m->failed = m->failed || text.failed;
    buf_close(&text);
    return explained(m, object,
                     value->form == KEY_SIZE
                         ? "Write a number and a unit, such as \"64KiB\" or \"1MiB\"."
                         : "Write a number and a unit, such as \"250ms\", \"20s\" or \"15m\".");
}

static json_t *text_schema(struct schema_maker *m, const struct key_value *value)
{
    if (value->pattern)
        return fitting(m, value->pattern, value->form == KEY_TEXT);
    json_t *object = of_type(m, "string");
    if (value->min > 0)
        schema_set(m, object, "minLength", json_integer((json_int_t)value->min));
    return object;
}

/* ---- numbers and words ---- */

static json_t *number_schema(struct schema_maker *m, const struct key_value *value)
{
    if (value->form == KEY_COUNT && value->min == value->max && value->max > 0)
        return schema_with(m, "const", json_integer((json_int_t)value->min));
    json_t *object = of_type(m, value->form == KEY_COUNT ? "integer" : "number");
    if (value->form == KEY_COUNT || value->max > 0)
        schema_set(m, object, "minimum", json_integer((json_int_t)value->min));
    if (value->max > 0)
        schema_set(m, object, "maximum", json_integer((json_int_t)value->max));
    return object;
}

static json_t *choice_schema(struct schema_maker *m, const struct key_value *value)
{
    json_t *words = json_array();
    const char *word;
    for (size_t i = 0; (word = key_word(value, i)); i++)
        schema_append(m, words, json_string(word));
    json_t *choice = schema_with(m, "enum", words);
    if (!value->expanded)
        return choice;
    json_t *either = json_array();
    schema_append(m, either, choice);
    schema_append(m, either, fitting(m, VARIABLE, false));
    return schema_with(m, "anyOf", either);
}

/* ---- what holds others ---- */

static void set_bounds(struct schema_maker *m, json_t *object, const struct key_value *value,
                       const char *min, const char *max)
{
    if (value->min > 0)
        schema_set(m, object, min, json_integer((json_int_t)value->min));
    if (value->max > 0)
        schema_set(m, object, max, json_integer((json_int_t)value->max));
}

static json_t *list_schema(struct schema_maker *m, const struct key_value *value)
{
    static const struct key_value word = {.form = KEY_TEXT};
    json_t *object = of_type(m, "array");
    set_bounds(m, object, value, "minItems", "maxItems");
    schema_set(m, object, "items", schema_value(m, value->form == KEY_WORDS ? &word : value->of));
    if (value->distinct)
        schema_set(m, object, "uniqueItems", json_true());
    return object;
}

static json_t *map_schema(struct schema_maker *m, const struct key_value *value)
{
    json_t *object = of_type(m, "object"), *patterns = json_object();
    set_bounds(m, object, value, "minProperties", "maxProperties");
    if (!value->every_name)
        schema_set(m, patterns, "^x-", json_object());
    schema_set(m, patterns, value->pattern ? value->pattern : "^(?!x-)" NAME "$",
               schema_value(m, value->of));
    schema_set(m, object, "patternProperties", patterns);
    schema_set(m, object, "additionalProperties", json_false());
    return object;
}

static json_t *either_schema(struct schema_maker *m, const struct key_value *value)
{
    json_t *array = json_array();
    for (size_t i = 0; i < value->of_count; i++)
        schema_append(m, array, schema_value(m, &value->of[i]));
    return schema_with(m, "anyOf", array);
}

json_t *schema_value(struct schema_maker *m, const struct key_value *value)
{
    switch (value->form) {
    case KEY_STRING:
    case KEY_TEXT:
        return text_schema(m, value);
    case KEY_NAME:
        return explained(m, fitting(m, value->pattern ? value->pattern : "^" NAME "$", false),
                         "Write a name: a-z, 0-9 and - (not first), at most 64 of them.");
    case KEY_DURATION:
        return with_unit(m, units_duration_unit, value);
    case KEY_SIZE:
        return with_unit(m, units_size_unit, value);
    case KEY_SHARE:
        return explained(
            m, fitting(m, "^0*(100(\\.0{1,6})?|[0-9]{1,2}(\\.[0-9]{1,6})?)%$", value->expanded),
            "Write a share, such as \"80%\".");
    case KEY_COUNT:
    case KEY_NUMBER:
        return number_schema(m, value);
    case KEY_CHOICE:
        return choice_schema(m, value);
    case KEY_FLAG:
        return of_type(m, "boolean");
    case KEY_FREE:
        return of_type(m, "object");
    case KEY_WORDS:
    case KEY_LIST:
        return list_schema(m, value);
    case KEY_MAP:
        return map_schema(m, value);
    case KEY_LEVEL:
        return schema_level(m, value->level);
    case KEY_ONE_OF:
        return either_schema(m, value);
    }
    m->failed = true;
    return NULL;
}

/* ---- keys ---- */

/* TEXT without Markdown's marks for words, its first letter a capital one, and a full stop. */
static void sentence(struct buf *out, const char *text)
{
    for (size_t i = 0; text[i]; i++) {
        if (text[i] != '`')
            buf_char(out, i == 0 ? (char)toupper((unsigned char)text[i]) : text[i]);
    }
    buf_char(out, '.');
}

json_t *schema_sentence(struct schema_maker *m, const char *meaning)
{
    struct buf text;
    buf_init(&text, MAX_TEXT);
    sentence(&text, meaning);
    return take(m, &text);
}

/* What an editor shows: the meaning, the form, the default. */
static json_t *description(struct schema_maker *m, const struct key *key)
{
    struct buf text, form;
    buf_init(&text, MAX_TEXT);
    buf_init(&form, MAX_TEXT);
    key_form_text(&key->value, &form);
    sentence(&text, key->meaning);
    buf_char(&text, ' ');
    sentence(&text, form.data ? form.data : "");
    if (key->required)
        buf_str(&text, " Required.");
    else if (key->fallback)
        buf_printf(&text, " Where absent: %s.", key->fallback);
    m->failed = m->failed || form.failed;
    buf_close(&form);
    return take(m, &text);
}

json_t *schema_key(struct schema_maker *m, const struct key *key)
{
    json_t *object = json_object(), *value;
    bool inside = key->value.form == KEY_LEVEL;
    schema_set(m, object, "description", description(m, key));
    /* In draft 07 what stands beside a $ref is not seen. */
    if (inside) {
        json_t *all = json_array();
        schema_append(m, all, schema_value(m, &key->value));
        schema_set(m, object, "allOf", all);
    } else {
        value = schema_value(m, &key->value);
        if (json_object_update(object, value) != 0)
            m->failed = true;
        json_decref(value);
    }
    if (!key->required && key->fallback &&
        (value = json_loads(key->fallback, JSON_DECODE_ANY, NULL)))
        schema_set(m, object, "default", value);
    json_t *example = key->example ? json_loads(key->example, JSON_DECODE_ANY, NULL) : NULL;
    if (example) {
        json_t *examples = json_array();
        schema_append(m, examples, example);
        schema_set(m, object, "examples", examples);
    }
    return object;
}
