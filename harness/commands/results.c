/* Where results lie, and the files that are written there. */
#include "harness/commands/results.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/log.h"
#include "harness/trace.h"
#include "reports/report.h"

#define REPORT_MAX_BYTES (256u << 20)

void results_folder(const char *path, char *name, size_t size)
{
    size_t n = 0;
    while (strncmp(path, "./", 2) == 0 || strncmp(path, "../", 3) == 0 || path[0] == '/') {
        path += path[0] == '/' ? 1 : strcspn(path, "/") + 1;
    }
    size_t len = strlen(path);
    if (len > 5 && strcmp(path + len - 5, ".json") == 0) {
        len -= 5;
    }
    for (size_t i = 0; i < len && n + 1 < size; i++) {
        name[n++] = path[i] == '/' ? '-' : path[i];
    }
    name[n] = '\0';
}

static int make_folders(const char *path, struct err *e)
{
    char part[4096];
    snprintf(part, sizeof part, "%s", path);
    for (char *p = part + 1; *p != '\0'; p++) {
        if (*p == '/') {
            *p = '\0';
            if (mkdir(part, 0777) != 0 && errno != EEXIST) {
                return err_errno(e, errno, "cannot make %s", part);
            }
            *p = '/';
        }
    }
    if (mkdir(part, 0777) != 0 && errno != EEXIST) {
        return err_errno(e, errno, "cannot make %s", part);
    }
    return 0;
}

static void clear_starts(const char *dir)
{
    char path[4600];
    snprintf(path, sizeof path, "%s/starts", dir);
    DIR *starts = opendir(path);
    if (starts == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(starts)) != NULL;) {
        size_t len = strlen(entry->d_name);
        if (len > 4 && strcmp(entry->d_name + len - 4, ".txt") == 0) {
            unlinkat(dirfd(starts), entry->d_name, 0);
        }
    }
    closedir(starts);
}

int results_prepare(const char *out, const char *folder, char *dir, size_t size, struct err *e)
{
    char path[4600];
    int n = snprintf(dir, size, "%s/%s", out, folder);
    if (n < 0 || (size_t)n >= size) {
        return err_set(e, ERR_USAGE, "--out %s: the path is too long", out);
    }
    if (make_folders(dir, e) != 0) {
        return -1;
    }
    clear_starts(dir);
    snprintf(path, sizeof path, "%s/history.jsonl", dir);
    if (unlink(path) != 0 && errno != ENOENT) {
        return err_errno(e, errno, "cannot remove %s", path);
    }
    for (size_t i = 0; i < report_format_count; i++) {
        if (report_formats[i].all == NULL && report_formats[i].file != NULL) {
            snprintf(path, sizeof path, "%s/%s", dir, report_formats[i].file);
            if (unlink(path) != 0 && errno != ENOENT) {
                return err_errno(e, errno, "cannot remove %s", path);
            }
        }
    }
    return 0;
}

/* In one folder two scenarios would overwrite each other, and one verdict would stand for both. */
static int folders_differ(const struct selection *s, struct err *e)
{
    char one[1024];
    char other[1024];
    for (size_t i = 0; i < s->count; i++) {
        results_folder(s->path[i], one, sizeof one);
        for (size_t k = i + 1; k < s->count; k++) {
            results_folder(s->path[k], other, sizeof other);
            if (strcmp(one, other) == 0) {
                return err_set(e, ERR_USAGE, "%s and %s would write results to one folder, %s",
                               s->path[i], s->path[k], one);
            }
        }
    }
    return 0;
}

int results_begin(const struct selection *s, const char *out, struct err *e)
{
    char path[4600];
    if (folders_differ(s, e) != 0 || make_folders(out, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < report_format_count; i++) {
        if (report_formats[i].all == NULL || report_formats[i].file == NULL) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", out, report_formats[i].file);
        if (unlink(path) != 0 && errno != ENOENT) {
            return err_errno(e, errno, "cannot remove %s", path);
        }
    }
    return 0;
}

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
    if (list->verdict == VERDICT_INCONCLUSIVE || (list->verdict == VERDICT_SKIPPED && o->no_skip)) {
        return verdict_exit(o->inconclusive);
    }
    return verdict_exit(list->verdict);
}

void results_conclude(struct verdict_list *list, const struct options *o)
{
    list->verdict = VERDICT_SKIPPED;
    for (size_t i = 0; i < list->count; i++) {
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
    results_folder(path, folder, sizeof folder);
    v->scenario = arena_strdup(&v->arena, path);
    v->title = arena_strdup(&v->arena, title);
    v->folder = arena_strdup(&v->arena, folder);
    v->why = arena_strdup(&v->arena, why);
    v->verdict = VERDICT_ERROR;
    v->blame = "harness";
    v->reason = "failure";
    v->version = "";
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

struct verdict *results_of_process(const char *out, const char *folder, const char *scenario,
                                   const char *title, int status, struct err *e)
{
    char path[4096];
    char why[256];
    struct err local = {0};
    snprintf(path, sizeof path, "%s/%s/journal.json", out, folder);
    struct verdict *v = verdict_load(path, &local);
    if (v != NULL && WIFEXITED(status)) {
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
