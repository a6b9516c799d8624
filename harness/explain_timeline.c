/* The timeline: phases from left to right, a bar for each fault while it is on. */
#include <stdio.h>
#include <string.h>

#include "harness/base/units.h"
#include "harness/explain_internal.h"

#define MAX_CELL 30
/* What the cells of one band may take, each with the line behind it. */
#define BAND (EXPLAIN_WIDTH - EXPLAIN_COLUMN)

/* Phases that fit beside each other. */
struct band {
    size_t first, count;
    size_t width[BAND];
};

/* How a line or a bar is drawn. */
struct strokes {
    const char *flat, *begin, *between, *end, *edge, *bar;
};
static const struct strokes ascii = {"-", "|", "|", "|", "|", "#"};
static const struct strokes utf8 = {"─", "├", "┼", "┤", "│", "█"};

static void clip(char *text, size_t columns)
{
    if (strlen(text) > columns) {
        text[columns - 1] = '~';
        text[columns] = '\0';
    }
}

static void name_text(const struct scenario *s, size_t phase, char text[96])
{
    snprintf(text, 96, "%s", s->phases[phase].name);
    clip(text, MAX_CELL);
}

static void ends_text(const struct scenario *s, size_t phase, char text[96])
{
    explain_ends(s, phase, text, 96);
    clip(text, MAX_CELL);
}

static size_t least_width(const struct scenario *s, size_t phase)
{
    char name[96], ends[96];
    name_text(s, phase, name);
    ends_text(s, phase, ends);
    size_t most = strlen(name) > strlen(ends) ? strlen(name) : strlen(ends);
    return most + 1;
}

/* How long PHASE is to look: by its starts; one that ends otherwise like the first. */
static uint64_t weight(const struct scenario *s, size_t phase)
{
    uint64_t starts = explain_starts(s, phase, -1);
    return starts == EXPLAIN_UNKNOWN ? 10 : starts;
}

/* Gives the room that is left to the phases that have least for their starts. */
static void widen(const struct scenario *s, struct band *band, size_t left)
{
    for (; left > 0; left--) {
        size_t to = 0;
        for (size_t i = 1; i < band->count; i++) {
            double here = (double)weight(s, band->first + i) / (double)band->width[i];
            double best = (double)weight(s, band->first + to) / (double)band->width[to];
            to = here > best ? i : to;
        }
        band->width[to]++;
    }
}

static void fill_band(const struct scenario *s, size_t first, struct band *band)
{
    size_t used = 0;
    *band = (struct band){.first = first};
    while (first + band->count < s->phase_count) {
        size_t width = least_width(s, first + band->count);
        if (used + width + 1 > BAND) {
            break;
        }
        band->width[band->count++] = width;
        used += width + 1;
    }
    widen(s, band, BAND - used);
}

static void repeat(struct buf *out, const char *stroke, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_str(out, stroke);
    }
}

static void draw_words(struct explain *x, const struct band *band, const char *label,
                       void (*text_of)(const struct scenario *s, size_t phase, char text[96]))
{
    explain_label(x, label, EXPLAIN_COLUMN);
    for (size_t i = 0; i < band->count; i++) {
        char text[96];
        text_of(x->scenario, band->first + i, text);
        bool last = i + 1 == band->count;
        buf_printf(x->out, "%-*s", last ? 0 : (int)band->width[i] + 1, text);
    }
    buf_char(x->out, '\n');
}

static void draw_axis(struct explain *x, const struct band *band, const struct strokes *with)
{
    buf_printf(x->out, "%*s%s", EXPLAIN_COLUMN - 1, "", with->begin);
    for (size_t i = 0; i < band->count; i++) {
        repeat(x->out, with->flat, band->width[i]);
        buf_str(x->out, i + 1 == band->count ? with->end : with->between);
    }
    buf_char(x->out, '\n');
}

/* A fault that is on in two phases next to each other stays on between them. */
static void draw_bar(struct explain *x, const struct band *band, size_t fault,
                     const struct strokes *with)
{
    const struct scenario *s = x->scenario;
    explain_label(x, s->faults[fault].name, EXPLAIN_COLUMN - 1);
    bool before = band->first > 0 && explain_phase_has(s, band->first - 1, fault);
    for (size_t i = 0; i < band->count; i++) {
        bool on = explain_phase_has(s, band->first + i, fault);
        buf_str(x->out, before && on ? with->bar : with->edge);
        repeat(x->out, on ? with->bar : " ", band->width[i]);
        before = on;
    }
    size_t next = band->first + band->count;
    bool goes_on = before && next < s->phase_count && explain_phase_has(s, next, fault);
    buf_printf(x->out, "%s\n", goes_on ? with->bar : with->edge);
}

static bool band_has(const struct scenario *s, const struct band *band, size_t fault)
{
    for (size_t i = 0; i < band->count; i++) {
        if (explain_phase_has(s, band->first + i, fault)) {
            return true;
        }
    }
    return false;
}

