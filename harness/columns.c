/* How many columns of a terminal text takes: two for the wide letters of East Asia and for
 * pictures, none for marks that are drawn over another character. */
#include "harness/columns.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "harness/base/utf8.h"

struct range {
    unsigned long first, last;
};

static const struct range marks[] = {
    {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},     {0x610, 0x61a},   {0x64b, 0x65f},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f},   {0x20d0, 0x20ff}, {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
};
static const struct range wide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static bool is_in(const struct range *ranges, size_t count, unsigned long code)
{
    for (size_t i = 0; i < count; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

static size_t width(unsigned long code)
{
    return code < 0x300                                         ? 1
           : is_in(marks, sizeof marks / sizeof marks[0], code) ? 0
           : is_in(wide, sizeof wide / sizeof wide[0], code)    ? 2
                                                                : 1;
}

size_t columns_fit(const char *s, size_t max, size_t *columns)
{
    size_t at = 0;
    size_t len = strlen(s);
    *columns = 0;
    while (at < len) {
        size_t n = utf8_sequence(s + at, len - at);
        size_t w = n > 0 ? width(utf8_decode(s + at, n)) : 1;
        if (*columns + w > max) {
            break;
        }
        *columns += w;
        at += n > 0 ? n : 1;
    }
    return at;
}

size_t columns_of(const char *s)
{
    size_t columns;
    (void)columns_fit(s, SIZE_MAX, &columns);
    return columns;
}

void columns_wrap(struct buf *out, const char *text, size_t indent, size_t width)
{
    size_t at = indent;
    bool first = true;
    while (*text) {
        char word[1024];
        size_t len = strcspn(text, " ");
        size_t take = len < sizeof word ? len : sizeof word - 1;
        memcpy(word, text, take);
        word[take] = '\0';
        size_t columns = columns_of(word);
        if (!first && at + 1 + columns > width) {
            buf_printf(out, "\n%*s", (int)indent, "");
            at = indent;
            first = true;
        }
        buf_printf(out, "%s%s", first ? "" : " ", word);
        at += columns + (first ? 0 : 1);
        first = false;
        text += take;
        text += strspn(text, " ");
    }
    buf_char(out, '\n');
}
