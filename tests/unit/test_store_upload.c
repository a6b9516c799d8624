/* Unit tests of uploads and jobs of a store in memory. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/store_internal.h"
#include "tests/lib/store_fixture.h"

#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_512                                                                                    \
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3" \
    "c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static struct store *s;
static struct err e;

static void setup(void)
{
    s = store_new(&e);
    cr_assert_not_null(s);
}

static void teardown(void)
{
    store_free(s);
}

TestSuite(store_upload, .init = setup, .fini = teardown);

static struct upload *begin(const char *algorithm)
{
    struct upload *u = store_upload_begin(s, "a/b", algorithm, &e);
    cr_assert_not_null(u, "%s", e.text);
    return u;
}

static void add(struct upload *u, const char *text)
{
    cr_assert_eq(upload_add(u, text, strlen(text), &e), 0, "%s", e.text);
}

/* An upload has an id of its own, is found under it in its repository only, and makes none. */
Test(store_upload, found_by_id)
{
    struct upload *u = begin(NULL);
    struct upload *v = begin(NULL);
    cr_assert_eq(strlen(upload_id(u)), UPLOAD_ID - 1);
    cr_assert_str_neq(upload_id(u), upload_id(v));
    cr_assert_eq(store_upload(s, "a/b", upload_id(u)), u);
    cr_assert_eq(store_upload(s, "a/b", upload_id(v)), v);
    cr_assert_null(store_upload(s, "a", upload_id(u)));
    cr_assert_null(store_upload(s, "a/b", "0123"));
    cr_assert(!store_has_repository(s, "a/b"));
    char id[UPLOAD_ID];
    memcpy(id, upload_id(u), sizeof(id));
    store_upload_cancel(s, u);
    cr_assert_null(store_upload(s, "a/b", id));
    cr_assert_eq(store_upload(s, "a/b", upload_id(v)), v);
}

/* What came in pieces over several requests becomes a blob, with the digest that was asked for,
 * whether it was announced or not. */
Test(store_upload, becomes_a_blob)
{
    static const struct {
        const char *announced;
        const char *digest;
    } cases[] = {{NULL, ABC},     {"sha256", ABC}, {"sha512", ABC_512},
                 {"sha512", ABC}, {NULL, ABC_512}, {"sha256", ABC_512}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct upload *u = begin(cases[i].announced);
        cr_assert(upload_hold(u));
        add(u, "a");
        upload_release(u, true);
        cr_assert(upload_hold(u));
        add(u, "b");
        add(u, "c");
        cr_assert_eq(upload_size(u), 3);
        struct store_job *j = store_job_blob(s, u, cases[i].digest, &e);
        cr_assert_not_null(j);
        cr_assert(!store_job_slow(j), "small work is done at once");
        cr_assert_eq(store_do(j), 0);
        struct content *c = store_blob(s, "a/b", cases[i].digest);
        cr_assert(store_is(c, "abc"));
        cr_assert_str_eq(c->digest, cases[i].digest);
        cr_assert_eq(store_delete_blob(s, "a/b", cases[i].digest, &e), 1);
    }
}

/* With another digest nothing is kept: no blob, no repository, no upload. */
Test(store_upload, another_digest)
{
    struct upload *u = begin(NULL);
    char id[UPLOAD_ID];
    memcpy(id, upload_id(u), sizeof(id));
    cr_assert(upload_hold(u));
    add(u, "abd");
    cr_assert_eq(store_do(store_job_blob(s, u, ABC, &e)), ERR_INVALID);
    cr_assert_null(store_blob(s, "a/b", ABC));
    cr_assert_null(store_upload(s, "a/b", id));
    cr_assert(!store_has_repository(s, "a/b"));
    u = begin(NULL);
    cr_assert(upload_hold(u));
    cr_assert_null(store_job_blob(s, u, "sha256:abc", &e), "that is no digest");
    cr_assert_eq(e.code, ERR_INVALID);
}

/* The empty blob is one, too. */
Test(store_upload, empty)
{
    cr_assert_eq(store_push_text(s, "a/b", ""), 0);
    char digest[DIGEST_TEXT];
    store_digest("", digest);
    cr_assert_eq(store_blob(s, "a/b", digest)->size, 0);
}

/* A request that is given up leaves the upload as it found it; so the next one goes on from there.
 */
