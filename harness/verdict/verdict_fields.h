/* The journal's keys, one table: what the writer writes is what the reader reads. */
#ifndef PULLDRILL_VERDICT_FIELDS_H
#define PULLDRILL_VERDICT_FIELDS_H

#include <stddef.h>

/* The version of the journal's and of results.json's format. */
#define VERDICT_FORMAT_VERSION 1

/* How a member of a verdict's structs stands in JSON. */
enum verdict_field_type {
    FIELD_TEXT,   /* const char *: a string, or null */
    FIELD_COUNT,  /* uint64_t: a number that is not negative */
    FIELD_INT,    /* int: a number */
    FIELD_FLAG,   /* bool */
    FIELD_SHARE,  /* double: a number */
    FIELD_KIND,   /* enum verdict_kind: its name */
    FIELD_STARTS, /* struct verdict_starts: an object */
    FIELD_PULLS,  /* struct verdict_pulls: an object */
    /* What journals of the first version lack: it may be missing, and is 0 then. */
    FIELD_LATER_COUNT, /* uint64_t */
    FIELD_TIMES,       /* struct verdict_times: an object */
};
struct verdict_field {
    const char *key;
    enum verdict_field_type type;
    size_t offset;
};
/* The plain members of one struct, in the order in which they are written. */
struct verdict_fields {
    const struct verdict_field *field;
    size_t count;
};
/* In struct verdict: those before the lists, and those behind. */
extern const struct verdict_fields verdict_fields_head;
extern const struct verdict_fields verdict_fields_starts;
extern const struct verdict_fields verdict_fields_pulls;
extern const struct verdict_fields verdict_fields_times;
extern const struct verdict_fields verdict_fields_registry;

/* A list of structs within struct verdict. Checks hold evidence too, and phases
 * attempts by registry, which are no plain members. */
struct verdict_array {
    const char *key;
    size_t items;       /* offset of the pointer */
    size_t count;       /* offset of the size_t */
    size_t size;        /* of one struct */
    const char *single; /* for complaints: "a check" */
    struct verdict_fields fields;
};
extern const struct verdict_array verdict_arrays[];
extern const size_t verdict_array_count;
/* The one of them that holds evidence, and the one that holds attempts by registry, under the key
 * "registries": objects of "attempts" and "failed", which journals of the first version lack. */
extern const struct verdict_array *const verdict_array_checks;
extern const struct verdict_array *const verdict_array_phases;

#endif
