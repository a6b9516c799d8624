/* A scenario told in text before anybody runs it: its timeline, who meets what, what is expected.
 */
#ifndef PULLDRILL_EXPLAIN_H
#define PULLDRILL_EXPLAIN_H

#include <stdbool.h>

#include "harness/base/buf.h"
#include "harness/base/err.h"
#include "harness/scenario.h"

struct explain_options {
    bool utf8;         /* lines and bars may be drawn with more than ASCII */
    const char *run;   /* the command that runs it, without its seed */
    const char *prove; /* the command that proves it */
};

/* Appends the text, lines of at most 80 columns where words allow. Takes *SCENARIO over and sets it
 * to NULL. */
int explain_write(struct scenario **scenario, const struct explain_options *options,
                  struct buf *out, struct err *e);

#endif
