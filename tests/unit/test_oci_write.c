/* Unit tests of pushed manifests and of deletes: digests, types, tags, subjects, what is refused.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/content_source.h"
#include "tests/lib/oci_ask.h"

#define D62 "01234567890123456789012345678901234567890123456789012345678901"
#define D64 D62 "23"
#define ABSENT "sha256:" D64
#define MANIFESTS "/v2/ci/agent/manifests/"
#define CONFIG                                                                                     \
    "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"" ABSENT  \
    "\",\"size\":2}"
#define IMAGE(more) "{\"schemaVersion\":2," CONFIG ",\"layers\":[]" more "}"
#define TYPED(type) "{\"schemaVersion\":2,\"mediaType\":\"" type "\"," CONFIG ",\"layers\":[]}"
#define INDEX "{\"schemaVersion\":2,\"manifests\":[]}"
#define SAYS(type) "Content-Type: " type

static struct store *store;

static void setup(void)
{
    struct err e = {0};
    store = store_new(&e);
    cr_assert_not_null(store, "%s", e.text);
}

static void teardown(void)
{
    store_free(store);
}

TestSuite(oci_write, .init = setup, .fini = teardown);

static const char *at(const char *reference)
{
    static char target[4][8192];
    static size_t next;
    char *out = target[next++ % 4];
    (void)snprintf(out, sizeof(target[0]), MANIFESTS "%s", reference);
    return out;
}

/* Asserts that REFERENCE is served as exactly TEXT, of TYPE. */
static void expect_served(const char *reference, const char *text, const char *type)
{
    struct response r = oci_ask_text(store, "GET", at(reference), NULL, NULL);
    cr_assert_eq(r.status, 200, "%s: %u", reference, r.status);
    cr_assert_str_eq(oci_told(&r, "Content-Type"), type);
    cr_assert_eq(r.len, strlen(text));
    cr_assert_eq(memcmp(r.content->data, text, r.len), 0);
    response_close(&r);
}

static void expect_refused(const char *target, const char *headers, const char *body,
                           unsigned status, const char *code)
{
    struct response r = oci_ask_text(store, "PUT", target, headers, body);
    cr_assert_eq(r.status, status, "%s: %u", body, r.status);
    cr_assert_str_eq(oci_code(&r, 0), code, "%s: %s", body, oci_code(&r, 0));
    response_close(&r);
    cr_assert_not(store_has_repository(store, "ci/agent"), "nothing is kept");
}

/* end-7a: by tag; the bytes come back as they were, blanks and unknown members too. */
Test(oci_write, by_tag)
{
    static const char text[] =
        " {\"schemaVersion\" : 2,\n" CONFIG ",\"layers\":[],\"x\":[1.50,\"\\u00e4\"]}\n";
    const char *digest = oci_digest("sha256", text);
    struct response r = oci_ask_text(store, "PUT", at("stable"), SAYS(IMAGE_MANIFEST_TYPE), text);
    cr_assert_eq(r.status, 201);
    cr_assert_str_eq(oci_told(&r, "Location"), at(digest));
    cr_assert_str_eq(oci_told(&r, "Docker-Content-Digest"), digest);
    cr_assert_str_eq(oci_told(&r, "Docker-Distribution-Api-Version"), "registry/2.0");
    cr_assert_null(strstr(r.head, "OCI-"), "no subject, and no tags beside it: %s", r.head);
    response_close(&r);
    expect_served("stable", text, IMAGE_MANIFEST_TYPE);
    expect_served(digest, text, IMAGE_MANIFEST_TYPE);
}

