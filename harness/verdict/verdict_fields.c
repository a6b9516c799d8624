/* The journal's keys, as tables. */
#include "harness/verdict/verdict_fields.h"

#include "harness/verdict/verdict.h"

#define COUNT_OF(table) (sizeof(table) / sizeof(table)[0])

static const struct verdict_field head[] = {
    {"pulldrill", FIELD_TEXT, offsetof(struct verdict, version)},
    {"scenario", FIELD_TEXT, offsetof(struct verdict, scenario)},
    {"title", FIELD_TEXT, offsetof(struct verdict, title)},
    {"folder", FIELD_TEXT, offsetof(struct verdict, folder)},
    {"began", FIELD_TEXT, offsetof(struct verdict, began)},
    {"duration-ns", FIELD_COUNT, offsetof(struct verdict, duration_ns)},
    {"verdict", FIELD_KIND, offsetof(struct verdict, verdict)},
    {"blame", FIELD_TEXT, offsetof(struct verdict, blame)},
    {"why", FIELD_TEXT, offsetof(struct verdict, why)},
    {"reason", FIELD_TEXT, offsetof(struct verdict, reason)},
    {"signal", FIELD_INT, offsetof(struct verdict, signal)},
    {"seed", FIELD_COUNT, offsetof(struct verdict, seed)},
    {"replay", FIELD_TEXT, offsetof(struct verdict, replay)},
    {"reach", FIELD_TEXT, offsetof(struct verdict, reach)},
    {"subject-noun", FIELD_TEXT, offsetof(struct verdict, subject_noun)},
    {"starts", FIELD_STARTS, offsetof(struct verdict, starts)},
    {"lag-p99-ns", FIELD_LATER_COUNT, offsetof(struct verdict, lag_p99_ns)},
};
const struct verdict_fields verdict_fields_head = {head, COUNT_OF(head)};

static const struct verdict_field starts[] = {
    {"worked", FIELD_COUNT, offsetof(struct verdict_starts, worked)},
    {"failed", FIELD_COUNT, offsetof(struct verdict_starts, failed)},
    {"hung", FIELD_COUNT, offsetof(struct verdict_starts, hung)},
    {"wrong", FIELD_COUNT, offsetof(struct verdict_starts, wrong)},
};
const struct verdict_fields verdict_fields_starts = {starts, COUNT_OF(starts)};

static const struct verdict_field pulls[] = {
    {"primary", FIELD_COUNT, offsetof(struct verdict_pulls, primary)},
    {"fell-back", FIELD_COUNT, offsetof(struct verdict_pulls, fell_back)},
    {"failed", FIELD_COUNT, offsetof(struct verdict_pulls, failed)},
    {"mixed", FIELD_COUNT, offsetof(struct verdict_pulls, mixed)},
};
const struct verdict_fields verdict_fields_pulls = {pulls, COUNT_OF(pulls)};

static const struct verdict_field times[] = {
    {"count", FIELD_COUNT, offsetof(struct verdict_times, count)},
    {"p50-ns", FIELD_COUNT, offsetof(struct verdict_times, p50_ns)},
    {"p95-ns", FIELD_COUNT, offsetof(struct verdict_times, p95_ns)},
    {"p99-ns", FIELD_COUNT, offsetof(struct verdict_times, p99_ns)},
    {"max-ns", FIELD_COUNT, offsetof(struct verdict_times, max_ns)},
    {"sum-ns", FIELD_COUNT, offsetof(struct verdict_times, sum_ns)},
};
const struct verdict_fields verdict_fields_times = {times, COUNT_OF(times)};

static const struct verdict_field registry[] = {
    {"role", FIELD_TEXT, offsetof(struct verdict_registry, role)},
    {"connections", FIELD_COUNT, offsetof(struct verdict_registry, connections)},
    {"requests", FIELD_COUNT, offsetof(struct verdict_registry, requests)},
    {"attempts", FIELD_COUNT, offsetof(struct verdict_registry, attempts)},
    {"failed", FIELD_COUNT, offsetof(struct verdict_registry, failed)},
    {"served", FIELD_COUNT, offsetof(struct verdict_registry, served)},
    {"bytes", FIELD_COUNT, offsetof(struct verdict_registry, bytes)},
};
const struct verdict_fields verdict_fields_registry = {registry, COUNT_OF(registry)};

