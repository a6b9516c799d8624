/* The resolved scenario: read again, frozen, it is the same one, whatever the world is by then. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/scenario_text.h"

static struct scenario *read_again(const struct scenario *s)
{
    struct scenario_options frozen = {.subjects_dir = s->subjects_dir, .frozen = true};
    struct err e = {0};
    json_t *resolved = scenario_resolved(s, 7);
    cr_assert_not_null(resolved);
    char *text = json_dumps(resolved, JSON_COMPACT);
    cr_assert_not_null(text);
    struct scenario *again = scenario_parse(s->path, text, strlen(text), &frozen, &e);
    cr_assert_not_null(again, "%s", e.text);
    cr_expect(again->has_seed && again->seed == 7);
    free(text);
    json_decref(resolved);
    return again;
}

static void expect_same(const struct scenario *a, const struct scenario *b)
{
    struct buf one, two;
    buf_init(&one, 1u << 20);
    buf_init(&two, 1u << 20);
    scenario_show(a, &one);
    scenario_show(b, &two);
    cr_expect_gt(one.len, 0);
    cr_expect_str_eq(one.data, two.data, "%s:\n%s\nbecame\n%s", a->path, one.data, two.data);
    buf_close(&one);
    buf_close(&two);
}

/* Parses, freezes, and compares. */
static void round_trip(const char *more, const char *subject,
                       const struct scenario_options *options)
{
    struct err e = {0};
    char *text = scenario_small(more, subject);
    struct scenario *s = scenario_quoted(text, options, &e);
    cr_assert_not_null(s, "%s", e.text);
    unsetenv("PULLDRILL_TEST_R");
    struct scenario *again = read_again(s);
    expect_same(s, again);
    scenario_free(again);
    scenario_free(s);
    free(text);
}

/* Variables become constants, though they hold what looks like a variable, and the environment is
 * gone when they are read again. */
Test(scenario_resolved, variables)
{
    static const char *const vars[] = {"b=${a} $${a} $$${a}"};
    struct scenario_options options = {.vars = vars, .var_count = 1};
    setenv("PULLDRILL_TEST_R", "${registry.primary}", 1);
    round_trip("'configuration': {'a': '$${x}', 'b': '', 'r': {'type': 'env', 'key': "
               "'PULLDRILL_TEST_R'}},",
               "'command': ['${a}', '${b}', '${r}', '$${y}', '$$${a}', '${registry.primary}']",
               &options);
}

/* A variant is the subject then, and a command its command. */
Test(scenario_resolved, variant_and_command)
{
    static const char *const subject =
        "'command': ['good', '${v}'], 'env': {'A': '1', 'B': '2'}, 'variants': {'slow': "
        "{'timeout': '9s', 'env': {'B': '3', 'C': '4'}}}";
    char *words[] = {"mine", "${lane.dir}", "${v}", "$${z}"};
    struct scenario_options variant = {.variant = "slow"};
    struct scenario_options command = {.command = words, .command_count = 4};
    round_trip("'configuration': {'v': 'V'},", subject, &variant);
    round_trip("'configuration': {'v': 'V'},", subject, &command);
}

/* The files of layers need not exist any more. */
Test(scenario_resolved, files_are_not_touched)
{
    struct err e = {0};
    static const char text[] =
        "{'version': 1, 'title': 't', 'registries': {'r': {}}, 'images': {'i': {'ref': 'a', "
        "'layers': [{'files': {'bin/a': '${subjects.dir}/gone', 'b': 'near', 'x-c': '/far'}}]}}, "
        "'subjects': {'s': {'command': ['c']}}, 'phases': [{'name': 'p', 'starts': 1}]}";
    struct scenario_options options = {.subjects_dir = "some/where", .frozen = true};
    struct scenario *s = scenario_quoted(text, &options, &e);
    cr_assert_not_null(s, "%s", e.text);
    const struct scenario_layer *layer = &s->images[0].layers[0];
    cr_assert_eq(layer->file_count, 3);
    cr_expect_str_eq(layer->files[0].source, "some/where/gone");
    cr_expect_str_eq(layer->files[1].source, "drills/near");
    cr_expect_str_eq(layer->files[2].source, "/far");
    scenario_free(s);
}

/* The environment of whoever judges a history has no say in it. */
Test(scenario_resolved, environment_is_not_asked)
{
    struct err e = {0};
    struct scenario_options options = {.frozen = true};
    char *text = scenario_small("'configuration': {'r': {'type': 'env', 'key': "
                                "'PULLDRILL_TEST_R', 'default': 'then'}},",
                                "'command': ['${r}']");
    setenv("PULLDRILL_TEST_R", "now", 1);
    struct scenario *s = scenario_quoted(text, &options, &e);
    cr_assert_not_null(s, "%s", e.text);
    cr_expect_str_eq(s->subjects[0].command.word[0], "then");
    scenario_free(s);
    free(text);
}

/* A folder of empty files that bear the names of built subjects. */
static void make_subjects(char *dir)
{
    char path[128];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/agent", dir);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fclose(f);
}

static size_t each_of(const char *folder, const char *subjects)
{
    struct scenario_options options = {.subjects_dir = subjects};
    DIR *dir = opendir(folder);
    size_t count = 0;
    cr_assert_not_null(dir, "%s", folder);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[512];
        struct err e = {0};
        size_t len = strlen(entry->d_name);
        if (len < 5 || strcmp(entry->d_name + len - 5, ".json") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        struct scenario *s = scenario_load(path, &options, &e);
        cr_assert_not_null(s, "%s", e.text);
        struct scenario *again = read_again(s);
        expect_same(s, again);
        scenario_free(again);
        scenario_free(s);
        count++;
    }
    closedir(dir);
    return count;
}

/* Every scenario that is shipped is right, and survives. */
Test(scenario_resolved, shipped)
{
    char dir[] = "/tmp/pulldrill-test-XXXXXX", path[128];
    make_subjects(dir);
    size_t count = each_of("scenarios/incidents", dir) + each_of("scenarios/registry", dir) +
                   each_of("scenarios/network", dir);
    cr_expect_geq(count, 10, "only %zu scenarios", count);
    snprintf(path, sizeof path, "%s/agent", dir);
    unlink(path);
    rmdir(dir);
}
