/* The picture's bands of phases and faults, its axes, and the notes below. */
#include <stdio.h>
#include <string.h>

#include "harness/base/units.h"
#include "reports/escape.h"
#include "reports/web/picture_internal.h"

static double place(const struct pic *p, uint64_t t_ns)
{
    return PIC_LEFT + slices_place(&p->s, t_ns) * p->slice;
}

static double left_of(const struct pic *p, const struct slices_stretch *stretch)
{
    return PIC_LEFT + (double)stretch->first * p->slice;
}

static double width_of(const struct pic *p, const struct slices_stretch *stretch)
{
    return (double)stretch->count * p->slice;
}

static size_t fits(double width, double character)
{
    return width > character ? (size_t)(width / character) : 0;
}

/* ---- phases -------------------------------------------------------------------------------- */

static const char *band_class(const struct slices_stretch *stretch, size_t index)
{
    switch (stretch->kind) {
    case SLICES_SETTLING:
        return "pic-settling";
    case SLICES_CONTROL:
        return "pic-control";
    default:
        return index % 2 == 1 ? "pic-phase pic-odd" : "pic-phase";
    }
}

/* "20 starts, 3 worked", shorter where there is no room; nothing rather than half of it. */
static void head_starts(struct pic *p, const struct slices_stretch *stretch, double x, double room)
{
    struct slices_starts sum = picture_phase_starts(p->t, stretch->name);
    unsigned long long total = picture_total(&sum);
    unsigned long long worked = sum.worked;
    char text[2][64];
    snprintf(text[0], sizeof text[0], "%llu %s, %llu worked", total,
             total == 1 ? "start" : "starts", worked);
    snprintf(text[1], sizeof text[1], "%llu of %llu", worked, total);
    const char *class = worked < total ? "pic-bad" : "pic-muted";
    for (size_t i = 0; total > 0 && i < 2; i++) {
        if (strlen(text[i]) <= fits(room, PIC_PLAIN)) {
            picture_text(p, class, x, p->head_y + 32, NULL, text[i], sizeof text[i]);
            return;
        }
    }
}

static void head(struct pic *p, const struct slices_stretch *stretch)
{
    double x = left_of(p, stretch) + 6;
    double room = width_of(p, stretch) - 8;
    const char *name = picture_stretch_name(stretch);
    bool quiet = stretch->kind != SLICES_PHASE;
    size_t max = fits(room, quiet ? PIC_PLAIN : PIC_BOLD);
    if (max < 3) {
        return;
    }
    picture_text(p, quiet ? "pic-muted" : "pic-strong", x, p->head_y + 16, NULL, name, max);
    char own[32];
    units_duration_text(stretch->own_ns, own);
    double left = room - (double)(strlen(name) + 2) * PIC_BOLD;
    if (!quiet && strlen(own) <= fits(left, PIC_PLAIN)) {
        picture_text(p, "pic-muted", x + room - 4, p->head_y + 16, "end", own, sizeof own);
    }
    if (!quiet) {
        head_starts(p, stretch, x, room);
    } else if (stretch->kind == SLICES_CONTROL) {
        picture_text(p, "pic-muted", x, p->head_y + 32, NULL, "all down", fits(room, PIC_PLAIN));
    }
}

void picture_bands(struct pic *p)
{
    for (size_t i = 0; i < p->s.stretch_count; i++) {
        const struct slices_stretch *stretch = &p->s.stretches[i];
        buf_printf(p->out,
                   "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                   "height=\"%.1f\">",
                   band_class(stretch, i), left_of(p, stretch), p->head_y, width_of(p, stretch),
                   p->axis_y - p->head_y);
        picture_stretch_title(p, stretch);
        buf_str(p->out, "</rect>");
        head(p, stretch);
    }
}

/* ---- faults -------------------------------------------------------------------------------- */

static const struct verdict_fault *fault_of(const struct pic *p, const char *name)
{
    for (size_t i = 0; p->v && i < p->v->fault_count; i++) {
        if (p->v->faults[i].name && strcmp(p->v->faults[i].name, name) == 0) {
            return &p->v->faults[i];
        }
    }
    return NULL;
}

static bool is_armed(const struct verdict_fault *fault)
{
    return fault && fault->evidence && strcmp(fault->evidence, "armed") == 0;
}

struct stretch_of_x {
    double from, to;
};

static void fault_rect(struct pic *p, const char *class, struct stretch_of_x at, double y,
                       double height)
{
    double width = at.to - at.from > 2 ? at.to - at.from : 2;
    buf_printf(p->out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
               class, at.from, y, width, height);
}

/* The times of NAME (NULL: of any fault) as rectangles; those that touch, or leave less than a
 * slice between, as one. The first of them; nothing is drawn where CLASS is NULL. */
