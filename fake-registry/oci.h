/* OCI distribution-spec v1.1, pull side: paths to operations, operations to responses. Pure. */
#ifndef PULLDRILL_FAKE_REGISTRY_OCI_H
#define PULLDRILL_FAKE_REGISTRY_OCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/http.h"
#include "fake-registry/store.h"
#include "faults/engine.h"
#include "harness/history/op.h"

#define OCI_MAX_NAME 256
#define OCI_MAX_REFERENCE 160

struct oci_route {
    enum op op;
    char repository[OCI_MAX_NAME];
    char reference[OCI_MAX_REFERENCE]; /* tag or digest; empty where the op has none */
    const char *bad;   /* an OCI error code where the path cannot be served as asked:
                          NAME_INVALID, DIGEST_INVALID, TAG_INVALID, UNSUPPORTED */
    const char *allow; /* with UNSUPPORTED: the methods that are served there ("GET, HEAD", "") */
};

/* Never fails: what is no endpoint becomes OP_OTHER. */
void oci_route(const struct http_request *request, struct oci_route *out);

/* An answer before any body fault. HEAD is complete but for the status line and the closing blank
 * line, which wire writes; the body is a range of CONTENT (referenced) or the bytes of SMALL. */
#define RESPONSE_HEAD 2048
struct response {
    unsigned status;
    char head[RESPONSE_HEAD]; /* "Name: value\r\n" lines, without Content-Length */
    size_t head_len;
    bool head_only;          /* HEAD: Content-Length is told, no body follows */
    struct content *content; /* the true object this body carries a range of; NULL for none */
    uint64_t from;
    uint64_t len;     /* body length, of content or of small */
    char *small;      /* owned; NULL where content is the body */
    const char *told; /* the digest told by a 2xx manifest answer; points into CONTENT */
};

/* An empty answer; response_close lets go of its body, whoever gave it. */
void response_init(struct response *r);
void response_close(struct response *r);
/* Adds one header line; one that does not fit RESPONSE_HEAD is left out whole. */
void response_header(struct response *r, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for a plain value, without printf: the hot path. */
void response_header_text(struct response *r, const char *name, const char *value);
/* Makes LEN bytes of TEXT (taken over: freed with R) the body and drops content, told and range. */
void response_take_small(struct response *r, char *text, size_t len);
/* Turns R into an OCI error (`{"errors":[{"code","message","detail"}]}`). CODE NULL takes the one
 * that fits STATUS. Headers told before are dropped, head_only is kept. -1: no memory. */
int response_error(struct response *r, unsigned status, const char *code, const char *message);

/* The digest that ROUTE's reference stands for in the unbroken STORE; NULL where nothing. */
const char *oci_resolve(const struct store *store, const struct oci_route *route);

/* Answers a request from STORE seen through the views among DECISIONS (those fired, STAGE_STORE).
 * -1: no memory. */
int oci_respond(const struct store *store, const struct http_request *request,
                const struct oci_route *route, const struct fault_decision *decisions, size_t count,
                struct response *out);

/* Applies the fired STAGE_RESPONSE decisions that replace an answer (`status`). */
int oci_replace(struct response *r, const struct fault_action *action);

#endif
