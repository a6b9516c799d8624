/* Signed URLs that blob GETs are redirected to: they need no credential, and they end. Pure. */
#ifndef PULLDRILL_FAKE_REGISTRY_REDIRECT_H
#define PULLDRILL_FAKE_REGISTRY_REDIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/http.h"
#include "fake-registry/oci.h"

#define REDIRECT_KEY 32
#define REDIRECT_MAX 1024            /* bytes of path and query */
#define REDIRECT_TTL_S UINT64_C(600) /* how long one is good for */

/* "/blobs/ci/agent/sha256:0a…?expires=612&signature=…" for the blob that ROUTE asks for, where the
 * drill is NOW_NS old. False: it does not fit, or no memory. */
bool redirect_target(const unsigned char key[REDIRECT_KEY], const struct oci_route *route,
                     uint64_t now_ns, char target[REDIRECT_MAX]);
/* What the path of such a URL asks for; OP_OTHER for any other. */
void redirect_route(const struct http_request *request, struct oci_route *out);

enum redirect_state { REDIRECT_GOOD, REDIRECT_BAD, REDIRECT_EXPIRED };
enum redirect_state redirect_check(const unsigned char key[REDIRECT_KEY],
                                   const struct http_request *request, uint64_t now_ns);
/* The 403 of an object store, in its XML. -1: no memory. */
int redirect_refuse(enum redirect_state state, struct response *out);

#endif
