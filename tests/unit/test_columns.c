/* Columns: what text takes of a terminal's line, and where it is cut. */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/columns.h"

/* Letters take one column, wide ones two, marks over a letter none. */
Test(columns, widths)
{
    cr_expect_eq(columns_of(""), 0);
    cr_expect_eq(columns_of("outage 12/20"), 12);
    cr_expect_eq(columns_of("▁▂█…ü"), 5);
    cr_expect_eq(columns_of("日本"), 4);
    cr_expect_eq(columns_of("e\xcc\x81t"), 2);
    cr_expect_eq(columns_of("🐳"), 2);
}

/* A cut never halves a character, and keeps a mark with its letter. */
Test(columns, cuts)
{
    static const struct {
        const char *text;
        size_t max, bytes, columns;
    } cases[] = {
        {"abc", 3, 3, 3},        {"abc", 2, 2, 2},  {"abc", 0, 0, 0},
        {"日本", 3, 3, 2},       {"日本", 4, 6, 4}, {"a日", 2, 1, 1},
        {"e\xcc\x81t", 1, 3, 1}, {"▇▇▇", 2, 6, 2},  {"", 5, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t columns;
        cr_expect_eq(columns_fit(cases[i].text, cases[i].max, &columns), cases[i].bytes, "case %zu",
                     i);
        cr_expect_eq(columns, cases[i].columns, "case %zu", i);
    }
}

/* Wrapped text stands below its beginning; a word that is wider than the line stays whole. */
Test(columns, wraps)
{
    static const struct {
        const char *text, *wrapped;
    } cases[] = {
        {"", "\n"},
        {"one two", "one two\n"},
        {"one two three", "one two\n    three\n"},
        {"a  b", "a b\n"},
        {"日本 日本 日本", "日本\n    日本\n    日本\n"},
        {"one /a/long/command two", "one\n    /a/long/command\n    two\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out;
        buf_init(&out, 1000);
        columns_wrap(&out, cases[i].text, 4, 12);
        cr_expect_str_eq(out.data, cases[i].wrapped, "case %zu: %s", i, out.data);
        buf_close(&out);
    }
}
