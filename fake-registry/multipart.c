/* Laying out a body of several ranges, and finding one's way in it. */
#include "fake-registry/multipart.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/buf.h"
#include "harness/base/rng.h"

/* Of one part: its boundary, Content-Range with three numbers, and Content-Type. */
#define PART_TEXT 384
/* Two numbers of a told range, what parts them and it from the one before, and a NUL. */
#define TOLD_RANGE 43

#define BOUNDARY 33

static void make_boundary(const char *digest, char out[BOUNDARY])
{
    size_t len = strlen(digest);
    (void)snprintf(out, BOUNDARY, "%016" PRIx64 "%016" PRIx64, rng_hash(1, digest, len),
                   rng_hash(2, digest, len));
}

/* Places the parts, and writes what stands around them. NULL: no memory. */
static char *lay_out(struct multipart *m, const char *boundary, uint64_t size,
                     const char *media_type)
{
    struct buf b;
    uint64_t content = 0;
    buf_init(&b, (m->count + 1) * PART_TEXT);
    for (size_t i = 0; i < m->count; i++) {
        struct multipart_part *p = &m->part[i];
        buf_printf(&b,
                   "%s--%s\r\nContent-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64
                   "\r\nContent-Type: %s\r\n\r\n",
                   i > 0 ? "\r\n" : "", boundary, p->span.from, p->span.from + p->span.len - 1,
                   size, media_type);
        p->at = b.len + content;
        p->before = content;
        content += p->span.len;
    }
    buf_printf(&b, "\r\n--%s--\r\n", boundary);
    m->len = b.len + content;
    char *text = buf_take(&b);
    buf_close(&b);
    return text;
}

struct multipart *multipart_new(const struct http_span *span, size_t count, uint64_t size,
                                const char *digest, const char *media_type)
{
    char boundary[BOUNDARY];
    struct multipart *m = malloc(sizeof(*m) + count * sizeof(m->part[0]));
    if (m == NULL) {
        return NULL;
    }
    m->count = count;
    for (size_t i = 0; i < count; i++) {
        m->part[i].span = span[i];
    }
    make_boundary(digest, boundary);
    (void)snprintf(m->type, sizeof(m->type), "multipart/byteranges; boundary=%s", boundary);
    m->text = lay_out(m, boundary, size, media_type);
    m->told = malloc((count + 1) * TOLD_RANGE);
    if (m->text == NULL || m->told == NULL) {
        multipart_free(m);
        return NULL;
    }
    return m;
}

void multipart_free(struct multipart *m)
{
    if (m != NULL) {
        free(m->text);
        free(m->told);
        free(m);
    }
}

struct multipart_piece multipart_at(const struct multipart *m, uint64_t at)
{
    size_t low = 0; /* parts that begin at AT or before */
    size_t high = m->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->part[middle].at <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    uint64_t content = 0;
    if (low > 0) {
        const struct multipart_part *p = &m->part[low - 1];
        if (at - p->at < p->span.len) {
            return (struct multipart_piece){false, p->span.from + (at - p->at),
                                            p->span.len - (at - p->at)};
        }
        content = p->before + p->span.len;
    }
    uint64_t end = low < m->count ? m->part[low].at : m->len;
    return (struct multipart_piece){true, at - content, end - at};
}

/* Tells the bytes FROM..TO of the body, which lie in P. */
static size_t tell(struct multipart *m, size_t at, const struct multipart_part *p, uint64_t from,
                   uint64_t to)
{
    if (from >= to) {
        return at;
    }
    int n = snprintf(m->told + at, TOLD_RANGE, "%s%" PRIu64 "-%" PRIu64, at > 0 ? " " : "",
                     p->span.from + (from - p->at), p->span.from + (to - p->at) - 1);
    return at + (size_t)n;
}

const char *multipart_told(struct multipart *m, uint64_t len, struct http_span bad)
{
    size_t at = 0;
    uint64_t head = 0; /* where the text before the part begins */
    uint64_t bad_to = bad.from + bad.len;
    for (size_t i = 0; i < m->count && m->part[i].at < len; i++) {
        const struct multipart_part *p = &m->part[i];
        uint64_t end = p->at + p->span.len < len ? p->at + p->span.len : len;
        if (bad.len == 0 || bad.from >= end || bad_to <= head) {
            at = tell(m, at, p, p->at, end);
        } else if (bad.from >= p->at) {
            at = tell(m, at, p, p->at, bad.from);
            at = tell(m, at, p, bad_to, end);
        }
        head = p->at + p->span.len;
    }
    return at > 0 ? m->told : NULL;
}
