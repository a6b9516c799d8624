/* A comparison of two results as text and as JSON. */
#ifndef PULLDRILL_REPORTS_COMPARE_TEXT_H
#define PULLDRILL_REPORTS_COMPARE_TEXT_H

#include "harness/verdict/verdict_compare.h"
#include "reports/report.h"

/* What is not the same, worst first, and a last line that counts; OLD and NEW are the results'
 * names. */
void report_compare_text(const struct comparison *c, const char *was, const char *is,
                         const struct report_style *style, struct buf *out);
/* All findings, and the rule. */
void report_compare_json(const struct comparison *c, const char *was, const char *is,
                         struct buf *out);

#endif
