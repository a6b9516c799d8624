/* The environment of a command under construction: NAME=value strings, no name twice. Pure. */
#ifndef PULLDRILL_ENVIRONMENT_H
#define PULLDRILL_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/err.h"

/* The most variables one may have. */
#define ENVIRONMENT_MAX 65536

/* WORD is NULL-terminated once there is one; an empty one is all zeroes. */
struct environment {
    char **word;
    size_t count;
    size_t cap;
};

/* Puts "NAME=value", which replaces one of the same name. WORD is taken over, also on failure; NULL
 * stands for no memory. */
int environment_put_take(struct environment *env, char *word, struct err *e);
/* The same, put together here. */
int environment_put(struct environment *env, const char *name, const char *value, struct err *e);
/* Takes NAME away; nothing where it is not there. */
void environment_drop(struct environment *env, const char *name);
/* The value of NAME; NULL where it is not there. */
const char *environment_get(const struct environment *env, const char *name);
void environment_close(struct environment *env);

#endif
