/* The journal and the history's events, inlined for the page's script. */
#ifndef PULLDRILL_REPORTS_WEB_EVENTS_OUT_H
#define PULLDRILL_REPORTS_WEB_EVENTS_OUT_H

#include "harness/base/buf.h"
#include "harness/verdict/trace.h"
#include "harness/verdict/verdict.h"

/* <script type="application/json" id="journal">: the journal, as journal.json has it. */
void events_out_journal(const struct verdict *v, struct buf *out);
/* <script type="application/json" id="trace">: starts and events in fixed columns (the .c file says
 * which). Decisions of a fault that did not act are left out unless V cites them. */
void events_out_trace(const struct verdict *v, const struct trace *t, struct buf *out);

#endif
