/* Rules from JSON: what is read, and what every mistake is told, at its place. */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/base/clock.h"
#include "tests/lib/fault_rules.h"

static struct fault_rules rules;

static const struct fault_rule *parsed(const char *text)
{
    struct err e = {0};

    cr_assert_eq(fault_rules_read(&rules, text, &e), 0, "%s", e.text);
    return &rules.rule[0];
}

static void complains(const char *text, const char *expected)
{
    struct err e = {0};

    cr_assert_eq(fault_rules_read(&rules, text, &e), -1, "accepted: %s", text);
    cr_expect_eq(e.code, ERR_INVALID);
    cr_expect_str_eq(e.text, expected, "got:\n  %s\nexpected:\n  %s", e.text, expected);
}

/* The shortest rule means: always, everywhere the kind can act, with the kind's own defaults. */
Test(rule, defaults)
{
    const struct fault_rule *r = parsed("{'gone': {'on': 'primary', 'kind': 'delete-image', "
                                        "'image': 'agent'}}");

    cr_expect_str_eq(r->name, "gone");
    cr_expect_str_eq(r->on, "primary");
    cr_expect_str_eq(r->param[PARAM_IMAGE].text, "agent");
    cr_expect_eq(r->param[PARAM_BLOBS].number, 0);
    cr_expect_eq(r->existing, EXISTING_KEEP);
    cr_expect_eq(r->min_fired, 1);
    cr_expect_float_eq(r->exposure, 0.8, 1e-9);
    cr_expect_float_eq(r->when.probability, 1, 1e-9);
    cr_expect_not(r->when.has_probability || r->has_exposure || r->has_min_fired);
    cr_expect_eq(fault_rule_ops(r) & OP_BIT(OP_BLOB_GET), 0, "blobs are kept");
    cr_expect_neq(fault_rule_ops(r) & OP_BIT(OP_MANIFEST_GET), 0);
    fault_rules_close(&rules);
}

/* Everything that may stand in a rule is taken, in its unit, wherever the kind stands. */
Test(rule, everything)
{
    const struct fault_rule *r = parsed(
        "{'s': {'code': 503, 'body': 'html', 'retry-after': 7, 'headers': {'X-A': 'b', 'X-C': 'd'},"
        "'x-note': 1, 'kind': 'status', 'on': 'primary/blobs', 'existing': 'close',"
        "'min-fired': 0, 'exposure': '12.5%', 'match': {'op': ['manifest-*', 'ping'], 'lane': 2,"
        "'ref': 'ci/*', 'digest': 'sha256:a*', 'path': '/v2/*', 'header': {'name': 'Range'}},"
        "'when': {'skip': 0, 'limit': {'count': 3, 'per': 'start'}, 'every': {'count': 2, 'per': "
        "'client'}, 'probability': 0.25, 'after': '1s', 'for': '2s', 'ramp': '500ms'}}}");
    const uint32_t ops = OP_BIT(OP_PING) | OP_BIT(OP_MANIFEST_HEAD) | OP_BIT(OP_MANIFEST_GET) |
                         OP_BIT(OP_MANIFEST_PUT);

    cr_expect_eq(r->param[PARAM_CODE].number, 503);
    cr_expect_eq(r->param[PARAM_BODY].number, 1);
    cr_expect_str_eq(r->param[PARAM_RETRY_AFTER].text, "7");
    cr_expect_str_eq(r->param[PARAM_HEADERS].text, "X-A: b\r\nX-C: d\r\n");
    cr_expect_eq(r->existing, EXISTING_CLOSE);
    cr_expect_eq(r->min_fired, 0);
    cr_expect_float_eq(r->exposure, 0.125, 1e-9);
    cr_expect_eq(r->match.ops, ops);
    cr_expect_eq(r->match.lane, 2);
    cr_expect_str_eq(r->match.header_value, "*");
    cr_expect(r->when.skip.set && r->when.skip.n == 0 && r->when.skip.per == PER_DRILL);
    cr_expect(r->when.limit.n == 3 && r->when.limit.per == PER_START);
    cr_expect(r->when.every.n == 2 && r->when.every.per == PER_CLIENT);
    cr_expect_float_eq(r->when.probability, 0.25, 1e-9);
    cr_expect_eq(r->when.after_ns, CLOCK_NS_PER_S);
    cr_expect_eq(r->when.for_ns, 2 * CLOCK_NS_PER_S);
    cr_expect_eq(r->when.ramp_ns, 500 * CLOCK_NS_PER_MS);
    fault_rules_close(&rules);
}

