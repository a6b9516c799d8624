/* Runs that hold: what the command leaves lives on until its release, and no longer. */
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

struct outcome {
    int calls;
    int releases;
    uint64_t survivors;
    struct subject_exit exit;
    char output[256]; /* its beginning */
    struct subject_run *run;
    bool release_at_once;
};

static char folder[] = "/tmp/pulldrill-hold-XXXXXX";
static char fifo[128]; /* what was left holds its writing end */
static char asks[128]; /* and is spoken to through this one */

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    snprintf(asks, sizeof asks, "%s/fifo.asks", folder);
    cr_assert_eq(mkfifo(fifo, 0600), 0);
    cr_assert_eq(mkfifo(asks, 0600), 0);
    subject_set_program("/proc/self/exe");
}

static void remove_folder(void)
{
    unlink(asks);
    unlink(fifo);
    rmdir(folder);
}

TestSuite(subject_hold, .init = make_folder, .fini = remove_folder, .timeout = 120);

static void note_release(void *data, uint64_t survivors)
{
    struct outcome *o = data;

    o->releases++;
    o->survivors = survivors;
}

static void note(void *data, const struct subject_exit *exit)
{
    struct outcome *o = data;

    o->calls++;
    o->exit = *exit;
    snprintf(o->output, sizeof o->output, "%s", exit->output);
    if (o->release_at_once)
        subject_release(o->run, note_release, o);
}

static void spawn(uv_loop_t *loop, char *script, uint64_t timeout_ns, struct outcome *o)
{
    char fifo_env[160];
    char *argv[] = {"sh", "-c", script, NULL};
    char *env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", fifo_env, NULL};
    struct subject_spec spec = {.argv = argv, .env = env, .timeout_ns = timeout_ns, .hold = true};
    struct err e = {0};

    snprintf(fifo_env, sizeof fifo_env, "FIFO=%s", fifo);
    o->run = subject_spawn(loop, &spec, note, o, &e);
    cr_assert_not_null(o->run, "%s", e.text);
}

static void spawn_and_wait(uv_loop_t *loop, char *script, uint64_t timeout_ns, struct outcome *o)
{
    cr_assert_eq(uv_loop_init(loop), 0);
    spawn(loop, script, timeout_ns, o);
    while (o->calls == 0)
        uv_run(loop, UV_RUN_ONCE);
}