static struct stretch_of_x fault_rects(struct pic *p, const char *name, const char *class, double y,
                                       double height)
{
    struct stretch_of_x first = {-1, -1};
    struct stretch_of_x now = {-1, -1};
    for (size_t i = 0; i < p->t->fault_count; i++) {
        const struct trace_band *band = &p->t->faults[i];
        if (name && (!band->name || strcmp(band->name, name) != 0)) {
            continue;
        }
        struct stretch_of_x at = {place(p, band->from_ns), place(p, band->to_ns)};
        if (now.from >= 0 && at.from <= now.to + p->slice) {
            now.to = at.to > now.to ? at.to : now.to;
            continue;
        }
        if (now.from >= 0) {
            fault_rect(p, class, now, y, height);
            first = first.from < 0 ? now : first;
        }
        now = at;
    }
    if (now.from >= 0) {
        fault_rect(p, class, now, y, height);
        first = first.from < 0 ? now : first;
    }
    return first;
}

/* Name and text, in the bar where they fit, else to the side that has more room. */
static void fault_label(struct pic *p, const char *name, struct stretch_of_x at, double y)
{
    const struct verdict_fault *fault = fault_of(p, name);
    double right = PICTURE_WIDTH - PIC_RIGHT;
    bool to_left = right - at.from < at.to - PIC_LEFT && right - at.from < 300;
    double room = (to_left ? at.to - PIC_LEFT : right - at.from) - 12;
    size_t characters = fits(room, PIC_PLAIN);
    struct buf text;
    buf_init(&text, 4096);
    if (fault && fault->text) {
        buf_printf(&text, " %.300s", fault->text);
    }
    buf_str(&text, is_armed(fault) ? "; leaves no request behind" : "");
    buf_printf(p->out, "<text class=\"pic-fault-text\" x=\"%.1f\" y=\"%.1f\"%s>",
               to_left ? at.to - 6 : at.from + 6, y + 14, to_left ? " text-anchor=\"end\"" : "");
    buf_str(p->out, "<tspan class=\"pic-fault-name\">");
    picture_cut(p->out, name, characters);
    buf_str(p->out, "</tspan>");
    size_t taken = strlen(name) + 1;
    if (text.len > 0 && taken + 4 < characters) {
        picture_cut(p->out, text.data, characters - taken);
    }
    buf_str(p->out, "</text>");
    p->out->failed = p->out->failed || text.failed;
    buf_close(&text);
}

void picture_faults(struct pic *p)
{
    fault_rects(p, NULL, "pic-fault-shade", p->bars_y - 8, p->axis_y - p->bars_y + 8);
    for (size_t i = 0; i < p->fault_count; i++) {
        double y = p->faults_y + (double)i * PIC_FAULT_ROW;
        bool armed = is_armed(fault_of(p, p->faults[i]));
        struct stretch_of_x at =
            fault_rects(p, p->faults[i], armed ? "pic-fault pic-fault-armed" : "pic-fault", y,
                        PIC_FAULT_ROW - 4);
        fault_label(p, p->faults[i], at, y);
    }
    if (p->fault_left > 0) {
        char text[64];
        snprintf(text, sizeof text, "and %zu more faults", p->fault_left);
        picture_text(p, "pic-muted", PIC_LEFT + 6,
                     p->faults_y + (double)p->fault_count * PIC_FAULT_ROW + 13, NULL, text,
                     sizeof text);
    }
}

/* ---- actions ------------------------------------------------------------------------------- */

