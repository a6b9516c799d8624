/* Writing an event as a line: a walk over its fields, without printf and without allocation beyond
 * the growth of the buffer, because this runs for every request. */
#include "harness/history/event.h"

#include <string.h>

#include "harness/base/utf8.h"
#include "harness/history/event_table.h"
#include "harness/history/scan.h"

#define LITERAL(b, text) buf_append(b, text, sizeof(text) - 1)

static void put_key(struct buf *out, const struct event_field *f)
{
    buf_append(out, f->key, f->name_len + 4);
}

/* One reservation for key and value, where the value needs no escapes: nearly always. */
static void put_string(struct buf *out, const struct event_field *f, const char *s)
{
    size_t key = f->name_len + 4, len;
    char *to;

    if (s == NULL)
        return;
    len = strlen(s);
    if (utf8_plain_run(s, len) != len) {
        put_key(out, f);
        buf_json_string(out, s, len);
        return;
    }
    to = buf_reserve(out, key + len + 2);
    if (to == NULL)
        return;
    memcpy(to, f->key, key);
    to[key] = '"';
    memcpy(to + key + 1, s, len);
    to[key + 1 + len] = '"';
    buf_added(out, key + len + 2);
}

/* Copies an object without the blanks between its parts, so that the line stays one. A text that is
 * no object would spoil the history: it marks the buffer as failed instead. */
static void put_object(struct buf *out, const struct event_field *f, const char *text)
{
    struct scan s;
    size_t len;
    char *to;

    if (text == NULL)
        return;
    s = (struct scan){.at = text, .end = text + strlen(text)};
    if (scan_peek(&s) != '{' || !scan_value(&s) || scan_peek(&s) != '\0') {
        out->failed = true;
        return;
    }
    put_key(out, f);
    len = (size_t)(s.at - text);
    to = buf_reserve(out, len);
    if (to != NULL)
        buf_added(out, scan_compact(text, len, to));
}

static void put_u64(struct buf *out, const struct event_field *f, uint64_t v)
{
    size_t key = f->name_len + 4;
    char *to;

    if (v == 0 && !f->zero)
        return;
    to = buf_reserve(out, key + BUF_DIGITS);
    if (to == NULL)
        return;
    memcpy(to, f->key, key);
    buf_added(out, key + buf_digits(to + key, v));
}

static void put_i64(struct buf *out, const struct event_field *f, int64_t v)
{
    if (v == 0 && !f->zero)
        return;
    put_key(out, f);
    buf_i64(out, v);
}

static void put_bool(struct buf *out, const struct event_field *f, bool v)
{
    if (!v && !f->zero)
        return;
    put_key(out, f);
    if (v)
        LITERAL(out, "true");
    else
        LITERAL(out, "false");
}

static void put_field(struct buf *out, const struct event_field *f, const void *p)
{
    switch (f->kind) {
    case FIELD_STRING:
    case FIELD_PIECES:
        put_string(out, f, *(const char *const *)p);
        break;
    case FIELD_OBJECT:
        put_object(out, f, *(const char *const *)p);
        break;
    case FIELD_U64:
        put_u64(out, f, *(const uint64_t *)p);
        break;
    case FIELD_I64:
        put_i64(out, f, *(const int64_t *)p);
        break;
    case FIELD_BOOL:
        put_bool(out, f, *(const bool *)p);
        break;
    case FIELD_OP:
        put_string(out, f, op_name(*(const enum op *)p));
        break;
    case FIELD_OUTCOME:
        if (*(const enum outcome *)p != OUTCOME_NONE)
            put_string(out, f, outcome_name(*(const enum outcome *)p));
        break;
    }
}

void event_encode(const struct event *ev, struct buf *out)
{
    const struct event_layout *layout = event_layout(ev->type);

    LITERAL(out, "{\"n\":");
    buf_u64(out, ev->n);
    LITERAL(out, ",\"t_ns\":");
    buf_u64(out, ev->t_ns);
    if (ev->actor != NULL) {
        LITERAL(out, ",\"actor\":");
        buf_json_string(out, ev->actor, strlen(ev->actor));
    }
    LITERAL(out, ",\"event\":\"");
    buf_append(out, layout->name, layout->name_len);
    buf_char(out, '"');
    for (size_t i = 0; i < layout->count; i++)
        put_field(out, &layout->fields[i], (const char *)ev + layout->fields[i].offset);
    LITERAL(out, "}\n");
}
