/* explain: every folder of tests/golden/explain holds a scenario and its page, byte for byte; one
 * whose name begins with "ascii" is drawn without UTF-8. UPDATE_GOLDEN=1 in the environment writes
 * the pages anew. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/columns.h"
#include "harness/explain.h"
#include "harness/explain_internal.h"
#include "tests/lib/golden.h"

#define FOLDER "tests/golden/explain"
static const struct scenario_options options = {.subjects_dir = "build/subjects"};

static void case_path(char path[512], const char *name, const char *file)
{
    snprintf(path, 512, FOLDER "/%s/%s", name, file);
}

/* The page of the scenario of folder NAME. */
static void page_of(const char *name, struct buf *out)
{
    char path[512];
    struct err e = {0};
    struct explain_options how = {.utf8 = strncmp(name, "ascii", 5) != 0,
                                  .run = "pulldrill run input.json",
                                  .prove = "pulldrill prove input.json"};
    case_path(path, name, "input.json");
    char *text = golden_read(path, NULL);
    struct scenario *s = scenario_parse("input.json", text, strlen(text), &options, &e);
    cr_assert_not_null(s, "%s: %s", name, e.text);
    buf_init(out, GOLDEN_MAX_BYTES);
    cr_assert_eq(explain_write(&s, &how, out, &e), 0, "%s: %s", name, e.text);
    cr_assert_null(s);
    free(text);
}

static void check_lines(const char *name, const struct buf *out)
{
    char line[1024];
    for (const char *at = out->data; *at; at += strcspn(at, "\n") + 1) {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
        cr_expect_leq(columns_of(line), EXPLAIN_WIDTH, "%s: %s", name, line);
    }
}

static void check_folder(const char *name)
{
    char path[512];
    struct buf out;
    page_of(name, &out);
    check_lines(name, &out);
    case_path(path, name, "expected.txt");
    golden_check(path, &out);
    buf_close(&out);
}

/* The page of each folder is the one beside it, and no line is wider than a terminal. */
Test(explain, every_folder)
{
    DIR *dir = opendir(FOLDER);
    size_t count = 0;
    cr_assert_not_null(dir, FOLDER " is missing");
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.') {
            check_folder(entry->d_name);
            count++;
        }
    }
    closedir(dir);
    cr_expect_geq(count, 3, "only %zu folders", count);
}

/* Without UTF-8 nothing but ASCII is drawn. */
Test(explain, ascii)
{
    struct buf out;
    page_of("ascii-herd", &out);
    for (size_t i = 0; i < out.len; i++) {
        cr_assert_lt((unsigned char)out.data[i], 0x80);
    }
    buf_close(&out);
}

/* Where the page does not fit its buffer, that is an error and not half a page. */
Test(explain, no_room)
{
    struct err e = {0};
    struct buf out;
    struct explain_options how = {.run = "run", .prove = "prove"};
    char *text = golden_read(FOLDER "/outage/input.json", NULL);
    struct scenario *s = scenario_parse("input.json", text, strlen(text), &options, &e);
    cr_assert_not_null(s, "%s", e.text);
    buf_init(&out, 100);
    cr_expect_eq(explain_write(&s, &how, &out, &e), -1);
    cr_expect_eq(e.code, ERR_NOMEM);
    buf_close(&out);
    scenario_free(s);
    free(text);
}
