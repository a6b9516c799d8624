/* `prove`: shows that scenarios tell good from bad. Every good subject passes, every bad twin fails
 * for the reasons named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/commands/command.h"
#include "harness/commands/listen.h"
#include "harness/commands/prove.h"
#include "harness/commands/results.h"
#include "harness/commands/watch.h"
#include "harness/interrupts.h"
#include "reports/report.h"

#define PRINT_MAX_BYTES (64u << 20)
#define ARENA_MAX_BYTES ((size_t)256 << 20)

/* ---- the cells ----------------------------------------------------------------------------- */

/* The bare variant where that says which it is. */
static const char *twin_name(struct prove *p, const struct scenario *s,
                             const struct scenario_twin *twin)
{
    if (s->subject_count == 1 && strcmp(twin->variant, "good") != 0) {
        return arena_strdup(&p->arena, twin->variant);
    }
    return arena_printf(&p->arena, "%s.%s", s->subjects[twin->subject].name, twin->variant);
}

static int add_cell(struct prove *p, size_t scenario, const struct scenario_twin *twin, bool empty,
                    struct err *e)
{
    const struct scenario *s = p->selection->scenario[scenario];
    char folder[1024];
    if (p->cell_count == PROVE_MAX_CELLS) {
        return err_set(e, ERR_LIMIT, "more than %d subjects and twins", PROVE_MAX_CELLS);
    }
    struct prove_cell *cell = &p->cells[p->cell_count++];
    scenario_folder(p->selection->path[scenario], folder, sizeof folder);
    cell->scenario = scenario;
    cell->twin = twin;
    cell->empty = empty;
    cell->name = empty ? "(none)" : twin != NULL ? twin_name(p, s, twin) : "good";
    cell->folder = arena_printf(&p->arena, "%s/%s", folder, cell->name != NULL ? cell->name : "");
    return p->arena.failed ? err_set(e, ERR_NOMEM, "no memory") : 0;
}

static int add_scenario(struct prove *p, size_t scenario, struct err *e)
{
    const struct scenario *s = p->selection->scenario[scenario];
    p->seeds[scenario] = options_seed(p->options, s);
    if (add_cell(p, scenario, NULL, false, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < s->twin_count; i++) {
        if (add_cell(p, scenario, &s->twins[i], false, e) != 0) {
            return -1;
        }
    }
    return s->twin_count == 0 ? add_cell(p, scenario, NULL, true, e) : 0;
}

static int plan(struct prove *p, struct err *e)
{
    size_t most = 0;
    for (size_t i = 0; i < p->selection->count; i++) {
        most += p->selection->scenario[i]->twin_count + 2;
    }
    arena_init(&p->arena, ARENA_MAX_BYTES);
    p->cells = calloc(most, sizeof *p->cells);
    p->seeds = calloc(p->selection->count, sizeof *p->seeds);
    if (p->cells == NULL || p->seeds == NULL) {
        return err_set(e, ERR_NOMEM, "no memory");
    }
    for (size_t i = 0; i < p->selection->count; i++) {
        if (add_scenario(p, i, e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- what is told -------------------------------------------------------------------------- */

/* Progress: a line a cell, as they end. */
static void on_cell(void *data, const struct prove_cell *cell)
{
    const struct prove *p = data;
    struct buf b;
    if (p->options->quiet) {
        return;
    }
    buf_init(&b, PRINT_MAX_BYTES);
    buf_str(&b, p->selection->path[cell->scenario]);
    prove_line(p, cell, options_colour(stderr), &b);
    watch_print(p->watch, stderr, &b);
    buf_close(&b);
}

static int print_all(const struct prove *p, const struct verdict_list *list, struct err *e)
{
    struct buf b;
    buf_init(&b, PRINT_MAX_BYTES);
    if (watch_streams(p->watch)) {
        prove_json(p, list, &b);
        watch_finish(p->watch, &b);
    } else {
        prove_text(p, options_colour(stdout), &b);
        report_tally(list, &b);
        watch_print(p->watch, stdout, &b);
    }
    int rc = b.failed ? err_set(e, ERR_NOMEM, "no memory for the table") : 0;
    buf_close(&b);
    return rc;
}

/* ---- from end to end ----------------------------------------------------------------------- */

/* What an earlier invocation left, cells and rounds that this one does not have too, would be taken
 * for its own. */
static int clear_folders(const struct prove *p, struct err *e)
{
    char folder[1024];
    char dir[4096];
    for (size_t i = 0; i < p->selection->count; i++) {
        scenario_folder(p->selection->path[i], folder, sizeof folder);
        if (results_prepare(p->options->out, folder, dir, sizeof dir, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int conclude(struct prove *p, int signum, struct verdict_list *list, struct err *e)
{
    for (size_t i = 0; i < p->selection->count; i++) {
        struct verdict *v = prove_verdict(p, i, signum, e);
        if (v == NULL) {
            return -1;
        }
        list->items[list->count++] = v;
    }
    results_conclude(list, p->options);
    if (results_write_all(list, p->options->out, e) != 0 || print_all(p, list, e) != 0) {
        return -1;
    }
    results_printed(p->options->out);
    return 0;
}

static enum exit_status prove_selected(struct options *o, struct selection *s)
{
    struct err e = {0};
    struct prove p = {.options = o, .selection = s};
    struct verdict_list list = {.items = calloc(s->count, sizeof *list.items)};
    int signum = 0;
    if (list.items == NULL) {
        err_set(&e, ERR_NOMEM, "no memory");
        return options_complain(&e);
    }
    interrupts_hold();
    p.watch = watch_new(o, false, true, &e);
    bool ok = p.watch != NULL && plan(&p, &e) == 0 && results_begin(s, o->out, &e) == 0 &&
              clear_folders(&p, &e) == 0 && prove_jobs(&p, on_cell, &p, &signum, &e) == 0 &&
              conclude(&p, signum, &list, &e) == 0;
    watch_free(p.watch);
    enum exit_status status = ok ? list.exit : options_complain(&e);
    for (size_t i = 0; i < list.count; i++) {
        verdict_free(list.items[i]);
    }
    free(list.items);
    free(p.cells);
    free(p.seeds);
    arena_close(&p.arena);
    return status;
}

static int check_options(const struct options *o, struct err *e)
{
    if (options_text_or_json(o, e) != 0) {
        return -1;
    }
    if (o->subject != NULL && o->command == NULL) {
        return err_set(e, ERR_USAGE,
                       "--subject %s: which command takes its place? write it after "
                       "--",
                       o->subject);
    }
    return 0;
}

int command_prove(int argc, char **argv)
{
    struct options o;
    struct err e = {0};
    struct selection s = {0};
    if (options_read(&o, argc, argv, &e) != 0 || check_options(&o, &e) != 0) {
        return (int)options_complain(&e);
    }
    enum exit_status status = select_scenarios(&o, &s);
    if (status == EXIT_PASS && listen_check(&o, s.scenario, s.count, &e) != 0) {
        status = options_complain(&e);
    }
    if (status == EXIT_PASS) {
        status = prove_selected(&o, &s);
    }
    select_close(&s);
    return (int)status;
}
