/* Workers: one a lane. Happy path of a start: prepare, start-begin, the command under its keeper,
 * the lane's sockets drained, what landed hashed off the loop, the outcome, start-end. A command of
 * the harness's own making (setup, prepare, teardown) that fails is a failure of the harness; a
 * setup that exits 77 cannot be had on this machine, and the scenario is skipped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/drill_internal.h"

#define COMMAND_TEXT_MAX 16384

static const struct scenario_subject *subject_of(const struct worker *w)
{
    return &w->drill->plan->scenario->subjects[w->subject];
}

static int spawn(struct worker *w, const struct scenario_words *words, const char *output,
                 subject_done *done, struct err *e)
{
    char **argv = NULL;
    char **env = NULL;
    int rc = -1;
    if (lane_command(w->lane, words, &argv, e) == 0 && lane_environment(w->lane, &env, e) == 0) {
        struct subject_spec spec = {.argv = argv,
                                    .env = env,
                                    .timeout_ns = subject_of(w)->timeout_ns,
                                    .output_path = output,
                                    .secrets = history_secrets(w->drill->history),
                                    .hold = w->state == WORKER_SETUP,
                                    .spaces = w->lane->spaces,
                                    .space_count = w->lane->space_count};
        w->since_ns = history_now_ns(w->drill->history);
        w->run = subject_spawn(&w->drill->loop, &spec, done, w, e);
        rc = w->run == NULL ? -1 : 0;
    }
    lane_free_words(argv);
    lane_free_words(env);
    return rc;
}

bool drill_command_ok(const struct subject_exit *exit, char *why, size_t size)
{
    bool ended = exit->started && !exit->timed_out && !exit->cancelled;
    bool ok = ended && exit->exit == 0 && !exit->lost;
    why[0] = '\0';
    if (!ok) {
        size_t from = exit->output_len > 200 ? exit->output_len - 200 : 0;
        snprintf(why, size, "%.200s%s exit %lld, signal %lld: %.200s", exit->reason,
                 exit->timed_out ? " timed out," : "", (long long)exit->exit,
                 (long long)exit->signal, exit->output_len > 0 ? exit->output + from : "");
    }
    return ok;
}

/* The end of a setup, prepare or teardown; false where it failed, which has been told. */
static bool own_command_ended(struct worker *w, const char *action, const struct subject_exit *exit)
{
    char detail[512];
    bool ok = drill_command_ok(exit, detail, sizeof detail);
    w->run = NULL;
    w->drill->survivors += exit->survivors;
    drill_action(w->drill, action, w->lane->number, ok, ok ? NULL : detail);
    if (!ok && !exit->cancelled) {
        drill_abort(w->drill, "failure", "%s of subject %s failed on lane %llu: %s", action,
                    subject_of(w)->name, (unsigned long long)w->lane->number, detail);
    }
    return ok;
}

/* The last line of output that says anything, without what would end an event's text. */
static void last_line(const struct subject_exit *exit, char *line, size_t size)
{
    size_t end = exit->output_len;
    size_t n = 0;
    while (end > 0 && (unsigned char)exit->output[end - 1] <= ' ') {
        end--;
    }
    size_t from = end;
    while (from > 0 && exit->output[from - 1] != '\n') {
        from--;
    }
    for (size_t i = from; i < end && n + 1 < size; i++) {
        line[n++] = (unsigned char)exit->output[i] < ' ' ? ' ' : exit->output[i];
    }
    line[n] = '\0';
}

/* Setup says that this machine has not what the subject needs. */
static bool cannot_be_had(struct worker *w, const struct subject_exit *exit)
{
    char why[400];
    if (!exit->started || exit->exit != EXIT_SKIPPED || exit->timed_out || exit->cancelled) {
        return false;
    }
    last_line(exit, why, sizeof why);
    drill_abort(w->drill, "skipped", "%s",
                why[0] != '\0' ? why : "setup exits 77, and does not say why");
    return true;
}

static void on_setup(void *data, const struct subject_exit *exit)
{
    struct worker *w = data;
    w->state = WORKER_IDLE;
    (void)cannot_be_had(w, exit);
    own_command_ended(w, "setup", exit);
    drill_pump(w->drill);
}

int worker_setup(struct worker *w, struct err *e)
{
    if (subject_of(w)->setup.count == 0) {
        return 0;
    }
    w->state = WORKER_SETUP;
    if (lane_begin(w->lane, 0, e) != 0 || spawn(w, &subject_of(w)->setup, NULL, on_setup, e) != 0) {
        return -1;
    }
    w->held = w->run;
    return 0;
}

static void on_released(void *data, uint64_t survivors)
{
    struct worker *w = data;
    w->held = NULL;
    w->drill->survivors += survivors;
    drill_pump(w->drill);
}

/* The lane is torn down: what its setup left running dies. */
static void release(struct worker *w)
{
    if (w->held != NULL) {
        subject_release(w->held, on_released, w);
    }
}

