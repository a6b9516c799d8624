/* `run`: drills scenarios, each in a process of its own, and prints their verdicts.
 *
 * Happy path: the pool (jobs.c) begins a drill for each scenario; one that has ended left a
 * journal, which is read, and its verdict is printed once those before it have been. Failure modes:
 * a process that left no journal, or could not be begun, becomes a verdict of its own (error); an
 * interrupt ends what runs, and those that were not begun have no verdict. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "harness/base/log.h"
#include "harness/commands/command.h"
#include "harness/commands/drill_one.h"
#include "harness/commands/jobs.h"
#include "harness/commands/listen.h"
#include "harness/commands/options.h"
#include "harness/commands/results.h"
#include "harness/commands/select.h"
#include "harness/commands/watch.h"
#include "harness/interrupts.h"
#include "reports/report.h"

#define PRINT_MAX_BYTES (64u << 20)

struct run {
    const struct options *options;
    struct selection *selection;
    struct verdict **verdict; /* of each scenario; NULL: not yet */
    struct watch *watch;
    size_t begun, told;
    bool refused; /* the only scenario's input is at fault, which its process has told */
};

/* ---- what is printed ----------------------------------------------------------------------- */

static void print_one(struct run *r, const struct verdict *v)
{
    const struct report_style style = {.colour = options_colour(stdout)};
    struct buf b;
    if (watch_streams(r->watch)) {
        return;
    }
    buf_init(&b, PRINT_MAX_BYTES);
    report_text(v, &style, &b);
    buf_char(&b, '\n');
    watch_print(r->watch, stdout, &b);
    buf_close(&b);
}

static void print_all(struct run *r, const struct verdict_list *list)
{
    const struct report_style flat = {.flat = true};
    struct buf b;
    buf_init(&b, PRINT_MAX_BYTES);
    if (watch_streams(r->watch)) {
        report_results(list, &flat, &b);
        watch_finish(r->watch, &b);
    } else {
        report_tally(list, &b);
        watch_print(r->watch, stdout, &b);
    }
    buf_close(&b);
}

/* ---- drills -------------------------------------------------------------------------------- */

/* The next scenario is about to begin: what an earlier run left in its folder is taken away first,
 * so that nobody reads it for this one's. */
static int prepare(void *data, size_t *number, struct err *e)
{
    struct run *r = data;
    char folder[1024];
    char dir[4096];
    if (r->begun == r->selection->count) {
        return 0;
    }
    *number = r->begun++;
    const struct watched what = {.scenario = r->selection->path[*number],
                                 .title = r->selection->scenario[*number]->title,
                                 .dir = dir};
    scenario_folder(what.scenario, folder, sizeof folder);
    return results_prepare(r->options->out, folder, dir, sizeof dir, e) != 0 ||
                   watch_begin(r->watch, *number, &what, e) != 0
               ? -1
               : 1;
}

static int child(void *data, size_t number)
{
    struct run *r = data;
    const struct options *o = r->options;
    struct scenario *s = r->selection->scenario[number];
    char folder[1024];
    watch_child(r->watch);
    scenario_folder(r->selection->path[number], folder, sizeof folder);
    const struct drill_one one = {.options = o,
                                  .path = r->selection->path[number],
                                  .folder = folder,
                                  .seed = options_seed(o, s)};
    r->selection->scenario[number] = NULL;
    return drill_one(&one, s);
}

static void tell(struct run *r)
{
    for (; r->told < r->begun && r->verdict[r->told] != NULL; r->told++) {
        print_one(r, r->verdict[r->told]);
    }
}

static int ended(void *data, size_t number, int status, const char *trouble, struct err *e)
{
    struct run *r = data;
    char folder[1024];
    const char *path = r->selection->path[number];
    const char *title = r->selection->scenario[number]->title;
    if (r->selection->count == 1 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_USAGE) {
        r->refused = true;
        return watch_ended(r->watch, number, NULL, e);
    }
    scenario_folder(path, folder, sizeof folder);
    struct verdict *v = trouble != NULL
                            ? results_lost(path, title, trouble, e)
                            : results_of_process(r->options->out, folder, path, title, status, e);
    r->verdict[number] = v;
    if (v == NULL || watch_ended(r->watch, number, v, e) != 0) {
        return -1;
    }
    tell(r);
    return 0;
}

static void tick(void *data, bool resumed)
{
    struct run *r = data;
    watch_tick(r->watch, resumed);
}

static int run_drills(struct run *r, struct verdict_list *list, struct err *e)
{
    int signum = 0;
    const struct jobs_work work = {.data = r,
                                   .at_once = r->options->jobs,
                                   .tick_ns = watch_tick_ns(r->watch),
                                   .next = prepare,
                                   .child = child,
                                   .ended = ended,
                                   .tick = tick};
    r->verdict = list->items;
    int rc = jobs_run(&work, &signum, e);
    while (list->count < r->begun && list->items[list->count] != NULL) {
        struct verdict *v = list->items[list->count++];
        if (signum != 0 && v->signal == 0 && v->verdict == VERDICT_ERROR) {
            v->signal = signum;
        }
    }
    if (signum != 0 && list->count < r->selection->count) {
        list->signal = signum;
    }
    return rc;
}

/* ---- from end to end ----------------------------------------------------------------------- */

static enum exit_status finish(struct run *r, struct verdict_list *list)
{
    struct err e = {0};
    const char *out = r->options->out;
    results_conclude(list, r->options);
    if (results_write_all(list, out, &e) != 0) {
        return options_complain(&e);
    }
    print_all(r, list);
    if (list->signal != 0) {
        log_line("interrupted: %zu of %zu scenarios were never begun",
                 r->selection->count - list->count, r->selection->count);
    }
    results_printed(out);
    return list->exit;
}

static enum exit_status run_selected(struct options *o, struct selection *s)
{
    struct err e = {0};
    struct verdict_list list = {.items = calloc(s->count, sizeof *list.items)};
    struct run r = {.options = o, .selection = s};
    if (list.items == NULL) {
        err_set(&e, ERR_NOMEM, "no memory");
        return options_complain(&e);
    }
    interrupts_hold();
    r.watch = watch_new(o, true, s->count > 1, &e);
    bool ok =
        r.watch != NULL && results_begin(s, o->out, &e) == 0 && run_drills(&r, &list, &e) == 0;
    enum exit_status status = r.refused ? EXIT_USAGE : ok ? finish(&r, &list) : EXIT_ERROR;
    watch_free(r.watch);
    if (!ok) {
        status = options_complain(&e);
    }
    for (size_t i = 0; i < s->count; i++) {
        verdict_free(list.items[i]);
    }
    free(list.items);
    return status;
}

int command_run(int argc, char **argv)
{
    struct options o;
    struct err e = {0};
    struct selection s = {0};
    if (options_read(&o, argc, argv, &e) != 0 || options_text_or_json(&o, &e) != 0) {
        return (int)options_complain(&e);
    }
    enum exit_status status = select_scenarios(&o, &s);
    if (status == EXIT_PASS && listen_check(&o, s.scenario, s.count, &e) != 0) {
        status = options_complain(&e);
    }
    if (status == EXIT_PASS) {
        status = run_selected(&o, &s);
    }
    select_close(&s);
    return (int)status;
}
