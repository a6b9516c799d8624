/* OCI distribution-spec v1.1: paths to operations, operations to responses. Pure. */
#ifndef PULLDRILL_FAKE_REGISTRY_OCI_H
#define PULLDRILL_FAKE_REGISTRY_OCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/http.h"
#include "fake-registry/multipart.h"
#include "fake-registry/store.h"
#include "faults/engine.h"
#include "harness/history/op.h"

#define OCI_MAX_NAME 256
#define OCI_MAX_REFERENCE 160

struct oci_route {
    enum op op;
    char repository[OCI_MAX_NAME];
    char reference[OCI_MAX_REFERENCE]; /* tag, digest or upload; empty where the op has none */
    const char *bad;   /* an OCI error code where the path cannot be served as asked:
                          NAME_INVALID, DIGEST_INVALID, TAG_INVALID, BLOB_UPLOAD_UNKNOWN,
                          UNSUPPORTED */
    const char *allow; /* the methods that are served there ("GET, HEAD", "") */
    bool blob;         /* of a blob: with OP_DELETE, what is to be deleted */
    bool astray;       /* OP_OTHER, because of slashes too many or too few: 301 */
};

/* Never fails: what is no endpoint becomes OP_OTHER. */
void oci_route(const struct http_request *request, struct oci_route *out);
/* What is left of the methods in ALLOW where a registry takes no writes: uploads are no places
 * there. */
const char *oci_allowed_reads(const char *allow);

/* An answer before any body fault. HEAD is complete but for the status line and the closing blank
 * line, which wire writes; the body is a range of CONTENT (referenced), several in PARTS, or the
 * bytes of SMALL. A 304 keeps CONTENT, though it carries nothing of it. */
#define RESPONSE_HEAD 2112
struct response {
    unsigned status;
    char head[RESPONSE_HEAD]; /* "Name: value\r\n" lines, without Content-Length */
    size_t head_len;
    bool head_only;          /* HEAD: Content-Length is told, no body follows */
    struct content *content; /* the true object this body carries a range of; NULL for none */
    bool opened;             /* CONTENT is, until the response or its plan is closed */
    uint64_t from;
    uint64_t len;            /* of the body */
    char *small;             /* owned; NULL where content is the body */
    struct multipart *parts; /* owned: the body is several ranges of CONTENT; NULL: it is one */
    const char *told; /* the digest told by a manifest's answer (2xx, 304); points into CONTENT */
};

/* An empty answer; response_close lets go of its body, whoever gave it. */
void response_init(struct response *r);
void response_close(struct response *r);
/* Opens what the body is read from; where that cannot be R becomes an error 500. -1: no memory. */
int response_open(struct response *r);
/* Adds one header line; one that does not fit RESPONSE_HEAD is left out whole. */
void response_header(struct response *r, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for a plain value, without printf: the hot path. */
void response_header_text(struct response *r, const char *name, const char *value);
/* Lines that are headers already, LEN bytes of them. */
void response_header_lines(struct response *r, const char *lines, size_t len);
/* Docker-Content-Digest and the entity tag, which is DIGEST in quotes. */
void response_header_digest(struct response *r, const char *digest);
/* Makes LEN bytes of TEXT (taken over: freed with R) the body and drops content, told and range. */
void response_take_small(struct response *r, char *text, size_t len);
/* The same for what is in B, which is closed. -1: no memory, or it did not fit B. */
int response_take_buf(struct response *r, struct buf *b);
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

/* ---- writes (distribution-spec end-4 to end-7, end-9 to end-11, end-13, end-14) ---------------
 */

/* Bytes of a manifest that is pushed; the specification asks for 4 MiB at least. */
#define OCI_MAX_MANIFEST (8u << 20)
/* Tags that one push by digest may name (`?tag=`), and their bytes with the separators that tell
 * them: ten of 128 characters fit, which is what the specification asks for. */
#define OCI_MAX_TAGS 32
#define OCI_MAX_TAG_BYTES 1300

/* How a registry takes writes. */
struct oci_rules {
    bool read_only;     /* 405 UNSUPPORTED to all of them */
    bool refuse_sparse; /* a manifest that names what is not there: MANIFEST_BLOB_UNKNOWN */
};

/* A request that changes the store, or whose body may; from its head to its answer. */
struct oci_write {
    bool refused;              /* its body is read past, ANSWER waits */
    struct upload *upload;     /* held: the body is added to it; NULL: none */
    bool created;              /* by this very request */
    bool takes_manifest;       /* the body is one */
    uint64_t from;             /* bytes that UPLOAD had before */
    uint64_t expected;         /* bytes that Content-Range announces; UINT64_MAX: it does not */
    struct buf manifest;       /* the body of a manifest's PUT */
    struct oci_manifest *read; /* what that says; NULL: not looked at */
    struct response answer;    /* a refusal, or what is said once the job is done */
};
/* Whether OP is one: a PUT, POST, PATCH or DELETE that is routed. */
bool oci_is_write(enum op op);
/* The head of one is complete, and its credentials are good: what its body is for. Nothing is kept
 * by it. -1: no memory. */
int oci_write_begin(struct store *store, const struct oci_rules *rules,
                    const struct http_request *request, const struct oci_route *route,
                    struct oci_write *w);
/* A piece of the body. Trouble is kept for the answer. */
void oci_write_body(struct oci_write *w, const char *data, size_t len);
/* All of it has come. True: it is a manifest whose reading would hold a loop up, so oci_write_read
 * is to be done before oci_write, by whatever thread. Else oci_write does it all. */
bool oci_write_slow(struct oci_write *w, const struct http_request *request,
                    const struct oci_route *route);
void oci_write_read(struct oci_write *w);
/* All of it has come: does what is asked. Where *JOB is set, its work is to be done first, and
 * oci_write_end then makes OUT; else OUT is the answer. OUT is initialised. -1: no memory. W is
 * closed by the caller in any case. */
int oci_write(struct store *store, const struct oci_rules *rules,
              const struct http_request *request, const struct oci_route *route,
              struct oci_write *w, struct store_job **job, struct response *out);
/* JOB's work is done: finishes it (frees it). -1: no memory. */
int oci_write_end(struct oci_write *w, struct store_job *job, struct response *out);
/* The request is over. What was not carried out is forgotten (KEEP: what an interrupted request
 * added to an upload stays, so that its client may go on from there). */
void oci_write_close(struct store *store, struct oci_write *w, bool keep);

/* Applies the fired STAGE_RESPONSE decisions that replace an answer (`status`). */
int oci_replace(struct response *r, const struct fault_action *action);

#endif
