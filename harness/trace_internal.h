/* What the files of trace share. Nothing outside includes this. */
#ifndef PULLDRILL_TRACE_INTERNAL_H
#define PULLDRILL_TRACE_INTERNAL_H

#include "harness/pulls.h"
#include "harness/trace.h"

/* Rows under way: they grow here, and are moved into the trace when their number is known. */
struct trace_rows {
    void *rows;
    size_t count, cap, size, max;
};

struct trace_fold {
    const struct plan *plan;
    struct pulls *pulls;
    struct trace *trace;
    struct trace_rows phases, faults; /* struct trace_band */
    struct trace_rows events;         /* struct trace_event */
    struct trace_rows asked;          /* struct trace_attempt, where registries were served */
    /* const char *, by start in the order in which they began: as the pulls have them */
    struct trace_rows commands;
};

/* No rows yet; each is of SIZE bytes, and there are at most MAX. */
void trace_rows_init(struct trace_rows *r, size_t size, size_t max);
/* A new row, zeroed. NULL: the maximum is reached (FULL), or there is no memory. */
void *trace_rows_add(struct trace_rows *r, bool *full);
/* The rows in T's arena, which fails for itself. */
void *trace_rows_move(const struct trace_rows *r, struct trace *t, size_t *count);
/* S cut to TRACE_MAX_TEXT, never within a character. NULL stays NULL. */
const char *trace_keep(struct trace *t, const char *s);
/* EV as a row; texts that found no memory have failed the trace's arena. */
void trace_fill_row(struct trace_fold *fold, const struct event *ev, struct trace_event *row);

#endif
