/* The small foundations: errors, buffers, arenas, clocks, UTF-8. */
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/arena.h"
#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/utf8.h"

/* The first error wins, context goes before it, and setting one always answers -1. */
Test(base_err, first_wins_and_context_is_prefixed)
{
    struct err e = {0};

    cr_assert_eq(err_prefix(&e, "nothing"), -1);
    cr_assert_eq(e.code, ERR_NONE);
    cr_assert_eq(err_set(&e, ERR_INVALID, "bad %s", "unit"), -1);
    cr_assert_eq(err_set(&e, ERR_IO, "later"), -1);
    cr_assert_eq(err_prefix(&e, "phase %d", 2), -1);
    cr_assert_eq(e.code, ERR_INVALID);
    cr_assert_str_eq(e.text, "phase 2: bad unit");
    cr_assert_eq(err_set(NULL, ERR_IO, "nobody listens"), -1);
}

/* The system's words stand behind ours. */
Test(base_err, errno_has_its_words)
{
    struct err e = {0};

    cr_assert_eq(err_errno(&e, ENOENT, "%s", "x.json"), -1);
    cr_assert_eq(e.code, ERR_IO);
    cr_assert_str_eq(e.text, "x.json: No such file or directory");
}

/* Texts that do not fit are cut, by every way of making them, and stay terminated. */
Test(base_err, long_texts_are_cut)
{
    struct err e = {0};
    char wide[3000];

    memset(wide, 'x', sizeof(wide) - 1);
    wide[sizeof(wide) - 1] = '\0';
    err_errno(&e, ENOENT, "%s", wide);
    cr_assert_eq(strlen(e.text), sizeof(e.text) - 1);
    err_prefix(&e, "%s", wide);
    cr_assert_eq(strlen(e.text), sizeof(e.text) - 1);
}

/* A buffer fills to its very maximum, then fails for good and keeps what it had. */
Test(base_buf, maximum_is_exact_and_failure_sticks)
{
    struct buf b;

    buf_init(&b, 100);
    for (int i = 0; i < 100; i++)
        buf_char(&b, 'a');
    cr_assert_not(b.failed);
    cr_assert_eq(b.len, 100);
    cr_assert_eq(b.data[100], '\0');
    buf_char(&b, 'b');
    cr_assert(b.failed);
    buf_append(&b, "", 0);
    cr_assert_eq(b.len, 100);
    cr_assert_null(buf_take(&b));
    buf_reset(&b);
    buf_str(&b, "again");
    cr_assert_not(b.failed);
    cr_assert_str_eq(b.data, "again");
    buf_close(&b);
}

/* A maximum so large that sums with it wrap must not make an append run wild. */
Test(base_buf, sizes_do_not_wrap)
{
    struct buf b;

    buf_init(&b, SIZE_MAX);
    buf_str(&b, "x");
    cr_assert(b.failed);
    buf_close(&b);
    buf_init(&b, SIZE_MAX - 1);
    buf_str(&b, "x");
    cr_assert_null(buf_reserve(&b, SIZE_MAX - 1));
    cr_assert(b.failed);
    buf_close(&b);
}

/* Integers are written as the C library would, at the edges too. */
Test(base_buf, integers)
{
    static const int64_t values[] = {0,  1,   -1,  9,    10,        -10,
                                     99, 100, 999, 1000, INT64_MAX, INT64_MIN};
    struct buf b, expected;

    buf_init(&b, 1000);
    buf_init(&expected, 1000);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        buf_i64(&b, values[i]);
        buf_char(&b, ' ');
        buf_u64(&b, (uint64_t)values[i]);
        buf_char(&b, ' ');
        buf_printf(&expected, "%lld %llu ", (long long)values[i], (unsigned long long)values[i]);
    }
    cr_assert_str_eq(b.data, expected.data);
    buf_close(&b);
    buf_close(&expected);
}

/* Consuming takes from the front and never more than there is; taking leaves the buffer usable. */
Test(base_buf, consume_and_take)
{
    struct buf b;
    char *text;

    buf_init(&b, 100);
    buf_consume(&b, 5);
    buf_str(&b, "hello world");
    buf_consume(&b, 6);
    cr_assert_str_eq(b.data, "world");
    buf_consume(&b, 600);
    cr_assert_eq(b.len, 0);
    text = buf_take(&b);
    cr_assert_str_eq(text, "");
    free(text);
    buf_str(&b, "new");
    cr_assert_str_eq(b.data, "new");
    buf_close(&b);
}

static void check_json_string(const char *s, size_t len, const char *expected)
{
    struct buf b;

    buf_init(&b, 1000);
    buf_json_string(&b, s, len);
    cr_assert_str_eq(b.data, expected);
    buf_close(&b);
}

/* Every byte that JSON wants escaped is, wherever it stands among the eight read at once. */
Test(base_buf, json_strings)
{
    check_json_string("", 0, "\"\"");
    check_json_string("plain text of some length", 25, "\"plain text of some length\"");
    check_json_string("\"\\/", 3, "\"\\\"\\\\/\"");
    check_json_string("\b\t\n\v\f\r\x1f\0", 8, "\"\\b\\t\\n\\u000b\\f\\r\\u001f\\u0000\"");
    check_json_string("\x7f", 1, "\"\x7f\"");
    check_json_string("gr\xc3\xbc\xc3\x9f"
                      "e \xf0\x9f\x9a\x80",
                      12,
                      "\"gr\xc3\xbc\xc3\x9f"
                      "e \xf0\x9f\x9a\x80\"");
    for (size_t len = 1; len <= 17; len++) {
        for (size_t i = 0; i < len; i++) {
            char text[18] = "aaaaaaaaaaaaaaaaa", expected[32];

            text[i] = '"';
            text[len] = '\0';
            (void)snprintf(expected, sizeof(expected), "\"%.*s\\\"%s\"", (int)i, text,
                           text + i + 1);
            check_json_string(text, len, expected);
        }
    }
}

