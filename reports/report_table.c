/* The one table of report formats. */
#include <string.h>

#include "reports/report.h"

const struct report_format report_formats[] = {
    {"text", NULL, "for people at a terminal: eight lines, then one a check", .one = report_text},
    {"journal", "journal.json", "all there is to know of one drill, as JSON",
     .one = report_journal},
    {"html", "report.html", "one drill as a page that stands alone: picture, evidence, waterfall",
     .traced = report_html},
    {"metrics", "metrics.txt", "one drill in numbers, as OpenMetrics text, for monitoring",
     .one = report_metrics},
    {"summary", "summary.md", "one drill in Markdown, for pull requests", .one = report_summary},
    {"results", "results.json", "the invocation as JSON, a row a scenario", .all = report_results},
    {"junit", "junit.xml", "the invocation as JUnit XML, for CI", .all = report_junit},
};
const size_t report_format_count = sizeof report_formats / sizeof report_formats[0];

const struct report_format *report_format_find(const char *name)
{
    for (size_t i = 0; i < report_format_count; i++) {
        if (strcmp(report_formats[i].name, name) == 0) {
            return &report_formats[i];
        }
    }
    return NULL;
}
