/* The reference subject's decisions: order of registries, back-off, names, manifests, ranges. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/clock.h"
#include "scenarios/subjects/lib/pull_backoff.h"
#include "scenarios/subjects/lib/pull_failure.h"
#include "scenarios/subjects/lib/pull_manifest.h"
#include "scenarios/subjects/lib/pull_options.h"
#include "scenarios/subjects/lib/pull_order.h"
#include "scenarios/subjects/lib/pull_range.h"
#include "scenarios/subjects/lib/pull_reference.h"

/* Fails the object on registry EXPECTED with KIND and returns the step. */
static enum pull_step fail_on(struct pull_order *o, struct pull_turn *t, size_t expected,
                              enum pull_failure_kind kind)
{
    cr_expect_eq(pull_turn_registry(o, t), expected, "asked %zu instead of %zu",
                 pull_turn_registry(o, t), expected);
    return pull_turn_failed(o, t, kind);
}

/* A 4xx and a time-out leave the primary after one attempt: the first cannot change, the second
 * would cost as much again. */
Test(build_start, falls_back_at_once)
{
    static const enum pull_failure_kind kinds[] = {PULL_REFUSES, PULL_LATER, PULL_SLOW};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct pull_order o;
        struct pull_turn t;

        pull_order_init(&o, PULL_FAILOVER, 2, 5);
        pull_turn_init(&t);
        cr_expect_eq(fail_on(&o, &t, 0, kinds[i]), PULL_FALL_BACK);
        cr_expect_eq(pull_turn_registry(&o, &t), 1);
    }
}

/* What is found out quickly is tried again on the same registry, and no more often than allowed. */
Test(build_start, tries_cheap_failures_again)
{
    struct pull_order o;
    struct pull_turn t;

    pull_order_init(&o, PULL_FAILOVER, 2, 3);
    pull_turn_init(&t);
    cr_expect_eq(fail_on(&o, &t, 0, PULL_BROKEN), PULL_AGAIN);
    cr_expect_eq(fail_on(&o, &t, 0, PULL_BROKEN), PULL_AGAIN);
    cr_expect_eq(fail_on(&o, &t, 0, PULL_BROKEN), PULL_FALL_BACK);
    cr_expect_eq(pull_turn_registry(&o, &t), 1);
}

/* A registry that failed one object is asked last for the next, but it is still asked. */
Test(build_start, failed_registry_goes_to_the_back)
{
    struct pull_order o;
    struct pull_turn manifest, blob;

    pull_order_init(&o, PULL_FAILOVER, 3, 0);
    pull_turn_init(&manifest);
    cr_expect_eq(fail_on(&o, &manifest, 0, PULL_REFUSES), PULL_FALL_BACK);
    pull_turn_init(&blob);
    cr_expect_eq(fail_on(&o, &blob, 1, PULL_REFUSES), PULL_FALL_BACK);
    cr_expect_eq(fail_on(&o, &blob, 2, PULL_REFUSES), PULL_FALL_BACK);
    cr_expect_eq(pull_turn_registry(&o, &blob), 0);
}

/* When all have failed they are asked again from the front, without the one that refused. */
Test(build_start, later_rounds_leave_out_refusals)
{
    struct pull_order o;
    struct pull_turn t;

    pull_order_init(&o, PULL_FAILOVER, 3, 1);
    pull_turn_init(&t);
    cr_expect_eq(fail_on(&o, &t, 0, PULL_SLOW), PULL_FALL_BACK);
    cr_expect_eq(fail_on(&o, &t, 1, PULL_REFUSES), PULL_FALL_BACK);
    cr_expect_eq(fail_on(&o, &t, 2, PULL_BROKEN), PULL_NEW_ROUND);
    cr_expect_eq(fail_on(&o, &t, 0, PULL_BROKEN), PULL_FALL_BACK);
    cr_expect_eq(fail_on(&o, &t, 2, PULL_BROKEN), PULL_NEW_ROUND);
}

