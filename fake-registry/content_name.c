/* The names of real content, taken apart. */
#include "fake-registry/content_name.h"

#include <stdio.h>
#include <string.h>

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static const struct {
    const char *prefix;
    enum content_kind kind;
} kinds[] = {
    {"oci:", CONTENT_OCI},
    {"oci-archive:", CONTENT_OCI_ARCHIVE},
    {"docker-archive:", CONTENT_DOCKER_ARCHIVE},
    {"docker://", CONTENT_UPSTREAM},
};

/* The LEN bytes of TEXT into a field of SIZE; false where they do not fit. */
static bool take(char *out, size_t size, const char *text, size_t len)
{
    if (len >= size) {
        return false;
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

/* "PATH" or "PATH:NAME"; the first colon ends the path. */
static int read_path(const char *text, struct content_name *out, struct err *e)
{
    size_t len = strcspn(text, ":");
    if (len == 0) {
        return err_set(e, ERR_INVALID, "names no path; write for example \"oci:images/agent\"");
    }
    if (!take(out->path, sizeof(out->path), text, len)) {
        return err_set(e, ERR_INVALID, "has a path of more than %d bytes", CONTENT_MAX_PATH - 1);
    }
    const char *name = text[len] == ':' ? text + len + 1 : "";
    if (text[len] == ':' && *name == '\0') {
        return err_set(e, ERR_INVALID, "ends in a colon; name an image behind it, or leave it out");
    }
    if (!take(out->name, sizeof(out->name), name, strlen(name))) {
        return err_set(e, ERR_INVALID, "has a name of more than %d bytes", CONTENT_MAX_WORD - 1);
    }
    return 0;
}

/* A host name, an IPv4 address or one of IPv6 in brackets, and a port where there is one. */
static bool host_valid(const char *host)
{
    size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strspn(host, ALNUM ".-_");
    if (len == 0 || len > strlen(host) || host[0] == '.' || host[0] == '-') {
        return false;
    }
    if (host[0] == '[' && strspn(host + 1, "0123456789abcdefABCDEF:.") != len - 2) {
        return false;
    }
    if (host[len] == '\0') {
        return true;
    }
    size_t digits = strspn(host + len + 1, "0123456789");
    return host[len] == ':' && digits > 0 && digits <= 5 && host[len + 1 + digits] == '\0';
}

/* This machine itself: where clients take plain HTTP without being told to. */
static bool is_loopback(const char *host)
{
    size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    bool four = strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len;
    return (len == 9 && strncmp(host, "localhost", 9) == 0) || four ||
           (len == 5 && strncmp(host, "[::1]", 5) == 0);
}

int content_name_image(struct content_name *name, const char *repository, const char *reference,
                       struct err *e)
{
    /* Docker Hub's official images have a repository that their names leave out. */
    bool official = strcmp(name->host, "docker.io") == 0 && strchr(repository, '/') == NULL;
    int n = snprintf(name->repository, sizeof(name->repository), "%s%s", official ? "library/" : "",
                     repository);
    if (n < 0 || (size_t)n >= sizeof(name->repository) ||
        !take(name->reference, sizeof(name->reference), reference, strlen(reference))) {
        return err_set(e, ERR_INVALID, "names an image in more than 255 bytes");
    }
    return 0;
}

static bool repository_valid(const char *s)
{
    for (;; s++) {
        size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-");
        if (n == 0 || s[0] == '.' || s[0] == '-' || s[0] == '_') {
            return false;
        }
        s += n;
        if (*s != '/') {
            return *s == '\0';
        }
    }
}

/* "REPO", "REPO:TAG" or "REPO@DIGEST". */
static int read_image(const char *text, struct content_name *out, struct err *e)
{
    char repository[256];
    const char *reference = "latest";
    size_t len = strcspn(text, ":@");
    if (text[len] != '\0') {
        reference = text + len + 1;
    }
    if (!take(repository, sizeof(repository), text, len) || !repository_valid(repository)) {
        return err_set(e, ERR_INVALID,
                       "names no repository; write for example \"docker://quay.io/ci/agent:1\"");
    }
    bool good = text[len] == '@' ? digest_valid(reference)
                                 : strspn(reference, ALNUM "_.-") == strlen(reference) &&
                                       strlen(reference) >= 1 && strlen(reference) <= 128 &&
                                       reference[0] != '.' && reference[0] != '-';
    if (!good) {
        return err_set(e, ERR_INVALID,
                       "has a bad %s; write for example \":stable\" or "
                       "\"@sha256:…\" behind the repository",
                       text[len] == '@' ? "digest" : "tag");
    }
    return content_name_image(out, repository, reference, e);
}

static int read_upstream(const char *text, struct content_name *out, struct err *e)
{
    size_t len = strcspn(text, "/");
    if (!take(out->host, sizeof(out->host), text, len) || !host_valid(out->host) ||
        text[len] != '/') {
        return err_set(e, ERR_INVALID,
                       "names no registry; write for example \"docker://quay.io/ci/agent:1\"");
    }
    out->scheme = is_loopback(out->host) ? SCHEME_EITHER : SCHEME_HTTPS;
    return read_image(text + len + 1, out, e);
}

int content_name_parse(const char *text, struct content_name *out, struct err *e)
{
    *out = (struct content_name){.kind = CONTENT_OCI};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t len = strlen(kinds[i].prefix);
        if (strncmp(text, kinds[i].prefix, len) == 0) {
            out->kind = kinds[i].kind;
            return out->kind == CONTENT_UPSTREAM ? read_upstream(text + len, out, e)
                                                 : read_path(text + len, out, e);
        }
    }
    return err_set(e, ERR_INVALID,
                   "does not say what it is; begin with \"oci:\", \"oci-archive:\", "
                   "\"docker-archive:\" or \"docker://\"");
}

int content_name_upstream(const char *url, struct content_name *out, struct err *e)
{
    bool plain = strncmp(url, "http://", 7) == 0;
    *out = (struct content_name){.kind = CONTENT_UPSTREAM,
                                 .scheme = plain ? SCHEME_HTTP : SCHEME_HTTPS};
    const char *host = url + (plain ? 7 : 8);
    if (!plain && strncmp(url, "https://", 8) != 0) {
        return err_set(e, ERR_INVALID, "is no URL; write for example \"https://quay.io\"");
    }
    size_t len = strcspn(host, "/");
    if ((host[len] == '/' && host[len + 1] != '\0') ||
        !take(out->host, sizeof(out->host), host, len) || !host_valid(out->host)) {
        return err_set(e, ERR_INVALID,
                       "is more or less than a scheme and a host; write for example "
                       "\"https://quay.io\" or \"http://127.0.0.1:5000\"");
    }
    return 0;
}

void content_name_text(const struct content_name *name, char *text, size_t size)
{
    static const char *const kind[] = {"image layout", "layout archive", "docker archive"};
    if (name->kind == CONTENT_UPSTREAM) {
        bool digest = strchr(name->reference, ':') != NULL;
        snprintf(text, size, "the registry %s, %s%s%s", name->host, name->repository,
                 digest ? "@" : ":", name->reference);
    } else {
        snprintf(text, size, "the %s %s%s%s", kind[name->kind], name->path,
                 name->name[0] != '\0' ? ", " : "", name->name);
    }
}
