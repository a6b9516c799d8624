/* A pool of processes of our own.
 *
 * Happy path: places are filled with jobs, each forked; the parent waits for signals, reaps what
 * has ended, tells it, fills the place again, and ticks. Failure modes: a process that cannot be
 * begun is told as a job that has ended; an interrupt is passed on, and no more is begun; trouble
 * in the parent ends (SIGTERM) and reaps all that runs. A child whose parent is killed gets
 * SIGTERM from the kernel, so that a kill -9 leaves nothing. */
#include "harness/commands/jobs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/verdict/verdict.h"

struct job {
    pid_t pid; /* 0: a free place */
    size_t number;
};

struct jobs {
    const struct jobs_work *work;
    struct job job[JOBS_MAX];
    size_t running;
    int signal;
    uint64_t ticked_ns;
    sigset_t waited, old_mask;
};

static struct job *free_place(struct jobs *j)
{
    size_t i = 0;
    while (j->job[i].pid != 0) {
        i++;
    }
    return &j->job[i];
}

static int begin(struct jobs *j, size_t number, struct err *e)
{
    const struct jobs_work *w = j->work;
    pid_t parent = getpid();
    fflush(NULL); /* what is buffered would be written twice */
    pid_t pid = fork();
    if (pid == 0) {
        sigprocmask(SIG_SETMASK, &j->old_mask, NULL);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        _exit(getppid() == parent ? w->child(w->data, number) : EXIT_ERROR);
    }
    if (pid < 0) {
        struct err why = {0};
        err_errno(&why, errno, "cannot start a process");
        return w->ended(w->data, number, 0, why.text, e);
    }
    *free_place(j) = (struct job){.pid = pid, .number = number};
    j->running++;
    return 0;
}

static int fill(struct jobs *j, struct err *e)
{
    while (j->signal == 0 && j->running < j->work->at_once) {
        size_t number;
        int more = j->work->next(j->work->data, &number, e);
        if (more <= 0) {
            return more;
        }
        if (begin(j, number, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static void pass_on(struct jobs *j, int signum)
{
    j->signal = signum;
    for (size_t i = 0; i < JOBS_MAX; i++) {
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
        for (size_t i = 0; i < JOBS_MAX; i++) {
            if (j->job[i].pid == pid) {
                j->job[i].pid = 0;
                j->running--;
                rc |= j->work->ended(j->work->data, j->job[i].number, status, NULL, e);
                break;
            }
        }
    }
    return rc;
}

/* Waits for a signal, or for the next tick; returns the signal, or 0. */
static int wait_for(struct jobs *j)
{
    const struct jobs_work *w = j->work;
    if (w->tick_ns == 0) {
        int signum = sigwaitinfo(&j->waited, NULL);
        return signum > 0 ? signum : 0;
    }
    uint64_t now = clock_now_ns();
    uint64_t due = j->ticked_ns + w->tick_ns;
    uint64_t left = due > now ? due - now : 0;
    const struct timespec limit = {.tv_sec = (time_t)(left / CLOCK_NS_PER_S),
                                   .tv_nsec = (long)(left % CLOCK_NS_PER_S)};
    int signum = sigtimedwait(&j->waited, NULL, &limit);
    if (clock_now_ns() >= due || signum == SIGCONT) {
        w->tick(w->data, signum == SIGCONT);
        j->ticked_ns = clock_now_ns();
    }
    return signum > 0 ? signum : 0;
}

static int run(struct jobs *j, struct err *e)
{
    int rc = fill(j, e);
    while (rc == 0 && j->running > 0) {
        int signum = wait_for(j);
        if (signum == SIGINT || signum == SIGTERM) {
            pass_on(j, signum);
        }
        rc = reap(j, e) != 0 || fill(j, e) != 0 ? -1 : 0;
    }
    return rc;
}

int jobs_run(const struct jobs_work *work, int *signum, struct err *e)
{
    struct jobs j = {.work = work};
    struct err late = {0};
    sigemptyset(&j.waited);
    sigaddset(&j.waited, SIGCHLD);
    sigaddset(&j.waited, SIGINT);
    sigaddset(&j.waited, SIGTERM);
    sigaddset(&j.waited, SIGCONT);
    sigprocmask(SIG_BLOCK, &j.waited, &j.old_mask);
    int rc = run(&j, e);
    if (rc != 0) {
        pass_on(&j, SIGTERM);
        while (j.running > 0) {
            (void)wait_for(&j);
            (void)reap(&j, &late);
        }
    }
    sigprocmask(SIG_SETMASK, &j.old_mask, NULL);
    *signum = j.signal;
    return rc;
}
