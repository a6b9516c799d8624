/* How far one drill is. Happy path: the first event brings the plan; each event counts starts, and
 * adds its attempts to the phase and to the cell of its time. Failure modes: without a plan, or
 * where the pulls find no memory, attempts are no longer counted; the rest goes on. */
#include "harness/progress.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/columns.h"
#include "harness/plan.h"
#include "harness/pulls.h"
#include "reports/escape.h"

#define NAME_MAX_BYTES 4096
#define TEXT_MAX_BYTES 4096
#define PHASE_COLUMNS 63
#define CELLS 24
#define CELL_NS (200 * CLOCK_NS_PER_MS)

/* Colours of the registries in the order of the plan; red is for what failed. */
static const char *const paints[] = {"\033[34m", "\033[33m", "\033[36m", "\033[35m", "\033[32m"};
#define PAINT_COUNT (sizeof paints / sizeof paints[0])
#define RED "\033[31m"
#define BOLD "\033[1m"

struct cell {
    uint64_t attempts[SCENARIO_MAX_REGISTRIES];
};

struct tally {
    uint64_t attempts, failed;
};

struct progress {
    char *name, *added; /* escaped */
    struct plan *plan;
    struct pulls *pulls;
    uint64_t now_ns;
    char phase[256]; /* "" before the first */
    int phase_index;
    uint64_t phase_ns;                 /* when it began */
    bool control;                      /* the phases are over */
    uint64_t begun;                    /* of the starts of this phase */
    uint64_t ended[OUTCOME_WRONG + 1]; /* the same, by outcome */
    uint64_t running;                  /* of any: starts may outlive the phase they began in */
    size_t phase_attempt;              /* the first attempt of this phase */
    size_t seen;                       /* attempts that stand in cells */
    uint64_t cell;                     /* number of the newest */
    struct cell cells[CELLS];          /* a ring */
};

static char *harmless(const char *text)
{
    struct buf b;
    buf_init(&b, NAME_MAX_BYTES);
    escape_line(&b, text);
    char *escaped = buf_take(&b);
    buf_close(&b);
    return escaped;
}

struct progress *progress_new(const char *name, const char *added, struct err *e)
{
    struct progress *p = calloc(1, sizeof *p);
    if (p == NULL) {
        err_set(e, ERR_NOMEM, "progress: no memory");
        return NULL;
    }
    p->name = harmless(name);
    p->added = harmless(added);
    p->phase_index = -1;
    if (p->name == NULL || p->added == NULL) {
        progress_free(p);
        err_set(e, ERR_NOMEM, "progress: no memory");
        return NULL;
    }
    return p;
}

void progress_free(struct progress *p)
{
    if (p == NULL) {
        return;
    }
    if (p->pulls != NULL) {
        pulls_free(p->pulls);
    }
    plan_free(p->plan);
    free(p->name);
    free(p->added);
    free(p);
}

/* ---- events -------------------------------------------------------------------------------- */

void progress_now(struct progress *p, uint64_t t_ns)
{
    p->now_ns = t_ns > p->now_ns ? t_ns : p->now_ns;
    uint64_t cell = p->now_ns / CELL_NS;
    if (cell - p->cell >= CELLS) {
        memset(p->cells, 0, sizeof p->cells);
        p->cell = cell;
    }
    while (p->cell < cell) {
        p->cell++;
        p->cells[p->cell % CELLS] = (struct cell){.attempts = {0}};
    }
}

static void read_plan(struct progress *p, const char *text)
{
    struct err e = {0};
    if (text == NULL || p->plan != NULL) {
        return;
    }
    p->plan = plan_read(text, &e);
    p->pulls = p->plan != NULL ? pulls_new(p->plan, &e) : NULL;
}

/* Puts the attempts that came with the last event into their cells. */
static void count_attempts(struct progress *p)
{
    size_t count;
    const struct pull_attempt *a = pulls_attempts(p->pulls, &count);
    for (; p->seen < count; p->seen++) {
        uint64_t cell = a[p->seen].t_ns / CELL_NS;
        if (!a[p->seen].control && cell + CELLS > p->cell) {
            p->cells[cell % CELLS].attempts[a[p->seen].registry]++;
        }
    }
}

static void feed_pulls(struct progress *p, const struct event *ev)
{
    struct err e = {0};
    if (p->pulls == NULL) {
        return;
    }
    if (pulls_event(p->pulls, ev, &e) != 0) {
        pulls_free(p->pulls);
        p->pulls = NULL;
        return;
    }
    count_attempts(p);
}

static void begin_phase(struct progress *p, const struct event *ev)
{
    struct buf name;
    size_t used;
    buf_init(&name, NAME_MAX_BYTES);
    escape_line(&name, ev->phase.phase);
    const char *text = name.failed || name.data == NULL ? "" : name.data;
    size_t len = columns_fit(text, PHASE_COLUMNS, &used);
    len = len < sizeof p->phase ? len : 0;
    memcpy(p->phase, text, len);
    p->phase[len] = '\0';
    buf_close(&name);
    p->phase_index = p->plan != NULL ? plan_phase(p->plan, p->phase) : -1;
    p->phase_ns = ev->t_ns;
    p->phase_attempt = p->seen;
    p->begun = 0;
    memset(p->ended, 0, sizeof p->ended);
}

