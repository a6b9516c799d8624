/* The parts of report.html, each of which writes one section of the page. */
#ifndef PULLDRILL_REPORTS_WEB_PAGE_H
#define PULLDRILL_REPORTS_WEB_PAGE_H

#include "harness/base/buf.h"
#include "harness/verdict/trace.h"
#include "harness/verdict/verdict.h"

/* The checks with their evidence, those that did not pass first and unfolded. */
void page_checks(const struct verdict *v, struct buf *out);
/* What became of the starts, and the place where the script draws the waterfall of one. */
void page_starts(const struct verdict *v, const struct trace *t, struct buf *out);
void page_faults(const struct verdict *v, struct buf *out);
void page_phases(const struct verdict *v, struct buf *out);
void page_registries(const struct verdict *v, struct buf *out);
/* Where it ran, how to run it again, what else is to be known. T may be NULL. */
void page_environment(const struct verdict *v, const struct trace *t, struct buf *out);
void page_replay(const struct verdict *v, struct buf *out);

#endif
