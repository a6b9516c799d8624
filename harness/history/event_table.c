/* The table of events. The words are those of the design; their order is that of the lines. */
#include "harness/history/event_table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* FIELD leaves its zero out, because it says nothing (no start, not late); KEPT writes it. */
#define ROW(name, kind, member, zero)                                                              \
    {                                                                                              \
        ",\"" name "\":", sizeof(name) - 1, offsetof(struct event, member), FIELD_##kind, zero     \
    }
#define FIELD(name, kind, member) ROW(name, kind, member, false)
#define KEPT(name, kind, member) ROW(name, kind, member, true)

/* clang-format off */
static const struct event_field begin_fields[] = {
    FIELD("plan", OBJECT, drill_begin.plan),
    FIELD("wall", STRING, drill_begin.wall),
};
static const struct event_field phase_fields[] = {
    FIELD("phase", STRING, phase.phase),
    FIELD("reason", STRING, phase.reason),
};
static const struct event_field fault_fields[] = {
    FIELD("fault", STRING, fault.fault),
    FIELD("phase", STRING, fault.phase),
    FIELD("stage", STRING, fault.stage),
    FIELD("evidence", STRING, fault.evidence),
};
static const struct event_field decided_fields[] = {
    FIELD("fault", STRING, decided.fault),
    FIELD("key", STRING, decided.key),
    FIELD("registry", STRING, decided.registry),
    FIELD("start", U64, decided.start),
    FIELD("op", STRING, decided.op),
    FIELD("ref", STRING, decided.ref),
    FIELD("nth", U64, decided.nth),
    KEPT("fired", BOOL, decided.fired),
    FIELD("actions", STRING, decided.actions),
    FIELD("request", U64, decided.request),
    FIELD("lane", U64, decided.lane),
    FIELD("connection", U64, decided.connection),
};
static const struct event_field open_fields[] = {
    FIELD("registry", STRING, open.registry),
    FIELD("host", STRING, open.host),
    FIELD("lane", U64, open.lane),
    FIELD("start", U64, open.start),
    FIELD("connection", U64, open.connection),
    FIELD("peer", STRING, open.peer),
    FIELD("tls", BOOL, open.tls),
    FIELD("late", BOOL, open.late),
};
static const struct event_field close_fields[] = {
    FIELD("registry", STRING, close.registry),
    FIELD("lane", U64, close.lane),
    FIELD("start", U64, close.start),
    FIELD("connection", U64, close.connection),
    FIELD("how", STRING, close.how),
    KEPT("requests", U64, close.requests),
    KEPT("written", U64, close.written),
    KEPT("delivered", U64, close.delivered),
    FIELD("undrained", BOOL, close.undrained),
    FIELD("fault", STRING, close.fault),
    FIELD("tls", STRING, close.tls),
};
static const struct event_field request_fields[] = {
    FIELD("registry", STRING, request.registry),
    FIELD("host", STRING, request.host),
    FIELD("lane", U64, request.lane),
    FIELD("start", U64, request.start),
    FIELD("connection", U64, request.connection),
    FIELD("ordinal", U64, request.ordinal),
    KEPT("op", OP, request.op),
    FIELD("method", STRING, request.method),
    FIELD("path", STRING, request.path),
    FIELD("repository", STRING, request.repository),
    FIELD("reference", STRING, request.reference),
    FIELD("digest", STRING, request.digest),
    FIELD("range", STRING, request.range),
    FIELD("namespace", STRING, request.ns),
    FIELD("user-agent", STRING, request.user_agent),
    FIELD("credential", STRING, request.credential),
    FIELD("pipelined", BOOL, request.pipelined),
    FIELD("late", BOOL, request.late),
};
static const struct event_field response_fields[] = {
    FIELD("registry", STRING, response.registry),
    FIELD("lane", U64, response.lane),
    FIELD("start", U64, response.start),
    FIELD("connection", U64, response.connection),
    FIELD("request", U64, response.request),
    KEPT("status", U64, response.status),
    FIELD("faults", STRING, response.faults),
    FIELD("digest", STRING, response.digest),
    FIELD("head-bytes", U64, response.head_bytes),
    KEPT("written", U64, response.written),
    KEPT("delivered", U64, response.delivered),
    FIELD("object", STRING, response.object),
    FIELD("object-from", U64, response.object_from),
    FIELD("object-bytes", U64, response.object_bytes),
    FIELD("altered-from", U64, response.altered_from),
    FIELD("altered-bytes", U64, response.altered_bytes),
    FIELD("pieces", PIECES, response.pieces),
    FIELD("first-byte-ns", U64, response.first_byte_ns),
    FIELD("duration-ns", U64, response.duration_ns),
    FIELD("end", STRING, response.end),
    FIELD("late", BOOL, response.late),
    FIELD("received", U64, response.received),
    FIELD("stored", STRING, response.stored),
};
static const struct event_field start_begin_fields[] = {
    FIELD("subject", STRING, start_begin.subject),
    FIELD("phase", STRING, start_begin.phase),
    FIELD("lane", U64, start_begin.lane),
    FIELD("start", U64, start_begin.start),
    FIELD("control", BOOL, start_begin.control),
    FIELD("late-ns", U64, start_begin.late_ns),
    FIELD("waited-ns", U64, start_begin.waited_ns),
    FIELD("canary", STRING, start_begin.canary),
    FIELD("command", STRING, start_begin.command),
};
static const struct event_field start_end_fields[] = {
    FIELD("subject", STRING, start_end.subject),
    FIELD("phase", STRING, start_end.phase),
    FIELD("lane", U64, start_end.lane),
    FIELD("start", U64, start_end.start),
    FIELD("control", BOOL, start_end.control),
    FIELD("outcome", OUTCOME, start_end.outcome),
    FIELD("reason", STRING, start_end.reason),
    KEPT("exit", I64, start_end.exit),
    FIELD("signal", I64, start_end.signal),
    FIELD("timed-out", BOOL, start_end.timed_out),
    FIELD("ended-ns", U64, start_end.ended_ns),
    FIELD("cancelled", BOOL, start_end.cancelled),
    FIELD("ready", STRING, start_end.ready),
    FIELD("duration-ns", U64, start_end.duration_ns),
    FIELD("result", STRING, start_end.result),
    FIELD("layout", STRING, start_end.layout),
    FIELD("leftovers", U64, start_end.leftovers),
    FIELD("tail", STRING, start_end.tail),
};
static const struct event_field claim_fields[] = {
    FIELD("subject", STRING, claim.subject),
    FIELD("lane", U64, claim.lane),
    FIELD("start", U64, claim.start),
    FIELD("claim", STRING, claim.claim),
};
static const struct event_field service_fields[] = {
    FIELD("service", STRING, service.service),
    FIELD("lane", U64, service.lane),
    FIELD("start", U64, service.start),
    FIELD("what", STRING, service.what),
    FIELD("detail", STRING, service.detail),
};
static const struct event_field probe_fields[] = {
    FIELD("probe", STRING, probe.probe),
    FIELD("registry", STRING, probe.registry),
    KEPT("ok", BOOL, probe.ok),
    FIELD("detail", STRING, probe.detail),
};
static const struct event_field action_fields[] = {
    FIELD("action", STRING, action.action),
    FIELD("subject", STRING, action.subject),
    FIELD("phase", STRING, action.phase),
    FIELD("registry", STRING, action.registry),
    FIELD("image", STRING, action.image),
    FIELD("digest", STRING, action.digest),
    FIELD("reference", STRING, action.reference),
    FIELD("lane", U64, action.lane),
    FIELD("start", U64, action.start),
    KEPT("ok", BOOL, action.ok),
    FIELD("detail", STRING, action.detail),
};
static const struct event_field counter_fields[] = {
    FIELD("lane", U64, counter.lane),
    FIELD("start", U64, counter.start),
    FIELD("counter", STRING, counter.counter),
    KEPT("value", U64, counter.value),
};
static const struct event_field lag_fields[] = {
    KEPT("turns", U64, lag.turns),
    KEPT("p50-ns", U64, lag.p50_ns),
    KEPT("p99-ns", U64, lag.p99_ns),
    KEPT("max-ns", U64, lag.max_ns),
};
static const struct event_field end_fields[] = {
    FIELD("reason", STRING, drill_end.reason),
    FIELD("detail", STRING, drill_end.detail),
    KEPT("starts", U64, drill_end.starts),
    KEPT("requests", U64, drill_end.requests),
    KEPT("connections", U64, drill_end.connections),
    KEPT("processes", U64, drill_end.processes),
};
static const struct event_field lookup_fields[] = {
    FIELD("registry", STRING, lookup.registry),
    FIELD("lane", U64, lookup.lane),
    FIELD("start", U64, lookup.start),
    FIELD("name", STRING, lookup.name),
    FIELD("type", STRING, lookup.type),
    FIELD("answer", STRING, lookup.answer),
    FIELD("faults", STRING, lookup.faults),
    FIELD("transport", STRING, lookup.transport),
    FIELD("waited-ns", U64, lookup.waited_ns),
};
/* clang-format on */

