/* The drills of a proof. Happy path: a child for each round of each cell drills it and writes its
 * folder; the parent reaps it, reads its journal and judges it. A child that dies without a journal
 * is a round of its own (error). Children end (SIGTERM) when the parent is gone. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/log.h"
#include "harness/commands/prove.h"
#include "harness/commands/results.h"
#include "harness/drill.h"

#define MAX_RUNNING 64 /* --jobs is at most that */

struct job {
    pid_t pid; /* 0: free */
    struct prove_cell *cell;
    size_t round;
};

struct jobs {
    struct prove *prove;
    struct job job[MAX_RUNNING];
    size_t next_cell, next_round;
    size_t running;
    int signal;
    sigset_t old_mask;
    void (*done)(void *data, const struct prove_cell *cell);
    void *data;
};

void prove_folder(const struct prove *p, const struct prove_cell *cell, size_t round, char *name,
                  size_t size)
{
    if (p->options->times > 1) {
        snprintf(name, size, "%s/%zu", cell->folder, round + 1);
    } else {
        snprintf(name, size, "%s", cell->folder);
    }
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

static struct verdict *drill_cell(const struct prove *p, const struct prove_cell *cell,
                                  const char *dir, struct err *e)
{
    const struct options o = cell_options(p, cell);
    const struct scenario_options so = options_scenario(&o);
    const char *path = p->selection->path[cell->scenario];
    struct scenario *s = scenario_load(path, &so, e);
    if (s == NULL) {
        return NULL;
    }
    char *replay = options_replay(&o, "run", path);
    char *tail = options_replay_tail(&o);
    struct drill_options options = {.out = dir,
                                    .has_seed = true,
                                    .seed = p->seeds[cell->scenario],
                                    .replay = replay,
                                    .replay_tail = tail};
    if (cell->twin != NULL) {
        options.stop_when_lost = (const char *const *)cell->twin->because;
        options.stop_when_lost_count = cell->twin->because_count;
    }
    struct verdict *v = drill_run(s, &options, e);
    free(replay);
    free(tail);
    return v;
}

static int child(const struct prove *p, const struct prove_cell *cell, const char *folder,
                 const char *dir)
{
    struct err e = {0};
    const char *path = p->selection->path[cell->scenario];
    struct verdict *v = drill_cell(p, cell, dir, &e);
    if (v == NULL) {
        log_line("%s as %s: %s", path, cell->name, e.text);
        return EXIT_ERROR;
    }
    v->folder = arena_strdup(&v->arena, folder);
    v->scenario = arena_strdup(&v->arena, path);
    int status = (int)verdict_exit(v->verdict);
    if (results_write_one(v, dir, &e) != 0) {
        log_line("%s as %s: %s", path, cell->name, e.text);
        status = EXIT_ERROR;
    }
    verdict_free(v);
    return status;
}

static int begin(struct jobs *j, struct job *job, struct prove_cell *cell, size_t round,
                 struct err *e)
{
    char folder[1200];
    char dir[4096];
    pid_t parent = getpid();
    prove_folder(j->prove, cell, round, folder, sizeof folder);
    if (results_prepare(j->prove->options->out, folder, dir, sizeof dir, e) != 0) {
        return -1;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        sigprocmask(SIG_SETMASK, &j->old_mask, NULL); /* interrupts stay held: it lets them */
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        _exit(getppid() == parent ? child(j->prove, cell, folder, dir) : EXIT_ERROR);
    }
    if (pid < 0) {
        return err_errno(e, errno, "cannot start a process");
    }
    *job = (struct job){.pid = pid, .cell = cell, .round = round};
    j->running++;
    return 0;
}

/* ---- the parent ---------------------------------------------------------------------------- */

static struct verdict *read_job(const struct jobs *j, const struct job *job, int status,
                                struct err *e)
{
    const struct prove *p = j->prove;
    char folder[1200];
    prove_folder(p, job->cell, job->round, folder, sizeof folder);
    return results_of_process(p->options->out, folder, p->selection->path[job->cell->scenario], "",
                              status, e);
}

static int ended(struct jobs *j, struct job *job, int status, struct err *e)
{
    struct prove *p = j->prove;
    struct prove_cell *cell = job->cell;
    struct prove_finding finding;
    struct verdict *v = read_job(j, job, status, e);
    job->pid = 0;
    j->running--;
    if (v == NULL) {
        return -1;
    }
    if (cell->twin == NULL) {
        prove_judge_good(v, &finding);
    } else {
        prove_judge_twin(v, p->selection->scenario[cell->scenario], cell->twin, &finding);
    }
    prove_add_round(p, cell, v, &finding);
    verdict_free(v);
    if (cell->done == p->options->times) {
        j->done(j->data, cell);
    }
    return 0;
}

static void pass_on(struct jobs *j, int signum)
{
    j->signal = signum;
    for (size_t i = 0; i < MAX_RUNNING; i++) {
        if (j->job[i].pid != 0) {
            kill(j->job[i].pid, signum);
        }
    }
}

static int reap(struct jobs *j, struct err *e)
{
    int status;
    int rc = 0;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < MAX_RUNNING; i++) {
            if (j->job[i].pid == pid && ended(j, &j->job[i], status, e) != 0) {
                rc = -1;
            }
        }
    }
    return rc;
}

/* Moves on to the next cell that has a round to begin; NULL: there is none. Rounds of one cell are
 * far apart, so that what makes one differ (a slow minute) does not strike all. */
static struct prove_cell *next(struct jobs *j, size_t *round)
{
    struct prove *p = j->prove;
    while (j->signal == 0 && j->next_round < p->options->times) {
        while (j->next_cell < p->cell_count) {
            struct prove_cell *cell = &p->cells[j->next_cell++];
            if (!cell->empty) {
                *round = j->next_round;
                return cell;
            }
        }
        j->next_cell = 0;
        j->next_round++;
    }
    return NULL;
}

static struct job *free_job(struct jobs *j)
{
    size_t i = 0;
    while (j->job[i].pid != 0) {
        i++;
    }
    return &j->job[i];
}

static int fill(struct jobs *j, struct err *e)
{
    while (j->running < j->prove->options->jobs) {
        size_t round;
        struct prove_cell *cell = next(j, &round);
        if (cell == NULL) {
            return 0;
        }
        if (begin(j, free_job(j), cell, round, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int run(struct jobs *j, const sigset_t *waited, struct err *e)
{
    int rc = fill(j, e);
    while (rc == 0 && j->running > 0) {
        int signum = sigwaitinfo(waited, NULL);
        if (signum == SIGINT || signum == SIGTERM) {
            pass_on(j, signum);
        }
        rc = reap(j, e) != 0 || fill(j, e) != 0 ? -1 : 0;
    }
    return rc;
}

int prove_jobs(struct prove *p, void (*done)(void *data, const struct prove_cell *cell), void *data,
               int *signum, struct err *e)
{
    struct jobs j = {.prove = p, .done = done, .data = data};
    struct err late = {0};
    sigset_t waited;
    sigemptyset(&waited);
    sigaddset(&waited, SIGCHLD);
    sigaddset(&waited, SIGINT);
    sigaddset(&waited, SIGTERM);
    sigprocmask(SIG_BLOCK, &waited, &j.old_mask);
    int rc = run(&j, &waited, e);
    if (rc != 0) {
        pass_on(&j, SIGTERM);
        while (j.running > 0) {
            sigwaitinfo(&waited, NULL);
            (void)reap(&j, &late);
        }
    }
    sigprocmask(SIG_SETMASK, &j.old_mask, NULL);
    *signum = j.signal;
    return rc;
}
