/* What every report of a verdict has to be, whatever it was made of. */
#ifndef PULLDRILL_TESTS_FUZZ_LIB_REPORTS_H
#define PULLDRILL_TESTS_FUZZ_LIB_REPORTS_H

#include "harness/trace.h"
#include "harness/verdict/verdict.h"

/* Tells V in every form, T (NULL: none) with it, and stops where one is not as it must be. */
void fuzz_reports(struct verdict *v, const struct trace *t);

#endif