/* Sizes are bytes or have units; `refuse` resets what is open, since the machine is gone. */
Test(rule, sizes_and_existing)
{
    const struct fault_rule *r =
        parsed("{'a': {'on': 'p', 'kind': 'reset', 'after-bytes': '64KiB'},"
               "'b': {'on': 'p', 'kind': 'stall', 'after-bytes': 100},"
               "'c': {'on': 'p', 'kind': 'refuse', 'match': {'lane': 3}},"
               "'d': {'on': 'p', 'kind': 'latency', 'delay': '250ms', 'jitter': '0s'}}");

    cr_expect_eq(r[0].param[PARAM_AFTER_BYTES].number, 65536);
    cr_expect_eq(r[1].param[PARAM_AFTER_BYTES].number, 100);
    cr_expect_eq(fault_rule_ops(&r[1]) & OP_BIT(OP_BLOB_HEAD), 0, "a HEAD has no body");
    cr_expect_eq(r[2].existing, EXISTING_RESET);
    cr_expect_eq(r[2].match.lane, 3);
    cr_expect_eq(r[3].param[PARAM_DELAY].number, 250 * CLOCK_NS_PER_MS);
    fault_rules_close(&rules);
}

/* A key or name that is unknown is told the nearest, or all that there are. */
Test(rule, unknown_words)
{
    complains("{'f': {'on': 'p', 'kind': 'latncy'}}",
              "f.json:1:27: unknown kind \"latncy\" of fault; did you mean \"latency\"?");
    complains("{'f': {'on': 'p', 'kind': 'refuse',\n 'image': 'a'}}",
              "f.json:2:2: unknown key \"image\" in a refuse fault; use one of \"on\", \"kind\", "
              "\"match\", \"when\", \"existing\", \"min-fired\", \"exposure\"");
    complains("{'f': {'on': 'p', 'kind': 'status', 'cod': 500}}",
              "f.json:1:37: unknown key \"cod\" in a status fault; did you mean \"code\"?");
    complains("{'f': {'on': 'p', 'kind': 'stall', 'match': {'opp': '*'}}}",
              "f.json:1:46: unknown key \"opp\" in \"match\"; did you mean \"op\"?");
    complains("{'f': {'on': 'p', 'kind': 'stall', 'when': {'evry': 2}}}",
              "f.json:1:45: unknown key \"evry\" in \"when\"; did you mean \"every\"?");
    complains("{'f': {'on': 'p', 'kind': 'stall', 'match': {'op': ['ping', 'manifest-gt']}}}",
              "f.json:1:61: unknown operation \"manifest-gt\" in \"op\"; did you mean "
              "\"manifest-get\"?");
    complains("{'f': {'on': 'p', 'kind': 'stall', 'when': {'skip': {'count': 1, 'pre': 'x'}}}}",
              "f.json:1:66: unknown key \"pre\" in \"skip\"; did you mean \"per\"?");
}

