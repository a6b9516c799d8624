/* What an invocation shows of its drills while they run.
 *
 * Happy path: each running drill has a place; a tick reads the events that its history has gained,
 * feeds them to its progress, and draws a line for each place. What the drill's process writes to
 * stderr comes through a pipe, so that it stands above the live lines and not in them. Nothing here
 * reaches into a drill: its history is all there is to see. Failure modes: a history that grows
 * faster than a tick reads makes the line late, never wrong; what was not read when the drill has
 * ended is read for a line a phase and let go for a live line; one that cannot be read leaves its
 * line as it is. */
#include "harness/commands/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/log.h"
#include "harness/columns.h"
#include "harness/commands/follow.h"
#include "harness/commands/jobs.h"
#include "harness/commands/live.h"
#include "harness/commands/stream.h"
#include "harness/progress.h"

#define TICK_NS (100 * CLOCK_NS_PER_MS)
#define TICK_EVENTS 20000 /* read from one history in a tick */
#define LINE_MAX_BYTES 16384
#define SAID_MAX_BYTES (1u << 20)

struct place {
    bool used;
    size_t number;
    struct follow *follow;
    struct progress *progress;
    uint64_t began_ns; /* the drill's own zero, as far as is known; 0: unknown */
};

struct watch {
    const char *out;
    bool terminal; /* live lines */
    bool phases;   /* plain lines */
    bool several;
    bool colour;
    struct place place[JOBS_MAX];
    struct live live;
    int said[2]; /* stderr of the drills; -1 */
    struct stream *stream;
};

static bool is_terminal(void)
{
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) != 0 && term != NULL && strcmp(term, "dumb") != 0;
}

static int open_pipe(struct watch *w, struct err *e)
{
    if (pipe2(w->said, O_CLOEXEC) != 0 || fcntl(w->said[0], F_SETFL, O_NONBLOCK) != 0) {
        return err_errno(e, errno, "cannot make a pipe");
    }
    return 0;
}

struct watch *watch_new(const struct options *o, bool phases, bool several, struct err *e)
{
    struct watch *w = calloc(1, sizeof *w);
    if (w == NULL) {
        err_set(e, ERR_NOMEM, "no memory");
        return NULL;
    }
    w->out = o->out;
    w->terminal = !o->quiet && is_terminal();
    w->phases = phases && !o->quiet && !w->terminal;
    w->several = several;
    w->colour = getenv("NO_COLOR") == NULL;
    w->live.fd = STDERR_FILENO;
    w->said[0] = w->said[1] = -1;
    bool ok = !w->terminal || open_pipe(w, e) == 0;
    if (ok && strcmp(o->format, "json") == 0) {
        w->stream = stream_new(STDOUT_FILENO, e);
        ok = w->stream != NULL;
    }
    if (!ok) {
        watch_free(w);
        return NULL;
    }
    return w;
}

static void free_place(struct place *place)
{
    follow_free(place->follow);
    progress_free(place->progress);
    *place = (struct place){.used = false};
}

uint64_t watch_tick_ns(const struct watch *w)
{
    return w->terminal || w->phases || w->stream != NULL ? TICK_NS : 0;
}

/* ---- drills -------------------------------------------------------------------------------- */

/* "codeship-2017-image-deleted" and " as retry-only [2]". */
static void name_of(const struct watched *what, struct buf *name, struct buf *added)
{
    const char *slash = strrchr(what->scenario, '/');
    const char *base = slash != NULL ? slash + 1 : what->scenario;
    size_t len = strlen(base);
    len -= len > 5 && strcmp(base + len - 5, ".json") == 0 ? 5 : 0;
    buf_append(name, base, len);
    buf_str(added, "");
    if (what->variant != NULL) {
        buf_printf(added, " as %s", what->variant);
    }
    if (what->rounds) {
        buf_printf(added, " [%zu]", what->round);
    }
}

/* There are never more drills than places. */
static int add_place(struct watch *w, size_t number, const struct watched *what, const char *path,
                     struct err *e)
{
    struct buf name;
    struct buf added;
    size_t i = 0;
    while (i < JOBS_MAX - 1 && w->place[i].used) {
        i++;
    }
    struct place *place = &w->place[i];
    free_place(place);
    buf_init(&name, LINE_MAX_BYTES);
    buf_init(&added, LINE_MAX_BYTES);
    name_of(what, &name, &added);
    *place = (struct place){.used = true, .number = number};
    place->follow = follow_new(path, e);
    if (!name.failed && !added.failed) {
        place->progress = progress_new(name.data, added.data, e);
    }
    buf_close(&name);
    buf_close(&added);
    if (place->follow == NULL || place->progress == NULL) {
        free_place(place);
        return err_set(e, ERR_NOMEM, "no memory");
    }
    return 0;
}

int watch_begin(struct watch *w, size_t number, const struct watched *what, struct err *e)
{
    struct buf path;
    int rc = 0;
    buf_init(&path, LINE_MAX_BYTES);
    buf_printf(&path, "%s/history.jsonl", what->dir);
    const struct stream_source source = {.scenario = what->scenario,
                                         .title = what->title,
                                         .variant = what->variant,
                                         .round = what->round,
                                         .history = path.data};
    if (path.failed) {
        rc = err_set(e, ERR_NOMEM, "no memory");
    } else if (w->terminal || w->phases) {
        rc = add_place(w, number, what, path.data, e);
    }
    if (rc == 0 && w->stream != NULL) {
        rc = stream_add(w->stream, number, &source, e);
    }
    buf_close(&path);
    return rc;
}

void watch_child(const struct watch *w)
{
    if (w->said[1] >= 0) {
        (void)dup2(w->said[1], STDERR_FILENO);
    }
}

/* ---- reading ------------------------------------------------------------------------------- */

