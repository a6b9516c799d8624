/* The variables of a scenario: `configuration`, --var, and ${…} in its strings. */
#include "harness/scenario_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/buf.h"
#include "harness/lane.h"
#include "harness/vars.h"

/* The longest string after expansion: bounds variables that multiply each other. */
#define TEXT_MAX (64u << 10)

/* One expansion under way. WHY explains the name that could not be replaced. BYTES is the most
 * that the result can have, which tells a text that is too long from a lack of memory. */
struct lookup {
    struct scenario_reader *r;
    enum scenario_text_kind kind;
    size_t bytes;
    char why[400];
};

/* Doubles the "$" of each PATTERN in TEXT, which makes it literal for one more expansion. */
static char *escape(struct arena *a, const char *text, const char *pattern)
{
    size_t step = strlen(pattern);
    size_t len = strlen(text);
    char *out = arena_alloc(a, 2, len + 1);
    if (!out)
        return NULL;
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        if (strncmp(text + i, pattern, step) != 0) {
            out[used++] = text[i++];
            continue;
        }
        out[used++] = '$';
        for (size_t k = 0; k < step; k++)
            out[used++] = text[i++];
    }
    return out;
}

char *scenario_escape(struct arena *a, const char *text)
{
    return escape(a, text, "${");
}

static const char *no_value(struct lookup *l, const char *name)
{
    struct scenario_reader *r = l->r;
    const char *near =
        doc_nearest(name, r->variables, r->variable_count, sizeof(struct scenario_variable));
    if (near)
        snprintf(l->why, sizeof l->why, "unknown variable ${%.80s}; did you mean ${%s}?", name,
                 near);
    else
        snprintf(l->why, sizeof l->why,
                 "unknown variable ${%.80s}; add it to \"configuration\", or write $${ for a "
                 "literal ${",
                 name);
    return NULL;
}

/* The run-time variables of this scenario, for "did you mean". */
static const char *near_runtime(struct scenario_reader *r, const char *name)
{
    static const char *const fixed[] = {"start.id", "start.dir", "lane.dir", "scenario.dir",
                                        "subjects.dir"};
    const struct scenario *s = r->s;
    size_t max = SCENARIO_COUNT(fixed) + 4 * s->registry_count + 2 * s->image_count, n = 0;
    struct arena *a = &r->s->arena;
    const char **names = arena_alloc(a, max, sizeof *names);
    if (!names)
        return NULL;
    for (size_t i = 0; i < SCENARIO_COUNT(fixed); i++)
        names[n++] = fixed[i];
    for (size_t i = 0; i < s->registry_count; i++) {
        names[n++] = arena_printf(a, "registry.%s", s->registries[i].name);
        names[n++] = arena_printf(a, "registry.%s.url", s->registries[i].name);
        names[n++] = arena_printf(a, "registry.%s.ca", s->registries[i].name);
        names[n++] = arena_printf(a, "registry.%s.auth-file", s->registries[i].name);
    }
    for (size_t i = 0; i < s->image_count; i++) {
        names[n++] = arena_printf(a, "image.%s", s->images[i].name);
        names[n++] = arena_printf(a, "image.%s.digest", s->images[i].name);
    }
    if (a->failed)
        return NULL;
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        if (lane_variable_known(s, names[i], strlen(names[i])))
            names[known++] = names[i];
    }
    return doc_nearest(name, names, known, sizeof *names);
}

static const char *no_runtime(struct lookup *l, const char *name)
{
    const char *near = near_runtime(l->r, name);
    if (near)
        snprintf(l->why, sizeof l->why, "unknown variable ${%.80s}; did you mean ${%s}?", name,
                 near);
    else
        snprintf(l->why, sizeof l->why,
                 "unknown variable ${%.80s}; a subject may use ${registry.NAME}, "
                 "${registry.NAME.url}, ${image.NAME}, ${image.NAME.digest}, ${start.id}, "
                 "${start.dir}, ${lane.dir}, ${scenario.dir} and ${subjects.dir}",
                 name);
    return NULL;
}

static const char *runtime(struct lookup *l, const char *name, size_t len)
{
    struct scenario *s = l->r->s;
    if (l->kind == TEXT_WORD)
        return lane_variable_known(s, name, len) ? arena_printf(&s->arena, "${%s}", name)
                                                 : no_runtime(l, name);
    if (l->kind == TEXT_SOURCE && strcmp(name, "subjects.dir") == 0)
        return s->subjects_dir;
    if (l->kind == TEXT_SOURCE && strcmp(name, "scenario.dir") == 0)
        return s->folder;
    snprintf(l->why, sizeof l->why, "${%.80s} cannot stand here; %s", name,
             l->kind == TEXT_SOURCE
                 ? "a file's source takes ${subjects.dir}, ${scenario.dir} and variables of "
                   "\"configuration\""
                 : "only \"command\", \"setup\", \"prepare\", \"teardown\" and \"env\" take it");
    return NULL;
}

static int settle(struct scenario_reader *r, struct scenario_variable *v);

