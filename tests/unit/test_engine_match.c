/* Which rules meet a request: match keys, deleted images, and actions that could not show. */
#include <criterion/criterion.h>
#include <string.h>
#include <strings.h>

#include "tests/lib/fault_rules.h"

static struct fault_rules rules;

#define STALL(match) "{'f': {'on': 'primary', 'kind': 'stall', 'match': {" match "}}}"
#define DIGEST "sha256:aa"

static const char *const image_blobs[] = {"sha256:b1", "sha256:b2"};
static const struct fault_image image = {.name = "agent",
                                         .repository = "ci/agent",
                                         .tag = "stable",
                                         .digest = DIGEST,
                                         .blobs = image_blobs,
                                         .blob_count = 2};

static void expect_meets(const char *json, const struct fault_facts *facts, bool meets)
{
    size_t fired;

    fault_rules_open(&rules, json, 1);
    for (size_t i = 0; i < rules.count; i++) {
        rules.rule[i].image = &image;
    }
    cr_expect_eq(fault_rules_meet(&rules, facts, &fired), meets ? 1 : 0, "%s", json);
    cr_expect_eq(fired, meets ? 1 : 0, "%s", json);
    fault_rules_close(&rules);
}

/* A `ref` names a tag or a digest with or without its repository, or a whole repository. */
Test(engine_match, ref)
{
    struct fault_facts tag = fault_rules_facts(1);
    struct fault_facts digest = fault_rules_facts(1);
    struct fault_facts ping = fault_rules_facts(1);

    digest.reference = DIGEST;
    ping.op = OP_PING;
    ping.repository = ping.reference = ping.digest = NULL;
    expect_meets(STALL("'ref': 'ci/agent:stable'"), &tag, true);
    expect_meets(STALL("'ref': 'stable'"), &tag, true);
    expect_meets(STALL("'ref': 'ci/agent'"), &tag, true);
    expect_meets(STALL("'ref': 'ci/*'"), &tag, true);
    expect_meets(STALL("'ref': '*agent:st?ble'"), &tag, true);
    expect_meets(STALL("'ref': 'ci/agent@sha256:aa'"), &digest, true);
    expect_meets(STALL("'ref': 'sha256:*'"), &digest, true);
    expect_meets(STALL("'ref': 'ci/agent:stable'"), &digest, false);
    expect_meets(STALL("'ref': 'ci/agen'"), &tag, false);
    expect_meets(STALL("'ref': 'agent'"), &tag, false);
    expect_meets(STALL("'ref': 'ci/agent@stable'"), &tag, false);
    expect_meets(STALL("'ref': '*'"), &ping, false);
}

static const char *find_header(const void *data, const char *name)
{
    return strcasecmp(name, "user-agent") == 0 ? data : NULL;
}

/* Each other key narrows by itself, and all of them must hold. */
Test(engine_match, other_keys)
{
    struct fault_facts facts = fault_rules_facts(1);

    facts.header = find_header;
    facts.header_data = "containerd/1.7";
    expect_meets(STALL("'op': 'manifest-*'"), &facts, true);
    expect_meets(STALL("'op': ['blob-*', 'ping']"), &facts, false);
    expect_meets(STALL("'digest': 'sha256:a*'"), &facts, true);
    expect_meets(STALL("'digest': 'sha256:b*'"), &facts, false);
    expect_meets(STALL("'path': '/v2/*/manifests/*'"), &facts, true);
    expect_meets(STALL("'path': '/v2'"), &facts, false);
    expect_meets(STALL("'lane': 1"), &facts, true);
    expect_meets(STALL("'lane': 2"), &facts, false);
    expect_meets(STALL("'header': {'name': 'User-Agent', 'value': 'containerd/*'}"), &facts, true);
    expect_meets(STALL("'header': {'name': 'User-Agent', 'value': 'docker/*'}"), &facts, false);
    expect_meets(STALL("'header': {'name': 'Range'}"), &facts, false);
    expect_meets(STALL("'lane': 1, 'op': 'blob-get'"), &facts, false);
    facts.header = NULL;
    expect_meets(STALL("'header': {'name': 'User-Agent'}"), &facts, false);
    facts.digest = NULL;
    expect_meets(STALL("'digest': '*'"), &facts, false);
}

#define DELETE(more) "{'f': {'on': 'primary', 'kind': 'delete-image', 'image': 'agent'" more "}}"

