/* Output of any length kept within bounds: its first part, its last part, what was dropped. Pure.
 */
#ifndef PULLDRILL_CAPTURE_H
#define PULLDRILL_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/buf.h"

struct capture {
    struct buf head;
    size_t head_max;
    char *tail; /* a ring of TAIL_MAX bytes, made when the head is full */
    size_t tail_max;
    size_t tail_len;
    size_t tail_at;  /* where the next byte goes */
    uint64_t beyond; /* bytes that came after the head */
    bool failed;     /* no memory: what came later is lost */
};

/* HEAD_MAX and TAIL_MAX in bytes. Nothing fails here: FAILED tells of lost output. */
void capture_init(struct capture *c, size_t head_max, size_t tail_max);
void capture_close(struct capture *c);
void capture_add(struct capture *c, const char *data, size_t len);
/* Everything kept, NUL-terminated, with a line in the middle that says how much was dropped; LEN
 * bytes. The caller frees it; NULL: no memory. */
char *capture_text(const struct capture *c, size_t *len);

#endif