/* What is missing is told at the rule, with what would be right. */
Test(rule, missing_members)
{
    complains("{'f': {'kind': 'stall'}}",
              "f.json:1:7: fault \"f\" has no \"on\"; write the registry "
              "it acts on, such as \"on\": \"primary\"");
    complains("{'f': {'on': 'p'}}",
              "f.json:1:7: fault \"f\" has no \"kind\"; write one such as \"status\"");
    complains("{'f': {'on': 'p', 'kind': 'status'}}",
              "f.json:1:7: a status fault needs \"code\"; write an integer from 200 to 599");
    complains("{'f': {'on': 'p', 'kind': 'truncate'}}",
              "f.json:1:7: a truncate fault needs \"after-bytes\"; write a number of bytes or a "
              "size such as \"64KiB\"");
    complains("{'f': []}",
              "f.json:1:7: \"f\" is an array; write an object with \"on\", \"kind\" and "
              "its parameters");
    complains("{'f': {'on': 'p', 'kind': 'stall', 'match': {'header': {}}}}",
              "f.json:1:56: \"header\" has no \"name\"; write one such as \"User-Agent\"");
    complains("{'f': {'on': 'p', 'kind': 'stall', 'when': {'limit': {'per': 'start'}}}}",
              "f.json:1:54: \"limit\" has no \"count\"; write an integer, or {\"count\": 3, "
              "\"per\": \"start\"}");
}

/* A parameter of the wrong type, unit or range shows what was written and the right form. */
Test(rule, wrong_parameters)
{
    complains("{'f': {'on': 'p', 'kind': 'status', 'code': 199}}",
              "f.json:1:45: \"code\" is 199; write an integer from 200 to 599");
    complains("{'f': {'on': 'p', 'kind': 'status', 'code': '500'}}",
              "f.json:1:45: \"code\" is \"500\"; write an integer from 200 to 599");
    complains("{'f': {'on': 'p', 'kind': 'status', 'code': 500, 'body': 'json'}}",
              "f.json:1:58: \"body\" is \"json\"; write \"oci\", \"html\" or \"empty\"");
    complains("{'f': {'on': 'p', 'kind': 'latency', 'delay': 250}}",
              "f.json:1:47: \"delay\" is 250; write a duration above 0 such as \"250ms\" or "
              "\"5s\", at most a day");
    complains("{'f': {'on': 'p', 'kind': 'latency', 'delay': '5 parsecs'}}",
              "f.json:1:47: \"delay\" is \"5 parsecs\"; write a duration above 0 such as "
              "\"250ms\" or \"5s\", at most a day");
    complains("{'f': {'on': 'p', 'kind': 'reset', 'after-bytes': -1}}",
              "f.json:1:51: \"after-bytes\" is -1; write a number of bytes or a size such as "
              "\"64KiB\"");
    complains("{'f': {'on': 'p', 'kind': 'corrupt', 'bytes': '2MiB'}}",
              "f.json:1:47: \"bytes\" is \"2MiB\"; write a size from 1 to 1MiB");
    complains("{'f': {'on': '', 'kind': 'refuse'}}",
              "f.json:1:14: \"on\" is \"\"; write the name of a registry such as \"primary\"");
}

/* A header that could split an answer in two, or that the registry writes, is refused. */
Test(rule, wrong_headers)
{
    complains("{'f': {'on': 'p', 'kind': 'status', 'code': 500, 'headers': {'a b': 'c'}}}",
              "f.json:1:62: \"a b\" is no header name; write one such as \"X-Reason\"");
    complains("{'f': {'on': 'p', 'kind': 'status', 'code': 500, 'headers': {'A': 'c\\r\\nB: d'}}}",
              "f.json:1:67: \"A\" is \"c??B: d\"; write text without control characters");
    complains("{'f': {'on': 'p', 'kind': 'status', 'code': 500, 'headers': {'content-length': '1'}}"
              "}",
              "f.json:1:62: \"content-length\" is written by the registry itself; leave it out of "
              "\"headers\"");
    complains("{'f': {'on': 'p', 'kind': 'status', 'code': 500, 'retry-after': true}}",
              "f.json:1:65: \"retry-after\" is true; write a string or an integer");
}