/* By digest, of either algorithm; that is what its tags then stand for, and no tag comes of it. */
Test(oci_write, by_digest)
{
    static const char *const algorithms[] = {"sha256", "sha512"};
    for (size_t i = 0; i < 2; i++) {
        const char *digest = oci_digest(algorithms[i], IMAGE(""));
        char target[512];
        (void)snprintf(target, sizeof(target), "%s?tag=t%zu", at(digest), i);
        struct response r =
            oci_ask_text(store, "PUT", target, SAYS(IMAGE_MANIFEST_TYPE), IMAGE(""));
        cr_assert_eq(r.status, 201);
        cr_assert_str_eq(oci_told(&r, "Docker-Content-Digest"), digest);
        response_close(&r);
        (void)snprintf(target, sizeof(target), "t%zu", i);
        r = oci_ask_text(store, "HEAD", at(target), NULL, NULL);
        cr_assert_str_eq(oci_told(&r, "Docker-Content-Digest"), digest);
        response_close(&r);
        expect_served(digest, IMAGE(""), IMAGE_MANIFEST_TYPE);
    }
    const char *digest = oci_digest("sha256", INDEX);
    cr_assert_eq(oci_ask_status(store, "PUT", at(digest), NULL, INDEX), 201);
    cr_assert_str_eq(store_tag(store, "ci/agent", 1), "t1");
    cr_assert_null(store_tag(store, "ci/agent", 2));
}

/* A body with another digest than the path says is refused, and the digest is told back. */
Test(oci_write, another_digest)
{
    expect_refused(at(ABSENT), SAYS(IMAGE_MANIFEST_TYPE), IMAGE(""), 400, "DIGEST_INVALID");
    expect_refused(at("sha512:" D64 D64), NULL, IMAGE(""), 400, "DIGEST_INVALID");
    expect_refused(at("sha256:baddigeststring"), NULL, IMAGE(""), 400, "DIGEST_INVALID");
    expect_refused(at("md5:d41d8cd98f00b204e9800998ecf8427e"), NULL, IMAGE(""), 400,
                   "DIGEST_INVALID");
    struct response r = oci_ask_text(store, "PUT", at(ABSENT), NULL, IMAGE(""));
    cr_assert_str_eq(oci_detail(&r, 0, "digest"), ABSENT);
    response_close(&r);
}

