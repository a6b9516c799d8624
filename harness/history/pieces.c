/* Reading ranges of bytes back: digits, '-', digits, and a blank between two of them. Pure. */
#include "harness/history/pieces.h"

/* False where there is no digit, or a number past 64 bits. */
static bool take_number(const char **at, uint64_t *out)
{
    const char *s = *at;
    uint64_t value = 0;
    for (; *s >= '0' && *s <= '9'; s++) {
        uint64_t digit = (uint64_t)(*s - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    bool there = s != *at;
    *at = s;
    *out = value;
    return there;
}

bool pieces_next(const char **at, uint64_t *from, uint64_t *last)
{
    const char *s = *at;
    if (!take_number(&s, from) || *s++ != '-' || !take_number(&s, last) || *from > *last ||
        (*s != '\0' && (*s != ' ' || s[1] == '\0'))) {
        return false;
    }
    *at = *s == ' ' ? s + 1 : s;
    return true;
}

bool pieces_valid(const char *text)
{
    const char *at = text;
    uint64_t from, last;
    while (pieces_next(&at, &from, &last)) {
    }
    return at != text && *at == '\0';
}
