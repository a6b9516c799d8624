/* Reads a history that another process is still writing.
 *
 * Happy path: each call gives the next whole line out of what was read; where that holds none, more
 * is read from where the last read ended. Failure modes: a file that is not there yet has no lines
 * yet; the beginning of a line waits for its rest, for ever where its writer was killed; a line
 * over the limit, one that is no event and a failing read are trouble that stays. */
#include "harness/commands/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/buf.h"

#define PIECE_BYTES (64u << 10)
/* As much as the writer lets through in one line. */
#define LINE_BYTES (64u << 20)

struct follow {
    char *path;
    int fd;          /* -1: not there yet */
    struct buf data; /* read, from the beginning of some line on */
    size_t at;       /* of that, where the next line begins */
    size_t searched; /* bytes from AT on that hold no newline */
    struct buf scratch;
    struct err trouble;
};

struct follow *follow_new(const char *path, struct err *e)
{
    struct follow *f = calloc(1, sizeof *f);
    char *copy = strdup(path);
    if (f == NULL || copy == NULL) {
        free(f);
        free(copy);
        err_set(e, ERR_NOMEM, "%s: no memory to follow it", path);
        return NULL;
    }
    f->path = copy;
    f->fd = -1;
    buf_init(&f->data, (size_t)LINE_BYTES + PIECE_BYTES);
    buf_init(&f->scratch, LINE_BYTES);
    return f;
}

void follow_free(struct follow *f)
{
    if (f == NULL) {
        return;
    }
    if (f->fd >= 0) {
        close(f->fd);
    }
    buf_close(&f->data);
    buf_close(&f->scratch);
    free(f->path);
    free(f);
}

/* 1: there is one more piece behind the data; 0: nothing more now; -1: trouble. */
static int read_piece(struct follow *f, struct err *e)
{
    ssize_t n;
    buf_consume(&f->data, f->at);
    f->at = 0;
    if (f->fd < 0) {
        f->fd = open(f->path, O_RDONLY | O_CLOEXEC);
    }
    if (f->fd < 0) {
        return errno == ENOENT ? 0 : err_errno(e, errno, "%s: cannot be opened", f->path);
    }
    if (f->data.len >= LINE_BYTES) {
        return err_set(e, ERR_LIMIT, "%s: a line is longer than %u bytes", f->path, LINE_BYTES);
    }
    char *to = buf_reserve(&f->data, PIECE_BYTES);
    if (to == NULL) {
        return err_set(e, ERR_NOMEM, "%s: no memory to follow it", f->path);
    }
    do {
        n = read(f->fd, to, PIECE_BYTES);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return err_errno(e, errno, "%s: cannot be read", f->path);
    }
    buf_added(&f->data, (size_t)n);
    return n > 0;
}

static int next_line(struct follow *f, const char **line, size_t *len, struct err *e)
{
    for (;;) {
        size_t left = f->data.len - f->at - f->searched;
        const char *from = left > 0 ? f->data.data + f->at + f->searched : NULL;
        const char *newline = left > 0 ? memchr(from, '\n', left) : NULL;
        if (newline != NULL) {
            *line = f->data.data + f->at;
            *len = (size_t)(newline - *line);
            f->at += *len + 1;
            f->searched = 0;
            return 1;
        }
        f->searched += left;
        int more = read_piece(f, e);
        if (more <= 0) {
            return more;
        }
    }
}

int follow_line(struct follow *f, const char **line, size_t *len, struct err *e)
{
    int more = f->trouble.code == ERR_NONE ? next_line(f, line, len, &f->trouble) : -1;
    return more >= 0 ? more : err_set(e, f->trouble.code, "%s", f->trouble.text);
}

int follow_event(struct follow *f, struct event *out, struct err *e)
{
    const char *line = NULL;
    size_t len = 0;
    int more = follow_line(f, &line, &len, e);
    if (more == 1 && event_decode(line, len, out, &f->scratch, &f->trouble) != 0) {
        err_prefix(&f->trouble, "%s", f->path);
        return err_set(e, f->trouble.code, "%s", f->trouble.text);
    }
    return more;
}