/* Where every registry has refused, nothing is left to hope for: no second round. */
Test(build_start, gives_up_when_all_refuse)
{
    struct pull_order o;
    struct pull_turn t;

    pull_order_init(&o, PULL_FAILOVER, 2, 0);
    pull_turn_init(&t);
    cr_expect_eq(fail_on(&o, &t, 0, PULL_REFUSES), PULL_FALL_BACK);
    cr_expect_eq(fail_on(&o, &t, 1, PULL_REFUSES), PULL_GIVE_UP);
}

/* Our own full disk or passed deadline is nobody else's to repair, under any policy. */
Test(build_start, fatal_failures_end_the_start)
{
    static const enum pull_policy policies[] = {PULL_NAIVE, PULL_RETRY, PULL_FAILOVER};

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        struct pull_order o;
        struct pull_turn t;

        pull_order_init(&o, policies[i], 2, 0);
        pull_turn_init(&t);
        cr_expect_eq(fail_on(&o, &t, 0, PULL_FATAL), PULL_GIVE_UP);
    }
}

/* However all registries fail, an object is given up after attempts x rounds on each. */
Test(build_start, attempts_are_bounded)
{
    struct pull_order o;
    struct pull_turn t;
    unsigned asked[PULL_MAX_REGISTRIES] = {0};
    unsigned total = 0;

    pull_order_init(&o, PULL_FAILOVER, PULL_MAX_REGISTRIES, 4);
    pull_turn_init(&t);
    do {
        asked[pull_turn_registry(&o, &t)]++;
        total++;
    } while (pull_turn_failed(&o, &t, PULL_BROKEN) != PULL_GIVE_UP && total < 1000);
    cr_expect_eq(total, PULL_MAX_REGISTRIES * 4 * PULL_MAX_ROUNDS);
    for (size_t i = 0; i < PULL_MAX_REGISTRIES; i++)
        cr_expect_eq(asked[i], 4 * PULL_MAX_ROUNDS);
}

/* The retry policy is the incident's: even a 404 is retried, and the failover is never asked. */
Test(build_start, retry_stays_on_the_primary)
{
    struct pull_order o;
    struct pull_turn t;

    pull_order_init(&o, PULL_RETRY, 2, 3);
    pull_turn_init(&t);
    cr_expect_eq(fail_on(&o, &t, 0, PULL_REFUSES), PULL_AGAIN);
    cr_expect_eq(fail_on(&o, &t, 0, PULL_SLOW), PULL_AGAIN);
    cr_expect_eq(fail_on(&o, &t, 0, PULL_BROKEN), PULL_GIVE_UP);
}

/* The naive policy makes one attempt, whatever --attempts says. */
Test(build_start, naive_asks_once)
{
    struct pull_order o;
    struct pull_turn t;

    pull_order_init(&o, PULL_NAIVE, 2, 9);
    pull_turn_init(&t);
    cr_expect_eq(fail_on(&o, &t, 0, PULL_BROKEN), PULL_GIVE_UP);
}

/* The failover's first back-off is a first back-off, whatever the primary cost before it. */
Test(build_start, back_off_counts_by_registry)
{
    struct pull_order o;
    struct pull_turn t;

    pull_order_init(&o, PULL_FAILOVER, 2, 2);
    pull_turn_init(&t);
    cr_expect_eq(fail_on(&o, &t, 0, PULL_BROKEN), PULL_AGAIN);
    cr_expect_eq(pull_turn_exponent(&o, &t), 1);
    cr_expect_eq(fail_on(&o, &t, 0, PULL_BROKEN), PULL_FALL_BACK);
    cr_expect_eq(fail_on(&o, &t, 1, PULL_BROKEN), PULL_AGAIN);
    cr_expect_eq(pull_turn_exponent(&o, &t), 1);
    cr_expect_eq(fail_on(&o, &t, 1, PULL_BROKEN), PULL_NEW_ROUND);
    cr_expect_eq(pull_turn_exponent(&o, &t), 2);
}

/* The ceiling doubles and stops at the maximum, also where doubling would overflow; full jitter
 * spreads from nothing to the ceiling. */
