/* Conditions and lists of ranges on manifests and blobs, and paths with the wrong slashes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "fake-registry/image.h"
#include "fake-registry/oci.h"
#include "tests/lib/oci_ask.h"

#define MANIFEST "{\"schemaVersion\":2}"
#define OLDER "{\"schemaVersion\": 2}"
#define BLOB "0123456789"

static struct store *store;
static struct content *manifest;
static struct content *older;
static struct content *blob;
static char blob_target[256];

static struct content *text_content(const char *text, const char *type)
{
    struct err e = {0};
    struct content *c = content_new_take((uint8_t *)strdup(text), strlen(text), type, &e);
    cr_assert_not_null(c, "%s", e.text);
    return c;
}

static void setup(void)
{
    struct err e = {0};
    store = store_new(&e);
    manifest = text_content(MANIFEST, IMAGE_MANIFEST_TYPE);
    older = text_content(OLDER, IMAGE_MANIFEST_TYPE);
    blob = text_content(BLOB, IMAGE_LAYER_TYPE);
    cr_assert_eq(store_put_manifest(store, "ci/agent", "stable", manifest, &e), 0);
    cr_assert_eq(store_put_manifest(store, "ci/agent", NULL, older, &e), 0);
    cr_assert_eq(store_put_blob(store, "ci/agent", blob, &e), 0);
    (void)snprintf(blob_target, sizeof(blob_target), "/v2/ci/agent/blobs/%s", blob->digest);
}

static void teardown(void)
{
    cr_assert_eq(blob->refs, 2, "every answer let go");
    content_unref(manifest);
    content_unref(older);
    content_unref(blob);
    store_free(store);
}

TestSuite(oci_ranges, .init = setup, .fini = teardown);

/* "NAME: VALUE" where VALUE has a %s for a digest. */
static const char *line(const char *format, const struct content *c)
{
    static char text[512];
    char *to = text;
    for (const char *at = format; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] == 's') {
            to = stpcpy(to, c->digest);
            at++;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
    return text;
}

static struct response get(const char *method, const char *target, const char *headers)
{
    return oci_ask_text(store, method, target, headers, NULL);
}

static void expect_quoted(const struct response *r, const struct content *c)
{
    char quoted[DIGEST_TEXT + 2];
    (void)snprintf(quoted, sizeof(quoted), "\"%s\"", c->digest);
    cr_expect_str_eq(oci_told(r, "ETag"), quoted);
    cr_expect_str_eq(oci_told(r, "Docker-Content-Digest"), c->digest);
}

/* Answers about content carry its entity tag; a blob's may be kept for ever. */
Test(oci_ranges, tags)
{
    struct response r = get("HEAD", "/v2/ci/agent/manifests/stable", NULL);
    expect_quoted(&r, manifest);
    cr_expect_str_eq(oci_told(&r, "Cache-Control"), "");
    cr_expect_str_eq(oci_told(&r, "Accept-Ranges"), "");
    response_close(&r);
    r = get("GET", blob_target, NULL);
    expect_quoted(&r, blob);
    cr_expect_str_eq(oci_told(&r, "Cache-Control"), "max-age=31536000");
    cr_expect_str_eq(oci_told(&r, "Accept-Ranges"), "bytes");
    response_close(&r);
}

/* What the client has is not sent again: 304 with the tag, of GET and HEAD; the digest is told, of
 * a manifest. Type and length are left out, and ranges are not looked at. */