Test(store_upload, rewinds)
{
    struct upload *u = begin(NULL);
    cr_assert(upload_hold(u));
    add(u, "x");
    upload_release(u, false);
    cr_assert_eq(upload_size(u), 0);
    cr_assert(upload_hold(u));
    add(u, "ab");
    upload_release(u, true);
    cr_assert(upload_hold(u));
    add(u, "x");
    add(u, "y");
    upload_release(u, false);
    cr_assert_eq(upload_size(u), 2);
    cr_assert(upload_hold(u));
    upload_release(u, false);
    cr_assert(upload_hold(u));
    add(u, "c");
    cr_assert_eq(store_do(store_job_blob(s, u, ABC, &e)), 0);
    cr_assert(store_is(store_blob(s, "a/b", ABC), "abc"));
}

/* What was given up takes no memory any more, and what was there before it is still there. */
Test(store_upload, rewound_gives_memory_back)
{
    static char piece[4 << 20];
    struct upload *u = begin(NULL);
    cr_assert(upload_hold(u));
    add(u, "ab");
    upload_release(u, true);
    cr_assert(upload_hold(u));
    cr_assert_eq(upload_add(u, piece, sizeof(piece), &e), 0);
    upload_release(u, false);
    cr_assert_leq(u->cap, (size_t)64 << 10);
    cr_assert(upload_hold(u));
    add(u, "c");
    cr_assert_eq(store_do(store_job_blob(s, u, ABC, &e)), 0);
}

/* One request at a time. */
Test(store_upload, held_once)
{
    struct upload *u = begin(NULL);
    cr_assert(upload_hold(u));
    cr_assert(!upload_hold(u));
    upload_release(u, true);
    cr_assert(upload_hold(u));
}

/* Past the maximum the upload that was left alone the longest goes; those that are held never do,
 * and where all are, no other begins. */
Test(store_upload, forgets_the_oldest)
{
    struct upload *all[STORE_MAX_UPLOADS];
    for (size_t i = 0; i < STORE_MAX_UPLOADS; i++) {
        all[i] = begin(NULL);
    }
    char second[UPLOAD_ID];
    memcpy(second, upload_id(all[1]), sizeof(second));
    cr_assert(upload_hold(all[0]));
    struct upload *one_more = begin(NULL);
    cr_assert_null(store_upload(s, "a/b", second));
    cr_assert_eq(store_upload(s, "a/b", upload_id(all[0])), all[0]);
    cr_assert_eq(store_upload(s, "a/b", upload_id(all[2])), all[2]);
    cr_assert(upload_hold(one_more));
    for (size_t i = 2; i < STORE_MAX_UPLOADS; i++) {
        cr_assert(upload_hold(all[i]));
    }
    cr_assert_null(store_upload_begin(s, "a/b", NULL, &e));
    cr_assert_eq(e.code, ERR_LIMIT);
}

/* In memory no more is taken than the maximum, of uploads and blobs together; what was refused is
 * forgotten, and what is deleted makes room. */
Test(store_upload, maximum)
{
    static char piece[1 << 20];
    struct upload *u = begin(NULL);
    struct upload *v = begin(NULL);
    cr_assert(upload_hold(u));
    cr_assert(upload_hold(v));
    add(u, "abc");
    /* What it holds is not touched, so that the test does not need it: the size alone counts. */
    size_t rest = (size_t)STORE_MAX_BLOB_MEMORY - 3 + 1;
    cr_assert_eq(upload_add(v, piece, rest, &e), -1);
    cr_assert_eq(e.code, ERR_LIMIT);
    cr_assert_eq(upload_size(v), 0);
    cr_assert_eq(upload_add(v, piece, 1, &e), -1, "until it is let go of");
    upload_release(v, false);
    cr_assert(upload_hold(v));
    add(v, "d");
    cr_assert_eq(store_do(store_job_blob(s, u, ABC, &e)), 0);
    cr_assert_eq(upload_add(v, piece, rest, &e), -1, "a blob that was pushed counts as well");
}

/* A manifest of SIZE bytes, which are not there: the size alone counts. */
static struct content *manifest_of(uint64_t size, char digit)
{
    char digest[DIGEST_TEXT] = ABC;
    digest[strlen("sha256:")] = digit;
    struct content *c = content_verified_take(NULL, -1, size, digest, STORE_MANIFEST_TYPE, &e);
    cr_assert_not_null(c);
    return c;
}

