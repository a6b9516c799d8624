/* UTF-8: recognising and writing one sequence, and passing over what needs no care. */
#include "harness/base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool continues(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* The second byte alone tells overlong forms, surrogates and values past U+10FFFF. */
static bool second_fits(unsigned char first, unsigned char second)
{
    if (!continues(second))
        return false;
    if (first == 0xe0)
        return second >= 0xa0;
    if (first == 0xed)
        return second < 0xa0;
    if (first == 0xf0)
        return second >= 0x90;
    if (first == 0xf4)
        return second < 0x90;
    return true;
}

static size_t length_by_first(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    if (first >= 0xf0 && first <= 0xf4)
        return 4;
    return 0;
}

size_t utf8_sequence(const char *s, size_t len)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t n;

    if (len == 0)
        return 0;
    n = length_by_first(u[0]);
    if (n <= 1)
        return n;
    if (n > len || !second_fits(u[0], u[1]))
        return 0;
    for (size_t i = 2; i < n; i++)
        if (!continues(u[i]))
            return 0;
    return n;
}

unsigned long utf8_decode(const char *s, size_t len)
{
    static const unsigned char masks[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned long code = (unsigned char)s[0] & masks[len];

    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char)s[i] & 0x3fu);
    return code;
}

size_t utf8_encode(unsigned long code, char out[4])
{
    static const unsigned char marks[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(marks[n] | code);
    return n;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Whether all eight bytes at S are plain; may say no to some that are, never yes to one that is
 * not. Strings of events are nearly always plain, and this is most of the cost of writing and
 * reading them. */
static bool are_plain(const char *s)
{
    uint64_t w, quotes, slashes;

    memcpy(&w, s, sizeof(w));
    quotes = w ^ EACH('"');
    slashes = w ^ EACH('\\');
    return ((w | (w - EACH(0x20)) | (quotes - EACH(1)) | (slashes - EACH(1))) & EACH(0x80)) == 0;
}

size_t utf8_plain_run(const char *s, size_t len)
{
    size_t run = 0;

    while (len - run >= 8 && are_plain(s + run))
        run += 8;
    /* The rest lies within the last eight. */
    if (len >= 8 && len - run < 8 && are_plain(s + len - 8))
        return len;
    while (run < len && is_plain((unsigned char)s[run]))
        run++;
    return run;
}
