/* The scanner: RFC 8259, one value at a time. */
#include "harness/history/scan.h"

#include <string.h>

#include "harness/base/utf8.h"

static void skip_blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

char scan_peek(struct scan *s)
{
    skip_blanks(s);
    return s->at < s->end ? *s->at : '\0';
}

bool scan_char(struct scan *s, char c)
{
    skip_blanks(s);
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* The value of a hexadecimal digit, or -1. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The four digits of \uXXXX at P, or -1. */
static int hex_unit(const char *p, size_t len)
{
    int unit = 0;

    if (len < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);

        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Takes what follows a backslash. */
static bool take_escape(struct scan *s)
{
    char c;

    if (s->at == s->end)
        return false;
    c = *s->at++;
    if (c == 'u') {
        if (hex_unit(s->at, (size_t)(s->end - s->at)) < 0)
            return false;
        s->at += 4;
        return true;
    }
    return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
}

bool scan_string(struct scan *s, struct scan_text *out)
{
    if (!scan_char(s, '"'))
        return false;
    *out = (struct scan_text){.raw = s->at};
    for (;;) {
        unsigned char c;
        size_t n;

        s->at += utf8_plain_run(s->at, (size_t)(s->end - s->at));
        if (s->at == s->end)
            return false;
        c = (unsigned char)*s->at;
        if (c == '"') {
            out->len = (size_t)(s->at - out->raw);
            s->at++;
            return true;
        }
        if (c == '\\') {
            out->escaped = true;
            s->at++;
            if (!take_escape(s))
                return false;
            continue;
        }
        n = c < 0x80 ? c >= 0x20 : utf8_sequence(s->at, (size_t)(s->end - s->at));
        if (n == 0)
            return false;
        s->at += n;
    }
}

static bool take_digits(struct scan *s)
{
    const char *first = s->at;

    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > first;
}

/* Takes an integer's text: "0", or digits that begin with another one. */
static bool take_whole(struct scan *s)
{
    const char *first = s->at;

    return take_digits(s) && (*first != '0' || s->at == first + 1);
}

static bool take_number(struct scan *s)
{
    if (*s->at == '-')
        s->at++;
    if (!take_whole(s))
        return false;
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if (!take_digits(s))
            return false;
    }
    if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
        s->at++;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
            s->at++;
        return take_digits(s);
    }
    return true;
}

static bool take_word(struct scan *s, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
        return false;
    s->at += len;
    return true;
}

/* A value that holds no other. */
static bool take_plain(struct scan *s, char c)
{
    struct scan_text text;

    switch (c) {
    case '"':
        return scan_string(s, &text);
    case 't':
        return take_word(s, "true");
    case 'f':
        return take_word(s, "false");
    case 'n':
        return take_word(s, "null");
    default:
        return (c == '-' || (c >= '0' && c <= '9')) && take_number(s);
    }
}

/* The open containers: one bit a level, set for an object. */
struct nesting {
    uint64_t objects[SCAN_MAX_DEPTH / 64];
    unsigned depth;
};

static bool nesting_push(struct nesting *n, bool object)
{
    uint64_t *word = &n->objects[n->depth / 64 % (SCAN_MAX_DEPTH / 64)];
    uint64_t bit = UINT64_C(1) << (n->depth % 64);

    if (n->depth == SCAN_MAX_DEPTH)
        return false;
    *word = object ? *word | bit : *word & ~bit;
    n->depth++;
    return true;
}

static bool nesting_in_object(const struct nesting *n)
{
    unsigned level = n->depth - 1;

    return (n->objects[level / 64] >> (level % 64) & 1) != 0;
}

static bool take_key(struct scan *s)
{
    struct scan_text key;

    return scan_string(s, &key) && scan_char(s, ':');
}

