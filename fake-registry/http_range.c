/* The Range header over a body of known size (RFC 9110 section 14). */
#include <string.h>
#include <strings.h>

#include "fake-registry/http.h"

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \t");
}

/* Reads digits; a number past 64 bits becomes the largest. False where there is no digit. */
static bool read_number(const char **s, uint64_t *out)
{
    const char *at = *s;
    uint64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    if (at == *s) {
        return false;
    }
    *s = at;
    *out = value;
    return true;
}

static enum http_range parse_suffix(const char *s, uint64_t size, uint64_t *from, uint64_t *len)
{
    uint64_t want = 0;
    if (!read_number(&s, &want) || *skip_blanks(s) != '\0') {
        return HTTP_RANGE_NONE;
    }
    if (want == 0) {
        return HTTP_RANGE_UNSATISFIABLE;
    }
    if (size == 0) {
        return HTTP_RANGE_NONE; /* satisfiable, but no Content-Range can say so: the whole body */
    }
    *len = want < size ? want : size;
    *from = size - *len;
    return HTTP_RANGE_OK;
}

enum http_range http_range_parse(const char *header, uint64_t size, uint64_t *from, uint64_t *len)
{
    uint64_t first = 0;
    uint64_t last = UINT64_MAX;
    if (header == NULL || strncasecmp(header, "bytes=", 6) != 0) {
        return HTTP_RANGE_NONE;
    }
    const char *s = skip_blanks(header + 6);
    if (*s == '-') {
        return parse_suffix(s + 1, size, from, len);
    }
    if (!read_number(&s, &first) || *s++ != '-') {
        return HTTP_RANGE_NONE;
    }
    bool bounded = read_number(&s, &last);
    if (*skip_blanks(s) != '\0') {
        return HTTP_RANGE_NONE;
    }
    if (first >= size || (bounded && last < first)) {
        return HTTP_RANGE_UNSATISFIABLE;
    }
    *from = first;
    *len = (last < size - 1 ? last : size - 1) - first + 1;
    return HTTP_RANGE_OK;
}
