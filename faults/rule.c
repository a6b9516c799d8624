/* A rule from its JSON: every key known, every value of the right form, nothing missing. */
#include "faults/rule.h"

#include <stdio.h>
#include <string.h>

#include "faults/rule_internal.h"
#include "harness/base/units.h"

/* The most keys that every fault takes. */
#define FAULT_KEYS_MAX 16

/* The members that take others' meaning, found before the rest is walked. */
struct members {
    struct doc_at kind;
    struct doc_at match;
    bool has_match;
};

static int read_kind(struct rule_reading *r, struct doc_at at, struct members *m)
{
    static const char form[] = "the name of a kind such as \"status\"";
    const char *name;

    if (!doc_member(at, "kind", &m->kind)) {
        return doc_complain(r->e, at, "fault \"%s\" has no \"kind\"; write one such as \"status\"",
                            r->rule->name);
    }
    if (rule_read_text(r, m->kind, "kind", form, &name) != 0) {
        return -1;
    }
    r->rule->kind = fault_kind_find(name);
    if (!r->rule->kind) {
        return rule_complain_unknown(r, m->kind, "kind", " of fault", name, fault_catalogue,
                                     FAULT_KINDS, sizeof(fault_catalogue[0]));
    }
    return 0;
}

static int read_exposure(struct rule_reading *r, struct doc_at at)
{
    static const char form[] = "a share such as \"80%\"";
    const char *text;
    double share;

    if (rule_read_text(r, at, "exposure", form, &text) != 0) {
        return -1;
    }
    if (units_share(text, &share) != 0 || !(share >= 0 && share <= 1)) {
        return rule_complain_text(r, at, "exposure", text, form);
    }
    r->rule->exposure = share;
    r->rule->has_exposure = true;
    return 0;
}

static int read_existing(struct rule_reading *r, struct doc_at at)
{
    uint64_t index;

    if (rule_read_choice(r, at, "existing", key_find(&fault_level, "existing")->value.words,
                         &index) != 0) {
        return -1;
    }
    r->rule->existing = (enum fault_existing)index;
    return 0;
}

static int read_on(struct rule_reading *r, struct doc_at at)
{
    r->rule->on_at = at;
    return rule_read_text(r, at, "on", "the name of a registry such as \"primary\"", &r->rule->on);
}

static int read_min_fired(struct rule_reading *r, struct doc_at at)
{
    struct fault_rule *rule = r->rule;
    rule->has_min_fired = true;
    if (rule_read_count(r, at, "min-fired", &key_find(&fault_level, "min-fired")->value,
                        &rule->min_fired) != 0) {
        return -1;
    }
    if (rule->min_fired > 0 && rule->kind->evidence == EVIDENCE_ARMED) {
        return doc_complain(r->e, at,
                            "\"min-fired\" of a \"%s\" can never be met: it leaves no request; use "
                            "\"exposure\"",
                            rule->kind->name);
    }
    return 0;
}

/* Returns 1 where KEY is none of the keys that every kind takes. */
static int read_common(struct rule_reading *r, const char *key, struct doc_at at)
{
    static const struct {
        const char *name;
        int (*read)(struct rule_reading *r, struct doc_at at);
    } readers[] = {
        {"on", read_on},
        {"match", rule_read_match},
        {"when", rule_read_when},
        {"existing", read_existing},
        {"min-fired", read_min_fired},
        {"exposure", read_exposure},
    };

    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        if (strcmp(key, readers[i].name) == 0) {
            return readers[i].read(r, at);
        }
    }
    return strcmp(key, "kind") == 0 || rule_own_key(key) ? 0 : 1;
}

static int complain_key(struct rule_reading *r, struct doc_at at, const char *key)
{
    const struct fault_kind_info *kind = r->rule->kind;
    const char *names[FAULT_PARAMS + FAULT_KEYS_MAX];
    size_t count = 0;
    char where[64];

    for (size_t i = 0; i < kind->param_count; i++) {
        names[count++] = kind->params[i].name;
    }
    for (size_t i = 0; i < fault_level.key_count && i < FAULT_KEYS_MAX; i++) {
        names[count++] = fault_level.keys[i].name;
    }
    (void)snprintf(where, sizeof(where), " in a %s fault", kind->name);
    return rule_complain_unknown(r, at, "key", where, key, names, count, sizeof(names[0]));
}

