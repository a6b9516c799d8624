/* Unit tests of blobs on their way in: sessions, chunks, whole POSTs, mounts, and what is refused.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/store_internal.h"
#include "tests/lib/oci_ask.h"

#define UPLOADS "/v2/ci/agent/blobs/uploads/"
#define TEXT "0123456789"

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

TestSuite(oci_upload, .init = setup, .fini = teardown);

/* A fresh upload's place. */
static const char *begin(void)
{
    static char place[512];
    struct response r = oci_ask_text(store, "POST", UPLOADS, NULL, NULL);
    cr_assert_eq(r.status, 202);
    (void)snprintf(place, sizeof(place), "%s", oci_told(&r, "Location"));
    cr_assert_eq(strncmp(place, UPLOADS, strlen(UPLOADS)), 0, "%s", place);
    response_close(&r);
    return place;
}

static const char *with_digest(const char *place, const char *digest)
{
    static char target[1024];
    (void)snprintf(target, sizeof(target), "%s?digest=%s", place, digest);
    return target;
}

/* Asserts that REPOSITORY has exactly TEXT under DIGEST. */
static void expect_blob(const char *repository, const char *digest, const char *text)
{
    const struct content *c = store_blob(store, repository, digest);
    cr_assert_not_null(c, "%s", digest);
    cr_assert_eq(c->size, strlen(text));
    cr_assert(c->size == 0 || memcmp(c->data, text, c->size) == 0);
}

/* Asserts the status of the upload at PLACE: what it has, and where to go on. */
static void expect_range(const char *place, const char *range)
{
    struct response r = oci_ask_text(store, "GET", place, NULL, NULL);
    cr_assert_eq(r.status, 204);
    cr_assert_str_eq(oci_told(&r, "Range"), range);
    cr_assert_str_eq(oci_told(&r, "Location"), place);
    cr_assert_str_eq(oci_told(&r, "Docker-Upload-UUID"), place + strlen(UPLOADS));
    cr_assert_str_eq(oci_told(&r, "Docker-Distribution-Api-Version"), "registry/2.0");
    response_close(&r);
}

/* end-4a, end-6: POST then PUT, with sha256 and with sha512, and of nothing at all. */
Test(oci_upload, post_then_put)
{
    static const char *const texts[] = {TEXT, "", "{}"};
    static const char *const algorithms[] = {"sha256", "sha512"};
    for (size_t i = 0; i < 6; i++) {
        const char *text = texts[i % 3];
        const char *digest = oci_digest(algorithms[i / 3], text);
        char location[512];
        (void)snprintf(location, sizeof(location), "/v2/ci/agent/blobs/%s", digest);
        struct response r = oci_ask_text(store, "PUT", with_digest(begin(), digest), NULL, text);
        cr_assert_eq(r.status, 201);
        cr_assert_str_eq(oci_told(&r, "Location"), location);
        cr_assert_str_eq(oci_told(&r, "Docker-Content-Digest"), digest);
        cr_assert_eq(r.len, 0);
        response_close(&r);
        expect_blob("ci/agent", digest, text);
        cr_assert_eq(oci_ask_status(store, "GET", location, NULL, NULL), 200);
    }
}

/* end-5: chunks in order, the last one with the PUT; each answer says what has come so far. */
Test(oci_upload, chunks)
{
    const char *place = begin();
    const char *digest = oci_digest("sha256", TEXT);
    expect_range(place, "0-0");
    struct response r = oci_ask_text(store, "PATCH", place, "Content-Range: 0-3", "0123");
    cr_assert_eq(r.status, 202);
    cr_assert_str_eq(oci_told(&r, "Range"), "0-3");
    cr_assert_str_eq(oci_told(&r, "Location"), place);
    response_close(&r);
    expect_range(place, "0-3");
    cr_assert_eq(oci_ask_status(store, "PATCH", place, "Content-Range: 4-4", "4"), 202);
    expect_range(place, "0-4");
    cr_assert_eq(
        oci_ask_status(store, "PUT", with_digest(place, digest), "Content-Range: 5-9", "56789"),
        201);
    expect_blob("ci/agent", digest, TEXT);
    cr_assert_eq(oci_ask_status(store, "GET", place, NULL, NULL), 404, "the session is closed");
}

