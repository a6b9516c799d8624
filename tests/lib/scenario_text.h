/* Scenarios for tests: written with ' for ", read with options, and shown whole as text. */
#ifndef PULLDRILL_TESTS_SCENARIO_TEXT_H
#define PULLDRILL_TESTS_SCENARIO_TEXT_H

#include "harness/base/buf.h"
#include "harness/scenario.h"

/* Parses TEXT, in which ' stands for ", under the name "drills/test.json". */
struct scenario *scenario_quoted(const char *text, const struct scenario_options *options,
                                 struct err *e);
/* A whole small scenario around the members MORE ("'seed': 1,") and the subject's SUBJECT. */
char *scenario_small(const char *more, const char *subject);
/* Everything a scenario holds but places and paths, for comparing two. */
void scenario_show(const struct scenario *s, struct buf *out);

#endif
