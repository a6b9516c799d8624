/* Commands under their keepers: outcomes, output, time, and that nothing survives. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "harness/base/clock.h"
#include "harness/subject.h"
#include "tests/lib/fifo.h"

#define LONG_NS (300 * CLOCK_NS_PER_S)

/* One run and what came of it; the output is copied. */
struct outcome {
    int calls;
    struct subject_exit exit;
    char *output;
    size_t output_len;
};

static char folder[] = "/tmp/pulldrill-subject-XXXXXX";
static char fifo[128];

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    cr_assert_eq(mkfifo(fifo, 0600), 0);
    subject_set_program("/proc/self/exe");
}

static void remove_folder(void)
{
    char path[160];

    snprintf(path, sizeof path, "%s/output", folder);
    unlink(path);
    unlink(fifo);
    rmdir(folder);
}

TestSuite(subject, .init = make_folder, .fini = remove_folder, .timeout = 120);

static void note(void *data, const struct subject_exit *exit)
{
    struct outcome *o = data;

    o->calls++;
    o->exit = *exit;
    o->output_len = exit->output_len;
    o->output = calloc(1, exit->output_len + 1);
    cr_assert_not_null(o->output);
    memcpy(o->output, exit->output, exit->output_len);
}

static struct subject_run *spawn(uv_loop_t *loop, char *const *argv, uint64_t timeout_ns,
                                 struct outcome *o)
{
    char fifo_env[160];
    char *env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", fifo_env, NULL};
    struct subject_spec spec = {.argv = argv, .env = env, .timeout_ns = timeout_ns};
    struct err e = {0};
    struct subject_run *run = NULL;

    snprintf(fifo_env, sizeof fifo_env, "FIFO=%s", fifo);
    memset(o, 0, sizeof *o);
    run = subject_spawn(loop, &spec, note, o, &e);
    cr_assert_not_null(run, "%s", e.text);
    return run;
}

static struct outcome run_argv(char *const *argv, uint64_t timeout_ns)
{
    uv_loop_t loop;
    struct outcome o;

    cr_assert_eq(uv_loop_init(&loop), 0);
    spawn(&loop, argv, timeout_ns, &o);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect_eq(o.calls, 1);
    cr_expect_eq(uv_loop_close(&loop), 0);
    return o;
}

static struct outcome run_script(char *script, uint64_t timeout_ns)
{
    char *argv[] = {"sh", "-c", script, NULL};

    return run_argv(argv, timeout_ns);
}

/* The exit code is the command's, and both its outputs come in the order they were written. */
Test(subject, tells_the_exit_code)
{
    struct outcome o = run_script("echo one; echo two >&2; echo three; exit 7", LONG_NS);

    cr_expect(o.exit.started && !o.exit.timed_out && !o.exit.cancelled);
    cr_expect_eq(o.exit.exit, 7);
    cr_expect_eq(o.exit.signal, 0);
    cr_expect_eq(o.exit.leftovers, 0);
    cr_expect_eq(o.exit.survivors, 0);
    cr_expect_gt(o.exit.duration_ns, 0);
    cr_expect_str_eq(o.exit.reason, "");
    cr_expect_str_eq(o.output, "one\ntwo\nthree\n");
    free(o.output);
}

/* A command that dies of a signal is told apart from one that exits. */
Test(subject, tells_the_signal)
{
    struct outcome o = run_script("kill -TERM $$", LONG_NS);

    cr_expect_eq(o.exit.exit, -1);
    cr_expect_eq(o.exit.signal, SIGTERM);
    cr_expect(!o.exit.timed_out && !o.exit.cancelled);
    free(o.output);
}

/* A command's own SIGKILL (out of memory) is no timeout and no cancellation. */
Test(subject, tells_a_kill_that_was_not_ours)
{
    struct outcome o = run_script("kill -KILL $$", LONG_NS);

    cr_expect_eq(o.exit.signal, SIGKILL);
    cr_expect(!o.exit.timed_out && !o.exit.cancelled);
    free(o.output);
}

/* A command that is not there was not started, and the reason says so. */
Test(subject, tells_what_cannot_be_started)
{
    char *argv[] = {"no-such-command-anywhere", NULL};
    struct outcome o = run_argv(argv, LONG_NS);

    cr_expect_not(o.exit.started);
    cr_expect(strstr(o.exit.reason, strerror(ENOENT)) != NULL, "%s", o.exit.reason);
    cr_expect(waitpid(-1, NULL, 0) < 0 && errno == ECHILD);
    free(o.output);
}

