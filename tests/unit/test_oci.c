/* Unit tests of the OCI front: answers, listings, views, and the status fault. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/image.h"
#include "fake-registry/oci.h"

#define D64 "0123456789012345678901234567890123456789012345678901234567890123"
#define NO_BLOB "sha256:" D64

static struct store *store;
static struct content *manifest;
static struct content *other; /* a manifest that only v2 stands for */
static struct content *blob;

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
    manifest = text_content("{\"schemaVersion\":2}", IMAGE_MANIFEST_TYPE);
    other = text_content("{\"schemaVersion\": 2}", IMAGE_MANIFEST_TYPE);
    blob = text_content("0123456789", IMAGE_LAYER_TYPE);
    cr_assert_eq(store_put_manifest(store, "ci/agent", "stable", manifest, &e), 0);
    cr_assert_eq(store_put_manifest(store, "ci/agent", "v1", manifest, &e), 0);
    cr_assert_eq(store_put_manifest(store, "ci/agent", "v2", other, &e), 0);
    cr_assert_eq(store_put_manifest(store, "a/manifests/b", "latest", manifest, &e), 0);
    cr_assert_eq(store_put_blob(store, "ci/agent", blob, &e), 0);
}

static void teardown(void)
{
    content_unref(manifest);
    content_unref(other);
    content_unref(blob);
    store_free(store);
}

TestSuite(oci, .init = setup, .fini = teardown);

static struct http_request request_of(const char *method, const char *path)
{
    return (struct http_request){.method = method, .target = path, .path = path, .minor = 1};
}

static struct oci_route route_of(const char *method, const char *path)
{
    struct http_request request = request_of(method, path);
    struct oci_route route;
    oci_route(&request, &route);
    return route;
}

/* Asks for a path with a query and one header (each may be NULL) through COUNT decisions. */
static struct response ask_all(const char *method, const char *path, const char *query,
                               const char *header, const char *value,
                               const struct fault_decision *decisions, size_t count)
{
    struct http_request request = request_of(method, path);
    struct oci_route route;
    struct response r;
    request.query = query;
    if (header != NULL) {
        request.headers[0] = (struct http_header){header, value};
        request.header_count = 1;
    }
    oci_route(&request, &route);
    cr_assert_eq(oci_respond(store, &request, &route, decisions, count, &r), 0);
    cr_assert_eq(strlen(r.head), r.head_len);
    return r;
}

static struct response ask(const char *method, const char *path)
{
    return ask_all(method, path, NULL, NULL, NULL, NULL, 0);
}

static bool says(const struct response *r, const char *line)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "%s\r\n", line);
    return strstr(r->head, text) != NULL;
}

/* The code of the one OCI error in R, whose body must be well-formed. */
static const char *error_code(const struct response *r)
{
    static char code[64];
    json_t *body = json_loadb(r->small, r->len, 0, NULL);
    json_t *first = json_array_get(json_object_get(body, "errors"), 0);
    cr_assert(says(r, "Content-Type: application/json"));
    cr_assert_not_null(json_string_value(json_object_get(first, "message")));
    cr_assert_not_null(json_object_get(first, "detail"));
    (void)snprintf(code, sizeof(code), "%s", json_string_value(json_object_get(first, "code")));
    json_decref(body);
    return code;
}

/* Asserts status and code of the answer to METHOD PATH. */
static void expect_error(const char *method, const char *path, unsigned status, const char *code)
{
    struct response r = ask(method, path);
    cr_assert_eq(r.status, status, "%s %s: %u", method, path, r.status);
    cr_assert_str_eq(error_code(&r), code, "%s %s: %s", method, path, error_code(&r));
    cr_assert_null(r.content);
    cr_assert_null(r.told);
    response_close(&r);
}

