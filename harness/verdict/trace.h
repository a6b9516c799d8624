/* A drill's history as rows for the picture and the waterfall: filled by harness/trace.c, read by
 * reports. Times are nanoseconds since the drill began. */
#ifndef PULLDRILL_VERDICT_TRACE_H
#define PULLDRILL_VERDICT_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/arena.h"
#include "harness/history/event.h"

/* Rows kept; what is over is counted in `left_out`, and the page says so. */
#define TRACE_MAX_EVENTS ((size_t)400000)
#define TRACE_MAX_ATTEMPTS ((size_t)1000000)

/* A stretch of time under a name: a phase, or a fault from armed to healed. A fault armed several
 * times has several bands. */
struct trace_band {
    const char *name;
    uint64_t from_ns, to_ns;
    uint64_t from_event, to_event; /* TO_EVENT 0: it was still open when the history ended */
};

/* One try at one object on one registry (a HEAD and its GET are one). */
struct trace_attempt {
    uint64_t t_ns;
    uint64_t start;
    unsigned registry; /* index in the trace's registries */
    bool failed;       /* brought nothing whole */
    bool control;      /* of a control start */
};

struct trace_start {
    uint64_t number;
    const char *subject;
    const char *phase; /* NULL: the control start */
    uint64_t lane;
    uint64_t begin_ns, end_ns; /* END_NS is the history's last moment where it did not end */
    uint64_t begin_event, end_event;
    enum outcome outcome; /* OUTCOME_NONE: it did not end */
    bool cancelled;       /* the harness ended it */
    const char *label;    /* "primary", "fell back", "failed", "mixed", "none" */
    const char *reason;   /* why it did not work; NULL */
    const char *last;     /* what it did last, in words; NULL */
    const char *command;
};

/* One event, cut to what a page shows. Fields that an event does not have are 0 or NULL. */
struct trace_event {
    uint64_t n, t_ns;
    enum event_type type;
    int registry; /* index; -1: none */
    uint64_t start, lane, connection;
    uint64_t request; /* ordinal */
    enum op op;
    uint64_t status;
    uint64_t bytes;         /* delivered */
    uint64_t first_byte_ns; /* from the request's arrival */
    uint64_t duration_ns;
    bool fired; /* of fault-decided */
    /* Request: the path; close: how; fault-decided: the actions; start-end: the reason; probe,
     * action: the detail; start-begin: the canaries it was given. */
    const char *text;
    /* The fault, faults of a response (by spaces), phase, probe, action, subject. */
    const char *name;
    /* Of a response: "whole", "cut", …; of a start: its outcome; of a probe and an action: "ok",
     * "failed". */
    const char *end;
};

struct trace {
    struct arena arena;
    const char **registries; /* role names, in the plan's order: the primary's index is PRIMARY */
    size_t registry_count;
    size_t primary;
    struct trace_band *phases;
    size_t phase_count;
    struct trace_band *faults; /* in the order in which they were armed */
    size_t fault_count;
    struct trace_attempt *attempts; /* by time; where registries were SERVED, each request */
    size_t attempt_count;
    bool served;                /* by `serve`: there are no starts that attempts would be of */
    struct trace_start *starts; /* by number, control starts last */
    size_t start_count;
    struct trace_event *events; /* by number; connections, requests, responses, faults, starts,
                                   phases, probes, actions: all but lag, counters and claims */
    size_t event_count;
    uint64_t left_out;    /* events and attempts beyond the maxima */
    uint64_t end_ns;      /* of the last event */
    const char *host;     /* the machine, a JSON object as text; NULL */
    const char *versions; /* of the program and its libraries, the same */
    bool truncated;       /* the history's last line was cut off */
};

/* Empty, with an arena of its own. NULL: no memory. */
struct trace *trace_new(struct err *e);
void trace_free(struct trace *t);

#endif
