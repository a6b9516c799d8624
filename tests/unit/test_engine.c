/* Decisions: the same key gives the same answer, and `when` counts in its order and scopes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "faults/point.h"
#include "harness/base/clock.h"
#include "tests/lib/fault_rules.h"

#define STARTS 64
#define HALF "{'on': 'primary', 'kind': 'status', 'code': 500, 'when': {'probability': 0.5}}"
#define STATUS(when) "{'f': {'on': 'primary', 'kind': 'status', 'code': 500, 'when': {" when "}}}"

static struct fault_rules rules, other;

static struct fault_decision first(struct fault_rules *r, const struct fault_facts *facts)
{
    struct fault_decision out[FAULT_MAX_DECISIONS];

    cr_assert_gt(fault_decide(r->engine, facts, STAGE_LISTEN, STAGE_MACHINE, out), 0);
    return out[0];
}

static bool fired(struct fault_rules *r, uint64_t start, uint64_t nth)
{
    struct fault_facts facts = fault_rules_facts(start);

    facts.nth = nth;
    return first(r, &facts).fired;
}

/* The pattern of COUNT equal requests: '1' where the rule fired. */
static void pattern(const struct fault_facts *facts, size_t count, char *text)
{
    for (size_t i = 0; i < count; i++) {
        text[i] = fault_rules_fire(&rules, facts) ? '1' : '0';
    }
    text[count] = '\0';
}

static void expect_pattern(const char *json, const char *expected)
{
    struct fault_facts facts = fault_rules_facts(1);
    char text[64];

    fault_rules_open(&rules, json, 1);
    pattern(&facts, strlen(expected), text);
    cr_expect_str_eq(text, expected, "%s: %s", json, text);
    fault_rules_close(&rules);
}

/* Two drills that see the same requests in another order decide each of them alike. */
Test(engine, interleaving_changes_nothing)
{
    bool forward[STARTS][2];
    size_t sum = 0;

    fault_rules_open(&rules, "{'f': " HALF "}", 42);
    for (uint64_t s = 0; s < STARTS; s++) {
        forward[s][0] = fired(&rules, s + 1, 1);
        forward[s][1] = fired(&rules, s + 1, 2);
        sum += forward[s][0];
    }
    fault_rules_close(&rules);
    fault_rules_open(&rules, "{'f': " HALF "}", 42);
    for (uint64_t s = STARTS; s-- > 0;) {
        cr_expect_eq(fired(&rules, s + 1, 2), forward[s][1]);
    }
    for (uint64_t s = STARTS; s-- > 0;) {
        cr_expect_eq(fired(&rules, s + 1, 1), forward[s][0]);
    }
    cr_expect(sum > STARTS / 4 && sum < STARTS * 3 / 4, "%zu of %d", sum, STARTS);
    fault_rules_close(&rules);
}

/* A second rule, before or behind, changes none of the first one's decisions. */
Test(engine, another_rule_changes_nothing)
{
    fault_rules_open(&rules, "{'f': " HALF "}", 42);
    fault_rules_open(&other, "{'e': " HALF ", 'f': " HALF ", 'g': " HALF "}", 42);
    size_t differ = 0;

    for (uint64_t s = 1; s <= STARTS; s++) {
        struct fault_facts facts = fault_rules_facts(s);
        struct fault_decision out[FAULT_MAX_DECISIONS];

        cr_assert_eq(fault_decide(other.engine, &facts, STAGE_LISTEN, STAGE_MACHINE, out), 3);
        cr_expect_str_eq(out[1].rule->name, "f");
        cr_expect_eq(out[1].fired, fired(&rules, s, 1));
        differ += out[0].fired != out[1].fired;
    }
    cr_expect_gt(differ, 0, "rules with other names draw on their own");
    fault_rules_close(&rules);
    fault_rules_close(&other);
}

