/* What makes a text no JSON, told at its place and with a hint where the slip is a common one. */
#include <stdio.h>
#include <string.h>

#include "harness/base/doc_internal.h"
#include "harness/base/json_memory.h"
#include "harness/base/utf8.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int check_bytes(const struct doc *d, struct err *e)
{
    size_t n;

    for (size_t at = 0; at < d->len; at += n) {
        n = utf8_sequence(d->text + at, d->len - at);
        if (n == 0)
            return doc_complain_at(e, d, at,
                                   "the byte 0x%02x is not UTF-8 here; save the file as UTF-8",
                                   (unsigned)(unsigned char)d->text[at]);
        if (d->text[at] == '\0')
            return doc_complain_at(e, d, at, "a NUL byte; JSON is text");
    }
    return 0;
}

/* Done before any parser recurses. In text that is no JSON the count may be off, which only means
 * that another complaint comes first. */
static int check_depth(const struct doc *d, struct err *e)
{
    bool in_string = false;
    int depth = 0;

    for (size_t at = 0; at < d->len; at++) {
        char c = d->text[at];

        if (in_string) {
            if (c == '\\')
                at++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > DOC_MAX_DEPTH)
                return doc_complain_at(e, d, at, "nested too deep; at most %d levels are read",
                                       DOC_MAX_DEPTH);
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return 0;
}

int doc_check_text(const struct doc *d, struct err *e)
{
    size_t at = 0;

    if (d->len == 0)
        return doc_complain_at(e, d, 0, "the file is empty; it must hold a JSON object");
    if (d->len >= 3 && memcmp(d->text, "\xef\xbb\xbf", 3) == 0)
        return doc_complain_at(e, d, 0, "a byte order mark; save the file as UTF-8 without one");
    if (check_bytes(d, e) != 0)
        return -1;
    while (at < d->len && is_space(d->text[at]))
        at++;
    if (at == d->len)
        return doc_complain_at(e, d, 0, "the file holds only blanks; it must hold a JSON object");
    return check_depth(d, e);
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
           c == '-' || c == '.' || c == '_';
}

static bool is_escaped(const char *text, size_t at)
{
    size_t slashes = 0;

    while (slashes < at && text[at - 1 - slashes] == '\\')
        slashes++;
    return slashes % 2 == 1;
}

/* The start of the token whose last byte stands before END. */
static size_t token_start(const struct doc *d, size_t end)
{
    size_t at = end > 0 ? end - 1 : 0;

    if (d->text[at] == '"') {
        while (at > 0) {
            at--;
            if (d->text[at] == '"' && !is_escaped(d->text, at))
                break;
        }
        return at;
    }
    if (is_word(d->text[at]))
        while (at > 0 && is_word(d->text[at - 1]))
            at--;
    while (at > 0 && ((unsigned char)d->text[at] & 0xc0) == 0x80)
        at--;
    return at;
}

static char byte_before(const struct doc *d, size_t at)
{
    while (at > 0 && is_space(d->text[at - 1]))
        at--;
    return at > 0 ? d->text[at - 1] : '\0';
}

static bool ends_value(char c)
{
    return c == '"' || c == '}' || c == ']' || is_word(c);
}

/* What word processors make of a quote: U+2018 to U+201F. TEXT ends in a zero byte. */
static bool is_curly_quote(const char *text)
{
    return strncmp(text, "\xe2\x80", 2) == 0 && (unsigned char)text[2] >= 0x98 &&
           (unsigned char)text[2] <= 0x9f;
}

/* Slips that people make, by the first byte of what was not expected and the one before it. */
static const char *hint(const struct doc *d, size_t at)
{
    char c = d->text[at], before = byte_before(d, at);

    if ((c == '}' || c == ']') && before == ',')
        return "JSON has no comma behind the last entry";
    if (before == ':' && (c == '}' || c == ']' || c == ','))
        return "a value belongs behind the colon";
    if (c == '/' || c == '#')
        return "JSON has no comments; a key that begins with \"x-\" may hold a remark";
    if (c == '\'')
        return "JSON strings stand in double quotes";
    if (is_curly_quote(d->text + at))
        return "JSON strings stand in straight double quotes";
    if (before == '\0')
        return "a JSON object begins with {";
    if (ends_value(before) && (c == '"' || c == '{' || c == '[' || is_word(c)))
        return "a comma or a colon is missing before it";
    if (c == '+' || c == '-' || c == '.' || (c >= '0' && c <= '9'))
        return "a JSON number looks like 5, 0.5 or -3";
    if (is_word(c) && (before == '{' || before == ','))
        return "a key is a string in double quotes";
    if (is_word(c))
        return "a word is true, false or null; any other text stands in double quotes";
    return "a JSON value, or the comma, colon or bracket that must come next";
}

static int complain_syntax(struct err *e, const struct doc *d, size_t end, const char *text)
{
    size_t at = token_start(d, end);
    const char *word = d->text + at;
    const char *quote = *word == '"' ? "" : "\"";
    int shown = 0;

    /* Up to 20 code points of the token, whole. */
    for (int points = 0; at + (size_t)shown < end && points < 20; points++)
        shown += (int)utf8_sequence(word + shown, end - at - (size_t)shown);
    if (strncmp(text, "end of file expected", 20) == 0)
        return doc_complain_at(
            e, d, at, "%s%.*s%s behind the end of the document; a file holds one JSON value", quote,
            shown, word, quote);
    return doc_complain_at(e, d, at, "%s%.*s%s was not expected; %s", quote, shown, word, quote,
                           hint(d, at));
}

/* Where the text of jansson's complaint says more than its code: what is wrong inside a string. */
static bool is_about_string(const char *text)
{
    static const char *const starts[] = {"unexpected newline", "control character",
                                         "invalid escape", "invalid Unicode"};

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (strncmp(text, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

/* END is where jansson stopped: on the byte that is wrong, or behind the escape. */
static int complain_string(struct err *e, const struct doc *d, size_t end, const char *text)
{
    size_t escape = end;

    if (strncmp(text, "unexpected newline", 18) == 0)
        return doc_complain_at(
            e, d, end,
            "a line break inside a string; close the string with a double quote, "
            "or write \\n");
    if (strncmp(text, "control character", 17) == 0)
        return doc_complain_at(e, d, end,
                               d->text[end] == '\t'
                                   ? "a tab inside a string; write it as \\t"
                                   : "a control character inside a string; write it as \\u00XX");
    if (strncmp(text, "invalid escape", 14) != 0)
        return doc_complain_at(e, d, token_start(d, end),
                               "half of a surrogate pair in a string; write both halves, or the "
                               "character itself");
    while (escape > 0 && d->text[escape] != '\\')
        escape--;
    return doc_complain_at(
        e, d, escape,
        "an unknown escape in a string; JSON knows \\\" \\\\ \\/ \\b \\f \\n \\r "
        "\\t \\uXXXX");
}

static int complain_json(struct err *e, const struct doc *d, const json_error_t *je)
{
    size_t end = je->position < 0 ? 0 : (size_t)je->position;

    if (end > d->len)
        end = d->len;
    switch (json_error_code(je)) {
    case json_error_out_of_memory:
        return err_set(e, ERR_NOMEM, "%s: no memory to read it", d->name);
    case json_error_premature_end_of_input:
        return doc_complain_at(e, d, d->len,
                               "the text ends too early; a string, an array or an "
                               "object is not closed");
    case json_error_duplicate_key:
        return doc_complain_at(e, d, token_start(d, end), "the key %.*s is here twice; keep one",
                               (int)(end - token_start(d, end)), d->text + token_start(d, end));
    case json_error_numeric_overflow:
        return doc_complain_at(e, d, token_start(d, end),
                               "the number %.*s is out of range; integers "
                               "reach 9223372036854775807",
                               (int)(end - token_start(d, end)), d->text + token_start(d, end));
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return doc_complain_at(e, d, token_start(d, end),
                               "\\u0000 in a string; no value here can "
                               "hold one");
    default:
        return is_about_string(je->text) ? complain_string(e, d, end, je->text)
                                         : complain_syntax(e, d, end, je->text);
    }
}

int doc_parse_values(struct doc *d, struct err *e)
{
    unsigned lost = json_memory_lost();
    json_error_t je;

    d->root = json_loadb(d->text, d->len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
    if (json_memory_lost() != lost) {
        json_decref(d->root);
        d->root = NULL;
        return err_set(e, ERR_NOMEM, "%s: no memory to read it", d->name);
    }
    return d->root == NULL ? complain_json(e, d, &je) : 0;
}
