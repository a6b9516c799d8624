/* Refusals: OCI errors with a detail, paths that cannot be served, what a store would not do. */
#include <string.h>

#include "fake-registry/oci_internal.h"

/* One error for each of so many values at most, so that no request makes a large answer. */
#define ERRORS_MAX 32
#define BODY_MAX 32768

static void add_error(struct buf *b, const char *code, const char *message, const char *key,
                      const char *value)
{
    buf_str(b, "{\"code\":");
    buf_json_string(b, code, strlen(code));
    buf_str(b, ",\"message\":");
    buf_json_string(b, message, strlen(message));
    buf_str(b, ",\"detail\":{");
    buf_json_string(b, key, strlen(key));
    buf_char(b, ':');
    buf_json_string(b, value, strlen(value));
    buf_str(b, "}}");
}

int oci_error(struct response *out, unsigned status, const char *code, const char *message,
              const char *key, const char *const *values, size_t count)
{
    struct buf b;
    size_t most = count < ERRORS_MAX ? count : ERRORS_MAX;
    if (response_error(out, status, code, message) != 0) {
        return -1;
    }
    buf_init(&b, BODY_MAX);
    buf_str(&b, "{\"errors\":[");
    for (size_t i = 0; i < most; i++) {
        if (i > 0) {
            buf_char(&b, ',');
        }
        add_error(&b, code, message, key, values[i]);
    }
    buf_str(&b, "]}\n");
    return response_take_buf(out, &b);
}

int oci_unknown(const struct oci_route *route, const char *code, const char *message,
                struct response *out)
{
    bool digest = strchr(route->reference, ':') != NULL;
    const char *reference = route->reference;
    return oci_error(out, 404, code, message, digest ? "digest" : "Tag", &reference, 1);
}

int oci_refuse_route(const struct oci_route *route, struct response *out)
{
    const char *bad = route->bad;
    if (strcmp(bad, "TAG_INVALID") == 0) {
        /* Nothing can be under such a tag, and the specification's own tests ask for 404. */
        return route->op == OP_MANIFEST_PUT
                   ? response_error(out, 400, bad, "the tag is malformed")
                   : response_error(out, 404, "MANIFEST_UNKNOWN", "the tag is malformed");
    }
    if (strcmp(bad, "BLOB_UPLOAD_UNKNOWN") == 0) {
        return response_error(out, 404, bad, "blob upload unknown to registry");
    }
    if (strcmp(bad, "UNSUPPORTED") != 0) {
        bool name = strcmp(bad, "NAME_INVALID") == 0;
        return response_error(
            out, 400, bad, name ? "invalid repository name" : "provided digest is not a known one");
    }
    if (response_error(out, 405, bad, "the operation is unsupported") != 0) {
        return -1;
    }
    response_header_text(out, "Allow", route->allow);
    return 0;
}

int oci_store_error(struct response *out, const struct err *e)
{
    switch (e->code) {
    case ERR_INVALID:
        return response_error(out, 400, "DIGEST_INVALID",
                              "provided digest did not match uploaded content");
    case ERR_LIMIT:
        return response_error(out, 413, "SIZE_INVALID", "larger than this registry takes");
    default:
        return response_error(out, 500, NULL, "the registry could not store it");
    }
}

void oci_empty(struct response *out, unsigned status)
{
    response_close(out);
    out->status = status;
    response_header_text(out, "Docker-Distribution-Api-Version", "registry/2.0");
}