/* A PATCH without Content-Range adds what comes, however long it is and in whatever pieces. */
Test(oci_upload, streamed)
{
    const char *place = begin();
    const char *digest = oci_digest("sha512", TEXT TEXT TEXT);
    struct oci_ask ask = {.method = "PATCH", .target = place, .body = TEXT, .len = 10};
    ask.chunked = true;
    ask.piece = 3;
    for (size_t i = 0; i < 2; i++) {
        struct response r = oci_ask(store, &ask);
        cr_assert_eq(r.status, 202);
        response_close(&r);
    }
    expect_range(place, "0-19");
    ask.headers = "Content-Range: 20-29";
    struct response r = oci_ask(store, &ask);
    cr_assert_eq(r.status, 202, "where it goes to is said, its length is not");
    response_close(&r);
    cr_assert_eq(oci_ask_status(store, "PUT", with_digest(place, digest), NULL, NULL), 201);
    expect_blob("ci/agent", digest, TEXT TEXT TEXT);
}

/* A chunk that does not go on where the upload ends is 416, says where to go on, and adds nothing;
 * so is a Content-Range that is none. */
Test(oci_upload, out_of_order)
{
    static const char *const ranges[] = {"5-9",
                                         "0-3",
                                         "3-7",
                                         "4-3",
                                         "4",
                                         "bytes 4-7",
                                         "4-7/10",
                                         "-7",
                                         "4-",
                                         "",
                                         "a-b",
                                         "4-7,8-9",
                                         "4-18446744073709551616",
                                         "-4-7"};
    const char *place = begin();
    char header[128];
    cr_assert_eq(oci_ask_status(store, "PATCH", place, NULL, "0123"), 202);
    for (size_t i = 0; i < 2 * sizeof(ranges) / sizeof(ranges[0]); i++) {
        bool put = i % 2 == 1;
        const char *digest = oci_digest("sha256", TEXT);
        (void)snprintf(header, sizeof(header), "Content-Range:%s", ranges[i / 2]);
        struct response r = oci_ask_text(store, put ? "PUT" : "PATCH",
                                         put ? with_digest(place, digest) : place, header, "4567");
        cr_assert_eq(r.status, 416, "%s", header);
        cr_assert_str_eq(oci_code(&r, 0), "BLOB_UPLOAD_INVALID");
        cr_assert_str_eq(oci_told(&r, "Range"), "0-3");
        cr_assert_str_eq(oci_told(&r, "Location"), place);
        response_close(&r);
        expect_range(place, "0-3");
    }
    cr_assert_eq(oci_ask_status(store, "PATCH", begin(), "Content-Range: 1-4", "1234"), 416);
}

/* The largest numbers are numbers, but a range that no number can count is none. */
Test(oci_upload, largest_ranges)
{
    static const struct {
        const char *header;
        unsigned status;
    } cases[] = {{"Content-Range: 0-18446744073709551613", 400},
                 {"Content-Range: 0-18446744073709551614", 416},
                 {"Content-Range: 0-18446744073709551615", 416},
                 {"Content-Range: 18446744073709551615-18446744073709551615", 416}};
    const char *place = begin();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned status = oci_ask_status(store, "PATCH", place, cases[i].header, TEXT);
        cr_assert_eq(status, cases[i].status, "%s", cases[i].header);
        expect_range(place, "0-0");
    }
}

