/* Comparisons as text and JSON: every folder OLD..NEW of tests/golden/compare holds what comes of
 * the journals OLD and NEW of tests/golden/reports. UPDATE_GOLDEN=1 in the environment writes those
 * files anew. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/compare_text.h"
#include "tests/lib/golden.h"

#define FOLDER "tests/golden/compare"

static const struct report_style plain = {.colour = false};
static const struct report_style coloured = {.colour = true};

static struct verdict *load(const char *name, size_t len)
{
    char path[512];
    struct err e = {0};
    snprintf(path, sizeof path, "tests/golden/reports/%.*s/journal.json", (int)len, name);
    struct verdict *v = verdict_load(path, &e);
    cr_assert_not_null(v, "%s", e.text);
    return v;
}

/* Of PAIR, "OLD..NEW". */
static struct comparison *compared(const char *pair)
{
    struct err e = {0};
    const char *dots = strstr(pair, "..");
    cr_assert_not_null(dots, "%s", pair);
    struct verdict *was = load(pair, (size_t)(dots - pair));
    struct verdict *is = load(dots + 2, strlen(dots + 2));
    struct compare_item items[] = {{.scenario = "a-scenario", .variant = "", .verdict = was},
                                   {.scenario = "a-scenario", .variant = "", .verdict = is}};
    const struct compare_side sides[] = {{&items[0], 1}, {&items[1], 1}};
    struct comparison *c = verdict_compare(&sides[0], &sides[1], &e);
    cr_assert_not_null(c, "%s", e.text);
    verdict_free(was);
    verdict_free(is);
    return c;
}

static void check_pair(const char *pair)
{
    struct comparison *c = compared(pair);
    struct buf out;
    char path[1024];
    buf_init(&out, GOLDEN_MAX_BYTES);
    report_compare_text(c, "old", "new", &plain, &out);
    snprintf(path, sizeof path,
             FOLDER "/%s/"
                    "text.txt",
             pair);
    golden_check(path, &out);
    buf_reset(&out);
    report_compare_json(c, "old", "new", &out);
    snprintf(path, sizeof path,
             FOLDER "/%s/"
                    "findings.json",
             pair);
    golden_check(path, &out);
    buf_close(&out);
    comparison_free(c);
}

/* Each pair gives the text and the JSON of its folder, byte for byte. */
Test(compare_text, golden)
{
    DIR *dir = opendir(FOLDER);
    size_t count = 0;
    cr_assert_not_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.') {
            check_pair(entry->d_name);
            count++;
        }
    }
    closedir(dir);
    cr_expect_geq(count, 6);
}

/* The JSON is JSON, and its tally is that of its findings. */
Test(compare_text, json)
{
    struct comparison *c = compared("pass..fail-three-of-twenty");
    struct buf out;
    size_t i, worse = 0;
    json_t *one;
    buf_init(&out, GOLDEN_MAX_BYTES);
    report_compare_json(c, "old", "new", &out);
    json_t *root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(root);
    json_array_foreach(json_object_get(root, "findings"), i, one)
    {
        const char *kind = json_string_value(json_object_get(one, "finding"));
        worse += kind != NULL && strcmp(kind, "worse") == 0;
    }
    cr_expect_gt(worse, 0);
    cr_expect_eq(
        (size_t)json_integer_value(json_object_get(json_object_get(root, "tally"), "worse")),
        worse);
    json_decref(root);
    buf_close(&out);
    comparison_free(c);
}

/* Colours change nothing but the colour, and hostile words bring none of their own. */
Test(compare_text, colours)
{
    struct comparison *c = compared("hostile..hostile");
    struct buf out;
    buf_init(&out, GOLDEN_MAX_BYTES);
    report_compare_text(c, "\033[31mold", "new\n", &plain, &out);
    cr_expect_null(strchr(out.data, '\033'));
    buf_reset(&out);
    report_compare_text(c, "old", "new", &coloured, &out);
    cr_expect_not_null(strchr(out.data, '\033'));
    buf_close(&out);
    comparison_free(c);
}

/* Too little room is said, wherever it ends. */
Test(compare_text, too_little_room)
{
    struct comparison *c = compared("pass..fail-three-of-twenty");
    struct buf whole;
    buf_init(&whole, GOLDEN_MAX_BYTES);
    report_compare_text(c, "old", "new", &plain, &whole);
    for (size_t max = 0; max < whole.len; max += 61) {
        struct buf out;
        buf_init(&out, max);
        report_compare_text(c, "old", "new", &plain, &out);
        cr_expect(out.failed, "in %zu bytes", max);
        buf_close(&out);
    }
    buf_close(&whole);
    comparison_free(c);
}