/* A manifest comes by tag and by digest with its own type; HEAD tells the same without a body. */
Test(oci, manifests)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "/v2/ci/agent/manifests/%s", manifest->digest);
    const char *paths[] = {"/v2/ci/agent/manifests/stable", path};
    unsigned refs = manifest->refs;
    for (size_t i = 0; i < 4; i++) {
        struct response r = ask(i < 2 ? "GET" : "HEAD", paths[i % 2]);
        char digest[256];
        (void)snprintf(digest, sizeof(digest), "Docker-Content-Digest: %s", manifest->digest);
        cr_assert_eq(r.status, 200);
        cr_assert(says(&r, "Content-Type: " IMAGE_MANIFEST_TYPE));
        cr_assert(says(&r, "Docker-Distribution-Api-Version: registry/2.0"));
        cr_assert(says(&r, digest));
        cr_assert_eq(r.content, manifest);
        cr_assert(r.from == 0 && r.len == manifest->size);
        cr_assert_str_eq(r.told, manifest->digest);
        cr_assert_eq(r.head_only, i >= 2);
        response_close(&r);
    }
    cr_assert_eq(manifest->refs, refs, "every answer let go");
    (void)snprintf(path, sizeof(path), "/v2/other/manifests/%s", manifest->digest);
    expect_error("GET", path, 404, "MANIFEST_UNKNOWN"); /* of no repository, either */
    expect_error("GET", "/v2/ci/agent/manifests/gone", 404, "MANIFEST_UNKNOWN");
    expect_error("GET", "/v2/ci/agent/manifests/" NO_BLOB, 404, "MANIFEST_UNKNOWN");
    expect_error("GET", "/v2/ci/agent/manifests/.INVALID", 404, "MANIFEST_UNKNOWN");
}

static char *blob_path(void)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "/v2/ci/agent/blobs/%s", blob->digest);
    return path;
}

/* A blob comes whole, or the one range that was asked for; outside it is 416 with the size. */
Test(oci, blobs_and_ranges)
{
    struct response r = ask("GET", blob_path());
    cr_assert(r.status == 200 && r.content == blob && r.len == 10 && r.told == NULL);
    cr_assert(says(&r, "Content-Type: application/octet-stream"));
    cr_assert(says(&r, "Accept-Ranges: bytes"));
    response_close(&r);
    r = ask_all("GET", blob_path(), NULL, "range", "bytes=4-", NULL, 0);
    cr_assert(r.status == 206 && r.content == blob && r.from == 4 && r.len == 6);
    cr_assert(says(&r, "Content-Range: bytes 4-9/10"));
    response_close(&r);
    r = ask_all("GET", blob_path(), NULL, "Range", "bytes=10-", NULL, 0);
    cr_assert_eq(r.status, 416);
    cr_assert_null(r.content);
    cr_assert(says(&r, "Content-Range: bytes */10"));
    cr_assert_str_eq(error_code(&r), "RANGE_INVALID");
    response_close(&r);
    r = ask_all("HEAD", blob_path(), NULL, "Range", "bytes=4-", NULL, 0);
    cr_assert(r.status == 200 && r.len == 10 && r.head_only);
    response_close(&r);
    expect_error("GET", "/v2/ci/agent/blobs/" NO_BLOB, 404, "BLOB_UNKNOWN");
    cr_assert_eq(blob->refs, 2);
}

/* What is refused says so in the form of the specification; HEAD too, for its length is told. */
Test(oci, errors)
{
    expect_error("GET", "/", 404, "NAME_UNKNOWN");
    expect_error("GET", "/v2/A/manifests/x", 400, "NAME_INVALID");
    expect_error("GET", "/v2/ci/agent/blobs/sha256:x", 400, "DIGEST_INVALID");
    expect_error("POST", "/v2/ci/agent/manifests/x", 405, "UNSUPPORTED");
    expect_error("HEAD", "/v2/ci/agent/manifests/gone", 404, "MANIFEST_UNKNOWN");
    struct response r = ask("GET", "/v2/");
    cr_assert(r.status == 200 && r.len == 2 && strcmp(r.small, "{}") == 0);
    cr_assert(says(&r, "Docker-Distribution-Api-Version: registry/2.0"));
    response_close(&r);
}