/* A body that is not as long as its Content-Range says is refused whole. */
Test(oci_upload, length_that_lies)
{
    const char *place = begin();
    const char *digest = oci_digest("sha256", TEXT);
    struct oci_ask ask = {.method = "PATCH", .target = place, .headers = "Content-Range: 0-9"};
    ask.body = TEXT TEXT;
    for (size_t i = 0; i < 6; i++) {
        static const size_t len[] = {9, 11, 0};
        ask.len = len[i / 2];
        ask.chunked = i % 2 == 1;
        struct response r = oci_ask(store, &ask);
        cr_assert_eq(r.status, 400, "%zu", i);
        cr_assert_str_eq(oci_code(&r, 0), "SIZE_INVALID");
        response_close(&r);
        expect_range(place, "0-0");
    }
    cr_assert_eq(
        oci_ask_status(store, "PUT", with_digest(place, digest), "Content-Range: 0-9", "012345678"),
        400);
    expect_range(place, "0-0");
}

/* What has another digest than was said is not kept, by whatever way it came. */
Test(oci_upload, another_digest)
{
    for (size_t i = 0; i < 4; i++) {
        const char *digest = oci_digest(i < 2 ? "sha256" : "sha512", "another text");
        const char *place = i % 2 == 0 ? UPLOADS : begin();
        struct response r = oci_ask_text(store, i % 2 == 0 ? "POST" : "PUT",
                                         with_digest(place, digest), NULL, TEXT);
        cr_assert_eq(r.status, 400);
        cr_assert_str_eq(oci_code(&r, 0), "DIGEST_INVALID");
        response_close(&r);
        cr_assert_null(store_blob_anywhere(store, digest));
        cr_assert_null(store_blob_anywhere(store, oci_digest("sha256", TEXT)));
    }
}

/* A digest that is malformed, unknown or not said at all is 400, before a byte is taken. */
Test(oci_upload, bad_digests)
{
    static const char *const puts[] = {"",
                                       "?digest",
                                       "?digest=",
                                       "?digest=sha256:abc",
                                       "?digest=md5:d41d8cd98f00b204e9800998ecf8427e",
                                       "?digest=%zz",
                                       "?other=1"};
    static const char *const posts[] = {"?digest=",
                                        "?digest=sha256:abc",
                                        "?digest=%zz",
                                        "?digest-algorithm=md5",
                                        "?digest-algorithm=%",
                                        "?mount=sha256:abc",
                                        "?mount=%&from=a"};
    const char *place = begin();
    char target[512];
    for (size_t i = 0; i < sizeof(puts) / sizeof(puts[0]); i++) {
        (void)snprintf(target, sizeof(target), "%s%s", place, puts[i]);
        struct response r = oci_ask_text(store, "PUT", target, NULL, TEXT);
        cr_assert_eq(r.status, 400, "%s", target);
        cr_assert_str_eq(oci_code(&r, 0), "DIGEST_INVALID");
        response_close(&r);
    }
    expect_range(place, "0-0");
    for (size_t i = 0; i < sizeof(posts) / sizeof(posts[0]); i++) {
        (void)snprintf(target, sizeof(target), UPLOADS "%s", posts[i]);
        struct response r = oci_ask_text(store, "POST", target, NULL, NULL);
        cr_assert_eq(r.status, 400, "%s", target);
        cr_assert_str_eq(oci_code(&r, 0), "DIGEST_INVALID");
        response_close(&r);
    }
}

/* end-4b: one POST with the whole blob, also an empty one; it leaves no session behind. */
Test(oci_upload, single_post)
{
    static const char *const texts[] = {TEXT, ""};
    for (size_t i = 0; i < 4; i++) {
        const char *digest = oci_digest(i < 2 ? "sha256" : "sha512", texts[i % 2]);
        struct oci_ask ask = {.method = "POST", .target = with_digest(UPLOADS, digest)};
        ask.body = texts[i % 2];
        ask.len = strlen(texts[i % 2]);
        ask.chunked = true;
        struct response r = oci_ask(store, &ask);
        cr_assert_eq(r.status, 201);
        cr_assert_str_eq(oci_told(&r, "Docker-Content-Digest"), digest);
        cr_assert_str_eq(oci_told(&r, "Docker-Upload-UUID"), "");
        response_close(&r);
        expect_blob("ci/agent", digest, texts[i % 2]);
    }
}

