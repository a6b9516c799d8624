/* Every folder of tests/bad-scenarios: input.json is refused with the complaint in error.txt. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario.h"
#include "tests/lib/golden.h"

#define FOLDER "tests/bad-scenarios"

/* The whole file; the test ends where there is none. */
static char *read_file(const char *name, const char *file, size_t *len)
{
    char path[512];
    snprintf(path, sizeof path, FOLDER "/%s/%s", name, file);
    return golden_read(path, len);
}

/* As the command line would say it: the path is shown as "input.json". */
static void check_folder(const char *name)
{
    struct scenario_options options = {.subjects_dir = "build/subjects"};
    struct err e = {0};
    size_t input_len, error_len;
    char *input = read_file(name, "input.json", &input_len);
    char *error = read_file(name, "error.txt", &error_len);
    struct scenario *s = scenario_parse("input.json", input, input_len, &options, &e);

    error[strcspn(error, "\n")] = '\0';
    cr_expect_null(s, "%s was accepted", name);
    cr_expect_eq(e.code, ERR_INVALID, "%s: code %d", name, (int)e.code);
    cr_expect_str_eq(e.text, error, "%s:\n  got      %s\n  expected %s", name, e.text, error);
    scenario_free(s);
    free(input);
    free(error);
}

/* A mistake in a scenario is told at its place, in the words of the folder. */
Test(bad_scenarios, every_folder)
{
    DIR *dir = opendir(FOLDER);
    size_t count = 0;

    cr_assert_not_null(dir, FOLDER " is missing");
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        check_folder(entry->d_name);
        count++;
    }
    closedir(dir);
    cr_expect_geq(count, 100, "only %zu folders", count);
}
