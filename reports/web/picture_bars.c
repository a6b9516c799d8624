/* The bars, the marks of starts, and the columns that carry tooltips.
 *
 * Bars are lines as wide as a slice, all of one look in one path: few bytes however many there are.
 * The stripes of what failed are their dashes, so that no pattern with an id is needed. */
#include "reports/web/picture_internal.h"

/* ---- bars ---------------------------------------------------------------------------------- */

/* The registry with colour 0 is the primary; the others keep their order. */
size_t picture_registry(const struct pic *p, size_t colour)
{
    size_t primary = p->t->primary < p->registry_count ? p->t->primary : 0;
    if (colour == 0) {
        return primary;
    }
    return colour <= primary ? colour - 1 : colour;
}

size_t picture_colour(const struct pic *p, size_t registry)
{
    size_t primary = p->t->primary < p->registry_count ? p->t->primary : 0;
    if (registry == primary) {
        return 0;
    }
    return registry < primary ? registry + 1 : registry;
}

/* Height of N attempts. */
static double tall(const struct pic *p, uint64_t n)
{
    return (double)n / (double)p->max * PIC_BARS;
}

/* What lies below the attempts of COLOUR in slice INDEX. */
static uint64_t below(const struct pic *p, size_t index, size_t colour)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < colour; i++) {
        const struct slices_attempts *a = &p->s.attempts[index][picture_registry(p, i)];
        sum += a->worked + a->failed;
    }
    return sum;
}

/* One line for each slice: the attempts of COLOUR that failed, or those that did not. */
static void bar_lines(const struct pic *p, size_t colour, bool failed, struct buf *lines)
{
    size_t registry = picture_registry(p, colour);
    for (size_t i = 0; i < p->s.count; i++) {
        const struct slices_attempts *a = &p->s.attempts[i][registry];
        uint64_t n = failed ? a->failed : a->worked;
        double height = tall(p, n);
        if (height < 0.05) {
            continue;
        }
        uint64_t under = below(p, i, colour) + (failed ? a->worked : 0);
        buf_printf(lines, "M%.1f %.1fv-%.1f", PIC_LEFT + ((double)i + 0.5) * p->slice,
                   p->base_y - tall(p, under), height);
    }
}

static void bar_path(struct pic *p, const char *class, double width, const char *dash,
                     const struct buf *lines)
{
    buf_printf(p->out, "<path class=\"%s\" stroke-width=\"%.1f\"%s d=\"", class, width, dash);
    buf_append(p->out, lines->data, lines->len);
    buf_str(p->out, "\"/>");
}

static void bars_of(struct pic *p, size_t colour, bool failed)
{
    double width = p->slice - 1;
    struct buf lines;
    buf_init(&lines, 64u << 10);
    bar_lines(p, colour, failed, &lines);
    if (lines.len > 0 && failed) {
        bar_path(p, "pic-failed", width, "", &lines);
        bar_path(p, "pic-stripe", width, " stroke-dasharray=\"2.5 2.5\"", &lines);
    } else if (lines.len > 0) {
        bar_path(p, "pic-bar", width, "", &lines);
    }
    p->out->failed = p->out->failed || lines.failed;
    buf_close(&lines);
}

void picture_bars(struct pic *p)
{
    for (size_t colour = 0; colour < p->registry_count; colour++) {
        buf_printf(p->out, "<g class=\"pic-r%zu\">", colour);
        bars_of(p, colour, false);
        bars_of(p, colour, true);
        buf_str(p->out, "</g>");
    }
}

/* ---- marks of starts ----------------------------------------------------------------------- */

const char *picture_mark_class(enum picture_mark mark)
{
    static const char *const classes[MARK_COUNT] = {
        [MARK_WRONG] = "pic-wrong",     [MARK_HUNG] = "pic-hung",     [MARK_FAIL] = "pic-fail",
        [MARK_STOPPED] = "pic-stopped", [MARK_WORKED] = "pic-worked",
    };
    return classes[mark];
}

