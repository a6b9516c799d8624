/* A trace cut into slices of equal width: where a moment lies on the picture, and what each slice
 * counts. Pure. */
#ifndef PULLDRILL_REPORTS_WEB_SLICES_H
#define PULLDRILL_REPORTS_WEB_SLICES_H

#include <stddef.h>
#include <stdint.h>

#include "harness/verdict/trace.h"

/* Stated maxima: as many phases as a scenario may have, what settles after them, the control. */
#define SLICES_MAX_STRETCHES ((size_t)66)
#define SLICES_MAX ((size_t)84)
#define SLICES_MAX_REGISTRIES ((size_t)16)

/* What a stretch of the picture stands for. WHOLE: a drill that came to no phase. SETTLING: starts
 * of the last phase that went on after its end. */
enum slices_kind { SLICES_WHOLE, SLICES_PHASE, SLICES_SETTLING, SLICES_CONTROL };

/* Time is linear within a stretch, not from one to the next. */
struct slices_stretch {
    enum slices_kind kind;
    const char *name;        /* of the phase, else NULL; borrowed from the trace */
    uint64_t from_ns, to_ns; /* up to the next stretch, so that nothing lies between */
    uint64_t own_ns;         /* how long the phase itself took */
    size_t first, count;     /* its slices; at least one */
};

struct slices_attempts {
    uint64_t worked, failed;
};
struct slices_starts {
    uint64_t worked, failed, hung, wrong;
    uint64_t stopped; /* ended by the harness, or not at all */
};

struct slices {
    struct slices_stretch stretches[SLICES_MAX_STRETCHES];
    size_t stretch_count;
    size_t count; /* of all slices, the control's included */
    struct slices_attempts attempts[SLICES_MAX][SLICES_MAX_REGISTRIES];
    struct slices_starts starts[SLICES_MAX]; /* by the moment they ended */
    uint64_t control_attempts;               /* in no slice */
};

/* Cuts T up. Every attempt but those of control starts is in exactly one slice, every start too
 * (control starts in the control's stretch); what lies outside of every stretch is
 * in the nearest. Registries past the maximum count as the last. */
void slices_fill(struct slices *s, const struct trace *t);

/* Where T_NS lies, in slices from the left: 0 to COUNT. Never falls as time goes on. */
double slices_place(const struct slices *s, uint64_t t_ns);
/* The stretch that has slice INDEX; NULL: there is no such slice. */
const struct slices_stretch *slices_stretch_of(const struct slices *s, size_t index);
/* When slice INDEX begins; the end of the one before in its stretch. */
uint64_t slices_begin_ns(const struct slices *s, size_t index);
uint64_t slices_end_ns(const struct slices *s, size_t index);
/* All attempts in slice INDEX, of all registries. */
uint64_t slices_height(const struct slices *s, size_t index);

/* Adds START to what came of starts. */
void slices_count_start(struct slices_starts *sum, const struct trace_start *start);

/* A round step (1, 2 or 5 times a power of ten, at least 1) that divides MAX into at most PARTS
 * whole steps and a rest. */
uint64_t slices_round_step(uint64_t max, size_t parts);

#endif
