/* The scenario as resolved: a copy of the file with the command line and the environment in it. */
#include "harness/scenario_internal.h"

#include "harness/base/json_memory.h"

static int no_memory(struct scenario_reader *r)
{
    return err_set(r->err, ERR_NOMEM, "%s: no memory for the scenario", r->s->path);
}

/* Variables become constants, escaped: reading them again must not expand what is in them. */
static int resolve_variables(struct scenario_reader *r, json_t *root)
{
    json_t *object = json_object_get(root, "configuration");
    for (size_t i = 0; i < r->variable_count; i++) {
        const struct scenario_variable *v = &r->variables[i];
        const char *text = scenario_escape(&r->s->arena, v->value);
        if (!text)
            return no_memory(r);
        unsigned lost = json_memory_lost();
        json_t *value = json_string(text);
        if (!value && json_memory_lost() != lost)
            return no_memory(r);
        if (!value)
            return doc_complain(r->err, v->at,
                                "the value given to ${%s} is not UTF-8; give it valid text",
                                v->name);
        if (json_object_set_new(object, v->name, value) != 0)
            return no_memory(r);
    }
    return 0;
}

static int resolve_command(struct scenario_reader *r, json_t *subject)
{
    const struct scenario_options *o = r->options;
    json_t *words = json_array();
    if (!words)
        return no_memory(r);
    unsigned lost = json_memory_lost();
    for (size_t i = 0; i < o->command_count; i++) {
        if (json_array_append_new(words, json_string(o->command[i])) != 0) {
            json_decref(words);
            if (json_memory_lost() != lost)
                return no_memory(r);
            return err_set(r->err, ERR_USAGE,
                           "word %zu of the command after -- is not UTF-8; give it valid text",
                           i + 1);
        }
    }
    return json_object_set_new(subject, "command", words) == 0 ? 0 : no_memory(r);
}

/* As the parser lays a variant over its subject: member by member, `env` name by name. */
static int resolve_variant(struct scenario_reader *r, json_t *subject)
{
    const json_t *variant =
        json_object_get(json_object_get(subject, "variants"), r->options->variant);
    unsigned lost = json_memory_lost();
    json_t *copy = json_deep_copy(variant);
    json_t *env = json_object_get(subject, "env");
    json_t *over = copy ? json_object_get(copy, "env") : NULL;
    if (!copy || json_memory_lost() != lost) {
        json_decref(copy);
        return no_memory(r);
    }
    int rc = 0;
    if (env && over) {
        rc = json_object_update(env, over);
        json_object_del(copy, "env");
    }
    if (rc == 0)
        rc = json_object_update(subject, copy);
    json_decref(copy);
    return rc == 0 ? 0 : no_memory(r);
}

int scenario_resolve(struct scenario_reader *r)
{
    struct scenario *s = r->s;
    unsigned lost = json_memory_lost();
    s->resolved = json_deep_copy(s->doc.root);
    /* A copy may lack what there was no memory for, and does not say so. */
    if (!s->resolved || json_memory_lost() != lost)
        return no_memory(r);
    if (resolve_variables(r, s->resolved) != 0)
        return -1;
    if (r->target < 0)
        return 0;
    json_t *subject =
        json_object_get(json_object_get(s->resolved, "subjects"), s->subjects[r->target].name);
    if (r->options->variant)
        return resolve_variant(r, subject);
    return r->options->command ? resolve_command(r, subject) : 0;
}

json_t *scenario_resolved(const struct scenario *s, uint64_t seed)
{
    unsigned lost = json_memory_lost();
    json_t *copy = json_deep_copy(s->resolved);
    if (copy && (json_object_set_new(copy, "seed", json_integer((json_int_t)seed)) != 0 ||
                 json_memory_lost() != lost)) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}
