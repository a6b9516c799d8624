/* The growable byte buffer: every append goes through one bounded reservation. */
#include "harness/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/utf8.h"

#define FIRST_CAP 64

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_close(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    b->starved = false;
    if (b->data != NULL)
        b->data[0] = '\0';
}

/* Doubles until LEN more bytes and the NUL fit; never allocates past the maximum and its NUL. */
bool buf_grow(struct buf *b, size_t len)
{
    size_t need, cap;
    char *data;

    if (len > b->max || b->len > b->max - len || b->max == SIZE_MAX) {
        b->failed = true;
        return false;
    }
    need = b->len + len + 1;
    cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap > b->max + 1)
        cap = b->max + 1;
    data = realloc(b->data, cap);
    if (data == NULL) {
        b->failed = true;
        b->starved = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    b->data[b->len] = '\0';
    return true;
}

void buf_str(struct buf *b, const char *s)
{
    buf_append(b, s, strlen(s));
}

size_t buf_digits(char out[BUF_DIGITS], uint64_t v)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char digits[BUF_DIGITS];
    size_t at = sizeof(digits);

    for (; v >= 100; v /= 100) {
        at -= 2;
        memcpy(digits + at, pairs + 2 * (v % 100), 2);
    }
    if (v >= 10) {
        at -= 2;
        memcpy(digits + at, pairs + 2 * v, 2);
    } else {
        digits[--at] = (char)('0' + v);
    }
    memcpy(out, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

void buf_u64(struct buf *b, uint64_t v)
{
    char *to = buf_reserve(b, BUF_DIGITS);

    if (to != NULL)
        buf_added(b, buf_digits(to, v));
}

void buf_i64(struct buf *b, int64_t v)
{
    if (v < 0)
        buf_char(b, '-');
    /* Negated as unsigned, so that INT64_MIN has a positive side too. */
    buf_u64(b, v < 0 ? UINT64_C(0) - (uint64_t)v : (uint64_t)v);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    char *to;
    int len;

    va_copy(again, ap);
    len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (len < 0) {
        b->failed = true;
        return;
    }
    to = buf_reserve(b, (size_t)len);
    if (to == NULL)
        return;
    (void)vsnprintf(to, (size_t)len + 1, fmt, ap);
    buf_added(b, (size_t)len);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

static void escape(struct buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = "btn\0fr"; /* for 8 to 13; 11 has none */
    char text[6] = {'\\', (char)c, '0', '0'};

    if (c >= 8 && c <= 13 && c != 11) {
        text[1] = letters[c - 8];
    } else if (c < 0x20) {
        text[1] = 'u';
        text[4] = hex[c >> 4];
        text[5] = hex[c & 15];
    }
    buf_append(b, text, text[1] == 'u' ? 6 : 2);
}

void buf_json_string(struct buf *b, const char *s, size_t len)
{
    size_t done = 0;

    buf_char(b, '"');
    while (done < len && !b->failed) {
        size_t run = utf8_plain_run(s + done, len - done), sequence;

        buf_append(b, s + done, run);
        done += run;
        if (done == len)
            break;
        sequence = utf8_sequence(s + done, len - done);
        if (sequence == 1)
            escape(b, (unsigned char)s[done]);
        else if (sequence > 1)
            buf_append(b, s + done, sequence);
        else
            buf_append(b, "\xef\xbf\xbd", 3);
        done += sequence > 0 ? sequence : 1;
    }
    buf_char(b, '"');
}

void buf_consume(struct buf *b, size_t len)
{
    if (b->data == NULL)
        return;
    if (len > b->len)
        len = b->len;
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
    b->data[b->len] = '\0';
}

char *buf_take(struct buf *b)
{
    char *data;

    if (buf_reserve(b, 0) == NULL)
        return NULL;
    data = b->data;
    *b = (struct buf){.max = b->max};
    return data;
}
