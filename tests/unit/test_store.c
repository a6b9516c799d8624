/* Unit tests of the store: sharing, look-ups by repository, order, replacement, deletes,
 * referrers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/store_fixture.h"

/* Content knows its digest, size and type, and is in memory. */
Test(store, content)
{
    struct err e = {0};
    struct content *c = store_text("abc");
    cr_assert_str_eq(c->digest,
                     "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    cr_assert_eq(c->size, 3);
    cr_assert_str_eq(c->media_type, "text/plain");
    cr_assert_eq(c->fd, -1);
    content_unref(c);
    char type[sizeof(c->media_type) + 1];
    memset(type, 'x', sizeof(type));
    type[sizeof(type) - 1] = '\0';
    cr_assert_null(content_new_take(NULL, 0, type, &e));
    cr_assert_eq(e.code, ERR_LIMIT);
    c = content_new_take(NULL, 0, type + 1, &e);
    cr_assert_str_eq(c->media_type, type + 1);
    content_unref(c);
}

/* Content outlives the store as long as a response holds it, and is shared between stores. */
Test(store, references)
{
    struct err e = {0};
    struct store *one = store_new(&e);
    struct store *two = store_new(&e);
    struct content *c = store_text("shared");
    cr_assert_eq(store_put_blob(one, "a", c, &e), 0);
    cr_assert_eq(store_put_blob(two, "b/c", c, &e), 0);
    cr_assert_eq(store_put_blob(two, "b/c", c, &e), 0, "twice is once");
    cr_assert_eq(c->refs, 3);
    content_unref(c);
    store_free(one);
    struct content *held = content_ref(store_blob(two, "b/c", c->digest));
    store_free(two);
    cr_assert_eq(held->refs, 1);
    cr_assert_eq(memcmp(held->data, "shared", 6), 0);
    content_unref(held);
}

/* Blobs, manifests and tags are found in their own repository and as what they are. */
Test(store, lookups)
{
    struct err e = {0};
    struct store *s = store_new(&e);
    struct content *m = store_text("manifest");
    struct content *b = store_text("blob");
    cr_assert(!store_has_repository(s, "a"));
    cr_assert_eq(store_put_manifest(s, "a", "latest", m, &e), 0);
    cr_assert_eq(store_put_manifest(s, "untagged", NULL, m, &e), 0);
    cr_assert_eq(store_put_blob(s, "a", b, &e), 0);
    cr_assert_eq(store_manifest(s, "a", "latest"), m);
    cr_assert_eq(store_manifest(s, "a", m->digest), m);
    cr_assert_eq(store_blob(s, "a", b->digest), b);
    cr_assert_null(store_manifest(s, "a", b->digest), "a blob is no manifest");
    cr_assert_null(store_blob(s, "a", m->digest), "a manifest is no blob");
    cr_assert_null(store_manifest(s, "b", m->digest));
    cr_assert_null(store_blob(s, "untagged", b->digest));
    cr_assert_null(store_tag(s, "untagged", 0));
    cr_assert_eq(store_manifest(s, "untagged", m->digest), m);
    cr_assert(store_has_repository(s, "a"));
    content_unref(m);
    content_unref(b);
    store_free(s);
}

/* A tag that moves stands for the new manifest; the old one stays by digest. */
Test(store, tag_moves)
{
    struct err e = {0};
    struct store *s = store_new(&e);
    struct content *one = store_text("1");
    struct content *two = store_text("2");
    cr_assert_eq(store_put_manifest(s, "a", "t", one, &e), 0);
    cr_assert_eq(store_put_manifest(s, "a", "t", two, &e), 0);
    cr_assert_eq(store_manifest(s, "a", "t"), two);
    cr_assert_eq(store_manifest(s, "a", one->digest), one);
    cr_assert_null(store_tag(s, "a", 1));
    content_unref(one);
    content_unref(two);
    store_free(s);
}

/* Tags and repositories come in ASCII order whatever the order they came in, with none lost. */
Test(store, order)
{
    struct err e = {0};
    struct store *s = store_new(&e);
    struct content *c = store_text("x");
    char name[16];
    for (unsigned i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof(name), "t%03u", i * 7 % 500);
        cr_assert_eq(store_put_manifest(s, "a", name, c, &e), 0);
        cr_assert_eq(store_put_blob(s, name, c, &e), 0);
    }
    cr_assert_eq(store_put_manifest(s, "a", "Z", c, &e), 0);
    cr_assert_str_eq(store_tag(s, "a", 0), "Z");
    cr_assert_str_eq(store_repository(s, 0), "a");
    for (unsigned i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof(name), "t%03u", i);
        cr_assert_str_eq(store_tag(s, "a", i + 1), name);
        cr_assert_str_eq(store_repository(s, i + 1), name);
        cr_assert_eq(store_manifest(s, "a", name), c);
    }
    cr_assert_null(store_tag(s, "a", 501));
    cr_assert_null(store_repository(s, 501));
    content_unref(c);
    store_free(s);
}