/* The type is the one in the document, or the one that is said, or what the document looks like. */
Test(oci_write, types)
{
    static const struct {
        const char *says;
        const char *body;
        const char *type;
    } cases[] = {
        {SAYS(IMAGE_MANIFEST_TYPE), IMAGE(""), IMAGE_MANIFEST_TYPE},
        {SAYS(IMAGE_MANIFEST_TYPE) "; charset=utf-8", IMAGE(""), IMAGE_MANIFEST_TYPE},
        {SAYS(DOCKER_MANIFEST_TYPE), IMAGE(""), DOCKER_MANIFEST_TYPE},
        {NULL, IMAGE(""), IMAGE_MANIFEST_TYPE},
        {NULL, TYPED(DOCKER_MANIFEST_TYPE), DOCKER_MANIFEST_TYPE},
        {SAYS(DOCKER_MANIFEST_TYPE) " ;a=b", TYPED(DOCKER_MANIFEST_TYPE), DOCKER_MANIFEST_TYPE},
        {NULL, INDEX, IMAGE_INDEX_TYPE},
        {SAYS(DOCKER_LIST_TYPE), INDEX, DOCKER_LIST_TYPE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_assert_eq(oci_ask_status(store, "PUT", at("x"), cases[i].says, cases[i].body), 201,
                     "%zu", i);
        expect_served("x", cases[i].body, cases[i].type);
    }
}

/* What is no manifest, or not the one that its head says, is MANIFEST_INVALID. */
Test(oci_write, no_manifests)
{
    static const struct {
        const char *says;
        const char *body;
    } cases[] = {
        {NULL, NULL},
        {NULL, "{"},
        {NULL, "[]"},
        {NULL, "{}"},
        {NULL, "{\"schemaVersion\":1}"},
        {NULL, IMAGE("") "x"},
        {NULL, "{\"schemaVersion\":2}"},
        {NULL, "{\"schemaVersion\":2,\"layers\":[]}"},
        {NULL, IMAGE(",\"manifests\":[]")},
        {NULL, IMAGE(",\"subject\":{\"digest\":\"x\",\"size\":1}")},
        {NULL, IMAGE(",\"subject\":1")},
        {NULL, TYPED("application/json")},
        {SAYS("application/json"), IMAGE("")},
        {SAYS(DOCKER_MANIFEST_TYPE), TYPED(IMAGE_MANIFEST_TYPE)},
        {SAYS(IMAGE_INDEX_TYPE), IMAGE("")},
        {SAYS(IMAGE_MANIFEST_TYPE), INDEX},
        {SAYS("application/vnd.docker.distribution.manifest.v1+prettyjws"), IMAGE("")},
        {SAYS("x/" D64 D64), IMAGE("")},
        {SAYS("/" D62 D64), IMAGE("")},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_refused(at("x"), cases[i].says, cases[i].body, 400, "MANIFEST_INVALID");
    }
    struct response r = oci_ask_text(store, "PUT", at("x"), SAYS("x/" D62 D64), IMAGE(""));
    cr_assert_not_null(strstr(r.small, "too long"), "by one byte: %s", r.small);
    response_close(&r);
}

/* A manifest of 4 MiB and more is taken, one of more than 8 MiB is not, told or found out. */
Test(oci_write, sizes)
{
    static const char *const rest = "\"}";
    static const char *const start = "{\"schemaVersion\":2,\"manifests\":[],\"x\":\"";
    for (size_t i = 0; i < 4; i++) {
        size_t size = OCI_MAX_MANIFEST + i / 2;
        char *body = malloc(size);
        cr_assert_not_null(body);
        memset(body, 'x', size);
        memcpy(body, start, strlen(start));
        memcpy(body + size - 2, rest, 2);
        struct oci_ask ask = {.method = "PUT", .target = at("x"), .body = body, .len = size};
        ask.chunked = i % 2 == 1;
        ask.piece = 65536;
        struct response r = oci_ask(store, &ask);
        cr_assert_eq(r.status, size > OCI_MAX_MANIFEST ? 413 : 201);
        cr_assert(r.status == 201 || strcmp(oci_code(&r, 0), "SIZE_INVALID") == 0);
        response_close(&r);
        free(body);
    }
}

/* end-7b: every tag that is named is made, and told. */
Test(oci_write, tag_parameters)
{
    char target[8192];
    (void)snprintf(target, sizeof(target), "%s?tag=1.2.3&x=y&tag=a%%5fb&tag=latest",
                   at(oci_digest("sha256", IMAGE(""))));
    struct response r = oci_ask_text(store, "PUT", target, NULL, IMAGE(""));
    cr_assert_eq(r.status, 201);
    cr_assert_str_eq(oci_told(&r, "OCI-Tag"), "1.2.3, a_b, latest");
    response_close(&r);
    expect_served("1.2.3", IMAGE(""), IMAGE_MANIFEST_TYPE);
    expect_served("a_b", IMAGE(""), IMAGE_MANIFEST_TYPE);
    expect_served("latest", IMAGE(""), IMAGE_MANIFEST_TYPE);
    cr_assert_eq(oci_ask_status(store, "PUT", MANIFESTS "own?tag=other", NULL, IMAGE("")), 201);
    cr_assert_null(store_manifest(store, "ci/agent", "other"), "only a push by digest names tags");
}

/* A push by digest with COUNT tags of LEN characters. */
static struct response push_tags(size_t count, size_t len, const char *digest, const char *body)
{
    char target[8192];
    size_t used = (size_t)snprintf(target, sizeof(target), "%s?", at(digest));
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(target + used, sizeof(target) - used, "&tag=%0*zu", (int)len, i);
    }
    return oci_ask_text(store, "PUT", target, NULL, body);
}

/* Ten tags of 128 characters are told whole beside the longest of all else; more than are told in
 * an answer are refused before anything is made. */
