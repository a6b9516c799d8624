/* Traces: made empty, freed whole. */
#include "harness/verdict/trace.h"

#include <stdlib.h>

/* Rows of both maxima with texts of ordinary length fit well below this. */
#define TRACE_MAX_BYTES ((size_t)1 << 30)

struct trace *trace_new(struct err *e)
{
    struct trace *t = calloc(1, sizeof *t);
    if (t == NULL) {
        err_set(e, ERR_NOMEM, "trace: no memory");
        return NULL;
    }
    arena_init(&t->arena, TRACE_MAX_BYTES);
    return t;
}

void trace_free(struct trace *t)
{
    if (t != NULL) {
        arena_close(&t->arena);
        free(t);
    }
}