static void on_teardown(void *data, const struct subject_exit *exit)
{
    struct worker *w = data;
    w->state = WORKER_IDLE;
    own_command_ended(w, "teardown", exit);
    release(w);
    drill_pump(w->drill);
}

int worker_teardown(struct worker *w, struct err *e)
{
    w->torn_down = true;
    if (subject_of(w)->teardown.count == 0) {
        release(w);
        return 0;
    }
    w->state = WORKER_TEARDOWN;
    if (lane_begin(w->lane, 0, e) != 0 ||
        spawn(w, &subject_of(w)->teardown, NULL, on_teardown, e) != 0) {
        release(w);
        return -1;
    }
    return 0;
}

/* The names of the canaries that the start is given; empty where it has none. */
static void canary_names(const struct worker *w, char *text, size_t size)
{
    const struct scenario *s = w->drill->plan->scenario;
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < s->image_count && used < size; i++) {
        if ((w->lane->canaries >> i & 1) != 0) {
            int n =
                snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "", s->images[i].name);
            used += n > 0 ? (size_t)n : 0;
        }
    }
}

/* Tells the command with its variables replaced, as a person would type it. */
static int tell_begin(struct worker *w, struct err *e)
{
    const struct scenario *s = w->drill->plan->scenario;
    char **argv = NULL;
    char canaries[SCENARIO_MAX_IMAGES * (SCENARIO_MAX_NAME + 1)];
    struct buf command;
    if (lane_command(w->lane, &subject_of(w)->command, &argv, e) != 0) {
        return -1;
    }
    buf_init(&command, COMMAND_TEXT_MAX);
    for (size_t i = 0; argv[i] != NULL; i++) {
        buf_printf(&command, "%s%s", i > 0 ? " " : "", argv[i]);
    }
    lane_free_words(argv);
    struct event ev = {.type = EVENT_START_BEGIN, .actor = "drill"};
    ev.start_begin.subject = subject_of(w)->name;
    ev.start_begin.phase = w->control ? NULL : s->phases[w->phase].name;
    ev.start_begin.lane = w->lane->number;
    ev.start_begin.start = w->start;
    ev.start_begin.control = w->control;
    ev.start_begin.late_ns = w->late_ns;
    ev.start_begin.waited_ns = w->waited_ns;
    canary_names(w, canaries, sizeof canaries);
    ev.start_begin.canary = canaries[0] != '\0' ? canaries : NULL;
    w->late_ns = 0;
    w->waited_ns = 0;
    ev.start_begin.command = command.data;
    history_append(w->drill->history, &ev);
    buf_close(&command);
    return 0;
}

static void tell_end(struct worker *w)
{
    struct drill *d = w->drill;
    char reason[512] = "";
    struct event ev = {.type = EVENT_START_END, .actor = "drill"};
    struct event_start_end *end = &ev.start_end;
    end->subject = subject_of(w)->name;
    end->phase = w->control ? NULL : d->plan->scenario->phases[w->phase].name;
    end->lane = w->lane->number;
    end->start = w->start;
    end->control = w->control;
    end->exit = w->exit.exit;
    end->signal = w->exit.signal;
    end->timed_out = w->exit.timed_out;
    end->ended_ns = w->ended_ns;
    end->cancelled = w->exit.cancelled;
    end->duration_ns = w->exit.duration_ns;
    end->result = w->result;
    end->layout = w->layout;
    end->leftovers = w->exit.leftovers;
    end->tail = w->tail;
    end->outcome =
        pulls_outcome(judge_pulls(d->judge), w->lane->number, end, reason, sizeof reason);
    if (w->layout_err.code != ERR_NONE) {
        snprintf(reason, sizeof reason, "%.500s", w->layout_err.text);
    }
    end->reason = reason[0] != '\0' ? reason : NULL;
    history_append(d->history, &ev);
}

/* In the thread pool: reads result.json and hashes what it names. The loop does not touch this
 * worker until hashed() has run. */
static void hash(uv_work_t *work)
{
    struct worker *w = work->data;
    w->result = lane_result(w->lane, &w->layout_err);
    if (w->result != NULL) {
        w->layout = lane_layout(w->lane, w->result, &w->layout_err);
    }
}

static void hashed(uv_work_t *work, int status)
{
    struct worker *w = work->data;
    struct drill *d = w->drill;
    if (status != 0) {
        err_set(&w->layout_err, ERR_IO, "result.json: %s", uv_strerror(status));
    }
    /* What the start says of itself may be wrong; that it could not be read is ours. */
    enum err_code code = w->layout_err.code;
    if (code == ERR_NOMEM || code == ERR_IO || code == ERR_INTERNAL) {
        drill_abort(d, "failure", "start %llu: %s", (unsigned long long)w->start,
                    w->layout_err.text);
    }
    tell_end(w);
    free(w->result);
    free(w->layout);
    w->result = NULL;
    w->layout = NULL;
    w->state = WORKER_IDLE;
    if (!w->control && d->phase_open && w->phase == d->phase) {
        d->running--;
    }
    drill_pump(d);
}