Test(oci_ranges, not_modified)
{
    const char *methods[] = {"GET", "HEAD"};
    for (size_t i = 0; i < 2; i++) {
        struct response r = get(methods[i], "/v2/ci/agent/manifests/stable",
                                line("If-None-Match: \"x\", W/\"%s\"", manifest));
        cr_expect_eq(r.status, 304);
        expect_quoted(&r, manifest);
        cr_expect_str_eq(r.told, manifest->digest);
        cr_expect_str_eq(oci_told(&r, "Content-Type"), "");
        cr_expect(r.len == 0 && r.small == NULL && r.content == manifest);
        response_close(&r);
        r = get(methods[i], blob_target, line("Range: bytes=99-\nIf-None-Match: \"%s\"", blob));
        cr_expect_eq(r.status, 304);
        expect_quoted(&r, blob);
        cr_expect_null(r.told);
        cr_expect_str_eq(oci_told(&r, "Cache-Control"), "max-age=31536000");
        cr_expect_eq(r.len, 0);
        response_close(&r);
    }
}

/* A tag without quotes is taken of manifests, as Docker's registry takes it, and of blobs not. */
Test(oci_ranges, bare_tags)
{
    const char *bare = "If-None-Match: %s";
    cr_expect_eq(
        oci_ask_status(store, "GET", "/v2/ci/agent/manifests/stable", line(bare, manifest), NULL),
        304);
    cr_expect_eq(
        oci_ask_status(store, "GET", "/v2/ci/agent/manifests/stable", line(bare, older), NULL),
        200);
    cr_expect_eq(oci_ask_status(store, "GET", blob_target, line(bare, blob), NULL), 200);
}

/* Something else than what the client means: 412 with an error's body. What is not there is 404,
 * whatever the condition. */
Test(oci_ranges, preconditions)
{
    struct response r =
        get("GET", "/v2/ci/agent/manifests/stable", line("If-Match: \"%s\"", older));
    cr_expect_eq(r.status, 412);
    cr_expect_null(r.told);
    cr_expect_not_null(strstr(r.small, "\"errors\""));
    response_close(&r);
    cr_expect_eq(oci_ask_status(store, "GET", "/v2/ci/agent/manifests/stable",
                                line("If-Match: \"%s\"", manifest), NULL),
                 200);
    cr_expect_eq(oci_ask_status(store, "HEAD", blob_target, "If-Match: \"x\"", NULL), 412);
    cr_expect_eq(oci_ask_status(store, "GET", blob_target, "If-Match: *", NULL), 200);
    cr_expect_eq(oci_ask_status(store, "GET", "/v2/ci/agent/manifests/gone", "If-Match: *", NULL),
                 404);
    cr_expect_eq(
        oci_ask_status(store, "GET", "/v2/ci/agent/manifests/gone", "If-None-Match: *", NULL), 404);
}

/* A range holds while the blob is the one that If-Range names; else all of it comes. */
Test(oci_ranges, if_range)
{
    struct response r = get("GET", blob_target, line("Range: bytes=4-\nIf-Range: \"%s\"", blob));
    cr_expect(r.status == 206 && r.from == 4 && r.len == 6);
    expect_quoted(&r, blob);
    response_close(&r);
    r = get("GET", blob_target, "Range: bytes=4-\nIf-Range: \"x\"");
    cr_expect(r.status == 200 && r.len == 10);
    response_close(&r);
    r = get("GET", blob_target, "Range: bytes=99-\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT");
    cr_expect(r.status == 200 && r.len == 10);
    response_close(&r);
}

/* The status and Content-Range, or Content-Type up to its boundary, of an answer to RANGE. */
static void expect_range(const char *range, unsigned status, const char *content_range,
                         size_t parts)
{
    char header[128];
    (void)snprintf(header, sizeof(header), "Range: %s", range);
    struct response r = get("GET", blob_target, header);
    cr_expect_eq(r.status, status, "%s: %u", range, r.status);
    cr_expect_str_eq(oci_told(&r, "Content-Range"), content_range, "%s", range);
    cr_expect_eq(r.parts != NULL ? r.parts->count : 0, parts, "%s", range);
    if (r.parts != NULL) {
        cr_expect_str_eq(oci_told(&r, "Content-Type"), r.parts->type);
        cr_expect_eq(r.len, r.parts->len);
        expect_quoted(&r, blob);
    }
    response_close(&r);
}

