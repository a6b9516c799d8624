/* One command of a subject, run under a keeper.
 *
 * Happy path: the keeper is spawned with one pipe as its stdout and stderr (so that the order of
 * what is written is kept), a socket for control and a pipe for its report. Output is read as it
 * comes and kept within bounds. When the keeper exits, everything below it is dead: its report and
 * the rest of the output are read at once, the handles are closed, DONE is called. With hold, DONE
 * is called at the keeper's first report, the keeper exits when the run is released (or earlier,
 * where nothing is left to hold), and the handles are closed when both have happened.
 * Failure modes: the timeout or subject_kill ask the keeper to kill everything; a keeper that does
 * not answer within SUBJECT_GRACE_MS is killed; a keeper that ends without a report was killed by
 * its subject or by us, and its orphans, which come to this process as a subreaper, are killed
 * here; the harness's own death closes the control socket, which every keeper obeys. All
 * descriptors are close-on-exec, so that no keeper holds another's control socket open. */
#include "harness/subject.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/keeper.h"
#include "harness/subject_internal.h"

#define MAX_WORDS 4096

/* Both ends of what is handed to a keeper. */
struct channels {
    int output[2];
    int control[2];
    int report[2];
};

static char program[4096];
static char keeper[64];      /* empty: PROGRAM is the keeper */
static char chunk[64 << 10]; /* one read at a time in one loop */
struct subject_run *subject_living;

void subject_set_program(const char *path)
{
    snprintf(program, sizeof program, "%s", path);
}

const char *subject_program(void)
{
    return program;
}

int subject_set_keeper(const char *path)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    /* Behind all that a keeper is given, which takes the places of the first ones. */
    int kept = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, KEEPER_SPACES_FD + KEEPER_MAX_SPACES) : -1;

    if (fd >= 0)
        close(fd);
    if (kept < 0)
        return -1;
    snprintf(keeper, sizeof keeper, "/proc/self/fd/%d", kept);
    return 0;
}

static void on_grace(uv_timer_t *timer)
{
    struct subject_run *run = timer->data;

    run->gave_up = true;
    uv_process_kill(&run->process, SIGKILL);
}

static void ask_to_kill(struct subject_run *run, bool by_timeout)
{
    if (run->ended || run->asked_ns != 0)
        return;
    run->asked_ns = clock_now_ns();
    run->by_timeout = by_timeout;
    /* A keeper that is already gone refuses the byte; its exit is on its way then. */
    send(run->control, "k", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    uv_timer_start(&run->timer, on_grace, SUBJECT_GRACE_MS, 0);
}

static void on_timeout(uv_timer_t *timer)
{
    ask_to_kill(timer->data, true);
}

void subject_kill(struct subject_run *run)
{
    ask_to_kill(run, false);
}

void subject_release(struct subject_run *run, subject_released *released, void *data)
{
    run->released = released;
    run->released_data = data;
    if (run->ended)
        subject_close_handles(run);
    else
        ask_to_kill(run, false);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(chunk, sizeof chunk);
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct subject_run *run = stream->data;

    if (n > 0 && !run->told)
        capture_add(&run->capture, buf->base, (size_t)n);
    else if (n < 0)
        uv_read_stop(stream); /* all ends are closed; the keeper's exit follows */
}

/* ---- its beginning ------------------------------------------------------------------------ */

static void close_channels(struct channels *c)
{
    for (int end = 0; end < 2; end++) {
        subject_close_fd(&c->output[end]);
        subject_close_fd(&c->control[end]);
        subject_close_fd(&c->report[end]);
    }
}

static int open_channels(struct channels *c, struct err *e)
{
    *c = (struct channels){{-1, -1}, {-1, -1}, {-1, -1}};
    /* Control is a socket because a byte to a dead keeper must not raise SIGPIPE here. The report
     * must not block the loop when a keeper died without one and left its end open. */
    if (pipe2(c->output, O_CLOEXEC) != 0 || pipe2(c->report, O_CLOEXEC) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, c->control) != 0 ||
        fcntl(c->report[0], F_SETFL, O_NONBLOCK) != 0) {
        err_errno(e, errno, "cannot make the pipes of a command");
        close_channels(c);
        return -1;
    }
    return 0;
}

static struct subject_run *new_run(const struct subject_spec *spec, subject_done *done, void *data,
                                   struct err *e)
{
    struct subject_run *run = calloc(1, sizeof *run);

    if (run != NULL && spec->output_path != NULL)
        run->output_path = strdup(spec->output_path);
    if (run == NULL || (spec->output_path != NULL && run->output_path == NULL)) {
        free(run);
        err_set(e, ERR_NOMEM, "no memory for a command");
        return NULL;
    }
    run->control = -1;
    run->report = -1;
    run->hold = spec->hold;
    run->done = done;
    run->data = data;
    capture_init(&run->capture, SUBJECT_OUTPUT_HEAD, SUBJECT_OUTPUT_TAIL, spec->secrets);
    return run;
}

/* KEEPER_ARGV0, the keeper's mode, the number of namespaces and the command's words, which
 * themselves are borrowed. */