/* Counts, shares and probabilities have one form each, and none that means never. */
Test(rule, wrong_when)
{
    complains("{'f': {'on': 'p', 'kind': 'stall', 'when': {'probability': 1.5}}}",
              "f.json:1:60: \"probability\" is 1.5; write a number from 0 to 1, such as 0.25");
    complains("{'f': {'on': 'p', 'kind': 'stall', 'when': {'probability': '50%'}}}",
              "f.json:1:60: \"probability\" is \"50%\"; write a number from 0 to 1, such as 0.25");
    complains("{'f': {'on': 'p', 'kind': 'stall', 'when': {'limit': 0}}}",
              "f.json:1:54: \"limit\" is 0; write an integer, 1 or more");
    complains("{'f': {'on': 'p', 'kind': 'stall', 'when': {'every': {'count': 2, 'per': 'lane'}}}}",
              "f.json:1:74: \"per\" is \"lane\"; write \"start\", \"connection\", \"client\" or "
              "\"drill\"");
    complains(
        "{'f': {'on': 'p', 'kind': 'stall', 'when': {'after': 5}}}",
        "f.json:1:54: \"after\" is 5; write a duration such as \"250ms\" or \"5s\", at most a "
        "day");
    complains("{'f': {'on': 'p', 'kind': 'stall', 'exposure': 0.8}}",
              "f.json:1:48: \"exposure\" is 0.8; write a share such as \"80%\"");
    complains("{'f': {'on': 'p', 'kind': 'stall', 'min-fired': -1}}",
              "f.json:1:49: \"min-fired\" is -1; write an integer, 0 or more");
}

/* A rule that could never act is a mistake of its author, not a fault that is waiting. */
Test(rule, rules_that_could_never_act)
{
    complains("{'f': {'on': 'p', 'kind': 'refuse', 'match': {'ref': 'x'}}}",
              "f.json:1:47: a refuse fault cannot match by \"ref\"; it takes \"lane\" only");
    complains(
        "{'f': {'on': 'p', 'kind': 'refuse', 'when': {'skip': 1}}}",
        "f.json:1:46: a refuse fault holds as long as it is armed and takes no \"skip\"; time "
        "it by the phases that list it");
    complains("{'f': {'on': 'p', 'kind': 'truncate', 'after-bytes': 1, 'match': {'op': '*-head'}}}",
              "f.json:1:73: a truncate fault cannot act on \"*-head\"; use one of \"ping\", "
              "\"token\", \"manifest-get\", \"blob-get\", \"tags\", \"referrers\", \"catalog\"");
    complains("{'f': {'on': 'p', 'kind': 'delete-image', 'image': 'a', 'match': {'op': 'blob-*'}}}",
              "f.json:1:66: this delete-image fault can never act on the operations of its "
              "\"match\"; \"blobs\": \"gone\" lets it act on blobs");
    complains("{'f': {'on': 'p', 'kind': 'stall', 'after-bytes': 1, 'match': {'op': 'blob-head'}}}",
              "f.json:1:63: this stall fault can never act on the operations of its \"match\"; a "
              "HEAD has no body to act on");
}

static const char *upper(void *data, struct doc_at at, struct err *e)
{
    static const char image[] = "expanded";

    if (strcmp(json_string_value(at.value), "${bad}") == 0) {
        (void)doc_complain(e, at, "no such variable");
        return NULL;
    }
    ++*(int *)data;
    return strcmp(json_string_value(at.value), "${v}") == 0 ? image : json_string_value(at.value);
}

