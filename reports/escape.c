/* Foreign text made harmless, character by character. */
#include "reports/escape.h"

#include <stdbool.h>
#include <string.h>

#include "harness/base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* One character: its code and the bytes that write it. */
struct letter {
    unsigned long code;
    const char *bytes;
    size_t len;
};

/* Takes the next letter off *S; false at its end. */
static bool next_letter(const char **s, struct letter *out)
{
    size_t n = utf8_sequence(*s, strnlen(*s, 4));
    if (**s == '\0') {
        return false;
    }
    if (n == 0) {
        *out = (struct letter){.code = 0xfffd, .bytes = REPLACEMENT, .len = 3};
        *s += 1;
    } else {
        *out = (struct letter){.code = utf8_decode(*s, n), .bytes = *s, .len = n};
        *s += n;
    }
    return true;
}

static bool is_space(unsigned long code)
{
    return code == '\t' || code == '\n' || code == '\r' || code == 0x2028 || code == 0x2029;
}

/* Control characters, and those that turn the direction of what follows. */
static bool is_control(unsigned long code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

static void show_control(struct buf *out, unsigned long code)
{
    buf_printf(out, code < 0x80 ? "\\x%02lx" : "\\u%04lx", code);
}

void escape_line(struct buf *out, const char *s)
{
    struct letter c;
    while (s != NULL && next_letter(&s, &c)) {
        if (is_space(c.code)) {
            buf_char(out, ' ');
        } else if (is_control(c.code)) {
            show_control(out, c.code);
        } else {
            buf_append(out, c.bytes, c.len);
        }
    }
}

static const char *xml_name(unsigned long code)
{
    switch (code) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\t':
        return "&#9;";
    case '\n':
        return "&#10;";
    case '\r':
        return "&#13;";
    default:
        return NULL;
    }
}

void escape_xml(struct buf *out, const char *s)
{
    struct letter c;
    while (s != NULL && next_letter(&s, &c)) {
        const char *name = xml_name(c.code);
        if (name != NULL) {
            buf_str(out, name);
        } else if (c.code >= 0x20 && c.code != 0xfffe && c.code != 0xffff) {
            buf_append(out, c.bytes, c.len);
        }
    }
}

void escape_markdown(struct buf *out, const char *s)
{
    struct letter c;
    while (s != NULL && next_letter(&s, &c)) {
        if (is_space(c.code)) {
            buf_char(out, ' ');
        } else if (is_control(c.code)) {
            buf_char(out, '\\');
            show_control(out, c.code);
        } else if (c.code == '<') {
            buf_str(out, "&lt;");
        } else if (c.code == '&') {
            buf_str(out, "&amp;");
        } else {
            if (c.code < 0x80 && strchr("\\`*_[]>|~#!", (int)c.code) != NULL) {
                buf_char(out, '\\');
            }
            buf_append(out, c.bytes, c.len);
        }
    }
}

void escape_block(struct buf *out, const char *s)
{
    struct letter c;
    while (s != NULL && next_letter(&s, &c)) {
        if (is_control(c.code) && c.code != '\n' && c.code != '\t') {
            show_control(out, c.code);
        } else {
            buf_append(out, c.bytes, c.len);
        }
    }
}