static void expect_list(const char *path, const char *query, const char *body, const char *link)
{
    struct response r = ask_all("GET", path, query, NULL, NULL, NULL, 0);
    cr_assert_eq(r.status, 200);
    cr_assert_str_eq(r.small, body);
    cr_assert_eq(r.len, strlen(body));
    cr_assert_eq(strstr(r.head, "Link:") != NULL, link != NULL, "%s", query);
    cr_assert(link == NULL || says(&r, link), "%s", r.head);
    response_close(&r);
}

/* Lists come in order and in pages; the link leads to the rest, and nothing is lost or twice. */
Test(oci, lists)
{
    const char *tags = "/v2/ci/agent/tags/list";
    const char *next = "Link: </v2/ci/agent/tags/list?last=v1&n=2>; rel=\"next\"";
    expect_list(tags, NULL, "{\"name\":\"ci/agent\",\"tags\":[\"stable\",\"v1\",\"v2\"]}\n", NULL);
    expect_list(tags, "n=2", "{\"name\":\"ci/agent\",\"tags\":[\"stable\",\"v1\"]}\n", next);
    expect_list(tags, "last=v1&n=2", "{\"name\":\"ci/agent\",\"tags\":[\"v2\"]}\n", NULL);
    expect_list(tags, "n=3", "{\"name\":\"ci/agent\",\"tags\":[\"stable\",\"v1\",\"v2\"]}\n", NULL);
    expect_list(tags, "n=9", "{\"name\":\"ci/agent\",\"tags\":[\"stable\",\"v1\",\"v2\"]}\n", NULL);
    expect_list(tags, "n=0", "{\"name\":\"ci/agent\",\"tags\":[]}\n", NULL);
    expect_list(tags, "last=zzz", "{\"name\":\"ci/agent\",\"tags\":[]}\n", NULL);
    expect_list("/v2/_catalog", "n=1", "{\"repositories\":[\"a/manifests/b\"]}\n",
                "Link: </v2/_catalog?last=a/manifests/b&n=1>; rel=\"next\"");
    expect_list("/v2/ci/agent/referrers/" NO_BLOB, NULL,
                "{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_INDEX_TYPE "\",\"manifests\":[]}\n",
                NULL);
    expect_error("GET", "/v2/none/tags/list", 404, "NAME_UNKNOWN");
    struct response none = ask("GET", "/v2/none/tags/list");
    cr_assert(strstr(none.small, "\"detail\":{\"name\":\"none\"}") != NULL,
              "a client that is told no detail may keep the message to itself: %s", none.small);
    response_close(&none);
    static const char *const bad[] = {"n=x",      "n=-1",  "n=",   "n",
                                      "n&last=a", "n=%zz", "n=1x", "last=a&n=%"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct response r = ask_all("GET", tags, bad[i], NULL, NULL, NULL, 0);
        cr_assert_eq(r.status, 400, "%s", bad[i]);
        cr_assert_str_eq(error_code(&r), "PAGINATION_NUMBER_INVALID");
        response_close(&r);
    }
}

/* What a reference stands for in the store as it is. */
Test(oci, resolve)
{
    struct oci_route route = route_of("GET", "/v2/ci/agent/manifests/stable");
    cr_assert_str_eq(oci_resolve(store, &route), manifest->digest);
    route = route_of("GET", blob_path());
    cr_assert_str_eq(oci_resolve(store, &route), blob->digest);
    route = route_of("GET", "/v2/ci/agent/manifests/gone");
    cr_assert_null(oci_resolve(store, &route));
    route = route_of("GET", "/v2/");
    cr_assert_null(oci_resolve(store, &route));
}

/* A fired deletion hides the image by digest and by each tag that stands for it, in the list too,
 * and its blobs where they go too; one that did not fire hides nothing. */
