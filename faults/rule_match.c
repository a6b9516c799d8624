/* `match` and `when` of a rule: which requests it meets, and which of those it acts on. */
#include <stdio.h>
#include <string.h>

#include "faults/rule_internal.h"
#include "harness/history/op.h"

#define WINDOW_FORM "a duration such as \"250ms\" or \"5s\", at most a day"
#define COUNT_FORM "an integer, or {\"count\": 3, \"per\": \"start\"}"
#define OP_FORM                                                                                    \
    "an operation such as \"manifest-get\", a glob such as \"blob-*\", or an array of them"

/* `unknown key … in "header"; …`, with the keys of LEVEL, which is called WHERE. */
static int unknown_key(struct rule_reading *r, struct doc_at at, const char *where, const char *key,
                       const struct key_level *level)
{
    char in[64];

    (void)snprintf(in, sizeof(in), " in \"%s\"", where);
    return rule_complain_unknown(r, at, "key", in, key, level->keys, level->key_count,
                                 sizeof(level->keys[0]));
}

static int unknown_op(struct rule_reading *r, struct doc_at at, const char *word)
{
    const char *names[OP_REQUEST_COUNT];

    for (size_t i = 0; i < OP_REQUEST_COUNT; i++) {
        names[i] = op_name((enum op)i);
    }
    return rule_complain_unknown(r, at, "operation", " in \"op\"", word, names, OP_REQUEST_COUNT,
                                 sizeof(names[0]));
}

/* The operations a kind acts on, in words, so that a wrong `op` is told the right ones. */
static void list_ops(uint32_t ops, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < OP_COUNT && used < size; i++) {
        if (ops & OP_BIT(i)) {
            int n = snprintf(text + used, size - used, "%s\"%s\"", used ? ", " : "",
                             op_name((enum op)i));

            used += n > 0 ? (size_t)n : 0;
        }
    }
}

static int read_op(struct rule_reading *r, struct doc_at at, uint32_t *ops)
{
    const struct fault_kind_info *kind = r->rule->kind;
    const char *pattern;
    char right[400];
    uint32_t set;

    if (rule_read_text(r, at, "op", OP_FORM, &pattern) != 0) {
        return -1;
    }
    set = op_set(pattern);
    if (set == 0) {
        return unknown_op(r, at, pattern);
    }
    if ((set & kind->ops) == 0) {
        list_ops(kind->ops, right, sizeof(right));
        return doc_complain(r->e, at, "a %s fault cannot act on \"%s\"; use one of %s", kind->name,
                            pattern, right);
    }
    *ops |= set & kind->ops;
    return 0;
}

static int read_ops(struct rule_reading *r, struct doc_at at)
{
    struct doc_iter it = doc_iterate(at);
    struct doc_at element;
    uint32_t ops = 0;

    if (!json_is_array(at.value)) {
        if (read_op(r, at, &ops) != 0) {
            return -1;
        }
    } else if (doc_size(at) == 0) {
        return doc_complain(r->e, at, "\"op\" is empty; leave it out, or write " OP_FORM);
    } else {
        while (doc_next(&it, NULL, NULL, &element)) {
            if (read_op(r, element, &ops) != 0) {
                return -1;
            }
        }
    }
    r->rule->match.ops = ops;
    return 0;
}

static int read_match_header(struct rule_reading *r, struct doc_at at)
{
    struct fault_match *match = &r->rule->match;
    struct doc_iter it = doc_iterate(at);
    struct doc_at key_at, value;
    const char *key;

    if (!json_is_object(at.value)) {
        return rule_complain_form(r, at, "header", "{\"name\": \"User-Agent\", \"value\": \"*\"}");
    }
    match->header_value = "*"; /* sent at all */
    while (doc_next(&it, &key, &key_at, &value)) {
        int rc = 0;

        if (strcmp(key, "name") == 0) {
            rc = rule_read_text(r, value, key, "a header's name", &match->header_name);
            if (rc == 0 && !rule_is_token(match->header_name)) {
                rc = rule_complain_form(r, value, key, "a header's name such as \"User-Agent\"");
            }
        } else if (strcmp(key, "value") == 0) {
            rc = rule_read_text(r, value, key, "a glob over the header's value",
                                &match->header_value);
        } else if (!rule_own_key(key)) {
            rc = unknown_key(r, key_at, "header", key, &fault_level_header);
        }
        if (rc != 0) {
            return -1;
        }
    }
    if (!match->header_name) {
        return doc_complain(r->e, at,
                            "\"header\" has no \"name\"; write one such as \"User-Agent\"");
    }
    return 0;
}

