/* Open loops: starts that are due by the clock, whether or not earlier ones have ended.
 *
 * Happy path: the K-th start of a subject is due at the phase's beginning plus K times `every`, so
 * nothing drifts; a timer wakes the drill for the next one, which takes an idle lane or a new one.
 * Starts that are due together begin one a turn of the loop, the longest due first; start-begin
 * says how late each was. Failure modes: where as many starts are in flight as may be, a start that
 * is due waits for the first free lane; that is told once, until none waits any more, and makes the
 * drill inconclusive. What a phase by time or event leaves waiting will never begin and is told at
 * its end; a drill cut short says what waited. A lane that cannot be made is a failure of the
 * harness. */
#include <inttypes.h>
#include <stdio.h>

#include "harness/base/clock.h"
#include "harness/base/units.h"
#include "harness/drill_internal.h"

static const struct scenario_subject *subject_of(const struct drill *d, size_t subject)
{
    return &d->plan->scenario->subjects[subject];
}

/* ---- what is due -------------------------------------------------------------------------- */

static uint64_t due_ns(const struct drill *d, size_t subject, uint64_t k)
{
    return d->phase_begin_ns + k * subject_of(d, subject)->every_ns;
}

/* What the open phase waited for has come, or its time is up: nothing becomes due any more. */
static bool event_came(const struct drill *d)
{
    return d->plan->scenario->phases[d->phase].by == BY_EVENT &&
           (d->phase_time_up || drill_until_met(d));
}

/* How many starts of SUBJECT are due by NOW_NS in the open phase. */
static uint64_t due_count(const struct drill *d, size_t subject, uint64_t now_ns)
{
    const struct scenario *s = d->plan->scenario;
    uint64_t most = 0;
    if (s->subjects[subject].every_ns == 0 || !d->phase_open) {
        return 0;
    }
    if (event_came(d)) {
        return d->begun[subject];
    }
    (void)scenario_most_starts(s, d->phase, subject, &most);
    uint64_t due = (now_ns - d->phase_begin_ns) / s->subjects[subject].every_ns + 1;
    return due < most ? due : most;
}

static uint64_t waiting(const struct drill *d, size_t subject, uint64_t now_ns)
{
    uint64_t due = due_count(d, subject, now_ns);
    return due > d->begun[subject] ? due - d->begun[subject] : 0;
}

/* ---- lanes -------------------------------------------------------------------------------- */

static struct worker *idle_lane(const struct drill *d, size_t subject, uint64_t *count)
{
    struct worker *idle = NULL;
    *count = 0;
    for (size_t i = 0; i < d->worker_count; i++) {
        struct worker *w = &d->workers[i];
        if (w->subject == subject) {
            idle = idle == NULL && w->state == WORKER_IDLE ? w : idle;
            ++*count;
        }
    }
    return idle;
}

static bool has_lane(const struct drill *d, size_t subject)
{
    uint64_t lanes;
    return idle_lane(d, subject, &lanes) != NULL || lanes < subject_of(d, subject)->max_in_flight;
}

static void tell(struct drill *d, const char *action, size_t subject, const char *detail)
{
    struct event ev = {.type = EVENT_ACTION, .actor = "drill"};
    ev.action.action = action;
    ev.action.subject = subject_of(d, subject)->name;
    ev.action.phase = d->plan->scenario->phases[d->phase].name;
    ev.action.start =
        plan_start_number(d->plan, d->phase, d->phase_base, subject, d->begun[subject]);
    ev.action.ok = false;
    ev.action.detail = detail;
    history_append(d->history, &ev);
}

static void tell_stuck(struct drill *d, size_t subject)
{
    char text[256];
    uint64_t most = subject_of(d, subject)->max_in_flight;
    snprintf(text, sizeof text,
             "start %" PRIu64 " of %.64s in this phase is due and waits: %" PRIu64
             " are in flight, as many as \"max-in-flight\" allows",
             d->begun[subject] + 1, subject_of(d, subject)->name, most);
    tell(d, "max-in-flight", subject, text);
}

/* Follows whether starts of SUBJECT wait for a lane, and since when they no longer have to. */
static void look(struct drill *d, size_t subject, uint64_t now_ns)
{
    struct drill_loop *loop = &d->loops[subject];
    bool lane = has_lane(d, subject);
    if (waiting(d, subject, now_ns) == 0) {
        loop->stuck = false;
        loop->lane_free = false;
    } else if (!lane) {
        if (!loop->stuck) {
            tell_stuck(d, subject);
        }
        loop->stuck = true;
        loop->lane_free = false;
    } else if (loop->stuck && !loop->lane_free) {
        loop->lane_free = true;
        loop->free_ns = now_ns;
    }
}

/* ---- the next start ----------------------------------------------------------------------- */

/* The subject whose start has been due the longest and can begin; the count of subjects where there
 * is none. */
