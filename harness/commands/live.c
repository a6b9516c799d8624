/* Lines at the bottom of a terminal. Happy path: the cursor waits at the beginning of the line
 * below them; to draw is to move up over what stands there and to write it anew, in one write, so
 * that nothing flickers. The cursor is never hidden and no mode is changed: however the invocation
 * ends, there is nothing to restore. Failure modes: where the terminal was made narrower, the lines
 * have been folded into more rows, which are counted; a write that fails is let go. */
#include "harness/commands/live.h"

#include <sys/ioctl.h>

#include "harness/base/fd.h"

#define DRAW_MAX_BYTES (1u << 20)

void live_size(const struct live *l, size_t *columns, size_t *rows)
{
    struct winsize size = {0};
    bool told = ioctl(l->fd, TIOCGWINSZ, &size) == 0;
    *columns = told && size.ws_col > 0 ? size.ws_col : 80;
    *rows = told && size.ws_row > 0 ? size.ws_row : 24;
}

/* A terminal that is gone needs no lines. */
static void write_all(int fd, const struct buf *b)
{
    if (!b->failed) {
        (void)fd_write_all(fd, b->data, b->len);
    }
}

/* Moves the cursor up to the first of the lines that stand there, and clears from there on. */
static void go_back(const struct live *l, struct buf *out)
{
    size_t columns;
    size_t rows;
    size_t up = 0;
    live_size(l, &columns, &rows);
    for (size_t i = 0; i < l->count; i++) {
        up += l->columns[i] > columns ? (l->columns[i] + columns - 1) / columns : 1;
    }
    if (up > 0) {
        up = up < rows ? up : rows - 1;
        buf_printf(out, "\r\033[%zuA\033[J", up > 0 ? up : 1);
    }
}

void live_draw(struct live *l, const struct buf *lines, const size_t *columns, size_t count)
{
    struct buf out;
    buf_init(&out, DRAW_MAX_BYTES);
    go_back(l, &out);
    l->count = 0;
    for (size_t i = 0; i < count && i < LIVE_MAX_LINES; i++) {
        buf_append(&out, lines[i].data != NULL ? lines[i].data : "", lines[i].len);
        buf_char(&out, '\n');
        l->columns[l->count++] = columns[i];
    }
    write_all(l->fd, &out);
    buf_close(&out);
}

void live_wipe(struct live *l)
{
    live_draw(l, NULL, NULL, 0);
}

void live_forget(struct live *l)
{
    l->count = 0;
}
