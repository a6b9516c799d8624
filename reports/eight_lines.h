/* The first eight lines that a tired person reads. */
#ifndef PULLDRILL_REPORTS_EIGHT_LINES_H
#define PULLDRILL_REPORTS_EIGHT_LINES_H

#include "reports/report.h"

#define EIGHT_LINES 8

/* Always exactly eight: the verdict and whose fault it is; how many starts; three lines of what
 * happened; exposure; controls; the replay command. */
void eight_lines(const struct verdict *v, const struct report_style *style, struct buf *out);
/* The colour of V's words, and back to none; both empty where STYLE wants none. */
const char *colour_of(const struct report_style *style, enum verdict_kind v);
const char *colour_off(const struct report_style *style);

#endif
