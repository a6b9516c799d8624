/* The subjects of a scenario, their variants, and what the command line puts in their place. */
#include "harness/scenario_internal.h"

#include <stdio.h>
#include <string.h>

#define ENV_EXAMPLE "{\"LANG\": \"C\"}"

#define SUBJECT_KEYS                                                                               \
    "command", "setup", "prepare", "teardown", "env", "timeout", "concurrency", "cache", "leaves", \
        "preloaded", "baked-in", "reach", "attribute", "mode"
static const char *const subject_keys[] = {SUBJECT_KEYS, "variants"};
static const char *const variant_keys[] = {SUBJECT_KEYS};
static const char *const subject_later[] = {"ready", "every", "max-in-flight"};
const struct scenario_level scenario_level_subject = {"a subject", subject_keys,
                                                      SCENARIO_COUNT(subject_keys), subject_later,
                                                      SCENARIO_COUNT(subject_later)};
const struct scenario_level scenario_level_variant = {"a variant", variant_keys,
                                                      SCENARIO_COUNT(variant_keys), subject_later,
                                                      SCENARIO_COUNT(subject_later)};

/* A subject's object with a variant's laid over it. */
struct layered {
    struct doc_at base;
    const struct doc_at *over; /* NULL: none */
};

static bool member(const struct layered *l, const char *key, struct doc_at *out)
{
    return (l->over && doc_member(*l->over, key, out)) || doc_member(l->base, key, out);
}

static int alloc_words(struct scenario_reader *r, size_t count, struct scenario_words *out)
{
    out->word = scenario_alloc(r, count, sizeof *out->word);
    out->at = scenario_alloc(r, count, sizeof *out->at);
    return out->word && out->at ? 0 : -1;
}

static int read_command(struct scenario_reader *r, const struct layered *l, const char *key,
                        struct scenario_words *out)
{
    struct doc_at at, value;
    char what[64];
    if (!member(l, key, &at))
        return 0;
    snprintf(what, sizeof what, "\"%s\"", key);
    if (scenario_is_array(r, at, what, 1, SCENARIO_MAX_WORDS,
                          "[\"./pull\", \"${registry.primary}\", \"${image.agent}\"]") != 0 ||
        alloc_words(r, doc_size(at), out) != 0)
        return -1;
    struct doc_iter it = doc_iterate(at);
    while (doc_next(&it, NULL, NULL, &value)) {
        const char *word = scenario_text(r, value, "a word of a command", TEXT_WORD);
        if (!word)
            return -1;
        if (out->count == 0 && !*word)
            return doc_complain(r->err, value,
                                "the first word of %s is empty; write the program to run", what);
        out->word[out->count] = word;
        out->at[out->count++] = value;
    }
    return 0;
}

/* ---- env ---- */

static bool is_env_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    return *name && strchr(letters, *name) && strlen(name) <= 256 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") ==
               strlen(name);
}

static int read_pair(struct scenario_reader *r, const char *name, struct doc_at key,
                     struct doc_at value, struct scenario_words *out)
{
    if (!is_env_name(name))
        return doc_complain(r->err, key,
                            "\"%.200s\" is no name for the environment; use letters, digits and _, "
                            "no digit first",
                            name);
    if (strncmp(name, "PULLDRILL_", 10) == 0)
        return doc_complain(r->err, key,
                            "\"%.200s\" is kept for what the harness tells a subject; use another "
                            "name",
                            name);
    const char *text = scenario_text(r, value, "a value of \"env\"", TEXT_WORD);
    if (!text)
        return -1;
    const char *pair = arena_printf(&r->s->arena, "%s=%s", name, text);
    if (!pair)
        return err_set(r->err, ERR_NOMEM, "%s: no memory for the scenario", r->s->path);
    out->word[out->count] = pair;
    out->at[out->count++] = value;
    return 0;
}

/* The pairs of one `env`; those that OVER names as well are left to it. */
static int read_pairs(struct scenario_reader *r, struct doc_at env, const struct doc_at *over,
                      struct scenario_words *out)
{
    struct doc_at key, value, hidden;
    const char *name;
    struct doc_iter it = doc_iterate(env);
    while (scenario_next(&it, &name, &key, &value)) {
        if (over && doc_member(*over, name, &hidden))
            continue;
        if (read_pair(r, name, key, value, out) != 0)
            return -1;
    }
    return 0;
}

/* A variant's `env` is laid over the subject's name by name. */
static int read_env(struct scenario_reader *r, const struct layered *l, struct scenario_words *out)
{
    struct doc_at base, over;
    bool has_base = doc_member(l->base, "env", &base);
    bool has_over = l->over && doc_member(*l->over, "env", &over);
    size_t count = 0;
    if (has_base && scenario_is_object(r, base, "\"env\"", 0, SCENARIO_MAX_WORDS, ENV_EXAMPLE) != 0)
        return -1;
    if (has_over && scenario_is_object(r, over, "\"env\"", 0, SCENARIO_MAX_WORDS, ENV_EXAMPLE) != 0)
        return -1;
    count += has_base ? doc_size(base) : 0;
    count += has_over ? doc_size(over) : 0;
    if (count == 0)
        return 0;
    if (alloc_words(r, count, out) != 0)
        return -1;
    if (has_base && read_pairs(r, base, has_over ? &over : NULL, out) != 0)
        return -1;
    return has_over ? read_pairs(r, over, NULL, out) : 0;
}

