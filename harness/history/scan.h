/* A strict scanner for one line of JSON: bounds-checked, without recursion or allocation. */
#ifndef PULLDRILL_HISTORY_SCAN_H
#define PULLDRILL_HISTORY_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is left to read. A scan_ function that returns false leaves AT near the trouble. */
struct scan {
    const char *at;
    const char *end;
};

/* A string between its quotes, still escaped. */
struct scan_text {
    const char *raw;
    size_t len;
    bool escaped;
};

/* The deepest nesting of a value that is skipped. */
#define SCAN_MAX_DEPTH 256

/* Skips blanks, then takes C where it is next. */
bool scan_char(struct scan *s, char c);
/* The byte that is next behind blanks; '\0' at the end. */
char scan_peek(struct scan *s);
/* Takes a string and checks it: UTF-8, no control characters, known escapes. */
bool scan_string(struct scan *s, struct scan_text *out);
/* Takes any value. */
bool scan_value(struct scan *s);
/* Take a value of just this type; false also where it is valid JSON of another one. */
bool scan_u64(struct scan *s, uint64_t *out);
bool scan_i64(struct scan *s, int64_t *out);
bool scan_bool(struct scan *s, bool *out);
/* Writes TEXT unescaped and NUL-terminated to TO, which needs LEN + 1 bytes; returns its length.
 * What a C string in UTF-8 cannot hold (\u0000, half a surrogate pair) becomes U+FFFD. */
size_t scan_unescape(const struct scan_text *text, char *to);
/* Writes the value of LEN bytes that scan_value took at FROM to TO without the blanks between its
 * parts, NUL-terminated; TO needs LEN + 1 bytes. Returns the length. */
size_t scan_compact(const char *from, size_t len, char *to);

#endif
