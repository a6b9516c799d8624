/* junit.xml: a suite a scenario, a case a check; its counts and the exit code say the same. */
#include <inttypes.h>
#include <string.h>

#include "reports/escape.h"
#include "reports/report.h"
#include "reports/words.h"

/* What a case comes to in JUnit's words. */
enum case_result { CASE_PASSED, CASE_FAILURE, CASE_ERROR, CASE_SKIPPED };

struct counts {
    size_t tests, failures, errors, skipped;
};

/* An inconclusive case is an error, unless `--inconclusive` turned the whole invocation: then the
 * file must not say otherwise than the exit code. */
static enum case_result of_inconclusive(const struct verdict_list *list)
{
    if (list->verdict != VERDICT_INCONCLUSIVE || list->exit == EXIT_INCONCLUSIVE) {
        return CASE_ERROR;
    }
    return list->exit == EXIT_PASS   ? CASE_SKIPPED
           : list->exit == EXIT_FAIL ? CASE_FAILURE
                                     : CASE_ERROR;
}

/* A skip is one, unless `--no-skip` made it count. */
static enum case_result of_skipped(const struct verdict_list *list)
{
    if (list->verdict != VERDICT_SKIPPED) {
        return CASE_SKIPPED;
    }
    return list->exit == EXIT_INCONCLUSIVE ? CASE_ERROR
           : list->exit == EXIT_FAIL       ? CASE_FAILURE
                                           : CASE_SKIPPED;
}

static enum case_result outcome_of(const struct verdict_list *list, enum verdict_kind v)
{
    switch (v) {
    case VERDICT_PASS:
        return CASE_PASSED;
    case VERDICT_FAIL:
        return CASE_FAILURE;
    case VERDICT_INCONCLUSIVE:
        return of_inconclusive(list);
    case VERDICT_SKIPPED:
        return of_skipped(list);
    case VERDICT_ERROR:
        break;
    }
    return CASE_ERROR;
}

/* ---- counts -------------------------------------------------------------------------------- */

static void count_one(struct counts *sum, enum case_result outcome)
{
    sum->tests++;
    sum->failures += outcome == CASE_FAILURE ? 1 : 0;
    sum->errors += outcome == CASE_ERROR ? 1 : 0;
    sum->skipped += outcome == CASE_SKIPPED ? 1 : 0;
}

/* Whether a case beside the checks' shows the drill itself. */
static bool has_drill_case(const struct verdict *v)
{
    return v->check_count == 0 || words_beyond_checks(v);
}

static struct counts count_suite(const struct verdict_list *list, const struct verdict *v)
{
    struct counts sum = {0};
    for (size_t i = 0; i < v->check_count; i++) {
        count_one(&sum, outcome_of(list, v->checks[i].verdict));
    }
    if (has_drill_case(v)) {
        count_one(&sum, outcome_of(list, v->verdict));
    }
    return sum;
}

static void counts_out(struct buf *out, const struct counts *sum, uint64_t duration_ns)
{
    uint64_t ms = duration_ns / 1000000;
    buf_printf(out,
               " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%" PRIu64
               ".%03" PRIu64 "\"",
               sum->tests, sum->failures, sum->errors, sum->skipped, ms / 1000, ms % 1000);
}

/* ---- cases --------------------------------------------------------------------------------- */

static void attribute(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, " %s=\"", name);
    escape_xml(out, value);
    buf_char(out, '"');
}

/* The name of the suite, or its classname; of several with the same, later ones get a number. */
static void unique_name(struct buf *out, const struct verdict_list *list, size_t index,
                        const char *(*name)(const struct verdict *v))
{
    size_t same = 1;
    const char *own = name(list->items[index]);
    for (size_t i = 0; i < index; i++) {
        same += strcmp(name(list->items[i]), own) == 0 ? 1 : 0;
    }
    escape_xml(out, own);
    if (same > 1) {
        buf_printf(out, " (%zu)", same);
    }
}

static const char *scenario_name(const struct verdict *v)
{
    return words_or(v->scenario, "scenario");
}

static const char *class_name(const struct verdict *v)
{
    return words_or(v->folder, scenario_name(v));
}

