/* How many columns of a terminal text takes, and cutting it to them. Pure. */
#ifndef PULLDRILL_COLUMNS_H
#define PULLDRILL_COLUMNS_H

#include <stddef.h>

/* The length of the longest beginning of S (UTF-8 without control characters) that takes at most
 * MAX columns; *COLUMNS: how many it takes. A wide character is never halved, a mark that is drawn
 * over the character before it stays with it. */
size_t columns_fit(const char *s, size_t max, size_t *columns);
/* Of the whole. */
size_t columns_of(const char *s);

#endif