/* Runs the loop out, and sees that nothing is left of the run. */
static void release_and_close(uv_loop_t *loop, struct outcome *o)
{
    subject_release(o->run, note_release, o);
    cr_expect_eq(o->releases, 0, "released from within the call");
    uv_run(loop, UV_RUN_DEFAULT);
    cr_expect_eq(o->calls, 1);
    cr_expect_eq(o->releases, 1);
    cr_expect_eq(o->survivors, 0);
    cr_expect_eq(uv_loop_close(loop), 0);
    cr_expect(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

/* The loop's turns until the daemon answers on FD or has died; returns the bytes of the answer. */
static ssize_t answer(uv_loop_t *loop, int fd, char *text, size_t size)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    while (poll(&readable, 1, 5) == 0)
        uv_run(loop, UV_RUN_NOWAIT);
    return read(fd, text, size);
}

static void expect_no_clock(uv_handle_t *handle, void *data)
{
    (void)data;
    cr_expect(handle->type != UV_TIMER || !uv_is_active(handle), "a timeout is still running");
}

/* A daemon lives after DONE and answers, though it first writes more than a pipe holds to the
 * output it inherited. It is no leftover, nothing of that output is the command's; looking for
 * orphans spares it; no clock runs that could end it. It dies at the release. */
Test(subject_hold, lives_until_the_release)
{
    char text[64];
    struct outcome o = {0};
    uv_loop_t loop;
    int fd = fifo_open(fifo, O_RDONLY);
    int ask = fifo_open(asks, O_RDWR);

    spawn_and_wait(&loop,
                   "exec 9>$FIFO; echo said; (setsid sh -c 'read line <$FIFO.asks; "
                   "head -c 1000000 /dev/zero || exit; echo $line >&9; exec sleep 600' &); exit 0",
                   LONG_NS, &o);
    cr_expect_eq(o.exit.exit, 0);
    cr_expect_eq(o.exit.leftovers, 0);
    cr_expect_str_eq(o.output, "said\n");
    cr_expect_eq(subject_orphans_kill(), 0);
    uv_walk(&loop, expect_no_clock, NULL);
    cr_assert_eq(write(ask, "go\n", 3), 3);
    cr_expect_eq(answer(&loop, fd, text, sizeof text), 3, "the daemon did not answer");
    cr_expect_not(fifo_abandoned(fd));
    release_and_close(&loop, &o);
    cr_expect(fifo_abandoned(fd));
    close(fd);
    close(ask);
}

/* A command that does not end in time leaves nothing to hold. */
Test(subject_hold, is_killed_at_the_timeout)
{
    struct outcome o = {0};
    uv_loop_t loop;
    int fd = fifo_open(fifo, O_RDONLY);

    spawn_and_wait(&loop, "exec 9>$FIFO; setsid sleep 600 & sleep 600", CLOCK_NS_PER_S / 5, &o);
    cr_expect(o.exit.timed_out);
    cr_expect_eq(o.exit.exit, -1);
    cr_expect(fifo_abandoned(fd));
    release_and_close(&loop, &o);
    close(fd);
}

/* Where nothing was left, or it ended by itself, there is a release all the same. */
Test(subject_hold, releases_nothing)
{
    struct outcome o = {0};
    uv_loop_t loop;
    int fd = fifo_open(fifo, O_RDONLY);

    spawn_and_wait(&loop, "exec 9>$FIFO; (exit 3) & exit 4", LONG_NS, &o);
    cr_expect_eq(o.exit.exit, 4);
    while (!fifo_abandoned(fd))
        uv_run(&loop, UV_RUN_NOWAIT);
    uv_run(&loop, UV_RUN_DEFAULT); /* until the keeper has gone: nothing else is waited for */
    cr_expect_eq(o.releases, 0);
    release_and_close(&loop, &o);
    close(fd);
}

/* DONE itself may release: what lives, and what is gone with its keeper. */
Test(subject_hold, releases_from_done)
{
    char *scripts[] = {"sleep 600 & exit 5", "kill -KILL $PPID; sleep 600"};

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct outcome o = {.release_at_once = true};
        uv_loop_t loop;

        cr_assert_eq(uv_loop_init(&loop), 0);
        spawn(&loop, scripts[i], LONG_NS, &o);
        uv_run(&loop, UV_RUN_DEFAULT);
        cr_expect_eq(o.calls, 1);
        cr_expect_eq(o.releases, 1);
        cr_expect_eq(o.exit.exit, i == 0 ? 5 : -1);
        cr_expect_eq(uv_loop_close(&loop), 0);
        cr_expect(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    }
}

/* A keeper killed while it holds takes along what it held. */
Test(subject_hold, survives_a_killed_keeper)
{
    struct outcome o = {0};
    uv_loop_t loop;
    int fd = fifo_open(fifo, O_RDONLY);

    spawn_and_wait(&loop, "exec 9>$FIFO; echo $PPID; setsid sleep 600 & exit 0", LONG_NS, &o);
    cr_assert_gt(strtol(o.output, NULL, 10), 1);
    cr_assert_eq(kill((pid_t)strtol(o.output, NULL, 10), SIGKILL), 0);
    release_and_close(&loop, &o);
    cr_expect(fifo_abandoned(fd));
    close(fd);
}

static void say_done(void *data, const struct subject_exit *exit)
{
    int fd = open(fifo, O_WRONLY | O_CLOEXEC);

    (void)data;
    (void)exit;
    if (fd < 0 || write(fd, "done", 4) != 4)
        _exit(1);
    close(fd);
}

/* Plays the harness in a process of its own. */
static void play_harness(void)
{
    char fifo_env[160];
    char *argv[] = {"sh", "-c",
                    "exec 9>$FIFO; (setsid sh -c 'printf live >&9; exec sleep 600' &); exit 0",
                    NULL};
    char *env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", fifo_env, NULL};
    struct subject_spec spec = {.argv = argv, .env = env, .hold = true};
    struct err e = {0};
    uv_loop_t loop;

    snprintf(fifo_env, sizeof fifo_env, "FIFO=%s", fifo);
    if (uv_loop_init(&loop) != 0 || subject_spawn(&loop, &spec, say_done, NULL, &e) == NULL)
        _exit(1);
    uv_run(&loop, UV_RUN_DEFAULT);
    _exit(0);
}

/* kill -9 of the harness after DONE leaves nothing of what was held. */
Test(subject_hold, dies_with_the_harness)
{
    char text[64];
    ssize_t total = 0;
    int fd = -1;
    pid_t harness = fork();

    cr_assert_geq(harness, 0);
    if (harness == 0)
        play_harness();
    fd = open(fifo, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    while (total < 8) { /* "live" and "done", in any order */
        ssize_t n = read(fd, text, sizeof text);

        cr_assert_gt(n, 0, "what was left died by itself");
        total += n;
    }
    cr_assert_eq(kill(harness, SIGKILL), 0);
    /* End of file, for which the suite's own limit is the only clock: the last holder died. */
    cr_expect_eq(read(fd, text, sizeof text), 0);
    cr_assert_eq(waitpid(harness, NULL, 0), harness);
    close(fd);
}
