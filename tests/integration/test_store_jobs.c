/* Pushes into a store on disk that cross each other or a delete, and one that is large. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/lib/store_folder.h"

static char folder[FIXTURE_PATH];
static struct store *s;
static struct err e;

static void setup(void)
{
    fixture_folder(folder);
    s = store_folder_open(folder);
}

static void teardown(void)
{
    store_free(s);
    fixture_remove(folder);
}

TestSuite(store_jobs, .init = setup, .fini = teardown);

static void open_again(void)
{
    store_free(s);
    s = store_folder_open(folder);
    cr_assert_str_eq(store_notes, "");
}

static struct store_job *tag_job(const char *text)
{
    static const char *const tag = "t";
    struct content *c = store_text_typed(text, STORE_MANIFEST_TYPE);
    struct store_job *j = store_job_manifest(s, "a", c, &tag, 1, &e);
    content_unref(c);
    cr_assert_not_null(j);
    return j;
}

static struct store_job *blob_job(const char *repository, const char *text)
{
    char digest[DIGEST_TEXT];
    store_digest(text, digest);
    struct upload *u = store_upload_begin(s, repository, NULL, &e);
    cr_assert(upload_hold(u));
    cr_assert_eq(upload_add(u, text, strlen(text), &e), 0);
    struct store_job *j = store_job_blob(s, u, digest, &e);
    cr_assert_not_null(j);
    return j;
}

static void *work(void *job)
{
    store_job_work(job);
    return NULL;
}

/* Two pushes of one tag: whichever order their work and their ends come in, the tag stands for the
 * same here and on the disk, and both manifests are there. */
Test(store_jobs, one_tag)
{
    for (unsigned order = 0; order < 4; order++) {
        struct store_job *j[2] = {tag_job("{\"n\":1}"), tag_job("{\"n\":2}")};
        store_job_work(j[order & 1]);
        store_job_work(j[1 - (order & 1)]);
        cr_assert_eq(store_job_finish(j[order >> 1], &e), 0);
        cr_assert_eq(store_job_finish(j[1 - (order >> 1)], &e), 0);
        char digest[DIGEST_TEXT];
        memcpy(digest, store_manifest(s, "a", "t")->digest, sizeof(digest));
        cr_assert(
            store_is(store_manifest(s, "a", "t"), (order & 1) != 0 ? "{\"n\":1}" : "{\"n\":2}"),
            "the last to be written stands");
        open_again();
        cr_assert_str_eq(store_manifest(s, "a", "t")->digest, digest);
        cr_assert_eq(store_folder_files(folder, "blobs"), 2);
    }
}

#define OLD "{\"old\":1}"
#define NEW "{\"new\":1}"

/* A push of TEXT to COUNT of the tags "t", which is there, and "z", for which there is no room. */
static struct store_job *full_job(const char *text, size_t first, size_t count)
{
    static const char *const tags[] = {"t", "z"};
    struct content *c = store_text_typed(text, STORE_MANIFEST_TYPE);
    e = (struct err){0};
    struct store_job *j = store_job_manifest(s, "a", c, tags + first, count, &e);
    content_unref(c);
    cr_assert_not_null(j, "%s", e.text);
    return j;
}

/* The tag "t" stands for OLD, and there are as many tags as there can be: but for that one in
 * memory only. */
static void fill_tags(void)
{
    struct content *c = store_text("filler");
    open_again();
    cr_assert_eq(store_push_manifest(s, "a", OLD, "t"), 0);
    for (int i = 0; i < 65535; i++) {
        char tag[16];
        (void)snprintf(tag, sizeof(tag), "f%05d", i);
        cr_assert_eq(store_put_manifest(s, "a", tag, c, &e), 0);
    }
    content_unref(c);
}

/* What is there once a push has found no room, here and on the disk. */
static void expect_manifests(const char *tagged, const char *other)
{
    char digest[DIGEST_TEXT];
    store_digest(other, digest);
    for (int i = 0; i < 2; i++) {
        cr_assert(store_is(store_manifest(s, "a", "t"), tagged), "%d", i);
        cr_assert_null(store_manifest(s, "a", "z"), "%d", i);
        cr_assert_eq(store_manifest(s, "a", digest) != NULL, strcmp(tagged, other) == 0, "%d", i);
        open_again();
    }
    cr_assert_eq(store_folder_files(folder, "uploads"), 0);
}

/* A push that finds no room for one of its tags leaves all as it was, also a tag that stood for the
 * same manifest before. */
Test(store_jobs, one_tag_too_many)
{
    fill_tags();
    cr_assert_eq(store_do(full_job(NEW, 0, 2)), ERR_LIMIT);
    expect_manifests(OLD, NEW);
    fill_tags();
    cr_assert_eq(store_do(full_job(OLD, 0, 2)), ERR_LIMIT);
    expect_manifests(OLD, OLD);
}

/* … and what other pushes have been told meanwhile stays: a tag that has moved on, and the very
 * manifest that is taken back. */
Test(store_jobs, one_tag_too_many_among_others)
{
    char digest[DIGEST_TEXT];
    fill_tags();
    struct store_job *full = full_job(NEW, 0, 2);
    store_job_work(full);
    cr_assert_eq(store_push_manifest(s, "a", "{\"later\":1}", "t"), 0);
    cr_assert_eq(store_job_finish(full, &e), -1);
    cr_assert_eq(e.code, ERR_LIMIT);
    expect_manifests("{\"later\":1}", NEW);
    fill_tags();
    full = full_job(NEW, 1, 1);
    store_job_work(full);
    cr_assert_eq(store_push_manifest(s, "a", NEW, NULL), 0);
    cr_assert_eq(store_job_finish(full, &e), -1);
    open_again();
    store_digest(NEW, digest);
    cr_assert(store_is(store_manifest(s, "a", digest), NEW));
}

