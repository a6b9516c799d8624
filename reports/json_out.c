/* JSON, one member a line, or all on one. */
#include "reports/json_out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void new_line(struct json_out *j)
{
    if (j->flat) {
        return;
    }
    buf_char(j->out, '\n');
    for (unsigned i = 0; i < j->depth; i++) {
        buf_str(j->out, "  ");
    }
}

static void begin(struct json_out *j, const char *key)
{
    if (j->filled) {
        buf_char(j->out, ',');
    }
    if (j->depth > 0) {
        new_line(j);
    }
    if (key != NULL) {
        buf_json_string(j->out, key, strlen(key));
        buf_str(j->out, j->flat ? ":" : ": ");
    }
    j->filled = true;
}

void json_out_open(struct json_out *j, const char *key, char bracket)
{
    begin(j, key);
    buf_char(j->out, bracket);
    j->depth++;
    j->filled = false;
}

void json_out_close(struct json_out *j, char bracket)
{
    j->depth--;
    if (j->filled) {
        new_line(j);
    }
    buf_char(j->out, bracket);
    j->filled = true;
    if (j->depth == 0) {
        buf_char(j->out, '\n');
    }
}

void json_out_text(struct json_out *j, const char *key, const char *s)
{
    begin(j, key);
    if (s == NULL) {
        buf_str(j->out, "null");
    } else {
        buf_json_string(j->out, s, strlen(s));
    }
}

static uint64_t bounded(uint64_t n)
{
    return n < (uint64_t)INT64_MAX ? n : (uint64_t)INT64_MAX;
}

void json_out_count(struct json_out *j, const char *key, uint64_t n)
{
    begin(j, key);
    buf_u64(j->out, bounded(n));
}

void json_out_int(struct json_out *j, const char *key, int64_t n)
{
    begin(j, key);
    buf_i64(j->out, n);
}

void json_out_flag(struct json_out *j, const char *key, bool flag)
{
    begin(j, key);
    buf_str(j->out, flag ? "true" : "false");
}

void json_out_share(struct json_out *j, const char *key, double share)
{
    char text[64];
    double finite = isfinite(share) ? share : 0;
    begin(j, key);
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, finite);
        if (!(strtod(text, NULL) < finite) && !(strtod(text, NULL) > finite)) {
            break;
        }
    }
    buf_str(j->out, text);
}

void json_out_counts(struct json_out *j, const char *key, const uint64_t *n, size_t count)
{
    begin(j, key);
    buf_char(j->out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buf_str(j->out, ", ");
        }
        buf_u64(j->out, bounded(n[i]));
    }
    buf_char(j->out, ']');
}