/* A deleted image is met by what asks for it, and by nothing else. */
Test(engine_match, deleted_image)
{
    struct fault_facts facts = fault_rules_facts(1);

    expect_meets(DELETE(""), &facts, true);
    facts.reference = DIGEST;
    expect_meets(DELETE(""), &facts, true);
    facts.op = OP_REFERRERS;
    expect_meets(DELETE(""), &facts, true);
    facts.op = OP_MANIFEST_HEAD;
    facts.reference = "canary";
    expect_meets(DELETE(""), &facts, true); /* another tag of it */
    facts.digest = "sha256:dd";
    expect_meets(DELETE(""), &facts, false);
    facts.reference = "stable"; /* its own tag, which stands for another image now */
    expect_meets(DELETE(""), &facts, false);
    facts.digest = NULL;
    expect_meets(DELETE(""), &facts, true);
    facts.digest = DIGEST;
    facts.repository = "ci/other";
    expect_meets(DELETE(""), &facts, false);
    facts.repository = "ci/agent";
    facts.op = OP_TAGS;
    facts.reference = NULL;
    expect_meets(DELETE(""), &facts, true);
    expect_meets(DELETE(", 'match': {'op': 'manifest-*'}"), &facts, false);
    facts.op = OP_BLOB_GET;
    facts.reference = "sha256:b2";
    expect_meets(DELETE(""), &facts, false);
    expect_meets(DELETE(", 'blobs': 'gone'"), &facts, true);
    facts.reference = "sha256:b3";
    expect_meets(DELETE(", 'blobs': 'gone'"), &facts, false);
}

#define STALE(more) "{'f': {'on': 'primary', 'kind': 'stale-tag', 'image': 'agent'" more "}}"

/* A stale tag is met by who asks for the tag where it stands for another image; nothing shows where
 * it stands for that one anyhow. */
Test(engine_match, stale_tag)
{
    struct fault_facts facts = fault_rules_facts(1);

    expect_meets(STALE(""), &facts, false);
    facts.digest = "sha256:dd";
    expect_meets(STALE(""), &facts, true);
    expect_meets(STALE(", 'tag': 'next'"), &facts, false);
    facts.reference = "next";
    expect_meets(STALE(", 'tag': 'next'"), &facts, true);
    facts.digest = NULL;
    expect_meets(STALE(", 'tag': 'next'"), &facts, true);
    facts.op = OP_MANIFEST_HEAD;
    expect_meets(STALE(", 'tag': 'next'"), &facts, true);
    facts.repository = "ci/other";
    expect_meets(STALE(", 'tag': 'next'"), &facts, false);
    facts.repository = "ci/agent";
    facts.op = OP_TAGS;
    expect_meets(STALE(", 'tag': 'next'"), &facts, false);
}

/* The views that the store is seen through hide the image's own names alone. */
Test(engine_match, views)
{
    struct fault_rule *keep, *gone, *stall;

    fault_rules_open(&rules,
                     "{'a': {'on': 'p', 'kind': 'delete-image', 'image': 'agent'},"
                     "'b': {'on': 'p', 'kind': 'delete-image', 'image': 'agent', 'blobs': 'gone'},"
                     "'c': {'on': 'p', 'kind': 'stall'}}",
                     1);
    keep = &rules.rule[0];
    gone = &rules.rule[1];
    stall = &rules.rule[2];
    cr_expect_not(fault_hides_manifest(keep, "ci/agent", "stable"), "not bound to an image yet");
    keep->image = gone->image = stall->image = &image;
    cr_expect(fault_hides_manifest(keep, "ci/agent", "stable"));
    cr_expect(fault_hides_manifest(keep, "ci/agent", DIGEST));
    cr_expect_not(fault_hides_manifest(keep, "ci/agent", "canary"));
    cr_expect_not(fault_hides_manifest(keep, "ci/agent2", "stable"));
    cr_expect_not(fault_hides_manifest(keep, NULL, "stable"));
    cr_expect_not(fault_hides_manifest(keep, "ci/agent", NULL));
    cr_expect_not(fault_hides_manifest(stall, "ci/agent", "stable"));
    cr_expect(fault_hides_tag(keep, "ci/agent", "stable"));
    cr_expect_not(fault_hides_tag(keep, "ci/agent", DIGEST));
    cr_expect_not(fault_hides_blob(keep, "ci/agent", "sha256:b1"));
    cr_expect(fault_hides_blob(gone, "ci/agent", "sha256:b1"));
    cr_expect_not(fault_hides_blob(gone, "ci/agent", "sha256:b3"));
    cr_expect_not(fault_hides_blob(gone, "ci/other", "sha256:b1"));
    fault_rules_close(&rules);
}

/* Of an index, what it lists goes with it. */
Test(engine_match, views_of_an_index)
{
    static const char *const listed[] = {"sha256:m1", "sha256:m2"};
    struct fault_image index = image;

    index.manifests = listed;
    index.manifest_count = 2;
    fault_rules_open(&rules, "{'a': {'on': 'p', 'kind': 'delete-image', 'image': 'agent'}}", 1);
    rules.rule[0].image = &index;
    cr_expect(fault_hides_manifest(&rules.rule[0], "ci/agent", DIGEST));
    cr_expect(fault_hides_manifest(&rules.rule[0], "ci/agent", "sha256:m2"));
    cr_expect_not(fault_hides_manifest(&rules.rule[0], "ci/agent", "sha256:m3"));
    cr_expect_not(fault_hides_manifest(&rules.rule[0], "ci/other", "sha256:m2"));
    fault_rules_close(&rules);
}

#define BODY(kind) "{'f': {'on': 'primary', 'kind': " kind "}}"

/* A fault that alters a body does not meet an answer that has no such byte: it would count as
 * fired where the client saw nothing. */
