/* Reading a line back: once for the word that says which event it is, then field by field. Fields
 * are looked for where the table has them, so that our own lines need one comparison each. */
#include <string.h>

#include "harness/history/event_table.h"
#include "harness/history/pieces.h"
#include "harness/history/scan.h"

struct decoder {
    const char *line;
    struct scan s;
    struct event *out;
    char *strings; /* where the next one goes; the room is reserved for all */
    const struct event_layout *layout;
    size_t expected; /* index of the field that our own writer puts next */
    uint64_t seen;   /* bit I: field I was in the line */
    struct err *e;
};

static bool is_text(const struct scan_text *text, const char *s, size_t len)
{
    return text->len == len && memcmp(text->raw, s, len) == 0;
}

#define IS(text, literal) is_text(text, literal, sizeof(literal) - 1)

static int malformed(const struct decoder *d)
{
    return err_set(d->e, ERR_INVALID, "no valid JSON object: trouble at byte %zu",
                   (size_t)(d->s.at - d->line) + 1);
}

static int wrong_type(const struct decoder *d, const char *name, size_t len)
{
    return err_set(d->e, ERR_INVALID, "the field \"%.*s\" holds a value of the wrong type or range",
                   (int)len, name);
}

static bool find_type(const struct scan_text *name, enum event_type *out)
{
    for (unsigned i = 0; i < EVENT_COUNT; i++) {
        const struct event_layout *layout = event_layout((enum event_type)i);

        if (is_text(name, layout->name, layout->name_len)) {
            *out = (enum event_type)i;
            return true;
        }
    }
    return false;
}

/* Steps to the next member: takes the comma (or, for the FIRST, nothing), the key and the colon.
 * 1: KEY is set; 0: the object ended; -1: malformed. */
static int next_key(struct decoder *d, bool first, struct scan_text *key)
{
    if (scan_char(&d->s, '}'))
        return 0;
    if (!first && !scan_char(&d->s, ','))
        return -1;
    return scan_string(&d->s, key) && scan_char(&d->s, ':') ? 1 : -1;
}

/* Finds the first "event" of the line and with it the layout; leaves the scanner anywhere. */
static int read_type(struct decoder *d)
{
    struct scan_text key, value;
    int more;

    if (!scan_char(&d->s, '{'))
        return malformed(d);
    for (bool first = true; (more = next_key(d, first, &key)) == 1; first = false) {
        if (!IS(&key, "event")) {
            if (!scan_value(&d->s))
                return malformed(d);
            continue;
        }
        if (scan_peek(&d->s) != '"')
            return wrong_type(d, "event", 5);
        if (!scan_string(&d->s, &value))
            return malformed(d);
        if (!find_type(&value, &d->out->type))
            return err_set(d->e, ERR_INVALID, "\"%.*s\" is no event",
                           value.len > 64 ? 64 : (int)value.len, value.raw);
        d->layout = event_layout(d->out->type);
        return 0;
    }
    return more < 0 ? malformed(d) : err_set(d->e, ERR_INVALID, "the field \"event\" is missing");
}

/* The field named KEY, or NULL. */
static const struct event_field *find_field(struct decoder *d, const struct scan_text *key)
{
    const struct event_layout *layout = d->layout;

    for (size_t i = 0; i < layout->count; i++) {
        size_t at = (d->expected + i) % layout->count;
        const struct event_field *f = &layout->fields[at];

        if (is_text(key, event_field_name(f), f->name_len)) {
            d->expected = at + 1;
            d->seen |= UINT64_C(1) << at;
            return f;
        }
    }
    return NULL;
}

static bool get_string(struct decoder *d, const char **out)
{
    struct scan_text text;

    if (!scan_string(&d->s, &text))
        return false;
    *out = d->strings;
    d->strings += scan_unescape(&text, d->strings) + 1;
    return true;
}

