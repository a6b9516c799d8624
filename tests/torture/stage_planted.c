/* Stages with a known fault each: torture that lets one pass is worthless. */
#include <stdlib.h>
#include <string.h>

#include "tests/torture/torture.h"

/* Of two allocations the first is forgotten where the second fails. */
void stage_leak(const struct bench *b, struct result *o)
{
    (void)b;
    char *first = malloc(10);
    if (first == NULL) {
        o->status = err_set(&o->e, ERR_NOMEM, "no memory for the first");
        return;
    }
    char *second = malloc(20);
    if (second == NULL) {
        o->status = err_set(&o->e, ERR_NOMEM, "no memory for the second");
        return;
    }
    free(second);
    free(first);
}

/* What could not be copied is left out, and nobody is told. */
void stage_swallow(const struct bench *b, struct result *o)
{
    (void)b;
    char *copy = strdup("something");
    result_text(o, copy);
    free(copy);
}

/* The result is used unseen. */
void stage_crash(const struct bench *b, struct result *o)
{
    (void)b;
    char *volatile text = malloc(10);
    text[0] = 'x';
    result_add(o, text, 1);
    free(text);
}
