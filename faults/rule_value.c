/* Single values of a rule: the right type and form, or a complaint that shows both. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "faults/rule_internal.h"
#include "harness/base/buf.h"
#include "harness/base/units.h"

/* What a `headers` object may come to: an answer's head has 2 KiB for everything. */
#define HEADERS_MAX 1024
#define SHOWN_MAX 48

bool rule_own_key(const char *name)
{
    return strncmp(name, "x-", 2) == 0;
}

/* S with what would break a line of text made harmless, cut at a character's edge. */
static void clean(const char *s, char *text, size_t size)
{
    size_t n = 0;

    for (; s[n] && n + 1 < size; n++) {
        text[n] = (unsigned char)s[n] < 0x20 || s[n] == 0x7f ? '?' : s[n];
    }
    while (s[n] && n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80) {
        n--;
    }
    text[n] = '\0';
}

static void describe(const json_t *value, char *text, size_t size)
{
    char word[SHOWN_MAX];

    switch (json_typeof(value)) {
    case JSON_STRING:
        clean(json_string_value(value), word, sizeof(word));
        (void)snprintf(text, size, "\"%s\"", word);
        break;
    case JSON_INTEGER:
        (void)snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        (void)snprintf(text, size, "%g", json_real_value(value));
        break;
    case JSON_OBJECT:
        (void)snprintf(text, size, "an object");
        break;
    case JSON_ARRAY:
        (void)snprintf(text, size, "an array");
        break;
    case JSON_TRUE:
        (void)snprintf(text, size, "true");
        break;
    case JSON_FALSE:
        (void)snprintf(text, size, "false");
        break;
    case JSON_NULL:
        (void)snprintf(text, size, "null");
        break;
    }
}

int rule_complain_form(struct rule_reading *r, struct doc_at at, const char *key, const char *form)
{
    char shown[SHOWN_MAX + 8];
    char word[SHOWN_MAX];

    describe(at.value, shown, sizeof(shown));
    clean(key, word, sizeof(word));
    (void)doc_complain(r->e, at, "\"%s\" is %s; write %s", word, shown, form);
    return -1;
}

int rule_complain_text(struct rule_reading *r, struct doc_at at, const char *key, const char *text,
                       const char *form)
{
    char shown[SHOWN_MAX];
    char word[SHOWN_MAX];

    clean(text, shown, sizeof(shown));
    clean(key, word, sizeof(word));
    return doc_complain(r->e, at, "\"%s\" is \"%s\"; write %s", word, shown, form);
}

int rule_complain_unknown(struct rule_reading *r, struct doc_at at, const char *what,
                          const char *where, const char *word, const void *names, size_t count,
                          size_t stride)
{
    const char *near = doc_nearest(word, names, count, stride);
    char shown[SHOWN_MAX];
    char list[512];
    size_t used = 0;

    clean(word, shown, sizeof(shown));
    if (near) {
        return doc_complain(r->e, at, "unknown %s \"%s\"%s; did you mean \"%s\"?", what, shown,
                            where, near);
    }
    list[0] = '\0';
    for (size_t i = 0; i < count && used < sizeof(list); i++) {
        const char *const *name = (const void *)((const char *)names + i * stride);
        int n = snprintf(list + used, sizeof(list) - used, "%s\"%s\"", i ? ", " : "", *name);

        used += n > 0 ? (size_t)n : 0;
    }
    return doc_complain(r->e, at, "unknown %s \"%s\"%s; use %s%s", what, shown, where,
                        count > 1 ? "one of " : "", list);
}

int rule_read_text(struct rule_reading *r, struct doc_at at, const char *key, const char *form,
                   const char **out)
{
    const char *text;

    if (!json_is_string(at.value) || json_string_length(at.value) == 0) {
        return rule_complain_form(r, at, key, form);
    }
    if (r->expand) {
        text = r->expand(r->data, at, r->e);
        if (!text) {
            return -1;
        }
        if (!*text) {
            (void)doc_complain(r->e, at, "\"%s\" comes to nothing; write %s", key, form);
            return -1;
        }
    } else {
        text = arena_strdup(r->arena, json_string_value(at.value));
        if (!text) {
            (void)err_set(r->e, ERR_NOMEM, "no memory for a fault");
            return -1;
        }
    }
    *out = text;
    return 0;
}

static bool integer_within(const json_t *value, uint64_t min, uint64_t max, uint64_t *out)
{
    json_int_t n = json_integer_value(value);

    if (!json_is_integer(value) || n < 0 || (uint64_t)n < min || (uint64_t)n > max) {
        return false;
    }
    *out = (uint64_t)n;
    return true;
}

static int read_integer(struct rule_reading *r, struct doc_at at, const char *key, uint64_t min,
                        uint64_t max, uint64_t *out)
{
    char form[64];

    if (integer_within(at.value, min, max, out)) {
        return 0;
    }
    if (max >= (uint64_t)INT64_MAX) {
        (void)snprintf(form, sizeof(form), "an integer, %llu or more", (unsigned long long)min);
    } else {
        (void)snprintf(form, sizeof(form), "an integer from %llu to %llu", (unsigned long long)min,
                       (unsigned long long)max);
    }
    return rule_complain_form(r, at, key, form);
}

int rule_read_count(struct rule_reading *r, struct doc_at at, const char *key,
                    const struct key_value *value, uint64_t *out)
{
    uint64_t max = value->max > 0 ? value->max : (uint64_t)INT64_MAX;

    return read_integer(r, at, key, value->min, max, out);
}

