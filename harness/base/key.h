/* The keys of a file's objects as tables: what parser, schema and reference all read. Pure. */
#ifndef PULLDRILL_BASE_KEY_H
#define PULLDRILL_BASE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/buf.h"

enum key_form {
    KEY_STRING,   /* a string, taken as it stands */
    KEY_TEXT,     /* a string in which variables are replaced; of MIN characters at least */
    KEY_NAME,     /* [a-z0-9][a-z0-9-]{0,63} */
    KEY_DURATION, /* "250ms"; above zero where MIN is 1 */
    KEY_SIZE,     /* "64KiB"; above zero where MIN is 1 */
    KEY_SHARE,    /* "80%" */
    KEY_COUNT,    /* an integer from MIN to MAX; MAX 0: no maximum */
    KEY_NUMBER,   /* a number from MIN to MAX, with a fraction or without; both 0: any */
    KEY_CHOICE,   /* one of the words */
    KEY_FLAG,     /* true or false */
    KEY_FREE,     /* an object that is not interpreted */
    KEY_WORDS,    /* a program and its arguments: MIN to MAX strings with variables */
    KEY_LEVEL,    /* an object with the keys of LEVEL */
    KEY_LIST,     /* an array of MIN to MAX members OF */
    KEY_MAP,      /* an object of MIN to MAX members OF; their names are the user's own */
    KEY_ONE_OF,   /* one of the OF_COUNT forms in OF */
};

/* A form with its bounds. Of the members below the first line, each form has its own. */
struct key_value {
    enum key_form form;
    uint64_t min, max;
    const char *const *words;         /* KEY_CHOICE: NULL-terminated, or */
    const char *(*word_at)(size_t i); /* … from another table; NULL at its end */
    const struct key_level *level;    /* KEY_LEVEL */
    const struct key_value *of;       /* KEY_LIST, KEY_MAP, KEY_ONE_OF */
    size_t of_count;                  /* KEY_ONE_OF */
    const char *pattern; /* of a string, or of a map's names where they are no KEY_NAME: what a
                            regular expression can say of what its reader checks in full */
    const char *shown;   /* the form in words, where its own would not say enough */
    bool distinct;       /* KEY_LIST: no member twice */
    bool every_name;     /* KEY_MAP: also names that begin with x- */
    bool expanded;       /* KEY_CHOICE: variables are replaced in it */
};

struct key {
    const char *name; /* first: doc_nearest walks the table */
    struct key_value value;
    bool required;
    const char *needs;    /* another key that must stand beside it */
    const char *excludes; /* another key that must not */
    const char *fallback; /* the default: JSON, or else words; NULL where there is none to tell */
    const char *meaning;  /* one line, without a full stop */
    const char *example;  /* JSON */
};

/* The keys of one kind of object. */
struct key_level {
    const char *what;    /* "a registry" */
    const char *name;    /* one word, for the schema and the reference: "registry" */
    const char *meaning; /* one line: what the object stands for */
    const struct key *keys;
    size_t key_count;
    const char *const *later; /* words of the design that this version does not have yet */
    size_t later_count;
    const char *const *one_of; /* NULL-terminated: one of these must be there, and no second … */
    const char *const *any_of; /* … one of these at least */
    bool partial;              /* laid over another object: nothing is required in it */
};

/* The row NAME of LEVEL; NULL where there is none. */
const struct key *key_find(const struct key_level *level, const char *name);
/* The I-th word of a choice; NULL past the last. */
const char *key_word(const struct key_value *value, size_t i);
/* The form in words, for people: "count from 1 to 1024". */
void key_form_text(const struct key_value *value, struct buf *out);

#endif
