/* How far one drill is, from its events: a line for a terminal, or one a phase. Pure. */
#ifndef PULLDRILL_PROGRESS_H
#define PULLDRILL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/buf.h"
#include "harness/base/err.h"
#include "harness/history/event.h"

struct progress;

struct progress_style {
    size_t columns;      /* at most as many are used */
    size_t name_columns; /* the name is cut or filled up to them */
    bool colour;
};
/* Below as many columns a line does without the numbers of starts that worked and that run. */
#define PROGRESS_WIDE 110

/* NAME is what a reader knows the drill by, ADDED what tells it from others of that name (" as
 * retry-only [2]", or nothing): the last to be cut. Both are copied, and may hold anything. */
struct progress *progress_new(const char *name, const char *added, struct err *e);
void progress_free(struct progress *p);
/* Feeds one event, in order. The plan comes with the first; where it cannot be read, or memory runs
 * out, the lines tell no attempts. */
void progress_event(struct progress *p, const struct event *ev);
/* It is T_NS since the drill began: time goes on without events too. */
void progress_now(struct progress *p, uint64_t t_ns);
/* The name, made harmless, and the columns it takes by itself. */
void progress_name(const struct progress *p, struct buf *out);
size_t progress_name_columns(const struct progress *p);
/* "codeship-2017-image-deleted  outage 12/20  worked 11  running 4  primary 12 (12 failed)
 * failover 44  ▁▂▅▇▇▅▂▁" without a newline: the phase with its starts; attempts in this phase by
 * registry; attempts of the last seconds, each cell in the colour of the registry that had most.
 * Returns the columns it takes. */
size_t progress_line(const struct progress *p, const struct progress_style *style, struct buf *out);
/* "outage: 20 starts, 20 worked, 0 running; attempts: primary 20 (20 failed), failover 60" and a
 * newline: to be asked for when a phase has ended. */
void progress_phase(const struct progress *p, struct buf *out);

#endif