/* A folder that is not there fails the call itself; DONE is never called, the loop still closes. */
Test(subject, refuses_a_missing_folder)
{
    char *argv[] = {"true", NULL};
    char *env[] = {NULL};
    struct subject_spec spec = {.argv = argv, .env = env, .cwd = "/no/such/folder"};
    struct err e = {0};
    struct outcome o = {0};
    uv_loop_t loop;

    cr_assert_eq(uv_loop_init(&loop), 0);
    cr_expect_null(subject_spawn(&loop, &spec, note, &o, &e));
    cr_expect_eq(e.code, ERR_IO);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect_eq(o.calls, 0);
    cr_expect_eq(uv_loop_close(&loop), 0);
}

/* The command sees no descriptor but 0, 1 and 2 (3 is the listing's own), though another run is
 * under way; no signal is ignored or blocked; its input is empty. Signals 32 and 33 belong to the C
 * library, which lets nobody change what it inherited: they are left out. */
Test(subject, starts_clean)
{
    char *other_argv[] = {"sleep", "600", NULL};
    char *argv[] = {"sh", "-c",
                    "ls /proc/self/fd; cat; grep -E 'Sig(Blk|Ign)' /proc/self/status | "
                    "tr -d '\\t' | sed -E 's/^(SigIgn:000000)0[01][08]/\\1000/'",
                    NULL};
    struct outcome other;
    struct outcome o;
    uv_loop_t loop;
    struct subject_run *other_run = NULL;

    cr_assert_eq(uv_loop_init(&loop), 0);
    other_run = spawn(&loop, other_argv, LONG_NS, &other);
    spawn(&loop, argv, LONG_NS, &o);
    while (o.calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
    cr_expect_str_eq(o.output, "0\n1\n2\n3\nSigBlk:0000000000000000\nSigIgn:0000000000000000\n");
    subject_kill(other_run);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect(other.exit.cancelled);
    cr_expect_not(other.exit.timed_out);
    cr_expect_eq(other.exit.leftovers, 0);
    cr_expect_eq(uv_loop_close(&loop), 0);
    free(o.output);
    free(other.output);
}

/* At its timeout the command dies with its whole group, stopped processes too, and what it had
 * said by then is kept. */
Test(subject, kills_at_the_timeout)
{
    int fd = fifo_open(fifo, O_RDONLY);
    struct outcome o = run_script("exec 9>$FIFO; echo begun; sh -c 'kill -STOP $$' & sleep 600",
                                  CLOCK_NS_PER_S / 5);

    cr_expect(o.exit.started && o.exit.timed_out);
    cr_expect_eq(o.exit.exit, -1);
    cr_expect_eq(o.exit.signal, SIGKILL);
    cr_expect_eq(o.exit.leftovers, 0);
    cr_expect(fifo_abandoned(fd));
    close(fd);
    free(o.output);
}

/* A process that left session, group and parent is found, counted and dead when DONE comes. */
Test(subject, kills_what_detached)
{
    int fd = fifo_open(fifo, O_RDONLY);
    struct outcome o =
        run_script("exec 9>$FIFO; (setsid sleep 600 >/dev/null 2>&1 &); exit 0", LONG_NS);

    cr_expect_eq(o.exit.exit, 0);
    cr_expect_eq(o.exit.leftovers, 1);
    cr_expect_eq(o.exit.survivors, 0);
    cr_expect(fifo_abandoned(fd));
    close(fd);
    free(o.output);
}

/* Many detached processes at once are all found. */
Test(subject, kills_a_crowd)
{
    int fd = fifo_open(fifo, O_RDONLY);
    struct outcome o = run_script("exec 9>$FIFO; i=0; while [ $i -lt 40 ]; do "
                                  "(setsid sleep 600 &); i=$((i+1)); done; exit 3",
                                  LONG_NS);

    cr_expect_eq(o.exit.exit, 3);
    cr_expect_eq(o.exit.leftovers, 40);
    cr_expect(fifo_abandoned(fd));
    close(fd);
    free(o.output);
}

/* A helper that ends by itself once the command is gone (as `tee` does) is no leftover, and what
 * it writes meanwhile is captured. */
Test(subject, lets_helpers_finish)
{
    struct outcome o = run_script("rm -f $FIFO.2; mkfifo $FIFO.2; cat <$FIFO.2 & "
                                  "exec 9>$FIFO.2; rm $FIFO.2; echo through the helper >&9",
                                  LONG_NS);

    cr_expect_eq(o.exit.exit, 0);
    cr_expect_eq(o.exit.leftovers, 0);
    cr_expect_str_eq(o.output, "through the helper\n");
    free(o.output);
}

/* 100 MB of output leave its beginning and its end, and the file holds the same. */
Test(subject, bounds_the_output)
{
    char path[160];
    char *argv[] = {"sh", "-c", "echo first; head -c 104857600 /dev/zero; echo last", NULL};
    char *env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", NULL};
    struct subject_spec spec = {.argv = argv, .env = env, .output_path = path};
    struct err e = {0};
    struct outcome o = {0};
    struct stat st;
    uv_loop_t loop;

    snprintf(path, sizeof path, "%s/output", folder);
    cr_assert_eq(uv_loop_init(&loop), 0);
    cr_assert_not_null(subject_spawn(&loop, &spec, note, &o, &e), "%s", e.text);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect_eq(o.exit.exit, 0);
    cr_expect_eq(memcmp(o.output, "first\n", 6), 0);
    cr_expect_str_eq(o.output + o.output_len - 5, "last\n");
    cr_expect_geq(o.output_len, SUBJECT_OUTPUT_HEAD + SUBJECT_OUTPUT_TAIL);
    cr_expect_leq(o.output_len, SUBJECT_OUTPUT_HEAD + SUBJECT_OUTPUT_TAIL + 100);
    cr_expect_not_null(memmem(o.output, o.output_len, "bytes of output dropped", 23));
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq((size_t)st.st_size, o.output_len);
    cr_expect_eq(uv_loop_close(&loop), 0);
    free(o.output);
}

/* Plays the harness in a process of its own. */
static void play_harness(void)
{
    char *argv[] = {"sh", "-c",
                    "(setsid sh -c 'echo ready; exec sleep 600' >$FIFO 2>&1 </dev/null &); "
                    "exec sleep 600",
                    NULL};
    struct outcome o;
    uv_loop_t loop;

    if (uv_loop_init(&loop) != 0)
        _exit(1);
    spawn(&loop, argv, LONG_NS, &o);
    uv_run(&loop, UV_RUN_DEFAULT);
    _exit(0);
}

/* kill -9 of the harness leaves nothing of its subjects alive, however detached. */
Test(subject, dies_with_the_harness)
{
    char text[64];
    int fd = -1;
    pid_t harness = fork();

    cr_assert_geq(harness, 0);
    if (harness == 0)
        play_harness();
    fd = open(fifo, O_RDONLY | O_CLOEXEC); /* waits for the detached process to open its end */
    cr_assert_geq(fd, 0);
    cr_assert_eq(read(fd, text, sizeof text), 6);
    cr_assert_eq(kill(harness, SIGKILL), 0);
    /* End of file, for which the suite's own limit is the only clock: the last holder died. */
    cr_expect_eq(read(fd, text, sizeof text), 0);
    cr_assert_eq(waitpid(harness, NULL, 0), harness);
    close(fd);
}

/* A subject that kills its keeper gains nothing: the run ends, says so, and its orphans die. */
Test(subject, survives_a_killed_keeper)
{
    int fd = fifo_open(fifo, O_RDONLY);
    struct outcome o = run_script("exec 9>$FIFO; setsid sleep 600 & setsid sleep 600 & "
                                  "kill -KILL $PPID; sleep 600",
                                  LONG_NS);

    cr_expect(o.exit.started);
    cr_expect_eq(o.exit.exit, -1);
    cr_expect_eq(o.exit.signal, SIGKILL);
    cr_expect_geq(o.exit.leftovers, 2);
    cr_expect(strstr(o.exit.reason, "keeper was killed") != NULL, "%s", o.exit.reason);
    cr_expect(fifo_abandoned(fd));
    cr_expect_eq(subject_orphans_kill(), 0);
    cr_expect(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    close(fd);
    free(o.output);
}

/* A keeper that its subject has stopped is given up after the grace, and all the same dies. */
Test(subject, gives_up_a_stopped_keeper)
{
    int fd = fifo_open(fifo, O_RDONLY);
    struct outcome o = run_script("exec 9>$FIFO; kill -STOP $PPID; sleep 600", CLOCK_NS_PER_S / 5);

    cr_expect(o.exit.timed_out);
    cr_expect(strstr(o.exit.reason, "did not answer") != NULL, "%s", o.exit.reason);
    cr_expect(fifo_abandoned(fd));
    close(fd);
    free(o.output);
}

/* Looking for orphans leaves living runs alone. */
Test(subject, spares_living_runs)
{
    char *argv[] = {"sh", "-c", "echo ready >$FIFO; read line <$FIFO; exit 5", NULL};
    char text[16];
    struct outcome o;
    uv_loop_t loop;
    int fd = -1;

    cr_assert_eq(uv_loop_init(&loop), 0);
    spawn(&loop, argv, LONG_NS, &o);
    fd = open(fifo, O_RDONLY | O_CLOEXEC);
    cr_assert_eq(read(fd, text, sizeof text), 6);
    close(fd);
    cr_expect_eq(subject_orphans_kill(), 0);
    fd = open(fifo, O_WRONLY | O_CLOEXEC);
    cr_assert_eq(write(fd, "go\n", 3), 3);
    close(fd);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect_eq(o.exit.exit, 5);
    cr_expect_eq(uv_loop_close(&loop), 0);
    free(o.output);
}
