/* Image layouts of an index that starts leave behind: all platforms, one, or none. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/lane.h"
#include "tests/lib/lane_fixture.h"

TestSuite(lane_layout_index, .init = lane_fixture_open, .fini = lane_fixture_close, .timeout = 60);

enum { MANIFEST, CONFIG, LAYER, INDEX, OTHER };

/* What the harness finds where the result claims DIGEST (NULL: none) begins with EXPECTED. */
static void expect_layout(const struct lane *lane, const char *digest, const char *expected)
{
    struct err e = {0};
    char result[256] = "{\"layout\":\"img\"}";

    if (digest != NULL)
        snprintf(result, sizeof result, "{\"layout\":\"img\",\"digest\":\"%s\"}", digest);
    char *text = lane_layout(lane, result, &e);

    cr_assert_not_null(text, "%s", e.text);
    cr_expect_eq(strncmp(text, expected, strlen(expected)), 0, "\"%s\" is not \"%s\"", text,
                 expected);
    free(text);
}

static void put(const struct lane *lane, int which)
{
    lane_fixture_blob(lane, "img/blobs", which, lane_fixture_content[which]);
}

static void put_index_json(const struct lane *lane, int which)
{
    char text[256];

    snprintf(text, sizeof text, "{\"manifests\":[{\"digest\":\"%s\"}]}",
             lane_fixture_digest[which]);
    lane_fixture_file(lane, "img/index.json", text);
}

/* One manifest with its blobs is enough, with the index beside it or without; the claim may be the
 * index's digest or the manifest's. */
Test(lane_layout_index, one_platform_is_enough)
{
    lane_fixture_index();
    struct lane *lane = lane_fixture_lane(1, 1);

    lane_fixture_blobs(lane, "img/blobs");
    put_index_json(lane, MANIFEST);
    expect_layout(lane, lane_fixture_digest[INDEX], "whole");
    expect_layout(lane, lane_fixture_digest[MANIFEST], "whole");
    put(lane, INDEX);
    put_index_json(lane, INDEX);
    expect_layout(lane, lane_fixture_digest[INDEX], "whole");
    expect_layout(lane, lane_fixture_digest[MANIFEST], "whole");
    lane_fixture_scenario.image_count = 1;
    expect_layout(lane, NULL, "whole");
    lane_free(lane);
}

/* Of a claimed manifest all must be there, whatever else is. */
Test(lane_layout_index, the_claimed_manifest_must_be_there)
{
    char expected[256];

    lane_fixture_index();
    struct lane *lane = lane_fixture_lane(1, 1);

    lane_fixture_blobs(lane, "img/blobs");
    snprintf(expected, sizeof expected, "broken: manifest %s is missing",
             lane_fixture_digest[OTHER]);
    expect_layout(lane, lane_fixture_digest[OTHER], expected);
    put(lane, OTHER);
    expect_layout(lane, lane_fixture_digest[OTHER], "whole");
    lane_free(lane);
}

/* Every manifest that is there must be whole, and the index must be the index. */
Test(lane_layout_index, what_is_there_must_be_right)
{
    char expected[256];

    lane_fixture_index();
    struct lane *lane = lane_fixture_lane(1, 1);

    put(lane, OTHER);
    put(lane, CONFIG);
    expect_layout(lane, lane_fixture_digest[INDEX], "whole");
    put(lane, MANIFEST);
    snprintf(expected, sizeof expected, "broken: layer %s is missing", lane_fixture_digest[LAYER]);
    expect_layout(lane, lane_fixture_digest[INDEX], expected);
    put(lane, LAYER);
    lane_fixture_blob(lane, "img/blobs", INDEX, "the indeX");
    snprintf(expected, sizeof expected, "broken: index %s holds other bytes",
             lane_fixture_digest[INDEX]);
    expect_layout(lane, lane_fixture_digest[INDEX], expected);
    lane_free(lane);
}

/* An index without a manifest is no image, and an index.json that leads to neither is none. */
Test(lane_layout_index, must_lead_to_a_manifest)
{
    char expected[256];

    lane_fixture_index();
    struct lane *lane = lane_fixture_lane(1, 1);

    put(lane, INDEX);
    snprintf(expected, sizeof expected, "broken: none of the manifests that index %s lists",
             lane_fixture_digest[INDEX]);
    expect_layout(lane, lane_fixture_digest[INDEX], expected);
    lane_fixture_blobs(lane, "img/blobs");
    put_index_json(lane, OTHER);
    snprintf(expected, sizeof expected, "broken: its index.json does not name %s",
             lane_fixture_digest[INDEX]);
    expect_layout(lane, lane_fixture_digest[INDEX], expected);
    lane_free(lane);
}
