/* Content-Range, read strictly: a part put in the wrong place is worse than none. */
#include "scenarios/subjects/lib/pull_range.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A run of digits without sign or space at *S, which is moved behind it. */
static bool number(const char **s, uint64_t *out)
{
    uint64_t v = 0;

    if (!isdigit((unsigned char)**s))
        return false;
    for (; isdigit((unsigned char)**s); (*s)++) {
        const unsigned digit = (unsigned)(**s - '0');

        if (v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

bool pull_range_matches(const char *value, uint64_t from, uint64_t total)
{
    static const char unit[] = "bytes ";
    const char *s;
    uint64_t first, last, whole = total;

    if (strncasecmp(value, unit, sizeof(unit) - 1) != 0)
        return false;
    s = value + sizeof(unit) - 1;
    if (!number(&s, &first) || *s++ != '-' || !number(&s, &last) || *s++ != '/')
        return false;
    if (*s == '*')
        s++;
    else if (!number(&s, &whole))
        return false;
    return *s == '\0' && first == from && last >= first && last < total && whole == total;
}
