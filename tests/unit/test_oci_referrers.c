/* Unit tests of the referrers listing, of what a client that names types is served, and of the
 * namespace that is told back. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/content_source.h"
#include "tests/lib/oci_ask.h"

#define D64 "0123456789012345678901234567890123456789012345678901234567890123"
#define SUBJECT "sha256:" D64
#define REFERRERS "/v2/ci/agent/referrers/" SUBJECT
#define OF_SUBJECT ",\"subject\":{\"digest\":\"" SUBJECT "\",\"size\":1}"
#define CONFIG(type) "\"config\":{\"mediaType\":\"" type "\",\"digest\":\"" SUBJECT "\",\"size\":2}"
#define IMAGE(type, more)                                                                          \
    "{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_MANIFEST_TYPE                                    \
    "\"," CONFIG(type) ",\"layers\":[]" OF_SUBJECT more "}"
#define INDEX(more)                                                                                \
    "{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_INDEX_TYPE "\",\"manifests\":[]" OF_SUBJECT more \
    "}"

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

TestSuite(oci_referrers, .init = setup, .fini = teardown);

static void push(const char *reference, const char *text)
{
    char target[512];
    (void)snprintf(target, sizeof(target), "/v2/ci/agent/manifests/%s", reference);
    cr_assert_eq(oci_ask_status(store, "PUT", target, NULL, text), 201, "%s", text);
}

/* The answer to TARGET as an index; R is left to the caller. */
static json_t *ask_index(const char *target, struct response *r)
{
    *r = oci_ask_text(store, "GET", target, NULL, NULL);
    cr_assert_eq(r->status, 200);
    cr_assert_str_eq(oci_told(r, "Content-Type"), IMAGE_INDEX_TYPE);
    json_t *index = json_loadb(r->small, r->len, 0, NULL);
    cr_assert_eq(json_integer_value(json_object_get(index, "schemaVersion")), 2);
    cr_assert_str_eq(json_string_value(json_object_get(index, "mediaType")), IMAGE_INDEX_TYPE);
    cr_assert(json_is_array(json_object_get(index, "manifests")));
    return index;
}

/* The descriptor of TEXT in INDEX; NULL. */
static const json_t *find(const json_t *index, const char *text)
{
    const json_t *all = json_object_get(index, "manifests");
    const char *digest = oci_digest("sha256", text);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        if (strcmp(json_string_value(json_object_get(one, "digest")), digest) == 0) {
            return one;
        }
    }
    return NULL;
}

static size_t count_of(const char *target)
{
    struct response r;
    json_t *index = ask_index(target, &r);
    size_t count = json_array_size(json_object_get(index, "manifests"));
    json_decref(index);
    response_close(&r);
    return count;
}

/* Each referrer with its own type, size, artifact type and annotations: an image without an
 * artifact type has its config's, an index without one has none. */
