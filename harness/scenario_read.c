/* Typed values of a scenario, each with a complaint that says what would be right. */
#include "harness/scenario_internal.h"

#include <stdio.h>
#include <string.h>

#include "harness/base/units.h"

/* The most words a choice can have. */
#define MAX_WORDS 32

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "a number";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    default:
        return "null";
    }
}

static bool is_extra(const char *key)
{
    return strncmp(key, "x-", 2) == 0;
}

void *scenario_alloc(struct scenario_reader *r, size_t count, size_t size)
{
    void *p = arena_alloc(&r->s->arena, count ? count : 1, size);
    if (!p)
        err_set(r->err, ERR_NOMEM, "%s: no memory for the scenario", r->s->path);
    return p;
}

static const char *name_at(const void *names, size_t stride, size_t i)
{
    return *(const char *const *)(const void *)((const char *)names + i * stride);
}

void scenario_list(char *text, size_t size, const void *names, size_t count, size_t stride)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        int n = snprintf(text + used, size - used, "%s\"%s\"", i ? ", " : "",
                         name_at(names, stride, i));
        if (n < 0 || (size_t)n >= size - used)
            return;
        used += (size_t)n;
    }
}

bool scenario_next(struct doc_iter *it, const char **name, struct doc_at *key, struct doc_at *value)
{
    while (doc_next(it, name, key, value)) {
        if (!is_extra(*name))
            return true;
    }
    return false;
}

size_t scenario_count(struct doc_at object)
{
    struct doc_iter it = doc_iterate(object);
    const char *name;
    struct doc_at key, value;
    size_t n = 0;
    while (scenario_next(&it, &name, &key, &value))
        n++;
    return n;
}

static int unknown_key(struct scenario_reader *r, struct doc_at key, const char *name,
                       const struct key_level *level)
{
    char known[400];
    scenario_list(known, sizeof known, level->keys, level->key_count, sizeof *level->keys);
    for (size_t i = 0; i < level->later_count; i++) {
        if (strcmp(level->later[i], name) == 0)
            return doc_complain(r->err, key, "\"%.80s\" is not in this version; %s takes %s", name,
                                level->what, known);
    }
    const char *near = doc_nearest(name, level->keys, level->key_count, sizeof *level->keys);
    if (near)
        return doc_complain(r->err, key, "unknown key \"%.80s\" in %s; did you mean \"%s\"?", name,
                            level->what, near);
    return doc_complain(r->err, key, "unknown key \"%.80s\"; %s takes %s, and \"x-…\" for your own",
                        name, level->what, known);
}

int scenario_keys(struct scenario_reader *r, struct doc_at at, const struct key_level *level)
{
    if (!json_is_object(at.value)) {
        char known[400];
        scenario_list(known, sizeof known, level->keys, level->key_count, sizeof *level->keys);
        return doc_complain(r->err, at, "%s is %s; write an object with %s", level->what,
                            type_name(at.value), known);
    }
    struct doc_iter it = doc_iterate(at);
    const char *name;
    struct doc_at key, value;
    while (scenario_next(&it, &name, &key, &value)) {
        if (!key_find(level, name))
            return unknown_key(r, key, name, level);
    }
    return 0;
}

static int check_count(struct scenario_reader *r, struct doc_at at, const char *what, size_t n,
                       size_t min, size_t max, const char *example)
{
    if (n < min)
        return doc_complain(r->err, at, "%s is empty; write for example %s", what, example);
    if (n > max)
        return doc_complain(r->err, at, "%s has %zu members; at most %zu are allowed", what, n,
                            max);
    return 0;
}

int scenario_is_object(struct scenario_reader *r, struct doc_at at, const char *what, size_t min,
                       size_t max, const char *example)
{
    if (!json_is_object(at.value))
        return doc_complain(r->err, at, "%s is %s; write an object such as %s", what,
                            type_name(at.value), example);
    return check_count(r, at, what, scenario_count(at), min, max, example);
}

int scenario_is_array(struct scenario_reader *r, struct doc_at at, const char *what, size_t min,
                      size_t max, const char *example)
{
    if (!json_is_array(at.value))
        return doc_complain(r->err, at, "%s is %s; write an array such as %s", what,
                            type_name(at.value), example);
    return check_count(r, at, what, doc_size(at), min, max, example);
}

int scenario_need_key(struct scenario_reader *r, struct doc_at at, const char *what,
                      const struct key_level *level, const char *key, struct doc_at *out)
{
    if (doc_member(at, key, out))
        return 0;
    return doc_complain(r->err, at, "%s has no \"%s\"; add for example \"%s\": %s", what, key, key,
                        key_find(level, key)->example);
}

int scenario_is_key(struct scenario_reader *r, struct doc_at at, const char *what,
                    const struct key_level *level, const char *key)
{
    const struct key *row = key_find(level, key);
    const struct key_value *v = &row->value;
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    return v->form == KEY_MAP ? scenario_is_object(r, at, what ? what : quoted, (size_t)v->min,
                                                   (size_t)v->max, row->example)
                              : scenario_is_array(r, at, what ? what : quoted, (size_t)v->min,
                                                  (size_t)v->max, row->example);
}

