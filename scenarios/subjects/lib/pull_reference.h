/* Names from the command line: REPOSITORY:TAG, REPOSITORY@DIGEST, HOST:PORT. */
#ifndef PULLDRILL_SUBJECT_PULL_REFERENCE_H
#define PULLDRILL_SUBJECT_PULL_REFERENCE_H

#include <stdbool.h>

#include "fake-registry/digest.h"
#include "harness/base/err.h"

#define PULL_REPOSITORY 256

struct pull_reference {
    char repository[PULL_REPOSITORY];
    char reference[DIGEST_TEXT]; /* the tag or the digest */
    bool by_digest;
};

/* By the grammar of the distribution specification. */
int pull_reference_parse(const char *text, struct pull_reference *out, struct err *e);
/* A host name, an IPv4 address or an IPv6 address in brackets, a colon, a port. */
bool pull_endpoint_valid(const char *text);

#endif
