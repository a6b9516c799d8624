/* Reading a saved history.
 *
 * Happy path: the file is read in pieces, each line is decoded, and the numbers of the events
 * ascend by one. Failure modes: a line that cannot be decoded, a number out of order, a line over
 * the limit, and a read that fails are errors that name file and line; the last line of a drill
 * that was killed has no newline and is dropped. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/history/history.h"

#define PIECE_BYTES (256u << 10)
/* As much as the writer lets through in one line. */
#define LINE_BYTES (64u << 20)

struct history_reader {
    char *path;
    int fd;
    struct buf data; /* read, from the beginning of some line on */
    size_t at;       /* of that, where the next line begins */
    size_t line;     /* number of the line read last */
    uint64_t n;      /* number of the event read last */
    bool ended;
    bool truncated;
    struct buf scratch;
};

struct history_reader *history_reader_open(const char *path, struct err *e)
{
    struct history_reader *r = calloc(1, sizeof(*r));

    if (r == NULL) {
        err_set(e, ERR_NOMEM, "%s: no memory to read it", path);
        return NULL;
    }
    buf_init(&r->data, (size_t)LINE_BYTES + PIECE_BYTES);
    buf_init(&r->scratch, LINE_BYTES);
    r->path = strdup(path);
    r->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0)
        err_input(e, errno, "%s: cannot be opened", path);
    else if (r->path == NULL)
        err_set(e, ERR_NOMEM, "%s: no memory to read it", path);
    else
        return r;
    history_reader_close(r);
    return NULL;
}

void history_reader_close(struct history_reader *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        close(r->fd);
    buf_close(&r->data);
    buf_close(&r->scratch);
    free(r->path);
    free(r);
}

/* Reads one more piece behind the data, or sets ENDED. */
static int read_piece(struct history_reader *r, struct err *e)
{
    char *to;
    ssize_t n;

    buf_consume(&r->data, r->at);
    r->at = 0;
    if (r->data.len >= LINE_BYTES)
        return err_set(e, ERR_INVALID, "%s:%zu: a line is longer than %u bytes", r->path,
                       r->line + 1, LINE_BYTES);
    to = buf_reserve(&r->data, PIECE_BYTES);
    if (to == NULL)
        return err_set(e, ERR_NOMEM, "%s: no memory to read it", r->path);
    do {
        n = read(r->fd, to, PIECE_BYTES);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_errno(e, errno, "%s: cannot be read", r->path);
    r->ended = n == 0;
    buf_added(&r->data, (size_t)n);
    return 0;
}

/* 1: the next line is from AT on, without its newline; 0: there is none; -1: trouble. */
static int next_line(struct history_reader *r, const char **line, size_t *len, struct err *e)
{
    size_t searched = 0;

    for (;;) {
        size_t left = r->data.len - r->at - searched;
        const char *from = left > 0 ? r->data.data + r->at + searched : NULL;
        const char *newline = left > 0 ? memchr(from, '\n', left) : NULL;

        if (newline != NULL) {
            *line = r->data.data + r->at;
            *len = (size_t)(newline - *line);
            r->at += *len + 1;
            r->line++;
            return 1;
        }
        searched += left;
        if (r->ended) {
            r->truncated = searched > 0;
            return 0;
        }
        if (read_piece(r, e) != 0)
            return -1;
    }
}

int history_reader_next(struct history_reader *r, struct event *out, struct err *e)
{
    const char *line;
    size_t len;
    int more = next_line(r, &line, &len, e);

    if (more <= 0)
        return more;
    if (event_decode(line, len, out, &r->scratch, e) != 0)
        return err_prefix(e, "%s:%zu", r->path, r->line);
    if (out->n != r->n + 1)
        return err_set(e, ERR_INVALID, "%s:%zu: event %llu stands where event %llu was due",
                       r->path, r->line, (unsigned long long)out->n, (unsigned long long)r->n + 1);
    r->n = out->n;
    return 1;
}

bool history_reader_truncated(const struct history_reader *r)
{
    return r->truncated;
}