Test(build_start, back_off_is_bounded)
{
    const struct pull_backoff small = {50, 2000};
    const struct pull_backoff huge = {UINT64_MAX / 2 + 1, UINT64_MAX};
    const struct pull_backoff none = {0, 2000};

    cr_expect_eq(pull_backoff_ceiling(&small, 1), 50);
    cr_expect_eq(pull_backoff_ceiling(&small, 2), 100);
    cr_expect_eq(pull_backoff_ceiling(&small, 6), 1600);
    cr_expect_eq(pull_backoff_ceiling(&small, 7), 2000);
    cr_expect_eq(pull_backoff_ceiling(&small, 4000000), 2000);
    cr_expect_eq(pull_backoff_ceiling(&huge, 3), UINT64_MAX);
    cr_expect_eq(pull_backoff_ceiling(&none, 70), 0);
    cr_expect_eq(pull_backoff_wait(&small, 2, 0.0), 0);
    cr_expect_eq(pull_backoff_wait(&small, 2, 0.5), 50);
}

/* Only a request to come back later, or a 5xx, may be worth another attempt. */
Test(build_start, statuses_have_kinds)
{
    cr_expect_eq(pull_status_kind(404, 0), PULL_REFUSES);
    cr_expect_eq(pull_status_kind(401, 0), PULL_REFUSES);
    cr_expect_eq(pull_status_kind(408, 0), PULL_LATER);
    cr_expect_eq(pull_status_kind(429, 0), PULL_LATER);
    cr_expect_eq(pull_status_kind(500, 0), PULL_BROKEN);
    cr_expect_eq(pull_status_kind(503, 0), PULL_BROKEN);
    cr_expect_eq(pull_status_kind(503, CLOCK_NS_PER_S), PULL_LATER);
}

/* A part is taken only if it begins where ours ends and belongs to a whole of the right size. */
Test(build_start, content_range_must_continue_ours)
{
    cr_expect(pull_range_matches("bytes 100-999/1000", 100, 1000));
    cr_expect(pull_range_matches("bytes 100-999/*", 100, 1000));
    cr_expect(pull_range_matches("Bytes 100-500/1000", 100, 1000));
    static const char *const wrong[] = {
        "",
        "bytes",
        "bytes ",
        "bytes 99-999/1000",
        "bytes 101-999/1000",
        "bytes 100-1000/1000",
        "bytes 100-99/1000",
        "bytes 100-999/1001",
        "bytes 100-999",
        "bytes 100-999/",
        "bytes 100-999/1000 ",
        "bytes -100-999/1000",
        "bytes 18446744073709551716-999/1000",
        "items 100-999/1000",
        "bytes */1000",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        cr_expect_not(pull_range_matches(wrong[i], 100, 1000), "\"%s\"", wrong[i]);
}

/* References are read by the specification's grammar; nothing else can get into a URL. */
Test(build_start, references_are_checked)
{
    static const char *const wrong[] = {"ci/agent",           "ci/agent:",   "CI/agent:x",
                                        "ci//agent:x",        "/ci/agent:x", "../agent:x",
                                        "ci/agent:.x",        "ci/a b:x",    "ci/agent:x/y",
                                        "ci/agent@sha256:12", ":x",          "ci/-a:x"};
    struct pull_reference r;
    struct err e = {0};

    cr_assert_eq(pull_reference_parse("ci/build__agent-2:stable_1.0", &r, &e), 0, "%s", e.text);
    cr_expect_str_eq(r.repository, "ci/build__agent-2");
    cr_expect_str_eq(r.reference, "stable_1.0");
    cr_expect_not(r.by_digest);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        memset(&e, 0, sizeof(e));
        cr_expect_eq(pull_reference_parse(wrong[i], &r, &e), -1, "\"%s\"", wrong[i]);
        cr_expect_eq(e.code, ERR_USAGE);
    }
}

