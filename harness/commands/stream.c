/* `--format json`: the events of all drills on one descriptor.
 *
 * Happy path: each drill is a source, in the order in which they began; a tick reads whole lines
 * of their histories, puts into each which scenario it belongs to, and writes what the reader takes
 * at once. A source whose drill has ended is read to its end, then its verdict follows and it is
 * gone. Nothing waits in memory but one queue with a maximum: the histories themselves are the
 * buffer, so a slow reader costs the drills nothing. Failure modes: a reader that went away ends
 * the writing, not the drills; a history that cannot be read ends its source, its verdict follows
 * all the same. */
#include "harness/commands/stream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/commands/follow.h"
#include "harness/history/event.h"
#include "reports/report.h"

#define QUEUE_FULL_BYTES (256u << 10) /* no more is read while as much waits */
#define QUEUE_MAX_BYTES (256u << 20)  /* room for the longest line on top of it */
#define LINE_MAX_BYTES (16u << 20)    /* of our own */
#define TICK_BYTES (1u << 20)         /* read from one source in a tick */
#define WRITE_BYTES 4096              /* what a pipe that is ready takes whole */
#define WAIT_MS 100                   /* between looks for an interrupt */

struct source {
    struct source *next;
    size_t number;
    struct follow *follow; /* NULL: nothing more to read */
    char *before;          /* what each line of its history begins with */
    char *cell;            /* what its verdict has beside the row of results.json */
    char *title;
    size_t lines;
    bool ended;
    char *verdict; /* its last line; NULL: none */
};

struct stream {
    int fd;
    bool gone; /* nobody reads */
    struct source *first;
    struct buf queue;
    size_t written; /* of the queue */
};

struct stream *stream_new(int fd, struct err *e)
{
    struct stream *s = calloc(1, sizeof *s);
    if (s == NULL) {
        err_set(e, ERR_NOMEM, "no memory");
        return NULL;
    }
    s->fd = fd;
    buf_init(&s->queue, QUEUE_MAX_BYTES);
    return s;
}

static void free_source(struct source *source)
{
    follow_free(source->follow);
    free(source->before);
    free(source->cell);
    free(source->title);
    free(source->verdict);
    free(source);
}

void stream_free(struct stream *s)
{
    if (s == NULL) {
        return;
    }
    while (s->first != NULL) {
        struct source *next = s->first->next;
        free_source(s->first);
        s->first = next;
    }
    buf_close(&s->queue);
    free(s);
}

/* ---- sources ------------------------------------------------------------------------------- */

static void member(struct buf *b, const char *key, const char *text)
{
    buf_json_string(b, key, strlen(key));
    buf_char(b, ':');
    buf_json_string(b, text, strlen(text));
    buf_char(b, ',');
}

/* `"variant":"retry-only","round":2,` or nothing. */
static char *cell_members(const struct stream_source *source)
{
    struct buf b;
    buf_init(&b, 1u << 16);
    if (source->variant != NULL) {
        member(&b, "variant", source->variant);
        buf_str(&b, "\"round\":");
        buf_u64(&b, source->round);
        buf_char(&b, ',');
    }
    char *text = buf_take(&b);
    buf_close(&b);
    return text;
}

static char *line_begin(const struct stream_source *source, const char *cell)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    buf_char(&b, '{');
    member(&b, "scenario", source->scenario);
    buf_str(&b, cell);
    char *text = buf_take(&b);
    buf_close(&b);
    return text;
}

int stream_add(struct stream *s, size_t number, const struct stream_source *source, struct err *e)
{
    struct source *new = calloc(1, sizeof *new);
    struct source **end = &s->first;
    if (new == NULL) {
        return err_set(e, ERR_NOMEM, "no memory");
    }
    new->number = number;
    new->follow = follow_new(source->history, e);
    new->cell = cell_members(source);
    new->before = new->cell != NULL ? line_begin(source, new->cell) : NULL;
    new->title = strdup(source->title);
    if (new->follow == NULL || new->before == NULL || new->title == NULL) {
        free_source(new);
        return err_set(e, ERR_NOMEM, "no memory");
    }
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = new;
    return 0;
}

static char *verdict_line(const struct source *source, const struct verdict *v)
{
    struct buf row;
    struct buf b;
    buf_init(&row, LINE_MAX_BYTES);
    buf_init(&b, LINE_MAX_BYTES);
    report_row(v, &row);
    buf_str(&b, "{\"event\":\"verdict\",");
    buf_str(&b, source->cell);
    buf_str(&b, row.failed ? "}\n" : row.data + 1);
    b.failed |= row.failed;
    buf_close(&row);
    char *text = buf_take(&b);
    buf_close(&b);
    return text;
}