Test(oci_write, many_tags)
{
    static const struct {
        size_t count;
        size_t len;
        unsigned status;
    } cases[] = {{10, 128, 201}, {11, 128, 414}, {32, 38, 201}, {33, 2, 414}, {1, 129, 400}};
    static const char body[] = IMAGE(",\"subject\":{\"digest\":\"sha512:" D64 D64 "\",\"size\":1}");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct response r =
            push_tags(cases[i].count, cases[i].len, oci_digest("sha512", body), body);
        size_t told = cases[i].count * (cases[i].len + 2) - 2;
        cr_assert_eq(r.status, cases[i].status, "%zu", i);
        cr_assert_eq(strlen(oci_told(&r, "OCI-Tag")), r.status == 201 ? told : 0);
        cr_assert_eq(strlen(oci_told(&r, "OCI-Subject")), r.status == 201 ? 135 : 0);
        response_close(&r);
    }
    char target[1024];
    (void)snprintf(target, sizeof(target), "/v2/%0255d/manifests/%s?", 0,
                   oci_digest("sha512", body));
    for (size_t i = 0; i < 1; i++) {
        struct response r = oci_ask_text(store, "PUT", target, NULL, body);
        cr_assert_eq(r.status, 201);
        cr_assert_leq(r.head_len + OCI_MAX_TAG_BYTES + strlen("OCI-Tag: \r\n"), RESPONSE_HEAD);
        response_close(&r);
    }
}

/* Tags that are none are refused, in the path and as parameters. */
Test(oci_write, bad_tags)
{
    static const char *const bad[] = {"", ".x", "a/b", "%zz", "a%20b", "-"};
    char target[1024];
    expect_refused(at(".x"), NULL, IMAGE(""), 400, "TAG_INVALID");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(target, sizeof(target), "%s?tag=good&tag=%s",
                       at(oci_digest("sha256", IMAGE(""))), bad[i]);
        expect_refused(target, NULL, IMAGE(""), 400, "TAG_INVALID");
    }
}

/* A subject is told back, though it is not there: it may come later. */
Test(oci_write, subject)
{
    static const char *const bodies[] = {
        IMAGE(",\"subject\":{\"mediaType\":\"x\",\"digest\":\"" ABSENT "\",\"size\":1}"),
        "{\"schemaVersion\":2,\"manifests\":[],\"subject\":{\"digest\":\"" ABSENT "\",\"size\":1}}",
    };
    for (size_t i = 0; i < 4; i++) {
        const char *body = bodies[i / 2];
        struct oci_ask ask = {.method = "PUT", .body = body, .len = strlen(body)};
        ask.target = at(i % 2 == 0 ? "x" : oci_digest("sha256", body));
        struct response r = oci_ask(store, &ask);
        cr_assert_eq(r.status, 201);
        cr_assert_str_eq(oci_told(&r, "OCI-Subject"), ABSENT);
        response_close(&r);
    }
}

/* By default what a manifest names need not be there; a registry that asks for it tells each one
 * that is missing, and takes the manifest once all are there. */
Test(oci_write, sparse)
{
    char body[2048];
    char config[DIGEST_TEXT];
    struct oci_ask ask = {.method = "PUT", .target = at("x"), .body = body};
    (void)snprintf(config, sizeof(config), "%s", oci_digest("sha256", "{}"));
    ask.len = (size_t)snprintf(
        body, sizeof(body),
        "{\"schemaVersion\":2,\"config\":{\"digest\":\"%s\",\"size\":2},\"layers\":["
        "{\"digest\":\"%s\",\"size\":10},"
        "{\"mediaType\":\"application/vnd.oci.image.layer.nondistributable.v1.tar\",\"digest\":"
        "\"" ABSENT "\",\"size\":1,\"urls\":[\"http://x\"]}],"
        "\"subject\":{\"digest\":\"" ABSENT "\",\"size\":1}}",
        config, oci_digest("sha512", "0123456789"));
    ask.rules.refuse_sparse = true;
    struct response r = oci_ask(store, &ask);
    cr_assert_eq(r.status, 400);
    cr_assert_str_eq(oci_code(&r, 0), "MANIFEST_BLOB_UNKNOWN");
    cr_assert_str_eq(oci_detail(&r, 0, "digest"), config);
    cr_assert_str_eq(oci_detail(&r, 1, "digest"), oci_digest("sha512", "0123456789"));
    cr_assert_str_eq(oci_code(&r, 2), "");
    response_close(&r);
    for (size_t i = 0; i < 2; i++) {
        const char *text = i == 0 ? "{}" : "0123456789";
        char target[512];
        (void)snprintf(target, sizeof(target), "/v2/ci/agent/blobs/uploads/?digest=%s",
                       oci_digest(i == 0 ? "sha256" : "sha512", text));
        r = oci_ask(store, &ask);
        cr_assert_eq(r.status, 400);
        response_close(&r);
        cr_assert_eq(oci_ask_status(store, "POST", target, NULL, text), 201);
    }
    r = oci_ask(store, &ask);
    cr_assert_eq(r.status, 201);
    response_close(&r);
}

