/* The operations of a registry, the one vocabulary of events, fault matches and routes. */
#ifndef PULLDRILL_HISTORY_OP_H
#define PULLDRILL_HISTORY_OP_H

#include <stdbool.h>
#include <stdint.h>

/* OCI distribution-spec v1.1 endpoints (end-1 to end-13) by what is done to what; `token` is the
 * Docker token flow, `catalog` Docker's listing, `other` a path that is none of these. Behind them
 * is what faults may meet though it is no request of a registry: the lookup of a name that one
 * plays, the beginning of a start, and a TLS handshake. */
enum op {
    OP_PING,
    OP_TOKEN,
    OP_MANIFEST_HEAD,
    OP_MANIFEST_GET,
    OP_BLOB_HEAD,
    OP_BLOB_GET,
    OP_TAGS,
    OP_REFERRERS,
    OP_CATALOG,
    OP_MANIFEST_PUT,
    OP_UPLOAD_START,
    OP_UPLOAD_CHUNK,
    OP_UPLOAD_FINISH,
    OP_UPLOAD_STATUS,
    OP_UPLOAD_CANCEL,
    OP_DELETE,
    OP_OTHER,
    OP_LOOKUP,
    OP_START,
    OP_HANDSHAKE,
    OP_COUNT,
};

/* "manifest-get" and so on; never NULL. */
const char *op_name(enum op op);
/* The operation named NAME; false where there is none. */
bool op_parse(const char *name, enum op *out);
/* A set of operations: bit N stands for operation N. PATTERN is a name or a glob (`blob-*`, `*`);
 * 0 where it names none. */
uint32_t op_set(const char *pattern);
#define OP_BIT(op) (UINT32_C(1) << (op))
/* Those that are requests of a registry: the first so many, and their set. */
#define OP_REQUEST_COUNT OP_LOOKUP
#define OP_REQUESTS (OP_BIT(OP_REQUEST_COUNT) - 1)
/* Operations whose answer carries a manifest or a blob, the objects that attempts are counted of.
 */
bool op_is_manifest(enum op op);
bool op_is_blob(enum op op);

#endif