/* Each part of the key counts: without it, requests that differ would share one fate. */
Test(engine, every_part_of_the_key_counts)
{
    size_t differ[6] = {0};

    fault_rules_open(&rules, "{'f': " HALF "}", 42);
    fault_rules_open(&other, "{'f': " HALF "}", 43);
    for (uint64_t s = 1; s <= STARTS; s++) {
        struct fault_facts facts = fault_rules_facts(s);
        bool base = first(&rules, &facts).fired;

        differ[0] += first(&other, &facts).fired != base;
        differ[1] += fired(&rules, s + 1000, 1) != base;
        differ[2] += fired(&rules, s, 2) != base;
        facts.op = OP_MANIFEST_HEAD;
        differ[3] += first(&rules, &facts).fired != base;
        facts = fault_rules_facts(s);
        facts.reference = "canary";
        differ[4] += first(&rules, &facts).fired != base;
        facts = fault_rules_facts(s);
        facts.repository = "ci/other";
        differ[5] += first(&rules, &facts).fired != base;
    }
    for (size_t i = 0; i < 6; i++) {
        cr_expect_gt(differ[i], STARTS / 8, "part %zu", i);
    }
    fault_rules_close(&rules);
    fault_rules_close(&other);
}

/* What is no part of the key changes no draw: a retry on another lane or connection, later. */
Test(engine, nothing_else_counts)
{
    fault_rules_open(&rules, "{'f': " HALF "}", 42);
    for (uint64_t s = 1; s <= STARTS; s++) {
        struct fault_facts facts = fault_rules_facts(s);
        bool base = first(&rules, &facts).fired;

        facts.lane = 9;
        facts.connection = 77;
        facts.client = "127.9.9.9";
        facts.now_ns = 12345;
        facts.path = "/elsewhere";
        facts.body_bytes = 5;
        cr_expect_eq(first(&rules, &facts).fired, base);
    }
    fault_rules_close(&rules);
}

/* Requests of no start are told apart by the ordinal of their match, which is recorded. */
Test(engine, without_a_start_the_ordinal_counts)
{
    struct fault_facts facts = fault_rules_facts(0);
    char text[STARTS + 1], again[STARTS + 1];

    fault_rules_open(&rules, "{'f': " HALF "}", 42);
    pattern(&facts, STARTS, text);
    cr_expect_eq(first(&rules, &facts).nth, STARTS + 1);
    fault_rules_close(&rules);
    fault_rules_open(&rules, "{'f': " HALF "}", 42);
    pattern(&facts, STARTS, again);
    cr_expect_str_eq(text, again);
    cr_expect(strchr(text, '0') && strchr(text, '1'), "%s", text);
    facts = fault_rules_facts(3);
    facts.nth = 5;
    cr_expect_eq(first(&rules, &facts).nth, 5);
    fault_rules_close(&rules);
}

/* The counts of `when`, alone and in their order: skip, then every, then limit. */
Test(engine, counts_in_their_order)
{
    expect_pattern(STATUS("'skip': 2"), "0011111");
    expect_pattern(STATUS("'every': 3"), "001001001");
    expect_pattern(STATUS("'limit': 2"), "1100000");
    expect_pattern(STATUS("'skip': 1, 'every': 2"), "0010101");
    expect_pattern(STATUS("'limit': 2, 'every': 2, 'skip': 1"), "00101000");
    expect_pattern(STATUS("'probability': 0"), "00000");
    expect_pattern(STATUS("'probability': 1"), "11111");
}

/* The limit counts what fired: requests that chance let pass use up none of it. */
Test(engine, limit_comes_after_probability)
{
    size_t drawn = 0, limited = 0;

    fault_rules_open(&rules, "{'f': " HALF "}", 42);
    fault_rules_open(
        &other,
        "{'f': {'on': 'primary', 'kind': 'status', 'code': 500, 'when': {'probability': 0.5, "
        "'limit': 5}}}",
        42);
    for (uint64_t s = 1; s <= STARTS; s++) {
        bool without = fired(&rules, s, 1);
        bool with = fired(&other, s, 1);

        cr_expect_eq(with, without && drawn < 5, "start %llu", (unsigned long long)s);
        drawn += without;
        limited += with;
    }
    cr_expect_eq(limited, 5);
    fault_rules_close(&rules);
    fault_rules_close(&other);
}

