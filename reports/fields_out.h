/* Members of a verdict as JSON, by the table that the reader reads them by. */
#ifndef PULLDRILL_REPORTS_FIELDS_OUT_H
#define PULLDRILL_REPORTS_FIELDS_OUT_H

#include "harness/verdict/verdict.h"
#include "harness/verdict/verdict_fields.h"
#include "reports/json_out.h"

/* Writes the members of BASE that FIELDS names into the object that is open. */
void fields_out(struct json_out *j, const struct verdict_fields *fields, const void *base);
/* A tally, as the member KEY of the object that is open. */
void fields_out_tally(struct json_out *j, const char *key, struct verdict_tally tally);

#endif
