/* What a request asks a proxy for: the host and port of a CONNECT, or of a target in absolute form.
 * Pure. */
#ifndef PULLDRILL_FAKE_REGISTRY_PROXY_REQUEST_H
#define PULLDRILL_FAKE_REGISTRY_PROXY_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "fake-registry/http.h"

/* A host name has at most 253 bytes. */
#define PROXY_MAX_NAME 253

enum proxy_form {
    PROXY_CONNECT, /* a tunnel to NAME:PORT */
    PROXY_PLAIN,   /* a request in absolute form: http://NAME[:PORT]/… */
    PROXY_WRONG,   /* neither: WHY says so */
};
struct proxy_request {
    enum proxy_form form;
    char name[PROXY_MAX_NAME + 1]; /* lower case, no final dot; an IPv6 address without brackets */
    uint16_t port;
    const char *why; /* PROXY_WRONG, in words */
};

/* R as a proxy reads it. A target in absolute form outweighs the Host header (RFC 9112 section
 * 3.2.2). */
void proxy_request_read(const struct http_request *r, struct proxy_request *out);
/* NAME[:PORT] of LEN bytes; PORT stays 0 where none is given. False: it is malformed. */
bool proxy_request_authority(const char *text, size_t len, struct proxy_request *out);

#endif