/* Each start, connection or client has counts of its own; a drill has one. */
Test(engine, counts_are_kept_per_scope)
{
    static const struct {
        const char *json;
        const char *expected; /* of a, a, b, b, where a and b differ as ACROSS says */
        char across;
    } cases[] = {
        {STATUS("'skip': {'count': 1, 'per': 'start'}"), "0101", 's'},
        {STATUS("'skip': {'count': 1, 'per': 'connection'}"), "0101", 'c'},
        {STATUS("'limit': {'count': 1, 'per': 'client'}"), "1010", 'p'},
        {STATUS("'every': {'count': 2, 'per': 'start'}"), "0101", 's'},
        {STATUS("'limit': {'count': 1, 'per': 'start'}"), "1000", 'c'},
        {STATUS("'limit': {'count': 1, 'per': 'drill'}"), "1000", 's'},
        {STATUS("'skip': {'count': 1, 'per': 'start'}, 'limit': 1"), "0100", 's'},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fault_facts facts = fault_rules_facts(1);
        char text[5];

        fault_rules_open(&rules, cases[i].json, 1);
        pattern(&facts, 2, text);
        facts.start += cases[i].across == 's';
        facts.connection += cases[i].across == 'c';
        facts.client = cases[i].across == 'p' ? "127.0.0.2" : facts.client;
        pattern(&facts, 2, text + 2);
        cr_expect_str_eq(text, cases[i].expected, "%s: %s", cases[i].json, text);
        fault_rules_close(&rules);
    }
}

/* Time comes before the counts: what came too early is not counted by skip. */
Test(engine, time_comes_first)
{
    struct fault_facts facts = fault_rules_facts(1);
    static const struct {
        uint64_t at_s;
        bool fires;
    } steps[] = {{0, false}, {9, false}, {10, false}, {11, true}, {29, true}, {30, false}};

    fault_rules_open(&rules, STATUS("'after': '10s', 'for': '20s', 'skip': 1"), 1);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        facts.now_ns = steps[i].at_s * CLOCK_NS_PER_S;
        cr_expect_eq(fault_rules_fire(&rules, &facts), steps[i].fires, "at %llus",
                     (unsigned long long)steps[i].at_s);
    }
    fault_rules_close(&rules);
}

/* A ramp begins at nothing, grows, and ends at the probability that is asked for. */
Test(engine, ramp_rises)
{
    size_t count[4] = {0};

    fault_rules_open(&rules, STATUS("'ramp': '90s'"), 42);
    for (uint64_t s = 1; s <= 400; s++) {
        for (size_t k = 0; k < 4; k++) {
            struct fault_facts facts = fault_rules_facts(s);

            facts.now_ns = k * 30 * CLOCK_NS_PER_S;
            count[k] += first(&rules, &facts).fired;
        }
    }
    cr_expect_eq(count[0], 0);
    cr_expect(count[1] > 80 && count[1] < 200, "%zu", count[1]);
    cr_expect(count[2] > 200 && count[2] < 330, "%zu", count[2]);
    cr_expect_eq(count[3], 400);
    fault_rules_close(&rules);
}

/* Healing and arming again keeps the counts, restarts the clock and follows the point. */
Test(engine, arming_and_healing)
{
    struct fault_facts facts = fault_rules_facts(1);
    struct err e = {0};
    size_t n;

    fault_rules_open(&rules, STATUS("'limit': 2, 'after': '1s'"), 1);
    cr_expect(point_armed("primary/f"));
    cr_expect(fault_engine_any(rules.engine, "primary"));
    facts.now_ns = 2 * CLOCK_NS_PER_S;
    cr_expect(fault_rules_fire(&rules, &facts));
    fault_engine_heal(rules.engine, &rules.rule[0]);
    cr_expect_not(fault_engine_armed(rules.engine, &rules.rule[0]) || point_armed("primary/f"));
    cr_expect_not(fault_engine_any(rules.engine, "primary"));
    cr_expect_eq(fault_rules_meet(&rules, &facts, &n), 0);
    cr_expect_eq(fault_engine_arm(rules.engine, &rules.rule[0], facts.now_ns, &e), 0);
    cr_expect_eq(fault_engine_arm(rules.engine, &rules.rule[0], 0, &e), 0);
    cr_expect_not(fault_rules_fire(&rules, &facts), "its clock began anew, and only once");
    facts.now_ns = 4 * CLOCK_NS_PER_S;
    cr_expect(fault_rules_fire(&rules, &facts));
    cr_expect_not(fault_rules_fire(&rules, &facts), "the limit of 2 went on");
    fault_rules_close(&rules);
    cr_expect_not(point_armed("primary/f"), "an engine leaves no point open");
}

