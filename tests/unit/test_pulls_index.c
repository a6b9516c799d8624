/* Pulls of an index: which of its manifests a start has, and what counts as its objects. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/history_builder.h"

#define SCENARIO(CACHE, EXTRA)                                                                     \
    "{'version':1,'title':'t','registries':{'primary':{},'failover':{}},"                          \
    "'images':{'agent':{'ref':'ci/agent:stable','layers':['64KiB','1MiB'],"                        \
    "'platforms':['linux/amd64','linux/arm64/v8','unknown/unknown']},"                             \
    "'next':{'ref':'ci/agent:next','platforms':['linux/amd64']}},"                                 \
    "'subjects':{'build-start':{'command':['x'],'cache':'" CACHE "'" EXTRA "}},"                   \
    "'phases':[{'name':'steady','starts':4}]}"

static struct hb *begin_cold(void)
{
    return hb_new_pulls(SCENARIO("cold", ""));
}

static const struct pull_start *end_of(struct hb *b, uint64_t number)
{
    hb_end(b, 1, 0);
    return hb_start_of(b, number);
}

/* The index and the manifest of one platform with its blobs are the image; the index and that
 * manifest are two objects and two attempts. */
Test(pulls_index, one_platform_works)
{
    struct hb *b = begin_cold();
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_pull(b, 1, "primary", 0);
    const struct pull_start *s = end_of(b, n);
    static const enum pull_kind kinds[] = {PULL_INDEX, PULL_MANIFEST, PULL_CONFIG, PULL_LAYER,
                                           PULL_LAYER};
    cr_assert_eq(s->outcome, OUTCOME_WORKED, "%s", s->reason);
    cr_assert_eq(s->image, 0);
    cr_assert_eq(s->manifest, 0);
    cr_assert_eq(s->whole, 1);
    cr_assert_eq(s->label, PULL_PRIMARY);
    cr_assert_eq(s->object_count, 5);
    for (size_t i = 0; i < 5; i++) {
        cr_expect_eq(s->objects[i].kind, kinds[i]);
        cr_expect(s->objects[i].complete);
        cr_expect_eq(s->objects[i].served_by, 0);
    }
    cr_assert_eq(s->objects[4].layer, 2);
    cr_assert_eq(s->registries[0].attempts, 5);
    hb_free(b);
}

/* Any platform will do: which one a machine runs is its own affair. */
Test(pulls_index, other_platform_works)
{
    struct hb *b = begin_cold();
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 200);
    hb_pull_manifest(b, 1, "failover", 0, 1);
    const struct pull_start *s = end_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WORKED, "%s", s->reason);
    cr_assert_eq(s->manifest, 1);
    cr_assert_eq(s->label, PULL_MIXED);
    cr_assert_eq(s->objects[0].served_by, 0);
    cr_assert_eq(s->objects[1].served_by, 1);
    cr_assert_eq(s->told_by, 1);
    hb_free(b);
}

/* Who pulls by the digest of a manifest needs no index. */
Test(pulls_index, by_manifest_digest)
{
    struct hb *b = begin_cold();
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_pull_manifest(b, 1, "primary", 0, 1);
    const struct pull_start *s = end_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WORKED, "%s", s->reason);
    cr_assert_eq(s->image, 0);
    cr_assert_eq(s->objects[0].served_by, -1);
    cr_assert_eq(s->object_count, 5);
    hb_free(b);
}

/* The index alone is no image, and neither is a manifest that no machine can run. */
Test(pulls_index, without_manifest_is_wrong)
{
    struct hb *b = begin_cold();
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 200);
    const struct pull_start *s = end_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WRONG);
    cr_assert_str_eq(s->reason, "exit 0, but it took none of the manifests that the index lists");
    cr_assert_eq(s->manifest, -1);
    cr_assert_eq(s->object_count, 1);
    n = hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 200);
    hb_pull_manifest(b, 1, "primary", 0, 2);
    cr_assert_eq(end_of(b, n)->outcome, OUTCOME_WRONG);
    hb_free(b);
}

/* Blobs of two platforms do not add up to one image: what is missing is of the manifest told last.
 */
Test(pulls_index, half_of_two_platforms_is_wrong)
{
    struct hb *b = begin_cold();
    const struct plan_image *image = &b->plan->images[0];
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 200);
    for (size_t m = 0; m < 2; m++) {
        hb_get(b, 1, "primary", OP_MANIFEST_GET, image->manifests[m].digest, 200);
        hb_get(b, 1, "primary", OP_BLOB_GET, image->manifests[m].blobs[m].digest, 200);
    }
    const struct pull_start *s = end_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WRONG);
    cr_assert_str_eq(s->reason, "exit 0, but 2 of 3 blobs never arrived whole: "
                                "sha256:00b300000000… (delivered 0 of 128 bytes)");
    cr_assert_eq(s->manifest, 1);
    hb_free(b);
}

