/* Paths to operations. Read from the right end, as a repository may be called a/manifests/b. */
#include <string.h>

#include "fake-registry/oci.h"

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum family {
    FAMILY_MANIFESTS,
    FAMILY_BLOBS,
    FAMILY_UPLOADS, /* where uploads begin */
    FAMILY_UPLOAD,  /* one upload */
    FAMILY_TAGS,
    FAMILY_REFERRERS,
    FAMILY_CATALOG,
    FAMILY_PING,
    FAMILY_NONE,
};

struct span {
    const char *at;
    size_t len;
};

static bool span_is(struct span s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

/* Takes the last path component off S. */
static struct span pop(struct span *s)
{
    const char *slash = memrchr(s->at, '/', s->len);
    if (slash == NULL) {
        struct span all = *s;
        s->len = 0;
        return all;
    }
    struct span last = {slash + 1, s->len - (size_t)(slash + 1 - s->at)};
    s->len = (size_t)(slash - s->at);
    return last;
}

/* [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*, then '/' or the end. Returns where it ended; NULL: no match */
static const char *skip_component(const char *s)
{
    for (;;) {
        size_t word = strspn(s, LOWER DIGITS);
        if (word == 0) {
            return NULL;
        }
        s += word;
        if (*s == '.') {
            s++;
        } else if (*s == '_') {
            s += s[1] == '_' ? 2 : 1;
        } else if (*s == '-') {
            s += strspn(s, "-");
        } else {
            return s;
        }
    }
}

static bool name_valid(const char *name)
{
    const char *at = skip_component(name);
    while (at != NULL && *at == '/') {
        at = skip_component(at + 1);
    }
    return at != NULL && *at == '\0';
}

/* [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127} */
static bool tag_valid(const char *tag)
{
    size_t len = strspn(tag, LOWER UPPER DIGITS "._-");
    return len > 0 && len <= 128 && tag[len] == '\0' && *tag != '.' && *tag != '-';
}

/* False, and OUT empty, where S does not fit. */
static bool copy(struct span s, char *out, size_t size)
{
    if (s.len >= size) {
        out[0] = '\0';
        return false;
    }
    memcpy(out, s.at, s.len);
    out[s.len] = '\0';
    return true;
}

/* What REST, the path behind /v2/, is about; *NAME and *REFERENCE are its parts. */
static enum family classify(struct span rest, struct span *name, struct span *reference)
{
    struct span last = pop(&rest);
    if (rest.len == 0) {
        return span_is(last, "_catalog") ? FAMILY_CATALOG : FAMILY_NONE;
    }
    struct span keyword = pop(&rest);
    *name = rest;
    *reference = last;
    if (span_is(keyword, "manifests")) {
        return FAMILY_MANIFESTS;
    }
    if (span_is(keyword, "blobs")) {
        return span_is(last, "uploads") ? FAMILY_UPLOADS : FAMILY_BLOBS;
    }
    if (span_is(keyword, "referrers")) {
        return FAMILY_REFERRERS;
    }
    if (span_is(keyword, "tags") && span_is(last, "list")) {
        return FAMILY_TAGS;
    }
    if (span_is(keyword, "uploads") && span_is(pop(name), "blobs")) {
        return last.len == 0 ? FAMILY_UPLOADS : FAMILY_UPLOAD;
    }
    return FAMILY_NONE;
}

/* What each method means on each family. What is not here is not supported. */
static const struct {
    enum family family;
    const char *method;
    enum op op;
    bool served;
} operations[] = {
    {FAMILY_MANIFESTS, "GET", OP_MANIFEST_GET, true},
    {FAMILY_MANIFESTS, "HEAD", OP_MANIFEST_HEAD, true},
    {FAMILY_MANIFESTS, "PUT", OP_MANIFEST_PUT, false},
    {FAMILY_MANIFESTS, "DELETE", OP_DELETE, false},
    {FAMILY_BLOBS, "GET", OP_BLOB_GET, true},
    {FAMILY_BLOBS, "HEAD", OP_BLOB_HEAD, true},
    {FAMILY_BLOBS, "DELETE", OP_DELETE, false},
    {FAMILY_PING, "GET", OP_PING, true},
    {FAMILY_PING, "HEAD", OP_PING, true},
    {FAMILY_TAGS, "GET", OP_TAGS, true},
    {FAMILY_TAGS, "HEAD", OP_TAGS, true},
    {FAMILY_REFERRERS, "GET", OP_REFERRERS, true},
    {FAMILY_REFERRERS, "HEAD", OP_REFERRERS, true},
    {FAMILY_CATALOG, "GET", OP_CATALOG, true},
    {FAMILY_CATALOG, "HEAD", OP_CATALOG, true},
    {FAMILY_UPLOADS, "POST", OP_UPLOAD_START, false},
    {FAMILY_UPLOAD, "PATCH", OP_UPLOAD_CHUNK, false},
    {FAMILY_UPLOAD, "PUT", OP_UPLOAD_FINISH, false},
    {FAMILY_UPLOAD, "GET", OP_UPLOAD_STATUS, false},
    {FAMILY_UPLOAD, "DELETE", OP_UPLOAD_CANCEL, false},
};

static void choose_op(enum family family, const char *method, struct oci_route *out)
{
    out->op = OP_OTHER;
    out->bad = family == FAMILY_NONE ? NULL : "UNSUPPORTED";
    out->allow = family == FAMILY_UPLOADS || family == FAMILY_UPLOAD ? "" : "GET, HEAD";
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (operations[i].family == family && strcmp(operations[i].method, method) == 0) {
            out->op = operations[i].op;
            out->bad = operations[i].served ? NULL : "UNSUPPORTED";
            return;
        }
    }
}

