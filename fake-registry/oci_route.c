/* Paths to operations. Read from the right end, as a repository may be called a/manifests/b. */
#include <string.h>

#include "fake-registry/oci.h"
#include "fake-registry/oci_internal.h"

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

/* How many bytes S begins with of [a-z0-9], and of [A-Z] and MORE; strspn makes a table of its set
 * at each call, which costs more than all the rest of a route. */
static size_t word_of(const char *s, bool capitals, const char *more)
{
    size_t n = 0;
    while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= '0' && s[n] <= '9') ||
           (capitals && s[n] >= 'A' && s[n] <= 'Z') ||
           (s[n] != '\0' && strchr(more, s[n]) != NULL)) {
        n++;
    }
    return n;
}

/* [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*, then '/' or the end. Returns where it ended; NULL: no match */
static const char *skip_component(const char *s)
{
    for (;;) {
        size_t word = word_of(s, false, "");
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

/* algorithm ":" encoded, of an algorithm that need not be known here (image-spec, descriptor.md);
 * of one that is known the encoded part must be right as well. */
static bool digest_well_formed(const char *text)
{
    const char *at = text;
    if (strncmp(text, "sha256:", 7) == 0 || strncmp(text, "sha512:", 7) == 0) {
        return digest_valid(text);
    }
    for (;;) {
        size_t word = word_of(at, false, "");
        at += word;
        if (word == 0 || *at == '\0' || strchr("+._-:", *at) == NULL) {
            return false;
        }
        if (*at++ == ':') {
            break;
        }
    }
    size_t encoded = word_of(at, true, "=_-");
    return encoded > 0 && at[encoded] == '\0';
}

/* [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127} */
bool oci_tag_valid(const char *tag)
{
    size_t len = word_of(tag, true, "._-");
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
    const char *method;
    enum family family;
    enum op op;
} operations[] = {
    {"GET", FAMILY_MANIFESTS, OP_MANIFEST_GET},
    {"HEAD", FAMILY_MANIFESTS, OP_MANIFEST_HEAD},
    {"PUT", FAMILY_MANIFESTS, OP_MANIFEST_PUT},
    {"DELETE", FAMILY_MANIFESTS, OP_DELETE},
    {"GET", FAMILY_BLOBS, OP_BLOB_GET},
    {"HEAD", FAMILY_BLOBS, OP_BLOB_HEAD},
    {"DELETE", FAMILY_BLOBS, OP_DELETE},
    {"GET", FAMILY_PING, OP_PING},
    {"HEAD", FAMILY_PING, OP_PING},
    {"GET", FAMILY_TAGS, OP_TAGS},
    {"HEAD", FAMILY_TAGS, OP_TAGS},
    {"GET", FAMILY_REFERRERS, OP_REFERRERS},
    {"HEAD", FAMILY_REFERRERS, OP_REFERRERS},
    {"GET", FAMILY_CATALOG, OP_CATALOG},
    {"HEAD", FAMILY_CATALOG, OP_CATALOG},
    {"POST", FAMILY_UPLOADS, OP_UPLOAD_START},
    {"PATCH", FAMILY_UPLOAD, OP_UPLOAD_CHUNK},
    {"PUT", FAMILY_UPLOAD, OP_UPLOAD_FINISH},
    {"GET", FAMILY_UPLOAD, OP_UPLOAD_STATUS},
    {"HEAD", FAMILY_UPLOAD, OP_UPLOAD_STATUS},
    {"DELETE", FAMILY_UPLOAD, OP_UPLOAD_CANCEL},
};

/* The methods of each family, for Allow; the table above in other words. */
static const char *methods(enum family family)
{
    switch (family) {
    case FAMILY_MANIFESTS:
        return "GET, HEAD, PUT, DELETE";
    case FAMILY_BLOBS:
        return "GET, HEAD, DELETE";
    case FAMILY_UPLOADS:
        return "POST";
    case FAMILY_UPLOAD:
        return "GET, HEAD, PATCH, PUT, DELETE";
    case FAMILY_NONE:
        return "";
    default:
        return "GET, HEAD";
    }
}

const char *oci_allowed_reads(const char *allow)
{
    const char *reads = methods(FAMILY_TAGS);
    bool place = strcmp(allow, methods(FAMILY_UPLOAD)) == 0;
    return strncmp(allow, reads, strlen(reads)) == 0 && !place ? reads : "";
}

static void choose_op(enum family family, const char *method, struct oci_route *out)
{
    out->op = OP_OTHER;
    out->bad = family == FAMILY_NONE ? NULL : "UNSUPPORTED";
    out->allow = methods(family);
    out->blob = family == FAMILY_BLOBS;
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (operations[i].family == family && strcmp(operations[i].method, method) == 0) {
            out->op = operations[i].op;
            out->bad = NULL;
            return;
        }
    }
}

/* What is wrong with the reference in OUT, which FITS there whole or is empty; NULL: nothing. */
static const char *check_reference(enum family family, struct span reference, bool fits,
                                   const struct oci_route *out)
{
    bool digest = memchr(reference.at, ':', reference.len) != NULL;
    switch (family) {
    case FAMILY_UPLOAD:
        return fits ? NULL : "BLOB_UPLOAD_UNKNOWN";
    case FAMILY_REFERRERS:
        return fits && digest_well_formed(out->reference) ? NULL : "DIGEST_INVALID";
    case FAMILY_MANIFESTS:
        if (!digest) {
            return fits && oci_tag_valid(out->reference) ? NULL : "TAG_INVALID";
        }
        break;
    default:
        break;
    }
    /* What is of an algorithm that is not known here is not here, but cannot be pushed either. */
    bool good = out->op == OP_MANIFEST_PUT ? digest_valid(out->reference)
                                           : digest_well_formed(out->reference);
    return fits && good ? NULL : "DIGEST_INVALID";
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
    if (family == FAMILY_TAGS || family == FAMILY_UPLOADS) {
        return;
    }
    bool fits = copy(reference, out->reference, sizeof(out->reference));
    const char *bad = check_reference(family, reference, fits, out);
    if (bad != NULL) {
        out->bad = bad;
    }
}

static void route_path(const char *path, const char *method, struct oci_route *out)
{
    struct span name = {"", 0};
    struct span reference = {"", 0};
    enum family family = FAMILY_NONE;
    if (strcmp(path, "/v2/") == 0) {
        choose_op(FAMILY_PING, method, out);
        return;
    }
    if (strncmp(path, "/v2/", 4) == 0) {
        family = classify((struct span){path + 4, strlen(path + 4)}, &name, &reference);
    }
    choose_op(family, method, out);
    check_parts(family, name, reference, out);
}

static void route(const char *path, const char *method, struct oci_route *out)
{
    char decoded[HTTP_MAX_TARGET + 1];
    out->op = OP_OTHER;
    out->repository[0] = '\0';
    out->reference[0] = '\0';
    out->bad = NULL;
    out->allow = "";
    out->blob = false;
    out->astray = false;
    if (strchr(path, '%') != NULL) {
        if (!http_decode(path, strlen(path), false, decoded, sizeof(decoded))) {
            out->bad = "NAME_INVALID";
            return;
        }
        path = decoded;
    }
    route_path(path, method, out);
}

bool oci_right_path(const char *path, char out[OCI_MAX_RIGHT_PATH])
{
    size_t len = 0;
    for (const char *at = path; *at != '\0'; at++) {
        if (len + 2 >= OCI_MAX_RIGHT_PATH) {
            return false;
        }
        if (*at != '/' || len == 0 || out[len - 1] != '/') {
            out[len++] = *at;
        }
    }
    out[len] = '\0';
    if (strcmp(out, "/v2") == 0) {
        out[len++] = '/';
    } else if (len > 4 && out[len - 1] == '/') {
        len -= len > 9 && memcmp(out + len - 9, "/uploads/", 9) == 0 ? 0 : 1;
    }
    out[len] = '\0';
    return strcmp(path, out) != 0;
}

void oci_route(const struct http_request *request, struct oci_route *out)
{
    char right[OCI_MAX_RIGHT_PATH];
    route(request->path, request->method, out);
    if ((out->op != OP_OTHER && out->bad == NULL) || !oci_right_path(request->path, right)) {
        return;
    }
    struct oci_route meant;
    route(right, request->method, &meant);
    if (meant.op != OP_OTHER && meant.bad == NULL) {
        *out = (struct oci_route){.op = OP_OTHER, .allow = "", .astray = true};
    }
}
