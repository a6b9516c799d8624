/* A small plan made by hand, and lanes of it that need no sockets, for tests. */
#include "tests/lib/lane_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct scenario_registry registries[] = {{.name = "primary"}, {.name = "fail-over"}};
static struct scenario_image scenario_images[] = {{.name = "agent"}, {.name = "side-car"}};
static const char *own_env[] = {"WHERE=${registry.fail-over}/${image.agent}", "HOME=${start.dir}"};
struct scenario_subject lane_fixture_subject = {.name = "s"};
struct scenario lane_fixture_scenario;
static struct plan_blob blobs[2];
static struct plan_manifest
    manifests[3]; /* of agent, of side-car, the second that agent can list */
static struct plan_image images[2];
struct plan lane_fixture_plan;
char lane_fixture_digest[5][DIGEST_TEXT];
const char *const lane_fixture_content[5] = {"the manifest", "config", "a layer", "the index",
                                             "another manifest"};
char lane_fixture_work[64];
const struct lane_shared lane_fixture_shared = {.plan = &lane_fixture_plan,
                                                .work = lane_fixture_work};

/* A reach without sockets. */
static int open_nothing(struct lane *lane, struct err *e)
{
    (void)e;
    for (size_t i = 0; i < lane->plan->scenario->registry_count; i++)
        snprintf(lane->endpoint[i], sizeof lane->endpoint[i], "%.40s:%u", lane->address,
                 5000u + (unsigned)i);
    return 0;
}

static void close_nothing(struct lane *lane)
{
    (void)lane;
}

const struct lane_reach lane_fixture_reach = {
    .name = "none", .open = open_nothing, .close = close_nothing};

void lane_fixture_open(void)
{
    snprintf(lane_fixture_work, sizeof lane_fixture_work, "/tmp/pulldrill-lane-XXXXXX");
    cr_assert_not_null(mkdtemp(lane_fixture_work));
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(digest_sha256(lane_fixture_content[i], strlen(lane_fixture_content[i]),
                                   lane_fixture_digest[i]),
                     0);
    blobs[0] = (struct plan_blob){lane_fixture_digest[1], strlen(lane_fixture_content[1])};
    blobs[1] = (struct plan_blob){lane_fixture_digest[2], strlen(lane_fixture_content[2])};
    for (size_t i = 0; i < 3; i++)
        manifests[i] = (struct plan_manifest){.digest = lane_fixture_digest[i == 2 ? 4 : 0],
                                              .size = strlen(lane_fixture_content[i == 2 ? 4 : 0]),
                                              .platform = "linux/amd64",
                                              .blobs = blobs,
                                              .blob_count = i == 2 ? 1 : 2};
    images[0] = (struct plan_image){.name = "agent",
                                    .repository = "ci/agent",
                                    .tag = "stable",
                                    .digest = lane_fixture_digest[0],
                                    .manifest_size = strlen(lane_fixture_content[0]),
                                    .manifests = &manifests[0],
                                    .manifest_count = 1,
                                    .blobs = blobs,
                                    .blob_count = 2};
    images[1] = images[0];
    images[1].name = "side-car";
    images[1].digest = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
    images[1].manifests = &manifests[1];
    manifests[1].digest = images[1].digest;
    lane_fixture_subject.env = (struct scenario_words){.word = own_env, .count = 2};
    lane_fixture_scenario = (struct scenario){.folder = "tests",
                                              .subjects_dir = "build/subjects",
                                              .registries = registries,
                                              .registry_count = 2,
                                              .images = scenario_images,
                                              .image_count = 2,
                                              .subjects = &lane_fixture_subject,
                                              .subject_count = 1};
    lane_fixture_plan = (struct plan){.scenario = &lane_fixture_scenario, .images = images};
}

void lane_fixture_index(void)
{
    manifests[1] = manifests[2];
    images[0].digest = lane_fixture_digest[3];
    images[0].manifest_size = strlen(lane_fixture_content[3]);
    images[0].manifest_count = 2;
}

void lane_fixture_close(void)
{
    cr_expect_eq(rmdir(lane_fixture_work), 0, "lanes remove all that is theirs");
}

struct lane *lane_fixture_lane(uint64_t number, uint64_t start)
{
    struct err e = {0};
    struct lane *lane = lane_new(&lane_fixture_shared, &lane_fixture_reach, number, 0, &e);

    cr_assert_not_null(lane, "%s", e.text);
    if (start > 0)
        cr_assert_eq(lane_begin(lane, start, &e), 0, "%s", e.text);
    return lane;
}

void lane_fixture_file(const struct lane *lane, const char *path, const char *text)
{
    char full[512];
    FILE *f = NULL;
    int n = snprintf(full, sizeof full, "%s/%s", lane->start_dir, path);

    cr_assert_lt(n, (int)sizeof full);
    for (char *at = full + strlen(lane->start_dir) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        mkdir(full, 0755);
        *at = '/';
    }
    f = fopen(full, "we");
    cr_assert_not_null(f);
    fputs(text, f);
    cr_assert_eq(fclose(f), 0);
}

void lane_fixture_blob(const struct lane *lane, const char *blobs_folder, int which,
                       const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "%s/sha256/%s", blobs_folder,
             lane_fixture_digest[which] + strlen("sha256:"));
    lane_fixture_file(lane, path, text);
}

void lane_fixture_blobs(const struct lane *lane, const char *blobs_folder)
{
    for (int i = 0; i < 3; i++)
        lane_fixture_blob(lane, blobs_folder, i, lane_fixture_content[i]);
}
