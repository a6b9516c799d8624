/* results.json: the invocation, a row a scenario; and its last line. */
#include "harness/verdict/verdict_fields.h"
#include "reports/fields_out.h"
#include "reports/report.h"
#include "reports/words.h"

static void row_out(struct json_out *j, const struct verdict *v)
{
    json_out_open(j, NULL, '{');
    json_out_text(j, "scenario", v->scenario);
    json_out_text(j, "title", v->title);
    json_out_text(j, "folder", v->folder);
    json_out_text(j, "verdict", verdict_name(v->verdict));
    json_out_text(j, "blame", v->blame);
    json_out_text(j, "why", v->why);
    json_out_count(j, "seed", v->seed);
    json_out_text(j, "replay", v->replay);
    json_out_count(j, "duration-ns", v->duration_ns);
    fields_out_tally(j, "checks", words_tally(v));
    json_out_open(j, "starts", '{');
    fields_out(j, &verdict_fields_starts, &v->starts);
    json_out_close(j, '}');
    json_out_close(j, '}');
}

void report_results(const struct verdict_list *list, const struct report_style *style,
                    struct buf *out)
{
    struct json_out j = {.out = out, .flat = style->flat};
    json_out_open(&j, NULL, '{');
    json_out_int(&j, "version", VERDICT_FORMAT_VERSION);
    json_out_text(&j, "verdict", verdict_name(list->verdict));
    json_out_int(&j, "exit", list->exit);
    fields_out_tally(&j, "tally", words_tally_all(list));
    json_out_open(&j, "scenarios", '[');
    for (size_t i = 0; i < list->count; i++) {
        row_out(&j, list->items[i]);
    }
    json_out_close(&j, ']');
    json_out_close(&j, '}');
}

void report_row(const struct verdict *v, struct buf *out)
{
    struct json_out j = {.out = out, .flat = true};
    row_out(&j, v);
}

void report_tally(const struct verdict_list *list, struct buf *out)
{
    struct verdict_tally tally = words_tally_all(list);
    buf_printf(out, "%zu passed, %zu failed, %zu inconclusive\n", tally.passed, tally.failed,
               tally.inconclusive);
}
