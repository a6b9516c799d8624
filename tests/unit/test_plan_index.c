/* The plan of images that are indexes: what it keeps of them, and reads back. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan.h"
#include "tests/lib/scenario_text.h"

static const struct plan_blob amd64_blobs[] = {{"sha256:c0", 120}, {"sha256:11", 65536}};
static const struct plan_blob arm64_blobs[] = {{"sha256:c1", 121}, {"sha256:11", 65536}};
static const struct plan_manifest manifests[] = {
    {"sha256:a0", 400, "linux/amd64", amd64_blobs, 2},
    {"sha256:a1", 401, "linux/arm64/v8", arm64_blobs, 2},
    {"sha256:a2", 402, "unknown/unknown", NULL, 0},
};
static const struct plan_built built[] = {
    {.digest = "sha256:bb", .manifest_size = 300, .blobs = amd64_blobs, .blob_count = 1},
    {.digest = "sha256:aa", .manifest_size = 500, .manifests = manifests, .manifest_count = 3},
};

static const char *const text =
    "{'version': 1, 'title': 't', 'registries': {'primary': {}},"
    "'images': {'tool': {'ref': 'ci/tool'}, 'agent': {'ref': 'ci/agent:stable'}},"
    "'subjects': {'a': {'command': ['a']}},"
    "'faults': {'gone': {'on': 'primary', 'kind': 'delete-image', 'image': 'agent', 'blobs': "
    "'gone'}},"
    "'phases': [{'name': 'all', 'starts': 2}, {'name': 'out', 'starts': 2, 'faults': ['gone']}]}";

static struct plan *make(void)
{
    struct err e = {0};
    struct scenario *s = scenario_quoted(text, NULL, &e);
    cr_assert_not_null(s, "%s", e.text);
    struct plan *p = plan_new(s, built, 11, NULL, &e);
    cr_assert_not_null(p, "%s", e.text);
    return p;
}

static struct plan *read_again(const struct plan *p)
{
    struct err e = {0};
    char *line = plan_text(p, &e);
    struct plan *q = line ? plan_read(line, &e) : NULL;
    char *again = q ? plan_text(q, &e) : NULL;
    cr_assert_not_null(again, "%s", e.text);
    cr_expect_str_eq(line, again);
    free(line);
    free(again);
    return q;
}

/* An index keeps its manifests, read back as they were; blobs that they share count once. A plain
 * image is the one manifest of itself. */
Test(plan_index, keeps_manifests)
{
    struct plan *first = make();
    struct plan *p = read_again(first);
    const struct plan_image *plain = &p->images[0], *index = &p->images[1];
    plan_free(first);
    cr_expect_not(plan_image_is_index(plain));
    cr_assert_eq(plain->manifest_count, 1);
    cr_expect_str_eq(plain->manifests[0].digest, "sha256:bb");
    cr_expect_eq(plain->manifests[0].size, 300);
    cr_expect(plan_image_is_index(index));
    cr_assert_eq(index->manifest_count, 3);
    cr_expect_str_eq(index->manifests[1].digest, "sha256:a1");
    cr_expect_str_eq(index->manifests[1].platform, "linux/arm64/v8");
    cr_expect_eq(index->manifests[1].size, 401);
    cr_expect_str_eq(index->manifests[1].blobs[0].digest, "sha256:c1");
    cr_assert_eq(index->blob_count, 3);
    cr_expect_str_eq(index->blobs[2].digest, "sha256:c1");
    cr_expect(plan_manifest_runs(&index->manifests[1]));
    cr_expect_not(plan_manifest_runs(&index->manifests[2]));
    plan_free(p);
}

/* An image is known by its digest and by those of its manifests. */
Test(plan_index, finds_manifests)
{
    struct plan *p = make();
    const struct plan_image *index = &p->images[1];
    cr_expect_eq(plan_image_by_digest(p, "sha256:aa"), index);
    cr_expect_eq(plan_image_by_digest(p, "sha256:a1"), index);
    cr_expect_null(plan_image_by_digest(p, "sha256:11"));
    cr_expect_eq(plan_image_manifest(index, "sha256:a1"), 1);
    cr_expect_eq(plan_image_manifest(index, "sha256:aa"), -1);
    cr_expect_eq(plan_image_manifest(index, NULL), -1);
    cr_expect(plan_image_has(index, "sha256:aa"));
    cr_expect(plan_image_has(index, "sha256:a2"));
    cr_expect_not(plan_image_has(index, "sha256:bb"));
    cr_expect_not(plan_image_has(index, NULL));
    plan_free(p);
}

/* Whoever deletes an index deletes all it lists. */
Test(plan_index, binds_faults)
{
    struct plan *p = make();
    const struct fault_image *image = p->scenario->faults[0].image;
    cr_assert_not_null(image);
    cr_assert_eq(image->manifest_count, 3);
    cr_expect_str_eq(image->manifests[1], "sha256:a1");
    cr_assert_eq(image->blob_count, 3);
    plan_free(p);
}

/* Manifests that lack something, and lists that are none, are refused. */
Test(plan_index, refuses_broken_manifests)
{
    static const char *const parts[] = {"digest", "size", "platform", "blobs"};
    struct err e = {0};
    struct plan *p = make();
    char *line = plan_text(p, &e);
    for (size_t i = 0; i < 6; i++) {
        json_t *root = json_loads(line, 0, NULL);
        json_t *image = json_array_get(json_object_get(root, "images"), 1);
        json_t *list = json_object_get(image, "manifests");
        if (i < 4)
            json_object_del(json_array_get(list, 1), parts[i]);
        else
            json_object_set_new(image, "manifests", i == 4 ? json_array() : json_true());
        char *broken = json_dumps(root, JSON_COMPACT);
        e = (struct err){0};
        cr_expect_null(plan_read(broken, &e), "case %zu", i);
        cr_expect_eq(e.code, ERR_INVALID);
        free(broken);
        json_decref(root);
    }
    free(line);
    plan_free(p);
}
