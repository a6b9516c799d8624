/* `--format json`: what happens in several drills, as JSON objects, one a line. */
#ifndef PULLDRILL_COMMANDS_STREAM_H
#define PULLDRILL_COMMANDS_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/buf.h"
#include "harness/base/err.h"
#include "harness/verdict/verdict.h"

struct stream;

/* Where a drill's lines come from, and what is put in front of each. All is copied. */
struct stream_source {
    const char *scenario;
    const char *title;
    const char *variant; /* under `prove`; NULL otherwise */
    size_t round;        /* from 1; told where there is a variant */
    const char *history; /* the file, which need not exist yet */
};

/* Writes to FD, which stays the caller's. NULL: no memory. */
struct stream *stream_new(int fd, struct err *e);
void stream_free(struct stream *s);
/* A drill NUMBER begins. -1: no memory. */
int stream_add(struct stream *s, size_t number, const struct stream_source *source, struct err *e);
/* It has ended, and its history is whole: V, where there is one, is told behind the last event. */
int stream_ended(struct stream *s, size_t number, const struct verdict *v, struct err *e);
/* Passes on what has happened, as much as the reader takes without being waited for: the rest stays
 * in the histories until the next call. */
void stream_tick(struct stream *s);
/* Passes on all that is left, and LAST (a JSON object; its members follow `"event":"results"`);
 * waits for the reader, until SIGINT or SIGTERM, which the caller blocks, is pending. False: the
 * reader did not take it all. */
bool stream_finish(struct stream *s, const struct buf *last);

#endif