static int push_manifest_of(const char *repository, uint64_t size, char digit)
{
    struct err why = {0};
    struct content *c = manifest_of(size, digit);
    struct store_job *j = store_job_manifest(s, repository, c, NULL, 0, &why);
    content_unref(c);
    return j == NULL ? (int)why.code : store_do(j);
}

/* Manifests count as well, each once, in however many repositories; and one that does not fit is
 * refused for as long as there is no room. */
Test(store_upload, manifests_in_the_maximum)
{
    const uint64_t half = STORE_MAX_BLOB_MEMORY / 2;
    char first[DIGEST_TEXT] = ABC;
    first[strlen("sha256:")] = '0';
    cr_assert_eq(push_manifest_of("a", half, '0'), 0);
    cr_assert_eq(push_manifest_of("b", half, '0'), 0);
    cr_assert_eq(store_manifest(s, "a", first), store_manifest(s, "b", first));
    cr_assert_eq(push_manifest_of("a", half, '1'), 0);
    cr_assert_eq(push_manifest_of("a", 1, '2'), ERR_LIMIT);
    struct upload *u = begin(NULL);
    cr_assert(upload_hold(u));
    cr_assert_eq(upload_add(u, "a", 1, &e), -1);
    cr_assert_eq(store_delete_manifest(s, "a", first, &e), 1);
    cr_assert_eq(push_manifest_of("a", 1, '2'), ERR_LIMIT, "the other repository has it still");
    cr_assert_eq(store_delete_manifest(s, "b", first, &e), 1);
    cr_assert_eq(push_manifest_of("a", 1, '2'), 0);
}

/* Where memory runs out, uploads that were left alone go, the oldest first, and no more of them
 * than it takes. */
Test(store_upload, forgotten_for_room)
{
    struct upload *u[3];
    char id[3][UPLOAD_ID];
    for (size_t i = 0; i < 3; i++) {
        u[i] = begin(NULL);
        cr_assert(upload_hold(u[i]));
        add(u[i], "abc");
        upload_release(u[i], i != 0);
        memcpy(id[i], upload_id(u[i]), sizeof(id[i]));
    }
    cr_assert(upload_hold(u[0]));
    add(u[0], "abc");
    cr_assert_eq(push_manifest_of("a", STORE_MAX_BLOB_MEMORY - 6, '0'), 0);
    cr_assert_null(store_upload(s, "a/b", id[1]));
    cr_assert_eq(store_upload(s, "a/b", id[2]), u[2]);
    cr_assert_eq(push_manifest_of("a", 1, '1'), 0);
    cr_assert_null(store_upload(s, "a/b", id[2]));
    cr_assert_eq(push_manifest_of("a", 3, '2'), ERR_LIMIT, "one that is held stays");
    cr_assert_eq(store_upload(s, "a/b", id[0]), u[0]);
}

/* Content as large as all the room has it all, once what was left alone is forgotten. */
Test(store_upload, all_the_room)
{
    struct upload *u = begin(NULL);
    char id[UPLOAD_ID];
    memcpy(id, upload_id(u), sizeof(id));
    cr_assert(upload_hold(u));
    add(u, "abc");
    upload_release(u, true);
    cr_assert_eq(push_manifest_of("a", STORE_MAX_BLOB_MEMORY + 1, '0'), ERR_LIMIT);
    cr_assert_eq(store_upload(s, "a/b", id), u, "in vain");
    cr_assert_eq(push_manifest_of("a", STORE_MAX_BLOB_MEMORY, '0'), 0);
    cr_assert_null(store_upload(s, "a/b", id));
}

/* What the harness puts there does not count, and neither does a mount of it. */
Test(store_upload, mounts_of_the_harness)
{
    struct content *c = manifest_of(STORE_MAX_BLOB_MEMORY, '1');
    cr_assert_eq(store_put_blob(s, "a", c, &e), 0);
    cr_assert_eq(store_do(store_job_mount(s, "b", c, &e)), 0);
    content_unref(c);
    cr_assert_eq(push_manifest_of("a", STORE_MAX_BLOB_MEMORY, '0'), 0);
}

/* What a job works on counts until it is done; what counts then is what is kept, whatever another
 * push claimed that the digest is of. */
