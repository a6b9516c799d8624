/* Which events `until` counts: what the parser accepts, the drill waits for and evidence judges.
 * Pure. */
#ifndef PULLDRILL_UNTIL_H
#define PULLDRILL_UNTIL_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/history/event.h"
#include "harness/plan.h"
#include "harness/pulls.h"

/* What an event can be narrowed by. */
#define UNTIL_REGISTRY 1u
#define UNTIL_SUBJECT 2u
#define UNTIL_FAULT 4u
#define UNTIL_OUTCOME 8u

/* The same as keys of `until`, ended by a NULL key. */
struct until_narrowing {
    const char *key;
    unsigned bit;
};
extern const struct until_narrowing until_narrowings[];

/* The I-th event that can be waited for; NULL past the last. */
const char *until_event_word(size_t i);
/* Its type, and what it can be narrowed by. */
enum event_type until_event_type(size_t i);
unsigned until_event_narrows(size_t i);

/* Whether EV counts. PULLS have seen it. What the harness does by itself (lane 0, control starts)
 * never counts, nor does a fault that matched without firing. */
bool until_counts(const struct scenario_until *until, const struct plan *plan,
                  const struct pulls *pulls, const struct event *ev);

#endif