/* A manifest that cannot be kept after all has the type again that it had on the disk. */
Test(store_jobs, type_goes_back)
{
    char digest[DIGEST_TEXT];
    static const char *const tag = "z";
    fill_tags();
    struct content *c = store_text_typed(OLD, "application/x-other");
    e = (struct err){0};
    struct store_job *j = store_job_manifest(s, "a", c, &tag, 1, &e);
    content_unref(c);
    cr_assert_eq(store_do(j), ERR_LIMIT);
    open_again();
    store_digest(OLD, digest);
    cr_assert_str_eq(store_manifest(s, "a", digest)->media_type, STORE_MANIFEST_TYPE);
}

/* A delete between a push's work and its end, or before both: what is served is what is on the
 * disk, and no file goes that somebody names. */
Test(store_jobs, deletes_between)
{
    char digest[DIGEST_TEXT];
    store_digest("blob", digest);
    for (int before = 0; before < 2; before++) {
        cr_assert_eq(store_push_text(s, "a", "blob"), 0);
        struct store_job *same = blob_job("a", "blob");
        struct store_job *other = blob_job("b", "blob");
        if (before == 0) {
            store_job_work(same);
            store_job_work(other);
        }
        cr_assert_eq(store_delete_blob(s, "a", digest, &e), 1);
        if (before != 0) {
            store_job_work(same);
            store_job_work(other);
        }
        cr_assert_eq(store_job_finish(same, &e), 0);
        cr_assert_eq(store_job_finish(other, &e), 0);
        cr_assert(store_is(store_blob(s, "b", digest), "blob"));
        bool there = store_blob(s, "a", digest) != NULL;
        cr_assert_eq(there, before != 0);
        open_again();
        cr_assert(store_is(store_blob(s, "b", digest), "blob"));
        cr_assert_eq(store_blob(s, "a", digest) != NULL, there);
        (void)store_delete_blob(s, "a", digest, &e);
        cr_assert_eq(store_delete_blob(s, "b", digest, &e), 1);
        cr_assert_eq(store_folder_files(folder, "blobs"), 0);
    }
}

/* Two first pushes of a blob at once, one a repository: once its file has been altered and brought
 * again, a push serves it to the repository that it names, whichever of the two that is. */
Test(store_jobs, both_serve_again)
{
    static char text[5001];
    char digest[DIGEST_TEXT];
    char path[FIXTURE_PATH];
    memset(text, 'x', sizeof(text) - 1);
    store_digest(text, digest);
    store_folder_blob(folder, digest, path);
    struct store_job *j[2] = {blob_job("a", text), blob_job("b", text)};
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(store_do(j[i]), 0);
    }
    cr_assert_eq(truncate(path, 5), 0);
    cr_assert_eq(store_push_text(s, "a", text), 0);
    cr_assert_eq(store_push_text(s, "b", text), 0);
    cr_assert(store_is(store_blob(s, "a", digest), text));
    cr_assert(store_is(store_blob(s, "b", digest), text));
}

/* Eight at a time on threads of their own, of blobs that are the same and others that are not, into
 * repositories that all have to be made: every one is there, once. */
Test(store_jobs, side_by_side)
{
    enum { JOBS = 8 };
    pthread_t threads[JOBS];
    struct store_job *jobs[JOBS];
    char digest[DIGEST_TEXT];
    for (int i = 0; i < JOBS; i++) {
        char repository[32];
        (void)snprintf(repository, sizeof(repository), "deep/in/r%d", i / 2);
        jobs[i] = blob_job(repository, i % 2 == 0 ? "shared" : repository);
    }
    for (int i = 0; i < JOBS; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, work, jobs[i]), 0);
    }
    for (int i = 0; i < JOBS; i++) {
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
        cr_assert_eq(store_job_finish(jobs[i], &e), 0, "%s", e.text);
    }
    open_again();
    for (int i = 0; i < JOBS / 2; i++) {
        char repository[32];
        (void)snprintf(repository, sizeof(repository), "deep/in/r%d", i);
        store_digest("shared", digest);
        cr_assert(store_is(store_blob(s, repository, digest), "shared"));
        store_digest(repository, digest);
        cr_assert(store_is(store_blob(s, repository, digest), repository));
    }
    cr_assert_eq(store_folder_files(folder, "blobs"), 1 + JOBS / 2);
}

static long most_memory(void)
{
    struct rusage usage;
    cr_assert_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* A blob of 256 MiB comes in and is hashed again at the next open without ever being in memory. */
Test(store_jobs, large_at_flat_memory)
{
    enum { PIECE = 64 << 10, PIECES = 4096 };
    static char piece[PIECE];
    char digest[DIGEST_TEXT];
    struct digest_stream *sum = digest_stream_sha256();
    struct upload *u = store_upload_begin(s, "a", NULL, &e);
    cr_assert(upload_hold(u));
    long before = most_memory();
    for (int i = 0; i < PIECES; i++) {
        memset(piece, i % 251, sizeof(piece));
        digest_stream_update(sum, piece, sizeof(piece));
        cr_assert_eq(upload_add(u, piece, sizeof(piece), &e), 0, "%s", e.text);
    }
    cr_assert_eq(digest_stream_text(sum, digest), 0);
    struct store_job *j = store_job_blob(s, u, digest, &e);
    cr_assert_eq(store_do(j), 0);
    open_again();
    cr_assert_eq(store_blob(s, "a", digest)->size, (uint64_t)PIECE * PIECES);
    cr_assert_lt(most_memory() - before, 32 << 10, "%ld KiB", most_memory() - before);
}
