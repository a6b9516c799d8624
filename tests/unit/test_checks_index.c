/* Checks where images are indexes, or were on the machine before: what counts as the image. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/lib/check_run.h"

#define IS(r, kind)                                                                                \
    cr_expect_eq(check_run_finish(r), kind, "got %s", verdict_name((r)->out.verdict))
#define SAYS(r, words) cr_expect(check_run_says(r, words))

static const struct check_scenario indexes = {
    .images = "{'agent': {'ref': 'ci/agent:stable', 'layers': ['1KiB'],"
              "'platforms': ['linux/amd64', 'linux/arm64']},"
              "'other': {'ref': 'ci/agent:other', 'layers': ['1KiB']}}"};

/* The index from one registry, the manifest of a platform from another. */
static void pull_from_two(struct check_run *r, const char *index, const char *rest, size_t platform)
{
    hb_begin(r->b, "build-start", 1);
    hb_get(r->b, 1, index, OP_MANIFEST_GET, "stable", 200);
    hb_pull_manifest(r->b, 1, rest, 0, platform);
}

static void end_claiming(struct check_run *r, const char *digest, const char *layout)
{
    char result[256];
    snprintf(result, sizeof result, "{\"digest\": \"%s\"}", digest);
    hb_end_with(r->b, 1, (struct event_start_end){.result = result, .layout = layout});
}

/* Both manifests have to be served by the registry: the index and what it leads to. */
Test(checks_index, served_by_all_manifests)
{
    struct check_run r;
    check_run_open(&r, &indexes, "{'check': 'served-by', 'registry': 'primary'}");
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 1);
    cr_expect_not(r.c.lost);
    pull_from_two(&r, "primary", "failover", 0);
    hb_end(r.b, 1, 0);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "1 of 2 (50%)");
    SAYS(&r, "start 2 (steady): manifest served by failover");
    check_run_close(&r);
    check_run_open(&r, &indexes, "{'check': 'served-by', 'registry': 'failover'}");
    check_run_phase(&r, "steady");
    pull_from_two(&r, "primary", "failover", 0);
    hb_end(r.b, 1, 0);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "start 1 (steady): index served by primary");
    check_run_close(&r);
}

/* Blobs are named by their place in their manifest. */
Test(checks_index, served_by_blobs)
{
    struct check_run r;
    check_run_open(&r, &indexes,
                   "{'check': 'served-by', 'registry': 'primary', 'object': 'blobs', 'max': 0}");
    check_run_phase(&r, "steady");
    pull_from_two(&r, "primary", "failover", 1);
    hb_end(r.b, 1, 0);
    cr_expect_not(r.c.lost);
    check_run_good(&r, "primary", 1);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "start 2 (steady): config served by primary");
    check_run_close(&r);
}

/* A start has come back only where its index and its manifest come from there. */
Test(checks_index, returns_to)
{
    struct check_run r;
    check_run_open(&r, &indexes,
                   "{'check': 'returns-to', 'registry': 'primary', 'during': 'recovery',"
                   "'within-starts': 1}");
    check_run_phase(&r, "recovery");
    check_run_good(&r, "primary", 1);
    cr_expect_not(r.c.lost);
    pull_from_two(&r, "primary", "failover", 0);
    hb_end(r.b, 1, 0);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "start 2 (recovery): manifest served by failover");
    check_run_close(&r);
}

/* Whichever platform a machine takes, it got the same image; by config it did not. */
Test(checks_index, same_digest_of_platforms)
{
    static const struct {
        const char *check;
        enum verdict_kind verdict;
    } ways[] = {{"{'check': 'same-digest'}", VERDICT_PASS},
                {"{'check': 'same-digest', 'image': 'agent'}", VERDICT_PASS},
                {"{'check': 'same-digest', 'image': 'agent', 'by': 'config'}", VERDICT_PASS},
                {"{'check': 'same-digest', 'by': 'config'}", VERDICT_FAIL}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct check_run r;
        check_run_open(&r, &indexes, ways[i].check);
        check_run_phase(&r, "steady");
        for (size_t platform = 0; platform < 2; platform++) {
            pull_from_two(&r, "primary", "primary", platform);
            hb_end(r.b, 1, 0);
        }
        cr_expect_eq(check_run_finish(&r), ways[i].verdict, "%s", ways[i].check);
        check_run_close(&r);
    }
}