static bool is_action(const struct trace_event *event)
{
    static const char *const names[] = {"publish", "move-tag", "run"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (event->type == EVENT_ACTION && event->name && strcmp(event->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* One flag for the COUNT actions from FIRST on, with a line for each. */
static void flag(struct pic *p, const struct trace_event *first, size_t count)
{
    double x = place(p, first->t_ns);
    buf_printf(p->out, "<path class=\"pic-action\" d=\"M%.1f %.1fV%.1f\"/>", x, p->head_y,
               p->axis_y);
    buf_printf(p->out, "<path class=\"pic-action-flag\" d=\"M%.1f %.1fl8 4l-8 4z\"><title>", x,
               p->head_y);
    for (size_t i = 0; i < count; i++) {
        buf_str(p->out, i > 0 ? "\n" : "");
        escape_xml(p->out, first[i].name);
        buf_str(p->out, first[i].text ? ": " : "");
        escape_xml(p->out, first[i].text);
    }
    buf_str(p->out, "</title></path>");
}

/* Where phases did something to the world before their first start. */
void picture_actions(struct pic *p)
{
    const struct trace_event *events = p->t->events;
    size_t count = 0;
    for (size_t i = 0, drawn = 0; i < p->t->event_count && drawn < PIC_MAX_ACTIONS; i += count) {
        for (count = 0; i + count < p->t->event_count && is_action(&events[i + count]);) {
            count++;
        }
        if (count > 0) {
            flag(p, &events[i], count);
            drawn++;
        } else {
            count = 1;
        }
    }
}

/* ---- axes ---------------------------------------------------------------------------------- */

static void axis_y(struct pic *p)
{
    uint64_t step = slices_round_step(p->max, 4);
    double right = PICTURE_WIDTH - PIC_RIGHT;
    for (uint64_t at = 0; at <= p->max; at += step) {
        double y = p->base_y - (double)at / (double)p->max * PIC_BARS;
        char text[32];
        snprintf(text, sizeof text, "%llu", (unsigned long long)at);
        buf_printf(p->out, "<path class=\"%s\" d=\"M%.1f %.1fH%.1f\"/>",
                   at == 0 ? "pic-axis" : "pic-grid", PIC_LEFT, y, right);
        picture_text(p, "pic-muted", PIC_LEFT - 6, y + 4, "end", text, sizeof text);
        if (at > UINT64_MAX - step) {
            break;
        }
    }
    double middle = p->base_y - PIC_BARS / 2;
    buf_printf(p->out,
               "<text class=\"pic-muted\" text-anchor=\"middle\" transform=\"translate(13 "
               "%.1f)rotate(-90)\">%s per slice</text>",
               middle, picture_noun(p->t));
}

/* Round ticks from a phase's own beginning, as many as its width has room for. */
static void axis_time(struct pic *p, const struct slices_stretch *stretch)
{
    double x = left_of(p, stretch);
    double width = width_of(p, stretch);
    uint64_t whole = stretch->to_ns - stretch->from_ns;
    size_t parts = fits(width, 64);
    if (parts == 0 || whole == 0) {
        return;
    }
    uint64_t step = slices_round_step(whole, parts);
    picture_text(p, "pic-muted", x, p->axis_y + 17, NULL, "0", 1);
    for (uint64_t at = step; at <= whole && at <= UINT64_MAX - step; at += step) {
        double offset = (double)at / (double)whole * width;
        char text[32];
        buf_printf(p->out, "<path class=\"pic-edge\" d=\"M%.1f %.1fv5\"/>", x + offset, p->axis_y);
        units_duration_text(at, text);
        if (offset + (double)strlen(text) * PIC_PLAIN / 2 + 8 < width) {
            picture_text(p, "pic-muted", x + offset, p->axis_y + 17, "middle", text, sizeof text);
        }
    }
}

void picture_axes(struct pic *p)
{
    axis_y(p);
    for (size_t i = 0; i < p->s.stretch_count; i++) {
        const struct slices_stretch *stretch = &p->s.stretches[i];
        if (i > 0) {
            buf_printf(p->out, "<path class=\"pic-edge\" d=\"M%.1f %.1fV%.1f\"/>",
                       left_of(p, stretch), p->head_y, p->axis_y + 6);
        }
        if (stretch->kind == SLICES_PHASE || stretch->kind == SLICES_WHOLE) {
            axis_time(p, stretch);
        }
    }
}

/* ---- notes --------------------------------------------------------------------------------- */

/* Whether a slice is about as long in every phase. */
static bool to_one_scale(const struct pic *p)
{
    double least = -1;
    double most = 0;
    for (size_t i = 0; i < p->s.stretch_count; i++) {
        const struct slices_stretch *stretch = &p->s.stretches[i];
        if (stretch->kind == SLICES_CONTROL) {
            continue;
        }
        double slice = (double)(stretch->to_ns - stretch->from_ns) / (double)stretch->count;
        least = least < 0 || slice < least ? slice : least;
        most = slice > most ? slice : most;
    }
    return most <= least * 1.1;
}

static void add_slices(const struct pic *p, struct buf *text)
{
    buf_str(text, "A slice is ");
    for (size_t i = 0; i < p->s.stretch_count && i < 5; i++) {
        const struct slices_stretch *stretch = &p->s.stretches[i];
        char slice[32];
        if (stretch->kind == SLICES_CONTROL) {
            break;
        }
        units_duration_text((stretch->to_ns - stretch->from_ns) / stretch->count, slice);
        buf_printf(text, "%s%s", i > 0 ? ", " : "", slice);
        if (p->s.stretch_count > 1) {
            buf_printf(text, " of %.24s", picture_stretch_name(stretch));
        }
    }
    buf_str(text, p->s.stretch_count > 6 ? ", …." : ".");
}

static void note(struct pic *p, const char *class, double *y, const struct buf *text)
{
    size_t max = fits(PICTURE_WIDTH - PIC_LEFT - PIC_RIGHT, PIC_PLAIN);
    p->out->failed = p->out->failed || text->failed;
    if (text->len > 0) {
        picture_text(p, class, PIC_LEFT, *y, NULL, text->data, max);
        *y += PIC_NOTE;
    }
}

void picture_notes(struct pic *p)
{
    double y = p->notes_y + 12;
    struct buf text;
    buf_init(&text, 4096);
    if (p->s.stretch_count > 1) {
        buf_str(&text, "Each phase counts its own time from 0");
        buf_str(&text, to_one_scale(p) ? ". " : "; phases are not drawn to one scale. ");
    }
    note(p, "pic-muted", &y, &text);
    buf_reset(&text);
    add_slices(p, &text);
    note(p, "pic-muted", &y, &text);
    buf_reset(&text);
    if (p->t->truncated) {
        buf_str(&text, "The history ends in the middle: the drill was killed. ");
    }
    if (p->t->left_out > 0) {
        buf_printf(&text, "%llu events and attempts past the maximum are not drawn.",
                   (unsigned long long)p->t->left_out);
    }
    note(p, "pic-bad", &y, &text);
    buf_close(&text);
}
