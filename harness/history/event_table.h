/* The table of events: what a line holds, for writing and reading alike. */
#ifndef PULLDRILL_HISTORY_EVENT_TABLE_H
#define PULLDRILL_HISTORY_EVENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/history/event.h"

enum field_kind {
    FIELD_STRING, /* const char *; left out where NULL */
    FIELD_OBJECT, /* const char * with the text of a JSON object, which stands in the line itself */
    FIELD_U64,    /* uint64_t */
    FIELD_I64,    /* int64_t */
    FIELD_BOOL,   /* bool */
    FIELD_OP,     /* enum op, by name; must be there */
    FIELD_OUTCOME, /* enum outcome, by name */
    FIELD_PIECES,  /* const char * with ranges; left out where NULL */
};

struct event_field {
    const char *key; /* as it is written: ,"name": */
    size_t name_len;
    size_t offset; /* in struct event */
    enum field_kind kind;
    bool zero; /* whether 0 and false are written */
};

struct event_layout {
    const char *name;
    size_t name_len;
    const struct event_field *fields;
    size_t count;
};

/* The row of TYPE, which is below EVENT_COUNT. */
const struct event_layout *event_layout(enum event_type type);

static inline const char *event_field_name(const struct event_field *f)
{
    return f->key + 2;
}

#endif