/* Whatever the bytes are, an independent parser takes the result. */
Test(base_buf, json_strings_are_always_valid)
{
    struct rng r;
    struct buf b;

    rng_init(&r, 7);
    buf_init(&b, 4096);
    for (int round = 0; round < 2000; round++) {
        char bytes[64];
        json_t *value;

        rng_fill(&r, bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes); i++)
            if (bytes[i] == '\0') /* jansson takes no \u0000 */
                bytes[i] = ' ';
        buf_reset(&b);
        buf_json_string(&b, bytes, sizeof(bytes));
        value = json_loadb(b.data, b.len, JSON_DECODE_ANY, NULL);
        cr_assert_not_null(value, "round %d", round);
        json_decref(value);
    }
    buf_close(&b);
}

/* Bytes that are no UTF-8 are told from those that are. */
Test(base_utf8, sequences)
{
    cr_assert_eq(utf8_sequence("a", 1), 1);
    cr_assert_eq(utf8_sequence("\xc3\xbc", 2), 2);
    cr_assert_eq(utf8_sequence("\xe2\x82\xac", 3), 3);
    cr_assert_eq(utf8_sequence("\xf4\x8f\xbf\xbf", 4), 4);
    cr_assert_eq(utf8_sequence("", 0), 0);
    cr_assert_eq(utf8_sequence("\xc3", 1), 0, "cut");
    cr_assert_eq(utf8_sequence("\x80", 1), 0, "stray");
    cr_assert_eq(utf8_sequence("\xc0\xaf", 2), 0, "overlong");
    cr_assert_eq(utf8_sequence("\xe0\x80\xaf", 3), 0, "overlong");
    cr_assert_eq(utf8_sequence("\xed\xa0\x80", 3), 0, "surrogate");
    cr_assert_eq(utf8_sequence("\xf4\x90\x80\x80", 4), 0, "past U+10FFFF");
    cr_assert_eq(utf8_sequence("\xe2\x82z", 3), 0, "broken off");
}

/* Writing a code point and recognising it agree over every length. */
Test(base_utf8, encode_agrees)
{
    static const unsigned long codes[] = {0x41,  0x7f,   0x80,    0x7ff,
                                          0x800, 0xffff, 0x10000, 0x10ffff};
    static const size_t lengths[] = {1, 1, 2, 2, 3, 3, 4, 4};

    for (size_t i = 0; i < 8; i++) {
        char bytes[4];

        cr_assert_eq(utf8_encode(codes[i], bytes), lengths[i]);
        cr_assert_eq(utf8_sequence(bytes, lengths[i]), lengths[i]);
    }
}

/* Memory is zeroed, aligned, apart, and freed as a whole; large pieces are no different. */
Test(base_arena, pieces)
{
    struct arena a;
    char *small, *large, *text;

    arena_init(&a, 1u << 20);
    small = arena_alloc(&a, 1, 3);
    large = arena_alloc(&a, 100, 1000);
    cr_assert_eq((uintptr_t)small % _Alignof(max_align_t), 0);
    cr_assert_eq((uintptr_t)large % _Alignof(max_align_t), 0);
    for (size_t i = 0; i < 100000; i++)
        cr_assert_eq(large[i], 0);
    memset(large, 1, 100000);
    cr_assert_eq(small[0] + small[1] + small[2], 0);
    text = arena_printf(&a, "%s-%d", "lane", 7);
    cr_assert_str_eq(text, "lane-7");
    cr_assert_str_eq(arena_strndup(&a, "abcdef", 3), "abc");
    cr_assert_str_eq(arena_strdup(&a, ""), "");
    arena_close(&a);
}

/* Past the maximum, and for products that wrap, there is no memory, and the arena remembers. */
Test(base_arena, limits)
{
    struct arena a;

    arena_init(&a, 1000);
    cr_assert_not_null(arena_alloc(&a, 1, 900));
    cr_assert_not(a.failed);
    cr_assert_null(arena_alloc(&a, 1, 200));
    cr_assert(a.failed);
    cr_assert_null(arena_strdup(&a, "x"), "a failed arena stays failed");
    arena_close(&a);
    arena_init(&a, SIZE_MAX);
    cr_assert_null(arena_alloc(&a, SIZE_MAX / 2, 4));
    cr_assert(a.failed);
    arena_close(&a);
}

/* Event time never runs backwards, and wall time reads as RFC 3339. */
Test(base_clock, both_clocks)
{
    uint64_t before = clock_now_ns(), after = clock_now_ns();
    int year, month, day, hour, minute, second, ms, end = 0;
    char text[32];

    cr_assert(before > 0 && after >= before);
    clock_wall_text(text);
    cr_assert_eq(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour, &minute,
                        &second, &ms, &end),
                 7);
    cr_assert_eq(end, 24);
    cr_assert_eq(strlen(text), 24);
}