/* The children of an index are manifests of the repository. */
Test(oci_write, sparse_index)
{
    char body[512];
    struct oci_ask ask = {.method = "PUT", .target = at("x"), .body = body};
    ask.len = (size_t)snprintf(body, sizeof(body),
                               "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"%s\","
                               "\"size\":1}]}",
                               oci_digest("sha256", INDEX));
    for (size_t i = 0; i < 3; i++) {
        ask.rules.refuse_sparse = i > 0;
        struct response r = oci_ask(store, &ask);
        cr_assert_eq(r.status, i == 1 ? 400 : 201);
        response_close(&r);
        cr_assert(i != 1 || oci_ask_status(store, "PUT", at("child"), NULL, INDEX) == 201);
    }
}

/* A config is a blob: a manifest of the repository that has its digest does not do. */
Test(oci_write, sparse_config)
{
    struct oci_ask ask = {.method = "PUT", .target = at("x")};
    char body[512];
    cr_assert_eq(oci_ask_status(store, "PUT", at("other"), NULL, INDEX), 201);
    ask.len = (size_t)snprintf(body, sizeof(body),
                               "{\"schemaVersion\":2,\"config\":{\"digest\":\"%s\",\"size\":1},"
                               "\"layers\":[]}",
                               oci_digest("sha256", INDEX));
    ask.body = body;
    ask.rules.refuse_sparse = true;
    struct response r = oci_ask(store, &ask);
    cr_assert_eq(r.status, 400);
    cr_assert_str_eq(oci_code(&r, 0), "MANIFEST_BLOB_UNKNOWN");
    response_close(&r);
}

/* end-9: a tag goes alone, the manifest stays under its digest and its other tags. */
Test(oci_write, delete_tag)
{
    const char *digest = oci_digest("sha256", IMAGE(""));
    cr_assert_eq(oci_ask_status(store, "PUT", at("a"), NULL, IMAGE("")), 201);
    cr_assert_eq(oci_ask_status(store, "PUT", at("b"), NULL, IMAGE("")), 201);
    cr_assert_eq(oci_ask_status(store, "DELETE", at("a"), NULL, NULL), 202);
    cr_assert_eq(oci_ask_status(store, "GET", at("a"), NULL, NULL), 404);
    cr_assert_eq(oci_ask_status(store, "DELETE", at("a"), NULL, NULL), 404);
    expect_served("b", IMAGE(""), IMAGE_MANIFEST_TYPE);
    expect_served(digest, IMAGE(""), IMAGE_MANIFEST_TYPE);
}