/* A disc, a cross, a ring, a diamond, a dash: told apart without colour. */
void picture_mark(struct buf *out, enum picture_mark mark, double x, double y)
{
    static const struct {
        double x, y; /* from the middle */
        const char *path;
    } shapes[MARK_COUNT] = {
        [MARK_WORKED] = {-2.8, 0, "a2.8 2.8 0 1 1 0 .01z"},
        [MARK_FAIL] = {-3, -3, "l6 6m0-6l-6 6"},
        [MARK_HUNG] = {-3, 0, "a3 3 0 1 1 0 .01z"},
        [MARK_WRONG] = {-4, 0, "l4-4 4 4-4 4z"},
        [MARK_STOPPED] = {-3, 0, "h6"},
    };
    buf_printf(out, "M%.1f %.1f%s", x + shapes[mark].x, y + shapes[mark].y, shapes[mark].path);
}

uint64_t picture_mark_count(const struct slices_starts *sum, enum picture_mark mark)
{
    switch (mark) {
    case MARK_WRONG:
        return sum->wrong;
    case MARK_HUNG:
        return sum->hung;
    case MARK_FAIL:
        return sum->failed;
    case MARK_STOPPED:
        return sum->stopped;
    default:
        return sum->worked;
    }
}

/* How many marks of each kind fit slice INDEX: one for each start, and where there are more than
 * rows, the worst first. */
static void share_rows(const struct pic *p, size_t index, size_t shown[MARK_COUNT])
{
    size_t left = p->marks;
    for (unsigned mark = 0; mark < MARK_COUNT; mark++) {
        uint64_t n = picture_mark_count(&p->s.starts[index], mark);
        shown[mark] = n < left ? (size_t)n : left;
        left -= shown[mark];
    }
}

/* The marks of one kind in all slices, as one path. */
static void marks_of(struct pic *p, enum picture_mark mark)
{
    bool open = false;
    for (size_t i = 0; i < p->s.count; i++) {
        if (slices_stretch_of(&p->s, i)->kind == SLICES_CONTROL) {
            continue;
        }
        size_t shown[MARK_COUNT];
        share_rows(p, i, shown);
        size_t row = 0;
        for (unsigned before = 0; before < mark; before++) {
            row += shown[before];
        }
        for (size_t k = 0; k < shown[mark]; k++) {
            if (!open) {
                buf_printf(p->out, "<path class=\"%s\" d=\"", picture_mark_class(mark));
            }
            open = true;
            picture_mark(p->out, mark, PIC_LEFT + ((double)i + 0.5) * p->slice,
                         p->marks_y + ((double)(row + k) + 0.5) * PIC_MARK);
        }
    }
    buf_str(p->out, open ? "\"/>" : "");
}

/* Control starts are to fail: such a mark is no alarm, one that worked is. */
static void control_marks(struct pic *p)
{
    const struct slices_stretch *last = &p->s.stretches[p->s.stretch_count - 1];
    if (last->kind != SLICES_CONTROL) {
        return;
    }
    bool worked = false;
    for (size_t i = last->first; i < last->first + last->count; i++) {
        worked = worked || p->s.starts[i].worked > 0;
    }
    double x = PIC_LEFT + ((double)last->first + (double)last->count / 2) * p->slice;
    double y = p->marks_y + PIC_MARK / 2;
    if (worked) {
        buf_printf(p->out, "<path class=\"%s\" d=\"", picture_mark_class(MARK_WRONG));
        picture_mark(p->out, MARK_WRONG, x, y);
        buf_str(p->out, "\"/>");
    } else {
        buf_printf(p->out,
                   "<rect class=\"pic-control-mark\" x=\"%.1f\" y=\"%.1f\" width=\"6\" "
                   "height=\"6\"/>",
                   x - 3, y - 3);
    }
}

void picture_marks(struct pic *p)
{
    for (unsigned mark = 0; mark < MARK_COUNT; mark++) {
        marks_of(p, mark);
    }
    control_marks(p);
}

/* ---- tooltips ------------------------------------------------------------------------------ */

void picture_hits(struct pic *p)
{
    for (size_t i = 0; i < p->s.count; i++) {
        bool anything = slices_height(&p->s, i) > 0 || picture_total(&p->s.starts[i]) > 0;
        if (!anything || slices_stretch_of(&p->s, i)->kind == SLICES_CONTROL) {
            continue;
        }
        buf_printf(p->out,
                   "<rect class=\"pic-hit\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                   "height=\"%.1f\">",
                   PIC_LEFT + (double)i * p->slice, p->bars_y, p->slice, p->axis_y - p->bars_y);
        picture_slice_title(p, i);
        buf_str(p->out, "</rect>");
    }
}
