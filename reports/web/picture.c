/* The picture, put together: measured first, then drawn from the back to the front. */
#include "reports/web/picture.h"

#include <stdio.h>
#include <string.h>

#include "reports/web/picture_internal.h"

#define LEGEND_ROW 21.0
#define KEY_WIDTH 200.0 /* what stripes mean */

/* ---- measuring ----------------------------------------------------------------------------- */

static void add_fault(struct pic *p, const char *name)
{
    if (p->fault_count < PIC_MAX_FAULTS) {
        p->faults[p->fault_count++] = name;
        return;
    }
    p->fault_left++;
}

/* Whether a band of the same name came before INDEX. */
static bool again(const struct trace *t, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (t->faults[i].name && strcmp(t->faults[i].name, t->faults[index].name) == 0) {
            return true;
        }
    }
    return false;
}

static void measure_counts(struct pic *p)
{
    const struct trace *t = p->t;
    p->max = 1;
    p->marks = 1;
    for (size_t i = 0; i < p->s.count; i++) {
        uint64_t height = slices_height(&p->s, i);
        uint64_t ended = picture_total(&p->s.starts[i]);
        p->max = height > p->max ? height : p->max;
        p->marks = ended > p->marks ? (size_t)ended : p->marks;
        for (size_t r = 0; r < p->registry_count; r++) {
            p->totals[r].worked += p->s.attempts[i][r].worked;
            p->totals[r].failed += p->s.attempts[i][r].failed;
        }
    }
    p->marks = p->marks < PIC_MAX_MARKS ? p->marks : PIC_MAX_MARKS;
    for (size_t i = 0; i < t->start_count; i++) {
        if (t->starts[i].phase) {
            slices_count_start(&p->starts, &t->starts[i]);
        }
    }
    for (size_t i = 0; i < t->fault_count; i++) {
        if (t->faults[i].name && !again(t, i)) {
            add_fault(p, t->faults[i].name);
        }
    }
}

static void measure(struct pic *p, double legend)
{
    double rows = (double)p->fault_count + (p->fault_left > 0 ? 1 : 0);
    p->slice = (PICTURE_WIDTH - PIC_LEFT - PIC_RIGHT) / (double)p->s.count;
    p->head_y = legend + 6;
    p->faults_y = p->head_y + 42;
    p->bars_y = p->faults_y + rows * PIC_FAULT_ROW + 10;
    p->base_y = p->bars_y + PIC_BARS;
    p->marks_y = p->base_y + 6;
    p->axis_y = p->marks_y + (double)p->marks * PIC_MARK + 4;
    p->notes_y = p->axis_y + 26 + LEGEND_ROW;
}

/* ---- legend -------------------------------------------------------------------------------- */

/* Letters of an entry; the swatch and the space behind come on top. */
static double entry_width(const struct pic *p, size_t registry)
{
    struct buf text;
    buf_init(&text, 256);
    picture_attempts(&text, p->t, &p->totals[registry]);
    p->out->failed = p->out->failed || text.failed;
    size_t name = strlen(p->t->registries[registry]);
    double width = (double)(name < 40 ? name : 40) * PIC_BOLD + (double)text.len * PIC_PLAIN + 52;
    buf_close(&text);
    return width;
}

static void entry(struct pic *p, size_t registry, double x, double y)
{
    size_t colour = picture_colour(p, registry);
    const struct slices_attempts *sum = &p->totals[registry];
    buf_printf(p->out,
               "<g class=\"pic-r%zu\"><path class=\"pic-bar\" stroke-width=\"12\" "
               "d=\"M%.1f %.1fh12\"/>",
               colour, x, y - 4);
    if (sum->failed > 0) {
        buf_printf(p->out,
                   "<path class=\"pic-failed\" stroke-width=\"10\" d=\"M%.1f %.1fv-12\"/>"
                   "<path class=\"pic-stripe\" stroke-width=\"10\" stroke-dasharray=\"2.5 "
                   "2.5\" d=\"M%.1f %.1fv-12\"/>",
                   x + 18, y + 2, x + 18, y + 2);
    }
    buf_printf(p->out,
               "</g><text class=\"pic-text\" x=\"%.1f\" y=\"%.1f\"><tspan "
               "class=\"pic-strong\">",
               x + (sum->failed > 0 ? 29 : 18), y);
    picture_cut(p->out, p->t->registries[registry], 40);
    buf_str(p->out, "</tspan> ");
    picture_attempts(p->out, p->t, sum);
    buf_str(p->out, "</text>");
}

