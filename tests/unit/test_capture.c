/* Output kept within bounds. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/capture.h"

static void add(struct capture *c, const char *text)
{
    capture_add(c, text, strlen(text));
}

static void expect_text(const struct capture *c, const char *expected)
{
    size_t len = 0;
    char *text = capture_text(c, &len);

    cr_assert_not_null(text);
    cr_expect_str_eq(text, expected);
    cr_expect_eq(len, strlen(expected));
    free(text);
}

/* What fits head and tail is kept whole, wherever the pieces end. */
Test(capture, keeps_what_fits)
{
    struct capture c;

    capture_init(&c, 4, 4, NULL);
    expect_text(&c, "");
    add(&c, "ab");
    expect_text(&c, "ab");
    add(&c, "cdef");
    add(&c, "gh");
    expect_text(&c, "abcdefgh");
    capture_close(&c);
}

/* Beyond that the middle goes, and the text says how much it was. */
Test(capture, drops_the_middle)
{
    struct capture c;

    capture_init(&c, 4, 4, NULL);
    add(&c, "abcdefgh");
    add(&c, "i");
    expect_text(&c, "abcd\n[1 bytes of output dropped here]\nfghi");
    add(&c, "jkl");
    add(&c, "mn");
    expect_text(&c, "abcd\n[6 bytes of output dropped here]\nklmn");
    capture_close(&c);
}

/* A single piece larger than everything leaves its beginning and its end. */
Test(capture, takes_a_huge_piece)
{
    struct capture c;

    capture_init(&c, 2, 3, NULL);
    add(&c, "0123456789");
    expect_text(&c, "01\n[5 bytes of output dropped here]\n789");
    add(&c, "ab");
    expect_text(&c, "01\n[7 bytes of output dropped here]\n9ab");
    capture_close(&c);
}