/* An endpoint is a host and a port and nothing that could turn into a path or a user name. */
Test(build_start, endpoints_are_checked)
{
    static const char *const wrong[] = {"",           "host",     "host:",    "host:0",
                                        "host:65536", ":5000",    "a/b:5000", "u@h:5000",
                                        "h:50x",      "::1:5000", "h:1 ",     "http://h:1"};

    cr_expect(pull_endpoint_valid("127.0.0.1:5000"));
    cr_expect(pull_endpoint_valid("registry.example:65535"));
    cr_expect(pull_endpoint_valid("[::1]:5000"));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        cr_expect_not(pull_endpoint_valid(wrong[i]), "\"%s\"", wrong[i]);
}

#define HEX "298ca0265f3a6c3d468a28e1e9caa9af4e0f40302613ddd8e97f5a1f603e9411"
#define DESC(type, size)                                                                           \
    "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" HEX "\",\"size\":" size "}"
#define OCI "application/vnd.oci.image."
#define CONFIG DESC(OCI "config.v1+json", "248")
#define LAYER DESC(OCI "layer.v1.tar+gzip", "65536")

static const struct image_platform amd64 = {.os = "linux", .architecture = "amd64"};

static int parse(const char *text, const char *content_type, struct pull_manifest *m)
{
    struct err e = {0};

    return pull_manifest_parse(text, strlen(text), content_type, &amd64, m, &e);
}

/* A manifest gives its blobs, config first; without its own type the answer's counts. */
Test(build_start, manifest_names_its_blobs)
{
    struct pull_manifest m;

    cr_assert_eq(parse("{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[" LAYER "],"
                       "\"annotations\":{\"org.opencontainers.image.version\":\"1.2.3\"}}",
                       OCI "manifest.v1+json; charset=utf-8", &m),
                 0);
    cr_expect_not(m.index);
    cr_expect_str_eq(m.media_type, OCI "manifest.v1+json");
    cr_expect_str_eq(m.version, "1.2.3");
    cr_assert_eq(m.count, 2);
    cr_expect_eq(m.blobs[0].size, 248);
    cr_expect_str_eq(m.blobs[1].digest, "sha256:" HEX);
    cr_expect_eq(m.blobs[1].size, 65536);
    pull_manifest_close(&m);
}

/* Of an index the child for linux/amd64 is taken, not the first. */
Test(build_start, index_gives_the_child_for_this_platform)
{
    struct pull_manifest m;

    cr_assert_eq(parse("{\"schemaVersion\":2,\"mediaType\":\"" OCI "index.v1+json\",\"manifests\":["
                       "{\"mediaType\":\"" OCI "manifest.v1+json\",\"digest\":\"sha256:" HEX
                       "\",\"size\":1,\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}},"
                       "{\"mediaType\":\"" OCI "manifest.v1+json\",\"digest\":\"sha256:" HEX
                       "\",\"size\":2,\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}"
                       "]}",
                       "", &m),
                 0);
    cr_expect(m.index);
    cr_expect_eq(m.child.size, 2);
    cr_expect_eq(m.count, 0);
}

/* A variant that fits is preferred to none, and none to one that may not run; a machine without a
 * variant takes whatever is listed for its architecture. */
Test(build_start, platforms_that_fit)
{
    struct image_platform v8 = {.os = "linux", .architecture = "arm64", .variant = "v8"};
    struct image_platform plain = {.os = "linux", .architecture = "arm64"};
    struct image_platform host;

    cr_expect_gt(pull_platform_fit(&v8, "linux", "arm64", "v8"),
                 pull_platform_fit(&v8, "linux", "arm64", NULL));
    cr_expect_gt(pull_platform_fit(&v8, "linux", "arm64", ""), 0);
    cr_expect_eq(pull_platform_fit(&v8, "linux", "arm64", "v9"), 0);
    cr_expect_gt(pull_platform_fit(&plain, "linux", "arm64", NULL),
                 pull_platform_fit(&plain, "linux", "arm64", "v8"));
    cr_expect_gt(pull_platform_fit(&plain, "linux", "arm64", "v8"), 0);
    cr_expect_eq(pull_platform_fit(&plain, "linux", "amd64", NULL), 0);
    cr_expect_eq(pull_platform_fit(&plain, "windows", "arm64", NULL), 0);
    cr_expect_eq(pull_platform_fit(&plain, NULL, "arm64", NULL), 0);
    pull_platform_host(&host);
    cr_expect_eq(pull_platform_fit(&host, host.os, host.architecture, host.variant), 3);
}