/* A manifest goes with every tag that stands for it, and no other; the list of tags stays one. */
Test(oci_write, delete_manifest)
{
    const char *digest = oci_digest("sha256", IMAGE(""));
    cr_assert_eq(oci_ask_status(store, "PUT", at("a"), NULL, IMAGE("")), 201);
    cr_assert_eq(oci_ask_status(store, "PUT", at("b"), NULL, IMAGE("")), 201);
    cr_assert_eq(oci_ask_status(store, "PUT", at("c"), NULL, INDEX), 201);
    cr_assert_eq(oci_ask_status(store, "DELETE", at(digest), NULL, NULL), 202);
    cr_assert_eq(oci_ask_status(store, "GET", at("a"), NULL, NULL), 404);
    cr_assert_eq(oci_ask_status(store, "GET", at("b"), NULL, NULL), 404);
    cr_assert_eq(oci_ask_status(store, "GET", at(digest), NULL, NULL), 404);
    expect_served("c", INDEX, IMAGE_INDEX_TYPE);
    cr_assert_eq(oci_ask_status(store, "DELETE", at("c"), NULL, NULL), 202);
    struct response r = oci_ask_text(store, "GET", "/v2/ci/agent/tags/list", NULL, NULL);
    cr_assert_eq(r.status, 200);
    cr_assert_str_eq(r.small, "{\"name\":\"ci/agent\",\"tags\":[]}\n");
    response_close(&r);
}

/* end-10: a blob goes from its repository at once, and from no other. */
Test(oci_write, delete_blob)
{
    char target[2][512];
    const char *digest = oci_digest("sha256", "{}");
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(target[i], sizeof(target[i]), "/v2/%s/blobs/uploads/?digest=%s",
                       i == 0 ? "a" : "b", digest);
        cr_assert_eq(oci_ask_status(store, "POST", target[i], NULL, "{}"), 201);
        (void)snprintf(target[i], sizeof(target[i]), "/v2/%s/blobs/%s", i == 0 ? "a" : "b", digest);
    }
    cr_assert_eq(oci_ask_status(store, "DELETE", target[0], NULL, NULL), 202);
    cr_assert_eq(oci_ask_status(store, "GET", target[0], NULL, NULL), 404);
    cr_assert_eq(oci_ask_status(store, "GET", target[1], NULL, NULL), 200);
}

/* What is not there, or cannot be, is not deleted; the answer says which of them it is. */
Test(oci_write, delete_nothing)
{
    static const struct {
        const char *target;
        unsigned status;
        const char *code;
    } cases[] = {
        {"/v2/none/manifests/x", 404, "MANIFEST_UNKNOWN"},
        {"/v2/none/blobs/" ABSENT, 404, "BLOB_UNKNOWN"},
        {MANIFESTS "y", 404, "MANIFEST_UNKNOWN"},
        {MANIFESTS ".y", 404, "MANIFEST_UNKNOWN"},
        {MANIFESTS ABSENT, 404, "MANIFEST_UNKNOWN"},
        {MANIFESTS "sha256:x", 400, "DIGEST_INVALID"},
        {"/v2/ci/agent/blobs/" ABSENT, 404, "BLOB_UNKNOWN"},
        {"/v2/ci/agent/blobs/x", 400, "DIGEST_INVALID"},
        {"/v2/CI/blobs/" ABSENT, 400, "NAME_INVALID"},
    };
    cr_assert_eq(oci_ask_status(store, "PUT", at("x"), NULL, IMAGE("")), 201);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct response r = oci_ask_text(store, "DELETE", cases[i].target, NULL, NULL);
        cr_assert_eq(r.status, cases[i].status, "%s", cases[i].target);
        cr_assert_str_eq(oci_code(&r, 0), cases[i].code, "%s", cases[i].target);
        response_close(&r);
    }
    expect_served("x", IMAGE(""), IMAGE_MANIFEST_TYPE);
}

/* A read-only registry says what it still serves. */
Test(oci_write, read_only)
{
    static const char *const methods[] = {"PUT", "DELETE"};
    for (size_t i = 0; i < 2; i++) {
        struct oci_ask ask = {.method = methods[i], .target = at("x"), .body = INDEX, .len = 33};
        ask.rules.read_only = true;
        struct response r = oci_ask(store, &ask);
        cr_assert_eq(r.status, 405);
        cr_assert_str_eq(oci_code(&r, 0), "UNSUPPORTED");
        cr_assert_str_eq(oci_told(&r, "Allow"), "GET, HEAD");
        response_close(&r);
    }
}
