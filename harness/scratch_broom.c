/* The broom: waits for the end of a drill, and deletes what it left if it was killed.
 *
 * Happy path: a byte comes through its pipe, the drill having deleted its folder itself, and it
 * ends. Failure modes: the pipe reaches its end without a byte, so the drill is dead: the folder is
 * deleted, again and again for as long as what ran there is still being killed, at most
 * BROOM_LIMIT_MS. If it is killed too, the next drill deletes the folder (scratch_open). */
#include "harness/scratch_broom.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/scratch.h"

#define BROOM_FD 3
/* Between two tries. */
#define ROUND_MS 20

static pid_t broom_pid = -1;
static int broom_pipe = -1;

/* ---- of the drill ------------------------------------------------------------------------- */

/* Returns 0 or an errno. Its standard descriptors are no one's: it must not hold an output open. */
static int spawn(const char *program, const char *path, int end)
{
    char name[] = BROOM_ARGV0;
    char *words[] = {name, (char *)(uintptr_t)path, NULL}; /* which it only reads */
    posix_spawn_file_actions_t files;
    int rc = posix_spawn_file_actions_init(&files);

    if (rc != 0)
        return rc;
    rc = posix_spawn_file_actions_adddup2(&files, end, BROOM_FD);
    for (int fd = STDIN_FILENO; rc == 0 && fd <= STDERR_FILENO; fd++)
        rc = posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
    if (rc == 0)
        rc = posix_spawn(&broom_pid, program, &files, NULL, words, environ);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

pid_t broom_begin(const char *program, const char *path, struct err *e)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        err_errno(e, errno, "cannot make a pipe");
        return -1;
    }
    int rc = spawn(program, path, ends[0]);
    close(ends[0]);
    if (rc != 0) {
        close(ends[1]);
        broom_pid = -1;
        err_errno(e, rc, "cannot begin the process that cleans up after a killed drill");
        return -1;
    }
    broom_pipe = ends[1];
    return broom_pid;
}

void broom_end(void)
{
    if (broom_pid < 0)
        return;
    ssize_t ignored = write(broom_pipe, "q", 1); /* one that is gone needs no word */
    (void)ignored;
    close(broom_pipe);
    while (waitpid(broom_pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    broom_pid = -1;
    broom_pipe = -1;
}

/* ---- the process -------------------------------------------------------------------------- */

static void ignore_signals(void)
{
    for (int sig = 1; sig <= SIGRTMAX; sig++) {
        if (sig != SIGSEGV && sig != SIGBUS && sig != SIGABRT && sig != SIGCHLD)
            signal(sig, SIG_IGN); /* refused for those that cannot be */
    }
}

/* Whether the drill ended without a word. */
static int drill_died(void)
{
    char byte = 0;
    ssize_t n = 0;

    do
        n = read(BROOM_FD, &byte, 1);
    while (n < 0 && errno == EINTR);
    return n == 0;
}

int broom_main(char *const argv[])
{
    setsid(); /* what kills the drill's group is not meant for it */
    ignore_signals();
    close_range(BROOM_FD + 1, UINT_MAX, 0);
    if (argv[0] == NULL || chdir("/") != 0 || !drill_died())
        return 0;
    uint64_t deadline = clock_now_ns() + BROOM_LIMIT_MS * CLOCK_NS_PER_MS;
    while (access(argv[0], F_OK) == 0 && clock_now_ns() < deadline) {
        if (scratch_remove(argv[0], NULL) != 0)
            poll(NULL, 0, ROUND_MS);
    }
    return 0;
}
