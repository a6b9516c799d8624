/* Texts that must be nowhere in a history or a report, and what is put in their place. Pure. */
#ifndef PULLDRILL_HISTORY_SECRETS_H
#define PULLDRILL_HISTORY_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/buf.h"
#include "harness/base/err.h"

#define SECRETS_MAX 32
#define SECRETS_MIN_BYTES 8 /* of one: less would be found everywhere */
#define SECRETS_MAX_BYTES 63
#define SECRETS_SHOWN "***"

/* All zeroes holds none. */
struct secrets {
    char text[SECRETS_MAX][SECRETS_MAX_BYTES + 1];
    size_t len[SECRETS_MAX];
    size_t count;
};

/* Adds TEXT, which stands for itself and for all that follows it of letters, digits and the
 * punctuation of base64 and of tokens: a secret goes on to the end of its word. */
int secrets_add(struct secrets *s, const char *text, struct err *e);
/* Whether TEXT holds one. */
bool secrets_in(const struct secrets *s, const char *text, size_t len);
/* Appends TEXT with SECRETS_SHOWN in the place of each. */
void secrets_redact(const struct secrets *s, const char *text, size_t len, struct buf *out);
/* The same for text that comes in pieces; what a secret may begin with is held back for the next.
 */
struct secrets_filter {
    const struct secrets *secrets; /* borrowed */
    char held[SECRETS_MAX_BYTES + 1];
    size_t held_len;
};
void secrets_filter_init(struct secrets_filter *f, const struct secrets *s);
void secrets_filter_add(struct secrets_filter *f, const char *text, size_t len, struct buf *out);
void secrets_filter_end(struct secrets_filter *f, struct buf *out);

#endif