/* An event's text ends at a NUL: those of the output become spaces. */
static void keep_tail(struct worker *w, const struct subject_exit *exit)
{
    size_t len = exit->output_len;
    size_t from = len > sizeof w->tail - 1 ? len - (sizeof w->tail - 1) : 0;
    if (len > 0) {
        memcpy(w->tail, exit->output + from, len - from);
    }
    for (size_t i = 0; i < len - from; i++) {
        w->tail[i] = w->tail[i] == '\0' ? ' ' : w->tail[i];
    }
    w->tail[len - from] = '\0';
}

/* A moment of CLOCK_MONOTONIC in the history's time. The clock is read before the history's own, so
 * that a pause between the two can only make the moment later, never a good request late. */
static uint64_t in_history(const struct drill *d, uint64_t monotonic_ns)
{
    uint64_t ago_ns = clock_now_ns() - monotonic_ns;
    uint64_t now_ns = history_now_ns(d->history);
    return monotonic_ns != 0 && now_ns > ago_ns ? now_ns - ago_ns : 0;
}

/* What ran on the lane is dead. */
static void end_lane(struct worker *w)
{
    server_lane_end(w->drill->registries.server, w->lane->number, false);
    if (w->lane->reach->end != NULL) {
        w->lane->reach->end(w->lane);
    }
}

static void on_command(void *data, const struct subject_exit *exit)
{
    struct worker *w = data;
    struct drill *d = w->drill;
    w->run = NULL;
    w->exit = *exit;
    w->exit.output = NULL;
    w->ended_ns = in_history(d, exit->ended_ns);
    keep_tail(w, exit);
    d->survivors += exit->survivors;
    if (!exit->started) {
        snprintf(w->tail, sizeof w->tail, "%s", exit->reason);
    }
    if (exit->no_room || exit->lost) {
        drill_abort(d, "failure", "start %llu: %s", (unsigned long long)w->start, exit->reason);
    }
    end_lane(w);
    memset(&w->layout_err, 0, sizeof w->layout_err);
    w->state = WORKER_HASHING;
    w->hash.data = w;
    int rc = uv_queue_work(&d->loop, &w->hash, hash, hashed);
    if (rc != 0) {
        hashed(&w->hash, rc);
    }
}

static int begin_lane(struct lane *lane, struct err *e)
{
    return lane->reach->begin != NULL ? lane->reach->begin(lane, e) : 0;
}

static int run_command(struct worker *w, struct err *e)
{
    struct drill *d = w->drill;
    char path[4096];
    const char *output = NULL;
    if (d->options->out != NULL) {
        snprintf(path, sizeof path, "%s/starts/%llu.txt", d->options->out,
                 (unsigned long long)w->start);
        output = path;
    }
    w->state = WORKER_RUNNING;
    server_lane_begin(d->registries.server, w->lane->number, w->start);
    if (tell_begin(w, e) != 0 || begin_lane(w->lane, e) != 0 ||
        spawn(w, &subject_of(w)->command, output, on_command, e) != 0) {
        end_lane(w);
        w->state = WORKER_IDLE;
        return -1;
    }
    return 0;
}

/* While it was prepared its phase may have been cut short. */
static bool still_wanted(const struct worker *w)
{
    return w->drill->state == (w->control ? DRILL_CONTROL : DRILL_PHASES);
}

static void on_prepare(void *data, const struct subject_exit *exit)
{
    struct worker *w = data;
    struct err e = {0};
    w->state = WORKER_IDLE;
    if (own_command_ended(w, "prepare", exit) && still_wanted(w) && run_command(w, &e) != 0) {
        drill_abort(w->drill, "failure", "start %llu: %s", (unsigned long long)w->start, e.text);
    }
    drill_pump(w->drill);
}

int worker_start(struct worker *w, uint64_t number, bool control, struct err *e)
{
    w->start = number;
    w->control = control;
    w->phase = w->drill->phase;
    w->tail[0] = '\0';
    if (control) {
        w->lane->canaries = 0;
    }
    if (lane_begin(w->lane, number, e) != 0) {
        return -1;
    }
    if (!control) {
        w->drill->running++;
    }
    if (subject_of(w)->prepare.count == 0) {
        return run_command(w, e);
    }
    w->state = WORKER_PREPARING;
    return spawn(w, &subject_of(w)->prepare, NULL, on_prepare, e);
}

size_t drill_busy(const struct drill *d)
{
    size_t busy = d->doing.run != NULL;
    for (size_t i = 0; i < d->worker_count; i++) {
        const struct worker *w = &d->workers[i];
        busy += w->state != WORKER_IDLE || (w->torn_down && w->held != NULL);
    }
    return busy;
}