static const struct verdict_field check[] = {
    {"name", FIELD_TEXT, offsetof(struct verdict_check, name)},
    {"check", FIELD_TEXT, offsetof(struct verdict_check, check)},
    {"always", FIELD_FLAG, offsetof(struct verdict_check, always)},
    {"judged", FIELD_FLAG, offsetof(struct verdict_check, judged)},
    {"verdict", FIELD_KIND, offsetof(struct verdict_check, verdict)},
    {"expected", FIELD_TEXT, offsetof(struct verdict_check, expected)},
    {"actual", FIELD_TEXT, offsetof(struct verdict_check, actual)},
};

static const struct verdict_field phase[] = {
    {"name", FIELD_TEXT, offsetof(struct verdict_phase, name)},
    {"begin-ns", FIELD_COUNT, offsetof(struct verdict_phase, begin_ns)},
    {"end-ns", FIELD_COUNT, offsetof(struct verdict_phase, end_ns)},
    {"reason", FIELD_TEXT, offsetof(struct verdict_phase, reason)},
    {"starts", FIELD_STARTS, offsetof(struct verdict_phase, starts)},
    {"pulls", FIELD_PULLS, offsetof(struct verdict_phase, pulls)},
    {"start-seconds", FIELD_TIMES, offsetof(struct verdict_phase, start_times)},
    {"fall-back", FIELD_TIMES, offsetof(struct verdict_phase, fall_back)},
};

static const struct verdict_field fault[] = {
    {"name", FIELD_TEXT, offsetof(struct verdict_fault, name)},
    {"kind", FIELD_TEXT, offsetof(struct verdict_fault, kind)},
    {"on", FIELD_TEXT, offsetof(struct verdict_fault, on)},
    {"evidence", FIELD_TEXT, offsetof(struct verdict_fault, evidence)},
    {"text", FIELD_TEXT, offsetof(struct verdict_fault, text)},
    {"planned", FIELD_COUNT, offsetof(struct verdict_fault, planned)},
    {"matched", FIELD_COUNT, offsetof(struct verdict_fault, matched)},
    {"fired", FIELD_COUNT, offsetof(struct verdict_fault, fired)},
    {"met", FIELD_COUNT, offsetof(struct verdict_fault, met)},
    {"exposure", FIELD_SHARE, offsetof(struct verdict_fault, exposure)},
    {"first", FIELD_COUNT, offsetof(struct verdict_fault, first_ns)},
    {"last", FIELD_COUNT, offsetof(struct verdict_fault, last_ns)},
    {"first-event", FIELD_COUNT, offsetof(struct verdict_fault, first_event)},
    {"last-event", FIELD_COUNT, offsetof(struct verdict_fault, last_event)},
};

static const struct verdict_field bad[] = {
    {"subject", FIELD_TEXT, offsetof(struct verdict_bad_start, subject)},
    {"phase", FIELD_TEXT, offsetof(struct verdict_bad_start, phase)},
    {"start", FIELD_COUNT, offsetof(struct verdict_bad_start, start)},
    {"outcome", FIELD_TEXT, offsetof(struct verdict_bad_start, outcome)},
    {"last", FIELD_TEXT, offsetof(struct verdict_bad_start, last)},
    {"event", FIELD_COUNT, offsetof(struct verdict_bad_start, event)},
    {"said", FIELD_TEXT, offsetof(struct verdict_bad_start, said)},
    {"output", FIELD_TEXT, offsetof(struct verdict_bad_start, output)},
};

#define ARRAY(key, items, count, type, single, table)                                              \
    {                                                                                              \
        key, offsetof(struct verdict, items), offsetof(struct verdict, count),                     \
            sizeof(struct type), single,                                                           \
        {                                                                                          \
            table, COUNT_OF(table)                                                                 \
        }                                                                                          \
    }
const struct verdict_array verdict_arrays[] = {
    ARRAY("checks", checks, check_count, verdict_check, "a check", check),
    ARRAY("phases", phases, phase_count, verdict_phase, "a phase", phase),
    ARRAY("faults", faults, fault_count, verdict_fault, "a fault", fault),
    ARRAY("bad-starts", bad, bad_count, verdict_bad_start, "a bad start", bad),
};
const size_t verdict_array_count = COUNT_OF(verdict_arrays);
const struct verdict_array *const verdict_array_checks = &verdict_arrays[0];
const struct verdict_array *const verdict_array_phases = &verdict_arrays[1];
