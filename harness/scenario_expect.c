/* What a scenario expects, and the proof that it tells good from bad. */
#include "harness/scenario_internal.h"

#include <string.h>

#include "harness/check.h"

/* "unknown check", with the words that `expect` may use. */
static void unknown_check(struct scenario_reader *r, struct doc_at at, const char *word)
{
    const struct key_value *v = &key_find(&scenario_level_expect, "check")->value;
    const char **words = scenario_alloc(r, check_catalogue_count, sizeof *words);
    size_t n = 0;
    for (; words && key_word(v, n); n++)
        words[n] = key_word(v, n);
    if (words)
        scenario_lookup(r, at, "check", word, words, n, sizeof *words);
}

static const struct check_info *read_word(struct scenario_reader *r, struct doc_at entry,
                                          struct scenario_expect *out)
{
    struct doc_at at;
    if (!json_is_object(entry.value)) {
        doc_complain(r->err, entry,
                     "a member of \"expect\" is an object; write for example "
                     "{\"check\": \"starts-succeed\"}");
        return NULL;
    }
    if (scenario_need_key(r, entry, "the expectation", &scenario_level_expect, "check", &at) != 0 ||
        scenario_string(r, at, "\"check\"", &out->check) != 0)
        return NULL;
    const struct check_info *info = check_find(out->check);
    if (info && info->always) {
        doc_complain(r->err, at, "\"%s\" is always on; leave it out of \"expect\"", info->name);
        return NULL;
    }
    if (info)
        return info;
    unknown_check(r, at, out->check);
    return NULL;
}

/* The parameters, read for their complaints alone: a judge reads them again. */
static int read_parameters(struct scenario_reader *r, const struct check_info *info,
                           struct doc_at entry)
{
    struct check unused = {.info = info, .arena = &r->s->arena};
    return check_read(&unused, info, entry, r->s, r->err);
}

static const struct scenario_expect *named(const struct scenario *s, const char *name)
{
    for (size_t i = 0; i < s->expect_count; i++) {
        if (s->expects[i].name && strcmp(s->expects[i].name, name) == 0)
            return &s->expects[i];
    }
    return NULL;
}

static int read_entry_name(struct scenario_reader *r, struct doc_at entry,
                           struct scenario_expect *out)
{
    struct doc_at at;
    const char *name;
    if (!doc_member(entry, "name", &at))
        return 0;
    if (scenario_name_value(r, at, "an expectation", &name) != 0)
        return -1;
    if (check_find(name) && strcmp(name, out->check) != 0)
        return doc_complain(r->err, at, "\"%s\" is the name of a check; choose another name", name);
    if (named(r->s, name))
        return doc_complain(r->err, at, "a second expectation \"%s\"; give each its own name",
                            name);
    out->name = name;
    return 0;
}

/* "served-by", then "served-by-2": the first that no entry has. */
static int make_name(struct scenario_reader *r, struct scenario_expect *out)
{
    const char *name = out->check;
    for (size_t n = 2; named(r->s, name); n++) {
        name = arena_printf(&r->s->arena, "%s-%zu", out->check, n);
        if (!name)
            return err_set(r->err, ERR_NOMEM, "%s: no memory for the scenario", r->s->path);
    }
    out->name = name;
    return 0;
}

int scenario_expects(struct scenario_reader *r, struct doc_at root)
{
    struct scenario *s = r->s;
    struct doc_at at, entry;
    if (!doc_member(root, "expect", &at))
        return 0;
    if (scenario_is_key(r, at, NULL, &scenario_level_top, "expect") != 0)
        return -1;
    s->expects = scenario_alloc(r, doc_size(at), sizeof *s->expects);
    if (!s->expects)
        return -1;
    struct doc_iter it = doc_iterate(at);
    while (doc_next(&it, NULL, NULL, &entry)) {
        struct scenario_expect *out = &s->expects[s->expect_count];
        out->at = entry;
        const struct check_info *info = read_word(r, entry, out);
        if (!info || read_parameters(r, info, entry) != 0 || read_entry_name(r, entry, out) != 0)
            return -1;
        s->expect_count++;
    }
    for (size_t i = 0; i < s->expect_count; i++) {
        if (!s->expects[i].name && make_name(r, &s->expects[i]) != 0)
            return -1;
    }
    return 0;
}

/* ---- proof ---- */

static bool has(const struct scenario_subject *subject, const char *variant)
{
    for (size_t i = 0; i < subject->variant_count; i++) {
        if (strcmp(subject->variants[i], variant) == 0)
            return true;
    }
    return false;
}

/* All variants of all subjects, for "did you mean". */
static int unknown_variant(struct scenario_reader *r, struct doc_at at, const char *variant)
{
    const struct scenario *s = r->s;
    const char **all =
        scenario_alloc(r, SCENARIO_MAX_SUBJECTS * SCENARIO_MAX_VARIANTS, sizeof *all);
    size_t n = 0;
    if (!all)
        return -1;
    for (size_t i = 0; i < s->subject_count; i++) {
        for (size_t k = 0; k < s->subjects[i].variant_count; k++)
            all[n++] = s->subjects[i].variants[k];
    }
    return scenario_lookup(r, at, "variant", variant, all, n, sizeof *all);
}

