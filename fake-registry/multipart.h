/* Several ranges of one content as one body: multipart/byteranges (RFC 9110 section 14.6). Pure. */
#ifndef PULLDRILL_FAKE_REGISTRY_MULTIPART_H
#define PULLDRILL_FAKE_REGISTRY_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/http.h"

struct multipart_part {
    uint64_t at;     /* where in the body its bytes begin */
    uint64_t before; /* bytes of the content that the body has before them */
    struct http_span span;
};

/* Between the parts stands text: before each its boundary and headers, behind the last the end. */
struct multipart {
    uint64_t len;  /* of the body */
    char *text;    /* all of it, in its order */
    char *told;    /* room for multipart_told */
    char type[80]; /* for Content-Type */
    size_t count;
    struct multipart_part part[];
};

/* A body of the COUNT ranges SPAN, at least one and in this order, of a content of SIZE bytes and
 * MEDIA_TYPE. The boundary follows from DIGEST: repeatable, and in no content but by a chance of
 * 2^-128 a place. NULL: no memory. */
struct multipart *multipart_new(const struct http_span *span, size_t count, uint64_t size,
                                const char *digest, const char *media_type);
void multipart_free(struct multipart *m);

/* What lies at a byte of the body, and for how long. */
struct multipart_piece {
    bool text;       /* of the text, else of the content */
    uint64_t offset; /* within that */
    uint64_t len;
};
struct multipart_piece multipart_at(const struct multipart *m, uint64_t at);

/* The ranges of the content that the first LEN bytes of the body bring, but for what lies within
 * BAD: "0-9 20-29", or NULL where there are none. Of a part with bad text before it nothing is
 * brought: that text says where its bytes belong. Lives in M, until it is asked for again. */
const char *multipart_told(struct multipart *m, uint64_t len, struct http_span bad);

#endif
