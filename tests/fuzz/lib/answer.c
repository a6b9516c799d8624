/* What every answer of a registry must be. */
#include "tests/fuzz/lib/answer.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/image.h"
#include "tests/fuzz/lib/fuzz.h"

#define ID_LEN 36

static void check_line(const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    MUST(colon != NULL && colon > line && colon + 1 < line + len && colon[1] == ' ',
         "a header without a name: %.*s", (int)len, line);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];
        MUST(c >= 0x20 && c != 0x7f, "byte 0x%02x in the header %.*s", c, (int)len, line);
        MUST(line + i >= colon || c != ' ', "a blank in the name of %.*s", (int)len, line);
    }
}

static void check_head(const struct response *r)
{
    MUST(r->head_len <= RESPONSE_HEAD, "a head of %zu bytes", r->head_len);
    for (size_t at = 0; at < r->head_len;) {
        const char *end = memmem(r->head + at, r->head_len - at, "\r\n", 2);
        MUST(end != NULL, "a header line does not end");
        check_line(r->head + at, (size_t)(end - (r->head + at)));
        at = (size_t)(end + 2 - r->head);
    }
}

/* Several ranges: text and content by turns, each range within the content, up to the length that
 * is told. */
static void check_parts(const struct response *r)
{
    uint64_t at = 0;
    uint64_t text = 0;
    while (at < r->len) {
        struct multipart_piece piece = multipart_at(r->parts, at);
        uint64_t size = piece.text ? strlen(r->parts->text) : r->content->size;
        MUST(piece.len > 0 && piece.len <= r->len - at, "a piece beyond the body");
        MUST(piece.offset <= size && piece.len <= size - piece.offset, "a piece of nothing");
        MUST(!piece.text || piece.offset == text, "text that was there before");
        text += piece.text ? piece.len : 0;
        at += piece.len;
    }
    MUST(text == strlen(r->parts->text), "text that is left over");
}

static void check_body(const struct response *r)
{
    if (r->parts != NULL) {
        check_parts(r);
        return;
    }
    if (r->small == NULL) {
        MUST(r->content != NULL || r->len == 0, "a body of nothing");
        MUST(r->content == NULL ||
                 (r->from <= r->content->size && r->len <= r->content->size - r->from),
             "bytes %llu+%llu of %llu", (unsigned long long)r->from, (unsigned long long)r->len,
             (unsigned long long)r->content->size);
        return;
    }
    json_error_t error;
    json_t *root = json_loadb(r->small, (size_t)r->len, 0, &error);
    MUST(root != NULL, "no JSON: %s: %.*s", error.text, (int)r->len, r->small);
    MUST(r->status < 400 || json_array_size(json_object_get(root, "errors")) > 0,
         "an error without errors: %.*s", (int)r->len, r->small);
    json_decref(root);
}

void answer_check(const struct response *r)
{
    MUST(r->status >= 200 && r->status <= 599, "status %u", r->status);
    check_head(r);
    check_body(r);
}

/* Whether the LEN bytes at S begin with an upload's ID. */
static bool is_id(const char *s, size_t len)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    for (size_t i = 0; form[i] != '\0'; i++) {
        bool hex = i < len && s[i] != '\0' && strchr("0123456789abcdef", s[i]) != NULL;
        if (i >= len || (form[i] == 'x' ? !hex : s[i] != '-')) {
            return false;
        }
    }
    return true;
}

static void tell_text(const char *s, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len;) {
        size_t n = is_id(s + i, len - i) ? ID_LEN : 1;
        if (n == ID_LEN) {
            buf_str(out, "an ID");
        } else {
            buf_append(out, s + i, n);
        }
        i += n;
    }
}

void answer_tell(const struct response *r, struct buf *out)
{
    buf_printf(out, "%u head-only %d from %llu len %llu of %s told %s\n", r->status, r->head_only,
               (unsigned long long)r->from, (unsigned long long)r->len,
               r->content != NULL ? r->content->digest : "-", r->told != NULL ? r->told : "-");
    tell_text(r->head, r->head_len, out);
    if (r->small != NULL) {
        tell_text(r->small, (size_t)r->len, out);
    }
    if (r->parts != NULL) {
        buf_str(out, r->parts->text);
    }
    buf_char(out, '\n');
}

static void build(const char *name, size_t platforms, struct image *out)
{
    static const char *const platform[] = {"linux/amd64", "linux/arm64"};
    static const struct image_layer layer[] = {{.size = 600}, {.size = 4096}};
    struct err e = {0};
    const struct image_recipe recipe = {.name = name,
                                        .seed = 7,
                                        .layers = layer,
                                        .layer_count = 2,
                                        .platforms = platforms > 0 ? platform : NULL,
                                        .platform_count = platforms};
    MUST(image_build(&recipe, out, &e) == 0, "%s", e.text);
}

struct store *answer_store(void)
{
    static struct image agent, tool;
    struct err e = {0};
    if (agent.top == NULL) {
        build("agent", 0, &agent);
        build("tool", 2, &tool);
    }
    struct store *s = store_new(&e);
    MUST(s != NULL, "%s", e.text);
    MUST(image_put(&agent, s, "ci/agent", "stable", &e) == 0, "%s", e.text);
    MUST(image_put(&agent, s, "ci/agent", "1.0", &e) == 0, "%s", e.text);
    MUST(image_put(&tool, s, "ci/tool", "latest", &e) == 0, "%s", e.text);
    return s;
}