/* A deleted tag leaves its manifest; a deleted manifest takes its tags along, and no others; a
 * deleted blob goes from its repository alone. What is not there cannot be deleted. */
Test(store, deletes)
{
    struct err e = {0};
    struct store *s = store_new(&e);
    struct content *one = store_text("1");
    struct content *two = store_text("2");
    static const char *const tags[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(store_put_manifest(s, "r", tags[i], one, &e), 0);
    }
    cr_assert_eq(store_put_manifest(s, "r", "d", two, &e), 0);
    cr_assert_eq(store_put_blob(s, "r", two, &e), 0);
    cr_assert_eq(store_put_blob(s, "q", two, &e), 0);
    cr_assert_eq(store_delete_tag(s, "r", "b", &e), 1);
    cr_assert_eq(store_delete_tag(s, "r", "b", &e), 0);
    cr_assert_eq(store_manifest(s, "r", one->digest), one);
    cr_assert_eq(store_delete_manifest(s, "r", one->digest, &e), 1);
    cr_assert_eq(store_delete_manifest(s, "r", one->digest, &e), 0);
    cr_assert_null(store_manifest(s, "r", "a"));
    cr_assert_null(store_manifest(s, "r", one->digest));
    cr_assert_str_eq(store_tag(s, "r", 0), "d");
    cr_assert_null(store_tag(s, "r", 1));
    cr_assert_eq(store_delete_blob(s, "r", two->digest, &e), 1);
    cr_assert_eq(store_delete_blob(s, "r", two->digest, &e), 0);
    cr_assert_eq(store_delete_blob(s, "none", two->digest, &e), 0);
    cr_assert_eq(store_blob(s, "q", two->digest), two);
    cr_assert_eq(store_manifest(s, "r", "d"), two, "a manifest is no blob");
    cr_assert_eq(one->refs, 1);
    content_unref(one);
    content_unref(two);
    store_free(s);
}

/* A delete in memory is no work for another thread. */
Test(store, delete_at_once)
{
    struct err e = {0};
    struct store *s = store_new(&e);
    cr_assert_eq(store_push_manifest(s, "a", "{}", "latest"), 0);
    struct store_job *j = store_job_delete(s, "a", STORE_TAG, "latest", &e);
    cr_assert(!store_job_slow(j));
    cr_assert_eq(store_do(j), 0);
    cr_assert_null(store_manifest(s, "a", "latest"));
    store_free(s);
}

/* The referrers of a subject come in the order of their digests, with what is said of them, whether
 * the subject is there or not, and go with the manifest that refers. */
Test(store, referrers)
{
    struct err e = {0};
    struct store *s = store_new(&e);
    char subject[DIGEST_TEXT];
    char text[2048];
    struct content *c[5];
    store_digest("subject", subject);
    for (size_t i = 0; i < 5; i++) {
        char note[2] = {(char)('0' + i), '\0'};
        store_referring(subject, note, text);
        c[i] = store_text_typed(text, STORE_MANIFEST_TYPE);
        cr_assert_eq(store_put_manifest(s, "r", NULL, c[i], &e), 0);
    }
    cr_assert_null(store_referrer(s, "r", subject, 5));
    cr_assert_null(store_referrer(s, "q", subject, 0));
    cr_assert_null(store_referrer(s, "r", c[0]->digest, 0));
    const char *last = "";
    for (size_t i = 0; i < 5; i++) {
        struct content *found = store_referrer(s, "r", subject, i);
        cr_assert_not_null(found);
        cr_assert_gt(strcmp(found->digest, last), 0);
        last = found->digest;
    }
    cr_assert_str_eq(c[3]->referrer->subject, subject);
    cr_assert_str_eq(c[3]->referrer->artifact_type, "application/x-note");
    cr_assert_str_eq(c[3]->referrer->annotations, "{\"note\":\"3\"}");
    cr_assert_eq(store_delete_manifest(s, "r", c[3]->digest, &e), 1);
    cr_assert_null(store_referrer(s, "r", subject, 4));
    for (size_t i = 0; i < 4; i++) {
        cr_assert_neq(store_referrer(s, "r", subject, i), c[3]);
    }
    for (size_t i = 0; i < 5; i++) {
        content_unref(c[i]);
    }
    store_free(s);
}
