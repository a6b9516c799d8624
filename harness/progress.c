/* Progress on stderr. On a terminal one line is rewritten at most ten times a second; elsewhere
 * each phase gets a line when it ends, so that a build log stays short. */
#include "harness/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"

#define REDRAW_NS (100 * CLOCK_NS_PER_MS)

struct progress {
    const struct plan *plan;
    bool terminal;
    bool drawn;
    uint64_t drawn_ns;
    char phase[80];
    uint64_t begun, worked; /* of the starts of this phase */
    uint64_t running;       /* of any: starts may outlive the phase they began in */
    uint64_t requests[SCENARIO_MAX_REGISTRIES];
};

struct progress *progress_new(const struct plan *plan, bool terminal, struct err *e)
{
    struct progress *p = calloc(1, sizeof *p);
    if (p == NULL) {
        err_set(e, ERR_NOMEM, "progress: no memory");
        return NULL;
    }
    p->plan = plan;
    p->terminal = terminal;
    return p;
}

/* "outage: 12 starts, 11 worked, 1 running; requests: primary 12, failover 44" */
static void line(const struct progress *p, char *text, size_t size)
{
    const struct scenario *s = p->plan->scenario;
    struct buf b;
    buf_init(&b, 1024);
    buf_printf(&b, "%s: %llu starts, %llu worked, %llu running; requests:", p->phase,
               (unsigned long long)p->begun, (unsigned long long)p->worked,
               (unsigned long long)p->running);
    for (size_t i = 0; i < s->registry_count; i++) {
        buf_printf(&b, "%s %s %llu", i > 0 ? "," : "", s->registries[i].name,
                   (unsigned long long)p->requests[i]);
    }
    snprintf(text, size, "%s", b.data != NULL ? b.data : "");
    buf_close(&b);
}

static void draw(struct progress *p, uint64_t now_ns, bool force)
{
    char text[512];
    if (!p->terminal || (!force && now_ns - p->drawn_ns < REDRAW_NS)) {
        return;
    }
    line(p, text, sizeof text);
    fprintf(stderr, "\r\033[K%.150s", text);
    fflush(stderr);
    p->drawn = true;
    p->drawn_ns = now_ns;
}

static void wipe(struct progress *p)
{
    if (p->drawn) {
        fputs("\r\033[K", stderr);
        p->drawn = false;
    }
}

static void begin_phase(struct progress *p, const char *name)
{
    snprintf(p->phase, sizeof p->phase, "%s", name);
    p->begun = 0;
    p->worked = 0;
    memset(p->requests, 0, sizeof p->requests);
}

static void end_phase(struct progress *p)
{
    char text[512];
    line(p, text, sizeof text);
    wipe(p);
    fprintf(stderr, "  %s\n", text);
}

static bool of_this_phase(const struct progress *p, const struct event_start_end *end)
{
    return end->phase != NULL && strcmp(end->phase, p->phase) == 0;
}

void progress_event(void *progress, const struct event *ev)
{
    struct progress *p = progress;
    int registry;
    switch (ev->type) {
    case EVENT_PHASE_BEGIN:
        begin_phase(p, ev->phase.phase);
        break;
    case EVENT_PHASE_END:
        end_phase(p);
        return;
    case EVENT_START_BEGIN:
        p->begun += !ev->start_begin.control;
        p->running++;
        break;
    case EVENT_START_END:
        p->running--;
        p->worked += of_this_phase(p, &ev->start_end) && ev->start_end.outcome == OUTCOME_WORKED;
        break;
    case EVENT_REQUEST:
        registry = plan_registry(p->plan, ev->request.registry);
        if (registry >= 0 && ev->request.start != 0) {
            p->requests[registry]++;
        }
        break;
    default:
        return;
    }
    draw(p, ev->t_ns, false);
}

void progress_free(struct progress *p)
{
    wipe(p);
    free(p);
}
