/* The events of a drill: the only evidence checks may use, and nothing else defines one. */
#ifndef PULLDRILL_HISTORY_EVENT_H
#define PULLDRILL_HISTORY_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/buf.h"
#include "harness/base/err.h"
#include "harness/history/op.h"

enum event_type {
    EVENT_DRILL_BEGIN,
    EVENT_PHASE_BEGIN,
    EVENT_PHASE_END,
    EVENT_FAULT_ARMED,
    EVENT_FAULT_HEALED,
    EVENT_FAULT_DECIDED,
    EVENT_CONNECTION_OPEN,
    EVENT_CONNECTION_CLOSE,
    EVENT_REQUEST,
    EVENT_RESPONSE,
    EVENT_START_BEGIN,
    EVENT_START_END,
    EVENT_CLAIM,
    EVENT_SERVICE,
    EVENT_PROBE,
    EVENT_ACTION,
    EVENT_COUNTER,
    EVENT_LAG,
    EVENT_DRILL_END,
    EVENT_LOOKUP,
    EVENT_COUNT,
};

/* How the outcome of a start reads (design: a start worked only when the history shows the image
 * arrived whole). OUTCOME_NONE stands for "not yet". */
enum outcome { OUTCOME_NONE, OUTCOME_WORKED, OUTCOME_FAILED, OUTCOME_HUNG, OUTCOME_WRONG };
const char *outcome_name(enum outcome o);

/* Every string may be NULL, which leaves its field out of the line. All strings are borrowed: an
 * observer that keeps one copies it. A registry is named by its role name (`primary`), its other
 * listeners by HOST (`primary/blobs`); a lane is a number from 1, 0 is the harness's own lane; a
 * start is its planned number from 1, 0 belongs to no start. Times are nanoseconds. */

