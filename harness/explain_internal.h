/* What the files of explain share. Nothing outside includes this. */
#ifndef PULLDRILL_EXPLAIN_INTERNAL_H
#define PULLDRILL_EXPLAIN_INTERNAL_H

#include "harness/check.h"
#include "harness/explain.h"
#include "harness/plan.h"
#include "harness/verdict/verdict.h"

#define EXPLAIN_WIDTH 80
#define EXPLAIN_COLUMN 24 /* where the text of a row begins */
/* The longest text of one row; what is longer is cut. */
#define EXPLAIN_MAX_TEXT (16u << 10)

struct explain {
    const struct plan *plan; /* with unknown digests */
    const struct scenario *scenario;
    const struct verdict *verdict; /* of a history without events: what each check expects */
    const struct explain_options *options;
    struct check *checks; /* the entries of `expect`, read but not begun */
    struct buf *out;
    size_t warnings;
};

/* explain_page.c: rows of label and text, wrapped. Every text is made harmless for a terminal. */
void explain_heading(struct explain *x, const char *title);
void explain_row(struct explain *x, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Wrapped text from INDENT on, without a label. */
void explain_text(struct explain *x, size_t indent, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The label alone, up to COLUMN; a longer one has a line of its own. */
void explain_label(struct explain *x, const char *label, size_t column);
/* "a", "a and b", "a, b and c": the next of COUNT names at INDEX. */
void explain_list(struct buf *out, size_t index, size_t count, const char *name);

/* explain.c: the registries that ON has a bit for, as a list; nothing where it has none. */
void explain_places(const struct scenario *s, unsigned on, struct buf *out);

/* explain_reach.c: the rows of a registry and of a subject that tell how the one finds the other;
 * none for a registry of plain HTTP that asks for nothing, at a port. */
void explain_registry(struct explain *x, const struct scenario_registry *r);
void explain_reach(struct explain *x, const struct scenario_subject *subject);

/* explain_starts.c: how many starts there will be. UNKNOWN where a phase ends by time or event. */
#define EXPLAIN_UNKNOWN UINT64_MAX
/* Of SUBJECT (-1: all) in PHASE. */
uint64_t explain_starts(const struct scenario *s, size_t phase, int subject);
bool explain_phase_has(const struct scenario *s, size_t phase, size_t fault);
/* Of all phases that FAULT is on in. */
uint64_t explain_fault_starts(const struct scenario *s, size_t fault);
/* Of those that the check C looks at; WITH_FAULT: only where some fault acts on REGISTRY. */
uint64_t explain_check_starts(const struct check *c, const struct scenario *s, bool with_fault,
                              size_t registry);
/* Whether RULE acts on REGISTRY or one of its other hosts. */
bool explain_acts_on(const struct fault_rule *rule, const struct scenario *s, size_t registry);
/* "10 starts", "30s", "until start-end". */
void explain_ends(const struct scenario *s, size_t phase, char *text, size_t size);
/* The most that all phases and the control start take where every start hangs to its time-out;
 * UNKNOWN past 64 bits. */
uint64_t explain_longest(const struct scenario *s);

/* The sections of the page, each appended to what X writes. */
void explain_timeline(struct explain *x);
void explain_faults(struct explain *x);
void explain_expected(struct explain *x);
void explain_proof(struct explain *x);
void explain_warnings(struct explain *x);

#endif
