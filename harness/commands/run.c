/* `run`: drills scenarios and prints their verdicts. */
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/log.h"
#include "harness/commands/command.h"
#include "harness/commands/options.h"
#include "harness/commands/parts.h"
#include "harness/commands/results.h"
#include "harness/commands/select.h"
#include "harness/drill.h"
#include "harness/interrupts.h"
#include "reports/report.h"

#define PRINT_MAX_BYTES (64u << 20)

static void print(const struct buf *b)
{
    fwrite(b->data != NULL ? b->data : "", 1, b->len, stdout);
    fflush(stdout);
}

static void print_one(void *data, const struct verdict *v)
{
    const struct options *o = data;
    const struct report_style style = {.colour = isatty(STDOUT_FILENO) != 0 &&
                                                 getenv("NO_COLOR") == NULL};
    if (strcmp(o->format, "text") != 0) {
        return;
    }
    struct buf b;
    buf_init(&b, PRINT_MAX_BYTES);
    report_text(v, &style, &b);
    buf_char(&b, '\n');
    print(&b);
    buf_close(&b);
}

static void print_all(const struct options *o, const struct verdict_list *list)
{
    const struct report_style plain = {.colour = false};
    struct buf b;
    buf_init(&b, PRINT_MAX_BYTES);
    if (strcmp(o->format, "json") == 0) {
        report_results(list, &plain, &b);
    } else {
        report_tally(list, &b);
    }
    print(&b);
    buf_close(&b);
}

/* Runs one scenario here, writes its folder, and returns its verdict (an error one, if need be). */
static struct verdict *run_here(const struct options *o, struct selection *s, struct err *e)
{
    char folder[1024];
    char dir[4096];
    char title[256];
    struct err why = {0};
    snprintf(title, sizeof title, "%s", s->scenario[0]->title);
    results_folder(s->path[0], folder, sizeof folder);
    if (results_prepare(o->out, folder, dir, sizeof dir, e) != 0) {
        return NULL;
    }
    char *replay = options_replay(o, "run", s->path[0]);
    char *tail = options_replay_tail(o);
    struct drill_options options = {.out = dir,
                                    .has_seed = o->has_seed || !s->scenario[0]->has_seed,
                                    .seed = o->has_seed ? o->seed : clock_now_ns() & 0xffffffffu,
                                    .replay = replay,
                                    .replay_tail = tail,
                                    .progress = !o->quiet};
    struct scenario *scenario = s->scenario[0];
    s->scenario[0] = NULL;
    struct verdict *v = drill_run(scenario, &options, &why);
    free(replay);
    free(tail);
    if (v == NULL && (why.code == ERR_INVALID || why.code == ERR_USAGE)) {
        *e = why;
        return NULL;
    }
    if (v == NULL) {
        v = results_lost(s->path[0], title, why.text, e);
    }
    if (v != NULL) {
        v->folder = arena_strdup(&v->arena, folder);
        v->scenario = arena_strdup(&v->arena, s->path[0]);
    }
    if (v != NULL && results_write_one(v, dir, e) != 0) {
        verdict_free(v);
        return NULL;
    }
    return v;
}

static int run_all(struct options *o, struct selection *s, struct verdict_list *list, struct err *e)
{
    if (s->count > 1) {
        return parts_run(o, s, list, print_one, o, e);
    }
    struct verdict *v = run_here(o, s, e);
    if (v == NULL) {
        return -1;
    }
    list->items[list->count++] = v;
    if (!o->part) {
        print_one(o, v);
    }
    return 0;
}

static enum exit_status finish(const struct options *o, struct verdict_list *list)
{
    struct err e = {0};
    results_conclude(list, o);
    if (o->part) {
        return list->exit;
    }
    if (results_write_all(list, o->out, &e) != 0) {
        options_complain(&e);
        return EXIT_ERROR;
    }
    print_all(o, list);
    /* The files say it all: a reader of stdout that went away does not change the verdict. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        log_line("cannot write to stdout; the results are in %s", o->out);
        __fpurge(stdout);
        clearerr(stdout);
    }
    return list->exit;
}

static enum exit_status run_selected(struct options *o, struct selection *s)
{
    struct err e = {0};
    struct verdict_list list = {0};
    list.items = calloc(s->count, sizeof *list.items);
    if (list.items == NULL) {
        err_set(&e, ERR_NOMEM, "no memory");
        return options_complain(&e);
    }
    interrupts_hold();
    enum exit_status status =
        (o->part || results_begin(s, o->out, &e) == 0) && run_all(o, s, &list, &e) == 0
            ? finish(o, &list)
            : options_complain(&e);
    for (size_t i = 0; i < list.count; i++) {
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
    if (options_read(&o, argc, argv, &e) != 0) {
        return (int)options_complain(&e);
    }
    if (strcmp(o.format, "text") != 0 && strcmp(o.format, "json") != 0) {
        err_set(&e, ERR_USAGE, "--format %s: text or json", o.format);
        return (int)options_complain(&e);
    }
    enum exit_status status = select_scenarios(&o, &s);
    if (status == EXIT_PASS) {
        status = run_selected(&o, &s);
    }
    select_close(&s);
    return (int)status;
}