/* The digest of the index is right, and that of the manifest it took; another platform's is not. */
Test(checks_index, claims)
{
    struct check_run r;
    check_run_open(&r, &indexes, "{'check': 'same-digest', 'image': 'agent'}");
    const struct plan_image *image = &r.b->plan->images[0];
    check_run_phase(&r, "steady");
    pull_from_two(&r, "primary", "primary", 1);
    end_claiming(&r, image->digest, NULL);
    pull_from_two(&r, "primary", "primary", 1);
    end_claiming(&r, image->manifests[1].digest, NULL);
    cr_expect_not(r.c.lost);
    pull_from_two(&r, "primary", "primary", 1);
    end_claiming(&r, image->manifests[0].digest, NULL);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "2 of 3 (66.7%)");
    SAYS(&r, "start 3 (steady): claims sha256:00c0");
    check_run_close(&r);
}

/* Requests for what an index lists are requests for the image. */
Test(checks_index, requests)
{
    struct check_run r;
    check_run_open(&r, &indexes,
                   "{'check': 'requests', 'image': 'agent', 'op': 'manifest-get', 'max': 1}");
    check_run_phase(&r, "steady");
    pull_from_two(&r, "primary", "primary", 1);
    hb_end(r.b, 1, 0);
    IS(&r, VERDICT_FAIL);
    check_run_close(&r);
}

/* ---- baked in ------------------------------------------------------------------------------ */

static const struct check_scenario baked_in = {
    .images = "{'agent': {'ref': 'ci/agent:stable', 'layers': ['1KiB']},"
              "'old': {'ref': 'ci/agent:old', 'layers': ['1KiB']}}",
    .subjects = "{'build-start': {'command': ['x'], 'baked-in': true}}"};

static const char *digest_of(const struct check_run *r, size_t image)
{
    return r->b->plan->images[image].digest;
}

/* What a machine had already counts as what it runs, once the harness has hashed it. */
Test(checks_index, baked_in_image)
{
    struct check_run r;
    check_run_open(&r, &baked_in, "{'check': 'same-digest'}");
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 1);
    hb_begin(r.b, "build-start", 1);
    end_claiming(&r, digest_of(&r, 0), "whole");
    cr_expect_not(r.c.lost);
    hb_begin(r.b, "build-start", 1);
    end_claiming(&r, digest_of(&r, 1), "whole");
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "start 3 (steady): runs, baked in, sha256:01a0");
    check_run_close(&r);
}

/* A claim alone shows nothing, and one that the layout belies is wrong. */
Test(checks_index, baked_in_claims)
{
    static const struct {
        const char *layout;
        enum verdict_kind verdict;
    } ways[] = {{NULL, VERDICT_INCONCLUSIVE}, {"whole", VERDICT_PASS}, {"broken: x", VERDICT_FAIL}};
    for (size_t i = 0; i < 3; i++) {
        struct check_run r;
        check_run_open(&r, &baked_in, "{'check': 'same-digest'}");
        check_run_phase(&r, "steady");
        hb_begin(r.b, "build-start", 1);
        end_claiming(&r, digest_of(&r, 0), ways[i].layout);
        IS(&r, ways[i].verdict);
        check_run_close(&r);
    }
}

/* A start that pulled its image runs that one, whatever else lies on its machine. */
Test(checks_index, pulled_beats_baked_in)
{
    struct check_run r;
    check_run_open(&r, &baked_in, "{'check': 'same-digest', 'image': 'agent'}");
    check_run_phase(&r, "steady");
    hb_begin(r.b, "build-start", 1);
    hb_pull(r.b, 1, "primary", 0);
    end_claiming(&r, digest_of(&r, 1), "whole");
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "start 1 (steady): claims sha256:01a0");
    check_run_close(&r);
}

/* The share of starts that run an image knows those that had it already. */
Test(checks_index, version_share)
{
    struct check_run r;
    check_run_open(&r, &baked_in, "{'check': 'version-share', 'image': 'old', 'max': 0}");
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 1);
    hb_begin(r.b, "build-start", 1);
    end_claiming(&r, digest_of(&r, 0), "whole");
    cr_expect_not(r.c.lost);
    hb_begin(r.b, "build-start", 1);
    end_claiming(&r, digest_of(&r, 1), "whole");
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "1 of 3 (33.3%)");
    check_run_close(&r);
}
