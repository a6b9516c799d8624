/* Reads a history that another process is still writing: whole lines, as far as there are any. */
#ifndef PULLDRILL_COMMANDS_FOLLOW_H
#define PULLDRILL_COMMANDS_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/err.h"
#include "harness/history/event.h"

struct follow;
/* PATH need not exist yet, nor ever: it is looked for whenever a line is asked for. NULL: no
 * memory. */
struct follow *follow_new(const char *path, struct err *e);
void follow_free(struct follow *f);
/* 1: the next whole line is at *LINE, LEN bytes without its newline, until the next call; 0: there
 * is none now (a line without its newline is not whole: its writer is not done, or was killed);
 * -1: the file cannot be read further, now or ever; E says why. */
int follow_line(struct follow *f, const char **line, size_t *len, struct err *e);
/* The same, decoded. A line that is no event is trouble: -1. */
int follow_event(struct follow *f, struct event *out, struct err *e);

#endif
