/* ${…} in strings. */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/vars.h"

static const char *lookup(void *data, const char *name, size_t len)
{
    (void)data;
    if (len == 4 && memcmp(name, "name", 4) == 0)
        return "VALUE";
    if (len == 5 && memcmp(name, "empty", 5) == 0)
        return "";
    if (len == 7 && memcmp(name, "nesting", 7) == 0)
        return "${name}";
    return NULL;
}

static void expect_text(const char *text, const char *expected)
{
    struct buf out;
    struct err e = {0};

    buf_init(&out, 1000);
    cr_expect_eq(vars_expand(text, lookup, NULL, &out, NULL, &e), 0, "%s: %s", text, e.text);
    cr_expect_str_eq(out.data == NULL ? "" : out.data, expected, "%s", text);
    buf_close(&out);
}

static void expect_refused(const char *text, size_t expected_offset, const char *expected_part)
{
    struct buf out;
    struct err e = {0};
    size_t offset = 999;

    buf_init(&out, 1000);
    cr_expect_eq(vars_expand(text, lookup, NULL, &out, &offset, &e), -1, "%s", text);
    cr_expect_eq(e.code, ERR_INVALID);
    cr_expect_eq(offset, expected_offset, "%s: %zu", text, offset);
    cr_expect(strstr(e.text, expected_part) != NULL, "%s: %s", text, e.text);
    buf_close(&out);
}

/* Variables are replaced wherever they stand, also side by side and by nothing. */
Test(vars, replaces)
{
    expect_text("", "");
    expect_text("plain", "plain");
    expect_text("${name}", "VALUE");
    expect_text("a${name}b${name}${name}c", "aVALUEbVALUEVALUEc");
    expect_text("[${empty}]", "[]");
}

/* $${ is the literal ${, and any other dollar stands for itself. */
Test(vars, keeps_dollars)
{
    expect_text("$${name}", "${name}");
    expect_text("$$${name}", "$${name}");
    expect_text("$HOME costs 5$", "$HOME costs 5$");
    expect_text("$$", "$$");
    expect_text("{name} }", "{name} }");
}

/* A value is not looked into again: what a registry or a user says cannot become a variable. */
Test(vars, expands_once)
{
    expect_text("${nesting}", "${name}");
}

/* Complaints name the variable and the byte where it begins. */
Test(vars, refuses)
{
    expect_refused("ab${unknown}", 2, "${unknown}");
    expect_refused("${name} ${nam}", 8, "${nam}");
    expect_refused("${}", 0, "${}");
    expect_refused("x${name", 1, "not closed");
    expect_refused("${HOME:-/root}", 0, "$${");
    expect_refused("${ name }", 0, "${ name }");
}

/* The buffer's maximum holds: one variable cannot grow a word without bound. */
Test(vars, stops_at_the_maximum)
{
    struct buf out;
    struct err e = {0};

    buf_init(&out, 7);
    cr_expect_eq(vars_expand("${name}${name}", lookup, NULL, &out, NULL, &e), -1);
    cr_expect_eq(e.code, ERR_LIMIT);
    buf_close(&out);
}