static const char *value_of(struct lookup *l, const char *text, size_t len)
{
    struct scenario_reader *r = l->r;
    const char *name = arena_strndup(&r->s->arena, text, len);
    if (!name)
        return NULL;
    if (strchr(name, '.'))
        return runtime(l, name, len);
    for (size_t i = 0; i < r->variable_count; i++) {
        struct scenario_variable *v = &r->variables[i];
        if (strcmp(v->name, name) != 0)
            continue;
        if (v->state == VARIABLE_BUSY) {
            snprintf(l->why, sizeof l->why,
                     "${%s} comes back to itself; give one of its variables plain text", name);
            return NULL;
        }
        if (settle(r, v) != 0)
            return NULL;
        return l->kind == TEXT_WORD ? scenario_escape(&r->s->arena, v->value) : v->value;
    }
    return no_value(l, name);
}

static const char *lookup(void *data, const char *text, size_t len)
{
    struct lookup *l = data;
    const char *value = value_of(l, text, len);
    l->bytes += value ? strlen(value) : 0;
    return value;
}

/* Says why an expansion with OUT failed, unless its lookup already did. */
static void explain(struct lookup *l, const struct buf *out, const struct err *ve)
{
    if (!out->failed && !l->why[0])
        snprintf(l->why, sizeof l->why, "%.*s", (int)sizeof l->why - 1, ve->text);
    else if (out->failed && l->bytes > TEXT_MAX)
        snprintf(l->why, sizeof l->why, "the text is too long once expanded; at most %u bytes",
                 TEXT_MAX);
    else if (out->failed)
        err_set(l->r->err, ERR_NOMEM, "%s: no memory for the scenario", l->r->s->path);
}

/* TEXT expanded, or NULL: then R holds a complaint already, or WHY says what is wrong. */
static const char *expand(struct lookup *l, const char *text)
{
    struct arena *a = &l->r->s->arena;
    /* A word is expanded again when its start begins: what is literal now must be so then. */
    const char *in = l->kind == TEXT_WORD ? escape(a, text, "$${") : text;
    struct buf out;
    struct err ve = {0};
    buf_init(&out, TEXT_MAX);
    l->why[0] = '\0';
    l->bytes = in ? strlen(in) : 0;
    const char *done = NULL;
    if (in && vars_expand(in, lookup, l, &out, NULL, &ve) == 0 && !out.failed)
        done = arena_strndup(a, out.data ? out.data : "", out.len);
    else
        explain(l, &out, &ve);
    buf_close(&out);
    if (a->failed)
        err_set(l->r->err, ERR_NOMEM, "%s: no memory for the scenario", l->r->s->path);
    return done;
}

/* Gives V its value; variables it names come first. The depth is bounded: a busy one is never
 * entered again. */
static int settle(struct scenario_reader *r, struct scenario_variable *v)
{
    if (v->state == VARIABLE_DONE)
        return 0;
    v->state = VARIABLE_BUSY;
    struct lookup l = {.r = r, .kind = TEXT_PLAIN};
    const char *value = expand(&l, v->value);
    if (!value)
        return doc_complain(r->err, v->at, "%s", l.why);
    v->value = value;
    v->state = VARIABLE_DONE;
    return 0;
}

const char *scenario_text(struct scenario_reader *r, struct doc_at at, const char *what,
                          enum scenario_text_kind kind)
{
    const char *text;
    if (scenario_string(r, at, what, &text) != 0)
        return NULL;
    struct lookup l = {.r = r, .kind = kind};
    const char *out = expand(&l, text);
    if (!out)
        doc_complain(r->err, at, "%s", l.why);
    return out;
}

const char *scenario_word(struct scenario_reader *r, const char *text)
{
    struct lookup l = {.r = r, .kind = TEXT_WORD};
    const char *out = expand(&l, text);
    if (!out)
        err_set(r->err, ERR_USAGE, "the command after --: %s", l.why);
    return out;
}

