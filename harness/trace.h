/* From a saved history to the rows that the picture and the waterfall are drawn from. */
#ifndef PULLDRILL_TRACE_H
#define PULLDRILL_TRACE_H

#include "harness/base/err.h"
#include "harness/verdict/trace.h"

/* Reads the history at PATH (one begun but never ended too) and folds it: attempts and labels are
 * those of harness/pulls.h. The caller frees it (trace_free). NULL: E says file and line. */
struct trace *trace_read(const char *path, struct err *e);

#endif
