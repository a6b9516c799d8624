/* Writes JSON for people and programs alike: one member a line, two spaces deep; or all on one. */
#ifndef PULLDRILL_REPORTS_JSON_OUT_H
#define PULLDRILL_REPORTS_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/buf.h"

/* A text under way. Zero it and set OUT. KEY is NULL for an array's elements throughout. */
struct json_out {
    struct buf *out;
    bool flat; /* on one line, without blanks */
    unsigned depth;
    bool filled; /* the innermost container has a member already */
};

/* BRACKET is `{` or `[` to open, `}` or `]` to close. */
void json_out_open(struct json_out *j, const char *key, char bracket);
void json_out_close(struct json_out *j, char bracket);
/* S may be NULL: null. */
void json_out_text(struct json_out *j, const char *key, const char *s);
/* Numbers past 2^63-1, which no reader takes, are written as that. */
void json_out_count(struct json_out *j, const char *key, uint64_t n);
void json_out_int(struct json_out *j, const char *key, int64_t n);
void json_out_flag(struct json_out *j, const char *key, bool flag);
/* As few digits as give the same double again. */
void json_out_share(struct json_out *j, const char *key, double share);
/* On one line. */
void json_out_counts(struct json_out *j, const char *key, const uint64_t *n, size_t count);

#endif