/* A plain constant as text. */
static int constant(struct scenario_reader *r, struct doc_at at, const char **out)
{
    if (json_is_string(at.value)) {
        *out = json_string_value(at.value);
        return 0;
    }
    if (!json_is_number(at.value))
        return doc_complain(r->err, at,
                            "the value of a variable is a string, a number, or {\"type\": "
                            "\"env\", \"key\": \"NAME\", \"default\": \"…\"}; write one of them");
    /* 15 digits give a fraction back as it was written. */
    char text[64];
    size_t n =
        json_dumpb(at.value, text, sizeof text - 1, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    *out = n < sizeof text ? arena_strndup(&r->s->arena, text, n) : NULL;
    return *out ? 0 : err_set(r->err, ERR_NOMEM, "%s: no memory for the scenario", r->s->path);
}

/* A value from outside the file is data: nothing in it is expanded. */
static void take_literal(struct scenario_variable *v, const char *value)
{
    v->value = value;
    v->state = VARIABLE_DONE;
}

static int from_environment(struct scenario_reader *r, struct scenario_variable *v)
{
    struct doc_at type, key, fallback;
    size_t which;
    const char *name;
    const struct key_level *level = &scenario_level_variable;
    if (scenario_keys(r, v->at, level) != 0 ||
        scenario_need_key(r, v->at, level->what, level, "type", &type) != 0 ||
        scenario_choice_key(r, type, level, "type", &which) != 0 ||
        scenario_need_key(r, v->at, level->what, level, "key", &key) != 0 ||
        scenario_string(r, key, "\"key\"", &name) != 0)
        return -1;
    bool has_fallback = doc_member(v->at, "default", &fallback);
    if (has_fallback && constant(r, fallback, &v->value) != 0)
        return -1;
    if (v->state == VARIABLE_DONE || r->options->frozen)
        return 0;
    const char *found = getenv(name); /* tidy: allow getenv, a variable is of type env */
    if (found) {
        char *copy = arena_strdup(&r->s->arena, found);
        take_literal(v, copy);
        return copy ? 0 : err_set(r->err, ERR_NOMEM, "%s: no memory for it", r->s->path);
    }
    if (has_fallback)
        return 0;
    return doc_complain(r->err, v->at,
                        "the environment has no %s for ${%s}; set it, pass --var %s=VALUE, or add "
                        "a \"default\"",
                        name, v->name, v->name);
}

/* The last --var for V, or NULL. */
static const char *from_options(const struct scenario_reader *r, const char *name)
{
    const char *found = NULL;
    size_t len = strlen(name);
    for (size_t i = 0; i < r->options->var_count; i++) {
        const char *var = r->options->vars[i];
        if (strncmp(var, name, len) == 0 && var[len] == '=')
            found = var + len + 1;
    }
    return found;
}

static int read_variable(struct scenario_reader *r, const char *name, struct doc_at key,
                         struct doc_at at)
{
    struct scenario_variable *v = &r->variables[r->variable_count++];
    *v = (struct scenario_variable){.name = name, .at = at, .value = ""};
    if (scenario_name(r, key, "a variable", name) != 0)
        return -1;
    const char *given = from_options(r, name);
    if (given)
        v->state = VARIABLE_DONE;
    if (json_is_object(at.value) ? from_environment(r, v) : constant(r, at, &v->value))
        return -1;
    if (given)
        take_literal(v, given);
    return 0;
}

static int unknown_option(struct scenario_reader *r, const char *var, const char *name)
{
    const char *near =
        doc_nearest(name, r->variables, r->variable_count, sizeof(struct scenario_variable));
    if (near)
        return err_set(r->err, ERR_USAGE,
                       "--var %s: %s has no variable \"%s\"; did you mean \"%s\"?", var, r->s->path,
                       name, near);
    char known[400];
    scenario_list(known, sizeof known, r->variables, r->variable_count,
                  sizeof(struct scenario_variable));
    return err_set(r->err, ERR_USAGE,
                   "--var %s: %s has no variable \"%s\"; its \"configuration\" %s%s", var,
                   r->s->path, name, known[0] ? "has " : "is empty", known);
}

static int check_options(struct scenario_reader *r)
{
    for (size_t i = 0; i < r->options->var_count; i++) {
        const char *var = r->options->vars[i];
        const char *equals = strchr(var, '=');
        if (!equals || equals == var)
            return err_set(r->err, ERR_USAGE, "--var %s has no value; write --var KEY=VALUE", var);
        const char *name = arena_strndup(&r->s->arena, var, (size_t)(equals - var));
        bool known = false;
        for (size_t k = 0; name && k < r->variable_count; k++)
            known = known || strcmp(r->variables[k].name, name) == 0;
        if (!known)
            return name ? unknown_option(r, var, name)
                        : err_set(r->err, ERR_NOMEM, "%s: no memory for it", r->s->path);
    }
    return 0;
}

int scenario_configuration(struct scenario_reader *r, struct doc_at root)
{
    struct doc_at at, key, value;
    const char *name;
    r->variables = scenario_alloc(r, SCENARIO_MAX_VARIABLES, sizeof *r->variables);
    if (!r->variables)
        return -1;
    if (!doc_member(root, "configuration", &at))
        return check_options(r);
    if (scenario_is_key(r, at, NULL, &scenario_level_top, "configuration") != 0)
        return -1;
    struct doc_iter it = doc_iterate(at);
    while (scenario_next(&it, &name, &key, &value)) {
        if (read_variable(r, name, key, value) != 0)
            return -1;
    }
    for (size_t i = 0; i < r->variable_count; i++) {
        if (settle(r, &r->variables[i]) != 0)
            return -1;
    }
    return check_options(r);
}

int scenario_pair(struct scenario_reader *r, const char *name, struct doc_at at, const char *what,
                  enum scenario_text_kind kind, struct scenario_words *out)
{
    const char *text = scenario_text(r, at, what, kind);
    if (!text)
        return -1;
    const char *pair = arena_printf(&r->s->arena, "%s=%s", name, text);
    if (!pair)
        return err_set(r->err, ERR_NOMEM, "%s: no memory for the scenario", r->s->path);
    out->word[out->count] = pair;
    out->at[out->count++] = at;
    return 0;
}