/* A manifest that came in part is named, with the index whole. */
Test(pulls_index, cut_manifest_is_wrong)
{
    struct hb *b = begin_cold();
    uint64_t n = hb_begin(b, "build-start", 1);
    const struct plan_manifest *m = &b->plan->images[0].manifests[0];
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 200);
    hb_answer_cut(b, hb_ask(b, 1, "primary", OP_MANIFEST_GET, m->digest), 100, NULL);
    const struct pull_start *s = end_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WRONG);
    cr_assert_str_eq(s->reason, "exit 0, but the manifest never arrived whole: "
                                "sha256:00c000000000… (delivered 100 of 512 bytes)");
    cr_assert(s->objects[1].damaged);
    hb_free(b);
}

/* A client that copies all platforms has all of them as its objects, shared ones once. */
Test(pulls_index, all_platforms)
{
    struct hb *b = begin_cold();
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_pull(b, 1, "primary", 0);
    hb_pull_manifest(b, 1, "primary", 0, 1);
    const struct pull_start *s = end_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WORKED);
    cr_assert_eq(s->manifest, 1, "the one told last");
    cr_assert_eq(s->object_count, 9);
    cr_assert_eq(s->objects[2].kind, PULL_MANIFEST);
    cr_assert_eq(s->objects[3].kind, PULL_CONFIG);
    cr_assert_eq(s->objects[6].kind, PULL_CONFIG);
    hb_free(b);
}

/* A warm machine needs only hear that the index is the one it has; a new index that it has not read
 * is another matter. */
Test(pulls_index, warm)
{
    struct hb *b = hb_new_pulls(SCENARIO("warm", ""));
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_pull(b, 1, "primary", 0);
    cr_assert_eq(end_of(b, n)->outcome, OUTCOME_WORKED);
    n = hb_begin(b, "build-start", 1);
    hb_get(b, 1, "failover", OP_MANIFEST_HEAD, "stable", 200);
    const struct pull_start *s = end_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WORKED);
    cr_assert_eq(s->manifest, 0);
    cr_assert_eq(s->label, PULL_FELL_BACK);
    cr_assert_eq(s->objects[0].told_by, 1);
    n = hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_HEAD, "next", 200);
    s = end_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WRONG);
    cr_assert_eq(s->image, 1);
    hb_free(b);
}

/* Both images list the first manifest of the agent. */
static struct hb *begin_sharing(const char *scenario)
{
    struct hb *b = hb_new(scenario);
    b->plan->images[1].manifests[0] = b->plan->images[0].manifests[0];
    b->plan->images[1].blobs = b->plan->images[0].blobs;
    b->plan->images[1].blob_count = b->plan->images[0].blob_count;
    hb_pulls(b);
    hb_phase_begin(b, "steady");
    return b;
}

/* A machine that has all that a new index lists, but has not read it, cannot know that. */
Test(pulls_index, unread_index)
{
    struct hb *b = begin_sharing(SCENARIO("warm", ""));
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_pull(b, 1, "primary", 0);
    cr_assert_eq(end_of(b, n)->outcome, OUTCOME_WORKED);
    n = hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_HEAD, "next", 200);
    const struct pull_start *s = end_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WRONG);
    cr_assert_str_eq(s->reason, "exit 0, but the index never arrived whole: "
                                "sha256:01a000000000… (delivered 0 of 512 bytes)");
    n = hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "next", 200);
    cr_assert_eq(end_of(b, n)->outcome, OUTCOME_WORKED);
    hb_free(b);
}

/* A told manifest that two indexes list belongs to the one whose index was told last. */
Test(pulls_index, shared_manifest)
{
    struct hb *b = begin_sharing(SCENARIO("cold", ""));
    for (int turn = 0; turn < 2; turn++) {
        uint64_t n = hb_begin(b, "build-start", 1);
        hb_get(b, 1, "primary", OP_MANIFEST_GET, turn == 0 ? "stable" : "next", 200);
        hb_get(b, 1, "primary", OP_MANIFEST_GET, turn == 0 ? "next" : "stable", 200);
        hb_pull_manifest(b, 1, "primary", 0, 0);
        const struct pull_start *s = end_of(b, n);
        cr_assert_eq(s->outcome, OUTCOME_WORKED, "%s", s->reason);
        cr_assert_eq(s->image, turn == 0 ? 1 : 0);
        cr_assert_eq(s->whole, 3, "it was told both, and has what both need");
    }
    hb_free(b);
}

/* Objects that the machine has already need not arrive. */
Test(pulls_index, preloaded_blob)
{
    struct hb *b = hb_new_pulls(SCENARIO(
        "cold", ",'preloaded':["
                "'sha256:00b0000000000000000000000000000000000000000000000000000000000000']"));
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 200);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, b->plan->images[0].manifests[0].digest, 200);
    for (size_t k = 1; k < 3; k++) {
        hb_get(b, 1, "primary", OP_BLOB_GET, b->plan->images[0].manifests[0].blobs[k].digest, 200);
    }
    const struct pull_start *s = end_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WORKED, "%s", s->reason);
    hb_free(b);
}