/* A gate that is closed under the engine holds its fault back, uncounted. */
Test(engine, a_closed_gate_holds_back)
{
    struct fault_facts facts = fault_rules_facts(1);
    struct err e = {0};
    size_t n;

    fault_rules_open(&rules, STATUS("'limit': 1"), 1);
    point_disarm("primary/f");
    cr_expect_eq(fault_rules_meet(&rules, &facts, &n), 0);
    cr_expect_eq(point_arm("primary/f", &e), 0);
    cr_expect(fault_rules_fire(&rules, &facts));
    cr_expect_eq(point_arm("primary/*", &e), -1, "a name must not open a family");
    fault_rules_close(&rules);
}

/* Decisions come in stage order, then document order, within the stages asked for, up to the most
 * that a caller has room for. */
Test(engine, order_and_bounds)
{
    struct fault_facts facts = fault_rules_facts(1);
    struct fault_decision out[FAULT_MAX_DECISIONS];
    char json[8192] = "{";

    fault_rules_open(&rules,
                     "{'a': {'on': 'primary', 'kind': 'latency', 'delay': '1s'},"
                     "'b': {'on': 'primary', 'kind': 'reset'}, 'c': {'on': 'primary', 'kind': "
                     "'corrupt'}, 'd': {'on': 'primary', 'kind': 'status', 'code': 500},"
                     "'e': {'on': 'primary', 'kind': 'status', 'code': 501},"
                     "'f': {'on': 'failover', 'kind': 'reset'}}",
                     1);
    cr_assert_eq(fault_decide(rules.engine, &facts, STAGE_LISTEN, STAGE_MACHINE, out), 5);
    cr_expect_str_eq(out[0].rule->name, "a");
    cr_expect_str_eq(out[1].rule->name, "d");
    cr_expect_str_eq(out[2].rule->name, "e");
    cr_expect_str_eq(out[3].rule->name, "c");
    cr_expect_str_eq(out[4].rule->name, "b");
    cr_expect_eq(fault_decide(rules.engine, &facts, STAGE_BODY, STAGE_BODY, out), 1);
    cr_expect_str_eq(out[0].rule->name, "c");
    facts.target = "primary/blobs";
    cr_expect_eq(fault_decide(rules.engine, &facts, STAGE_LISTEN, STAGE_MACHINE, out), 0);
    fault_rules_close(&rules);
    for (int i = 0; i < 40; i++) {
        size_t used = strlen(json);

        (void)snprintf(json + used, sizeof(json) - used,
                       "%s'r%d': {'on': 'primary', 'kind': 'reset'}%s", i ? ", " : "", i,
                       i < 39 ? "" : "}");
    }
    fault_rules_open(&rules, json, 1);
    facts.target = "primary";
    cr_expect_eq(fault_decide(rules.engine, &facts, STAGE_LISTEN, STAGE_MACHINE, out),
                 FAULT_MAX_DECISIONS);
    fault_rules_close(&rules);
}

/* Jitter stays within its bounds on both sides, is drawn for each request, and never goes below 0.
 */
Test(engine, jitter)
{
    const uint64_t ms = CLOCK_NS_PER_MS;
    uint64_t least = UINT64_MAX, most = 0, zero = 0;

    fault_rules_open(&rules,
                     "{'a': {'on': 'primary', 'kind': 'latency', 'delay': '100ms', 'jitter': "
                     "'40ms'}, 'b': {'on': 'primary', 'kind': 'latency', 'delay': '10ms', "
                     "'jitter': '30ms'}}",
                     7);
    for (uint64_t s = 1; s <= 400; s++) {
        struct fault_facts facts = fault_rules_facts(s);
        struct fault_decision out[FAULT_MAX_DECISIONS], again[FAULT_MAX_DECISIONS];
        uint64_t delay;

        cr_assert_eq(fault_decide(rules.engine, &facts, STAGE_RESPONSE, STAGE_BODY, out), 2);
        (void)fault_decide(rules.engine, &facts, STAGE_RESPONSE, STAGE_BODY, again);
        delay = out[0].action.delay_ns;
        cr_expect_eq(delay, again[0].action.delay_ns);
        cr_assert(delay >= 60 * ms && delay <= 140 * ms);
        cr_assert_leq(out[1].action.delay_ns, 40 * ms);
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
        zero += out[1].action.delay_ns == 0;
    }
    cr_expect_lt(least, 65 * ms);
    cr_expect_gt(most, 135 * ms);
    cr_expect(zero > 80 && zero < 200, "a third is clamped: %llu", (unsigned long long)zero);
    fault_rules_close(&rules);
}