Test(oci_referrers, descriptors)
{
    static const struct {
        const char *text;
        const char *type;
        const char *artifact; /* NULL: not said */
        const char *note;
    } cases[] = {
        {IMAGE("a/config", ""), IMAGE_MANIFEST_TYPE, "a/config", NULL},
        {IMAGE("a/config", ",\"artifactType\":\"a/b+c\",\"annotations\":{\"k\":\"v \\\"1\\\"\"}"),
         IMAGE_MANIFEST_TYPE, "a/b+c", "v \"1\""},
        {IMAGE("a/config", ",\"artifactType\":\"\",\"annotations\":{\"k\":\"2\"}"),
         IMAGE_MANIFEST_TYPE, "a/config", "2"},
        {INDEX(",\"annotations\":{\"k\":\"3\"}"), IMAGE_INDEX_TYPE, NULL, "3"},
        {INDEX(",\"artifactType\":\"an/index\""), IMAGE_INDEX_TYPE, "an/index", NULL},
    };
    size_t count = sizeof(cases) / sizeof(cases[0]);
    struct response r;
    push("other", "{\"schemaVersion\":2,\"manifests\":[]}");
    for (size_t i = 0; i < count; i++) {
        push(oci_digest("sha256", cases[i].text), cases[i].text);
    }
    json_t *index = ask_index(REFERRERS, &r);
    cr_assert_eq(json_array_size(json_object_get(index, "manifests")), count);
    cr_assert_str_eq(oci_told(&r, "OCI-Filters-Applied"), "");
    for (size_t i = 0; i < count; i++) {
        const json_t *one = find(index, cases[i].text);
        const char *artifact = json_string_value(json_object_get(one, "artifactType"));
        const json_t *notes = json_object_get(one, "annotations");
        cr_assert_not_null(one, "%zu", i);
        cr_assert_str_eq(json_string_value(json_object_get(one, "mediaType")), cases[i].type);
        cr_assert_eq((size_t)json_integer_value(json_object_get(one, "size")),
                     strlen(cases[i].text));
        cr_assert((artifact == NULL) == (cases[i].artifact == NULL), "%zu", i);
        cr_assert(artifact == NULL || strcmp(artifact, cases[i].artifact) == 0, "%zu", i);
        cr_assert((notes == NULL) == (cases[i].note == NULL), "%zu", i);
        cr_assert(notes == NULL ||
                  strcmp(json_string_value(json_object_get(notes, "k")), cases[i].note) == 0);
    }
    json_decref(index);
    response_close(&r);
}

/* A filter leaves those of its artifact type, and says that it did. */
Test(oci_referrers, filter)
{
    static const struct {
        const char *query;
        size_t count;
    } cases[] = {{"a%2Fconfig", 2}, {"a/config", 2}, {"a%2Fb%2Bc", 1}, {"none", 0}};
    char target[512];
    push("1", IMAGE("a/config", ""));
    push("2", IMAGE("a/config", ",\"x\":1"));
    push("3", IMAGE("a/config", ",\"artifactType\":\"a/b+c\""));
    push("4", INDEX(""));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(target, sizeof(target), REFERRERS "?artifactType=%s", cases[i].query);
        struct response r = oci_ask_text(store, "GET", target, NULL, NULL);
        cr_assert_str_eq(oci_told(&r, "OCI-Filters-Applied"), "artifactType");
        response_close(&r);
        cr_assert_eq(count_of(target), cases[i].count, "%s", target);
    }
}

/* Nothing refers: an empty index, never 404, in a repository that is not known as well, and for an
 * algorithm that is not; a digest that is none is 400. */
Test(oci_referrers, nothing)
{
    static const char *const bad[] = {"latest", "sha256:abc", "sha256:", "a:b:c", "%3A"};
    char target[512];
    cr_assert_eq(count_of(REFERRERS), 0);
    cr_assert_eq(count_of("/v2/none/referrers/sha512:" D64 D64), 0);
    cr_assert_eq(count_of("/v2/none/referrers/blake3:" D64), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(target, sizeof(target), "/v2/ci/agent/referrers/%s", bad[i]);
        struct response r = oci_ask_text(store, "GET", target, NULL, NULL);
        cr_assert_eq(r.status, 400, "%s", bad[i]);
        cr_assert_str_eq(oci_code(&r, 0), "DIGEST_INVALID");
        response_close(&r);
    }
    cr_assert_eq(oci_ask_status(store, "GET", REFERRERS "?n=x", NULL, NULL), 400);
    cr_assert_eq(oci_ask_status(store, "GET", REFERRERS "?artifactType=%zz", NULL, NULL), 400);
}

/* A referrer that is deleted, or pushed twice, is listed as often as it is there. */
Test(oci_referrers, deleted_and_pushed_again)
{
    char target[512];
    push("1", INDEX(""));
    push("2", INDEX(""));
    cr_assert_eq(count_of(REFERRERS), 1);
    (void)snprintf(target, sizeof(target), "/v2/ci/agent/manifests/%s",
                   oci_digest("sha256", INDEX("")));
    cr_assert_eq(oci_ask_status(store, "DELETE", target, NULL, NULL), 202);
    cr_assert_eq(count_of(REFERRERS), 0);
}