struct event_drill_begin {
    const char *plan; /* the resolved plan, JSON text */
    const char *wall; /* RFC 3339 */
};
struct event_phase {
    const char *phase;
    const char *reason; /* at the end: "starts", "time", "limit", "interrupted", "failure", … */
};
struct event_fault {
    const char *fault;
    const char *phase; /* the phase whose beginning armed it or whose end healed it */
    const char *stage;
    const char *evidence; /* "wire", "counter", "armed" */
};
struct event_fault_decided {
    const char *fault;
    const char *key; /* "START OP REF NTH": what the decision is a function of, beside the seed */
    const char *registry;
    uint64_t start;
    const char *op;
    const char *ref;
    uint64_t nth; /* the n-th time this start asked this, from 1 */
    bool fired;
    const char *actions; /* in words: "status 500", "reset after 4096 bytes" */
    uint64_t request;    /* ordinal of the request; 0 where there is none (refuse) */
    uint64_t lane;
    uint64_t connection;
};
struct event_connection_open {
    const char *registry;
    const char *host;
    uint64_t lane;
    uint64_t start;
    uint64_t connection; /* unique in the drill, from 1 */
    const char *peer;    /* address:port */
    bool tls;
    bool late; /* taken from the queue after the start that made it had ended */
};
struct event_connection_close {
    const char *registry;
    uint64_t lane;
    uint64_t start;
    uint64_t connection;
    const char *how; /* "peer-fin", "peer-rst", "ours-fin", "ours-rst", "idle", "limit" */
    uint64_t requests;
    uint64_t written;
    uint64_t delivered;
    bool undrained;    /* a cut came before the send queue was empty: the limit struck */
    const char *fault; /* the fault that closed it, if one did */
    const char *tls;   /* what went wrong with TLS: "peer alert: unknown ca"; NULL: nothing */
};
struct event_request {
    const char *registry;
    const char *host;
    uint64_t lane;
    uint64_t start;
    uint64_t connection;
    uint64_t ordinal; /* unique in the drill, from 1: what `request` refers to elsewhere */
    enum op op;
    const char *method;
    const char *path; /* with query, credentials removed */
    const char *repository;
    const char *reference; /* tag or digest as asked */
    const char *digest;    /* what the reference stands for in the unbroken store, if anything */
    const char *range;     /* the Range header as sent */
    const char *ns;        /* field "namespace": the ns= query of containerd */
    const char *user_agent;
    const char *credential; /* "none", "own", "other:NAME", "unknown" */
    bool pipelined;         /* sent before the whole answer to the request before it was */
    bool late;
};
struct event_response {
    const char *registry;
    uint64_t lane;
    uint64_t start;
    uint64_t connection;
    uint64_t request;
    uint64_t status;      /* 0 where no head was begun */
    const char *faults;   /* those that acted on it, separated by spaces */
    const char *digest;   /* the digest it told: Docker-Content-Digest of a manifest's 2xx or 304 */
    uint64_t head_bytes;  /* of the response head */
    uint64_t written;     /* bytes handed to the kernel, head and body */
    uint64_t delivered;   /* of those, acknowledged by the peer's kernel */
    const char *object;   /* digest of the content that the body truly carries a range of */
    uint64_t object_from; /* first byte of the true object that this body carries */
    uint64_t object_bytes; /* how many true bytes from there were delivered; 0 for any other body */
    uint64_t altered_from; /* within the object, where the wire differed from it … */
    uint64_t altered_bytes; /* … and for how long */
    /* Of a body of several ranges: which bytes of the object it delivered as they are, "FROM-LAST"
     * separated by spaces; none of a part with altered text before it. Object_from and object_bytes
     * are then 0, and altered_from counts in the body. NULL: none, or another body. */
    const char *pieces;
    uint64_t first_byte_ns; /* from the head's arrival to the first body byte; 0: none was sent */
    uint64_t duration_ns;   /* from the head's arrival to the end */
    const char *end; /* "whole", "cut", "abandoned" (the peer went first), "harness" (drill over) */
    bool late;
    uint64_t received;  /* bytes of the request's body that came */
    const char *stored; /* digest of what it has brought into the registry; NULL: nothing */
};
struct event_start_begin {
    const char *subject;
    const char *phase;
    uint64_t lane;
    uint64_t start;
    bool control;        /* the last one, with every registry down */
    uint64_t late_ns;    /* open loop: how long after it was due a lane was taken for it */
    uint64_t waited_ns;  /* of those, while max-in-flight was reached: no lane was to be had */
    const char *canary;  /* images that it was given in place of others, separated by spaces */
    const char *command; /* for people: words joined by spaces */
};
struct event_start_end {
    const char *subject;
    const char *phase;
    uint64_t lane;
    uint64_t start;
    bool control;
    enum outcome outcome;
    const char *reason; /* why it did not work, in words */
    int64_t exit;       /* exit code; -1 where a signal ended it */
    int64_t signal;
    bool timed_out;
    uint64_t ended_ns; /* when the command itself ended; what it asks later is no part of it */
    bool cancelled;    /* killed by the harness itself: no check counts it against anybody */
    const char *ready; /* what the `ready` command or URL said; NULL where none was asked */
    uint64_t duration_ns;
    const char *result; /* result.json, compact; NULL where none was written */
    const char *layout; /* "whole", "broken: why"; NULL where the result named none */
    uint64_t leftovers; /* processes still alive when the command had ended, all killed */
    const char *tail;   /* the end of the output */
};
struct event_claim {
    const char *subject;
    uint64_t lane;
    uint64_t start;
    const char *claim; /* the JSON line, as the subject wrote it */
};
struct event_service {
    const char *service;
    uint64_t lane;
    uint64_t start;
    const char *what;
    const char *detail; /* JSON text */
};
struct event_probe {
    const char *probe; /* "healed", "control", … */
    const char *registry;
    bool ok;
    const char *detail;
};
struct event_action {
    const char *action; /* "setup", "teardown", "prepare", "max-in-flight", "not-begun", …; of a
                           phase's `do`: "publish", "move-tag", "run" */
    const char *subject;
    const char *phase;
    const char *registry; /* where it acted on one */
    const char *image;
    const char *digest;
    const char *reference; /* repository:tag that stands for the digest from now on */
    uint64_t lane;
    uint64_t start;
    bool ok;
    const char *detail;
};
struct event_counter {
    uint64_t lane;
    uint64_t start;
    const char *counter;
    uint64_t value;
};
struct event_lag {
    uint64_t turns;
    uint64_t p50_ns;
    uint64_t p99_ns;
    uint64_t max_ns;
};
struct event_lookup {
    const char *registry; /* that plays the name; NULL: nobody does */
    uint64_t lane;
    uint64_t start;
    const char *name;   /* as asked, without the final dot */
    const char *type;   /* "A", "AAAA", …; of a proxy "CONNECT", "http" */
    const char *answer; /* an address, or "no-data", "refused", "nxdomain", "servfail", "dropped";
                           of a proxy "proxy", "refused", "unreachable" (nothing listens there) */
    const char *faults; /* those that acted on it, separated by spaces */
    const char *transport; /* "udp", "tcp", "proxy" */
    uint64_t waited_ns;    /* how long the answer was held back */
};
struct event_drill_end {
    const char *reason; /* "completed", "sick-baseline", "limit", "interrupted", "failure",
                         * "skipped", … */
    const char *detail; /* what each part waited for, where the end was not wanted */
    uint64_t starts;
    uint64_t requests;
    uint64_t connections;
    uint64_t processes; /* descendants still alive at the very end */
};

struct event {
    uint64_t n;    /* set by history_append, from 1 */
    uint64_t t_ns; /* since the drill began; set by history_append */
    enum event_type type;
    const char *actor; /* "drill", "registry/primary", "subject/build-start", "harness" */
    union {
        struct event_drill_begin drill_begin;
        struct event_phase phase;
        struct event_fault fault;
        struct event_fault_decided decided;
        struct event_connection_open open;
        struct event_connection_close close;
        struct event_request request;
        struct event_response response;
        struct event_start_begin start_begin;
        struct event_start_end start_end;
        struct event_claim claim;
        struct event_service service;
        struct event_probe probe;
        struct event_action action;
        struct event_counter counter;
        struct event_lag lag;
        struct event_drill_end drill_end;
        struct event_lookup lookup;
    };
};

/* "drill-begin", "request", …: as in the field `event`. */
const char *event_type_name(enum event_type type);
/* Appends EV as one JSON line with its newline. Absent strings, and false and 0 where 0 says
 * nothing, are left out (the field table says which); reading puts the zero back. */
void event_encode(const struct event *ev, struct buf *out);
/* Reads one line (LEN bytes, without newline). Strings point into SCRATCH, whose old content is
 * lost. Unknown fields are ignored, an unknown event or a wrong type is an error (ERR_INVALID). */
int event_decode(const char *line, size_t len, struct event *out, struct buf *scratch,
                 struct err *e);

#endif
