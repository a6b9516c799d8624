/* Lanes: addresses, folders, the facts subjects are told, the result they write. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/lane.h"
#include "tests/lib/lane_fixture.h"

TestSuite(lane, .init = lane_fixture_open, .fini = lane_fixture_close, .timeout = 60);

/* Every lane's address is its own, in 127.0.0.0/8, and neither a first nor a last one. */
Test(lane, has_an_address_of_its_own)
{
    static bool taken[256][256];

    for (uint64_t number = 0; number <= 1024; number++) {
        struct lane *lane = lane_fixture_lane(number, 0);
        struct in_addr address;
        uint32_t a = 0;

        cr_assert_eq(inet_pton(AF_INET, lane->address, &address), 1, "%s", lane->address);
        a = ntohl(address.s_addr);
        cr_assert_eq(a >> 24, 127);
        cr_assert_eq(a & 255, 1);
        cr_assert_neq((a >> 16) & 255, 0);
        cr_assert_neq((a >> 16) & 255, 255);
        cr_assert_neq((a >> 8) & 255, 0);
        cr_assert_neq((a >> 8) & 255, 255);
        cr_assert_not(taken[(a >> 16) & 255][(a >> 8) & 255], "%s twice", lane->address);
        taken[(a >> 16) & 255][(a >> 8) & 255] = true;
        lane_free(lane);
    }
}

/* More lanes than addresses is an error, not an address used twice. */
Test(lane, refuses_too_many)
{
    struct err e = {0};

    cr_expect_null(lane_new(&lane_fixture_shared, &lane_fixture_reach, 100000, 0, &e));
    cr_expect_eq(e.code, ERR_LIMIT);
}

/* All variables of the contract are replaced in a command's words. */
Test(lane, tells_variables)
{
    const char *word[] = {
        "${registry.primary} ${registry.fail-over.url}", "${image.agent}|${image.agent.digest}",
        "${start.id} ${start.dir} ${lane.dir}", "${subjects.dir}/x", "$${registry.primary}"};
    struct scenario_words command = {.word = word, .count = 5};
    struct lane *lane = lane_fixture_lane(3, 17);
    struct err e = {0};
    char **argv = NULL;
    char expected[512];

    cr_assert_eq(lane_command(lane, &command, &argv, &e), 0, "%s", e.text);
    cr_expect_str_eq(argv[0], "127.1.3.1:5000 http://127.1.3.1:5001");
    snprintf(expected, sizeof expected, "ci/agent:stable|%s", lane_fixture_digest[0]);
    cr_expect_str_eq(argv[1], expected);
    snprintf(expected, sizeof expected, "17 %s/lane-3/start-17 %s/lane-3", lane_fixture_work,
             lane_fixture_work);
    cr_expect_str_eq(argv[2], expected);
    cr_expect_str_eq(argv[3], "build/subjects/x");
    cr_expect_str_eq(argv[4], "${registry.primary}");
    cr_expect_null(argv[5]);
    lane_free_words(argv);
    lane_free(lane);
}

/* ${scenario.dir} is absolute, so that a script may change its folder. */
Test(lane, makes_the_scenario_folder_absolute)
{
    const char *word[] = {"${scenario.dir}"};
    struct scenario_words command = {.word = word, .count = 1};
    struct lane *lane = lane_fixture_lane(1, 0);
    struct err e = {0};
    char **argv = NULL;
    char *expected = realpath("tests", NULL);

    cr_assert_eq(lane_command(lane, &command, &argv, &e), 0, "%s", e.text);
    cr_expect_str_eq(argv[0], expected);
    free(expected);
    lane_free_words(argv);
    lane_free(lane);
}

/* The parser's question and the lane's answer agree, also on names that only begin right. */
Test(lane, knows_its_variables)
{
    static const char *const known[] = {"registry.primary", "registry.fail-over.url",
                                        "image.side-car",   "image.agent.digest",
                                        "start.id",         "start.dir",
                                        "lane.dir",         "scenario.dir",
                                        "subjects.dir"};
    static const char *const unknown[] = {"registry.other",
                                          "registry.",
                                          "registry..url",
                                          "registry.primary.key",
                                          "image.",
                                          "image.agent.size",
                                          "start",
                                          "start.id.x",
                                          "start.identity",
                                          "lane",
                                          "",
                                          "service.a.url"};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        cr_expect(lane_variable_known(&lane_fixture_scenario, known[i], strlen(known[i])), "%s",
                  known[i]);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        cr_expect_not(lane_variable_known(&lane_fixture_scenario, unknown[i], strlen(unknown[i])),
                      "%s", unknown[i]);
}