/* end-4c: a session for an algorithm that is known; the digest at the end decides all the same. */
Test(oci_upload, digest_algorithm)
{
    struct response r = oci_ask_text(store, "POST", UPLOADS "?digest-algorithm=sha512", NULL, NULL);
    char place[512];
    cr_assert_eq(r.status, 202);
    (void)snprintf(place, sizeof(place), "%s", oci_told(&r, "Location"));
    response_close(&r);
    const char *digest = oci_digest("sha256", TEXT);
    cr_assert_eq(oci_ask_status(store, "PUT", with_digest(place, digest), NULL, TEXT), 201);
    expect_blob("ci/agent", digest, TEXT);
}

/* end-11: a blob of another repository is mounted, from where it is said or wherever it is; where
 * it is not, a session begins. */
Test(oci_upload, mounts)
{
    char target[512];
    const char *digest = oci_digest("sha256", TEXT);
    static const struct {
        const char *repository;
        const char *from;
        unsigned status;
    } cases[] = {
        {"a/b", "&from=ci/agent", 201}, {"c", "", 201},          {"d", "&from=ci%2Fagent", 201},
        {"e", "&from=none", 202},       {"f", "&from=%zz", 202}, {"g", "&from=", 202},
        {"ci/agent", "&from=c", 201},
    };
    cr_assert_eq(oci_ask_status(store, "POST", with_digest(UPLOADS, digest), NULL, TEXT), 201);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(target, sizeof(target), "/v2/%s/blobs/uploads/?mount=%s%s",
                       cases[i].repository, digest, cases[i].from);
        struct response r = oci_ask_text(store, "POST", target, NULL, NULL);
        cr_assert_eq(r.status, cases[i].status, "%s", target);
        cr_assert_eq(store_blob(store, cases[i].repository, digest) != NULL, r.status == 201);
        (void)snprintf(target, sizeof(target), "/v2/%s/blobs/%s", cases[i].repository, digest);
        cr_assert_eq(strcmp(oci_told(&r, "Location"), target) == 0, r.status == 201);
        response_close(&r);
    }
    (void)snprintf(target, sizeof(target), UPLOADS "?mount=%s&from=c", oci_digest("sha512", TEXT));
    cr_assert_eq(oci_ask_status(store, "POST", target, NULL, NULL), 202, "not there");
}

/* A POST that would mount what is not there, but brings the blob with it, keeps that. */
Test(oci_upload, mount_with_the_blob_at_hand)
{
    char target[512];
    const char *digest = oci_digest("sha256", TEXT);
    (void)snprintf(target, sizeof(target), UPLOADS "?mount=%s&from=c&digest=%s", digest, digest);
    cr_assert_eq(oci_ask_status(store, "POST", target, NULL, TEXT), 201);
    expect_blob("ci/agent", digest, TEXT);
}

/* end-14: a session that is cancelled is gone, for every operation. */
Test(oci_upload, cancel)
{
    static const char *const methods[] = {"GET", "HEAD", "PATCH", "PUT", "DELETE"};
    const char *place = begin();
    cr_assert_eq(oci_ask_status(store, "PATCH", place, NULL, TEXT), 202);
    cr_assert_eq(oci_ask_status(store, "DELETE", place, NULL, NULL), 204);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        struct response r = oci_ask_text(store, methods[i], place, NULL, NULL);
        cr_assert_eq(r.status, 404, "%s", methods[i]);
        cr_assert_str_eq(oci_code(&r, 0), "BLOB_UPLOAD_UNKNOWN");
        response_close(&r);
    }
}

/* An upload belongs to its repository; another one does not know it. */
Test(oci_upload, of_one_repository)
{
    char target[512];
    (void)snprintf(target, sizeof(target), "/v2/other/blobs/uploads/%s", begin() + strlen(UPLOADS));
    cr_assert_eq(oci_ask_status(store, "PATCH", target, NULL, TEXT), 404);
    cr_assert_not(store_has_repository(store, "other"));
    cr_assert_not(store_has_repository(store, "ci/agent"), "until something is kept");
}

