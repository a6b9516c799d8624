/* Unit tests of the routes: which path and method is which operation, and what is no path at all.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "fake-registry/oci.h"

#define D64 "0123456789012345678901234567890123456789012345678901234567890123"
#define NO_BLOB "sha256:" D64
#define NO_BLOB_512 "sha512:" D64 D64

static struct oci_route route_of(const char *method, const char *path)
{
    struct http_request request = {.method = method, .target = path, .path = path, .minor = 1};
    struct oci_route route;
    oci_route(&request, &route);
    return route;
}

/* Every endpoint of the specification is recognised with its parts. */
Test(oci_route, routes)
{
    static const struct {
        const char *method;
        const char *path;
        enum op op;
        const char *repository;
        const char *reference;
        const char *bad;
    } cases[] = {
        {"GET", "/v2/", OP_PING, "", "", NULL},
        {"HEAD", "/v2", OP_OTHER, "", "", NULL},
        {"GET", "/v2/a/manifests/latest", OP_MANIFEST_GET, "a", "latest", NULL},
        {"HEAD", "/v2/a/b/manifests/" NO_BLOB, OP_MANIFEST_HEAD, "a/b", NO_BLOB, NULL},
        {"GET", "/v2/a/blobs/" NO_BLOB, OP_BLOB_GET, "a", NO_BLOB, NULL},
        {"HEAD", "/v2/a/blobs/sha256%3A" D64, OP_BLOB_HEAD, "a", NO_BLOB, NULL},
        {"GET", "/v2/a%2Fb/manifests/x", OP_MANIFEST_GET, "a/b", "x", NULL},
        {"GET", "/v2/a/tags/list", OP_TAGS, "a", "", NULL},
        {"GET", "/v2/a/referrers/" NO_BLOB, OP_REFERRERS, "a", NO_BLOB, NULL},
        {"GET", "/v2/_catalog", OP_CATALOG, "", "", NULL},
        {"GET", "/v2/a/manifests/b/manifests/latest", OP_MANIFEST_GET, "a/manifests/b", "latest",
         NULL},
        {"GET", "/v2/a/blobs/uploads/manifests/tags", OP_MANIFEST_GET, "a/blobs/uploads", "tags",
         NULL},
        {"GET", "/v2/blobs/tags/list", OP_TAGS, "blobs", "", NULL},
        {"GET", "/v2/tags/tags/list", OP_TAGS, "tags", "", NULL},
        {"PUT", "/v2/a/manifests/x", OP_MANIFEST_PUT, "a", "x", NULL},
        {"POST", "/v2/a/blobs/uploads/", OP_UPLOAD_START, "a", "", NULL},
        {"POST", "/v2/a/b/blobs/uploads", OP_UPLOAD_START, "a/b", "", NULL},
        {"PATCH", "/v2/a/blobs/uploads/1-2", OP_UPLOAD_CHUNK, "a", "1-2", NULL},
        {"PUT", "/v2/a/blobs/uploads/1-2", OP_UPLOAD_FINISH, "a", "1-2", NULL},
        {"HEAD", "/v2/a/blobs/uploads/1-2", OP_UPLOAD_STATUS, "a", "1-2", NULL},
        {"DELETE", "/v2/a/manifests/x", OP_DELETE, "a", "x", NULL},
        {"GET", "/v2/a/blobs/uploads/1-2", OP_UPLOAD_STATUS, "a", "1-2", NULL},
        {"DELETE", "/v2/a/blobs/uploads/1-2", OP_UPLOAD_CANCEL, "a", "1-2", NULL},
        {"DELETE", "/v2/a/blobs/" NO_BLOB, OP_DELETE, "a", NO_BLOB, NULL},
        {"PATCH", "/v2/a/manifests/x", OP_OTHER, "a", "x", "UNSUPPORTED"},
        {"POST", "/v2/", OP_OTHER, "", "", "UNSUPPORTED"},
        {"GET", "/", OP_OTHER, "", "", NULL},
        {"GET", "/v1/_ping", OP_OTHER, "", "", NULL},
        {"GET", "/v2x/a/manifests/x", OP_OTHER, "", "", NULL},
        {"GET", "/v2/a", OP_OTHER, "", "", NULL},
        {"GET", "/v2/a/manifests/x/", OP_OTHER, "", "", NULL},
        {"GET", "x:443", OP_OTHER, "", "", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct oci_route r = route_of(cases[i].method, cases[i].path);
        cr_assert_eq(r.op, cases[i].op, "%s: %s", cases[i].path, op_name(r.op));
        cr_assert_str_eq(r.repository, cases[i].repository, "%s", cases[i].path);
        cr_assert_str_eq(r.reference, cases[i].reference, "%s", cases[i].path);
        cr_assert((r.bad == NULL) == (cases[i].bad == NULL), "%s", cases[i].path);
        cr_assert(r.bad == NULL || strcmp(r.bad, cases[i].bad) == 0, "%s", cases[i].path);
    }
}

/* Names, tags and digests are held to their grammars, at the edges too. */
Test(oci_route, grammars)
{
    static const char *const good[] = {"a",      "a0",    "a.b", "a_b", "a__b", "a-b",
                                       "a----b", "0/1/2", "z",   "9",   "az09"};
    static const char *const bad[] = {"A",   "a.", ".a",     "a..b",  "a___b", "a_.b", "a_",
                                      "-a",  "..", "a/../b", "a%20b", "a%00",  "a%",   "%zz",
                                      "a@b", "",   "a`",     "a{",    "a:"};
    static const char *const tags[] = {"A", "Z", "a", "z", "0", "9", "_", "AZaz09._-"};
    static const char *const no_tags[] = {".x", "-x", "", "x@", "x[", "x`", "x{", "x~"};
    static const char *const astray[] = {"a/", "/a", "a//b"};
    char path[600];
    for (size_t i = 0; i < sizeof(astray) / sizeof(astray[0]); i++) {
        (void)snprintf(path, sizeof(path), "/v2/%s/manifests/x", astray[i]);
        struct oci_route r = route_of("GET", path);
        cr_assert(r.astray && r.bad == NULL && r.op == OP_OTHER, "%s", astray[i]);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        (void)snprintf(path, sizeof(path), "/v2/%s/manifests/x", good[i]);
        cr_assert_null(route_of("GET", path).bad, "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(path, sizeof(path), "/v2/%s/manifests/x", bad[i]);
        cr_assert_not_null(route_of("GET", path).bad, "%s", bad[i]);
        cr_assert_str_eq(route_of("GET", path).bad, "NAME_INVALID", "%s", bad[i]);
    }
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        (void)snprintf(path, sizeof(path), "/v2/a/manifests/%s", tags[i]);
        cr_assert_null(route_of("GET", path).bad, "%s", tags[i]);
        (void)snprintf(path, sizeof(path), "/v2/a/manifests/%s", no_tags[i]);
        cr_assert_str_eq(route_of("GET", path).bad, "TAG_INVALID", "%s", no_tags[i]);
    }
    (void)snprintf(path, sizeof(path), "/v2/%0255d/manifests/%0128d", 0, 0);
    cr_assert_null(route_of("GET", path).bad);
    (void)snprintf(path, sizeof(path), "/v2/%0256d/manifests/x", 0);
    cr_assert_str_eq(route_of("GET", path).bad, "NAME_INVALID");
    (void)snprintf(path, sizeof(path), "/v2/a/manifests/%0129d", 0);
    cr_assert_str_eq(route_of("GET", path).bad, "TAG_INVALID");
    (void)snprintf(path, sizeof(path), "/v2/a/manifests/%0300d", 0);
    cr_assert_str_eq(route_of("GET", path).bad, "TAG_INVALID");
    cr_assert_str_eq(route_of("GET", "/v2/a/manifests/sha256:abc").bad, "DIGEST_INVALID");
    cr_assert_str_eq(route_of("GET", "/v2/a/blobs/latest").bad, "DIGEST_INVALID");
    cr_assert_str_eq(route_of("GET", "/v2/a/referrers/md5:").bad, "DIGEST_INVALID");
}

/* Of each family the methods that are served are told, and no other is. */
Test(oci_route, allow_tells_the_truth)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"};
    static const struct {
        const char *path;
        const char *allow;
    } cases[] = {
        {"/v2/", "GET, HEAD"},
        {"/v2/_catalog", "GET, HEAD"},
        {"/v2/a/tags/list", "GET, HEAD"},
        {"/v2/a/referrers/" NO_BLOB, "GET, HEAD"},
        {"/v2/a/manifests/x", "GET, HEAD, PUT, DELETE"},
        {"/v2/a/blobs/" NO_BLOB, "GET, HEAD, DELETE"},
        {"/v2/a/blobs/uploads/", "POST"},
        {"/v2/a/blobs/uploads/x", "GET, HEAD, PATCH, PUT, DELETE"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t k = 0; k < sizeof(methods) / sizeof(methods[0]); k++) {
            struct oci_route r = route_of(methods[k], cases[i].path);
            bool told = strstr(cases[i].allow, methods[k]) != NULL;
            cr_assert_str_eq(r.allow, cases[i].allow, "%s", cases[i].path);
            cr_assert_eq(r.bad == NULL, told, "%s %s", methods[k], cases[i].path);
            cr_assert(told || strcmp(r.bad, "UNSUPPORTED") == 0, "%s", cases[i].path);
        }
    }
}