static int read_match_key(struct rule_reading *r, const struct key *row, struct doc_at at)
{
    struct fault_match *match = &r->rule->match;
    const char *key = row->name;

    switch (fault_key_bit(&fault_level_match, row)) {
    case MATCH_OP:
        return read_ops(r, at);
    case MATCH_REF:
        return rule_read_text(r, at, key, "a glob such as \"ci/agent:*\"", &match->ref);
    case MATCH_DIGEST:
        return rule_read_text(r, at, key, "a glob such as \"sha256:0a*\"", &match->digest);
    case MATCH_PATH:
        return rule_read_text(r, at, key, "a glob such as \"/v2/ci/*\"", &match->path);
    case MATCH_HEADER:
        return read_match_header(r, at);
    default:
        return rule_read_count(r, at, key, &row->value, &match->lane);
    }
}

/* A key that is right elsewhere but that this kind has no use for. */
static int complain_not_for(struct rule_reading *r, struct doc_at at, const char *key)
{
    const struct fault_kind_info *kind = r->rule->kind;
    bool names = (kind->match_keys & MATCH_REF) != 0;

    return doc_complain(r->e, at, "a %s fault cannot match by \"%s\"; it takes %s\"lane\" only",
                        kind->name, key, names ? "\"ref\" and " : "");
}

int rule_read_match(struct rule_reading *r, struct doc_at at)
{
    struct doc_iter it = doc_iterate(at);
    struct doc_at key_at, value;
    const char *key;

    if (!json_is_object(at.value)) {
        return rule_complain_form(r, at, "match", "an object such as {\"op\": \"manifest-*\"}");
    }
    while (doc_next(&it, &key, &key_at, &value)) {
        const struct key *row = key_find(&fault_level_match, key);

        if (!row && rule_own_key(key)) {
            continue;
        }
        if (!row) {
            return unknown_key(r, key_at, "match", key, &fault_level_match);
        }
        if (!(fault_key_bit(&fault_level_match, row) & r->rule->kind->match_keys)) {
            return complain_not_for(r, key_at, key);
        }
        if (read_match_key(r, row, value) != 0) {
            return -1;
        }
    }
    return 0;
}

static int read_per(struct rule_reading *r, struct doc_at at, enum fault_per *out)
{
    /* In the order of the table's words. */
    static const enum fault_per per[] = {PER_START, PER_CONNECTION, PER_CLIENT, PER_DRILL};
    const struct key *row = key_find(&fault_level_when, "per");
    uint64_t index;

    if (rule_read_choice(r, at, "per", row->value.words, &index) != 0) {
        return -1;
    }
    *out = per[index];
    return 0;
}

static int read_count_object(struct rule_reading *r, struct doc_at at, const struct key *row,
                             struct fault_count *out)
{
    struct doc_iter it = doc_iterate(at);
    struct doc_at key_at, value;
    const char *name;

    while (doc_next(&it, &name, &key_at, &value)) {
        int rc = 0;

        if (strcmp(name, "count") == 0) {
            rc = rule_read_count(r, value, name, &row->value.of[0], &out->n);
            out->set = true;
        } else if (strcmp(name, "per") == 0) {
            rc = read_per(r, value, &out->per);
        } else if (!rule_own_key(name)) {
            rc = unknown_key(r, key_at, row->name, name, &fault_level_count);
        }
        if (rc != 0) {
            return -1;
        }
    }
    if (!out->set) {
        return doc_complain(r->e, at, "\"%s\" has no \"count\"; write " COUNT_FORM, row->name);
    }
    return 0;
}