int stream_ended(struct stream *s, size_t number, const struct verdict *v, struct err *e)
{
    struct source *source = s->first;
    while (source != NULL && source->number != number) {
        source = source->next;
    }
    if (source == NULL) {
        return 0;
    }
    source->ended = true;
    source->verdict = v != NULL ? verdict_line(source, v) : NULL;
    return v != NULL && source->verdict == NULL ? err_set(e, ERR_NOMEM, "no memory") : 0;
}

/* ---- lines --------------------------------------------------------------------------------- */

/* The first event without its plan, which is in the history; its title instead. */
static void queue_begin(struct stream *s, struct source *source, const char *line, size_t len)
{
    struct event ev;
    struct buf scratch;
    struct buf text;
    struct err e = {0};
    buf_init(&scratch, QUEUE_MAX_BYTES);
    buf_init(&text, 1u << 16);
    if (event_decode(line, len, &ev, &scratch, &e) == 0 && ev.type == EVENT_DRILL_BEGIN) {
        ev.drill_begin.plan = NULL;
        event_encode(&ev, &text);
        s->queue.failed |= text.failed;
    }
    if (text.len > 3) {
        buf_str(&s->queue, source->before);
        buf_append(&s->queue, text.data + 1, text.len - 3); /* without braces and newline */
        buf_str(&s->queue, ",\"title\":");
        buf_json_string(&s->queue, source->title, strlen(source->title));
        buf_str(&s->queue, "}\n");
    }
    buf_close(&scratch);
    buf_close(&text);
}

static void queue_line(struct stream *s, struct source *source, const char *line, size_t len)
{
    if (len < 2 || line[0] != '{') {
        return;
    }
    if (source->lines++ == 0) {
        queue_begin(s, source, line, len);
        return;
    }
    buf_str(&s->queue, source->before);
    buf_append(&s->queue, line + 1, len - 1);
    buf_char(&s->queue, '\n');
}

static bool is_full(const struct stream *s)
{
    return s->queue.len - s->written >= QUEUE_FULL_BYTES;
}

/* Reads on; true once there is nothing more to come of it. */
static bool read_source(struct stream *s, struct source *source)
{
    struct err e = {0};
    const char *line;
    size_t len;
    size_t done = 0;
    int more = source->follow != NULL ? 1 : 0;
    while (more > 0 && !is_full(s) && done < TICK_BYTES) {
        more = follow_line(source->follow, &line, &len, &e);
        if (more > 0) {
            queue_line(s, source, line, len);
            done += len;
        }
    }
    return source->ended && more <= 0;
}

static void read_all(struct stream *s)
{
    for (struct source **at = &s->first; *at != NULL && !is_full(s);) {
        struct source *source = *at;
        if (!read_source(s, source)) {
            at = &source->next;
            continue;
        }
        buf_str(&s->queue, source->verdict != NULL ? source->verdict : "");
        *at = source->next;
        free_source(source);
    }
}

/* ---- writing ------------------------------------------------------------------------------- */

/* Writes until the queue is empty or the reader would be waited for longer than WAIT_MS; true: the
 * queue is empty, or nobody reads. */
static bool write_queue(struct stream *s, int wait_ms)
{
    s->gone = s->gone || s->queue.failed;
    while (!s->gone && s->written < s->queue.len) {
        struct pollfd ready = {.fd = s->fd, .events = POLLOUT};
        if (poll(&ready, 1, wait_ms) <= 0) {
            return false;
        }
        size_t left = s->queue.len - s->written;
        ssize_t n =
            write(s->fd, s->queue.data + s->written, left < WRITE_BYTES ? left : WRITE_BYTES);
        if (n < 0 && errno != EINTR && errno != EAGAIN) {
            s->gone = true;
        }
        s->written += n > 0 ? (size_t)n : 0;
    }
    buf_reset(&s->queue);
    s->written = 0;
    return true;
}

void stream_tick(struct stream *s)
{
    /* More is read only into an empty queue: what a slow reader leaves is not moved about. */
    if (write_queue(s, 0) && !s->gone) {
        read_all(s);
        (void)write_queue(s, 0);
    }
}

static bool is_interrupted(void)
{
    const struct timespec now = {0};
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    return sigtimedwait(&both, NULL, &now) > 0;
}

/* Waits for the reader; false: it went away, or does not read and an interrupt came. */
static bool drain(struct stream *s)
{
    while (!write_queue(s, WAIT_MS)) {
        if (is_interrupted()) {
            return false;
        }
    }
    return !s->gone;
}

bool stream_finish(struct stream *s, const struct buf *last)
{
    for (struct source *source = s->first; source != NULL; source = source->next) {
        source->ended = true;
    }
    do {
        if (!drain(s)) {
            return false;
        }
        read_all(s);
    } while (s->queue.len > 0 || s->first != NULL);
    if (last->failed || last->len < 2) {
        return false;
    }
    buf_str(&s->queue, "{\"event\":\"results\",");
    buf_append(&s->queue, last->data + 1, last->len - 1);
    return drain(s);
}
