/* Members of a verdict as JSON. */
#include "reports/fields_out.h"

#include "harness/verdict/verdict.h"

static void object_out(struct json_out *j, const char *key, const struct verdict_fields *fields,
                       const void *object)
{
    json_out_open(j, key, '{');
    fields_out(j, fields, object);
    json_out_close(j, '}');
}

static void field_out(struct json_out *j, const struct verdict_field *f, const void *at)
{
    switch (f->type) {
    case FIELD_TEXT:
        json_out_text(j, f->key, *(const char *const *)at);
        break;
    case FIELD_COUNT:
    case FIELD_LATER_COUNT:
        json_out_count(j, f->key, *(const uint64_t *)at);
        break;
    case FIELD_INT:
        json_out_int(j, f->key, *(const int *)at);
        break;
    case FIELD_FLAG:
        json_out_flag(j, f->key, *(const bool *)at);
        break;
    case FIELD_SHARE:
        json_out_share(j, f->key, *(const double *)at);
        break;
    case FIELD_KIND:
        json_out_text(j, f->key, verdict_name(*(const enum verdict_kind *)at));
        break;
    case FIELD_STARTS:
        object_out(j, f->key, &verdict_fields_starts, at);
        break;
    case FIELD_PULLS:
        object_out(j, f->key, &verdict_fields_pulls, at);
        break;
    case FIELD_TIMES:
        object_out(j, f->key, &verdict_fields_times, at);
        break;
    }
}

void fields_out(struct json_out *j, const struct verdict_fields *fields, const void *base)
{
    for (size_t i = 0; i < fields->count; i++) {
        field_out(j, &fields->field[i], (const char *)base + fields->field[i].offset);
    }
}

void fields_out_tally(struct json_out *j, const char *key, struct verdict_tally tally)
{
    json_out_open(j, key, '{');
    json_out_count(j, "passed", tally.passed);
    json_out_count(j, "failed", tally.failed);
    json_out_count(j, "inconclusive", tally.inconclusive);
    json_out_close(j, '}');
}
