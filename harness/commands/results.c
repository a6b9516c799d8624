/* The files that results are written to, and the verdict of an invocation. */
#include "harness/commands/results.h"

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/log.h"
#include "harness/trace.h"
#include "harness/version.h"
#include "reports/report.h"

#define REPORT_MAX_BYTES (256u << 20)

/* Whole or not at all: written beside, then renamed. */
static int write_file(const char *dir, const char *file, const struct buf *b, struct err *e)
{
    char path[4600];
    char part[4700];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    snprintf(part, sizeof part, "%s.part", path);
    if (b->failed) {
        return err_set(e, ERR_NOMEM, "%s: no memory", path);
    }
    FILE *f = fopen(part, "we");
    if (f == NULL) {
        return err_errno(e, errno, "cannot write %s", part);
    }
    bool ok = fwrite(b->data != NULL ? b->data : "", 1, b->len, f) == b->len;
    ok = fclose(f) == 0 && ok;
    if (!ok || rename(part, path) != 0) {
        int cause = errno;
        unlink(part);
        return err_errno(e, cause, "cannot write %s", path);
    }
    return 0;
}

struct trace *results_trace(const char *history)
{
    struct err e = {0};
    if (access(history, F_OK) != 0) {
        return NULL;
    }
    struct trace *t = trace_read(history, &e);
    if (t == NULL) {
        log_line("%s; the report has no picture", e.text);
    }
    return t;
}

int results_write_one(const struct verdict *v, const char *dir, struct err *e)
{
    const struct report_style plain = {.colour = false};
    char history[4600];
    snprintf(history, sizeof history, "%s/history.jsonl", dir);
    struct trace *t = results_trace(history);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < report_format_count; i++) {
        const struct report_format *format = &report_formats[i];
        if (format->all != NULL || format->file == NULL) {
            continue;
        }
        struct buf b;
        buf_init(&b, REPORT_MAX_BYTES);
        if (format->traced != NULL) {
            format->traced(v, t, &plain, &b);
        } else {
            format->one(v, &plain, &b);
        }
        rc = write_file(dir, format->file, &b, e);
        buf_close(&b);
    }
    trace_free(t);
    return rc;
}

int results_write_all(const struct verdict_list *list, const char *out, struct err *e)
{
    const struct report_style plain = {.colour = false};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < report_format_count; i++) {
        const struct report_format *format = &report_formats[i];
        if (format->all == NULL || format->file == NULL) {
            continue;
        }
        struct buf b;
        buf_init(&b, REPORT_MAX_BYTES);
        format->all(list, &plain, &b);
        rc = write_file(out, format->file, &b, e);
        buf_close(&b);
    }
    return rc;
}

void results_printed(const char *out)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        log_line("cannot write to stdout; the results are in %s", out);
        __fpurge(stdout);
        clearerr(stdout);
    }
}

static enum exit_status exit_of(const struct verdict_list *list, const struct options *o)
{
    if (list->signal != 0) {
        return (enum exit_status)(128 + list->signal);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->signal != 0) {
            return (enum exit_status)(128 + list->items[i]->signal);
        }
    }
    if (list->count == 0) {
        return EXIT_NOTHING;
    }
    if (list->verdict == VERDICT_INCONCLUSIVE) {
        return verdict_exit(o->inconclusive);
    }
    return verdict_exit(list->verdict);
}

/* `--no-skip`: what was skipped counts, beside others that passed, too. */
static void count_skip(struct verdict *v)
{
    if (v->verdict != VERDICT_SKIPPED) {
        return;
    }
    v->verdict = VERDICT_INCONCLUSIVE;
    for (size_t i = 0; i < v->check_count; i++) {
        v->checks[i].verdict = VERDICT_INCONCLUSIVE;
    }
}

void results_conclude(struct verdict_list *list, const struct options *o)
{
    list->verdict = VERDICT_SKIPPED;
    for (size_t i = 0; i < list->count; i++) {
        if (o->no_skip) {
            count_skip(list->items[i]);
        }
        if (list->items[i]->verdict > list->verdict) {
            list->verdict = list->items[i]->verdict;
        }
    }
    list->exit = exit_of(list, o);
}

struct verdict *results_lost(const char *path, const char *title, const char *why, struct err *e)
{
    struct verdict *v = verdict_new(e);
    if (v == NULL) {
        return NULL;
    }
    char folder[1024];
    scenario_folder(path, folder, sizeof folder);
    v->scenario = arena_strdup(&v->arena, path);
    v->title = arena_strdup(&v->arena, title);
    v->folder = arena_strdup(&v->arena, folder);
    v->why = arena_strdup(&v->arena, why);
    v->verdict = VERDICT_ERROR;
    v->blame = "harness";
    v->reason = "failure";
    v->version = PULLDRILL_VERSION;
    v->began = "";
    v->replay = "";
    v->subject_noun = "starts";
    v->reach = "";
    if (v->arena.failed) {
        verdict_free(v);
        err_set(e, ERR_NOMEM, "no memory");
        return NULL;
    }
    return v;
}

/* The journal of a process that failed after it had written that: a report is missing, and no pass
 * may hide it. */
static void say_incomplete(struct verdict *v, int status)
{
    if (status == EXIT_ERROR && v->verdict != VERDICT_ERROR) {
        v->verdict = VERDICT_ERROR;
        v->blame = "harness";
        v->why = "not all of its results could be written";
    }
}

struct verdict *results_of_process(const char *out, const char *folder, const char *scenario,
                                   const char *title, int status, struct err *e)
{
    char path[4096];
    char why[256];
    struct err local = {0};
    snprintf(path, sizeof path, "%s/%s/journal.json", out, folder);
    struct verdict *v = verdict_load(path, &local);
    if (v != NULL && WIFEXITED(status)) {
        say_incomplete(v, WEXITSTATUS(status));
        return v;
    }
    verdict_free(v);
    if (WIFSIGNALED(status)) {
        snprintf(why, sizeof why, "its process was ended by signal %d", WTERMSIG(status));
    } else {
        snprintf(why, sizeof why, "its process exited %d: %.180s", WEXITSTATUS(status), local.text);
    }
    return results_lost(scenario, title, why, e);
}
