/* What the files of the picture share. Nothing outside includes this. */
#ifndef PULLDRILL_REPORTS_WEB_PICTURE_INTERNAL_H
#define PULLDRILL_REPORTS_WEB_PICTURE_INTERNAL_H

#include "reports/web/picture.h"
#include "reports/web/slices.h"

/* Units of the viewBox. */
#define PIC_LEFT 52.0
#define PIC_RIGHT 12.0
#define PIC_BARS 200.0  /* height of the tallest bar's place */
#define PIC_MARK 10.0   /* a row of marks */
#define PIC_MAX_MARKS 4 /* such rows */
#define PIC_NOTE 18.0   /* a line below */
#define PIC_FAULT_ROW 23.0
#define PIC_MAX_ACTIONS 256 /* flags */
#define PIC_MAX_FAULTS 8    /* rows of faults; the others are counted */
/* Width of a character, as wide letters have it: 13.5 units bold, 12.5 units. */
#define PIC_BOLD 8.2
#define PIC_PLAIN 6.9

struct pic {
    struct buf *out;
    const struct trace *t;
    const struct verdict *v; /* may be NULL */
    struct slices s;
    size_t registry_count; /* at most SLICES_MAX_REGISTRIES */
    struct slices_attempts totals[SLICES_MAX_REGISTRIES];
    struct slices_starts starts;        /* of no control */
    const char *faults[PIC_MAX_FAULTS]; /* names, by row */
    size_t fault_count, fault_left;
    uint64_t max; /* attempts in the fullest slice, at least 1 */
    size_t marks; /* rows of marks */
    double slice; /* width of a slice */
    double head_y, faults_y, bars_y, base_y, marks_y, axis_y, notes_y; /* upper edges */
};

/* picture_words.c: letters. */

/* "attempts"; where registries were served, "requests". */
const char *picture_noun(const struct trace *t);
/* "20 attempts, 3 failed". */
void picture_attempts(struct buf *out, const struct trace *t, const struct slices_attempts *sum);
/* S escaped, cut to MAX characters. */
void picture_cut(struct buf *out, const char *s, size_t max);
/* A <text> with S in it, cut likewise. */
void picture_text(struct pic *p, const char *classes, double x, double y, const char *anchor,
                  const char *s, size_t max);
/* "steady", "settling", "control". */
const char *picture_stretch_name(const struct slices_stretch *stretch);
/* What came of the starts of a phase. */
struct slices_starts picture_phase_starts(const struct trace *t, const char *phase);
uint64_t picture_total(const struct slices_starts *sum);
/* <title> and <desc>: what is to be seen, in words. */
void picture_describe(struct pic *p);
/* The tooltip of a slice, and of a band. */
void picture_slice_title(struct pic *p, size_t index);
void picture_stretch_title(struct pic *p, const struct slices_stretch *stretch);

/* picture_bars.c: what is counted. */

/* The colour of a registry: 0 is the primary's. */
size_t picture_colour(const struct pic *p, size_t registry);
/* The registry of a colour. */
size_t picture_registry(const struct pic *p, size_t colour);
void picture_bars(struct pic *p);
void picture_marks(struct pic *p);
void picture_hits(struct pic *p);
/* The mark of one outcome at its middle: the mark's class tells which. */
enum picture_mark { MARK_WRONG, MARK_HUNG, MARK_FAIL, MARK_STOPPED, MARK_WORKED, MARK_COUNT };
const char *picture_mark_class(enum picture_mark mark);
void picture_mark(struct buf *out, enum picture_mark mark, double x, double y);
uint64_t picture_mark_count(const struct slices_starts *sum, enum picture_mark mark);

/* picture_bands.c: what lies behind and around. */
void picture_bands(struct pic *p);
void picture_faults(struct pic *p);
void picture_actions(struct pic *p);
void picture_axes(struct pic *p);
void picture_notes(struct pic *p);

#endif
