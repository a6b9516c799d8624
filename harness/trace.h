/* From a history to the rows that the picture and the waterfall are drawn from. */
#ifndef PULLDRILL_TRACE_H
#define PULLDRILL_TRACE_H

#include "harness/base/err.h"
#include "harness/plan.h"
#include "harness/verdict/trace.h"

/* Bytes that are kept of any text of an event; a longer one ends in "…". */
#define TRACE_MAX_TEXT ((size_t)200)

/* Reads the history at PATH (one begun but never ended too) and folds it: attempts and labels are
 * those of harness/pulls.h. The caller frees it (trace_free). NULL: E says file and line. */
struct trace *trace_read(const char *path, struct err *e);

/* The same in steps, for events as they come. PLAN must outlive the fold; each event is fed in
 * order, drill-begin included. -1: no memory, or a history that contradicts itself. */
struct trace_fold;
struct trace_fold *trace_begin(const struct plan *plan, struct err *e);
int trace_event(struct trace_fold *fold, const struct event *ev, struct err *e);
/* Takes FOLD, also where it fails, and gives the rows of all that was fed. NULL: no memory. */
struct trace *trace_finish(struct trace_fold *fold, struct err *e);
/* Drops a fold that is not finished. NULL is none. */
void trace_abandon(struct trace_fold *fold);

#endif
