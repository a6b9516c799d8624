/* The append-only log of a drill: observers see each event at once, the file once a loop turn. */
#ifndef PULLDRILL_HISTORY_HISTORY_H
#define PULLDRILL_HISTORY_HISTORY_H

#include "harness/base/err.h"
#include "harness/history/event.h"
#include "harness/history/secrets.h"

struct history;

/* A history that is written to the file PATH (created, must not exist), or kept nowhere where PATH
 * is NULL: observers still see everything. The clock starts now. NULL on failure. */
struct history *history_new(const char *path, struct err *e);
/* Flushes, closes the file, frees H. */
void history_free(struct history *h);

/* An observer is called for each appended event, in order; the event is valid during the call. It
 * must not append. At most HISTORY_MAX_OBSERVERS; -1 past that. */
#define HISTORY_MAX_OBSERVERS 8
typedef void history_observer(void *data, const struct event *ev);
int history_observe(struct history *h, history_observer *fn, void *data, struct err *e);

/* TEXT, and the word that it begins, is put out of sight (secrets.h) in every string of every event
 * from now on, before an observer sees it. */
int history_secret(struct history *h, const char *text, struct err *e);
const struct secrets *history_secrets(const struct history *h);

/* Gives EV its number and time, shows it to the observers, and buffers its line. EV is changed in
 * these two fields only. Returns the number. Memory or disk trouble is kept and told by
 * history_flush, so that hot paths need no branch for it. */
uint64_t history_append(struct history *h, struct event *ev);
/* Nanoseconds since the history began, now. */
uint64_t history_now_ns(const struct history *h);
/* Writes what is buffered; called once a loop turn and at the end. -1: a write failed, now or
 * earlier; the history can no longer be trusted. */
int history_flush(struct history *h, struct err *e);

/* Reads a saved history line by line. A last line without newline (the drill was killed) is dropped
 * and TRUNCATED set. */
struct history_reader;
struct history_reader *history_reader_open(const char *path, struct err *e);
void history_reader_close(struct history_reader *r);
/* 1: *OUT holds the next event, valid until the next call; 0: the end; -1: E says file:line. Event
 * numbers must ascend by one from 1. */
int history_reader_next(struct history_reader *r, struct event *out, struct err *e);
bool history_reader_truncated(const struct history_reader *r);

#endif
