/* All subjects: each with its variants, then the one that the command line is for. */
#include "harness/scenario_internal.h"

#include <string.h>

/* Every variant is read, whichever runs: a mistake in a bad twin is found before it is needed. */
static int read_variants(struct scenario_reader *r, struct doc_at at, struct scenario_subject *out)
{
    struct doc_at variants, key, value;
    struct scenario_subject unused;
    const char *name;
    if (!doc_member(at, "variants", &variants))
        return 0;
    if (scenario_is_key(r, variants, NULL, &scenario_level_subject, "variants") != 0)
        return -1;
    const char **names = scenario_alloc(r, scenario_count(variants), sizeof *names);
    if (!names)
        return -1;
    struct doc_iter it = doc_iterate(variants);
    while (scenario_next(&it, &name, &key, &value)) {
        if (scenario_name(r, key, "a variant", name) != 0 ||
            scenario_subject(r, out->name, at, &value, &unused) != 0)
            return -1;
        names[out->variant_count++] = name;
    }
    out->variants = names;
    return 0;
}

static bool has_variant(const struct scenario_subject *s, const char *variant)
{
    for (size_t i = 0; i < s->variant_count; i++) {
        if (strcmp(s->variants[i], variant) == 0)
            return true;
    }
    return false;
}

/* The one subject that has VARIANT. */
static int find_by_variant(struct scenario_reader *r, const char *variant)
{
    const struct scenario *s = r->s;
    int found = -1;
    for (size_t i = 0; i < s->subject_count; i++) {
        if (!has_variant(&s->subjects[i], variant))
            continue;
        if (found >= 0)
            return err_set(r->err, ERR_USAGE,
                           "%s: subjects \"%s\" and \"%s\" both have the variant \"%s\"; choose "
                           "one with --subject",
                           s->path, s->subjects[found].name, s->subjects[i].name, variant);
        found = (int)i;
    }
    if (found < 0)
        err_set(r->err, ERR_USAGE, "%s: no subject has the variant \"%s\"; see \"variants\" there",
                s->path, variant);
    return found;
}

static int find_by_name(struct scenario_reader *r, const char *name)
{
    const struct scenario *s = r->s;
    for (size_t i = 0; i < s->subject_count; i++) {
        if (strcmp(s->subjects[i].name, name) == 0)
            return (int)i;
    }
    char known[400];
    scenario_list(known, sizeof known, s->subjects, s->subject_count, sizeof *s->subjects);
    return err_set(r->err, ERR_USAGE, "--subject %s: %s has no such subject; it has %s", name,
                   s->path, known);
}

/* Sets the target: the subject that the options name, or the only one there is. */
static int find_target(struct scenario_reader *r)
{
    const struct scenario_options *o = r->options;
    r->target = -1;
    if (o->subject)
        r->target = find_by_name(r, o->subject);
    else if (!o->command && !o->variant)
        return 0;
    else if (r->s->subject_count == 1)
        r->target = 0;
    else if (o->variant)
        r->target = find_by_variant(r, o->variant);
    else {
        char known[400];
        scenario_list(known, sizeof known, r->s->subjects, r->s->subject_count,
                      sizeof *r->s->subjects);
        return err_set(r->err, ERR_USAGE,
                       "%s has several subjects; say with --subject whose place the command "
                       "takes: %s",
                       r->s->path, known);
    }
    return r->target < 0 ? -1 : 0;
}

static int take_variant(struct scenario_reader *r, struct doc_at root)
{
    struct scenario_subject *out = &r->s->subjects[r->target];
    struct scenario_subject before = *out;
    struct doc_at subjects, at, variants, variant;
    const char *name = r->options->variant;
    if (r->options->command)
        return err_set(r->err, ERR_USAGE,
                       "a variant and a command after -- cannot both take the place of \"%s\"; "
                       "leave one out",
                       out->name);
    if (!has_variant(out, name) || !doc_member(root, "subjects", &subjects) ||
        !doc_member(subjects, out->name, &at) || !doc_member(at, "variants", &variants) ||
        !doc_member(variants, name, &variant)) {
        char known[400];
        scenario_list(known, sizeof known, out->variants, out->variant_count, sizeof(char *));
        return err_set(r->err, ERR_USAGE, "%s: subject \"%s\" has no variant \"%s\"; it has %s",
                       r->s->path, out->name, name, known[0] ? known : "none");
    }
    if (scenario_subject(r, before.name, at, &variant, out) != 0)
        return -1;
    out->at = before.at;
    out->variants = before.variants;
    out->variant_count = before.variant_count;
    return 0;
}

static int take_command(struct scenario_reader *r)
{
    const struct scenario_options *o = r->options;
    struct scenario_subject *subject = &r->s->subjects[r->target];
    struct scenario_words words = {0};
    if (o->command_count == 0 || o->command_count > SCENARIO_MAX_WORDS || !o->command[0][0])
        return err_set(r->err, ERR_USAGE,
                       "the command after -- has no program or too many words; write 1 to %d",
                       SCENARIO_MAX_WORDS);
    words.word = scenario_alloc(r, o->command_count, sizeof *words.word);
    words.at = scenario_alloc(r, o->command_count, sizeof *words.at);
    if (!words.word || !words.at)
        return -1;
    for (size_t i = 0; i < o->command_count; i++) {
        words.word[i] = scenario_word(r, o->command[i]);
        if (!words.word[i])
            return -1;
        words.at[i] = subject->at;
    }
    words.count = o->command_count;
    subject->command = words;
    return 0;
}

static int read_subjects(struct scenario_reader *r, struct doc_at root)
{
    struct scenario *s = r->s;
    struct doc_at at, key, value;
    const char *name;
    if (scenario_need_key(r, root, "the scenario", &scenario_level_top, "subjects", &at) != 0 ||
        scenario_is_key(r, at, NULL, &scenario_level_top, "subjects") != 0)
        return -1;
    s->subjects = scenario_alloc(r, scenario_count(at), sizeof *s->subjects);
    if (!s->subjects)
        return -1;
    struct doc_iter it = doc_iterate(at);
    while (scenario_next(&it, &name, &key, &value)) {
        struct scenario_subject *out = &s->subjects[s->subject_count];
        if (scenario_name(r, key, "a subject", name) != 0 ||
            scenario_subject(r, name, value, NULL, out) != 0 || read_variants(r, value, out) != 0)
            return -1;
        out->at = key;
        s->subject_count++;
    }
    return 0;
}

int scenario_subjects(struct scenario_reader *r, struct doc_at root)
{
    if (read_subjects(r, root) != 0 || find_target(r) != 0)
        return -1;
    if (r->target >= 0 && r->options->variant)
        return take_variant(r, root);
    return r->target >= 0 && r->options->command ? take_command(r) : 0;
}
