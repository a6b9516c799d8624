/* A whole request to the OCI front, reads and writes alike, without a socket. */
#ifndef PULLDRILL_TESTS_LIB_OCI_ASK_H
#define PULLDRILL_TESTS_LIB_OCI_ASK_H

#include "fake-registry/oci.h"

/* What is asked. HEADERS are "Name: value" lines, parted by newlines; BODY NULL: none. The length
 * is told, unless CHUNKED. The body is given in pieces of at most PIECE bytes (0: at once). */
struct oci_ask {
    const char *method;
    const char *target; /* path and query */
    const char *headers;
    const void *body;
    size_t len;
    bool chunked;
    size_t piece;
    struct oci_rules rules;
};

/* The answer, which the caller closes. Anything that only a lack of memory explains fails the test.
 */
struct response oci_ask(struct store *store, const struct oci_ask *ask);
/* The same by its parts: a text as the body (NULL: none). */
struct response oci_ask_text(struct store *store, const char *method, const char *target,
                             const char *headers, const char *body);
/* The same, closed: its status. */
unsigned oci_ask_status(struct store *store, const char *method, const char *target,
                        const char *headers, const char *body);

/* The value of a header of R; "" where it has none. Valid until the next call. */
const char *oci_told(const struct response *r, const char *name);
/* The code of the INDEX-th OCI error in R, and a member of its detail; "" where there is none. */
const char *oci_code(const struct response *r, size_t index);
const char *oci_detail(const struct response *r, size_t index, const char *key);
/* The digest of TEXT by ALGORITHM ("sha256", "sha512"). */
const char *oci_digest(const char *algorithm, const char *text);

#endif
