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

/* What a list of ranges comes to. */
struct list {
    struct http_span *span;
    size_t count; /* of SPAN: those that can be satisfied */
    size_t asked;
    uint64_t total;
    bool nothing; /* the last bytes of no bytes are asked for */
};

/* Behind the '-' of "-N". OUT is empty where it cannot be satisfied. False: it is no range. */
static bool read_suffix(struct list *list, const char **s, uint64_t size, struct http_span *out)
{
    uint64_t want = 0;
    if (!read_number(s, &want)) {
        return false;
    }
    out->len = want < size ? want : size;
    out->from = size - out->len;
    list->nothing = list->nothing || (size == 0 && want > 0);
    return true;
}

/* The same for any range. */
static bool read_range(struct list *list, const char **s, uint64_t size, struct http_span *out)
{
    uint64_t first = 0;
    uint64_t last = UINT64_MAX;
    if (**s == '-') {
        ++*s;
        return read_suffix(list, s, size, out);
    }
    if (!read_number(s, &first) || *(*s)++ != '-') {
        return false;
    }
    (void)read_number(s, &last);
    *out = (struct http_span){first, 0};
    if (first < size && first <= last) {
        out->len = (last < size - 1 ? last : size - 1) - first + 1;
    }
    return true;
}

static void add(struct list *list, struct http_span span)
{
    list->span[list->count++] = span;
    list->total = span.len > UINT64_MAX - list->total ? UINT64_MAX : list->total + span.len;
}

/* False where S is no list of ranges, or one of too many. */
static bool read_list(struct list *list, const char *s, uint64_t size)
{
    for (;;) {
        struct http_span span = {0, 0};
        s += strspn(s, " \t,");
        if (*s == '\0') {
            return list->asked > 0;
        }
        if (list->asked++ == HTTP_MAX_RANGES || !read_range(list, &s, size, &span)) {
            return false;
        }
        s = skip_blanks(s);
        if (*s != ',' && *s != '\0') {
            return false;
        }
        if (span.len > 0) {
            add(list, span);
        }
    }
}

enum http_range http_range_parse(const char *header, uint64_t size,
                                 struct http_span span[HTTP_MAX_RANGES], size_t *count)
{
    struct list list = {.span = span};
    *count = 0;
    if (header == NULL || strncasecmp(header, "bytes=", 6) != 0 ||
        !read_list(&list, header + 6, size)) {
        return HTTP_RANGE_NONE;
    }
    /* That can be satisfied, but no Content-Range can say so: the whole body. */
    if (list.nothing || list.total > size) {
        return HTTP_RANGE_NONE;
    }
    *count = list.count;
    return list.count > 0 ? HTTP_RANGE_OK : HTTP_RANGE_UNSATISFIABLE;
}