/* Two requests cannot write to one upload at a time: the second is told so, also if it would cancel
 * it. */
Test(oci_upload, held_by_another)
{
    const char *place = begin();
    const char *digest = oci_digest("sha256", TEXT);
    struct upload *u = store_upload(store, "ci/agent", place + strlen(UPLOADS));
    cr_assert(upload_hold(u));
    cr_assert_eq(oci_ask_status(store, "PATCH", place, NULL, TEXT), 409);
    cr_assert_eq(oci_ask_status(store, "PUT", with_digest(place, digest), NULL, TEXT), 409);
    cr_assert_eq(oci_ask_status(store, "DELETE", place, NULL, NULL), 409);
    upload_release(u, false);
    cr_assert_eq(oci_ask_status(store, "PUT", with_digest(place, digest), NULL, TEXT), 201);
}

/* A read-only registry takes none of it, and begins no session. */
Test(oci_upload, read_only)
{
    static const char *const targets[] = {"POST " UPLOADS, "PATCH " UPLOADS "x", "PUT " UPLOADS "x",
                                          "DELETE " UPLOADS "x"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        char method[8];
        size_t len = strcspn(targets[i], " ");
        memcpy(method, targets[i], len);
        method[len] = '\0';
        struct oci_ask ask = {.method = method, .target = targets[i] + len + 1, .body = TEXT};
        ask.len = 10;
        ask.rules.read_only = true;
        struct response r = oci_ask(store, &ask);
        cr_assert_eq(r.status, 405, "%s", targets[i]);
        cr_assert_str_eq(oci_code(&r, 0), "UNSUPPORTED");
        cr_assert_not_null(strstr(r.head, "Allow: \r\n"));
        response_close(&r);
    }
}

/* A piece that finds no room ends its request, not the upload: the next one goes on from before. */
Test(oci_upload, free_after_no_room)
{
    const char *place = begin();
    struct oci_ask ask = {.method = "PATCH", .target = place, .body = TEXT};
    cr_assert_eq(oci_ask_status(store, "PATCH", place, NULL, "01"), 202);
    /* More than memory may hold: it is refused by its length, and not looked at. */
    ask.len = (size_t)STORE_MAX_BLOB_MEMORY;
    struct response r = oci_ask(store, &ask);
    cr_assert_eq(r.status, 413);
    cr_assert_str_eq(oci_code(&r, 0), "SIZE_INVALID");
    response_close(&r);
    expect_range(place, "0-1");
    cr_assert_eq(oci_ask_status(store, "PATCH", place, NULL, "2"), 202);
    cr_assert_eq(oci_ask_status(store, "DELETE", place, NULL, NULL), 204);
}

/* An upload is free as soon as a piece finds no room, though its request has not ended. */
Test(oci_upload, free_before_the_request_ends)
{
    const char *place = begin();
    struct http_request request = {.method = "PATCH", .target = place, .path = place, .minor = 1};
    const struct oci_rules rules = {.read_only = false};
    struct oci_route route;
    struct oci_write w;
    oci_route(&request, &route);
    cr_assert_eq(oci_write_begin(store, &rules, &request, &route, &w), 0);
    oci_write_body(&w, TEXT, (size_t)STORE_MAX_BLOB_MEMORY + 1);
    cr_assert_eq(oci_ask_status(store, "PATCH", place, NULL, TEXT), 202);
    oci_write_close(store, &w, false);
    expect_range(place, "0-9");
}

/* A POST whose blob finds no room leaves no session that nobody knows of. */
Test(oci_upload, no_session_after_no_room)
{
    struct oci_ask ask = {.method = "POST", .body = TEXT, .chunked = true};
    ask.target = with_digest(UPLOADS, oci_digest("sha256", TEXT));
    ask.len = (size_t)STORE_MAX_BLOB_MEMORY + 1;
    struct response r = oci_ask(store, &ask);
    cr_assert_eq(r.status, 413);
    response_close(&r);
    cr_assert_eq(store->upload_count, 0);
}
