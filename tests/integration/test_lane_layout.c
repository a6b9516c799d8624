/* Image layouts that starts leave behind, hashed against the plan. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/lane.h"
#include "tests/lib/lane_fixture.h"

TestSuite(lane_layout, .init = lane_fixture_open, .fini = lane_fixture_close, .timeout = 60);

static void expect_layout(const struct lane *lane, const char *result, const char *expected)
{
    struct err e = {0};
    char *text = lane_layout(lane, result, &e);

    cr_expect_eq(e.code, ERR_NONE, "%s", e.text);
    if (expected == NULL)
        cr_expect_null(text);
    else
        cr_expect(text != NULL && strncmp(text, expected, strlen(expected)) == 0, "%s: %s", result,
                  text == NULL ? "(none)" : text);
    free(text);
}

/* The result that names LAYOUT and DIGEST. */
static const char *result_of(const char *layout, const char *digest)
{
    static char text[1024];

    snprintf(text, sizeof text, "{\"layout\":\"%s\",\"digest\":\"%s\"}", layout, digest);
    return text;
}

/* A layout with every blob true is whole: relative or absolute, or its blobs folder alone. */
Test(lane_layout, finds_a_layout_whole)
{
    struct lane *lane = lane_fixture_lane(1, 1);
    char path[512];

    lane_fixture_blobs(lane, "img/blobs");
    expect_layout(lane, result_of("img", lane_fixture_digest[0]), "whole");
    expect_layout(lane, result_of("img/blobs", lane_fixture_digest[0]), "whole");
    snprintf(path, sizeof path, "%s/img", lane->start_dir);
    expect_layout(lane, result_of(path, lane_fixture_digest[0]), "whole");
    expect_layout(lane, "{\"digest\":\"sha256:1\"}", NULL);
    expect_layout(lane, NULL, NULL);
    lane_free(lane);
}

/* A blob that is absent, short, altered, or no file at all breaks the layout, and is named. */
Test(lane_layout, finds_a_layout_broken)
{
    struct lane *lane = lane_fixture_lane(1, 1);
    char expected[512];
    char path[1024];

    snprintf(expected, sizeof expected, "broken: manifest %s is missing", lane_fixture_digest[0]);
    lane_fixture_file(lane, "img/blobs/x", "");
    expect_layout(lane, result_of("img", lane_fixture_digest[0]), expected);
    lane_fixture_blobs(lane, "img/blobs");
    lane_fixture_blob(lane, "img/blobs", 2, "A layer");
    snprintf(expected, sizeof expected, "broken: layer %s holds other bytes",
             lane_fixture_digest[2]);
    expect_layout(lane, result_of("img", lane_fixture_digest[0]), expected);
    lane_fixture_blob(lane, "img/blobs", 2, lane_fixture_content[2]);
    lane_fixture_blob(lane, "img/blobs", 1, "conf");
    snprintf(expected, sizeof expected, "broken: config %s has 4 bytes instead of 6",
             lane_fixture_digest[1]);
    expect_layout(lane, result_of("img", lane_fixture_digest[0]), expected);
    snprintf(path, sizeof path, "%s/img/blobs/sha256/%s", lane->start_dir,
             lane_fixture_digest[1] + 7);
    unlink(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    snprintf(expected, sizeof expected, "broken: config %s is not a regular file",
             lane_fixture_digest[1]);
    expect_layout(lane, result_of("img", lane_fixture_digest[0]), expected);
    lane_free(lane);
}

/* A digest that is none of the drill's, a layout that is not there, and wrong types are broken. */
Test(lane_layout, refuses_a_layout_it_cannot_judge)
{
    struct lane *lane = lane_fixture_lane(1, 1);

    lane_fixture_blobs(lane, "img/blobs");
    expect_layout(lane, result_of("img", "sha256:77"),
                  "broken: digest sha256:77 is none of this drill's images");
    expect_layout(lane, result_of("other", lane_fixture_digest[0]),
                  "broken: the layout other cannot be opened");
    expect_layout(lane, "{\"layout\":7}", "broken: the layout in result.json is not a string");
    expect_layout(lane, "{\"layout\":\"img\"}", "broken: result.json names a layout but no digest");
    expect_layout(lane, "{\"layout\":\"img\",\"digest\":1}", "broken: the digest in result.json");
    lane_fixture_scenario.image_count = 1;
    expect_layout(lane, "{\"layout\":\"img\"}", "whole");
    lane_free(lane);
}

/* Where there is an index.json it must lead to the image. */
Test(lane_layout, reads_the_layouts_index)
{
    struct lane *lane = lane_fixture_lane(1, 1);
    char index[512];

    lane_fixture_blobs(lane, "img/blobs");
    snprintf(index, sizeof index, "{\"manifests\":[{\"digest\":\"sha256:0\"},{\"digest\":\"%s\"}]}",
             lane_fixture_digest[0]);
    lane_fixture_file(lane, "img/index.json", index);
    expect_layout(lane, result_of("img", lane_fixture_digest[0]), "whole");
    lane_fixture_file(lane, "img/index.json", "{\"manifests\":[{\"digest\":\"sha256:0\"}]}");
    expect_layout(lane, result_of("img", lane_fixture_digest[0]),
                  "broken: its index.json does not name");
    lane_fixture_file(lane, "img/index.json", "{");
    expect_layout(lane, result_of("img", lane_fixture_digest[0]), "broken: its index.json is not");
    lane_free(lane);
}

/* Blobs declared as preloaded may be absent, not wrong; a baked-in image still needs its manifest.
 */
Test(lane_layout, excuses_what_was_preloaded)
{
    struct lane *lane = lane_fixture_lane(1, 1);
    const char *const preloaded[] = {lane_fixture_digest[2]};

    lane_fixture_blob(lane, "img/blobs", 0, lane_fixture_content[0]);
    lane_fixture_blob(lane, "img/blobs", 1, lane_fixture_content[1]);
    expect_layout(lane, result_of("img", lane_fixture_digest[0]), "broken: layer");
    lane_fixture_subject.preloaded = preloaded;
    lane_fixture_subject.preloaded_count = 1;
    expect_layout(lane, result_of("img", lane_fixture_digest[0]), "whole");
    lane_fixture_blob(lane, "img/blobs", 2, "wrong..");
    expect_layout(lane, result_of("img", lane_fixture_digest[0]), "broken: layer");
    lane_fixture_subject.preloaded_count = 0;
    lane_fixture_subject.baked_in = true;
    lane_fixture_blob(lane, "baked/blobs", 0, lane_fixture_content[0]);
    expect_layout(lane, result_of("baked", lane_fixture_digest[0]), "whole");
    lane_fixture_file(lane, "empty/blobs/x", "");
    expect_layout(lane, result_of("empty", lane_fixture_digest[0]), "broken: manifest");
    lane_free(lane);
}
