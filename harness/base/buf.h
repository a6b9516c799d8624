/* A growable byte buffer with a compulsory maximum and a sticky failure. */
#ifndef PULLDRILL_BASE_BUF_H
#define PULLDRILL_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* DATA is NUL-terminated whenever it is not NULL (the NUL is not counted in LEN). Once an append
 * did not fit MAX or found no memory, FAILED stays set, and later appends do nothing: a writer may
 * append freely and ask once at the end. */
struct buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max;
    bool failed;
    bool starved; /* … for want of memory */
};

/* MAX is in bytes. buf_close frees DATA; B can be initialised again. */
void buf_init(struct buf *b, size_t max);
void buf_close(struct buf *b);
/* Forgets the content, keeps the memory, clears FAILED. */
void buf_reset(struct buf *b);
/* Has room for LEN more bytes made, and the NUL behind them; for buf_reserve. */
bool buf_grow(struct buf *b, size_t len);
/* Room for LEN more bytes behind DATA + LEN, which the caller fills and then counts by buf_added
 * (at most what was reserved); NULL where B failed. */
static inline char *buf_reserve(struct buf *b, size_t len)
{
    if (b->failed)
        return NULL;
    /* b->len < b->cap holds wherever memory is held, so nothing wraps. */
    if ((b->data == NULL || len >= b->cap - b->len) && !buf_grow(b, len))
        return NULL;
    return b->data + b->len;
}

static inline void buf_added(struct buf *b, size_t len)
{
    b->len += len;
    b->data[b->len] = '\0';
}

static inline void buf_append(struct buf *b, const void *data, size_t len)
{
    char *to = buf_reserve(b, len);

    if (to == NULL || len == 0)
        return;
    memcpy(to, data, len);
    buf_added(b, len);
}

static inline void buf_char(struct buf *b, char c)
{
    buf_append(b, &c, 1);
}

/* V in decimal; returns its length. */
#define BUF_DIGITS 20
size_t buf_digits(char out[BUF_DIGITS], uint64_t v);
void buf_str(struct buf *b, const char *s);
void buf_u64(struct buf *b, uint64_t v);
void buf_i64(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Appends LEN bytes of S as a quoted JSON string (RFC 8259 section 7): control characters, quote
 * and backslash escaped; bytes that are not UTF-8 become U+FFFD, so the result is always valid. */
void buf_json_string(struct buf *b, const char *s, size_t len);
/* Drops the first LEN bytes (all, where LEN is larger). */
void buf_consume(struct buf *b, size_t len);
/* Hands the memory over (the caller frees it) and leaves B empty. NULL where B failed or the empty
 * string could not be allocated. */
char *buf_take(struct buf *b);

#endif