Test(store_upload, counted_while_it_is_kept)
{
    struct upload *u = begin(NULL);
    cr_assert(upload_hold(u));
    add(u, "other");
    struct store_job *wrong = store_job_blob(s, u, ABC, &e);
    cr_assert_eq(push_manifest_of("a", STORE_MAX_BLOB_MEMORY - 4, '0'), ERR_LIMIT);
    cr_assert_eq(store_push_text(s, "a", "abc"), 0);
    cr_assert_eq(store_do(wrong), ERR_INVALID);
    cr_assert_eq(push_manifest_of("a", STORE_MAX_BLOB_MEMORY - 2, '0'), ERR_LIMIT);
    cr_assert_eq(push_manifest_of("a", STORE_MAX_BLOB_MEMORY - 3, '0'), 0);
}

/* Hashing again what is large is work for another thread. */
Test(store_upload, slow_where_hashed_again)
{
    static char piece[1 << 20];
    struct upload *u = begin("sha256");
    cr_assert(upload_hold(u));
    cr_assert_eq(upload_add(u, piece, sizeof(piece), &e), 0);
    add(u, "x");
    struct store_job *j = store_job_blob(s, u, ABC_512, &e);
    cr_assert(store_job_slow(j));
    cr_assert_eq(store_do(j), ERR_INVALID);
    u = begin("sha512");
    cr_assert(upload_hold(u));
    cr_assert_eq(upload_add(u, piece, sizeof(piece), &e), 0);
    add(u, "x");
    j = store_job_blob(s, u, ABC_512, &e);
    cr_assert(!store_job_slow(j));
    cr_assert_eq(store_do(j), ERR_INVALID);
}

/* A large blob in many pieces keeps its bytes while its memory grows and shrinks. */
Test(store_upload, grows)
{
    size_t len = 5000003;
    char *data = malloc(len);
    char digest[DIGEST_TEXT];
    cr_assert_not_null(data);
    for (size_t i = 0; i < len; i++) {
        data[i] = (char)(i * 2654435761u >> 13);
    }
    cr_assert_eq(digest_sha256(data, len, digest), 0);
    cr_assert_eq(store_push(s, "a", data, len, digest), 0);
    struct content *c = store_blob(s, "a", digest);
    cr_assert_eq(c->size, len);
    cr_assert_eq(memcmp(c->data, data, len), 0);
    free(data);
}

/* A push that brings what is there already leaves that in its place. */
Test(store_upload, twice)
{
    cr_assert_eq(store_push_text(s, "a", "abc"), 0);
    struct content *first = store_blob(s, "a", ABC);
    cr_assert_eq(store_push_text(s, "a", "abc"), 0);
    cr_assert_eq(store_blob(s, "a", ABC), first);
    cr_assert_eq(store_push_text(s, "b", "abc"), 0);
    cr_assert_eq(store_blob(s, "b", ABC), first, "shared between repositories");
}

/* Manifests come with tags; a tag moves; a mount shares what another repository has. */
Test(store_upload, manifests_and_mounts)
{
    static const char *const tags[] = {"one", "two"};
    char one[DIGEST_TEXT];
    struct content *c = store_text_typed("{}", STORE_MANIFEST_TYPE);
    memcpy(one, c->digest, sizeof(one));
    struct store_job *j = store_job_manifest(s, "a", c, tags, 2, &e);
    content_unref(c);
    cr_assert(!store_job_slow(j));
    cr_assert_eq(store_do(j), 0);
    cr_assert_eq(store_push_manifest(s, "a", "{ }", "two"), 0);
    cr_assert(store_is(store_manifest(s, "a", "one"), "{}"));
    cr_assert(store_is(store_manifest(s, "a", "two"), "{ }"));
    cr_assert(store_is(store_manifest(s, "a", one), "{}"));
    cr_assert_eq(store_push_text(s, "a", "abc"), 0);
    struct content *blob = store_blob_anywhere(s, ABC);
    cr_assert_not_null(blob);
    cr_assert_eq(store_do(store_job_mount(s, "b", blob, &e)), 0);
    cr_assert_eq(store_blob(s, "b", ABC), blob);
    cr_assert_eq(store_delete_blob(s, "a", ABC, &e), 1);
    cr_assert_eq(store_blob_anywhere(s, ABC), blob);
    cr_assert_eq(store_delete_blob(s, "b", ABC, &e), 1);
    cr_assert_null(store_blob_anywhere(s, ABC));
}
