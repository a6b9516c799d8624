/* Output of any length kept within bounds: its first part, its last part, what was dropped. Pure.
 */
#ifndef PULLDRILL_CAPTURE_H
#define PULLDRILL_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/buf.h"
#include "harness/history/secrets.h"

struct capture {
    struct buf head;
    size_t head_max;
    char *tail; /* a ring of TAIL_MAX bytes, made when the head is full */
    size_t tail_max;
    size_t tail_len;
    size_t tail_at;  /* where the next byte goes */
    uint64_t beyond; /* bytes that came after the head */
    bool failed;     /* no memory: what came later is lost */
    bool filtered;   /* FILTER puts secrets out of sight, PIECE is what it let through */
    struct secrets_filter filter;
    struct buf piece;
};

/* HEAD_MAX and TAIL_MAX in bytes. Nothing fails here: FAILED tells of lost output. SECRETS, which
 * are borrowed, are never kept; NULL: there are none. */
void capture_init(struct capture *c, size_t head_max, size_t tail_max,
                  const struct secrets *secrets);
void capture_close(struct capture *c);
void capture_add(struct capture *c, const char *data, size_t len);
/* No more will come. */
void capture_end(struct capture *c);
/* Everything kept, NUL-terminated, with a line in the middle that says how much was dropped; LEN
 * bytes. The caller frees it; NULL: no memory. */
char *capture_text(const struct capture *c, size_t *len);

#endif