static void end_start(struct progress *p, const struct event_start_end *end)
{
    p->running -= p->running > 0;
    if (!end->control && end->phase != NULL && strcmp(end->phase, p->phase) == 0 &&
        (unsigned)end->outcome <= OUTCOME_WRONG) {
        p->ended[end->outcome]++;
    }
}

void progress_event(struct progress *p, const struct event *ev)
{
    progress_now(p, ev->t_ns);
    switch (ev->type) {
    case EVENT_DRILL_BEGIN:
        read_plan(p, ev->drill_begin.plan);
        break;
    case EVENT_PHASE_BEGIN:
        begin_phase(p, ev);
        break;
    case EVENT_START_BEGIN:
        p->begun += !ev->start_begin.control;
        p->control |= ev->start_begin.control;
        p->running++;
        break;
    case EVENT_START_END:
        end_start(p, &ev->start_end);
        break;
    default:
        break;
    }
    feed_pulls(p, ev);
}

/* ---- what is told of it -------------------------------------------------------------------- */

static size_t registry_count(const struct progress *p)
{
    return p->pulls != NULL ? p->plan->scenario->registry_count : 0;
}

/* What every registry was tried for in this phase: an attempt may turn out to have failed long
 * after it was made, so they are counted anew. */
static void tally_phase(const struct progress *p, struct tally *tally)
{
    size_t count = 0;
    const struct pull_attempt *a = p->pulls != NULL ? pulls_attempts(p->pulls, &count) : NULL;
    memset(tally, 0, SCENARIO_MAX_REGISTRIES * sizeof *tally);
    for (size_t i = p->phase_attempt; i < count; i++) {
        if (!a[i].control) {
            tally[a[i].registry].attempts++;
            tally[a[i].registry].failed += a[i].failed;
        }
    }
}

/* A line under way, cut where its columns are used up. */
struct pen {
    struct buf *out;
    size_t left, used; /* columns */
    bool colour;
};

static void put(struct pen *pen, const char *paint, const char *text)
{
    size_t used;
    size_t len = columns_fit(text, pen->left, &used);
    bool painted = pen->colour && paint != NULL && len > 0;
    buf_str(pen->out, painted ? paint : "");
    buf_append(pen->out, text, len);
    buf_str(pen->out, painted ? "\033[0m" : "");
    pen->used += used;
    /* What is cut ends the line: nothing stands behind half a word. */
    pen->left = text[len] != '\0' ? 0 : pen->left - used;
}

static void put_number(struct pen *pen, const char *paint, const char *before, uint64_t n,
                       const char *behind)
{
    struct buf text;
    buf_init(&text, TEXT_MAX_BYTES);
    buf_str(&text, before);
    buf_u64(&text, n);
    buf_str(&text, behind);
    put(pen, paint, text.failed ? "" : text.data);
    buf_close(&text);
}

void progress_name(const struct progress *p, struct buf *out)
{
    buf_str(out, p->name);
    buf_str(out, p->added);
}

size_t progress_name_columns(const struct progress *p)
{
    return columns_of(p->name) + columns_of(p->added);
}

/* The name first loses its end to the columns it has. */
static void put_name(struct pen *pen, const struct progress *p, size_t columns)
{
    size_t added = columns_of(p->added);
    size_t used;
    size_t max = columns > added ? columns - added : 0;
    size_t len = columns_fit(p->name, max, &used);
    struct buf text;
    buf_init(&text, 2 * NAME_MAX_BYTES + TEXT_MAX_BYTES);
    if (p->name[len] != '\0') {
        len = columns_fit(p->name, max > 0 ? max - 1 : 0, &used);
    }
    buf_append(&text, p->name, len);
    if (p->name[len] != '\0' && max > 0) {
        buf_str(&text, "…");
        used++;
    }
    buf_str(&text, p->added);
    for (used += added; used < columns && used < TEXT_MAX_BYTES; used++) {
        buf_char(&text, ' ');
    }
    put(pen, BOLD, text.failed ? "" : text.data);
    buf_close(&text);
}

static uint64_t planned_starts(const struct progress *p)
{
    const struct scenario *s = p->plan->scenario;
    uint64_t sum = 0;
    for (size_t i = 0; i < s->subject_count; i++) {
        sum += s->phases[p->phase_index].starts[i];
    }
    return sum;
}

static void put_time_left(struct pen *pen, const struct progress *p, const char *before,
                          uint64_t limit_ns)
{
    uint64_t gone = p->now_ns - p->phase_ns;
    uint64_t left = gone < limit_ns ? limit_ns - gone : 0;
    put_number(pen, NULL, before, (left + CLOCK_NS_PER_S - 1) / CLOCK_NS_PER_S, "s left");
}

