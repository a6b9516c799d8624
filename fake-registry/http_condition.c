/* Conditions of a request on the entity tag of what it asks for (RFC 9110 section 13). */
#include <string.h>
#include <strings.h>

#include "fake-registry/http.h"

/* What the lines of one header say, taken together. */
struct tags {
    bool there;
    bool strong; /* TAG is among them, or "*" */
    bool weak;   /* the same, or W/TAG is */
};

/* Whether LEN bytes of TEXT are TAG. */
static bool is_tag(const char *text, size_t len, const char *tag)
{
    return strlen(tag) == len && memcmp(text, tag, len) == 0;
}

static const char *skip(const char *s, const char *what)
{
    return s + strspn(s, what);
}

/* Reads a list of entity tags, up to the first that is none. */
static void read_tags(const char *s, const char *tag, struct tags *out)
{
    s = skip(s, " \t,");
    if (s[0] == '*' && *skip(s + 1, " \t") == '\0') {
        out->strong = out->weak = true;
        return;
    }
    for (; *s != '\0'; s = skip(s, " \t,")) {
        bool weak = s[0] == 'W' && s[1] == '/';
        s += weak ? 2 : 0;
        const char *end = *s == '"' ? strchr(s + 1, '"') : NULL;
        if (end == NULL) {
            return;
        }
        bool same = is_tag(s + 1, (size_t)(end - s - 1), tag);
        out->weak = out->weak || same;
        out->strong = out->strong || (same && !weak);
        s = skip(end + 1, " \t");
        if (*s != ',') {
            return;
        }
    }
}

/* Whether all that VALUE says is TAG, without quotes. */
static bool says_bare(const char *value, const char *tag)
{
    size_t len = strlen(value);
    while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t')) {
        len--;
    }
    return is_tag(value, len, tag);
}

/* Of nearly all requests no header begins so: the hot path ends here. */
static bool conditional(const char *name)
{
    return (name[0] == 'I' || name[0] == 'i') && (name[1] == 'f' || name[1] == 'F') &&
           name[2] == '-';
}

enum http_condition http_condition(const struct http_request *r, const char *tag, bool bare)
{
    struct tags match = {false, false, false};
    struct tags none_match = {false, false, false};
    for (size_t i = 0; i < r->header_count; i++) {
        const struct http_header *h = &r->headers[i];
        if (!conditional(h->name)) {
            continue;
        }
        if (strcasecmp(h->name, "If-Match") == 0) {
            match.there = true;
            read_tags(h->value, tag, &match);
        } else if (strcasecmp(h->name, "If-None-Match") == 0) {
            none_match.there = true;
            read_tags(h->value, tag, &none_match);
            none_match.weak = none_match.weak || (bare && says_bare(h->value, tag));
        }
    }
    if (match.there && !match.strong) {
        return HTTP_FAILED;
    }
    return none_match.weak ? HTTP_NOT_MODIFIED : HTTP_HOLDS;
}

bool http_if_range(const struct http_request *r, const char *tag)
{
    const char *value = http_request_header(r, "If-Range");
    size_t len = strlen(tag);
    return value == NULL || (value[0] == '"' && strncmp(value + 1, tag, len) == 0 &&
                             value[1 + len] == '"' && *skip(value + 2 + len, " \t") == '\0');
}
