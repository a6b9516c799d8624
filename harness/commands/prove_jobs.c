/* The drills of a proof, each in a process of its own. Happy path: the pool (jobs.c) begins one for
 * each round of each cell; one that has ended left a journal, which is read and judged. A process
 * that left none, or could not be begun, is a round of its own (error). */
#include <stdio.h>

#include "harness/base/log.h"
#include "harness/commands/drill_one.h"
#include "harness/commands/jobs.h"
#include "harness/commands/prove.h"
#include "harness/commands/results.h"
#include "harness/commands/watch.h"

struct cells {
    struct prove *prove;
    size_t next_cell, next_round;
    void (*done)(void *data, const struct prove_cell *cell);
    void *data;
};

static void round_folder(const struct prove *p, const struct prove_cell *cell, size_t round,
                         char *name, size_t size)
{
    if (p->options->times > 1) {
        snprintf(name, size, "%s/%zu", cell->folder, round + 1);
    } else {
        snprintf(name, size, "%s", cell->folder);
    }
}

/* A job's number holds its round and its cell. */
static struct prove_cell *cell_of(const struct prove *p, size_t number, size_t *round)
{
    *round = number / p->cell_count;
    return &p->cells[number % p->cell_count];
}

/* ---- the child ----------------------------------------------------------------------------- */

/* What the command line would be that drills CELL alone. */
static struct options cell_options(const struct prove *p, const struct prove_cell *cell)
{
    struct options o = *p->options;
    if (cell->twin != NULL) {
        const struct scenario *s = p->selection->scenario[cell->scenario];
        o.subject = s->subjects[cell->twin->subject].name;
        o.variant = cell->twin->variant;
        o.command = NULL;
        o.command_count = 0;
    }
    return o;
}

static int child(void *data, size_t number)
{
    const struct cells *c = data;
    const struct prove *p = c->prove;
    struct err e = {0};
    size_t round;
    char folder[1200];
    const struct prove_cell *cell = cell_of(p, number, &round);
    const struct options o = cell_options(p, cell);
    const struct scenario_options so = options_scenario(&o);
    const char *path = p->selection->path[cell->scenario];
    watch_child(p->watch);
    struct scenario *s = scenario_load(path, &so, &e);
    if (s == NULL) {
        log_line("%s as %s: %s", path, cell->name, e.text);
        return EXIT_ERROR;
    }
    round_folder(p, cell, round, folder, sizeof folder);
    struct drill_one one = {
        .options = &o, .path = path, .folder = folder, .seed = p->seeds[cell->scenario]};
    if (cell->twin != NULL) {
        one.because = (const char *const *)cell->twin->because;
        one.because_count = cell->twin->because_count;
    }
    return drill_one(&one, s);
}

/* ---- the parent ---------------------------------------------------------------------------- */

static int ended(void *data, size_t number, int status, const char *trouble, struct err *e)
{
    struct cells *c = data;
    struct prove *p = c->prove;
    struct prove_finding finding;
    char folder[1200];
    size_t round;
    struct prove_cell *cell = cell_of(p, number, &round);
    const char *path = p->selection->path[cell->scenario];
    round_folder(p, cell, round, folder, sizeof folder);
    struct verdict *v = trouble != NULL
                            ? results_lost(path, "", trouble, e)
                            : results_of_process(p->options->out, folder, path, "", status, e);
    if (v == NULL) {
        return -1;
    }
    if (cell->twin == NULL) {
        prove_judge_good(v, &finding);
    } else {
        prove_judge_twin(v, p->selection->scenario[cell->scenario], cell->twin, &finding);
    }
    prove_add_round(p, cell, v, &finding);
    int rc = watch_ended(p->watch, number, v, e);
    verdict_free(v);
    if (rc == 0 && cell->done == p->options->times) {
        c->done(c->data, cell);
    }
    return rc;
}

/* Moves on to the next cell that has a round to begin; NULL: there is none. Rounds of one cell are
 * far apart, so that what makes one differ (a slow minute) does not strike all. */
static struct prove_cell *next_cell(struct cells *c, size_t *round)
{
    struct prove *p = c->prove;
    while (c->next_round < p->options->times) {
        while (c->next_cell < p->cell_count) {
            struct prove_cell *cell = &p->cells[c->next_cell++];
            if (!cell->empty) {
                *round = c->next_round;
                return cell;
            }
        }
        c->next_cell = 0;
        c->next_round++;
    }
    return NULL;
}

static int prepare(void *data, size_t *number, struct err *e)
{
    struct cells *c = data;
    struct prove *p = c->prove;
    size_t round;
    char folder[1200];
    char dir[4096];
    struct prove_cell *cell = next_cell(c, &round);
    if (cell == NULL) {
        return 0;
    }
    *number = round * p->cell_count + (size_t)(cell - p->cells);
    round_folder(p, cell, round, folder, sizeof folder);
    const struct watched what = {.scenario = p->selection->path[cell->scenario],
                                 .title = p->selection->scenario[cell->scenario]->title,
                                 .variant = cell->name,
                                 .round = round + 1,
                                 .rounds = p->options->times > 1,
                                 .dir = dir};
    return results_prepare(p->options->out, folder, dir, sizeof dir, e) != 0 ||
                   watch_begin(p->watch, *number, &what, e) != 0
               ? -1
               : 1;
}

static void tick(void *data, bool resumed)
{
    struct cells *c = data;
    watch_tick(c->prove->watch, resumed);
}

int prove_jobs(struct prove *p, void (*done)(void *data, const struct prove_cell *cell), void *data,
               int *signum, struct err *e)
{
    struct cells c = {.prove = p, .done = done, .data = data};
    const struct jobs_work work = {.data = &c,
                                   .at_once = p->options->jobs,
                                   .tick_ns = watch_tick_ns(p->watch),
                                   .next = prepare,
                                   .child = child,
                                   .ended = ended,
                                   .tick = tick};
    return jobs_run(&work, signum, e);
}