static int read_member(struct rule_reading *r, const char *key, struct doc_at key_at,
                       struct doc_at at)
{
    const struct fault_kind_info *kind = r->rule->kind;
    int rc = read_common(r, key, at);

    if (rc <= 0) {
        return rc;
    }
    for (size_t i = 0; i < kind->param_count; i++) {
        const struct fault_param_info *info = &kind->params[i];

        if (strcmp(key, info->name) == 0) {
            r->rule->param_at[info->param] = at;
            return rule_read_param(r, at, info, &r->rule->param[info->param]);
        }
    }
    return complain_key(r, key_at, key);
}

const char *fault_param_word(const struct fault_rule *rule, enum fault_param param)
{
    for (size_t i = 0; i < rule->kind->param_count; i++) {
        const struct fault_param_info *info = &rule->kind->params[i];

        if (info->param == param && info->choices) {
            return info->choices[rule->param[param].number];
        }
    }
    return "";
}

static int check_whole(struct rule_reading *r, struct doc_at at, const struct members *m)
{
    const struct fault_rule *rule = r->rule;
    char form[160];

    if (!rule->on) {
        return doc_complain(r->e, at,
                            "fault \"%s\" has no \"on\"; write the %s it acts on, such as "
                            "\"on\": \"%s\"",
                            rule->name, rule->kind->place == PLACE_SUBJECT ? "subject" : "registry",
                            rule->kind->place == PLACE_SUBJECT ? "build-start" : "primary");
    }
    for (size_t i = 0; i < rule->kind->param_count; i++) {
        const struct fault_param_info *info = &rule->kind->params[i];

        if (info->required && !rule->param[info->param].set) {
            fault_param_form(info, form, sizeof(form));
            return doc_complain(r->e, at, "a %s fault needs \"%s\"; write %s", rule->kind->name,
                                info->name, form);
        }
    }
    if (rule->kind->ops != 0 && fault_rule_ops(rule) == 0) {
        return doc_complain(
            r->e, m->has_match ? m->match : at,
            "this %s fault can never act on the operations of its \"match\"; %s", rule->kind->name,
            rule->kind->kind == FAULT_DELETE_IMAGE ? "\"blobs\": \"gone\" lets it act on blobs"
                                                   : "a HEAD has no body to act on");
    }
    return 0;
}

int fault_rule_parse(const char *name, struct doc_at at, fault_expand *expand, void *data,
                     struct arena *a, struct fault_rule *out, struct err *e)
{
    struct rule_reading r = {.rule = out, .expand = expand, .data = data, .arena = a, .e = e};
    struct doc_iter it = doc_iterate(at);
    struct members m = {0};
    struct doc_at key_at, value;
    const char *key;

    *out = (struct fault_rule){.at = at, .min_fired = 1, .exposure = 0.8};
    out->when.probability = 1;
    out->name = arena_strdup(a, name);
    if (!out->name) {
        return err_set(e, ERR_NOMEM, "no memory for a fault");
    }
    if (!json_is_object(at.value)) {
        return rule_complain_form(&r, at, name,
                                  "an object with \"on\", \"kind\" and its parameters");
    }
    /* The kind first: it says what every other key means, wherever it stands. */
    if (read_kind(&r, at, &m) != 0) {
        return -1;
    }
    out->existing = out->kind->existing;
    out->evidence = out->kind->evidence;
    out->match.ops = out->kind->ops;
    m.has_match = doc_member(at, "match", &m.match);
    while (doc_next(&it, &key, &key_at, &value)) {
        if (read_member(&r, key, key_at, value) != 0) {
            return -1;
        }
    }
    return check_whole(&r, at, &m);
}