static void check_parts(enum family family, struct span name, struct span reference,
                        struct oci_route *out)
{
    if (family == FAMILY_NONE || family == FAMILY_CATALOG) {
        return;
    }
    if (!copy(name, out->repository, sizeof(out->repository)) || !name_valid(out->repository)) {
        out->bad = "NAME_INVALID";
        return;
    }
    if (family == FAMILY_TAGS || family == FAMILY_UPLOADS || family == FAMILY_UPLOAD) {
        return;
    }
    bool fits = copy(reference, out->reference, sizeof(out->reference));
    bool digest = family != FAMILY_MANIFESTS || memchr(reference.at, ':', reference.len) != NULL;
    if (digest && (!fits || !digest_valid(out->reference))) {
        out->bad = "DIGEST_INVALID";
    } else if (!digest && (!fits || !tag_valid(out->reference))) {
        out->bad = "TAG_INVALID";
    }
}

static void route_path(const char *path, const char *method, struct oci_route *out)
{
    struct span name = {"", 0};
    struct span reference = {"", 0};
    enum family family = FAMILY_NONE;
    if (strcmp(path, "/v2") == 0 || strcmp(path, "/v2/") == 0) {
        choose_op(FAMILY_PING, method, out);
        return;
    }
    if (strncmp(path, "/v2/", 4) == 0) {
        family = classify((struct span){path + 4, strlen(path + 4)}, &name, &reference);
    }
    choose_op(family, method, out);
    check_parts(family, name, reference, out);
}

void oci_route(const struct http_request *request, struct oci_route *out)
{
    char decoded[HTTP_MAX_TARGET + 1];
    const char *path = request->path;
    out->op = OP_OTHER;
    out->repository[0] = '\0';
    out->reference[0] = '\0';
    out->bad = NULL;
    out->allow = "";
    if (strchr(path, '%') != NULL) {
        if (!http_decode(path, strlen(path), false, decoded, sizeof(decoded))) {
            out->bad = "NAME_INVALID";
            return;
        }
        path = decoded;
    }
    route_path(path, request->method, out);
}