int rule_read_duration(struct rule_reading *r, struct doc_at at, const char *key, uint64_t min,
                       uint64_t max, const char *form, uint64_t *out)
{
    const char *text;
    uint64_t ns;

    if (rule_read_text(r, at, key, form, &text) != 0) {
        return -1;
    }
    if (units_duration(text, &ns) != 0 || ns < min || ns > max) {
        return rule_complain_text(r, at, key, text, form);
    }
    *out = ns;
    return 0;
}

int rule_read_choice(struct rule_reading *r, struct doc_at at, const char *key,
                     const char *const *choices, uint64_t *out)
{
    const char *text;
    char form[160];

    fault_choices_form(choices, form, sizeof(form));
    if (rule_read_text(r, at, key, form, &text) != 0) {
        return -1;
    }
    for (size_t i = 0; choices[i]; i++) {
        if (strcmp(text, choices[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    return rule_complain_text(r, at, key, text, form);
}

static int read_size(struct rule_reading *r, struct doc_at at, const struct fault_param_info *info,
                     const char *form, uint64_t *out)
{
    const char *text;
    uint64_t bytes;

    if (integer_within(at.value, info->min, info->max, out)) {
        return 0;
    }
    if (rule_read_text(r, at, info->name, form, &text) != 0) {
        return -1;
    }
    if (units_size(text, &bytes) != 0 || bytes < info->min || bytes > info->max) {
        return rule_complain_text(r, at, info->name, text, form);
    }
    *out = bytes;
    return 0;
}

bool rule_is_token(const char *name)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return *name && name[strspn(name, token)] == '\0';
}

/* A value that cannot end its line (RFC 9110 section 5.5), so that no answer is split in two. */
static bool is_header_value(const char *s)
{
    for (; *s; s++) {
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f) {
            return false;
        }
    }
    return true;
}

static int read_line(struct rule_reading *r, struct doc_at at, const struct fault_param_info *info,
                     const char *form, const char **out)
{
    if (json_is_integer(at.value) && json_integer_value(at.value) >= 0) {
        *out = arena_printf(r->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(at.value));
        return *out ? 0 : err_set(r->e, ERR_NOMEM, "no memory for a fault");
    }
    if (rule_read_text(r, at, info->name, form, out) != 0) {
        return -1;
    }
    if (!is_header_value(*out)) {
        return rule_complain_text(r, at, info->name, *out, "text without control characters");
    }
    return 0;
}

/* Framing and identity are the registry's own: a second one would be another fault than this. */
static bool is_reserved(const char *name)
{
    static const char *const reserved[] = {"Connection", "Content-Length", "Date", "Server",
                                           "Transfer-Encoding"};

    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcasecmp(name, reserved[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int read_header(struct rule_reading *r, struct doc_at key, struct doc_at at,
                       const char *name, struct buf *lines)
{
    const char *value;
    char shown[SHOWN_MAX];

    clean(name, shown, sizeof(shown));
    if (!rule_is_token(name)) {
        return doc_complain(r->e, key, "\"%s\" is no header name; write one such as \"X-Reason\"",
                            shown);
    }
    if (is_reserved(name)) {
        return doc_complain(r->e, key,
                            "\"%s\" is written by the registry itself; leave it out of \"headers\"",
                            shown);
    }
    if (rule_read_text(r, at, shown, "a string", &value) != 0) {
        return -1;
    }
    if (!is_header_value(value)) {
        return rule_complain_text(r, at, shown, value, "text without control characters");
    }
    buf_printf(lines, "%s: %s\r\n", name, value);
    return 0;
}

static int read_headers(struct rule_reading *r, struct doc_at at, const char *key, const char *form,
                        const char **out)
{
    struct doc_iter it = doc_iterate(at);
    struct doc_at key_at, value;
    struct buf lines;
    const char *name;
    int rc = 0;

    if (!json_is_object(at.value)) {
        return rule_complain_form(r, at, key, form);
    }
    buf_init(&lines, HEADERS_MAX);
    while (rc == 0 && doc_next(&it, &name, &key_at, &value)) {
        rc = read_header(r, key_at, value, name, &lines);
    }
    if (rc == 0 && lines.failed) {
        rc = doc_complain(r->e, at, "\"%s\" is too long; write at most %d bytes of headers", key,
                          HEADERS_MAX);
    }
    if (rc == 0) {
        *out = arena_strdup(r->arena, lines.data ? lines.data : "");
        rc = *out ? 0 : err_set(r->e, ERR_NOMEM, "no memory for a fault");
    }
    buf_close(&lines);
    return rc;
}

int rule_read_param(struct rule_reading *r, struct doc_at at, const struct fault_param_info *info,
                    struct fault_value *out)
{
    char form[160];
    int rc = -1;

    fault_param_form(info, form, sizeof(form));
    switch (info->type) {
    case TYPE_IMAGE:
        rc = rule_read_text(r, at, info->name, form, &out->text);
        break;
    case TYPE_CHOICE:
        rc = rule_read_choice(r, at, info->name, info->choices, &out->number);
        break;
    case TYPE_INTEGER:
        rc = read_integer(r, at, info->name, info->min, info->max, &out->number);
        break;
    case TYPE_DURATION:
        rc = rule_read_duration(r, at, info->name, info->min, info->max, form, &out->number);
        break;
    case TYPE_SIZE:
        rc = read_size(r, at, info, form, &out->number);
        break;
    case TYPE_TEXT:
        rc = read_line(r, at, info, form, &out->text);
        break;
    case TYPE_HEADERS:
        rc = read_headers(r, at, info->name, form, &out->text);
        break;
    }
    out->set = rc == 0;
    return rc;
}
