/* The history of a running drill.
 *
 * Happy path: history_append numbers an event, shows it to the observers and adds its line to a
 * buffer; history_flush writes the buffer, once a loop turn. Failure modes: a line that finds no
 * memory, and a write that fails, are kept as the first trouble; from then on nothing more is
 * written (so what is on disk stays a true beginning of the history), observers still see every
 * event, and each history_flush tells the trouble again. Past HISTORY_BUFFER_BYTES an append
 * flushes by itself. */
#include "harness/history/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"

/* What may wait for a flush, and the room for the one line that comes on top of it (the plan is the
 * longest). */
#define HISTORY_BUFFER_BYTES (64u << 20)
#define HISTORY_LINE_BYTES (64u << 20)

struct observer {
    history_observer *fn;
    void *data;
};

struct history {
    char *path;
    int fd; /* -1 where nothing is kept */
    uint64_t begun_ns;
    uint64_t count;
    struct buf pending;
    struct observer observers[HISTORY_MAX_OBSERVERS];
    size_t observer_count;
    struct err trouble;
};

static int open_file(struct history *h, const char *path, struct err *e)
{
    h->path = strdup(path);
    if (h->path == NULL)
        return err_set(e, ERR_NOMEM, "%s: no memory for the history", path);
    h->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (h->fd < 0)
        return err_errno(e, errno, "%s: the history cannot be created", path);
    return 0;
}

struct history *history_new(const char *path, struct err *e)
{
    struct history *h = calloc(1, sizeof(*h));

    if (h == NULL) {
        err_set(e, ERR_NOMEM, "no memory for the history");
        return NULL;
    }
    h->fd = -1;
    buf_init(&h->pending, HISTORY_BUFFER_BYTES + HISTORY_LINE_BYTES);
    if (path != NULL && open_file(h, path, e) != 0) {
        history_free(h);
        return NULL;
    }
    h->begun_ns = clock_now_ns();
    return h;
}

/* Takes the descriptor away, so that nothing follows a line that is not there. */
static void give_up(struct history *h)
{
    close(h->fd);
    h->fd = -1;
    buf_close(&h->pending);
}

static void write_pending(struct history *h)
{
    size_t done = 0;

    while (h->fd >= 0 && done < h->pending.len) {
        ssize_t n = write(h->fd, h->pending.data + done, h->pending.len - done);

        if (n < 0 && errno != EINTR) {
            err_errno(&h->trouble, errno, "%s: the history cannot be written", h->path);
            give_up(h);
        } else if (n > 0) {
            done += (size_t)n;
        }
    }
    buf_reset(&h->pending);
}

void history_free(struct history *h)
{
    if (h == NULL)
        return;
    write_pending(h);
    if (h->fd >= 0)
        close(h->fd);
    buf_close(&h->pending);
    free(h->path);
    free(h);
}

int history_observe(struct history *h, history_observer *fn, void *data, struct err *e)
{
    if (h->observer_count == HISTORY_MAX_OBSERVERS)
        return err_set(e, ERR_LIMIT, "more than %d observers of one history",
                       HISTORY_MAX_OBSERVERS);
    h->observers[h->observer_count++] = (struct observer){.fn = fn, .data = data};
    return 0;
}

static void keep_line(struct history *h, const struct event *ev)
{
    size_t whole = h->pending.len;

    event_encode(ev, &h->pending);
    if (h->pending.failed || h->pending.len - whole > HISTORY_LINE_BYTES) {
        err_set(
            &h->trouble, ERR_LIMIT,
            "%s: event %llu (%s) is no line: no memory, or longer than %u bytes, or its plan is "
            "no JSON object",
            h->path, (unsigned long long)ev->n, event_type_name(ev->type), HISTORY_LINE_BYTES);
        h->pending.len = whole;
        write_pending(h);
        if (h->fd >= 0)
            give_up(h);
    } else if (h->pending.len >= HISTORY_BUFFER_BYTES) {
        write_pending(h);
    }
}

uint64_t history_append(struct history *h, struct event *ev)
{
    ev->n = ++h->count;
    ev->t_ns = history_now_ns(h);
    for (size_t i = 0; i < h->observer_count; i++)
        h->observers[i].fn(h->observers[i].data, ev);
    if (h->fd >= 0)
        keep_line(h, ev);
    return ev->n;
}

uint64_t history_now_ns(const struct history *h)
{
    return clock_now_ns() - h->begun_ns;
}

int history_flush(struct history *h, struct err *e)
{
    write_pending(h);
    if (h->trouble.code != ERR_NONE)
        return err_set(e, h->trouble.code, "%s", h->trouble.text);
    return 0;
}
