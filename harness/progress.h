/* Progress on stderr while a drill runs: a live line on a terminal, a line a phase elsewhere. */
#ifndef PULLDRILL_PROGRESS_H
#define PULLDRILL_PROGRESS_H

#include <stdbool.h>

#include "harness/base/err.h"
#include "harness/history/event.h"
#include "harness/plan.h"

struct progress;

/* TITLE and PLAN are borrowed. */
struct progress *progress_new(const struct plan *plan, bool terminal, struct err *e);
/* Fits history_observer. */
void progress_event(void *progress, const struct event *ev);
/* Wipes the live line. */
void progress_free(struct progress *p);

#endif