/* Error pages, half documents and ambiguous ones are no manifests, and leave nothing allocated. */
Test(build_start, what_is_no_manifest_is_refused)
{
    static const char *const wrong[] = {
        "",
        "<html>",
        "{}",
        "[]",
        "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}",
        "{\"schemaVersion\":1,\"config\":" CONFIG ",\"layers\":[]}",
        "{\"schemaVersion\":2,\"config\":" CONFIG "}",
        "{\"schemaVersion\":2,\"layers\":[]}",
        "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[],\"layers\":[" LAYER "]}",
        "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[],\"manifests\":[]}",
        "{\"schemaVersion\":2,\"mediaType\":\"text/plain\",\"config\":" CONFIG ",\"layers\":[]}",
        "{\"schemaVersion\":2,\"mediaType\":\"" OCI "index.v1+json\",\"manifests\":[]}",
        "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[{\"digest\":\"sha256:12\"}]}",
        "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[" DESC("a", "-1") "]}",
        "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[" DESC("a", "1e3") "]}",
        "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[" DESC("a", "99999999999999") "]}",
    };
    struct pull_manifest m;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_expect_eq(parse(wrong[i], OCI "manifest.v1+json", &m), -1, "%s", wrong[i]);
        cr_expect_null(m.blobs);
    }
}

/* More layers than the stated maximum are refused before memory is taken for them. */
Test(build_start, too_many_layers_are_refused)
{
    static char text[PULL_MAX_BLOBS * 256 + 512];
    size_t len = (size_t)snprintf(text, sizeof(text),
                                  "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[" LAYER);
    struct pull_manifest m;

    for (unsigned i = 1; i < PULL_MAX_BLOBS; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "," LAYER);
    snprintf(text + len, sizeof(text) - len, "]}");
    cr_expect_eq(parse(text, OCI "manifest.v1+json", &m), -1);
    cr_expect_null(m.blobs);
}

/* The command line gives the order of registries: the primary first, wherever it stands. */
Test(build_start, options_keep_the_order_of_registries)
{
    char *argv[] = {"build-start", "--failover", "b:2", "--failover=c:3",
                    "ci/agent:x",  "--primary",  "a:1", "--head-timeout",
                    "250ms",       NULL};
    struct pull_options o;
    struct err e = {0};

    cr_assert_eq(pull_options_parse(9, argv, &o, &e), 0, "%s", e.text);
    cr_assert_eq(o.registry_count, 3);
    cr_expect_str_eq(o.registries[0], "a:1");
    cr_expect_str_eq(o.registries[1], "b:2");
    cr_expect_str_eq(o.registries[2], "c:3");
    cr_expect_eq(o.policy, PULL_FAILOVER);
    cr_expect_eq(o.limits.head_ns, 250 * CLOCK_NS_PER_MS);
    cr_expect_str_eq(o.image.repository, "ci/agent");
}

/* Every mistake on the command line is a usage error, not a default. */
Test(build_start, options_refuse_mistakes)
{
    static const char *const wrong[] = {
        "--policy=none",       "--primary=a",        "--attempts=0",      "--attempts=-1",
        "--attempts=2x",       "--deadline=5",       "--head-timeout=0s", "--low-speed-limit=9",
        "--connect-timeout=x", "--scheme=ftp",       "--seed=",           "--bogus",
        "another:image",       "--digest=sha256:12",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char option[64];
        char *argv[] = {"build-start", "--primary", "a:1", "ci/agent:x", option, NULL};
        struct pull_options o;
        struct err e = {0};

        snprintf(option, sizeof(option), "%s", wrong[i]);
        cr_expect_eq(pull_options_parse(5, argv, &o, &e), -1, "%s", option);
        cr_expect_eq(e.code, ERR_USAGE, "%s", option);
    }
}
