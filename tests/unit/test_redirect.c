/* Signed URLs of blobs. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "fake-registry/redirect.h"

#define SECOND UINT64_C(1000000000)
#define DIGEST "sha256:0123456789012345678901234567890123456789012345678901234567890123"

static const unsigned char key[REDIRECT_KEY] = "a key of the test's own, 32 byte";
static const unsigned char other[REDIRECT_KEY] = "another key of the test, 32 byte";

static struct http_request request_of(const char *method, char *target)
{
    char *query = strchr(target, '?');
    struct http_request r = {.method = method, .target = target, .path = target};
    if (query != NULL) {
        *query = '\0';
        r.query = query + 1;
    }
    return r;
}

static struct http_request signed_request(const char *method, char target[REDIRECT_MAX])
{
    struct oci_route route = {.op = OP_BLOB_GET, .repository = "ci/agent", .reference = DIGEST};
    cr_assert(redirect_target(key, &route, SECOND, target));
    return request_of(method, target);
}

/* What is signed is good until its time is up, under its own key. */
Test(redirect, signed_until)
{
    char target[REDIRECT_MAX];
    struct http_request r = signed_request("GET", target);
    cr_expect_eq(redirect_check(key, &r, SECOND), REDIRECT_GOOD);
    cr_expect_eq(redirect_check(key, &r, REDIRECT_TTL_S * SECOND), REDIRECT_GOOD);
    cr_expect_eq(redirect_check(key, &r, (REDIRECT_TTL_S + 1) * SECOND), REDIRECT_EXPIRED);
    cr_expect_eq(redirect_check(other, &r, SECOND), REDIRECT_BAD);
}

/* Neither the blob nor the time of a URL can be changed, and nothing goes unsigned. */
Test(redirect, tampered)
{
    char target[REDIRECT_MAX];
    char query[256];
    struct http_request r = signed_request("GET", target);
    const char *was = r.query;
    (void)snprintf(query, sizeof query, "expires=9%s", was + strlen("expires="));
    r.query = query;
    cr_expect_eq(redirect_check(key, &r, SECOND), REDIRECT_BAD);
    r.query = was;
    target[strlen("/blobs/")] = 'x';
    cr_expect_eq(redirect_check(key, &r, SECOND), REDIRECT_BAD);
    r.query = NULL;
    cr_expect_eq(redirect_check(key, &r, SECOND), REDIRECT_BAD);
    r.query = "expires=601";
    cr_expect_eq(redirect_check(key, &r, SECOND), REDIRECT_BAD);
}

/* The URL says which blob of which repository it stands for; others stand for nothing. */
Test(redirect, route)
{
    static const char *const nothing[] = {"/", "/blobs/", "/blobs/x",
                                          ("/v2/ci/agent/blobs/" DIGEST)};
    char target[REDIRECT_MAX];
    struct oci_route route;
    struct http_request r = signed_request("GET", target);
    redirect_route(&r, &route);
    cr_expect_eq(route.op, OP_BLOB_GET);
    cr_expect_str_eq(route.repository, "ci/agent");
    cr_expect_str_eq(route.reference, DIGEST);
    r.method = "HEAD";
    redirect_route(&r, &route);
    cr_expect_eq(route.op, OP_BLOB_HEAD);
    r.method = "PUT";
    redirect_route(&r, &route);
    cr_expect_eq(route.op, OP_OTHER);
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        (void)snprintf(target, sizeof target, "%s", nothing[i]);
        r = request_of("GET", target);
        redirect_route(&r, &route);
        cr_expect_eq(route.op, OP_OTHER, "%s", nothing[i]);
    }
}

/* An object store refuses in XML, and tells an expired URL from a wrong one. */
Test(redirect, refuses)
{
    struct response r;
    response_init(&r);
    cr_assert_eq(redirect_refuse(REDIRECT_EXPIRED, &r), 0);
    cr_expect_eq(r.status, 403);
    cr_expect_not_null(strstr(r.head, "Content-Type: application/xml\r\n"));
    cr_expect_not_null(strstr(r.small, "<Code>AccessDenied</Code>"));
    cr_expect_not_null(strstr(r.small, "Request has expired"));
    response_close(&r);
    cr_assert_eq(redirect_refuse(REDIRECT_BAD, &r), 0);
    cr_expect_not_null(strstr(r.small, "<Code>SignatureDoesNotMatch</Code>"));
    response_close(&r);
}