/* Without a start there is no ${start.dir}: an error that names it, not an empty word. */
Test(lane, has_no_start_outside_of_starts)
{
    const char *word[] = {"rm", "${start.dir}/x"};
    struct scenario_words command = {.word = word, .count = 2};
    struct lane *lane = lane_fixture_lane(1, 0);
    struct err e = {0};
    char **argv = NULL;

    cr_expect_eq(lane_command(lane, &command, &argv, &e), -1);
    cr_expect(strstr(e.text, "${start.dir}") != NULL, "%s", e.text);
    lane_free(lane);
}

/* How often NAME is in ENV; VALUE gets the last one. */
static int count_env(char **env, const char *name, const char **value)
{
    int count = 0;

    *value = "";
    for (size_t i = 0; env[i] != NULL; i++) {
        if (strncmp(env[i], name, strlen(name)) == 0 && env[i][strlen(name)] == '=') {
            *value = env[i] + strlen(name) + 1;
            count++;
        }
    }
    return count;
}

static void expect_env(char **env, const char *name, const char *expected)
{
    const char *value = NULL;

    cr_expect_eq(count_env(env, name, &value), 1, "%s", name);
    cr_expect_str_eq(value, expected, "%s", name);
}

/* The caller's environment without its proxies, then the facts, then the subject's own. */
Test(lane, tells_the_environment)
{
    struct lane *lane = NULL;
    struct err e = {0};
    char **env = NULL;
    const char *value = NULL;
    char expected[512];

    setenv("HTTPS_PROXY", "http://proxy:1", 1);
    setenv("no_proxy", "*", 1);
    setenv("All_Proxy", "socks5://x", 1);
    setenv("PULLDRILL_START_ID", "of an outer drill", 1);
    setenv("PULLDRILL_OTHER", "of an outer drill", 1);
    setenv("KEPT", "a=b", 1);
    setenv("HOME", "/of/the/caller", 1);
    lane = lane_fixture_lane(251, 4);
    cr_assert_eq(lane_environment(lane, &env, &e), 0, "%s", e.text);
    cr_expect_eq(count_env(env, "HTTPS_PROXY", &value), 0);
    cr_expect_eq(count_env(env, "no_proxy", &value), 0);
    cr_expect_eq(count_env(env, "All_Proxy", &value), 0);
    cr_expect_eq(count_env(env, "PULLDRILL_OTHER", &value), 0);
    expect_env(env, "KEPT", "a=b");
    expect_env(env, "PULLDRILL_REGISTRY_PRIMARY", "127.2.1.1:5000");
    expect_env(env, "PULLDRILL_REGISTRY_FAIL_OVER", "127.2.1.1:5001");
    expect_env(env, "PULLDRILL_REGISTRY_FAIL_OVER_URL", "http://127.2.1.1:5001");
    expect_env(env, "PULLDRILL_IMAGE_AGENT", "ci/agent:stable");
    expect_env(env, "PULLDRILL_IMAGE_SIDE_CAR", "ci/agent:stable");
    expect_env(env, "PULLDRILL_IMAGE_AGENT_DIGEST", lane_fixture_digest[0]);
    expect_env(env, "PULLDRILL_START_ID", "4");
    expect_env(env, "PULLDRILL_LANE_DIR", lane->dir);
    expect_env(env, "PULLDRILL_START_DIR", lane->start_dir);
    snprintf(expected, sizeof expected, "%s/result.json", lane->start_dir);
    expect_env(env, "PULLDRILL_RESULT", expected);
    expect_env(env, "WHERE", "127.2.1.1:5001/ci/agent:stable");
    expect_env(env, "HOME", lane->start_dir);
    lane_free_words(env);
    lane_free(lane);
}

/* A start's folder is fresh, and what the one before left is gone, links not followed. */
Test(lane, replaces_the_start_folder)
{
    struct lane *lane = lane_fixture_lane(1, 1);
    struct err e = {0};
    char outside[128];
    char path[512];
    struct stat st;

    snprintf(outside, sizeof outside, "%s/outside", lane_fixture_work);
    cr_assert_eq(mkdir(outside, 0755), 0);
    lane_fixture_file(lane, "deep/er/file", "x");
    lane_fixture_file(lane, "locked/file", "x");
    snprintf(path, sizeof path, "%s/locked", lane->start_dir);
    cr_assert_eq(chmod(path, 0), 0);
    snprintf(path, sizeof path, "%s/link", lane->start_dir);
    cr_assert_eq(symlink(outside, path), 0);
    snprintf(path, sizeof path, "%s/start-1", lane->dir);
    cr_assert_eq(lane_begin(lane, 2, &e), 0, "%s", e.text);
    cr_expect_neq(stat(path, &st), 0);
    cr_expect_eq(stat(outside, &st), 0);
    cr_expect_eq(stat(lane->start_dir, &st), 0);
    cr_expect_eq(lane->start, 2);
    lane_free(lane);
    rmdir(outside);
}

