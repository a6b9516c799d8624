/* JSON a line, changed so that it stays JSON: what plain mutation of bytes seldom leaves. */
#ifndef PULLDRILL_TESTS_FUZZ_LIB_LINES_H
#define PULLDRILL_TESTS_FUZZ_LIB_LINES_H

#include <stddef.h>

#include "harness/base/buf.h"
#include "tests/fuzz/lib/fuzz.h"

/* The lines of TEXT, each with its number as the `n` that it begins with. */
void lines_renumber(const char *text, size_t len, struct buf *out);
/* Takes lines out, moves and doubles them, and puts values in the place of others. The new length,
 * at most MAX. */
size_t lines_mutate(char *text, size_t len, size_t max, struct fuzz_dice *dice);

#endif
