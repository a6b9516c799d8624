/* junit.xml, results.json and the last line: they count the same, and as the exit code does. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/report.h"

#define FOLDER "tests/golden/reports"
#define MAX_TEXT (1u << 20)
#define MAX_CASES 64

static const struct report_style plain = {.colour = false};

static struct verdict *load(const char *name)
{
    struct err e = {0};
    char path[512];
    snprintf(path, sizeof path, FOLDER "/%s/journal.json", name);
    struct verdict *v = verdict_load(path, &e);
    cr_assert_not_null(v, "%s", e.text);
    return v;
}

static size_t load_all(struct verdict *items[MAX_CASES])
{
    DIR *dir = opendir(FOLDER);
    size_t count = 0;
    cr_assert_not_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.') {
            cr_assert_lt(count, MAX_CASES);
            items[count++] = load(entry->d_name);
        }
    }
    closedir(dir);
    return count;
}

static void free_all(struct verdict **items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        verdict_free(items[i]);
    }
}

static struct verdict_list list_of(struct verdict **items, size_t count)
{
    struct verdict_list list = {.items = items, .count = count, .verdict = VERDICT_SKIPPED};
    for (size_t i = 0; i < count; i++) {
        list.verdict = items[i]->verdict > list.verdict ? items[i]->verdict : list.verdict;
    }
    list.exit = verdict_exit(list.verdict);
    return list;
}

static char *junit(const struct verdict_list *list)
{
    struct buf out;
    buf_init(&out, MAX_TEXT);
    report_junit(list, &plain, &out);
    char *text = buf_take(&out);
    cr_assert_not_null(text);
    return text;
}

/* How often WHAT stands in LEN bytes of TEXT. */
static size_t count(const char *text, size_t len, const char *what)
{
    size_t n = 0;
    for (size_t i = 0; i + strlen(what) <= len; i++) {
        n += strncmp(text + i, what, strlen(what)) == 0 ? 1 : 0;
    }
    return n;
}

static size_t attribute(const char *element, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, " %s=\"", name);
    const char *at = strstr(element, key);
    cr_assert(at != NULL && at < strchr(element, '>'), "no %s in %.80s", name, element);
    return (size_t)strtoul(at + strlen(key), NULL, 10);
}

/* The counts that ELEMENT claims against the children in LEN bytes from it on. */
static void expect_counts(const char *element, size_t len)
{
    cr_expect_eq(attribute(element, "tests"), count(element, len, "<testcase "), "%.200s", element);
    cr_expect_eq(attribute(element, "failures"), count(element, len, "<failure "), "%.200s",
                 element);
    cr_expect_eq(attribute(element, "errors"), count(element, len, "<error "), "%.200s", element);
    cr_expect_eq(attribute(element, "skipped"), count(element, len, "<skipped "), "%.200s",
                 element);
}

/* Every suite, and the whole, claim as many cases, failures, errors and skips as they hold. */
Test(junit, counts_are_those_of_the_children)
{
    struct verdict *items[MAX_CASES];
    struct verdict_list list = list_of(items, load_all(items));
    char *text = junit(&list);
    size_t suites = 0;

    expect_counts(strstr(text, "<testsuites"), strlen(strstr(text, "<testsuites")));
    for (const char *at = text; (at = strstr(at, "<testsuite ")) != NULL; at++) {
        expect_counts(at, (size_t)(strstr(at, "</testsuite>") - at));
        suites++;
    }
    cr_expect_eq(suites, list.count);
    free(text);
    free_all(items, list.count);
}

/* For each case: no red child where the exit is 0 or 77, one at least otherwise, and as many of
 * each sort as the last line and results.json count. */
Test(junit, agrees_with_exit_and_last_line)
{
    struct verdict *items[MAX_CASES];
    size_t n = load_all(items);
    for (size_t i = 0; i < n; i++) {
        struct verdict_list list = list_of(&items[i], 1);
        char *text = junit(&list);
        size_t len = strlen(text);
        size_t inconclusive = count(text, len, "<error type=\"inconclusive\"");
        size_t failed =
            count(text, len, "<failure type=\"fail\"") + count(text, len, "<error type=\"error\"");
        char expected[128];
        struct buf last;
        buf_init(&last, 4096);
        report_tally(&list, &last);
        size_t passed =
            count(text, len, "<testcase ") - inconclusive - failed - count(text, len, "<skipped ");
        snprintf(expected, sizeof expected, "%zu passed, %zu failed, %zu inconclusive\n", passed,
                 failed, inconclusive);
        cr_expect_str_eq(last.data, expected, "%s", items[i]->title);
        cr_expect_eq(failed + inconclusive == 0,
                     list.exit == EXIT_PASS || list.exit == EXIT_SKIPPED, "%s", items[i]->title);
        buf_close(&last);
        free(text);
    }
    free_all(items, n);
}

