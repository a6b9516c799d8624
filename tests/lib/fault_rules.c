/* Rules for tests, read from JSON. */
#include "tests/lib/fault_rules.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void forget(struct fault_rules *r)
{
    doc_close(&r->doc);
    arena_close(&r->arena);
}

int fault_rules_read(struct fault_rules *r, const char *text, struct err *e)
{
    char *json = strdup(text);
    struct doc_iter it;
    struct doc_at key, value;
    const char *name;
    int rc;

    cr_assert(json);
    for (char *c = json; *c; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    memset(r, 0, sizeof(*r));
    arena_init(&r->arena, 1u << 20);
    rc = doc_init(&r->doc, "f.json", json, strlen(json), e);
    free(json);
    if (rc != 0) {
        arena_close(&r->arena);
        return -1;
    }
    it = doc_iterate(doc_root(&r->doc));
    while (rc == 0 && doc_next(&it, &name, &key, &value)) {
        cr_assert_lt(r->count, FAULT_RULES_MAX);
        rc = fault_rule_parse(name, value, NULL, NULL, &r->arena, &r->rule[r->count++], e);
    }
    if (rc != 0) {
        forget(r);
    }
    return rc;
}

void fault_rules_open(struct fault_rules *r, const char *text, uint64_t seed)
{
    struct err e = {0};

    cr_assert_eq(fault_rules_read(r, text, &e), 0, "%s", e.text);
    r->engine = fault_engine_new(r->rule, r->count, seed, &e);
    cr_assert(r->engine, "%s", e.text);
    for (size_t i = 0; i < r->count; i++) {
        cr_assert_eq(fault_engine_arm(r->engine, &r->rule[i], 0, &e), 0, "%s", e.text);
    }
}

void fault_rules_close(struct fault_rules *r)
{
    fault_engine_free(r->engine);
    forget(r);
}

struct fault_facts fault_rules_facts(uint64_t start)
{
    return (struct fault_facts){.target = "primary",
                                .op = OP_MANIFEST_GET,
                                .repository = "ci/agent",
                                .reference = "stable",
                                .digest = "sha256:aa",
                                .path = "/v2/ci/agent/manifests/stable",
                                .lane = 1,
                                .start = start,
                                .nth = 1,
                                .connection = 1,
                                .client = "127.0.0.1",
                                .status = 200,
                                .body_bytes = 1000};
}

size_t fault_rules_meet(struct fault_rules *r, const struct fault_facts *facts, size_t *fired)
{
    struct fault_decision out[FAULT_MAX_DECISIONS];
    size_t n = fault_decide(r->engine, facts, STAGE_LISTEN, STAGE_MACHINE, out);

    *fired = 0;
    for (size_t i = 0; i < n; i++) {
        *fired += out[i].fired;
    }
    return n;
}

bool fault_rules_fire(struct fault_rules *r, const struct fault_facts *facts)
{
    size_t fired;

    (void)fault_rules_meet(r, facts, &fired);
    return fired > 0;
}
