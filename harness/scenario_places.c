/* Where a fault acts: on a registry, on another host of it, on the names it plays, or on a
 * subject's machine; whom it can meet there, and what will show that. */
#include "harness/scenario_internal.h"

#include <stdio.h>
#include <string.h>

bool scenario_fault_on_registry(const struct scenario *s, const struct fault_rule *rule,
                                size_t registry)
{
    const char *name = s->registries[registry].name;
    size_t len = strcspn(rule->on, "/");
    return rule->kind->place != PLACE_SUBJECT && strlen(name) == len &&
           memcmp(name, rule->on, len) == 0;
}

bool scenario_fault_meets(const struct scenario *s, const struct fault_rule *rule, size_t subject)
{
    switch (rule->kind->place) {
    case PLACE_SUBJECT:
        return strcmp(s->subjects[subject].name, rule->on) == 0;
    case PLACE_NAMES:
        return s->subjects[subject].reach == REACH_NAMES;
    case PLACE_HOST:
        break;
    }
    return true;
}

static int find_subject(const struct scenario *s, const char *name)
{
    for (size_t i = 0; i < s->subject_count; i++) {
        if (strcmp(s->subjects[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

/* ---- a subject's machine ---- */

static int on_subject(struct scenario_reader *r, const struct fault_rule *rule)
{
    const struct scenario *s = r->s;
    for (size_t i = 0; i < s->registry_count; i++) {
        if (strcmp(s->registries[i].name, rule->on) == 0 && find_subject(s, rule->on) < 0)
            return doc_complain(r->err, rule->on_at,
                                "\"%s\" is a registry, and a %s fault acts on the machine of a "
                                "subject; name a subject such as \"%s\"",
                                rule->on, rule->kind->name, s->subjects[0].name);
    }
    int i = scenario_lookup(r, rule->on_at, "subject", rule->on, s->subjects, s->subject_count,
                            sizeof *s->subjects);
    if (i < 0)
        return -1;
    if (s->subjects[i].reach != REACH_NAMES)
        return doc_complain(r->err, rule->on_at,
                            "subject \"%s\" has no network of its own to act on; give it "
                            "\"reach\": \"names\"",
                            rule->on);
    return 0;
}

/* ---- a registry ---- */

/* The host NAME that R has apart from itself; NULL where it has none such. */
static const struct scenario_host *host_of(const struct scenario_registry *r, const char *name)
{
    const struct scenario_host *host = strcmp(name, "token") == 0   ? &r->token
                                       : strcmp(name, "blobs") == 0 ? &r->blobs
                                                                    : NULL;
    return host && host->own ? host : NULL;
}

/* What is asked of HOST of R: requests, or lookups of its name. */
static uint32_t asked_of(const struct scenario_registry *r, const struct scenario_host *host)
{
    return OP_BIT(OP_LOOKUP) | OP_BIT(OP_HANDSHAKE) |
           (host == &r->token ? OP_BIT(OP_TOKEN) : OP_BIT(OP_BLOB_GET) | OP_BIT(OP_BLOB_HEAD));
}

/* The registry of "primary" or "primary/blobs"; *HOST is that of the latter. -1 having complained.
 */
static int find_registry(struct scenario_reader *r, const struct fault_rule *rule,
                         const struct scenario_host **host)
{
    const struct scenario *s = r->s;
    const char *slash = strchr(rule->on, '/');
    char name[SCENARIO_MAX_NAME + 1];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(rule->on, "/"), rule->on);
    int i = scenario_lookup(r, rule->on_at, "registry", slash ? name : rule->on, s->registries,
                            s->registry_count, sizeof *s->registries);
    *host = i >= 0 && slash ? host_of(&s->registries[i], slash + 1) : NULL;
    if (i < 0 || !slash)
        return i;
    if (!*host)
        return doc_complain(r->err, rule->on_at,
                            "registry \"%s\" has no host \"%.80s\"; give it one with \"hosts\", "
                            "or write \"%s\"",
                            name, slash + 1, name);
    if (rule->kind->ops != 0 && (fault_rule_ops(rule) & asked_of(&s->registries[i], *host)) == 0)
        return doc_complain(r->err, rule->on_at,
                            "nothing that the fault acts on is asked of \"%.80s\"; write \"%s\", "
                            "or match other operations",
                            rule->on, name);
    return i;
}

static bool any_names(const struct scenario *s)
{
    for (size_t i = 0; i < s->subject_count; i++) {
        if (s->subjects[i].reach == REACH_NAMES)
            return true;
    }
    return false;
}

static int on_names(struct scenario_reader *r, const struct fault_rule *rule, int registry,
                    const struct scenario_host *host)
{
    const struct scenario *s = r->s;
    if (host ? host->name == NULL : s->registries[registry].name_count == 0)
        return doc_complain(r->err, rule->on_at,
                            "\"%.200s\" plays no names that could be looked up; give it some, or "
                            "choose another kind than \"%s\"",
                            rule->on, rule->kind->name);
    if (!any_names(s))
        return doc_complain(r->err, rule->on_at,
                            "no subject looks up the names of \"%.200s\"; give one \"reach\": "
                            "\"names\"",
                            rule->on);
    return 0;
}

static int on_registry(struct scenario_reader *r, const struct fault_rule *rule)
{
    const struct scenario_host *host;
    if (find_subject(r->s, rule->on) >= 0)
        return doc_complain(r->err, rule->on_at,
                            "\"%s\" is a subject, and a %s fault acts on a registry; name one "
                            "such as \"%s\"",
                            rule->on, rule->kind->name, r->s->registries[0].name);
    int registry = find_registry(r, rule, &host);
    if (registry < 0)
        return -1;
    if (rule->kind->stage == STAGE_TLS && !r->s->registries[registry].tls)
        return doc_complain(r->err, rule->on_at,
                            "\"%.200s\" speaks no TLS; give the registry \"tls\": true, or choose "
                            "another kind than \"%s\"",
                            rule->on, rule->kind->name);
    return rule->kind->place == PLACE_NAMES ? on_names(r, rule, registry, host) : 0;
}

/* ---- all ---- */

/* Where every lane has a network of its own, the kernel counts what leaves no trace elsewhere. */
static bool all_counted(const struct scenario *s, const struct fault_rule *rule)
{
    for (size_t i = 0; i < s->subject_count; i++) {
        if (s->subjects[i].reach != REACH_NAMES)
            return false;
    }
    return rule->kind->counter != COUNTER_NONE;
}

int scenario_fault_on(struct scenario_reader *r, struct fault_rule *rule)
{
    if (all_counted(r->s, rule))
        rule->evidence = EVIDENCE_COUNTER;
    return rule->kind->place == PLACE_SUBJECT ? on_subject(r, rule) : on_registry(r, rule);
}