static int read_count(struct rule_reading *r, struct doc_at at, const struct key *row,
                      struct fault_count *out)
{
    if (json_is_object(at.value)) {
        return read_count_object(r, at, row, out);
    }
    if (!json_is_integer(at.value)) {
        return rule_complain_form(r, at, row->name, COUNT_FORM);
    }
    if (rule_read_count(r, at, row->name, &row->value.of[0], &out->n) != 0) {
        return -1;
    }
    out->set = true;
    return 0;
}

static int read_probability(struct rule_reading *r, struct doc_at at)
{
    struct fault_when *when = &r->rule->when;
    double p = json_number_value(at.value);

    /* Written so that nothing but a number within the bounds passes. */
    if (!json_is_number(at.value) || !(p >= 0 && p <= 1)) {
        return rule_complain_form(r, at, "probability", "a number from 0 to 1, such as 0.25");
    }
    when->probability = p;
    when->has_probability = true;
    return 0;
}

/* `per` beside the counts holds for each of them that does not say its own. */
static int read_default_per(struct rule_reading *r, struct doc_at at)
{
    struct fault_when *when = &r->rule->when;
    enum fault_per per = PER_DRILL;
    struct doc_at value;

    if (doc_member(at, "per", &value) && read_per(r, value, &per) != 0) {
        return -1;
    }
    when->skip.per = per;
    when->every.per = per;
    when->limit.per = per;
    return 0;
}

static int read_window(struct rule_reading *r, struct doc_at at, const struct key *row,
                       uint64_t *out_ns)
{
    return rule_read_duration(r, at, row->name, row->value.min, row->value.max, WINDOW_FORM,
                              out_ns);
}

static int read_when_key(struct rule_reading *r, const struct key *row, struct doc_at at)
{
    struct fault_when *when = &r->rule->when;

    switch (fault_key_bit(&fault_level_when, row)) {
    case WHEN_SKIP:
        return read_count(r, at, row, &when->skip);
    case WHEN_EVERY:
        return read_count(r, at, row, &when->every);
    case WHEN_LIMIT:
        return read_count(r, at, row, &when->limit);
    case WHEN_PROBABILITY:
        return read_probability(r, at);
    case WHEN_AFTER:
        return read_window(r, at, row, &when->after_ns);
    case WHEN_PER:
        return 0; /* read before the counts, which take it over */
    case WHEN_FOR:
        return read_window(r, at, row, &when->for_ns);
    default:
        return read_window(r, at, row, &when->ramp_ns);
    }
}

int rule_read_when(struct rule_reading *r, struct doc_at at)
{
    const struct fault_kind_info *kind = r->rule->kind;
    struct doc_iter it = doc_iterate(at);
    struct doc_at key_at, value;
    const char *key;

    if (!json_is_object(at.value)) {
        return rule_complain_form(r, at, "when", "an object such as {\"limit\": 3}");
    }
    if (read_default_per(r, at) != 0) {
        return -1;
    }
    while (doc_next(&it, &key, &key_at, &value)) {
        const struct key *row = key_find(&fault_level_when, key);

        if (!row && rule_own_key(key)) {
            continue;
        }
        if (!row) {
            return unknown_key(r, key_at, "when", key, &fault_level_when);
        }
        if (!(fault_key_bit(&fault_level_when, row) & kind->when_keys)) {
            return doc_complain(r->e, key_at,
                                "a %s fault holds as long as it is armed and takes no \"%s\"; "
                                "time it by the phases that list it",
                                kind->name, key);
        }
        if (read_when_key(r, row, value) != 0) {
            return -1;
        }
    }
    /* A ramp makes the fault a matter of chance even where its end is certain. */
    r->rule->when.has_probability |= r->rule->when.ramp_ns > 0;
    return 0;
}
