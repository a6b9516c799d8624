/* Checks, case by case: every file of tests/golden/checks holds histories in words and all that the
 * check makes of each. UPDATE_GOLDEN=1 in the environment writes the results anew.
 *
 * A case is a paragraph: `#` lines say what it shows, `KEY: VALUE` lines what is asked (`check`,
 * `play`, and members of the scenario that differ), and the lines from `=>` on are the result. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/check_play.h"

#define FOLDER "tests/golden/checks"
#define MAX_FILE (1u << 20)

/* One case, cut out of the file's text. */
struct golden_case {
    struct check_scenario scenario;
    const char *check, *play;
};

static void take_line(struct golden_case *c, char *line, const char *path)
{
    struct {
        const char *key;
        const char **value;
    } keys[] = {
        {"check", &c->check},
        {"play", &c->play},
        {"more", &c->scenario.more},
        {"registries", &c->scenario.registries},
        {"images", &c->scenario.images},
        {"subjects", &c->scenario.subjects},
        {"faults", &c->scenario.faults},
        {"phases", &c->scenario.phases},
    };
    char *value = strstr(line, ": ");
    cr_assert_not_null(value, "%s: no KEY: VALUE: %s", path, line);
    *value = '\0';
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(keys[i].key, line) == 0) {
            *keys[i].value = value + 2;
            return;
        }
    }
    cr_assert_fail("%s: no key %s", path, line);
}

static void show(const struct check_run *r, struct buf *out)
{
    buf_printf(out, "=> %s%s\n", verdict_name(r->out.verdict), r->c.lost ? ", lost" : "");
    buf_printf(out, "   %s\n   %s\n", r->out.expected, r->out.actual);
    for (size_t i = 0; i < r->out.reason_count; i++) {
        const struct verdict_reason *reason = &r->out.reasons[i];
        buf_printf(out, "   - %s", reason->text);
        for (size_t k = 0; k < reason->event_count; k++) {
            buf_printf(out, "%s%llu", k == 0 ? " [" : ", ", (unsigned long long)reason->events[k]);
        }
        buf_str(out, reason->event_count > 0 ? "]\n" : "\n");
    }
}

/* Plays TEXT, a paragraph, and appends it with the result to OUT. */
static void run_case(const char *path, char *text, struct buf *out)
{
    struct golden_case c = {0};
    struct check_run r;
    char *line;
    while ((line = strsep(&text, "\n")) && strncmp(line, "=>", 2) != 0) {
        if (line[0] != '\0') {
            buf_printf(out, "%s\n", line);
        }
        if (line[0] != '\0' && line[0] != '#') {
            take_line(&c, line, path);
        }
    }
    if (!c.check) {
        return;
    }
    check_run_open(&r, &c.scenario, c.check);
    check_play(&r, c.play ? c.play : "");
    check_run_finish(&r);
    show(&r, out);
    check_run_close(&r);
}

static char *read_file(const char *path)
{
    char *text = calloc(1, MAX_FILE);
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(text);
    cr_assert_not_null(f, "%s", path);
    cr_assert_lt(fread(text, 1, MAX_FILE, f), MAX_FILE);
    fclose(f);
    return text;
}

static void write_file(const char *path, const struct buf *b)
{
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f, "%s", path);
    cr_assert_eq(fwrite(b->data, 1, b->len, f), b->len);
    cr_assert_eq(fclose(f), 0);
}

/* Says the first line at which the two differ. */
static void compare(const char *path, const char *got, const char *wanted)
{
    size_t line = 1, begin = 0;
    for (size_t i = 0; got[i] == wanted[i]; i++) {
        if (!got[i]) {
            return;
        }
        if (got[i] == '\n') {
            begin = i + 1;
            line++;
        }
    }
    cr_expect_fail("%s:%zu:\n  got      %.*s\n  expected %.*s", path, line,
                   (int)strcspn(got + begin, "\n"), got + begin, (int)strcspn(wanted + begin, "\n"),
                   wanted + begin);
}

static void check_file(const char *path)
{
    struct buf out;
    char *text = read_file(path), *rest = text, *wanted = read_file(path), *paragraph;
    buf_init(&out, MAX_FILE);
    while (rest) {
        paragraph = rest;
        rest = strstr(rest, "\n\n");
        if (rest) {
            *rest = '\0';
            rest += 2;
        }
        if (paragraph[0] != '\0') {
            buf_str(&out, out.len > 0 ? "\n" : "");
            run_case(path, paragraph, &out);
        }
    }
    if (getenv("UPDATE_GOLDEN")) {
        write_file(path, &out);
    } else {
        compare(path, out.data, wanted);
    }
    buf_close(&out);
    free(text);
    free(wanted);
}

/* Every case of every file comes out as it is written there, to the last event cited. */
Test(checks_golden, every_file)
{
    DIR *dir = opendir(FOLDER);
    size_t count = 0;
    cr_assert_not_null(dir, FOLDER " is missing");
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        size_t len = strlen(entry->d_name);
        if (len > 4 && strcmp(entry->d_name + len - 4, ".txt") == 0) {
            char path[512];
            snprintf(path, sizeof path, FOLDER "/%s", entry->d_name);
            check_file(path);
            count++;
        }
    }
    closedir(dir);
    cr_expect_geq(count, 10, "only %zu files", count);
}