Test(engine_match, what_could_not_show)
{
    struct fault_facts facts = fault_rules_facts(1);

    facts.body_bytes = 100;
    expect_meets(BODY("'truncate', 'after-bytes': 99"), &facts, true);
    expect_meets(BODY("'truncate', 'after-bytes': 100"), &facts, false);
    expect_meets(BODY("'reset', 'after-bytes': 99"), &facts, true);
    expect_meets(BODY("'reset', 'after-bytes': 100"), &facts, false);
    expect_meets(BODY("'stall', 'after-bytes': 0"), &facts, true);
    expect_meets(BODY("'close', 'after-bytes': '1KiB'"), &facts, false);
    expect_meets(BODY("'corrupt', 'offset': 99"), &facts, true);
    expect_meets(BODY("'corrupt', 'offset': 100"), &facts, false);
    facts.status = 404;
    expect_meets(BODY("'corrupt'"), &facts, false);
    expect_meets(BODY("'truncate', 'after-bytes': 1"), &facts, true);
    facts.status = 200;
    facts.body_bytes = 0;
    expect_meets(BODY("'corrupt'"), &facts, false);
    expect_meets(BODY("'reset', 'after-bytes': 0"), &facts, false);
    expect_meets(BODY("'reset'"), &facts, true);
    facts.op = OP_MANIFEST_HEAD;
    facts.body_bytes = 100;
    expect_meets(BODY("'reset', 'after-bytes': 1"), &facts, false);
    expect_meets(BODY("'truncate', 'after-bytes': 1"), &facts, false);
    expect_meets(BODY("'corrupt'"), &facts, false);
    expect_meets(BODY("'reset'"), &facts, true);
    expect_meets(BODY("'status', 'code': 500"), &facts, true);
}

static struct fault_action act(const char *json, uint64_t start, uint64_t body)
{
    struct fault_facts facts = fault_rules_facts(start);
    struct fault_decision out[FAULT_MAX_DECISIONS];

    facts.body_bytes = body;
    fault_rules_open(&rules, json, 9);
    cr_assert_eq(fault_decide(rules.engine, &facts, STAGE_LISTEN, STAGE_MACHINE, out), 1);
    return out[0].action;
}

static void expect_text(const char *json, uint64_t body, const char *expected)
{
    struct fault_action action = act(json, 1, body);
    char text[80];

    fault_action_text(&action, text, sizeof(text));
    cr_expect_str_eq(text, expected, "got: %s", text);
    fault_rules_close(&rules);
}

/* Actions are resolved against the body they meet, and never reach past it. */
Test(engine_match, resolved_actions)
{
    expect_text(BODY("'status', 'code': 429"), 10, "status 429");
    expect_text(BODY("'latency', 'delay': '1.5s'"), 10, "latency 1.5s");
    expect_text(BODY("'stall'"), 10, "stall before the head");
    expect_text(BODY("'reset', 'after-bytes': 1"), 10, "reset after 1 byte");
    expect_text(BODY("'truncate', 'after-bytes': '4KiB'"), 5000, "truncate after 4096 bytes");
    expect_text(BODY("'corrupt'"), 1001, "corrupt 1 byte at 500");
    expect_text(BODY("'corrupt'"), 1, "corrupt 1 byte at 0");
    expect_text(BODY("'corrupt', 'offset': 8, 'bytes': 64"), 10, "corrupt 2 bytes at 8");
}

/* The flipped bit is one, drawn for each request: a client must not be right by luck of one bit. */
Test(engine_match, corrupt_flips_one_bit)
{
    unsigned seen = 0;

    for (uint64_t start = 1; start <= 100; start++) {
        uint8_t flip = act(BODY("'corrupt'"), start, 100).flip;

        cr_assert(flip != 0 && (flip & (flip - 1)) == 0, "%u", flip);
        seen |= flip;
        fault_rules_close(&rules);
    }
    cr_expect_eq(seen, 0xff);
}

/* Only an armed `refuse` of the target and lane holds a listener closed. */
Test(engine_match, refuses)
{
    fault_rules_open(&rules,
                     "{'a': {'on': 'primary', 'kind': 'refuse', 'match': {'lane': 2}},"
                     "'b': {'on': 'failover', 'kind': 'refuse'},"
                     "'c': {'on': 'primary', 'kind': 'reset'}}",
                     1);
    cr_expect_null(fault_engine_closes(rules.engine, FAULT_REFUSE, "primary", 1));
    cr_expect_eq(fault_engine_closes(rules.engine, FAULT_REFUSE, "primary", 2), &rules.rule[0]);
    cr_expect_eq(fault_engine_closes(rules.engine, FAULT_REFUSE, "failover", 7), &rules.rule[1]);
    cr_expect_null(fault_engine_closes(rules.engine, FAULT_REFUSE, "failover/blobs", 7));
    fault_engine_heal(rules.engine, &rules.rule[1]);
    cr_expect_null(fault_engine_closes(rules.engine, FAULT_REFUSE, "failover", 7));
    fault_rules_close(&rules);
}