static void open_case(struct buf *out, const struct verdict_list *list, size_t index,
                      const char *check, const char *name)
{
    bool worded = name != NULL && check != NULL && strncmp(name, check, strlen(check)) == 0;
    buf_str(out, "    <testcase name=\"");
    if (!worded) {
        escape_xml(out, words_or(check, "check"));
        buf_str(out, name != NULL ? ": " : "");
    }
    escape_xml(out, name);
    buf_str(out, "\" classname=\"");
    unique_name(out, list, index, class_name);
    buf_char(out, '"');
}

/* The one child of a case that did not pass; REASONS may be NULL. */
static void child(struct buf *out, enum case_result outcome, enum verdict_kind kind,
                  const char *message, const struct verdict_check *c)
{
    const char *tag = outcome == CASE_FAILURE ? "failure"
                      : outcome == CASE_ERROR ? "error"
                                              : "skipped";
    buf_printf(out, ">\n      <%s", tag);
    if (outcome != CASE_SKIPPED) {
        attribute(out, "type", verdict_name(kind));
    }
    attribute(out, "message", message);
    buf_char(out, '>');
    if (c != NULL) {
        buf_str(out, "expected: ");
        escape_xml(out, c->expected);
        for (size_t i = 0; i < c->reason_count; i++) {
            buf_char(out, '\n');
            escape_xml(out, c->reasons[i].text);
            words_events(out, c->reasons[i].events, c->reasons[i].event_count);
        }
    }
    buf_printf(out, "</%s>\n    </testcase>\n", tag);
}

static void check_case(struct buf *out, const struct verdict_list *list, size_t index,
                       const struct verdict_check *c)
{
    enum case_result outcome = outcome_of(list, c->verdict);
    open_case(out, list, index, c->check, c->name);
    if (outcome == CASE_PASSED) {
        buf_str(out, "/>\n");
    } else {
        child(out, outcome, c->verdict, words_or(c->actual, "not judged"), c);
    }
}

static void drill_case(struct buf *out, const struct verdict_list *list, size_t index)
{
    const struct verdict *v = list->items[index];
    enum case_result outcome = outcome_of(list, v->verdict);
    open_case(out, list, index, "drill", NULL);
    if (outcome == CASE_PASSED) {
        buf_str(out, "/>\n");
    } else {
        child(out, outcome, v->verdict, words_or(v->why, "it does not say why"), NULL);
    }
}

/* ---- suites -------------------------------------------------------------------------------- */

static void property(struct buf *out, const char *name, const char *value)
{
    buf_str(out, "      <property");
    attribute(out, "name", name);
    attribute(out, "value", value);
    buf_str(out, "/>\n");
}

static void properties(struct buf *out, const struct verdict *v)
{
    buf_printf(out, "    <properties>\n      <property name=\"seed\" value=\"%" PRIu64 "\"/>\n",
               v->seed);
    property(out, "version", v->version);
    property(out, "replay", v->replay);
    property(out, "blame", v->blame);
    buf_str(out, "    </properties>\n");
}

static void suite(struct buf *out, const struct verdict_list *list, size_t index)
{
    const struct verdict *v = list->items[index];
    struct counts sum = count_suite(list, v);
    buf_str(out, "  <testsuite name=\"");
    unique_name(out, list, index, scenario_name);
    buf_char(out, '"');
    counts_out(out, &sum, v->duration_ns);
    if (words_or(v->began, NULL) != NULL) {
        attribute(out, "timestamp", v->began);
    }
    buf_str(out, ">\n");
    properties(out, v);
    for (size_t i = 0; i < v->check_count; i++) {
        check_case(out, list, index, &v->checks[i]);
    }
    if (has_drill_case(v)) {
        drill_case(out, list, index);
    }
    buf_str(out, "  </testsuite>\n");
}

void report_junit(const struct verdict_list *list, const struct report_style *style,
                  struct buf *out)
{
    struct counts sum = {0};
    uint64_t duration_ns = 0;
    (void)style;
    for (size_t i = 0; i < list->count; i++) {
        struct counts one = count_suite(list, list->items[i]);
        sum.tests += one.tests;
        sum.failures += one.failures;
        sum.errors += one.errors;
        sum.skipped += one.skipped;
        duration_ns += list->items[i]->duration_ns / 1000000 * 1000000;
    }
    buf_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"pulldrill\"");
    counts_out(out, &sum, duration_ns);
    buf_str(out, ">\n");
    for (size_t i = 0; i < list->count; i++) {
        suite(out, list, i);
    }
    buf_str(out, "</testsuites>\n");
}
