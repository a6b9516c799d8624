/* The subjects of a scenario, their variants, and what the command line puts in their place. */
#include "harness/scenario_internal.h"

#include <stdio.h>
#include <string.h>

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

int scenario_command(struct scenario_reader *r, struct doc_at at, const char *what,
                     struct scenario_words *out)
{
    struct doc_at value;
    const struct key *command = key_find(&scenario_level_subject, "command");
    if (scenario_is_array(r, at, what, command->value.min, command->value.max, command->example) !=
            0 ||
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

static int read_command(struct scenario_reader *r, const struct layered *l, const char *key,
                        struct scenario_words *out)
{
    struct doc_at at;
    char what[64];
    if (!member(l, key, &at))
        return 0;
    snprintf(what, sizeof what, "\"%s\"", key);
    return scenario_command(r, at, what, out);
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
    return scenario_pair(r, name, value, "a value of \"env\"", TEXT_WORD, out);
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
    if (has_base && scenario_is_key(r, base, NULL, &scenario_level_subject, "env") != 0)
        return -1;
    if (has_over && scenario_is_key(r, over, NULL, &scenario_level_subject, "env") != 0)
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
    if (scenario_is_key(r, at, NULL, &scenario_level_subject, "preloaded") != 0)
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
                       size_t *out)
{
    struct doc_at at;
    return member(l, key, &at) ? scenario_choice_key(r, at, &scenario_level_subject, key, out) : 0;
}

static int read_choices(struct scenario_reader *r, const struct layered *l,
                        struct scenario_subject *out)
{
    size_t cache = 0, left = 0, reach = REACH_PORTS, only = 0;
    if (read_choice(r, l, "cache", &cache) != 0 || read_choice(r, l, "leaves", &left) != 0 ||
        read_choice(r, l, "reach", &reach) != 0 || read_choice(r, l, "attribute", &only) != 0 ||
        read_choice(r, l, "mode", &only) != 0)
        return -1;
    out->reach = (enum scenario_reach)reach;
    out->cache = cache == 1 ? CACHE_WARM : CACHE_COLD;
    out->leaves_allowed = left == 1;
    return 0;
}

/* A variant's `machine` replaces the subject's. */
static int read_machine(struct scenario_reader *r, const struct layered *l,
                        struct scenario_subject *out)
{
    struct doc_at at, value;
    size_t root = 0, sockets = 0;
    if (!member(l, "machine", &at))
        return 0;
    if (scenario_keys(r, at, &scenario_level_machine) != 0 ||
        (doc_member(at, "root", &value) &&
         scenario_choice_key(r, value, &scenario_level_machine, "root", &root) != 0) ||
        (doc_member(at, "sockets", &value) &&
         scenario_choice_key(r, value, &scenario_level_machine, "sockets", &sockets) != 0))
        return -1;
    if (out->reach != REACH_NAMES)
        return doc_complain(r->err, at,
                            "\"machine\" without \"reach\": \"names\": the subject would run on "
                            "this machine as it is; write that beside it, or remove \"machine\"");
    out->machine.overlay = root == 1;
    out->machine.keep_sockets = sockets == 1;
    return 0;
}

/* How often a start of an open loop may be due: a timer of the loop counts milliseconds. */
#define EVERY_LEAST_NS UINT64_C(1000000)

/* `every` makes an open loop, whose lanes are made on demand; those with a `setup` cannot be. */
static int read_open_loop(struct scenario_reader *r, const struct layered *l, struct doc_at every,
                          struct scenario_subject *out)
{
    struct doc_at at;
    bool bounded = member(l, "max-in-flight", &at);
    out->max_in_flight = SCENARIO_MAX_CONCURRENCY;
    if (scenario_duration(r, every, "\"every\"", &out->every_ns) != 0)
        return -1;
    if (out->every_ns < EVERY_LEAST_NS)
        return doc_complain(r->err, every,
                            "\"every\" is below a millisecond; write \"1ms\" or more");
    if (bounded && scenario_count_key(r, at, &scenario_level_subject, "max-in-flight",
                                      &out->max_in_flight) != 0)
        return -1;
    if (member(l, "concurrency", &at))
        return doc_complain(r->err, at,
                            "\"concurrency\" beside \"every\": starts of an open loop wait for no "
                            "other; remove it, or bound them by \"max-in-flight\"");
    if (out->setup.count > 0 && !bounded)
        return doc_complain(r->err, every,
                            "\"every\" beside \"setup\" needs \"max-in-flight\": a lane that is to "
                            "be set up is made before the first phase, so say how many");
    return 0;
}

static int read_loop(struct scenario_reader *r, const struct layered *l,
                     struct scenario_subject *out)
{
    struct doc_at at;
    out->concurrency = 1;
    if (member(l, "every", &at))
        return read_open_loop(r, l, at, out);
    if (member(l, "max-in-flight", &at))
        return doc_complain(r->err, at,
                            "\"max-in-flight\" without \"every\" bounds nothing; write "
                            "\"concurrency\", or add \"every\": \"100ms\"");
    return member(l, "concurrency", &at) ? scenario_count_key(r, at, &scenario_level_subject,
                                                              "concurrency", &out->concurrency)
                                         : 0;
}

static int read_limits(struct scenario_reader *r, const struct layered *l,
                       struct scenario_subject *out)
{
    struct doc_at at;
    out->timeout_ns = UINT64_C(60000000000);
    if (member(l, "timeout", &at) && scenario_duration(r, at, "\"timeout\"", &out->timeout_ns) != 0)
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
        return scenario_need_key(r, at, "the subject", &scenario_level_subject, "command",
                                 &command);
    if (read_command(r, &l, "command", &out->command) != 0 ||
        read_command(r, &l, "setup", &out->setup) != 0 ||
        read_command(r, &l, "prepare", &out->prepare) != 0 ||
        read_command(r, &l, "teardown", &out->teardown) != 0 || read_env(r, &l, &out->env) != 0 ||
        read_limits(r, &l, out) != 0 || read_loop(r, &l, out) != 0 ||
        read_choices(r, &l, out) != 0 || read_machine(r, &l, out) != 0)
        return -1;
    return read_preloaded(r, &l, out);
}