int scenario_count_key(struct scenario_reader *r, struct doc_at at, const struct key_level *level,
                       const char *key, uint64_t *out)
{
    const struct key_value *v = &key_find(level, key)->value;
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    return scenario_integer(r, at, quoted, v->min, v->max, out);
}

/* WHAT, in which variables may stand if EXPANDED, is one of COUNT words; *OUT is its index. */
static int choice(struct scenario_reader *r, struct doc_at at, const char *what, bool expanded,
                  const char *const *words, size_t count, size_t *out)
{
    char known[200];
    scenario_list(known, sizeof known, words, count, sizeof(char *));
    const char *alone = count == 1 ? "only " : "one of ";
    if (!json_is_string(at.value))
        return doc_complain(r->err, at, "%s is %s; write %s%s", what, type_name(at.value), alone,
                            known);
    const char *word =
        expanded ? scenario_text(r, at, what, TEXT_PLAIN) : json_string_value(at.value);
    if (!word)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            *out = i;
            return 0;
        }
    }
    return doc_complain(r->err, at, "%s \"%.80s\" is not accepted; write %s%s", what, word, alone,
                        known);
}

int scenario_choice_key(struct scenario_reader *r, struct doc_at at, const struct key_level *level,
                        const char *key, size_t *out)
{
    const struct key_value *v = &key_find(level, key)->value;
    const char *words[MAX_WORDS];
    size_t count = 0;
    char quoted[64];
    for (; count < MAX_WORDS && key_word(v, count); count++)
        words[count] = key_word(v, count);
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    return choice(r, at, quoted, v->expanded, words, count, out);
}

int scenario_string(struct scenario_reader *r, struct doc_at at, const char *what, const char **out)
{
    if (!json_is_string(at.value))
        return doc_complain(r->err, at, "%s is %s; write a string", what, type_name(at.value));
    *out = json_string_value(at.value);
    return 0;
}

int scenario_integer(struct scenario_reader *r, struct doc_at at, const char *what, uint64_t min,
                     uint64_t max, uint64_t *out)
{
    json_int_t n = json_is_integer(at.value) ? json_integer_value(at.value) : -1;
    if (n < 0 || (uint64_t)n < min || (uint64_t)n > max) {
        char found[32];
        if (json_is_integer(at.value))
            snprintf(found, sizeof found, "%" JSON_INTEGER_FORMAT, json_integer_value(at.value));
        else
            snprintf(found, sizeof found, "%s", type_name(at.value));
        return doc_complain(r->err, at, "%s is %s; write an integer from %llu to %llu", what, found,
                            (unsigned long long)min, (unsigned long long)max);
    }
    *out = (uint64_t)n;
    return 0;
}

int scenario_duration(struct scenario_reader *r, struct doc_at at, const char *what,
                      uint64_t *out_ns)
{
    if (!json_is_string(at.value))
        return doc_complain(r->err, at,
                            "%s is %s; write a duration as a string with a unit, such as \"20s\"",
                            what, type_name(at.value));
    const char *text = scenario_text(r, at, what, TEXT_PLAIN);
    if (!text)
        return -1;
    uint64_t ns = 0;
    if (units_duration(text, &ns) != 0)
        return doc_complain(r->err, at,
                            "%s: \"%.80s\" is no duration; write a number and a unit, such as "
                            "\"250ms\", \"20s\" or \"15m\"",
                            what, text);
    if (ns == 0)
        return doc_complain(r->err, at, "%s is zero; write a duration above it, such as \"20s\"",
                            what);
    *out_ns = ns;
    return 0;
}

int scenario_name(struct scenario_reader *r, struct doc_at at, const char *what, const char *name)
{
    size_t len = strlen(name);
    size_t fit = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (len == 0 || len > SCENARIO_MAX_NAME || fit != len || name[0] == '-')
        return doc_complain(r->err, at,
                            "\"%.80s\" is no name for %s; use a-z, 0-9 and - (not first), at most "
                            "%d of them",
                            name, what, SCENARIO_MAX_NAME);
    return 0;
}

int scenario_name_value(struct scenario_reader *r, struct doc_at at, const char *what,
                        const char **out)
{
    if (!json_is_string(at.value))
        return doc_complain(r->err, at, "the name of %s is %s; write a string", what,
                            type_name(at.value));
    *out = json_string_value(at.value);
    return scenario_name(r, at, what, *out);
}

int scenario_lookup(struct scenario_reader *r, struct doc_at at, const char *what, const char *name,
                    const void *names, size_t count, size_t stride)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name_at(names, stride, i), name) == 0)
            return (int)i;
    }
    const char *near = doc_nearest(name, names, count, stride);
    if (near)
        return doc_complain(r->err, at, "unknown %s \"%.80s\"; did you mean \"%s\"?", what, name,
                            near);
    char known[400];
    scenario_list(known, sizeof known, names, count, stride);
    if (count == 0)
        return doc_complain(r->err, at, "unknown %s \"%.80s\"; the scenario has none", what, name);
    return doc_complain(r->err, at, "unknown %s \"%.80s\"; the scenario has %s", what, name, known);
}