/* FROM (below the work folder) is bound to TO (below the start's). */
static void bind_mount(const struct lane *lane, const char *from, const char *to)
{
    char source[512];
    char target[512];

    snprintf(source, sizeof source, "%s/%s", lane_fixture_work, from);
    snprintf(target, sizeof target, "%s/%s", lane->start_dir, to);
    cr_assert_eq(mount(source, target, NULL, MS_BIND, NULL), 0, "%s", target);
}

/* What a killed daemon left mounted in the start's folder is detached, never emptied: a folder
 * bound from elsewhere, another over it, the folder's own parent, a single file. */
Test(lane, detaches_what_is_mounted)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        cr_skip_test("mounting needs rights that this process does not have");
    struct lane *lane = lane_fixture_lane(2, 1);
    struct lane *other = lane_fixture_lane(1, 1);
    struct err e = {0};
    char path[512];
    struct stat st;

    lane_fixture_file(other, "kept", "x");
    lane_fixture_file(lane, "bound/hidden", "x");
    lane_fixture_file(lane, "parent/hidden", "x");
    lane_fixture_file(lane, "file", "x");
    bind_mount(lane, "lane-1/start-1", "bound");
    bind_mount(lane, "lane-1", "bound");
    bind_mount(lane, "lane-2/start-1", "parent");
    bind_mount(lane, "lane-1/start-1/kept", "file");
    snprintf(path, sizeof path, "%s/start-1", lane->dir);
    cr_expect_eq(lane_begin(lane, 2, &e), 0, "%s", e.text);
    cr_expect_neq(stat(path, &st), 0);
    snprintf(path, sizeof path, "%s/kept", other->start_dir);
    cr_expect_eq(stat(path, &st), 0);
    lane_free(lane);
    lane_free(other);
}

static void expect_result(const struct lane *lane, const char *expected, const char *complaint)
{
    struct err e = {0};
    char *result = lane_result(lane, &e);

    if (expected == NULL)
        cr_expect_null(result);
    else
        cr_expect_str_eq(result == NULL ? e.text : result, expected);
    cr_expect(strstr(e.text, complaint) != NULL, "%s", e.text);
    cr_expect_eq(e.code == ERR_NONE, complaint[0] == '\0', "%s", e.text);
    free(result);
}

/* No result is no error; an object comes back compact; all else is refused with a reason. */
Test(lane, reads_the_result)
{
    struct lane *lane = lane_fixture_lane(1, 1);

    expect_result(lane, NULL, "");
    lane_fixture_file(lane, "result.json", "{ \"digest\" : \"sha256:1\",\n \"a\": [1, 2] }\n");
    expect_result(lane, "{\"digest\":\"sha256:1\",\"a\":[1,2]}", "");
    lane_fixture_file(lane, "result.json", "[]");
    expect_result(lane, NULL, "result.json:1:1");
    lane_fixture_file(lane, "result.json", "{\"digest\": ");
    expect_result(lane, NULL, "result.json:1");
    lane_fixture_file(lane, "result.json", "");
    expect_result(lane, NULL, "result.json");
    lane_free(lane);
}

/* A link, a FIFO, a folder or a huge file in its place neither blocks nor is read. */
Test(lane, distrusts_the_result_file)
{
    struct lane *lane = lane_fixture_lane(1, 1);
    static char huge[(64 << 10) + 2];
    char path[512];

    snprintf(path, sizeof path, "%s/result.json", lane->start_dir);
    cr_assert_eq(symlink("/etc/passwd", path), 0);
    expect_result(lane, NULL, "not a regular file");
    unlink(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    expect_result(lane, NULL, "not a regular file");
    unlink(path);
    cr_assert_eq(mkdir(path, 0700), 0);
    expect_result(lane, NULL, "not a regular file");
    rmdir(path);
    memset(huge, ' ', sizeof huge - 1);
    memcpy(huge, "{}", 2);
    lane_fixture_file(lane, "result.json", huge);
    expect_result(lane, NULL, "larger than 65536 bytes");
    lane_free(lane);
}