/* "outage 12/20"; "outage 12 starts, 7s left" where time or an event ends the phase. */
static void put_phase(struct pen *pen, const struct progress *p)
{
    const struct scenario_phase *phase =
        p->phase_index >= 0 ? &p->plan->scenario->phases[p->phase_index] : NULL;
    put(pen, NULL, "  ");
    if (p->phase[0] == '\0' || p->control) {
        put(pen, NULL, p->control ? "control" : p->plan != NULL ? "setup" : "building images");
        return;
    }
    put(pen, NULL, p->phase);
    put_number(pen, NULL, " ", p->begun, "");
    if (phase == NULL || phase->by != BY_STARTS) {
        put(pen, NULL, p->begun == 1 ? " start" : " starts");
    } else {
        put_number(pen, NULL, "/", planned_starts(p), "");
    }
    if (phase != NULL && phase->by == BY_TIME) {
        put_time_left(pen, p, ", ", phase->for_ns);
    } else if (phase != NULL && phase->by == BY_EVENT) {
        put_time_left(pen, p, ", at most ", phase->until.at_most_ns);
    }
}

static void put_starts(struct pen *pen, const struct progress *p, bool wide)
{
    static const struct {
        enum outcome outcome;
        const char *word;
    } bad[] = {
        {OUTCOME_FAILED, "  failed "}, {OUTCOME_HUNG, "  hung "}, {OUTCOME_WRONG, "  wrong "}};
    if (wide) {
        put_number(pen, NULL, "  worked ", p->ended[OUTCOME_WORKED], "");
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (p->ended[bad[i].outcome] > 0) {
            put_number(pen, RED, bad[i].word, p->ended[bad[i].outcome], "");
        }
    }
    if (wide) {
        put_number(pen, NULL, "  running ", p->running, "");
    }
}

static void put_registries(struct pen *pen, const struct progress *p)
{
    struct tally tally[SCENARIO_MAX_REGISTRIES];
    tally_phase(p, tally);
    for (size_t i = 0; i < registry_count(p); i++) {
        put(pen, NULL, "  ");
        put(pen, paints[i % PAINT_COUNT], p->plan->scenario->registries[i].name);
        put_number(pen, NULL, " ", tally[i].attempts, "");
        if (tally[i].failed > 0) {
            put_number(pen, RED, " (", tally[i].failed, " failed)");
        }
    }
}

/* ---- the sparkline ------------------------------------------------------------------------- */

static uint64_t cell_sum(const struct cell *c, size_t *most)
{
    uint64_t sum = 0;
    *most = 0;
    for (size_t i = 0; i < SCENARIO_MAX_REGISTRIES; i++) {
        sum += c->attempts[i];
        *most = c->attempts[i] > c->attempts[*most] ? i : *most;
    }
    return sum;
}

/* The newest cell is on the right; as many older ones as have room. */
static void put_spark(struct pen *pen, const struct progress *p)
{
    static const char *const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    size_t most;
    uint64_t highest = 1;
    put(pen, NULL, "  ");
    uint64_t shown = pen->left < CELLS ? pen->left : CELLS;
    shown = shown <= p->cell ? shown : p->cell + 1;
    for (uint64_t i = 0; i < shown; i++) {
        uint64_t sum = cell_sum(&p->cells[(p->cell - i) % CELLS], &most);
        highest = sum > highest ? sum : highest;
    }
    for (uint64_t i = shown; i > 0; i--) {
        uint64_t sum = cell_sum(&p->cells[(p->cell - i + 1) % CELLS], &most);
        put(pen, paints[most % PAINT_COUNT], bars[(sum * 8 + highest - 1) / highest]);
    }
}

size_t progress_line(const struct progress *p, const struct progress_style *style, struct buf *out)
{
    struct pen pen = {.out = out, .left = style->columns, .colour = style->colour};
    put_name(&pen, p, style->name_columns);
    put_phase(&pen, p);
    if (p->phase[0] != '\0') {
        put_starts(&pen, p, style->columns >= PROGRESS_WIDE);
        put_registries(&pen, p);
        put_spark(&pen, p);
    }
    return pen.used;
}

void progress_phase(const struct progress *p, struct buf *out)
{
    struct tally tally[SCENARIO_MAX_REGISTRIES];
    tally_phase(p, tally);
    escape_line(out, p->phase);
    buf_printf(out, ": %llu start%s, %llu worked, %llu running", (unsigned long long)p->begun,
               p->begun == 1 ? "" : "s", (unsigned long long)p->ended[OUTCOME_WORKED],
               (unsigned long long)p->running);
    for (size_t i = 0; i < registry_count(p); i++) {
        buf_printf(out, "%s%s %llu", i == 0 ? "; attempts: " : ", ",
                   p->plan->scenario->registries[i].name, (unsigned long long)tally[i].attempts);
        if (tally[i].failed > 0) {
            buf_printf(out, " (%llu failed)", (unsigned long long)tally[i].failed);
        }
    }
    buf_char(out, '\n');
}
