/* What the files of `prove` share: cells of the table scenario x twin. */
#ifndef PULLDRILL_COMMANDS_PROVE_H
#define PULLDRILL_COMMANDS_PROVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/base/arena.h"
#include "harness/base/buf.h"
#include "harness/commands/options.h"
#include "harness/commands/select.h"
#include "harness/verdict/verdict.h"

#define PROVE_MAX_CELLS 65536
#define PROVE_WHY 1024

/* What one drill of a proof came to. PASS: as it should be. */
struct prove_finding {
    enum verdict_kind verdict;
    char why[PROVE_WHY];
};

/* One subject or one bad twin under one scenario, over all its rounds. */
struct prove_cell {
    size_t scenario;                  /* index in the selection */
    const struct scenario_twin *twin; /* NULL: the good subject, or `empty` */
    bool empty;         /* stands for the twins that a scenario does not have; nothing is run */
    const char *name;   /* "good", "retry-only", "build-start.retry-only" */
    const char *folder; /* under --out */
    size_t done;        /* rounds that have ended */
    size_t as_expected;
    bool differs;                 /* rounds did not agree */
    enum verdict_kind drill;      /* verdict of the first round's drill */
    struct prove_finding finding; /* the worst of all rounds */
    uint64_t duration_ns;         /* of all rounds */
    struct verdict_starts starts; /* that ended, in all rounds */
    size_t stopped;               /* rounds that were stopped as lost */
    const char *replay;           /* of the worst round */
    int signal;
};

struct watch;

struct prove {
    const struct options *options;
    const struct selection *selection;
    struct arena arena;
    uint64_t *seeds;          /* a scenario */
    struct prove_cell *cells; /* in the order of the table */
    size_t cell_count;
    struct watch *watch;
};

/* prove_judge.c, pure: what V, the verdict of a drill, says about the good subject, or about TWIN
 * of scenario S. */
void prove_judge_good(const struct verdict *v, struct prove_finding *out);
void prove_judge_twin(const struct verdict *v, const struct scenario *s,
                      const struct scenario_twin *twin, struct prove_finding *out);
/* Adds one more round to CELL. */
void prove_add_round(struct prove *p, struct prove_cell *cell, const struct verdict *v,
                     const struct prove_finding *finding);
void prove_add_starts(struct verdict_starts *to, const struct verdict_starts *more);

/* prove_jobs.c: drills every cell as often as asked, at most as many at a time as allowed, each in
 * a process of its own. DONE sees each cell whose rounds have all ended. SIGINT and SIGTERM are
 * passed on, and all are waited for; cells then lack rounds. */
int prove_jobs(struct prove *p, void (*done)(void *data, const struct prove_cell *cell), void *data,
               int *signum, struct err *e);

/* prove_table.c, pure: the table, and the same as JSON on one line. */
void prove_text(const struct prove *p, bool colour, struct buf *out);
void prove_json(const struct prove *p, const struct verdict_list *list, struct buf *out);
void prove_line(const struct prove *p, const struct prove_cell *cell, bool colour, struct buf *out);
/* A scenario's proof as a verdict, a check a cell, for results.json and junit.xml. */
struct verdict *prove_verdict(const struct prove *p, size_t scenario, int signum, struct err *e);
/* What CELL comes to over all its rounds. */
enum verdict_kind prove_cell_verdict(const struct prove *p, const struct prove_cell *cell);

#endif
