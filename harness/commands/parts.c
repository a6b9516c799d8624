/* Several scenarios side by side. Happy path: a child per scenario runs `run --part`, which writes
 * the scenario's folder and nothing else; the parent reaps it and reads its journal. A child that
 * dies without a journal becomes a verdict of its own (error), so no scenario is ever lost.
 * Children are asked to end (SIGTERM) when the parent is gone, so a kill -9 of it leaves nothing.
 */
#include "harness/commands/parts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/commands/results.h"

struct part {
    pid_t pid; /* 0: not begun, or reaped */
    bool reaped;
    int status;
};

struct parts {
    const struct options *options;
    const struct selection *selection;
    struct part *part;
    size_t begun, running, told;
    int signal;
    sigset_t old_mask;
};

#define MAX_WORDS (16 + 2 * OPTIONS_MAX_VARS)

/* The words of the child's command line. SEED holds the digits. */
static void words_of(const struct options *o, const char *path, char *seed, size_t seed_size,
                     const char **words)
{
    size_t n = 0;
    words[n++] = options_program();
    words[n++] = "run";
    words[n++] = "--part";
    words[n++] = "--out";
    words[n++] = o->out;
    for (size_t i = 0; i < o->var_count; i++) {
        words[n++] = "--var";
        words[n++] = o->vars[i];
    }
    if (o->has_seed) {
        snprintf(seed, seed_size, "%llu", (unsigned long long)o->seed);
        words[n++] = "--seed";
        words[n++] = seed;
    }
    if (o->subject != NULL) {
        words[n++] = "--subject";
        words[n++] = o->subject;
    }
    if (o->variant != NULL) {
        words[n++] = "--variant";
        words[n++] = o->variant;
    }
    if (o->quiet || o->jobs > 1) { /* live lines of several drills would overwrite each other */
        words[n++] = "--quiet";
    }
    words[n++] = path;
    words[n] = NULL;
}

static char **child_words(const struct options *o, const char *path, char *seed, size_t seed_size)
{
    char **words = calloc(MAX_WORDS + o->command_count + 2, sizeof *words);
    if (words == NULL) {
        return NULL;
    }
    words_of(o, path, seed, seed_size, (const char **)words);
    if (o->command_count > 0) {
        size_t n = 0;
        while (words[n] != NULL) {
            n++;
        }
        words[n++] = "--";
        memcpy(words + n, o->command, o->command_count * sizeof *words);
    }
    return words;
}

static int begin(struct parts *p, size_t index, struct err *e)
{
    char seed[32];
    pid_t parent = getpid();
    char **words = child_words(p->options, p->selection->path[index], seed, sizeof seed);
    if (words == NULL) {
        return err_set(e, ERR_NOMEM, "no memory");
    }
    pid_t pid = fork();
    if (pid == 0) {
        sigprocmask(SIG_SETMASK, &p->old_mask, NULL); /* held as ours: its drill lets them */
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() == parent) {
            execv("/proc/self/exe", words);
        }
        _exit(EXIT_ERROR);
    }
    free(words);
    if (pid < 0) {
        return err_errno(e, errno, "cannot start a process");
    }
    p->part[index].pid = pid;
    p->begun++;
    p->running++;
    return 0;
}

static void pass_on(struct parts *p, int signum)
{
    p->signal = signum;
    for (size_t i = 0; i < p->begun; i++) {
        if (p->part[i].pid != 0) {
            kill(p->part[i].pid, signum);
        }
    }
}

static void reap(struct parts *p)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < p->begun; i++) {
            if (p->part[i].pid == pid) {
                p->part[i] = (struct part){.reaped = true, .status = status};
                p->running--;
            }
        }
    }
}

static struct verdict *read_part(const struct parts *p, size_t index, struct err *e)
{
    char folder[1024];
    const char *file = p->selection->path[index];
    results_folder(file, folder, sizeof folder);
    return results_of_process(p->options->out, folder, file, p->selection->scenario[index]->title,
                              p->part[index].status, e);
}

static int tell(struct parts *p, struct verdict_list *list,
                void (*done)(void *data, const struct verdict *v), void *data, struct err *e)
{
    while (p->told < p->selection->count && p->part[p->told].reaped) {
        struct verdict *v = read_part(p, p->told, e);
        if (v == NULL) {
            return -1;
        }
        if (p->signal != 0 && v->signal == 0 && v->verdict == VERDICT_ERROR) {
            v->signal = p->signal;
        }
        list->items[list->count++] = v;
        p->told++;
        done(data, v);
    }
    return 0;
}

static int run(struct parts *p, struct verdict_list *list,
               void (*done)(void *data, const struct verdict *v), void *data,
               const sigset_t *waited, struct err *e)
{
    int rc = 0;
    while (rc == 0 && p->told < p->selection->count) {
        bool more = p->signal == 0 && p->begun < p->selection->count;
        if (more && p->running < p->options->jobs) {
            rc = begin(p, p->begun, e);
            continue;
        }
        if (p->running == 0) {
            break;
        }
        int signum = sigwaitinfo(waited, NULL);
        if (signum == SIGINT || signum == SIGTERM) {
            pass_on(p, signum);
        }
        reap(p);
        rc = tell(p, list, done, data, e);
    }
    return rc;
}

int parts_run(const struct options *o, const struct selection *s, struct verdict_list *list,
              void (*done)(void *data, const struct verdict *v), void *data, struct err *e)
{
    struct parts p = {.options = o, .selection = s};
    sigset_t waited;
    p.part = calloc(s->count, sizeof *p.part);
    if (p.part == NULL) {
        return err_set(e, ERR_NOMEM, "no memory");
    }
    sigemptyset(&waited);
    sigaddset(&waited, SIGCHLD);
    sigaddset(&waited, SIGINT);
    sigaddset(&waited, SIGTERM);
    sigprocmask(SIG_BLOCK, &waited, &p.old_mask);
    int rc = run(&p, list, done, data, &waited, e);
    if (rc != 0) {
        pass_on(&p, SIGTERM);
        while (p.running > 0) {
            sigwaitinfo(&waited, NULL);
            reap(&p);
        }
    }
    sigprocmask(SIG_SETMASK, &p.old_mask, NULL);
    free(p.part);
    return rc;
}
