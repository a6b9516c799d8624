/* A check: a fold from history to pass, fail or inconclusive, with reasons that cite events. Pure.
 */
#ifndef PULLDRILL_CHECK_H
#define PULLDRILL_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/arena.h"
#include "harness/base/doc.h"
#include "harness/base/err.h"
#include "harness/history/event.h"
#include "harness/plan.h"
#include "harness/pulls.h"
#include "harness/verdict/verdict.h"

/* Parameters of `expect` entries, in one table a check. Every check also takes `name`, `check`,
 * and, where SCOPE allows, `subject`, `image`, `during`. */
enum check_param_type {
    CHECK_REGISTRY, /* a registry's name; value.number is its index */
    CHECK_COUNT,    /* an integer; value.number */
    CHECK_SHARE,    /* "100%" (value.share) or an integer count of starts (value.number) */
    CHECK_DURATION, /* "2s"; value.number in nanoseconds */
    CHECK_CHOICE,   /* one of CHOICES; value.number is its index */
    CHECK_OP,       /* an operation or a glob; value.number is a set of OP_BIT */
    CHECK_GLOBS,    /* a glob or an array of globs; value.globs */
};
struct check_param {
    const char *name; /* first: doc_nearest walks the table */
    enum check_param_type type;
    bool required;
    const char *const *choices; /* NULL-terminated, for CHECK_CHOICE */
    size_t samples;             /* a percentile: fewer starts than this say nothing; 0: no matter */
    const char *meaning;
};
struct check_value {
    bool set;
    bool is_share; /* CHECK_SHARE: a share was given, not a count of starts */
    uint64_t number;
    double share;
    const char *text;    /* as the file writes it, for every value that is a string; else NULL */
    const json_t *globs; /* a string, or an array of strings; borrowed from the entry */
};
#define CHECK_MAX_PARAMS 8

/* Where a check looks. */
enum check_scope { SCOPE_NONE = 0, SCOPE_SUBJECT = 1, SCOPE_IMAGE = 2, SCOPE_DURING = 4 };

struct check_info;

/* A check under way. STATE belongs to the check. */
struct check {
    const struct check_info *info;
    const char *name;
    struct check_value value[CHECK_MAX_PARAMS]; /* in the order of the info's table */
    int subject, image, during;                 /* indexes; -1: any */
    const struct plan *plan;
    const struct pulls *pulls; /* fed with each event before the check sees it */
    struct arena *arena;       /* for texts; lives as long as the verdict */
    void *state;
    bool lost;           /* failed for good: nothing later can save it */
    uint64_t lag_p99_ns; /* the loop's own lag: the largest p99 of any second, set before finish */
    struct verdict_check *out; /* there from init on; expected, actual, verdict, reasons */
    size_t reasons_given;      /* kept by check_reason */
};

struct check_info {
    const char *name; /* first */
    bool always;      /* on whether asked or not; takes no parameters */
    bool served;      /* looks at requests: judges registries that stand alone (`serve`), too */
    unsigned scope;
    const struct check_param *params;
    size_t param_count;
    const char *meaning;
    /* Any may be NULL but finish. Accept refuses a combination of parameters with a complaint at AT
     * (the entry); it is called by check_read, before there is a plan, so that the scenario's
     * parser finds it too: it sees info, value, subject, image and during alone. Init allocates
     * state in the arena; AT.doc is NULL for always-on checks. Event sets `lost` as soon as that is
     * certain. Finish fills `out` through check_expected, check_result and check_reason; where it
     * gives no result the check is inconclusive. */
    int (*accept)(const struct check *c, struct doc_at at, struct err *e);
    int (*init)(struct check *c, struct doc_at at, struct err *e);
    void (*event)(struct check *c, const struct event *ev);
    void (*finish)(struct check *c);
};

/* The catalogue: a table of pointers, one file a check under harness/checks/. */
extern const struct check_info *const check_catalogue[];
extern const size_t check_catalogue_count;
const struct check_info *check_find(const char *name);

/* Sets INFO, and reads the parameters of an `expect` entry (or of none, for always-on checks:
 * PARAMS.doc NULL) against the table: unknown keys, wrong types, unknown registries, subjects,
 * images and phases are complaints at their place. S gives the names. NAME, PLAN and the rest are
 * the caller's. Texts are borrowed from the entry's document. */
int check_read(struct check *c, const struct check_info *info, struct doc_at entry,
               const struct scenario *s, struct err *e);

/* Helpers for finish. */
void check_result(struct check *c, enum verdict_kind verdict, const char *actual_fmt, ...)
    __attribute__((format(printf, 3, 4)));
void check_expected(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* At most CHECK_MAX_REASONS are kept; the last then says how many more there are. EVENTS ends
 * with 0. */
#define CHECK_MAX_REASONS 20
void check_reason(struct check *c, const uint64_t *events, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether a start counts for this check: its subject, image and phase, never the control start. */
bool check_covers(const struct check *c, const struct pull_start *start);
/* The P-th percentile (0..1, nearest rank) of N values, which are sorted in place. */
uint64_t check_percentile(uint64_t *values, size_t n, double p);

#endif
