/* The cache of blobs: what comes in, what does not, who waits for whom. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/disk.h"
#include "tests/lib/content_fixture.h"

static char folder[FIXTURE_PATH];
static struct disk_cache cache;
static struct content_descriptor want = {.media_type = "a/b", .size = 5};

static void make(void)
{
    struct err e = {0};
    fixture_folder(folder);
    setenv("PULLDRILL_CACHE", folder, 1);
    cr_assert_eq(disk_cache_open(&cache, &e), 0, "%s", e.text);
    cr_assert_eq(digest_sha256("hello", 5, want.digest), 0);
}

static void clear(void)
{
    fixture_remove(folder);
}
TestSuite(disk_cache, .init = make, .fini = clear);

static struct content *load(void)
{
    bool missing = false;
    bool altered = false;
    struct err e = {0};
    return disk_load(cache.folder, &want, DISK_IN_MEMORY, &missing, &altered, &e);
}

static void put(const char *text)
{
    struct disk_writer w;
    struct err e = {0};
    bool wrong = false;
    cr_assert_eq(disk_writer_open(&w, &cache, &want, &e), 0, "%s", e.text);
    cr_assert(!w.there);
    cr_assert_eq(disk_writer_add(&w, text, strlen(text), &e), 0, "%s", e.text);
    int rc = disk_writer_keep(&w, &wrong, &e);
    cr_expect_eq(wrong, strcmp(text, "hello") != 0);
    cr_expect_eq(rc, wrong ? -1 : 0, "%s", e.text);
}

/* What was written whole is there, and is not written again. */
Test(disk_cache, keeps)
{
    struct disk_writer w;
    struct err e = {0};
    cr_assert_null(load());
    put("hello");
    struct content *c = load();
    cr_assert_not_null(c);
    cr_expect_arr_eq(c->data, "hello", 5);
    content_unref(c);
    cr_assert_eq(disk_writer_open(&w, &cache, &want, &e), 0);
    cr_expect(w.there);
    cr_expect_eq(w.lock, -1, "the lock is still held");
}

/* Other bytes, and half of them, never become the blob; nor do they stand in the way. */
Test(disk_cache, forgets)
{
    struct disk_writer w;
    struct err e = {0};
    put("jello");
    cr_expect_null(load());
    cr_assert_eq(disk_writer_open(&w, &cache, &want, &e), 0);
    cr_assert_eq(disk_writer_add(&w, "hel", 3, &e), 0);
    disk_writer_close(&w);
    cr_expect_null(load());
    put("hello");
    struct content *c = load();
    cr_expect_not_null(c);
    content_unref(c);
}

/* More than was said of it is not taken in: who sends without end fills no disk. */
Test(disk_cache, no_more_than_stated)
{
    struct disk_writer w;
    struct err e = {0};
    cr_assert_eq(disk_writer_open(&w, &cache, &want, &e), 0);
    cr_assert_eq(disk_writer_add(&w, "hello", 5, &e), 0);
    cr_expect_eq(disk_writer_add(&w, "!", 1, &e), -1);
    cr_expect_not_null(strstr(e.text, "is larger than 5 bytes"), "%s", e.text);
    disk_writer_close(&w);
    cr_expect_null(load());
}

/* What a killed writer left is written over. */
Test(disk_cache, after_a_kill)
{
    char name[100];
    snprintf(name, sizeof name, "locks/%.2s.part", want.digest + 7);
    fixture_write(folder, name, "longer than what comes", 22);
    put("hello");
    struct content *c = load();
    cr_assert_not_null(c);
    cr_expect_eq(c->size, 5);
    content_unref(c);
}

static int asked;
static bool stop_second(void *data)
{
    (void)data;
    return ++asked == 2;
}

/* While one writes a blob another waits, until it is told to stop. */
Test(disk_cache, waits)
{
    struct disk_writer one, two;
    struct err e = {0};
    struct disk_cache impatient = cache;
    impatient.stop = stop_second;
    cr_assert_eq(disk_writer_open(&one, &cache, &want, &e), 0);
    cr_assert_eq(disk_writer_open(&two, &impatient, &want, &e), -1);
    cr_expect_eq(asked, 2);
    cr_expect_not_null(strstr(e.text, "interrupted"), "%s", e.text);
    disk_writer_close(&one);
    put("hello");
}

/* The environment says where it is; without any of it there is none. */
Test(disk_cache, places)
{
    struct disk_cache c;
    struct err e = {0};
    char path[FIXTURE_PATH + 100];
    unsetenv("PULLDRILL_CACHE");
    setenv("HOME", folder, 1);
    setenv("XDG_CACHE_HOME", "relative", 1);
    cr_assert_eq(disk_cache_open(&c, &e), 0, "%s", e.text);
    snprintf(path, sizeof path, "%s/.cache/pulldrill", folder);
    cr_expect_str_eq(c.folder, path);
    snprintf(path, sizeof path, "%s/xdg", folder);
    setenv("XDG_CACHE_HOME", path, 1);
    cr_assert_eq(disk_cache_open(&c, &e), 0, "%s", e.text);
    snprintf(path, sizeof path, "%s/xdg/pulldrill", folder);
    cr_expect_str_eq(c.folder, path);
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    cr_expect_eq(disk_cache_open(&c, &e), -1);
    cr_expect_not_null(strstr(e.text, "PULLDRILL_CACHE"), "%s", e.text);
}
