/* What a subject's way to the registries cannot carry: complained of before anything starts. */
#include "harness/names.h"
#include "harness/scenario_internal.h"

static const struct scenario_subject *subject_by_proxy(const struct scenario *s)
{
    for (size_t i = 0; i < s->subject_count; i++) {
        if (s->subjects[i].reach == REACH_PROXY)
            return &s->subjects[i];
    }
    return NULL;
}

/* By their names only those with a name are reached. */
static int check_names(struct scenario_reader *r, const struct scenario_subject *subject)
{
    const struct scenario *s = r->s;
    const char *reach = subject->reach == REACH_NAMES ? "names" : "proxy";
    size_t count = 0;
    for (size_t i = 0; i < s->registry_count; i++) {
        const struct scenario_registry *registry = &s->registries[i];
        bool token = registry->token.own && !registry->token.name;
        if (registry->name_count == 0)
            return doc_complain(r->err, registry->at,
                                "registry \"%s\" plays no host name, and subject \"%s\" has "
                                "\"reach\": \"%s\"; write \"names\": [\"quay.io\"]",
                                registry->name, subject->name, reach);
        if (token || (registry->blobs.own && !registry->blobs.name))
            return doc_complain(r->err, registry->at,
                                "the host for %s of registry \"%s\" has no name, and subject "
                                "\"%s\" has \"reach\": \"%s\"; write its name in place of true",
                                token ? "tokens" : "blobs", registry->name, subject->name, reach);
        count += registry->name_count + registry->token.own + registry->blobs.own;
    }
    return count <= NAMES_MAX ? 0
                              : doc_complain(r->err, subject->at,
                                             "registries play %zu host names in all; at most %d",
                                             count, NAMES_MAX);
}

/* A proxy always takes the connection: what is behind it can only be answered for. */
int scenario_reach(struct scenario_reader *r)
{
    const struct scenario *s = r->s;
    const struct scenario_subject *subject = subject_by_proxy(s);
    for (size_t i = 0; i < s->subject_count; i++) {
        enum scenario_reach reach = s->subjects[i].reach;
        if ((reach == REACH_NAMES || reach == REACH_PROXY) && check_names(r, &s->subjects[i]) != 0)
            return -1;
    }
    for (size_t i = 0; subject && i < s->fault_count; i++) {
        const struct fault_rule *rule = &s->faults[i];
        if (rule->kind->stage == STAGE_LISTEN)
            return doc_complain(r->err, rule->at,
                                "a proxy cannot carry \"%s\": subject \"%s\" would be answered 502 "
                                "by it and see no connection fail; use \"reach\": \"names\", or a "
                                "fault such as \"reset\" or \"status\"",
                                rule->kind->name, subject->name);
    }
    return 0;
}
