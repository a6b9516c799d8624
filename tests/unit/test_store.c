/* Unit tests of the store: sharing, look-ups by repository, order, replacement. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/store.h"

static struct content *text_content(const char *text)
{
    struct err e = {0};
    uint8_t *data = (uint8_t *)strdup(text);
    struct content *c = content_new_take(data, strlen(text), "text/plain", &e);
    cr_assert_not_null(c, "%s", e.text);
    return c;
}

/* Content knows its digest, size and type, and is in memory. */
Test(store, content)
{
    struct err e = {0};
    struct content *c = text_content("abc");
    cr_assert_str_eq(c->digest,
                     "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    cr_assert_eq(c->size, 3);
    cr_assert_str_eq(c->media_type, "text/plain");
    cr_assert_eq(c->fd, -1);
    content_unref(c);
    char type[200];
    memset(type, 'x', sizeof(type));
    type[199] = '\0';
    cr_assert_null(content_new_take(NULL, 0, type, &e));
    cr_assert_eq(e.code, ERR_LIMIT);
}

/* Content outlives the store as long as a response holds it, and is shared between stores. */
Test(store, references)
{
    struct err e = {0};
    struct store *one = store_new(&e);
    struct store *two = store_new(&e);
    struct content *c = text_content("shared");
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
    struct content *m = text_content("manifest");
    struct content *b = text_content("blob");
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
    struct content *one = text_content("1");
    struct content *two = text_content("2");
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
    struct content *c = text_content("x");
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