/* A DELETE knows whether a blob is meant, for a digest alone does not tell. */
Test(oci_route, deletes_of_blobs)
{
    cr_assert(route_of("DELETE", "/v2/a/blobs/" NO_BLOB).blob);
    cr_assert_not(route_of("DELETE", "/v2/a/manifests/" NO_BLOB).blob);
    cr_assert_not(route_of("DELETE", "/v2/a/manifests/x").blob);
    cr_assert_not(route_of("DELETE", "/").blob);
}

/* Digests: sha256 and sha512 whole; any other algorithm whose grammar holds can be asked for, as it
 * is not there, but not be pushed. */
Test(oci_route, digests)
{
    static const struct {
        const char *digest;
        bool known;
        bool formed;
    } cases[] = {
        {NO_BLOB, true, true},
        {NO_BLOB_512, true, true},
        {NO_BLOB "0", false, false},
        {"sha256:" D64 D64, false, false},
        {"sha512:" D64, false, false},
        {"sha256:0123456789ABCDEF012345678901234567890123456789012345678901234567", false, false},
        {"blake3:" D64, false, true},
        {"sha256+b64:a=_-Z", false, true},
        {"a.b_c-d+e:x", false, true},
        {"md5:", false, false},
        {":x", false, false},
        {"a+:x", false, false},
        {"+a:x", false, false},
        {"A:x", false, false},
        {"a~b:x", false, false},
        {"a:x:y", false, false},
        {"latest", false, false},
    };
    char path[400];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool tag = strchr(cases[i].digest, ':') == NULL;
        (void)snprintf(path, sizeof(path), "/v2/a/manifests/%s", cases[i].digest);
        cr_assert_eq(route_of("PUT", path).bad == NULL, cases[i].known || tag, "%s", path);
        cr_assert_eq(route_of("GET", path).bad == NULL, cases[i].formed || tag, "%s", path);
        (void)snprintf(path, sizeof(path), "/v2/a/blobs/%s", cases[i].digest);
        cr_assert_eq(route_of("GET", path).bad == NULL, cases[i].formed, "%s", path);
        (void)snprintf(path, sizeof(path), "/v2/a/referrers/%s", cases[i].digest);
        cr_assert_eq(route_of("GET", path).bad == NULL, cases[i].formed, "%s", path);
    }
}

/* An upload whose place is too long to be one of ours is not there. */
Test(oci_route, uploads)
{
    char path[400];
    (void)snprintf(path, sizeof(path), "/v2/a/blobs/uploads/%0160d", 0);
    cr_assert_str_eq(route_of("PATCH", path).bad, "BLOB_UPLOAD_UNKNOWN");
    cr_assert_eq(route_of("PATCH", path).op, OP_UPLOAD_CHUNK);
    cr_assert_str_eq(route_of("PATCH", "/v2/A/blobs/uploads/x").bad, "NAME_INVALID");
}
