/* Decisions on what is no request: lookups of names, and the beginnings of starts. */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/base/clock.h"
#include "tests/lib/fault_rules.h"

static struct fault_rules rules;

static struct fault_facts asks(enum op op, uint64_t start, uint64_t nth)
{
    return (struct fault_facts){.target = op == OP_START ? "puller" : "primary",
                                .op = op,
                                .reference = op == OP_LOOKUP ? "quay.io" : NULL,
                                .lane = 1,
                                .start = start,
                                .nth = nth};
}

static bool fires(enum op op, uint64_t start, uint64_t nth)
{
    const struct fault_facts facts = asks(op, start, nth);
    return fault_rules_fire(&rules, &facts);
}

/* Faults on lookups meet no request, and those on requests no lookup, whatever their `op`. */
Test(engine_lookups, keeps_requests_and_lookups_apart)
{
    struct fault_decision out[FAULT_MAX_DECISIONS];
    struct fault_facts lookup = asks(OP_LOOKUP, 1, 1), request = fault_rules_facts(1);
    fault_rules_open(&rules,
                     "{'names': {'on': 'primary', 'kind': 'dns-nxdomain'},"
                     " 'all': {'on': 'primary', 'kind': 'status', 'code': 500,"
                     "         'match': {'op': '*'}}}",
                     1);
    cr_assert_eq(fault_decide(rules.engine, &lookup, STAGE_LISTEN, STAGE_MACHINE, out), 1);
    cr_expect_str_eq(out[0].rule->name, "names");
    cr_assert_eq(fault_decide(rules.engine, &request, STAGE_LISTEN, STAGE_MACHINE, out), 1);
    cr_expect_str_eq(out[0].rule->name, "all");
    fault_rules_close(&rules);
}

/* `when` counts lookups as it counts requests. */
Test(engine_lookups, are_counted)
{
    fault_rules_open(&rules,
                     "{'f': {'on': 'primary', 'kind': 'dns-timeout',"
                     "       'when': {'skip': 1, 'limit': 1, 'per': 'start'}}}",
                     1);
    cr_expect_not(fires(OP_LOOKUP, 1, 1));
    cr_expect(fires(OP_LOOKUP, 1, 2));
    cr_expect_not(fires(OP_LOOKUP, 1, 3));
    cr_expect_not(fires(OP_LOOKUP, 2, 1));
    cr_expect(fires(OP_LOOKUP, 2, 2));
    fault_rules_close(&rules);
}

/* `ref` is a glob over names. */
Test(engine_lookups, match_names)
{
    struct fault_facts facts = asks(OP_LOOKUP, 1, 1);
    fault_rules_open(
        &rules, "{'f': {'on': 'primary', 'kind': 'dns-timeout', 'match': {'ref': '*.quay.io'}}}",
        1);
    cr_expect_not(fault_rules_fire(&rules, &facts));
    facts.reference = "cdn.quay.io";
    cr_expect(fault_rules_fire(&rules, &facts));
    fault_rules_close(&rules);
}

/* dns-flap meets the first lookups alone, so that those behind them are no decisions of it. */
Test(engine_lookups, flap)
{
    size_t fired;
    struct fault_facts facts = asks(OP_LOOKUP, 1, 2);
    fault_rules_open(&rules, "{'f': {'on': 'primary', 'kind': 'dns-flap', 'failures': 2}}", 1);
    cr_expect_eq(fault_rules_meet(&rules, &facts, &fired), 1);
    cr_expect_eq(fired, 1);
    facts.nth = 3;
    cr_expect_eq(fault_rules_meet(&rules, &facts, &fired), 0);
    fault_rules_close(&rules);
    fault_rules_open(&rules, "{'f': {'on': 'primary', 'kind': 'dns-flap'}}", 1);
    cr_expect(fires(OP_LOOKUP, 1, 1));
    cr_expect_not(fires(OP_LOOKUP, 1, 2));
    fault_rules_close(&rules);
}

/* dns-slow draws its delay, the same for the same lookup; network-late has the one it is given. */
Test(engine_lookups, delays)
{
    const uint64_t ms = CLOCK_NS_PER_MS;
    struct fault_decision out[FAULT_MAX_DECISIONS], again[FAULT_MAX_DECISIONS];
    struct fault_facts lookup = asks(OP_LOOKUP, 1, 1), start = asks(OP_START, 1, 1);
    fault_rules_open(&rules,
                     "{'s': {'on': 'primary', 'kind': 'dns-slow', 'delay': '100ms',"
                     "       'jitter': '40ms'},"
                     " 'n': {'on': 'puller', 'kind': 'network-late', 'for': '2s'}}",
                     1);
    cr_assert_eq(fault_decide(rules.engine, &lookup, STAGE_MACHINE, STAGE_MACHINE, out), 1);
    cr_assert_eq(fault_decide(rules.engine, &lookup, STAGE_MACHINE, STAGE_MACHINE, again), 1);
    cr_expect_eq(out[0].action.delay_ns, again[0].action.delay_ns);
    cr_expect(out[0].action.delay_ns >= 60 * ms && out[0].action.delay_ns <= 140 * ms);
    cr_assert_eq(fault_decide(rules.engine, &start, STAGE_MACHINE, STAGE_MACHINE, out), 1);
    cr_expect_eq(out[0].action.delay_ns, 2000 * ms);
    fault_rules_close(&rules);
}

/* What they do reads as what one would say. */
Test(engine_lookups, in_words)
{
    char text[256];
    fault_rules_open(&rules,
                     "{'a': {'on': 'primary', 'kind': 'dns-flap', 'failures': 3,"
                     "       'answer': 'timeout'},"
                     " 'b': {'on': 'puller', 'kind': 'network-late', 'for': '2s'},"
                     " 'c': {'on': 'primary', 'kind': 'dns-slow', 'delay': '1s'}}",
                     1);
    fault_rule_text(&rules.rule[0], text, sizeof(text));
    cr_expect_str_eq(text, "dns-flap by timeout, 3 at first on primary");
    fault_rule_text(&rules.rule[1], text, sizeof(text));
    cr_expect_str_eq(text, "network-late 2s on puller");
    fault_rule_text(&rules.rule[2], text, sizeof(text));
    cr_expect_str_eq(text, "dns-slow 1s on primary");
    fault_rules_close(&rules);
}