/* Follows the links from TARGET: how many referrers there are on how many pages. */
static size_t follow(const char *target, size_t *pages)
{
    char next[2048];
    size_t count = 0;
    (void)snprintf(next, sizeof(next), "%s", target);
    for (*pages = 0; next[0] != '\0'; (*pages)++) {
        struct response r = oci_ask_text(store, "GET", next, NULL, NULL);
        char link[2048];
        cr_assert_leq(r.len, 4u << 20);
        count += count_of(next);
        (void)snprintf(link, sizeof(link), "%s", oci_told(&r, "Link"));
        response_close(&r);
        next[0] = '\0';
        if (link[0] != '\0') {
            cr_assert_not_null(strstr(link, ">; rel=\"next\""));
            (void)snprintf(next, sizeof(next), "%.*s", (int)strcspn(link + 1, ">"), link + 1);
        }
    }
    return count;
}

/* Pages by number, with the filter kept from one to the next; no number asks for nothing. */
Test(oci_referrers, pages)
{
    char text[1024];
    size_t pages = 0;
    for (size_t i = 0; i < 5; i++) {
        (void)snprintf(text, sizeof(text), INDEX(",\"artifactType\":\"%s\",\"x\":%zu"),
                       i < 3 ? "a/b+c" : "other", i);
        push("x", text);
    }
    cr_assert_eq(follow(REFERRERS, &pages), 5);
    cr_assert_eq(pages, 1);
    cr_assert_eq(follow(REFERRERS "?n=2", &pages), 5);
    cr_assert_eq(pages, 3);
    cr_assert_eq(follow(REFERRERS "?n=2&artifactType=a%2Fb%2Bc", &pages), 3);
    cr_assert_eq(pages, 2);
    cr_assert_eq(follow(REFERRERS "?n=0", &pages), 0);
    cr_assert_eq(pages, 1);
}

/* A list that would be larger than 4 MiB comes in pages that are not. */
Test(oci_referrers, pages_by_size)
{
    size_t pages = 0;
    size_t size = 900000;
    char *text = malloc(size + 1024);
    char *filler = malloc(size + 1);
    cr_assert(text != NULL && filler != NULL);
    memset(filler, 'x', size);
    filler[size] = '\0';
    for (int i = 0; i < 9; i++) {
        (void)snprintf(text, size + 1024, INDEX(",\"x\":%d,\"annotations\":{\"k\":\"%s\"}"), i,
                       filler);
        push("x", text);
    }
    cr_assert_eq(follow(REFERRERS, &pages), 9);
    cr_assert_eq(pages, 3);
    free(text);
    free(filler);
}

/* A referrer that is larger than a page by itself is on one all the same. */
Test(oci_referrers, larger_than_a_page)
{
    size_t size = 5u << 20;
    char *text = malloc(size + 1024);
    cr_assert_not_null(text);
    (void)snprintf(text, size + 1024, INDEX(",\"annotations\":{\"k\":\"%0*d\"}"), (int)size, 0);
    push("x", text);
    cr_assert_eq(count_of(REFERRERS), 1);
    push("x", INDEX(""));
    cr_assert_eq(count_of(REFERRERS "?n=1"), 1);
    free(text);
}

/* ---- Accept -------------------------------------------------------------------------------- */

#define DOCKER_IMAGE                                                                               \
    "{\"schemaVersion\":2,\"mediaType\":\"" DOCKER_MANIFEST_TYPE                                   \
    "\"," CONFIG(DOCKER_CONFIG_TYPE) ",\"layers\":[]}"