static bool any_failed(const struct pic *p)
{
    for (size_t i = 0; i < p->registry_count; i++) {
        if (p->totals[i].failed > 0) {
            return true;
        }
    }
    return false;
}

/* The registries in rows, the primary first; draws them where DRAW, and returns the height. */
static double legend(struct pic *p, bool draw)
{
    double x = PIC_LEFT;
    double y = 16;
    for (size_t colour = 0; colour < p->registry_count; colour++) {
        size_t registry = picture_registry(p, colour);
        double width = entry_width(p, registry);
        if (x > PIC_LEFT && x + width > PICTURE_WIDTH - PIC_RIGHT) {
            x = PIC_LEFT;
            y += LEGEND_ROW;
        }
        if (draw) {
            entry(p, registry, x, y);
        }
        x += width;
    }
    if (draw && any_failed(p) && x + KEY_WIDTH < PICTURE_WIDTH - PIC_RIGHT) {
        picture_text(
            p, "pic-muted", PICTURE_WIDTH - PIC_RIGHT, y, "end",
            p->t->served ? "striped: requests that failed" : "striped: attempts that failed", 40);
    }
    return y + 6;
}

/* What the marks mean, with their numbers, below the axis. */
static void legend_marks(struct pic *p)
{
    static const char *const words[MARK_COUNT] = {
        [MARK_WORKED] = "worked", [MARK_FAIL] = "failed",     [MARK_HUNG] = "hung",
        [MARK_WRONG] = "wrong",   [MARK_STOPPED] = "stopped",
    };
    double x = PIC_LEFT;
    double y = p->axis_y + 38;
    picture_text(p, "pic-text", x, y, NULL, "Starts as they ended:", 40);
    x += 152;
    for (unsigned i = MARK_COUNT; i-- > 0;) {
        uint64_t n = picture_mark_count(&p->starts, i);
        char text[64];
        if (n == 0) {
            continue;
        }
        snprintf(text, sizeof text, "%llu %s", (unsigned long long)n, words[i]);
        buf_printf(p->out, "<path class=\"%s\" d=\"", picture_mark_class(i));
        picture_mark(p->out, i, x, y - 4);
        buf_str(p->out, "\"/>");
        picture_text(p, "pic-text", x + 9, y, NULL, text, sizeof text);
        x += 30 + (double)strlen(text) * PIC_PLAIN;
    }
    if (p->s.stretches[p->s.stretch_count - 1].kind == SLICES_CONTROL) {
        buf_printf(p->out,
                   "<rect class=\"pic-control-mark\" x=\"%.1f\" y=\"%.1f\" width=\"6\" "
                   "height=\"6\"/>",
                   x - 3, y - 7);
        picture_text(p, "pic-muted", x + 9, y, NULL, "control: must not work", 40);
    }
}

/* ---- drawing ------------------------------------------------------------------------------- */

static void draw(struct pic *p)
{
    double notes = PIC_NOTE * (p->t->truncated || p->t->left_out > 0 ? 3 : 2);
    buf_printf(p->out,
               "<svg class=\"pic\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d "
               "%.0f\" role=\"img\">",
               PICTURE_WIDTH, p->notes_y + notes);
    picture_describe(p);
    legend(p, true);
    picture_bands(p);
    picture_faults(p);
    picture_actions(p);
    picture_axes(p);
    picture_bars(p);
    picture_marks(p);
    legend_marks(p);
    picture_notes(p);
    if (p->t->attempt_count == 0) {
        picture_text(p, "pic-muted", PICTURE_WIDTH / 2.0, p->base_y - PIC_BARS / 2, "middle",
                     p->t->served ? "no requests" : "no attempts", 40);
    }
    picture_hits(p);
    buf_str(p->out, "</svg>");
}

void picture_svg(const struct trace *t, const struct verdict *v, struct buf *out)
{
    struct pic p = {.out = out, .t = t, .v = v};
    p.registry_count =
        t->registry_count < SLICES_MAX_REGISTRIES ? t->registry_count : SLICES_MAX_REGISTRIES;
    slices_fill(&p.s, t);
    measure_counts(&p);
    measure(&p, legend(&p, false));
    draw(&p);
}