/* Several ranges are parts, in their order; what is left of them decides: one is sent as if it had
 * been asked for alone, none is 416, and more bytes than there are is all of it. */
Test(oci_ranges, several)
{
    expect_range("bytes=0-1,4-5", 206, "", 2);
    expect_range("bytes=8-,0-0,-1", 206, "", 3);
    expect_range("bytes=0-1,99-", 206, "bytes 0-1/10", 0);
    expect_range("bytes=99-,77-88", 416, "bytes */10", 0);
    expect_range("bytes=0-8,0-1", 200, "", 0);
    struct response r = get("HEAD", blob_target, "Range: bytes=0-1,4-5");
    cr_expect(r.status == 200 && r.parts == NULL && r.len == 10);
    response_close(&r);
}

/* A stale tag's entity tag is that of what is shown: who has the older one is told so. */
Test(oci_ranges, stale)
{
    const struct fault_image image = {
        .repository = "ci/agent", .tag = "stable", .digest = older->digest};
    const struct fault_rule rule = {.kind = &fault_catalogue[FAULT_STALE_TAG], .image = &image};
    const struct fault_decision stale = {.rule = &rule, .fired = true};
    const struct content *has[] = {older, manifest};
    for (size_t i = 0; i < 2; i++) {
        char tag[DIGEST_TEXT + 2];
        (void)snprintf(tag, sizeof(tag), "\"%s\"", has[i]->digest);
        const struct http_request request = {.method = "GET",
                                             .target = "/v2/ci/agent/manifests/stable",
                                             .path = "/v2/ci/agent/manifests/stable",
                                             .headers = {{"If-None-Match", tag}},
                                             .header_count = 1,
                                             .minor = 1};
        struct oci_route route;
        struct response r;
        oci_route(&request, &route);
        cr_assert_eq(oci_respond(store, &request, &route, &stale, 1, &r), 0);
        cr_expect_eq(r.status, i == 0 ? 304 : 200);
        cr_expect_str_eq(r.told, older->digest);
        expect_quoted(&r, older);
        response_close(&r);
    }
}

/* Slashes too many or too few lead to the path that is meant, with its query; where that is none,
 * they lead nowhere. */
Test(oci_ranges, slashes)
{
    static const struct {
        const char *method, *target, *location;
    } cases[] = {
        {"GET", "/v2", "/v2/"},
        {"HEAD", "//v2//", "/v2/"},
        {"GET", "//v2/ci/agent/tags/list?n=1&last=a", "/v2/ci/agent/tags/list?n=1&last=a"},
        {"GET", "/v2/ci//agent///manifests/stable", "/v2/ci/agent/manifests/stable"},
        {"GET", "/v2/ci/agent/manifests/stable/", "/v2/ci/agent/manifests/stable"},
        {"POST", "/v2/ci/agent/blobs//uploads/", "/v2/ci/agent/blobs/uploads/"},
        {"PUT", "/v2/ci/agent//manifests/stable", "/v2/ci/agent/manifests/stable"},
        {"GET", "/v2//_catalog/", "/v2/_catalog"},
        {"GET", "/v2/?", NULL},
        {"GET", "//", NULL},
        {"GET", "//v1/", NULL},
        {"GET", "//evil.example/v2/", NULL},
        {"GET", "/v2/ci/agent//manifests/.x", NULL},
        {"POST", "/v2/ci/agent//manifests/stable", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct response r = get(cases[i].method, cases[i].target, NULL);
        const char *want = cases[i].location != NULL ? cases[i].location : "";
        cr_expect_eq(r.status == 301, cases[i].location != NULL, "%s: %u", cases[i].target,
                     r.status);
        cr_expect_str_eq(oci_told(&r, "Location"), want, "%s", cases[i].target);
        cr_expect(r.status != 301 || r.len == 0);
        response_close(&r);
    }
}
