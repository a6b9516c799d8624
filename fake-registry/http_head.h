/* What the headers of a request must say before it may be read on: who is asked, how its body ends.
 */
#ifndef PULLDRILL_FAKE_REGISTRY_HTTP_HEAD_H
#define PULLDRILL_FAKE_REGISTRY_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "fake-registry/http.h"

/* Whether LEN bytes are HOST or HOST:PORT as RFC 3986 writes them, without a user. *HOST is how
 * many of them name the host, with the brackets of an IPv6 address; *PORT is 0 where none is said.
 */
bool http_authority(const char *text, size_t len, size_t *host, unsigned *port);

/* The status to refuse R with, and *WHY; 0: none. LENGTH and CHUNKED are what the parser took from
 * it: that it has a Content-Length, and that its body is chunked. */
unsigned http_head_check(const struct http_request *r, bool length, bool chunked, const char **why);

#endif
