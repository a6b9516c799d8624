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
#include "tests/lib/golden.h"

#define FOLDER "tests/golden/checks"

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

static void check_file(const char *path)
{
    struct buf out;
    char *text = golden_read(path, NULL), *rest = text, *paragraph;
    buf_init(&out, GOLDEN_MAX_BYTES);
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
    golden_check(path, &out);
    buf_close(&out);
    free(text);
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
