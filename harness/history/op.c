/* The table of operations. */
#include "harness/history/op.h"

#include <fnmatch.h>
#include <string.h>

static const char *const names[OP_COUNT] = {
    [OP_PING] = "ping",
    [OP_TOKEN] = "token",
    [OP_MANIFEST_HEAD] = "manifest-head",
    [OP_MANIFEST_GET] = "manifest-get",
    [OP_BLOB_HEAD] = "blob-head",
    [OP_BLOB_GET] = "blob-get",
    [OP_TAGS] = "tags",
    [OP_REFERRERS] = "referrers",
    [OP_CATALOG] = "catalog",
    [OP_MANIFEST_PUT] = "manifest-put",
    [OP_UPLOAD_START] = "upload-start",
    [OP_UPLOAD_CHUNK] = "upload-chunk",
    [OP_UPLOAD_FINISH] = "upload-finish",
    [OP_UPLOAD_STATUS] = "upload-status",
    [OP_UPLOAD_CANCEL] = "upload-cancel",
    [OP_DELETE] = "delete",
    [OP_OTHER] = "other",
    [OP_LOOKUP] = "lookup",
    [OP_START] = "start",
    [OP_HANDSHAKE] = "handshake",
};

const char *op_name(enum op op)
{
    return (unsigned)op < OP_COUNT ? names[op] : "unknown";
}

bool op_parse(const char *name, enum op *out)
{
    for (unsigned i = 0; i < OP_COUNT; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum op)i;
            return true;
        }
    return false;
}

uint32_t op_set(const char *pattern)
{
    uint32_t set = 0;

    for (unsigned i = 0; i < OP_COUNT; i++)
        if (fnmatch(pattern, names[i], 0) == 0)
            set |= OP_BIT(i);
    return set;
}

bool op_is_manifest(enum op op)
{
    return op == OP_MANIFEST_HEAD || op == OP_MANIFEST_GET;
}

bool op_is_blob(enum op op)
{
    return op == OP_BLOB_HEAD || op == OP_BLOB_GET;
}
