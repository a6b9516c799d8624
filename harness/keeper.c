/* The keeper: one blocking process around one command, so that nothing of it survives.
 *
 * Happy path: it leaves the harness's session, becomes the subreaper of all that the command will
 * start, starts the command in a process group of its own and waits on two things: children that
 * ended (signalfd) and the control descriptor. When the command has ended and has left no child,
 * it reports and exits. One that holds reports when the command has ended, and then keeps what it
 * left (daemons) until it is asked to kill them, or until all of them have ended.
 * Failure modes: the command cannot be executed, or its lane's namespaces not entered (the errno is
 * reported); it leaves processes
 * behind (they get KEEPER_LINGER_MS to end by themselves, as the `tee` of a script's `exec > >(tee
 * log)` does; the rest is counted and killed); the harness asks for the end, or dies (control
 * reaches its end: everything is killed); a process cannot be killed (given up after
 * KEEPER_KILL_MS and reported). A subreaper without children has no descendants at all, so ECHILD
 * is the proof that all are dead. */
#include "harness/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/proctree.h"

/* Between two rounds of killing; the end of a child cuts it short. */
#define ROUND_MS 10
/* The most children reaped before control is looked at again. */
#define REAP_BATCH 1024

struct keeper {
    int signals;   /* signalfd for SIGCHLD */
    size_t spaces; /* namespaces of the command */
    pid_t command;
    bool ended;     /* the command was reaped */
    bool asked;     /* to kill everything, or the harness is gone */
    bool childless; /* waitpid said ECHILD */
    bool more;      /* the last batch was full: there may be more to reap */
    struct keeper_report report;
};

static bool is_fault_signal(int sig)
{
    return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGABRT ||
           sig == SIGTRAP || sig == SIGSYS;
}

/* Nothing sent to it may end the keeper before its work is done (SIGKILL can). Refusals are for
 * signals that cannot be set, which is as well. */
static void ignore_signals(void)
{
    for (int sig = 1; sig <= SIGRTMAX; sig++) {
        if (sig != SIGCHLD && !is_fault_signal(sig))
            signal(sig, SIG_IGN);
    }
    signal(SIGCHLD, SIG_DFL);
}

