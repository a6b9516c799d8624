/* How many columns of a terminal text takes; cutting and wrapping it. Pure. */
#ifndef PULLDRILL_COLUMNS_H
#define PULLDRILL_COLUMNS_H

#include <stddef.h>

#include "harness/base/buf.h"

/* The length of the longest beginning of S (UTF-8 without control characters) that takes at most
 * MAX columns; *COLUMNS: how many it takes. A wide character is never halved, a mark that is drawn
 * over the character before it stays with it. */
size_t columns_fit(const char *s, size_t max, size_t *columns);
/* Of the whole. */
size_t columns_of(const char *s);
/* Writes TEXT from column INDENT on, where the line stands already, in lines of WIDTH columns that
 * begin there, too, and ends the last. A word that is wider stays whole: it may be a command. */
void columns_wrap(struct buf *out, const char *text, size_t indent, size_t width);

#endif
