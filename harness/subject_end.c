/* The end of a subject's run: the keeper's report, the rest of the output, orphans, DONE. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/keeper.h"
#include "harness/proctree.h"
#include "harness/subject_internal.h"

/* The most that is read once the keeper is dead: more than a pipe holds. */
#define DRAIN_BYTES (16u << 20)
#define READ_BYTES (16u << 10)
/* Between two rounds of killing orphans. */
#define ROUND_MS 5

void subject_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- orphans ------------------------------------------------------------------------------ */

static pid_t spared; /* 0: none */

void subject_spare(pid_t pid)
{
    spared = pid;
}

/* The pids of the keepers that live, and of what is spared; the caller frees them. */
static pid_t *list_keepers(size_t *count)
{
    pid_t *pids = NULL;
    size_t n = 0;

    for (const struct subject_run *run = subject_living; run != NULL; run = run->next)
        n++;
    pids = calloc(n + 1, sizeof *pids);
    if (pids == NULL)
        return NULL;
    *count = 0;
    if (spared != 0)
        pids[(*count)++] = spared;
    for (const struct subject_run *run = subject_living; run != NULL; run = run->next)
        pids[(*count)++] = (pid_t)run->process.pid;
    return pids;
}

/* One round; returns how many strays it saw. ALIVE gets the most that were seen alive at once. */
static size_t orphans_round(const pid_t *keepers, size_t count, size_t *alive)
{
    struct proctree strays;
    size_t seen = 0;

    if (proctree_read(getpid(), keepers, count, &strays, NULL) != 0)
        return 0;
    if (proctree_alive(&strays) > *alive)
        *alive = proctree_alive(&strays);
    proctree_kill(&strays);
    for (size_t i = 0; i < strays.count; i++) {
        if (strays.process[i].parent == getpid())
            waitpid(strays.process[i].pid, NULL, WNOHANG);
    }
    seen = strays.count;
    proctree_close(&strays);
    return seen;
}

/* SURVIVORS gets how many could not be killed. */
static size_t orphans_kill(uint64_t *survivors)
{
    uint64_t deadline = clock_now_ns() + SUBJECT_ORPHANS_MS * CLOCK_NS_PER_MS;
    size_t count = 0;
    size_t alive = 0;
    pid_t *keepers = list_keepers(&count);

    *survivors = 0;
    if (keepers == NULL)
        return 0;
    while ((*survivors = orphans_round(keepers, count, &alive)) > 0 && clock_now_ns() < deadline)
        poll(NULL, 0, ROUND_MS);
    free(keepers);
    return alive;
}

size_t subject_orphans_kill(void)
{
    uint64_t survivors = 0;

    return orphans_kill(&survivors);
}

/* ---- the end of a run --------------------------------------------------------------------- */

static void lose(struct subject_exit *exit, const char *what, const char *why)
{
    exit->lost = true;
    if (exit->reason[0] == '\0')
        snprintf(exit->reason, sizeof exit->reason, "%s: %s", what, why);
}

static void write_output(struct subject_run *run, const char *text, size_t len)
{
    struct subject_exit *exit = &run->exit;
    int fd = -1;

    if (run->output_path == NULL)
        return;
    fd = open(run->output_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0 || fd_write_all(fd, text, len) != 0)
        lose(exit, "its output could not be written", strerror(errno));
    subject_close_fd(&fd);
}

void subject_free_run(struct subject_run *run)
{
    subject_close_fd(&run->control);
    subject_close_fd(&run->report);
    capture_close(&run->capture);
    free(run->output_path);
    free(run);
}

static void announce(struct subject_run *run)
{
    size_t len = 0;
    char *text = NULL;

    capture_end(&run->capture);
    text = capture_text(&run->capture, &len);

    if (text == NULL || run->capture.failed) {
        len = text == NULL ? 0 : len;
        lose(&run->exit, "its output could not be kept", "no memory");
    }
    run->exit.output = text == NULL ? "" : text;
    run->exit.output_len = len;
    write_output(run, run->exit.output, len);
    capture_close(&run->capture);
    run->told = true; /* before DONE, which may release the run */
    run->done(run->data, &run->exit);
    free(text);
}

static void on_closed(uv_handle_t *handle)
{
    struct subject_run *run = handle->data;

    if (--run->open_handles > 0)
        return;
    if (run->released != NULL)
        run->released(run->released_data, run->held_survivors);
    else if (run->announced)
        announce(run);
    subject_free_run(run);
}

void subject_close_handles(struct subject_run *run)
{
    uv_close((uv_handle_t *)&run->process, on_closed);
    uv_close((uv_handle_t *)&run->output, on_closed);
    uv_close((uv_handle_t *)&run->timer, on_closed);
    if (run->hold)
        uv_close((uv_handle_t *)&run->reported, on_closed);
}

/* The command is dead, so what it wrote lies in the pipe, and nothing has to be waited for. */
static void drain_output(struct subject_run *run)
{
    char chunk[READ_BYTES];
    uv_os_fd_t fd = -1;
    size_t total = 0;

    if (uv_fileno((const uv_handle_t *)&run->output, &fd) != 0)
        return;
    while (total < DRAIN_BYTES) {
        ssize_t n = read(fd, chunk, sizeof chunk);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        capture_add(&run->capture, chunk, (size_t)n);
        total += (size_t)n;
    }
}

