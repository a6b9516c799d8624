/* Strict JSON with places: jansson holds the values, jsmn the place of every one of them. */
#ifndef PULLDRILL_BASE_DOC_H
#define PULLDRILL_BASE_DOC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"

struct doc_token; /* where a value stands, by jsmn */

/* A parsed document. TEXT is owned and stays unchanged; ROOT is jansson's tree of it. */
struct doc {
    char *name;
    char *text;
    size_t len;
    json_t *root;
    struct doc_token *tokens;
    int count;
};

/* One value at its place. A plain value: copy it freely; valid while the doc lives. */
struct doc_at {
    const struct doc *doc;
    const json_t *value;
    int token;
};

/* The largest document that is read, and the deepest nesting. */
#define DOC_MAX_BYTES (4u << 20)
#define DOC_MAX_DEPTH 64

/* Reads LEN bytes of TEXT as JSON (RFC 8259): UTF-8, no BOM, no duplicate keys, nothing behind the
 * value, no \u0000 in strings, bounded depth and size. On failure E says NAME:line:column (columns
 * count code points from 1), nothing is left allocated, and -1 is returned. */
int doc_init(struct doc *d, const char *name, const char *text, size_t len, struct err *e);
/* The same from a file; NAME is PATH. A directory, a FIFO or a file over the limit is an error. */
int doc_load(struct doc *d, const char *path, struct err *e);
void doc_close(struct doc *d);

/* The whole document's value. */
struct doc_at doc_root(const struct doc *d);
/* The member KEY of an object; false where there is none (or AT is no object). */
bool doc_member(struct doc_at at, const char *key, struct doc_at *out);
size_t doc_size(struct doc_at at);

/* Walks the members of an object or the elements of an array in document order. */
struct doc_iter {
    struct doc_at container;
    int next_token;
    size_t index;
    void *object_iter;
};
struct doc_iter doc_iterate(struct doc_at at);
/* KEY (a doc_at on the key's own place; its `value` is NULL) and NAME are set for objects only. */
bool doc_next(struct doc_iter *it, const char **name, struct doc_at *key, struct doc_at *value);

/* Complains: ERR_INVALID with "file:line:column: " before the message. Returns -1. */
int doc_complain(struct err *e, struct doc_at at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The nearest of COUNT names to WORD by edit distance, or NULL where none is near: "did you mean".
 * STRIDE is the distance in bytes between two names, so that any table of structs whose first
 * member is the name can be passed. */
const char *doc_nearest(const char *word, const void *names, size_t count, size_t stride);

#endif