static void draw_band(struct explain *x, const struct band *band)
{
    const struct strokes *with = x->options->utf8 ? &utf8 : &ascii;
    draw_words(x, band, "phase", name_text);
    draw_words(x, band, "lasts", ends_text);
    draw_axis(x, band, with);
    for (size_t i = 0; i < x->scenario->fault_count; i++) {
        if (band_has(x->scenario, band, i)) {
            draw_bar(x, band, i, with);
        }
    }
}

/* ---- what a number of starts does not say --------------------------------------------------- */

static void tell_split(struct explain *x, const struct scenario_phase *p)
{
    const struct scenario *s = x->scenario;
    struct buf text;
    size_t count = 0, n = 0;
    for (size_t i = 0; i < s->subject_count; i++) {
        count += p->starts[i] > 0 ? 1 : 0;
    }
    buf_init(&text, EXPLAIN_MAX_TEXT);
    for (size_t i = 0; i < s->subject_count; i++) {
        if (p->starts[i] > 0) {
            char one[128];
            snprintf(one, sizeof one, "%llu of %s", (unsigned long long)p->starts[i],
                     s->subjects[i].name);
            explain_list(&text, n++, count, one);
        }
    }
    explain_row(x, p->name, "its starts: %s", text.data ? text.data : "none");
    buf_close(&text);
}

static void tell_until(struct explain *x, const struct scenario_phase *p)
{
    const struct scenario *s = x->scenario;
    const struct scenario_until *until = &p->until;
    char most[32];
    units_duration_text(until->at_most_ns, most);
    explain_row(x, p->name,
                "ends at the event %s number %llu of the phase%s%s%s%s%s%s%s%s; after %s it ends "
                "without, and evidence is inconclusive",
                event_type_name(until->event), (unsigned long long)until->count,
                until->registry >= 0 ? " at " : "",
                until->registry >= 0 ? s->registries[until->registry].name : "",
                until->subject >= 0 ? " of " : "",
                until->subject >= 0 ? s->subjects[until->subject].name : "",
                until->fault >= 0 ? " by " : "",
                until->fault >= 0 ? s->faults[until->fault].name : "",
                until->outcome != OUTCOME_NONE ? " that " : "",
                until->outcome != OUTCOME_NONE ? outcome_name(until->outcome) : "", most);
}

static void tell_run(struct explain *x, const struct scenario_phase *p,
                     const struct scenario_action *action)
{
    struct buf text;
    buf_init(&text, EXPLAIN_MAX_TEXT);
    for (size_t i = 0; i < action->command.count; i++) {
        buf_printf(&text, "%s%s", i > 0 ? " " : "", action->command.word[i]);
    }
    explain_row(x, p->name, "begins by running %s, which its starts wait for",
                text.data ? text.data : "");
    buf_close(&text);
}

static void tell_action(struct explain *x, const struct scenario_phase *p,
                        const struct scenario_action *action)
{
    struct buf places;
    if (action->kind == ACTION_RUN) {
        tell_run(x, p, action);
        return;
    }
    const struct scenario_image *image = &x->scenario->images[action->image];
    buf_init(&places, EXPLAIN_MAX_TEXT);
    explain_places(x->scenario, action->on, &places);
    explain_row(x, p->name, "begins by %s on %s: %s:%s stands for %s there from then on",
                action->kind == ACTION_PUBLISH ? "publishing an image" : "moving a tag",
                places.data ? places.data : "", image->repository, action->tag, image->name);
    buf_close(&places);
}

static void tell_phase(struct explain *x, size_t index)
{
    const struct scenario_phase *p = &x->scenario->phases[index];
    for (size_t i = 0; i < p->action_count; i++) {
        tell_action(x, p, &p->actions[i]);
    }
    if (p->by == BY_STARTS && x->scenario->subject_count > 1) {
        tell_split(x, p);
    }
    if (p->by == BY_EVENT) {
        tell_until(x, p);
    }
    if (p->by == BY_STARTS && p->end == END_BEGUN) {
        explain_row(x, p->name, "ends as soon as its last start has begun: what runs goes on");
    } else if (p->by != BY_STARTS && p->end == END_ENDED) {
        explain_row(x, p->name, "waits for the starts that still run before it ends");
    }
}

void explain_timeline(struct explain *x)
{
    struct band band;
    explain_heading(x, "Timeline");
    for (size_t i = 0; i < x->scenario->phase_count; i += band.count) {
        if (i > 0) {
            buf_char(x->out, '\n');
        }
        fill_band(x->scenario, i, &band);
        draw_band(x, &band);
    }
    buf_char(x->out, '\n');
    for (size_t i = 0; i < x->scenario->phase_count; i++) {
        tell_phase(x, i);
    }
    explain_row(x, "and then",
                "every fault is healed, each image is pulled from each registry it lies on, and "
                "one control start of each subject is made with every registry down");
}