/* ---- the rest of a subject ---- */

static bool is_digest(const char *text)
{
    return strncmp(text, "sha256:", 7) == 0 && strlen(text + 7) == 64 &&
           strspn(text + 7, "0123456789abcdef") == 64;
}

static int read_preloaded(struct scenario_reader *r, const struct layered *l,
                          struct scenario_subject *out)
{
    struct doc_at at, value;
    if (!member(l, "preloaded", &at))
        return 0;
    if (scenario_is_array(r, at, "\"preloaded\"", 0, SCENARIO_MAX_PRELOADED, "[\"sha256:…\"]") != 0)
        return -1;
    const char **digests = scenario_alloc(r, doc_size(at), sizeof *digests);
    if (!digests)
        return -1;
    struct doc_iter it = doc_iterate(at);
    while (doc_next(&it, NULL, NULL, &value)) {
        const char *text = scenario_text(r, value, "a digest of \"preloaded\"", TEXT_PLAIN);
        if (!text)
            return -1;
        if (!is_digest(text))
            return doc_complain(r->err, value,
                                "\"%.100s\" is no digest; write sha256: and 64 hexadecimal digits "
                                "in lower case",
                                text);
        digests[out->preloaded_count++] = text;
    }
    out->preloaded = digests;
    return 0;
}

static int read_choice(struct scenario_reader *r, const struct layered *l, const char *key,
                       const char *const *words, size_t count, size_t *out)
{
    struct doc_at at;
    char what[64];
    if (!member(l, key, &at))
        return 0;
    snprintf(what, sizeof what, "\"%s\"", key);
    return scenario_choice(r, at, what, words, count, out);
}

static int read_choices(struct scenario_reader *r, const struct layered *l,
                        struct scenario_subject *out)
{
    static const char *const caches[] = {"cold", "warm"};
    static const char *const leaves[] = {"forbidden", "allowed"};
    static const char *const reach[] = {"ports"};
    static const char *const attribute[] = {"lane"};
    static const char *const mode[] = {"command"};
    size_t cache = 0, left = 0, only = 0;
    if (read_choice(r, l, "cache", caches, 2, &cache) != 0 ||
        read_choice(r, l, "leaves", leaves, 2, &left) != 0 ||
        read_choice(r, l, "reach", reach, 1, &only) != 0 ||
        read_choice(r, l, "attribute", attribute, 1, &only) != 0 ||
        read_choice(r, l, "mode", mode, 1, &only) != 0)
        return -1;
    out->cache = cache == 1 ? CACHE_WARM : CACHE_COLD;
    out->leaves_allowed = left == 1;
    return 0;
}

static int read_limits(struct scenario_reader *r, const struct layered *l,
                       struct scenario_subject *out)
{
    struct doc_at at;
    out->timeout_ns = UINT64_C(60000000000);
    out->concurrency = 1;
    if (member(l, "timeout", &at) && scenario_duration(r, at, "\"timeout\"", &out->timeout_ns) != 0)
        return -1;
    if (member(l, "concurrency", &at) &&
        scenario_integer(r, at, "\"concurrency\"", 1, SCENARIO_MAX_CONCURRENCY,
                         &out->concurrency) != 0)
        return -1;
    if (!member(l, "baked-in", &at))
        return 0;
    if (!json_is_boolean(at.value))
        return doc_complain(r->err, at, "\"baked-in\" is neither true nor false; write one");
    out->baked_in = json_is_true(at.value);
    return 0;
}

int scenario_subject(struct scenario_reader *r, const char *name, struct doc_at at,
                     const struct doc_at *variant, struct scenario_subject *out)
{
    struct layered l = {.base = at, .over = variant};
    struct doc_at command;
    *out = (struct scenario_subject){.name = name, .at = at};
    if (scenario_keys(r, at, &scenario_level_subject) != 0 ||
        (variant && scenario_keys(r, *variant, &scenario_level_variant) != 0))
        return -1;
    if (!member(&l, "command", &command))
        return scenario_need(r, at, "the subject", "command",
                             "[\"./pull\", \"${registry.primary}\", \"${image.agent}\"]", &command);
    if (read_command(r, &l, "command", &out->command) != 0 ||
        read_command(r, &l, "setup", &out->setup) != 0 ||
        read_command(r, &l, "prepare", &out->prepare) != 0 ||
        read_command(r, &l, "teardown", &out->teardown) != 0 || read_env(r, &l, &out->env) != 0 ||
        read_limits(r, &l, out) != 0 || read_choices(r, &l, out) != 0)
        return -1;
    return read_preloaded(r, &l, out);
}