/* Variables are replaced in every string of a rule, and a bad one keeps its own complaint. */
Test(rule, strings_are_expanded)
{
    static const char good[] = "{\"on\": \"p\", \"kind\": \"status\", \"code\": 500, "
                               "\"retry-after\": \"${v}\"}";
    static const char bad[] = "{\"on\": \"${bad}\", \"kind\": \"refuse\"}";
    static const char unit[] = "{\"on\": \"p\", \"kind\": \"refuse\", \"exposure\": \"${v}\"}";
    struct fault_rule rule;
    struct arena a;
    struct doc d;
    struct err e = {0};
    int calls = 0;

    arena_init(&a, 1u << 16);
    cr_assert_eq(doc_init(&d, "f.json", good, strlen(good), &e), 0);
    cr_assert_eq(fault_rule_parse("f", doc_root(&d), upper, &calls, &a, &rule, &e), 0);
    cr_expect_str_eq(rule.param[PARAM_RETRY_AFTER].text, "expanded");
    cr_expect_eq(calls, 3);
    doc_close(&d);
    cr_assert_eq(doc_init(&d, "f.json", bad, strlen(bad), &e), 0);
    cr_assert_eq(fault_rule_parse("f", doc_root(&d), upper, &calls, &a, &rule, &e), -1);
    cr_expect_str_eq(e.text, "f.json:1:8: no such variable");
    doc_close(&d);
    cr_assert_eq(doc_init(&d, "f.json", unit, strlen(unit), &e), 0);
    memset(&e, 0, sizeof(e));
    cr_assert_eq(fault_rule_parse("f", doc_root(&d), upper, &calls, &a, &rule, &e), -1);
    cr_expect_str_eq(e.text, "f.json:1:43: \"exposure\" is \"expanded\"; write a share such as "
                             "\"80%\"");
    doc_close(&d);
    arena_close(&a);
}

/* A list of faults shows each in a line that a person can check against the file. */
Test(rule, text)
{
    static const char *const expected[] = {
        "status 500 on primary, manifest-*, with probability 0.5",
        "truncate after 4096 bytes on primary, blob-get, ref ci/*, skip 2, at most 3 per start",
        "delete-image agent with its blobs on primary",
        "latency 250ms give or take 50ms on primary, after 1s, for 2s, one in 4",
        "corrupt 1 byte in the middle on primary",
        "reset before the head on primary, ping blob-get",
    };
    char text[200], cut[12];

    (void)parsed(
        "{'a': {'on': 'primary', 'kind': 'status', 'code': 500, 'match': {'op': "
        "'manifest-*'}, 'when': {'probability': 0.5}},"
        "'b': {'on': 'primary', 'kind': 'truncate', 'after-bytes': '4KiB', 'match': {'op':"
        "'blob-get', 'ref': 'ci/*'}, 'when': {'skip': 2, 'limit': {'count': 3, 'per': "
        "'start'}}},"
        "'c': {'on': 'primary', 'kind': 'delete-image', 'image': 'agent', 'blobs': 'gone'},"
        "'d': {'on': 'primary', 'kind': 'latency', 'delay': '250ms', 'jitter': '50ms',"
        "'when': {'after': '1s', 'for': '2s', 'every': 4}},"
        "'e': {'on': 'primary', 'kind': 'corrupt'},"
        "'f': {'on': 'primary', 'kind': 'reset', 'match': {'op': ['ping', 'blob-get']}}}");
    for (size_t i = 0; i < rules.count; i++) {
        fault_rule_text(&rules.rule[i], text, sizeof(text));
        cr_expect_str_eq(text, expected[i], "got: %s", text);
    }
    fault_rule_text(&rules.rule[1], cut, sizeof(cut));
    cr_expect_str_eq(cut, "truncate af");
    fault_rules_close(&rules);
}

/* `per` beside the counts holds for each that does not say its own. */
Test(rule, per_for_all_counts)
{
    struct fault_rules r;
    struct err e = {0};

    cr_assert_eq(fault_rules_read(&r,
                                  "{'a': {'on': 'primary', 'kind': 'close', 'when': {'limit': 1,"
                                  " 'skip': {'count': 2, 'per': 'client'}, 'per': 'start'}}}",
                                  &e),
                 0, "%s", e.text);
    cr_expect_eq(r.rule[0].when.limit.per, PER_START);
    cr_expect_eq(r.rule[0].when.every.per, PER_START);
    cr_expect_eq(r.rule[0].when.skip.per, PER_CLIENT);
    fault_rules_close(&r);
}
