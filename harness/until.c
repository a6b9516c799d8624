/* Which events `until` counts. */
#include "harness/until.h"

#include <string.h>

/* What can happen within a phase and is not the harness's own doing. */
static const struct {
    enum event_type type;
    unsigned narrows;
} events[] = {
    {EVENT_FAULT_DECIDED, UNTIL_REGISTRY | UNTIL_SUBJECT | UNTIL_FAULT},
    {EVENT_CONNECTION_OPEN, UNTIL_REGISTRY | UNTIL_SUBJECT},
    {EVENT_CONNECTION_CLOSE, UNTIL_REGISTRY | UNTIL_SUBJECT | UNTIL_FAULT},
    {EVENT_REQUEST, UNTIL_REGISTRY | UNTIL_SUBJECT},
    {EVENT_RESPONSE, UNTIL_REGISTRY | UNTIL_SUBJECT | UNTIL_FAULT},
    {EVENT_START_BEGIN, UNTIL_SUBJECT},
    {EVENT_START_END, UNTIL_SUBJECT | UNTIL_OUTCOME},
};
#define EVENTS (sizeof events / sizeof events[0])

const struct until_narrowing until_narrowings[] = {
    {"registry", UNTIL_REGISTRY},
    {"subject", UNTIL_SUBJECT},
    {"fault", UNTIL_FAULT},
    {"outcome", UNTIL_OUTCOME},
    {NULL, 0},
};

const char *until_event_word(size_t i)
{
    return i < EVENTS ? event_type_name(events[i].type) : NULL;
}

enum event_type until_event_type(size_t i)
{
    return events[i].type;
}

unsigned until_event_narrows(size_t i)
{
    return events[i].narrows;
}

/* What an event says of itself, as far as its type has it. */
struct facts {
    uint64_t lane, start;
    const char *registry;
    const char *faults; /* separated by spaces */
    bool counts;        /* it is of a type that counts, and no control start's */
};

static struct facts facts_of(const struct event *ev)
{
    switch (ev->type) {
    case EVENT_FAULT_DECIDED:
        return (struct facts){ev->decided.lane, ev->decided.start, ev->decided.registry,
                              ev->decided.fault, ev->decided.fired};
    case EVENT_CONNECTION_OPEN:
        return (struct facts){ev->open.lane, ev->open.start, ev->open.registry, NULL, true};
    case EVENT_CONNECTION_CLOSE:
        return (struct facts){ev->close.lane, ev->close.start, ev->close.registry, ev->close.fault,
                              true};
    case EVENT_REQUEST:
        return (struct facts){ev->request.lane, ev->request.start, ev->request.registry, NULL,
                              true};
    case EVENT_RESPONSE:
        return (struct facts){ev->response.lane, ev->response.start, ev->response.registry,
                              ev->response.faults, true};
    case EVENT_START_BEGIN:
        return (struct facts){ev->start_begin.lane, ev->start_begin.start, NULL, NULL,
                              !ev->start_begin.control};
    case EVENT_START_END:
        return (struct facts){ev->start_end.lane, ev->start_end.start, NULL, NULL,
                              !ev->start_end.control};
    default:
        return (struct facts){.counts = false};
    }
}

/* Whether NAME is one of the words of LIST. */
static bool is_word(const char *list, const char *name)
{
    size_t len = strlen(name);
    while (list && *list) {
        size_t word = strcspn(list, " ");
        if (word == len && memcmp(list, name, len) == 0)
            return true;
        list += word + (list[word] ? 1 : 0);
    }
    return false;
}

/* The start that did it says whose it is, and once it has ended what became of it: the outcome in
 * the event is a claim until the history bears it out. */
static bool fits_start(const struct scenario_until *until, const struct pull_start *start)
{
    return (until->subject < 0 || (start && start->subject == until->subject)) &&
           (until->outcome == OUTCOME_NONE || (start && start->outcome == until->outcome));
}

bool until_counts(const struct scenario_until *until, const struct plan *plan,
                  const struct pulls *pulls, const struct event *ev)
{
    const struct scenario *s = plan->scenario;
    if (ev->type != until->event)
        return false;
    struct facts f = facts_of(ev);
    if (!f.counts || f.lane == 0)
        return false;
    if (until->registry >= 0 && plan_registry(plan, f.registry) != until->registry)
        return false;
    if (until->fault >= 0 && !is_word(f.faults, s->faults[until->fault].name))
        return false;
    return fits_start(until, f.start > 0 ? pulls_start(pulls, f.start) : NULL);
}
