/* From history to verdict: runs every check over the events, live or from a file. Pure but for
 * reading the file. */
#ifndef PULLDRILL_JUDGE_H
#define PULLDRILL_JUDGE_H

#include "harness/base/err.h"
#include "harness/history/event.h"
#include "harness/plan.h"
#include "harness/pulls.h"
#include "harness/verdict/verdict.h"

struct judge;

/* A judge of PLAN (borrowed). Always-on checks come before those of `expect`. */
struct judge *judge_new(const struct plan *plan, struct err *e);
void judge_free(struct judge *j);
/* One event, in order; feeds the pulls and the checks. Trouble (no memory) is kept and makes the
 * verdict an error. Fits history_observer. */
void judge_event(void *judge, const struct event *ev);
/* The pulls as they stand, for the drill's live line and for outcomes. */
const struct pulls *judge_pulls(const struct judge *j);
/* Whether the baseline is already known to be sick: the drill then stops. WHY in words. */
bool judge_baseline_sick(const struct judge *j, const char **why);
/* Whether every check named is lost for good (for `prove`). */
bool judge_lost(const struct judge *j, const char *const *names, size_t count);
/* Whether every fault that is on has fired as often as it must at least. */
bool judge_exposed(const struct judge *j);
/* The verdict on all that was seen; the caller frees it. SCENARIO_FILE is as given. */
struct verdict *judge_finish(struct judge *j, struct err *e);

/* Judges a saved history: plan from its first event. */
struct verdict *judge_file(const char *path, struct err *e);

#endif