static char **keeper_argv(const struct subject_spec *spec, struct err *e)
{
    static char name[] = KEEPER_ARGV0;
    static char end_mode[] = KEEPER_END;
    static char hold_mode[] = KEEPER_HOLD;
    static char numbers[KEEPER_MAX_SPACES + 1][2] = {"0", "1", "2", "3", "4"};
    char **words = NULL;
    size_t count = 0;

    while (spec->argv[count] != NULL && count < MAX_WORDS)
        count++;
    if (count == 0 || spec->argv[count] != NULL || spec->space_count > SUBJECT_MAX_SPACES) {
        err_set(e, ERR_LIMIT, "a command has from 1 to %d words", MAX_WORDS);
        return NULL;
    }
    words = calloc(count + 4, sizeof *words);
    if (words == NULL) {
        err_set(e, ERR_NOMEM, "no memory for a command");
        return NULL;
    }
    words[0] = name;
    words[1] = spec->hold ? hold_mode : end_mode;
    words[2] = numbers[spec->space_count];
    memcpy(words + 3, spec->argv, count * sizeof *words);
    return words;
}

_Static_assert(SUBJECT_MAX_SPACES == KEEPER_MAX_SPACES, "namespaces of a command");

static int spawn_keeper(uv_loop_t *loop, struct subject_run *run, const struct subject_spec *spec,
                        char **argv, struct channels *c, struct err *e)
{
    uv_stdio_container_t stdio[KEEPER_SPACES_FD + KEEPER_MAX_SPACES] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = c->output[1]},
        {.flags = UV_INHERIT_FD, .data.fd = c->output[1]},
        {.flags = UV_INHERIT_FD, .data.fd = c->control[1]},
        {.flags = UV_INHERIT_FD, .data.fd = c->report[1]},
    };
    uv_process_options_t options = {
        .exit_cb = subject_keeper_exited,
        .file = keeper[0] != '\0' ? keeper : program,
        .args = argv,
        .env = (char **)(uintptr_t)spec->env, /* libuv only reads it */
        .cwd = spec->cwd,
        .flags = UV_PROCESS_DETACHED, /* Ctrl-C is for the harness alone */
        .stdio_count = KEEPER_SPACES_FD + (int)spec->space_count,
        .stdio = stdio,
    };
    int rc = 0;

    for (size_t i = 0; i < spec->space_count; i++)
        stdio[KEEPER_SPACES_FD + i] =
            (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = spec->spaces[i]};
    run->spawned_ns = clock_now_ns();
    rc = uv_spawn(loop, &run->process, &options);
    if (rc != 0)
        return err_set(e, ERR_IO, "cannot start the keeper %s: %s", program, uv_strerror(rc));
    return 0;
}

static int init_handles(uv_loop_t *loop, struct subject_run *run, int report, struct err *e)
{
    int rc = run->hold ? uv_poll_init(loop, &run->reported, report) : 0;

    if (rc != 0)
        return err_set(e, ERR_IO, "cannot watch a keeper: %s", uv_strerror(rc));
    /* Neither can fail; uv_spawn below makes the process handle, whatever it returns. */
    uv_pipe_init(loop, &run->output, 0);
    uv_timer_init(loop, &run->timer);
    run->output.data = run;
    run->timer.data = run;
    run->reported.data = run;
    run->process.data = run;
    run->open_handles = run->hold ? 4 : 3;
    return 0;
}

/* The keeper lives: reads its output, starts its clock. */
static void attend(struct subject_run *run, struct channels *c, uint64_t timeout_ns)
{
    run->control = c->control[0];
    run->report = c->report[0];
    c->control[0] = -1;
    c->report[0] = -1;
    run->announced = true;
    run->next = subject_living;
    subject_living = run;
    if (uv_pipe_open(&run->output, c->output[0]) == 0) {
        c->output[0] = -1;
        uv_read_start((uv_stream_t *)&run->output, on_alloc, on_output);
    } else {
        run->capture.failed = true; /* told with its end */
    }
    if (run->hold)
        uv_poll_start(&run->reported, UV_READABLE, subject_reported);
    if (timeout_ns > 0)
        uv_timer_start(&run->timer, on_timeout, (timeout_ns - 1) / CLOCK_NS_PER_MS + 1, 0);
}

/* Orphans of a killed keeper must come here, not to init. */
static int become_subreaper(struct err *e)
{
    if (program[0] == '\0')
        return err_set(e, ERR_INTERNAL, "the program's own path was not set");
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
        return err_errno(e, errno, "cannot become a subreaper");
    return 0;
}

static struct subject_run *start_run(uv_loop_t *loop, const struct subject_spec *spec, char **argv,
                                     struct subject_run *run, struct err *e)
{
    struct channels channels;

    if (open_channels(&channels, e) != 0) {
        subject_free_run(run);
        return NULL;
    }
    if (init_handles(loop, run, channels.report[0], e) != 0) {
        close_channels(&channels);
        subject_free_run(run);
        return NULL;
    }
    if (spawn_keeper(loop, run, spec, argv, &channels, e) != 0) {
        subject_close_handles(run); /* which frees the run */
        close_channels(&channels);
        return NULL;
    }
    attend(run, &channels, spec->timeout_ns);
    close_channels(&channels);
    return run;
}

struct subject_run *subject_spawn(uv_loop_t *loop, const struct subject_spec *spec,
                                  subject_done *done, void *data, struct err *e)
{
    struct subject_run *run = NULL;
    char **argv = NULL;

    if (become_subreaper(e) != 0)
        return NULL;
    argv = keeper_argv(spec, e);
    if (argv == NULL)
        return NULL;
    run = new_run(spec, done, data, e);
    if (run != NULL)
        run = start_run(loop, spec, argv, run, e);
    free(argv);
    return run;
}