static void print_phase(const struct watch *w, const struct place *place)
{
    struct buf b;
    buf_init(&b, LINE_MAX_BYTES);
    buf_str(&b, "  ");
    if (w->several) {
        progress_name(place->progress, &b);
        buf_str(&b, " ");
    }
    progress_phase(place->progress, &b);
    fwrite(b.data != NULL ? b.data : "", 1, b.len, stderr);
    fflush(stderr);
    buf_close(&b);
}

/* Feeds at most MAX events. A drill's clock began when its own time was zero: an event that was
 * read at once tells it best. */
static void read_on(const struct watch *w, struct place *place, size_t max)
{
    struct err e = {0};
    struct event ev;
    uint64_t last_ns = 0;
    for (size_t i = 0; i < max && follow_event(place->follow, &ev, &e) > 0; i++) {
        progress_event(place->progress, &ev);
        last_ns = ev.t_ns;
        if (w->phases && ev.type == EVENT_PHASE_END) {
            print_phase(w, place);
        }
    }
    uint64_t now = clock_now_ns();
    if (last_ns > 0 && last_ns < now && (place->began_ns == 0 || now - last_ns < place->began_ns)) {
        place->began_ns = now - last_ns;
    }
    if (place->began_ns > 0) {
        progress_now(place->progress, now - place->began_ns);
    }
}

/* ---- drawing ------------------------------------------------------------------------------- */

static size_t name_columns(const struct watch *w, size_t columns)
{
    size_t most = 0;
    for (size_t i = 0; i < JOBS_MAX; i++) {
        size_t n = w->place[i].used ? progress_name_columns(w->place[i].progress) : 0;
        most = n > most ? n : most;
    }
    size_t share = columns * 2 / 5; /* what names take at most */
    return most < share ? most : share;
}

static size_t running(const struct watch *w)
{
    size_t n = 0;
    for (size_t i = 0; i < JOBS_MAX; i++) {
        n += w->place[i].used;
    }
    return n;
}

/* One row stays free for the cursor; where there is no room for all, the last line counts the rest.
 */
static void draw(struct watch *w)
{
    struct buf lines[JOBS_MAX];
    size_t widths[JOBS_MAX];
    size_t columns;
    size_t rows;
    size_t count = 0;
    live_size(&w->live, &columns, &rows);
    size_t all = running(w);
    size_t shown = rows <= 1 ? 0 : all < rows ? all : rows - 2;
    struct progress_style style = {.columns = columns, .colour = w->colour};
    style.name_columns = name_columns(w, columns);
    for (size_t i = 0; i < JOBS_MAX && count < shown; i++) {
        if (w->place[i].used) {
            buf_init(&lines[count], LINE_MAX_BYTES);
            widths[count] = progress_line(w->place[i].progress, &style, &lines[count]);
            count++;
        }
    }
    if (rows > 1 && shown < all) {
        buf_init(&lines[count], LINE_MAX_BYTES);
        buf_printf(&lines[count], "%zu more", all - shown);
        widths[count] = columns_of(lines[count].data != NULL ? lines[count].data : "");
        count++;
    }
    live_draw(&w->live, lines, widths, count);
    for (size_t i = 0; i < count; i++) {
        buf_close(&lines[i]);
    }
}

/* What the drills' processes wrote to stderr. */
static void show_said(struct watch *w)
{
    char text[4096];
    struct buf b;
    ssize_t n;
    buf_init(&b, SAID_MAX_BYTES);
    while (w->said[0] >= 0 && b.len + sizeof text < SAID_MAX_BYTES &&
           (n = read(w->said[0], text, sizeof text)) > 0) {
        buf_append(&b, text, (size_t)n);
    }
    if (b.len > 0) {
        watch_print(w, stderr, &b);
    }
    buf_close(&b);
}

void watch_tick(struct watch *w, bool resumed)
{
    if (resumed) {
        live_forget(&w->live);
    }
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (w->place[i].used) {
            read_on(w, &w->place[i], TICK_EVENTS);
        }
    }
    if (w->terminal) {
        show_said(w);
        draw(w);
    }
    if (w->stream != NULL) {
        stream_tick(w->stream);
    }
}

void watch_print(struct watch *w, FILE *f, const struct buf *b)
{
    if (w->terminal) {
        live_wipe(&w->live);
    }
    fwrite(b->data != NULL ? b->data : "", 1, b->len, f);
    fflush(f);
}

/* ---- ends ---------------------------------------------------------------------------------- */

int watch_ended(struct watch *w, size_t number, const struct verdict *v, struct err *e)
{
    for (size_t i = 0; i < JOBS_MAX; i++) {
        struct place *place = &w->place[i];
        if (place->used && place->number == number) {
            read_on(w, place, w->phases ? SIZE_MAX : 0);
            free_place(place);
            break;
        }
    }
    show_said(w);
    return w->stream != NULL ? stream_ended(w->stream, number, v, e) : 0;
}

bool watch_streams(const struct watch *w)
{
    return w->stream != NULL;
}

void watch_finish(struct watch *w, const struct buf *results)
{
    if (w->terminal) {
        live_wipe(&w->live);
    }
    if (!stream_finish(w->stream, results)) {
        log_line("cannot write to stdout; the results are in %s", w->out);
    }
}

void watch_free(struct watch *w)
{
    if (w == NULL) {
        return;
    }
    if (w->terminal) {
        show_said(w);
        live_wipe(&w->live);
    }
    for (size_t i = 0; i < JOBS_MAX; i++) {
        free_place(&w->place[i]);
    }
    for (int i = 0; i < 2; i++) {
        if (w->said[i] >= 0) {
            close(w->said[i]);
        }
    }
    stream_free(w->stream);
    free(w);
}