static void judge_report(struct subject_run *run, const struct keeper_report *report)
{
    struct subject_exit *exit = &run->exit;
    bool killed = report->how == KEEPER_SIGNALLED && report->value == SIGKILL &&
                  run->asked_ns != 0 && report->command_ns >= run->asked_ns;

    /* Asked in the very moment it ended: what it left, which was wanted, died all the same. */
    if (run->hold && run->asked_ns != 0)
        killed = true;

    exit->started = report->how == KEEPER_EXITED || report->how == KEEPER_SIGNALLED;
    exit->exit = report->how == KEEPER_EXITED ? report->value : -1;
    exit->signal = report->how == KEEPER_SIGNALLED ? report->value : 0;
    exit->timed_out = killed && run->by_timeout;
    exit->cancelled = killed && !run->by_timeout;
    exit->leftovers = report->leftovers;
    exit->ended_ns = report->command_ns;
    exit->no_room = !exit->started && (report->value == EAGAIN || report->value == ENOMEM ||
                                       report->value == EMFILE || report->value == ENFILE ||
                                       report->how == KEEPER_NOT_ENTERED);
    exit->survivors = report->survivors;
    exit->duration_ns =
        report->command_ns > run->spawned_ns ? report->command_ns - run->spawned_ns : 0;
    if (report->how == KEEPER_NOT_ENTERED)
        snprintf(exit->reason, sizeof exit->reason,
                 "its lane, or the working folder in it, could not be entered: %s",
                 strerror(report->value));
    else if (!exit->started)
        snprintf(exit->reason, sizeof exit->reason, "the command could not be started: %s",
                 strerror(report->value));
    else if (exit->survivors > 0)
        snprintf(exit->reason, sizeof exit->reason,
                 "%u of its processes could not be killed within %d ms", report->survivors,
                 KEEPER_KILL_MS);
}

static void judge_silence(struct subject_run *run, int64_t status, int signal)
{
    struct subject_exit *exit = &run->exit;

    exit->started = true;
    exit->exit = -1;
    exit->signal = signal;
    exit->timed_out = run->gave_up && run->by_timeout;
    exit->cancelled = run->gave_up && !run->by_timeout;
    exit->duration_ns = clock_now_ns() - run->spawned_ns;
    exit->leftovers = orphans_kill(&exit->survivors);
    if (run->asked_ns != 0)
        exit->leftovers = 0; /* they were killed on request */
    if (run->gave_up)
        snprintf(exit->reason, sizeof exit->reason,
                 "its keeper did not answer within %d ms and was killed", SUBJECT_GRACE_MS);
    else if (signal != 0)
        snprintf(exit->reason, sizeof exit->reason,
                 "its keeper was killed by signal %d from outside the drill", signal);
    else
        snprintf(exit->reason, sizeof exit->reason,
                 "its keeper ended without a report, with status %d", (int)status);
}

static void unlist(const struct subject_run *run)
{
    struct subject_run **at = &subject_living;

    while (*at != NULL && *at != run)
        at = &(*at)->next;
    if (*at != NULL)
        *at = run->next;
}

static bool read_report(const struct subject_run *run, struct keeper_report *report)
{
    ssize_t n = 0;

    do
        n = read(run->report, report, sizeof *report);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *report && report->magic == KEEPER_MAGIC;
}

void subject_reported(uv_poll_t *poll, int status, int events)
{
    struct subject_run *run = poll->data;
    struct keeper_report report;

    (void)status;
    (void)events;
    uv_poll_stop(poll);
    /* Asked to kill by now, the keeper ends at once: that is waited for. */
    if (run->asked_ns != 0 || !read_report(run, &report))
        return;
    uv_timer_stop(&run->timer);
    judge_report(run, &report);
    drain_output(run);
    announce(run);
}

/* A keeper that held is gone, asked for or not, and so is what it held. */
static void held_exited(struct subject_run *run, bool reported, struct keeper_report *report,
                        int64_t status, int signal)
{
    uv_poll_stop(&run->reported);
    while (reported && read_report(run, report)) /* its second report is its last word */
        continue;
    if (run->told && reported)
        run->held_survivors = report->survivors;
    else if (reported)
        judge_report(run, report);
    else if (!run->told)
        judge_silence(run, status, signal);
    if (signal != 0 && (run->told || reported)) /* it was killed while it held */
        orphans_kill(&run->held_survivors);
    if (run->released != NULL) {
        subject_close_handles(run);
    } else if (!run->told) {
        drain_output(run);
        announce(run); /* its release closes the handles */
    }
}

void subject_keeper_exited(uv_process_t *process, int64_t status, int signal)
{
    struct subject_run *run = process->data;
    struct keeper_report report = {0};
    bool reported = read_report(run, &report);

    run->ended = true;
    unlist(run);
    uv_timer_stop(&run->timer);
    if (run->hold) {
        held_exited(run, reported, &report, status, signal);
        return;
    }
    if (reported)
        judge_report(run, &report);
    else
        judge_silence(run, status, signal);
    drain_output(run);
    subject_close_handles(run);
}