/* An image of Docker's and a list of it as "image" and "list"; returns the list's text. */
static const char *push_list(const char *platform)
{
    static char text[1024];
    push("image", DOCKER_IMAGE);
    (void)snprintf(text, sizeof(text),
                   "{\"schemaVersion\":2,\"mediaType\":\"" DOCKER_LIST_TYPE
                   "\",\"manifests\":[{\"mediaType\":\"" DOCKER_MANIFEST_TYPE
                   "\",\"digest\":\"%s\",\"size\":%zu,\"platform\":{\"os\":\"linux\","
                   "\"architecture\":\"%s\"}}]}",
                   oci_digest("sha256", DOCKER_IMAGE), strlen(DOCKER_IMAGE), platform);
    push("list", text);
    return text;
}

/* Asserts that REFERENCE is served as TEXT, under its own digest and type. */
static void expect_text(const char *reference, const char *accept, const char *text,
                        const char *type)
{
    char target[512];
    (void)snprintf(target, sizeof(target), "/v2/ci/agent/manifests/%s", reference);
    struct response r = oci_ask_text(store, "GET", target, accept, NULL);
    cr_assert_eq(r.status, 200);
    cr_assert_str_eq(oci_told(&r, "Docker-Content-Digest"), oci_digest("sha256", text), "%s",
                     accept);
    cr_assert_str_eq(oci_told(&r, "Content-Type"), type);
    cr_assert_eq(memcmp(r.content->data, text, strlen(text)), 0);
    response_close(&r);
}

/* A manifest is served as it was pushed, whatever its client says it takes; but a client of a tag
 * that takes Docker's manifests and no list gets the one of the list for linux/amd64. */
Test(oci_referrers, accept)
{
    static const struct {
        const char *accept;
        bool child;
    } cases[] = {
        {NULL, false},
        {"Accept: */*", false},
        {"Accept: application/json", false},
        {"Accept: " DOCKER_LIST_TYPE, false},
        {"Accept: " DOCKER_MANIFEST_TYPE, true},
        {"Accept: " DOCKER_MANIFEST_TYPE "x", false},
        {"accept: text/plain\nAccept: a/b;q=1 ," DOCKER_MANIFEST_TYPE ";q=0.5", true},
        {"Accept: " DOCKER_MANIFEST_TYPE ", */*", false},
        {"Accept: " DOCKER_MANIFEST_TYPE ",application/*;q=0.1", false},
        {"Accept: " DOCKER_MANIFEST_TYPE "\nAccept: " DOCKER_LIST_TYPE, false},
    };
    const char *list = push_list("amd64");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_text("list", cases[i].accept, cases[i].child ? DOCKER_IMAGE : list,
                    cases[i].child ? DOCKER_MANIFEST_TYPE : DOCKER_LIST_TYPE);
        expect_text(oci_digest("sha256", list), cases[i].accept, list, DOCKER_LIST_TYPE);
        expect_text("image", cases[i].accept, DOCKER_IMAGE, DOCKER_MANIFEST_TYPE);
    }
    list = push_list("arm64");
    expect_text("list", "Accept: " DOCKER_MANIFEST_TYPE, list, DOCKER_LIST_TYPE);
}

/* ---- ns ------------------------------------------------------------------------------------ */

/* The namespace that a mirror's client asks for is told back, where it can be one. */
Test(oci_referrers, namespace)
{
    static const struct {
        const char *query;
        const char *told;
    } cases[] = {
        {"", ""},     {"?ns=docker.io", "docker.io"}, {"?ns=quay.io%3A5000", "quay.io:5000"},
        {"?ns=", ""}, {"?ns=a%0D%0AX:%20y", ""},      {"?ns=a/b", ""}};
    char target[512];
    push("1", INDEX(""));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(target, sizeof(target), "/v2/ci/agent/manifests/1%s", cases[i].query);
        struct response r = oci_ask_text(store, "GET", target, NULL, NULL);
        cr_assert_str_eq(oci_told(&r, "OCI-Namespace"), cases[i].told);
        response_close(&r);
    }
}
