/* Following a history while it is written: whole lines only, none lost, none twice. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/commands/follow.h"

static char dir[] = "/tmp/follow-XXXXXX";
static char path[64];

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/history.jsonl", dir);
}

static void tear_down(void)
{
    unlink(path);
    rmdir(dir);
}

TestSuite(follow, .init = set_up, .fini = tear_down);

static void add(const char *text, size_t len)
{
    FILE *f = fopen(path, "ae");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(text, 1, len, f), len);
    cr_assert_eq(fclose(f), 0);
}

static struct follow *begin(void)
{
    struct err e = {0};
    struct follow *f = follow_new(path, &e);
    cr_assert_not_null(f);
    return f;
}

static void expect_line(struct follow *f, const char *wanted)
{
    struct err e = {0};
    const char *line = NULL;
    size_t len = 0;
    cr_assert_eq(follow_line(f, &line, &len, &e), 1, "no line where '%s' was due", wanted);
    cr_expect(len == strlen(wanted) && memcmp(line, wanted, len) == 0, "'%.*s', not '%s'", (int)len,
              line, wanted);
}

static void expect_none(struct follow *f)
{
    struct err e = {0};
    const char *line;
    size_t len;
    cr_expect_eq(follow_line(f, &line, &len, &e), 0);
}

/* A file that is not there yet has no lines yet; it grows, and so do they. */
Test(follow, a_file_that_comes_and_grows)
{
    struct follow *f = begin();
    expect_none(f);
    add("", 0);
    expect_none(f);
    add("one\ntwo\n", 8);
    expect_line(f, "one");
    expect_line(f, "two");
    expect_none(f);
    add("three\n", 6);
    expect_line(f, "three");
    expect_none(f);
    follow_free(f);
}

/* A line that is torn, however often, waits for its end; one that never gets it is none. */
Test(follow, torn_lines)
{
    static const char text[] = "first\nsecond\n\nlast";
    struct follow *f = begin();
    for (size_t i = 0; i < 5; i++) {
        add(&text[i], 1);
        expect_none(f);
    }
    add(text + 5, 4);
    expect_line(f, "first");
    expect_none(f);
    add(text + 9, sizeof text - 10);
    expect_line(f, "second");
    expect_line(f, "");
    expect_none(f);
    expect_none(f);
    follow_free(f);
}

/* A line of a megabyte arrives whole, and the one behind it too. */
Test(follow, a_long_line)
{
    size_t size = 1u << 20;
    char *text = malloc(size + 1);
    struct follow *f = begin();
    cr_assert_not_null(text);
    memset(text, 'x', size);
    text[size] = '\0';
    add(text, size / 2);
    expect_none(f);
    add(text + size / 2, size / 2);
    add("\nnext\n", 6);
    expect_line(f, text);
    expect_line(f, "next");
    free(text);
    follow_free(f);
}

/* Events are decoded as they come. */
Test(follow, events)
{
    static const char line[] =
        "{\"n\":1,\"t_ns\":5,\"actor\":\"drill\",\"event\":\"phase-begin\",\"phase\":\"steady\"}\n";
    struct err e = {0};
    struct event ev;
    struct follow *f = begin();
    add(line, 20);
    cr_expect_eq(follow_event(f, &ev, &e), 0);
    add(line + 20, sizeof line - 21);
    cr_assert_eq(follow_event(f, &ev, &e), 1, "%s", e.text);
    cr_expect_eq(ev.type, EVENT_PHASE_BEGIN);
    cr_expect_str_eq(ev.phase.phase, "steady");
    cr_expect_eq(follow_event(f, &ev, &e), 0);
    follow_free(f);
}

/* What is no event is trouble that stays, and says where. */
Test(follow, no_event)
{
    struct event ev;
    struct follow *f = begin();
    add("{\"n\":1}\n", 8);
    for (int i = 0; i < 2; i++) {
        struct err e = {0};
        cr_expect_eq(follow_event(f, &ev, &e), -1);
        cr_expect_not_null(strstr(e.text, "history.jsonl"), "%s", e.text);
    }
    follow_free(f);
}

/* What cannot be read is trouble, not the end. */
Test(follow, a_folder)
{
    struct err e = {0};
    const char *line;
    size_t len;
    struct follow *f = begin();
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_expect_eq(follow_line(f, &line, &len, &e), -1);
    cr_expect_neq(e.code, ERR_NONE);
    cr_assert_eq(rmdir(path), 0);
    follow_free(f);
}