static int find_twin(struct scenario_reader *r, struct doc_at at, const char *text,
                     struct scenario_twin *out)
{
    const struct scenario *s = r->s;
    const char *slash = strchr(text, '/');
    size_t found = s->subject_count;
    out->variant = slash ? slash + 1 : text;
    for (size_t i = 0; i < s->subject_count; i++) {
        const struct scenario_subject *subject = &s->subjects[i];
        bool here = !slash || (strlen(subject->name) == (size_t)(slash - text) &&
                               strncmp(subject->name, text, (size_t)(slash - text)) == 0);
        if (!here || !has(subject, out->variant))
            continue;
        if (found < s->subject_count)
            return doc_complain(r->err, at,
                                "subjects \"%s\" and \"%s\" both have the variant \"%s\"; write "
                                "\"%s/%s\" or \"%s/%s\"",
                                s->subjects[found].name, subject->name, text,
                                s->subjects[found].name, text, subject->name, text);
        found = i;
    }
    out->subject = found;
    return found < s->subject_count ? 0 : unknown_variant(r, at, text);
}

/* WORD is a check that `expect` uses, the name of an entry, or a check that is always on. */
static bool is_reason(const struct scenario *s, const char *word)
{
    const struct check_info *info = check_find(word);
    if ((info && info->always) || named(s, word))
        return true;
    for (size_t i = 0; i < s->expect_count; i++) {
        if (strcmp(s->expects[i].check, word) == 0)
            return true;
    }
    return false;
}

static int no_reason(struct scenario_reader *r, struct doc_at at, const char *word)
{
    const struct scenario *s = r->s;
    size_t max = s->expect_count + check_catalogue_count, n = 0;
    const char **known = scenario_alloc(r, max, sizeof *known);
    if (!known)
        return -1;
    for (size_t i = 0; i < s->expect_count; i++)
        known[n++] = s->expects[i].name;
    for (size_t i = 0; i < check_catalogue_count; i++) {
        if (check_catalogue[i]->always)
            known[n++] = check_catalogue[i]->name;
    }
    return scenario_lookup(r, at, "reason to fail", word, known, n, sizeof *known);
}

static int read_because(struct scenario_reader *r, struct doc_at twin, struct scenario_twin *out)
{
    struct doc_at at, value;
    const char *word;
    if (scenario_need_key(r, twin, "the bad twin", &scenario_level_twin, "because", &at) != 0 ||
        scenario_is_key(r, at, NULL, &scenario_level_twin, "because") != 0)
        return -1;
    out->because = scenario_alloc(r, doc_size(at), sizeof *out->because);
    if (!out->because)
        return -1;
    struct doc_iter it = doc_iterate(at);
    while (doc_next(&it, NULL, NULL, &value)) {
        if (scenario_string(r, value, "a member of \"because\"", &word) != 0)
            return -1;
        if (!is_reason(r->s, word))
            return no_reason(r, value, word);
        out->because[out->because_count++] = word;
    }
    return 0;
}

static int read_twin(struct scenario_reader *r, struct doc_at at, struct scenario_twin *out)
{
    struct doc_at variant;
    const char *text;
    out->at = at;
    if (scenario_keys(r, at, &scenario_level_twin) != 0 ||
        scenario_need_key(r, at, "the bad twin", &scenario_level_twin, "variant", &variant) != 0 ||
        scenario_string(r, variant, "\"variant\"", &text) != 0 ||
        find_twin(r, variant, text, out) != 0)
        return -1;
    for (const struct scenario_twin *t = r->s->twins; t < out; t++) {
        if (t->subject == out->subject && strcmp(t->variant, out->variant) == 0)
            return doc_complain(
                r->err, variant,
                "a second entry for \"%s\"; write all its reasons into one \"because\"", text);
    }
    return read_because(r, at, out);
}

int scenario_proof(struct scenario_reader *r, struct doc_at root)
{
    struct scenario *s = r->s;
    struct doc_at at, list, value;
    if (!doc_member(root, "proof", &at))
        return 0;
    if (scenario_keys(r, at, &scenario_level_proof) != 0 ||
        scenario_need_key(r, at, "\"proof\"", &scenario_level_proof, "must-fail", &list) != 0 ||
        scenario_is_key(r, list, NULL, &scenario_level_proof, "must-fail") != 0)
        return -1;
    s->twins = scenario_alloc(r, doc_size(list), sizeof *s->twins);
    if (!s->twins)
        return -1;
    struct doc_iter it = doc_iterate(list);
    while (doc_next(&it, NULL, NULL, &value)) {
        if (read_twin(r, value, &s->twins[s->twin_count]) != 0)
            return -1;
        s->twin_count++;
    }
    return 0;
}
