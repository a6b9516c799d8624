/* Lines at the bottom of a terminal that are rewritten in place. */
#ifndef PULLDRILL_COMMANDS_LIVE_H
#define PULLDRILL_COMMANDS_LIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/buf.h"

#define LIVE_MAX_LINES 64

/* What stands on the terminal now, below which the cursor waits. Zero it and set FD. */
struct live {
    int fd;
    size_t count;
    size_t columns[LIVE_MAX_LINES]; /* that each line takes */
};

/* The terminal's size, which may change at any time; 80 by 24 where it does not tell. */
void live_size(const struct live *l, size_t *columns, size_t *rows);
/* Draws LINES (COLUMNS[i] wide, escape sequences not counted) in the place of those that stand
 * there, all by one write. At most LIVE_MAX_LINES, and fewer than the terminal has rows. */
void live_draw(struct live *l, const struct buf *lines, const size_t *columns, size_t count);
/* Takes the lines away; the cursor is where the first of them began. */
void live_wipe(struct live *l);
/* What was drawn no longer stands where it did (the invocation had been stopped): it is left. */
void live_forget(struct live *l);

#endif
