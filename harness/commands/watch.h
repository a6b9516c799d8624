/* What an invocation shows of its drills while they run: live lines, plain lines, or events. */
#ifndef PULLDRILL_COMMANDS_WATCH_H
#define PULLDRILL_COMMANDS_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/base/buf.h"
#include "harness/base/err.h"
#include "harness/commands/options.h"
#include "harness/verdict/verdict.h"

struct watch;

/* A drill as a reader knows it. All is borrowed for the call. */
struct watched {
    const char *scenario; /* the file */
    const char *title;
    const char *variant; /* under `prove`; NULL otherwise */
    size_t round;        /* from 1 */
    bool rounds;         /* there is more than one */
    const char *dir;     /* where its history will lie */
};

/* PHASES: where there is no terminal, a line on stderr for each phase that ended; SEVERAL: with the
 * scenario's name. NULL: no memory. */
struct watch *watch_new(const struct options *o, bool phases, bool several, struct err *e);
/* Takes the live lines away. */
void watch_free(struct watch *w);
/* How often watch_tick is to be called; 0: never. */
uint64_t watch_tick_ns(const struct watch *w);

/* A drill NUMBER is about to begin. -1: no memory. */
int watch_begin(struct watch *w, size_t number, const struct watched *what, struct err *e);
/* In its process: its complaints are shown above the live lines. */
void watch_child(const struct watch *w);
/* Reads on in the histories and shows it. RESUMED as in jobs_work.tick. */
void watch_tick(struct watch *w, bool resumed);
/* The drill has ended, and is shown no more; V is what it came to, where it came to anything. */
int watch_ended(struct watch *w, size_t number, const struct verdict *v, struct err *e);
/* Prints B above the live lines. */
void watch_print(struct watch *w, FILE *f, const struct buf *b);
/* Whether stdout is a stream of events: nothing else may be printed there. */
bool watch_streams(const struct watch *w);
/* The end of that stream: RESULTS, as stream_finish takes it. */
void watch_finish(struct watch *w, const struct buf *results);

#endif