static void default_signals(void)
{
    sigset_t none;

    for (int sig = 1; sig <= SIGRTMAX; sig++)
        signal(sig, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The keeper itself must not hold the output open: its end of file means that all others ended. */
static void drop_output(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0)
        return;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    if (null > STDERR_FILENO)
        close(null);
}

/* Why the command does not run. */
struct failure {
    enum keeper_how how;
    int error;
};

static int prepare(struct keeper *k, size_t spaces)
{
    sigset_t child;

    memset(k, 0, sizeof *k);
    k->spaces = spaces;
    k->report.magic = KEEPER_MAGIC;
    ignore_signals();
    setsid(); /* refused where the harness has already done it */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
        return errno;
    /* All of the harness's descriptors are close-on-exec; this is for what a library forgot. */
    close_range(KEEPER_SPACES_FD + (unsigned)spaces, UINT_MAX, 0);
    for (int fd = KEEPER_CONTROL_FD; fd < KEEPER_SPACES_FD + (int)spaces; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    k->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    return k->signals < 0 ? errno : 0;
}

/* In the forked child: into the lane's namespaces, and back to the same folder by its name, for a
 * mount namespace begins at its root. Returns 0 or an errno. */
static int enter_spaces(size_t count)
{
    char folder[PATH_MAX];

    if (count == 0)
        return 0;
    if (getcwd(folder, sizeof folder) == NULL)
        return errno;
    for (size_t i = 0; i < count; i++) {
        if (setns(KEEPER_SPACES_FD + (int)i, 0) != 0)
            return errno;
    }
    return chdir(folder) == 0 ? 0 : errno;
}

static void tell_failure(int tell, enum keeper_how how, int error)
{
    const struct failure failure = {how, error};

    while (write(tell, &failure, sizeof failure) < 0 && errno == EINTR)
        continue;
    _exit(127);
}

/* In the forked child: becomes the command, or tells why not through TELL (close-on-exec). */
static void become_command(const struct keeper *k, char *const argv[], int tell)
{
    int null = -1;
    int error = enter_spaces(k->spaces);

    if (error != 0)
        tell_failure(tell, KEEPER_NOT_ENTERED, error);
    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    setpgid(0, 0);
    /* Should the keeper be killed by its own subject, at least the command goes with it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (null > STDIN_FILENO)
        dup2(null, STDIN_FILENO);
    default_signals();
    execvp(argv[0], argv);
    tell_failure(tell, KEEPER_NOT_STARTED, errno);
}

/* What keeps the command from running; an error of 0 where it runs. */
static struct failure start_command(struct keeper *k, char *const argv[])
{
    int tell[2];
    struct failure failure = {KEEPER_NOT_STARTED, 0};
    ssize_t n = 0;

    if (pipe2(tell, O_CLOEXEC) != 0)
        return (struct failure){KEEPER_NOT_STARTED, errno};
    k->command = fork();
    if (k->command < 0) {
        failure.error = errno;
        close(tell[0]);
        close(tell[1]);
        return failure;
    }
    if (k->command == 0)
        become_command(k, argv, tell[1]);
    close(tell[1]);
    do
        n = read(tell[0], &failure, sizeof failure);
    while (n < 0 && errno == EINTR);
    close(tell[0]);
    if (n != (ssize_t)sizeof failure)
        return (struct failure){KEEPER_NOT_STARTED, 0};
    waitpid(k->command, NULL, 0);
    return failure;
}

/* The namespaces were for the command alone. */
static void drop_spaces(const struct keeper *k)
{
    for (size_t i = 0; i < k->spaces; i++)
        close(KEEPER_SPACES_FD + (int)i);
}

static void note_end(struct keeper *k, int status)
{
    k->ended = true;
    k->report.command_ns = clock_now_ns();
    if (WIFEXITED(status)) {
        k->report.how = KEEPER_EXITED;
        k->report.value = WEXITSTATUS(status);
    } else {
        k->report.how = KEEPER_SIGNALLED;
        k->report.value = WTERMSIG(status);
    }
}

static void reap(struct keeper *k)
{
    k->more = false;
    for (int i = 0; i < REAP_BATCH; i++) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, WNOHANG);

        if (pid < 0 && errno == ECHILD)
            k->childless = true;
        if (pid <= 0)
            return;
        if (pid == k->command)
            note_end(k, status);
    }
    k->more = true;
}

static void read_control(struct keeper *k)
{
    char byte = 0;
    ssize_t n = read(KEEPER_CONTROL_FD, &byte, 1);

    if (n == 0 || (n == 1 && byte == 'k') || (n < 0 && errno != EINTR && errno != EAGAIN))
        k->asked = true;
}

/* Waits until a child ended, control spoke or TIMEOUT_MS passed (-1: for ever), and reaps. */
static void turn(struct keeper *k, int timeout_ms)
{
    struct signalfd_siginfo info;
    struct pollfd fds[2] = {{.fd = k->signals, .events = POLLIN},
                            {.fd = k->asked ? -1 : KEEPER_CONTROL_FD, .events = POLLIN}};

    if (poll(fds, 2, k->more ? 0 : timeout_ms) > 0) {
        if (fds[0].revents != 0) {
            /* One SIGCHLD at most is pending: reading it once empties the descriptor. */
            ssize_t ignored = read(k->signals, &info, sizeof info);
            (void)ignored;
        }
        if (fds[1].revents != 0)
            read_control(k);
    }
    reap(k);
}

static int left_ms(uint64_t deadline_ns)
{
    uint64_t now = clock_now_ns();

    return now >= deadline_ns ? 0 : (int)((deadline_ns - now) / CLOCK_NS_PER_MS) + 1;
}

static uint32_t count_alive(void)
{
    struct proctree tree;
    uint32_t alive = 1; /* without /proc all that is known is that a child is there */

    if (proctree_read(getpid(), NULL, 0, &tree, NULL) == 0) {
        alive = (uint32_t)proctree_alive(&tree);
        proctree_close(&tree);
    }
    return alive;
}

/* What the command left gets a moment to end by itself; the rest is leftovers. */
static void count_leftovers(struct keeper *k)
{
    uint64_t deadline = clock_now_ns() + KEEPER_LINGER_MS * CLOCK_NS_PER_MS;
    int left = KEEPER_LINGER_MS;

    while (!k->childless && !k->asked && left > 0) {
        turn(k, left);
        left = left_ms(deadline);
    }
    if (!k->childless)
        k->report.leftovers = count_alive();
}

static void kill_round(const struct keeper *k)
{
    struct proctree tree;

    if (proctree_read(getpid(), NULL, 0, &tree, NULL) == 0) {
        proctree_kill(&tree);
        proctree_close(&tree);
    } else if (!k->ended) {
        kill(-k->command, SIGKILL);
    }
}

static void kill_all(struct keeper *k)
{
    uint64_t deadline = clock_now_ns() + KEEPER_KILL_MS * CLOCK_NS_PER_MS;

    reap(k);
    while (!k->childless && left_ms(deadline) > 0) {
        kill_round(k);
        turn(k, ROUND_MS);
    }
    if (k->childless)
        return;
    k->report.survivors = count_alive();
    if (!k->ended)
        note_end(k, SIGKILL); /* as a wait status: ended by signal 9, which is what it was sent */
}

static int tell_harness(const struct keeper *k)
{
    ssize_t n = 0;

    do
        n = write(KEEPER_REPORT_FD, &k->report, sizeof k->report);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof k->report ? 0 : 1;
}

/* What the command left is wanted: it lives until control speaks. The command is told of now; what
 * comes of its daemons, at the end. */
static void hold(struct keeper *k)
{
    if (tell_harness(k) != 0)
        return; /* nobody is there to want them */
    while (!k->childless && !k->asked)
        turn(k, -1);
}

/* The word behind the mode; more than there can be where it is none. */
static size_t count_spaces(char *const argv[])
{
    return argv[0] != NULL && argv[1] != NULL ? strtoul(argv[1], NULL, 10) : SIZE_MAX;
}

static struct failure begin(struct keeper *k, char *const argv[])
{
    size_t spaces = count_spaces(argv);
    bool known = spaces <= KEEPER_MAX_SPACES && argv[2] != NULL;
    struct failure failure = {KEEPER_NOT_STARTED, prepare(k, known ? spaces : 0)};

    if (failure.error == 0 && !known)
        failure.error = ENOENT;
    else if (failure.error == 0)
        failure = start_command(k, argv + 2);
    drop_spaces(k);
    drop_output();
    return failure;
}

int keeper_main(char *const argv[])
{
    struct keeper k;
    struct failure failure = begin(&k, argv);

    if (failure.error != 0) {
        k.report.how = (uint32_t)failure.how;
        k.report.value = failure.error;
        k.report.command_ns = clock_now_ns();
        return tell_harness(&k);
    }
    while (!k.ended && !k.asked)
        turn(&k, -1);
    if (k.ended && strcmp(argv[0], KEEPER_HOLD) == 0)
        hold(&k);
    else if (k.ended)
        count_leftovers(&k);
    kill_all(&k);
    return tell_harness(&k);
}