static size_t longest_due(struct drill *d, uint64_t now_ns)
{
    size_t count = d->plan->scenario->subject_count;
    size_t found = count;
    for (size_t i = 0; i < count; i++) {
        if (subject_of(d, i)->every_ns == 0) {
            continue;
        }
        look(d, i, now_ns);
        if (waiting(d, i, now_ns) > 0 && has_lane(d, i) &&
            (found == count || due_ns(d, i, d->begun[i]) < due_ns(d, found, d->begun[found]))) {
            found = i;
        }
    }
    return found;
}

struct worker *drill_every_next(struct drill *d, uint64_t *number)
{
    struct err e = {0};
    uint64_t lanes, now_ns = history_now_ns(d->history);
    size_t subject = longest_due(d, now_ns);
    if (subject == d->plan->scenario->subject_count) {
        return NULL;
    }
    const struct drill_loop *loop = &d->loops[subject];
    uint64_t since_ns = due_ns(d, subject, d->begun[subject]);
    struct worker *w = idle_lane(d, subject, &lanes);
    if (w == NULL) {
        w = drill_add_lane(d, subject, &e);
    }
    if (w == NULL) {
        drill_abort(d, "failure", "a lane for %s: %s", subject_of(d, subject)->name, e.text);
        return NULL;
    }
    if (!drill_next_start(d, w, number)) {
        return NULL;
    }
    w->late_ns = history_now_ns(d->history) - since_ns;
    w->waited_ns = loop->stuck && loop->free_ns > since_ns ? loop->free_ns - since_ns : 0;
    return w;
}

bool drill_every_done(const struct drill *d)
{
    uint64_t now_ns = history_now_ns(d->history);
    for (size_t i = 0; i < d->plan->scenario->subject_count; i++) {
        if (waiting(d, i, now_ns) > 0 && has_lane(d, i) && d->start_total < SCENARIO_MAX_STARTS) {
            return false;
        }
    }
    return true;
}

/* ---- time --------------------------------------------------------------------------------- */

static void on_due(uv_timer_t *timer)
{
    drill_pump(timer->data);
}

/* The first moment after NOW_NS when a start is due; 0: none in the open phase. */
static uint64_t next_due_ns(const struct drill *d, uint64_t now_ns)
{
    uint64_t next = 0;
    for (size_t i = 0; i < d->plan->scenario->subject_count; i++) {
        uint64_t due = due_count(d, i, now_ns), most = 0;
        if (subject_of(d, i)->every_ns == 0 ||
            !scenario_most_starts(d->plan->scenario, d->phase, i, &most) || due >= most) {
            continue;
        }
        next = next == 0 || due_ns(d, i, due) < next ? due_ns(d, i, due) : next;
    }
    return next;
}

void drill_every_watch(struct drill *d)
{
    uint64_t now_ns = history_now_ns(d->history);
    uint64_t next_ns = d->phase_open && !event_came(d) ? next_due_ns(d, now_ns) : 0;
    if (next_ns == 0) {
        uv_timer_stop(&d->every_timer);
        return;
    }
    uint64_t wait_ns = next_ns > now_ns ? next_ns - now_ns : 0;
    uv_update_time(&d->loop);
    uv_timer_start(&d->every_timer, on_due, (wait_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS, 0);
}

/* ---- the end ------------------------------------------------------------------------------ */

/* A start that became due in the very last moment is no loss that anybody has to know of. */
#define LAST_MOMENT_NS (100 * CLOCK_NS_PER_MS)

void drill_every_end(struct drill *d)
{
    uint64_t now_ns = history_now_ns(d->history);
    for (size_t i = 0; i < d->plan->scenario->subject_count; i++) {
        uint64_t count = waiting(d, i, now_ns);
        uint64_t since_ns = due_ns(d, i, d->begun[i]);
        char text[256], late[32];
        if (count == 0 || (!d->loops[i].stuck && now_ns - since_ns <= LAST_MOMENT_NS)) {
            continue;
        }
        units_duration_text(now_ns - since_ns, late);
        snprintf(text, sizeof text,
                 "%" PRIu64 " start%s of %.64s had been due for up to %s when the phase ended, and "
                 "will never begin",
                 count, count == 1 ? "" : "s", subject_of(d, i)->name, late);
        tell(d, "not-begun", i, text);
    }
}

void drill_every_describe(const struct drill *d, struct buf *out)
{
    uint64_t now_ns = history_now_ns(d->history);
    for (size_t i = 0; i < d->plan->scenario->subject_count; i++) {
        uint64_t count = waiting(d, i, now_ns);
        if (count > 0) {
            char name[SCENARIO_MAX_NAME + 8];
            snprintf(name, sizeof name, "%.64s %s", subject_of(d, i)->name,
                     count == 1 ? "is" : "are");
            buf_printf(out, "\n%" PRIu64 " start%s of %s due, waiting for a lane for up to %.1f s",
                       count, count == 1 ? "" : "s", name,
                       (double)(now_ns - due_ns(d, i, d->begun[i])) / 1e9);
        }
    }
}