#define LAYOUT(name, fields)                                                                       \
    {                                                                                              \
        name, sizeof(name) - 1, fields, COUNT(fields)                                              \
    }

static const struct event_layout layouts[EVENT_COUNT] = {
    [EVENT_DRILL_BEGIN] = LAYOUT("drill-begin", begin_fields),
    [EVENT_PHASE_BEGIN] = LAYOUT("phase-begin", phase_fields),
    [EVENT_PHASE_END] = LAYOUT("phase-end", phase_fields),
    [EVENT_FAULT_ARMED] = LAYOUT("fault-armed", fault_fields),
    [EVENT_FAULT_HEALED] = LAYOUT("fault-healed", fault_fields),
    [EVENT_FAULT_DECIDED] = LAYOUT("fault-decided", decided_fields),
    [EVENT_CONNECTION_OPEN] = LAYOUT("connection-open", open_fields),
    [EVENT_CONNECTION_CLOSE] = LAYOUT("connection-close", close_fields),
    [EVENT_REQUEST] = LAYOUT("request", request_fields),
    [EVENT_RESPONSE] = LAYOUT("response", response_fields),
    [EVENT_START_BEGIN] = LAYOUT("start-begin", start_begin_fields),
    [EVENT_START_END] = LAYOUT("start-end", start_end_fields),
    [EVENT_CLAIM] = LAYOUT("claim", claim_fields),
    [EVENT_SERVICE] = LAYOUT("service", service_fields),
    [EVENT_PROBE] = LAYOUT("probe", probe_fields),
    [EVENT_ACTION] = LAYOUT("action", action_fields),
    [EVENT_COUNTER] = LAYOUT("counter", counter_fields),
    [EVENT_LAG] = LAYOUT("lag", lag_fields),
    [EVENT_DRILL_END] = LAYOUT("drill-end", end_fields),
    [EVENT_LOOKUP] = LAYOUT("lookup", lookup_fields),
};

const struct event_layout *event_layout(enum event_type type)
{
    return &layouts[type];
}

const char *event_type_name(enum event_type type)
{
    return (unsigned)type < EVENT_COUNT ? layouts[type].name : "unknown";
}

const char *outcome_name(enum outcome o)
{
    static const char *const names[] = {
        [OUTCOME_NONE] = "none", [OUTCOME_WORKED] = "worked", [OUTCOME_FAILED] = "failed",
        [OUTCOME_HUNG] = "hung", [OUTCOME_WRONG] = "wrong",
    };

    return (unsigned)o < COUNT(names) ? names[o] : "unknown";
}
