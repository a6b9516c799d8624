/* Requests grouped into pulls by start: the fold that outcomes and checks share. Pure. */
#ifndef PULLDRILL_PULLS_H
#define PULLDRILL_PULLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"
#include "harness/history/event.h"
#include "harness/plan.h"

/* What one registry saw of one start. */
struct pull_registry {
    uint64_t connections;
    uint64_t requests;
    uint64_t attempts; /* objects tried; a HEAD and the GET that follows are one */
    uint64_t failed;   /* attempts that brought nothing whole: status, cut, altered, given up */
    uint64_t first_ns; /* first contact (connection or request); 0: none */
    uint64_t first_event;
    uint64_t useful_ns; /* first body byte of a true object, or a true 304; 0: none */
    uint64_t useful_event;
    uint64_t trouble_event; /* the last event that counts as trouble (failed, cut, altered, stall
                               given up, connection reset); 0: none */
    uint64_t first_trouble_event; /* the first such */
    uint64_t last_event;
    unsigned ops[OP_COUNT]; /* requests by operation */
};

/* One attempt: a try at one object on one registry by one start (a HEAD and its GET are one). */
struct pull_attempt {
    uint64_t t_ns;  /* when its first request arrived */
    uint64_t event; /* of that request */
    uint64_t start; /* number of the start */
    unsigned registry;
    enum op op;   /* of that request */
    bool control; /* of a control start */
    bool failed;  /* brought nothing whole, as far as is known: later events may turn it */
};

enum pull_label { PULL_NONE, PULL_PRIMARY, PULL_FELL_BACK, PULL_FAILED, PULL_MIXED };

/* One object of the start's image, in this order: what its tag names; of an index, the manifests
 * that the start was told of; their configs and layers. */
enum pull_kind { PULL_INDEX, PULL_MANIFEST, PULL_CONFIG, PULL_LAYER };
struct pull_object {
    enum pull_kind kind;
    size_t layer; /* PULL_LAYER: its number in its manifest, from 1 */
    const char *digest;
    int served_by; /* registry of the last whole delivery before the end; -1: none */
    uint64_t served_event;
    int told_by; /* registry that told its digest last; -1: none did, or it is no manifest */
    uint64_t told_event;
    bool complete; /* its bytes arrived unaltered (union of ranges over all registries) */
    bool damaged;  /* some delivery of it was cut or altered */
};

struct pull_start {
    uint64_t number;
    int subject; /* index in the plan */
    int phase;   /* -1: the control start */
    bool control;
    bool crosses; /* ended in a later phase than it began in: no routing checks */
    bool ended;
    uint64_t lane;
    uint64_t begin_ns, end_ns;
    uint64_t took_ns; /* the command itself: what landed is hashed before it is said to end */
    uint64_t begin_event, end_event;
    enum outcome outcome;
    const char *reason;
    const char *said; /* the last line of its output; NULL where it said nothing */
    int64_t exit;
    int64_t signal;
    bool timed_out;
    uint64_t leftovers;
    const char *result_digest; /* what result.json claims; NULL */
    const char *layout;        /* what the harness found where the result named a layout */
    int image;                 /* the plan's image whose digest it was told last; -1: none */
    int manifest;              /* the one of IMAGE's that it has or was told of; -1: none */
    int told_by;               /* registry that told IMAGE's digest last (warm starts may fetch
                                  nothing more); -1: none */
    uint64_t told_event;
    uint64_t asked; /* bit N: it asked for something of the plan's image N, whatever came */
    uint64_t whole; /* bit N: it was told the digest of the plan's image N, and has all of it (of an
                       index: of one manifest) */
    bool stopped; /* the harness ended it (limit, interrupt): not to be held against the subject */
    enum pull_label label;
    struct pull_registry *registries; /* one per registry of the plan */
    struct pull_object *objects;      /* of IMAGE; NULL where image is -1 */
    size_t object_count;
    const char *const *faults_met; /* names of faults that acted on its answers, unique */
    size_t fault_met_count;
    uint64_t counted[COUNTER_COUNT]; /* by the kernel, in its lane: 0 where nobody counts */
    const char *last;                /* what it did last, in words */
    uint64_t last_event;
};

/* What starts have changed of an image on a registry, seen from the first such change. */
struct pull_change {
    uint64_t count;
    uint64_t start, event; /* the answer to the first of them */
    bool deleted;          /* it took something away; else it gave a tag to other content */
    bool tag_lost;         /* as things stand, a tag stands for something else, or for nothing */
    char reference[256];   /* the tag or digest it named */
};

struct pulls;
struct pulls *pulls_new(const struct plan *plan, struct err *e);
void pulls_free(struct pulls *p);
/* Feeds one event, in order. On EVENT_START_END the outcome in the event is ignored: it is
 * recomputed from what went before by pulls_outcome. -1: no memory, or over a maximum. */
int pulls_event(struct pulls *p, const struct event *ev, struct err *e);
/* The running start of a lane, or one by number; NULL. Valid until the next pulls_event. */
const struct pull_start *pulls_lane(const struct pulls *p, uint64_t lane);
const struct pull_start *pulls_start(const struct pulls *p, uint64_t number);
/* All starts in the order they began. */
size_t pulls_count(const struct pulls *p);
const struct pull_start *pulls_at(const struct pulls *p, size_t index);
/* All attempts in the order they began, control starts' too. Valid until the next pulls_event. */
const struct pull_attempt *pulls_attempts(const struct pulls *p, size_t *count);
/* Whether the kernel counted more of COUNTER in START than in any start of phases without faults:
 * what the faults of its phase turned away. */
bool pulls_counted(const struct pulls *p, const struct pull_start *start,
                   enum fault_counter counter);
/* Requests and connections that belonged to no start, outside the harness's own lane. */
uint64_t pulls_stray(const struct pulls *p);
/* Those that a start left behind and that came to light after it ended: counted to no start, and
 * no reason to doubt anything. */
uint64_t pulls_late(const struct pulls *p);

/* What starts have changed of the plan's IMAGE on REGISTRY; NULL: nothing. What the scenario itself
 * runs is no start. */
const struct pull_change *pulls_change(const struct pulls *p, size_t registry, size_t image);
/* The first change, in words: "start 3 (outage) deleted ci/agent:stable from failover". */
#define PULLS_CHANGE_TEXT 1024
void pulls_change_text(const struct pulls *p, size_t registry, size_t image,
                       char text[PULLS_CHANGE_TEXT]);

/* The outcome of the start that runs on LANE if its command ended now as END says (exit, signal,
 * timed_out, ended_ns): worked only when it exited 0 and the history shows the image whole, all of
 * it asked for while the command ran. REASON receives why not, in words. Asked by the drill before
 * it appends start-end, and by pulls_event itself. */
enum outcome pulls_outcome(const struct pulls *p, uint64_t lane, const struct event_start_end *end,
                           char *reason, size_t size);

#endif