/* Takes one plain value, or opens containers down to one that is empty or begins with one. */
static bool take_or_open(struct scan *s, struct nesting *n)
{
    for (;;) {
        char c = scan_peek(s);

        if (c != '{' && c != '[')
            return take_plain(s, c);
        s->at++;
        if (scan_char(s, c == '{' ? '}' : ']'))
            return true;
        if (!nesting_push(n, c == '{') || (c == '{' && !take_key(s)))
            return false;
    }
}

bool scan_value(struct scan *s)
{
    struct nesting n = {.depth = 0};

    for (;;) {
        if (!take_or_open(s, &n))
            return false;
        while (n.depth > 0 && scan_char(s, nesting_in_object(&n) ? '}' : ']'))
            n.depth--;
        if (n.depth == 0)
            return true;
        if (!scan_char(s, ',') || (nesting_in_object(&n) && !take_key(s)))
            return false;
    }
}

/* Whether an integer's text ended where it seemed to: not within "1.5" or "1e3". */
static bool number_ends(const struct scan *s)
{
    return s->at == s->end || (*s->at != '.' && *s->at != 'e' && *s->at != 'E');
}

bool scan_u64(struct scan *s, uint64_t *out)
{
    const char *digit;
    uint64_t v = 0;

    skip_blanks(s);
    digit = s->at;
    if (!take_whole(s) || !number_ends(s))
        return false;
    for (; digit < s->at; digit++)
        if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
            __builtin_add_overflow(v, (uint64_t)(*digit - '0'), &v))
            return false;
    *out = v;
    return true;
}

bool scan_i64(struct scan *s, int64_t *out)
{
    bool negative = scan_char(s, '-');
    uint64_t v;

    /* No blank may stand behind the sign. */
    if ((negative && s->at < s->end && (*s->at < '0' || *s->at > '9')) || !scan_u64(s, &v))
        return false;
    if (v > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    if (negative)
        *out = v == 0 ? 0 : -(int64_t)(v - 1) - 1;
    else
        *out = (int64_t)v;
    return true;
}

bool scan_bool(struct scan *s, bool *out)
{
    *out = scan_peek(s) == 't';
    return take_word(s, *out ? "true" : "false");
}

/* Reads \uXXXX, or a pair of them, behind the "u" at P of LEN bytes; sets how many it took. */
static unsigned long read_unit(const char *p, size_t len, size_t *taken)
{
    int high = hex_unit(p, len), low = -1;

    *taken = 4;
    if (high <= 0 || (high >= 0xdc00 && high <= 0xdfff))
        return 0xfffd;
    if (high < 0xd800 || high > 0xdbff)
        return (unsigned long)high;
    if (len >= 10 && p[4] == '\\' && p[5] == 'u')
        low = hex_unit(p + 6, len - 6);
    if (low < 0xdc00 || low > 0xdfff)
        return 0xfffd;
    *taken = 10;
    return 0x10000UL + ((unsigned long)(high - 0xd800) << 10) + (unsigned long)(low - 0xdc00);
}

static char plain_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

size_t scan_unescape(const struct scan_text *text, char *to)
{
    const char *p = text->raw, *end = text->raw + text->len;
    char *out = to;

    while (text->escaped && p < end) {
        size_t taken = 0;

        if (*p != '\\') {
            *out++ = *p++;
        } else if (p[1] != 'u') {
            *out++ = plain_escape(p[1]);
            p += 2;
        } else {
            out += utf8_encode(read_unit(p + 2, (size_t)(end - p - 2), &taken), out);
            p += 2 + taken;
        }
    }
    if (!text->escaped && text->len > 0) {
        memcpy(out, text->raw, text->len);
        out += text->len;
    }
    *out = '\0';
    return (size_t)(out - to);
}

size_t scan_compact(const char *from, size_t len, char *to)
{
    bool in_string = false;
    char *out = to;

    for (size_t i = 0; i < len; i++) {
        char c = from[i];

        if (in_string && c == '\\')
            *out++ = from[i++];
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == ' ' || c == '\t' || c == '\n' || c == '\r'))
            continue;
        *out++ = from[i];
    }
    *out = '\0';
    return (size_t)(out - to);
}
