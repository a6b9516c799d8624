/* What the files of judge share. Nothing outside includes this. */
#ifndef PULLDRILL_JUDGE_INTERNAL_H
#define PULLDRILL_JUDGE_INTERNAL_H

#include "harness/check.h"
#include "harness/judge.h"

/* The most that checks and the verdict may keep: a check may hold a few numbers a start. */
#define JUDGE_MAX_BYTES ((size_t)1 << 30)

/* How a drill came to its end, as the last event says; CUT where there is none. */
enum judge_end {
    JUDGE_CUT,
    JUDGE_COMPLETED,
    JUDGE_SICK_BASELINE,
    JUDGE_LIMIT,
    JUDGE_INTERRUPTED,
    JUDGE_FAILURE,
    JUDGE_SKIPPED, /* the machine does not allow it: nothing of it was done */
    JUDGE_LOST,    /* stopped, because the checks that were to fail had: a proof */
};

/* What is counted of a fault while events pass. */
struct judge_fault {
    bool armed;
    uint64_t matched, fired;
    uint64_t began; /* starts that began while it was armed */
    uint64_t first_ns, last_ns;
    uint64_t first_event, last_event;
};

struct judge_registry {
    uint64_t connections, requests, bytes;
};

struct judge {
    const struct plan *plan;
    struct pulls *pulls;
    struct verdict *verdict; /* filled from the beginning; handed over by judge_finish */
    struct check *checks;    /* as many as the verdict has */
    size_t check_count;
    const struct check *baseline;
    struct err trouble; /* the first thing that went wrong: the verdict is then an error */
    struct judge_fault *faults;
    struct judge_registry *registries;
    uint64_t last_ns;
    uint64_t lag_p99_ns;
    enum judge_end end;
    const char *detail; /* of drill-end */
    bool truncated;     /* the last line of the history was cut off */
};

/* judge_summary.c: what reports show beside the checks. */
int judge_summary_init(struct judge *j);
void judge_summary_event(struct judge *j, const struct event *ev);
/* After the checks have finished. */
void judge_summary_finish(struct judge *j);
/* TEXT in the verdict's memory. NULL: none, or no memory (the arena knows). */
const char *judge_copy(struct judge *j, const char *text);

/* judge_starts.c: outcomes, labels and starts that did not work; phases that never ended are
 * closed. Asked by judge_summary_finish. */
void judge_starts_finish(struct judge *j);
/* Whether a start counts at all: ended by itself, and not the control. */
bool judge_start_counts(const struct pull_start *start);
/* The phase of the verdict that START began in; NULL for the control start. */
struct verdict_phase *judge_phase_of(struct judge *j, const struct pull_start *start);

/* judge_facts.c: what was drilled and how, and the notes; asked by judge_summary_finish. */
void judge_facts_finish(struct judge *j);

/* judge_times.c: times and attempts by phase, and the loop's lag; asked by judge_summary_finish. */
void judge_times_finish(struct judge *j);

/* judge_blame.c: the verdict of all, whose fault it is, and why, once every check has one. */
void judge_conclude(struct judge *j, bool sick);

#endif