/* A drill that failed to run beside checks that all say nothing is an error still. */
Test(junit, error_of_the_harness_is_shown)
{
    struct verdict *v = load("harness-error");
    struct verdict_list list = list_of(&v, 1);
    char *text = junit(&list);
    cr_expect_not_null(strstr(text, "<testcase name=\"drill\""));
    cr_expect_not_null(strstr(text, "<error type=\"error\" message=\"the harness failed"));
    free(text);
    verdict_free(v);
}

static void expect_turned(const char *name, enum exit_status exit, const char *has,
                          const char *has_not)
{
    struct verdict *v = load(name);
    struct verdict_list list = list_of(&v, 1);
    list.exit = exit;
    char *text = junit(&list);
    cr_expect_not_null(strstr(text, has), "%s, exit %d: no %s", name, (int)exit, has);
    cr_expect_null(strstr(text, has_not), "%s, exit %d: %s", name, (int)exit, has_not);
    expect_counts(strstr(text, "<testsuites"), strlen(strstr(text, "<testsuites")));
    free(text);
    verdict_free(v);
}

/* --inconclusive and --no-skip turn the exit code, and the file with it. */
Test(junit, follows_a_turned_exit)
{
    expect_turned("never-met", EXIT_INCONCLUSIVE, "<error type=\"inconclusive\"", "<skipped ");
    expect_turned("never-met", EXIT_PASS, "<skipped ", "<error ");
    expect_turned("never-met", EXIT_FAIL, "<failure type=\"inconclusive\"", "<error ");
    expect_turned("skipped", EXIT_SKIPPED, "<skipped ", "<error ");
    expect_turned("skipped", EXIT_INCONCLUSIVE, "<error type=\"skipped\"", "<skipped ");
    expect_turned("skipped", EXIT_FAIL, "<failure type=\"skipped\"", "<skipped ");
}

/* The same scenario twice gives two suites and two class names. */
Test(junit, names_are_unique)
{
    struct verdict *items[2] = {load("pass"), load("fail-never-returns")};
    struct verdict_list list = list_of(items, 2);
    char *text = junit(&list);
    size_t len = strlen(text);
    size_t cases = items[0]->check_count;
    cr_expect_eq(count(text, len,
                       "<testsuite name=\"scenarios/incidents/codeship-2017-image-"
                       "deleted.json\""),
                 1);
    cr_expect_eq(count(text, len,
                       "<testsuite name=\"scenarios/incidents/codeship-2017-image-"
                       "deleted.json (2)\""),
                 1);
    cr_expect_eq(count(text, len, "image-deleted\""), cases);
    cr_expect_eq(count(text, len, "image-deleted (2)\""), cases);
    free(text);
    free_all(items, 2);
}

/* A case's name begins with its check's word, also where the entry has a name of its own. */
Test(junit, names_begin_with_the_check)
{
    struct verdict *v = load("pass");
    struct verdict_list list = list_of(&v, 1);
    v->checks[8].name = "failover-did-it";
    char *text = junit(&list);
    cr_expect_not_null(strstr(text, "<testcase name=\"served-by: failover-did-it\""));
    cr_expect_not_null(strstr(text, "<testcase name=\"starts-succeed\""));
    free(text);
    verdict_free(v);
}

/* results.json has a row a scenario and sums what the rows say. */
Test(results, rows_and_sums)
{
    struct verdict *items[MAX_CASES];
    struct verdict_list list = list_of(items, load_all(items));
    struct buf out;
    json_int_t passed = 0;
    buf_init(&out, MAX_TEXT);
    report_results(&list, &plain, &out);
    json_t *root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    json_t *rows = json_object_get(root, "scenarios");
    json_t *row;
    size_t i;

    cr_expect_eq(json_array_size(rows), list.count);
    json_array_foreach(rows, i, row)
    {
        json_t *checks = json_object_get(row, "checks");
        passed += json_integer_value(json_object_get(checks, "passed"));
        cr_expect_str_eq(json_string_value(json_object_get(row, "verdict")),
                         verdict_name(items[i]->verdict));
    }
    json_t *tally = json_object_get(root, "tally");
    cr_expect_eq(json_integer_value(json_object_get(tally, "passed")), passed);
    cr_expect_str_eq(json_string_value(json_object_get(root, "verdict")), "error");
    cr_expect_eq(json_integer_value(json_object_get(root, "exit")), EXIT_ERROR);
    json_decref(root);
    buf_close(&out);
    free_all(items, list.count);
}

/* Nothing selected: every format of an invocation is whole all the same. */
Test(results, nothing_selected)
{
    struct verdict_list list = {.verdict = VERDICT_SKIPPED, .exit = EXIT_NOTHING};
    char *text = junit(&list);
    struct buf out;
    buf_init(&out, MAX_TEXT);
    report_tally(&list, &out);
    cr_expect_str_eq(out.data, "0 passed, 0 failed, 0 inconclusive\n");
    cr_expect_not_null(strstr(text, "tests=\"0\" failures=\"0\" errors=\"0\" skipped=\"0\""));
    cr_expect_not_null(strstr(text, "</testsuites>"));
    free(text);
    buf_close(&out);
}
