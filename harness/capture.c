/* Output of any length kept within bounds: its first part, its last part, what was dropped. Pure.
 */
#include "harness/capture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Room for the line that says what was dropped. */
#define DROPPED_LINE 80
/* What a filter makes of one piece of output. */
#define PIECE_BYTES (4u << 20)

void capture_init(struct capture *c, size_t head_max, size_t tail_max,
                  const struct secrets *secrets)
{
    memset(c, 0, sizeof *c);
    c->head_max = head_max;
    c->tail_max = tail_max;
    buf_init(&c->head, head_max);
    buf_init(&c->piece, PIECE_BYTES);
    if (secrets != NULL && secrets->count > 0) {
        c->filtered = true;
        secrets_filter_init(&c->filter, secrets);
    }
}

void capture_close(struct capture *c)
{
    buf_close(&c->head);
    buf_close(&c->piece);
    free(c->tail);
    memset(c, 0, sizeof *c);
}

/* LEN is at most TAIL_MAX. */
static void add_to_ring(struct capture *c, const char *data, size_t len)
{
    size_t first = c->tail_max - c->tail_at;

    if (first > len)
        first = len;
    memcpy(c->tail + c->tail_at, data, first);
    memcpy(c->tail, data + first, len - first);
    c->tail_at = (c->tail_at + len) % c->tail_max;
    c->tail_len += len;
    if (c->tail_len > c->tail_max)
        c->tail_len = c->tail_max;
}

static void add_to_tail(struct capture *c, const char *data, size_t len)
{
    c->beyond += len;
    if (c->tail == NULL && !c->failed) {
        c->tail = malloc(c->tail_max);
        c->failed = c->tail == NULL;
    }
    if (c->failed)
        return;
    if (len > c->tail_max) {
        data += len - c->tail_max;
        len = c->tail_max;
    }
    add_to_ring(c, data, len);
}

static void keep(struct capture *c, const char *data, size_t len)
{
    size_t room = c->head_max - c->head.len;
    size_t first = len < room ? len : room;

    if (first > 0 && c->beyond == 0) {
        buf_append(&c->head, data, first);
        if (c->head.failed) {
            c->failed = true;
            first = 0;
        }
    } else {
        first = 0;
    }
    if (len > first)
        add_to_tail(c, data + first, len - first);
}

/* Where the filter finds no memory, what it saw is lost: it might hold a secret. */
static void keep_piece(struct capture *c)
{
    if (c->piece.failed)
        c->failed = true;
    else if (c->piece.len > 0)
        keep(c, c->piece.data, c->piece.len);
    buf_reset(&c->piece);
}

void capture_add(struct capture *c, const char *data, size_t len)
{
    if (!c->filtered) {
        keep(c, data, len);
        return;
    }
    secrets_filter_add(&c->filter, data, len, &c->piece);
    keep_piece(c);
}

void capture_end(struct capture *c)
{
    if (!c->filtered)
        return;
    secrets_filter_end(&c->filter, &c->piece);
    keep_piece(c);
}

char *capture_text(const struct capture *c, size_t *len)
{
    uint64_t dropped = c->beyond - c->tail_len;
    size_t old = c->tail_len < c->tail_max ? 0 : c->tail_at; /* where the oldest byte lies */
    struct buf out;

    buf_init(&out, c->head_max + c->tail_max + DROPPED_LINE);
    if (c->head.len > 0)
        buf_append(&out, c->head.data, c->head.len);
    if (dropped > 0)
        buf_printf(&out, "\n[%" PRIu64 " bytes of output dropped here]\n", dropped);
    if (c->tail_len > 0) {
        buf_append(&out, c->tail + old, c->tail_len - old);
        buf_append(&out, c->tail, old);
    }
    *len = out.len;
    return buf_take(&out);
}
