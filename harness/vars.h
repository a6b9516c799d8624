/* ${…} in strings: the one scanner for configuration variables and for run-time ones. Pure. */
#ifndef PULLDRILL_VARS_H
#define PULLDRILL_VARS_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/buf.h"
#include "harness/base/err.h"

/* Looks up NAME (LEN bytes, no NUL). Returns the value, or NULL where it is unknown. */
typedef const char *vars_lookup(void *data, const char *name, size_t len);

/* Appends TEXT to OUT with each ${NAME} replaced; `$${` stands for a literal "${". -1: E says what
 * is unknown or unclosed, and *OFFSET (may be NULL) is the byte where it begins. */
int vars_expand(const char *text, vars_lookup *lookup, void *data, struct buf *out, size_t *offset,
                struct err *e);

#endif
