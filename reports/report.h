/* Report formats: one pure writer each, finished result in, bytes out; one table of them. */
#ifndef PULLDRILL_REPORTS_REPORT_H
#define PULLDRILL_REPORTS_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/buf.h"
#include "harness/verdict/trace.h"
#include "harness/verdict/verdict.h"

/* Options that change the form, never the content. */
struct report_style {
    bool colour; /* ANSI colours, for terminals */
    bool flat;   /* JSON on one line: results */
};

struct report_format {
    const char *name; /* "text", "journal", "summary" … */
    const char *file; /* the file it is kept in, under the scenario's folder or --out */
    const char *meaning;
    /* Exactly one of the three is set: a format of one scenario, one of a scenario with its trace
     * (NULL where its history is not to be had), or one of a whole invocation. */
    void (*one)(const struct verdict *v, const struct report_style *style, struct buf *out);
    void (*traced)(const struct verdict *v, const struct trace *t, const struct report_style *style,
                   struct buf *out);
    void (*all)(const struct verdict_list *list, const struct report_style *style, struct buf *out);
};

extern const struct report_format report_formats[];
extern const size_t report_format_count;
/* The row called NAME; NULL where there is none. */
const struct report_format *report_format_find(const char *name);

/* The writers of the table; B->failed tells whether memory sufficed. */
void report_text(const struct verdict *v, const struct report_style *style, struct buf *out);
void report_journal(const struct verdict *v, const struct report_style *style, struct buf *out);
void report_summary(const struct verdict *v, const struct report_style *style, struct buf *out);
void report_html(const struct verdict *v, const struct trace *t, const struct report_style *style,
                 struct buf *out);
void report_metrics(const struct verdict *v, const struct report_style *style, struct buf *out);
void report_results(const struct verdict_list *list, const struct report_style *style,
                    struct buf *out);
void report_junit(const struct verdict_list *list, const struct report_style *style,
                  struct buf *out);
/* V as its row in results.json, on one line. */
void report_row(const struct verdict *v, struct buf *out);
/* The last line of an invocation: "N passed, N failed, N inconclusive", counting checks over all
 * scenarios. */
void report_tally(const struct verdict_list *list, struct buf *out);

#endif
