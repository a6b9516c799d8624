/* The history of a running drill.
 *
 * Happy path: history_append numbers an event, puts secrets out of sight, shows it to the observers
 * and adds its line to a buffer; history_flush writes the buffer, once a loop turn. Failure modes:
 * strings with a secret that find no memory are put out of sight whole; a line that finds no
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
#include "harness/history/event_table.h"

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
    struct secrets secrets;
    struct buf redacted; /* strings of the event under way, one after another */
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
    buf_init(&h->redacted, HISTORY_LINE_BYTES);
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
    buf_close(&h->redacted);
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

/* ---- secrets ------------------------------------------------------------------------------ */

int history_secret(struct history *h, const char *text, struct err *e)
{
    return secrets_add(&h->secrets, text, e);
}

const struct secrets *history_secrets(const struct history *h)
{
    return &h->secrets;
}

/* The most strings of one event. */
#define EVENT_STRINGS 32

/* Where the redacted string of a field begins: the buffer may move until all are in it. */
struct replaced {
    const char **string;
    size_t from;
};

static bool is_string(const struct event_field *f)
{
    return f->kind == FIELD_STRING || f->kind == FIELD_OBJECT;
}

/* Puts redacted copies in the place of the strings of EV that hold a secret. */
static void redact(struct history *h, struct event *ev)
{
    const struct event_layout *layout = event_layout(ev->type);
    struct replaced replaced[EVENT_STRINGS];
    size_t count = 0;

    buf_reset(&h->redacted);
    for (size_t i = 0; i < layout->count && count < EVENT_STRINGS; i++) {
        const char **string = (const char **)(void *)((char *)ev + layout->fields[i].offset);

        if (!is_string(&layout->fields[i]) || *string == NULL ||
            !secrets_in(&h->secrets, *string, strlen(*string)))
            continue;
        replaced[count++] = (struct replaced){string, h->redacted.len};
        secrets_redact(&h->secrets, *string, strlen(*string), &h->redacted);
        buf_char(&h->redacted, '\0');
        *string = layout->fields[i].kind == FIELD_OBJECT ? "{}" : SECRETS_SHOWN;
    }
    for (size_t i = 0; i < count && !h->redacted.failed; i++)
        *replaced[i].string = h->redacted.data + replaced[i].from;
}

uint64_t history_append(struct history *h, struct event *ev)
{
    struct event redacted;
    const struct event *shown = ev;

    ev->n = ++h->count;
    ev->t_ns = history_now_ns(h);
    if (h->secrets.count > 0) {
        redacted = *ev;
        redact(h, &redacted);
        shown = &redacted;
    }
    for (size_t i = 0; i < h->observer_count; i++)
        h->observers[i].fn(h->observers[i].data, shown);
    if (h->fd >= 0)
        keep_line(h, shown);
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