static bool get_object(struct decoder *d, const char **out)
{
    const char *from;

    if (scan_peek(&d->s) != '{')
        return false;
    from = d->s.at;
    if (!scan_value(&d->s))
        return false;
    *out = d->strings;
    d->strings += scan_compact(from, (size_t)(d->s.at - from), d->strings) + 1;
    return true;
}

static bool get_op(struct decoder *d, enum op *out)
{
    const char *name;

    return get_string(d, &name) && op_parse(name, out);
}

static bool get_outcome(struct decoder *d, enum outcome *out)
{
    const char *name;

    if (!get_string(d, &name))
        return false;
    for (unsigned o = OUTCOME_NONE; o <= OUTCOME_WRONG; o++)
        if (strcmp(name, outcome_name((enum outcome)o)) == 0) {
            *out = (enum outcome)o;
            return true;
        }
    return false;
}

static bool get_pieces(struct decoder *d, const char **out)
{
    return get_string(d, out) && pieces_valid(*out);
}

static bool get_field(struct decoder *d, enum field_kind kind, void *p)
{
    switch (kind) {
    case FIELD_STRING:
        return get_string(d, p);
    case FIELD_OBJECT:
        return get_object(d, p);
    case FIELD_U64:
        return scan_u64(&d->s, p);
    case FIELD_I64:
        return scan_i64(&d->s, p);
    case FIELD_BOOL:
        return scan_bool(&d->s, p);
    case FIELD_OP:
        return get_op(d, p);
    case FIELD_OUTCOME:
        return get_outcome(d, p);
    case FIELD_PIECES:
        return get_pieces(d, p);
    }
    return false;
}

/* Reads the value of the member KEY. */
static int read_member(struct decoder *d, const struct scan_text *key)
{
    const struct event_field *f = find_field(d, key);
    struct scan_text type;
    bool good;

    if (f != NULL)
        good = get_field(d, f->kind, (char *)d->out + f->offset);
    else if (IS(key, "n"))
        good = scan_u64(&d->s, &d->out->n);
    else if (IS(key, "t_ns"))
        good = scan_u64(&d->s, &d->out->t_ns);
    else if (IS(key, "actor"))
        good = get_string(d, &d->out->actor);
    else if (IS(key, "event"))
        good = scan_string(&d->s, &type) && is_text(&type, d->layout->name, d->layout->name_len);
    else
        return scan_value(&d->s) ? 0 : malformed(d);
    return good ? 0 : wrong_type(d, key->raw, key->len);
}

static int read_members(struct decoder *d)
{
    struct scan_text key;
    int more;

    if (!scan_char(&d->s, '{'))
        return malformed(d);
    for (bool first = true; (more = next_key(d, first, &key)) == 1; first = false)
        if (read_member(d, &key) != 0)
            return -1;
    /* Behind the object nothing may stand; scan_peek tells the end from a NUL byte by AT. */
    (void)scan_peek(&d->s);
    return more < 0 || d->s.at != d->s.end ? malformed(d) : 0;
}

/* An operation that is absent would read as the first one. */
static int check_required(const struct decoder *d)
{
    for (size_t i = 0; i < d->layout->count; i++)
        if (d->layout->fields[i].kind == FIELD_OP && (d->seen >> i & 1) == 0)
            return err_set(d->e, ERR_INVALID, "the field \"op\" is missing");
    return 0;
}

int event_decode(const char *line, size_t len, struct event *out, struct buf *scratch,
                 struct err *e)
{
    struct decoder d = {.line = line, .s = {.at = line, .end = line + len}, .out = out, .e = e};

    *out = (struct event){0};
    buf_reset(scratch);
    /* No text is longer than its place in the line with the quotes or braces around it. */
    d.strings = buf_reserve(scratch, len);
    if (d.strings == NULL)
        return err_set(e, ERR_NOMEM, "no memory for a line of %zu bytes", len);
    if (read_type(&d) != 0)
        return -1;
    d.s.at = line;
    if (read_members(&d) != 0)
        return -1;
    return check_required(&d);
}
