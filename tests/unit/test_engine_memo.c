/* Many armed rules: what is remembered of a question must be what each rule says by itself. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "faults/memo.h"
#include "tests/lib/fault_rules.h"

#define STATUS "'on': 'primary', 'kind': 'status', 'code': 500"

/* More than are remembered from, and none that counts. */
static const char *const rule[] = {
    "{" STATUS ", 'match': {'op': 'manifest-get', 'ref': 'ci/agent:stable'}}",
    "{" STATUS ", 'match': {'op': 'blob-*', 'ref': 'ci/agent*'}}",
    "{" STATUS ", 'match': {'ref': 'ci/other:*'}}",
    "{" STATUS ", 'match': {'ref': 'ci/*@sha256:b*'}}",
    "{" STATUS ", 'match': {'digest': 'sha256:a?'}}",
    "{" STATUS ", 'match': {'digest': 'sha256:[bc]*'}}",
    "{" STATUS ", 'match': {'path': '/v2/*/manifests/stable'}}",
    "{" STATUS ", 'match': {'lane': 2}}",
    "{" STATUS ", 'match': {'header': {'name': 'User-Agent', 'value': 'ctr/*'}}}",
    "{" STATUS ", 'match': {'header': {'name': 'Range'}}}",
    "{'on': 'primary', 'kind': 'truncate', 'after-bytes': 500, 'match': {'ref': 'stable'}}",
    "{'on': 'primary', 'kind': 'stall', 'after-bytes': 100}",
};
#define RULES (sizeof(rule) / sizeof(rule[0]))

static struct fault_rules all, alone[RULES];

struct headers {
    const char *agent;
    const char *range;
};

static const char *header_of(const void *data, const char *name)
{
    const struct headers *h = data;
    return strcmp(name, "User-Agent") == 0 ? h->agent
           : strcmp(name, "Range") == 0    ? h->range
                                           : NULL;
}

static void open_all(void)
{
    char text[8192] = "{";
    for (size_t i = 0; i < RULES; i++) {
        char one[1024];
        (void)snprintf(one, sizeof(one), "{'r%zu': %s}", i, rule[i]);
        fault_rules_open(&alone[i], one, 1);
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof(text) - len, "%s'r%zu': %s", i > 0 ? "," : "", i,
                       rule[i]);
    }
    (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "}");
    fault_rules_open(&all, text, 1);
}

static void close_all(void)
{
    fault_rules_close(&all);
    for (size_t i = 0; i < RULES; i++) {
        fault_rules_close(&alone[i]);
    }
}

/* Bit I: the rule I met FACTS. */
static unsigned met(struct fault_rules *r, const struct fault_facts *facts)
{
    struct fault_decision out[FAULT_MAX_DECISIONS];
    unsigned bits = 0;
    size_t n = fault_decide(r->engine, facts, STAGE_LISTEN, STAGE_MACHINE, out);
    for (size_t i = 0; i < n; i++) {
        unsigned number = 0;
        cr_assert_eq(sscanf(out[i].rule->name, "r%u", &number), 1);
        bits |= 1u << number;
    }
    return bits;
}

static void compare(const struct fault_facts *facts)
{
    unsigned expected = 0;
    for (size_t i = 0; i < RULES; i++) {
        expected |= met(&alone[i], facts);
    }
    cr_expect_eq(met(&all, facts), expected, "%s %s %s", facts->repository, facts->reference,
                 facts->path);
}

/* The K-th of the questions, which differ in one or more of all that rules look at. */
static void ask(unsigned k)
{
    static const enum op ops[] = {OP_MANIFEST_GET, OP_BLOB_GET, OP_MANIFEST_HEAD};
    static const char *const repositories[] = {"ci/agent", "ci/other", NULL};
    static const char *const references[] = {"stable", "sha256:bb", NULL};
    static const char *const digests[] = {"sha256:aa", "sha256:bb", NULL};
    static const char *const agents[] = {"ctr/1", "podman", NULL};
    static char path[80];
    struct fault_facts facts = fault_rules_facts(1);
    const struct headers headers = {agents[k / 81 % 3], k / 243 % 2 != 0 ? "bytes=0-" : NULL};
    facts.op = ops[k % 3];
    facts.repository = repositories[k / 3 % 3];
    facts.reference = references[k / 9 % 3];
    facts.digest = digests[k / 27 % 3];
    facts.lane = 1 + k / 486 % 2;
    facts.body_bytes = k / 972 % 2 != 0 ? 1000 : 300;
    facts.header = header_of;
    facts.header_data = &headers;
    (void)snprintf(path, sizeof(path), "/v2/ci/agent/manifests/%s",
                   k % 2 != 0 ? "stable" : "other");
    facts.path = path;
    compare(&facts);
}

/* Whatever is asked, first and again, now and among others: the same rules are met as by each rule
 * alone. */
Test(engine_memo, remembers_what_each_rule_says)
{
    open_all();
    for (unsigned k = 0; k < 1944; k++) {
        ask(k);
        ask(k);
        ask(k * 7 % 1944);
    }
    close_all();
}

/* What was remembered is forgotten when a rule is healed, and when it is armed again. */
Test(engine_memo, forgets_at_each_change)
{
    struct err e = {0};
    struct fault_facts facts = fault_rules_facts(1);
    open_all();
    unsigned before = met(&all, &facts);
    cr_assert(before & 1u);
    fault_engine_heal(all.engine, &all.rule[0]);
    cr_expect_eq(met(&all, &facts), before & ~1u);
    cr_assert_eq(fault_engine_arm(all.engine, &all.rule[0], 0, &e), 0);
    cr_expect_eq(met(&all, &facts), before);
    close_all();
}

/* A question longer than what is kept is answered all the same, each time. */
Test(engine_memo, answers_what_is_too_long_to_keep)
{
    static char path[4096];
    struct fault_facts facts = fault_rules_facts(1);
    memset(path, 'x', sizeof(path) - 1);
    memcpy(path, "/v2/", 4);
    facts.path = path;
    open_all();
    compare(&facts);
    memcpy(path + sizeof(path) - 1 - strlen("/manifests/stable"), "/manifests/stable",
           strlen("/manifests/stable"));
    compare(&facts);
    cr_expect(met(&all, &facts) & (1u << 6), "the path ends as the rule says");
    close_all();
}

/* More rules than one answer holds: all of them are asked, up to the most decisions there are. */
Test(engine_memo, asks_each_of_very_many)
{
    static char text[16384];
    struct fault_facts facts = fault_rules_facts(1);
    size_t len = 1;
    text[0] = '{';
    for (size_t i = 0; i < MEMO_RULES + 8; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s'r%zu': {" STATUS "}",
                                i > 0 ? "," : "", i);
    }
    (void)snprintf(text + len, sizeof(text) - len, "}");
    fault_rules_open(&all, text, 1);
    for (int again = 0; again < 2; again++) {
        size_t fired = 0;
        cr_expect_eq(fault_rules_meet(&all, &facts, &fired), FAULT_MAX_DECISIONS);
    }
    fault_rules_close(&all);
}