Test(oci, views)
{
    const char *blobs[] = {blob->digest};
    struct fault_image image = {.name = "agent",
                                .repository = "ci/agent",
                                .tag = "stable",
                                .digest = manifest->digest,
                                .blobs = blobs,
                                .blob_count = 1};
    struct fault_rule rule = {
        .name = "gone", .kind = &fault_catalogue[FAULT_DELETE_IMAGE], .image = &image};
    struct fault_decision decision = {.rule = &rule, .fired = true};
    char path[256];
    (void)snprintf(path, sizeof(path), "/v2/ci/agent/manifests/%s", manifest->digest);
    const char *hidden[] = {"/v2/ci/agent/manifests/stable", "/v2/ci/agent/manifests/v1", path};
    for (size_t i = 0; i < 3; i++) {
        struct response r = ask_all("GET", hidden[i], NULL, NULL, NULL, &decision, 1);
        cr_assert_eq(r.status, 404);
        cr_assert_str_eq(error_code(&r), "MANIFEST_UNKNOWN");
        response_close(&r);
    }
    struct response r = ask_all("GET", blob_path(), NULL, NULL, NULL, &decision, 1);
    cr_assert_eq(r.status, 200, "blobs are kept unless they are to go");
    response_close(&r);
    r = ask_all("GET", "/v2/ci/agent/tags/list", NULL, NULL, NULL, &decision, 1);
    cr_assert_str_eq(r.small, "{\"name\":\"ci/agent\",\"tags\":[\"v2\"]}\n");
    response_close(&r);
    rule.param[PARAM_BLOBS] = (struct fault_value){.set = true, .number = 1};
    r = ask_all("GET", blob_path(), NULL, NULL, NULL, &decision, 1);
    cr_assert_eq(r.status, 404);
    cr_assert_str_eq(error_code(&r), "BLOB_UNKNOWN");
    response_close(&r);
    decision.fired = false;
    r = ask_all("GET", hidden[0], NULL, NULL, NULL, &decision, 1);
    cr_assert_eq(r.status, 200);
    response_close(&r);
}

/* A fired stale tag stands for its image, whole, for GET and HEAD; the digest that it stands for in
 * truth, other tags and the list are left alone, and so is everything where it did not fire. */
Test(oci, stale_tag)
{
    struct fault_image image = {
        .name = "agent", .repository = "ci/agent", .tag = "stable", .digest = other->digest};
    struct fault_rule rule = {
        .name = "stale", .kind = &fault_catalogue[FAULT_STALE_TAG], .image = &image};
    struct fault_decision decision = {.rule = &rule, .fired = true};
    char path[256];
    (void)snprintf(path, sizeof(path), "/v2/ci/agent/manifests/%s", manifest->digest);
    const struct {
        const char *method, *path;
        const struct content *told;
    } asked[] = {
        {"GET", "/v2/ci/agent/manifests/stable", other},
        {"HEAD", "/v2/ci/agent/manifests/stable", other},
        {"GET", "/v2/ci/agent/manifests/v1", manifest},
        {"GET", path, manifest},
    };
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct response r = ask_all(asked[i].method, asked[i].path, NULL, NULL, NULL, &decision, 1);
        cr_assert_eq(r.status, 200);
        cr_expect_str_eq(r.told, asked[i].told->digest, "%s", asked[i].path);
        cr_expect_eq(r.len, asked[i].told->size);
        response_close(&r);
    }
    rule.param[PARAM_TAG] = (struct fault_value){.set = true, .text = "v1"};
    struct response r = ask_all("GET", asked[2].path, NULL, NULL, NULL, &decision, 1);
    cr_expect_str_eq(r.told, other->digest, "a tag that the fault names");
    response_close(&r);
    decision.fired = false;
    r = ask_all("GET", asked[2].path, NULL, NULL, NULL, &decision, 1);
    cr_expect_str_eq(r.told, manifest->digest);
    response_close(&r);
    r = ask_all("GET", "/v2/ci/agent/tags/list", NULL, NULL, NULL, &decision, 1);
    cr_assert_str_eq(r.small, "{\"name\":\"ci/agent\",\"tags\":[\"stable\",\"v1\",\"v2\"]}\n");
    response_close(&r);
}
