/* Stores on disk: what is pushed is there after the next open, and nothing else. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/store_folder.h"

#define SHA256_ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA512_ABC                                                                                 \
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3" \
    "c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static char folder[FIXTURE_PATH];
static char path[FIXTURE_PATH];
static struct err e;

static void setup(void)
{
    fixture_folder(folder);
}

static void teardown(void)
{
    fixture_remove(folder);
}

TestSuite(store_disk, .init = setup, .fini = teardown);

/* Writes into the middle of a blob's file, which keeps its length. */
static void alter(const char *digest)
{
    store_folder_blob(folder, digest, path);
    FILE *f = fopen(path, "r+e");
    cr_assert_not_null(f);
    cr_assert_eq(fputc('#', f), '#');
    cr_assert_eq(fclose(f), 0);
}

/* Blobs of any size, manifests with their types, tags and referrers are there again, and a large
 * blob is served from its file. */
Test(store_disk, round_trip)
{
    size_t len = 700001;
    char *large = malloc(len + 1);
    char digest[DIGEST_TEXT];
    char subject[DIGEST_TEXT];
    char text[2048];
    cr_assert_not_null(large);
    memset(large, 'x', len);
    large[len] = '\0';
    store_digest(large, digest);
    store_digest("subject", subject);
    store_referring(subject, "kept", text);
    struct store *s = store_folder_open(folder);
    cr_assert_eq(store_push_text(s, "a/b", large), 0);
    cr_assert_eq(store_push_text(s, "a/b", "small"), 0);
    cr_assert_eq(store_push_text(s, "a/b", ""), 0);
    cr_assert_eq(store_push_manifest(s, "a", "{}", "latest"), 0);
    cr_assert_eq(store_push_manifest(s, "a", text, NULL), 0);
    for (int i = 0; i < 2; i++) {
        struct content *c = store_blob(s, "a/b", digest);
        cr_assert(store_is(c, large));
        cr_assert(c->fd == -1 && c->data == NULL);
        char other[DIGEST_TEXT];
        store_digest("small", other);
        cr_assert(store_is(store_blob(s, "a/b", other), "small"));
        store_digest("", other);
        cr_assert(store_is(store_blob(s, "a/b", other), ""));
        cr_assert(store_is(store_manifest(s, "a", "latest"), "{}"));
        cr_assert_str_eq(store_manifest(s, "a", "latest")->media_type, STORE_MANIFEST_TYPE);
        cr_assert(store_is(store_referrer(s, "a", subject, 0), text));
        cr_assert_str_eq(store_referrer(s, "a", subject, 0)->referrer->annotations,
                         "{\"note\":\"kept\"}");
        cr_assert_str_eq(store_repository(s, 0), "a");
        cr_assert_str_eq(store_repository(s, 1), "a/b");
        cr_assert_null(store_repository(s, 2));
        store_free(s);
        s = store_folder_open(folder);
        cr_assert_str_eq(store_notes, "");
    }
    cr_assert_eq(store_folder_files(folder, "uploads"), 0);
    store_free(s);
    free(large);
}

/* A folder is made with those above it; one that holds something else, or is no folder, is refused
 * with its name and left alone; so is a store of another version. */
Test(store_disk, refuses_what_is_no_store)
{
    char deep[FIXTURE_PATH + 16];
    (void)snprintf(deep, sizeof(deep), "%s/x/y/", folder);
    store_free(store_folder_open(deep));
    store_free(store_folder_open(deep));
    cr_assert_eq(store_folder_refused(folder), ERR_INVALID, "there is x in it");
    cr_assert_eq(store_folder_files(folder, "."), 1, "but the other's marker");
    fixture_write(folder, "file", "text", 4);
    (void)snprintf(deep, sizeof(deep), "%s/file", folder);
    cr_assert_eq(store_folder_refused(deep), ERR_IO);
    (void)snprintf(deep, sizeof(deep), "%s/x/y", folder);
    fixture_write(deep, "pulldrill-store", "pulldrill store 2\n", 18);
    cr_assert_eq(store_folder_refused(deep), ERR_INVALID);
}

/* Two cannot have one store open; once the first has closed it, the second may. */
Test(store_disk, one_at_a_time)
{
    struct store *s = store_folder_open(folder);
    cr_assert_eq(store_folder_refused(folder), ERR_IO);
    store_free(s);
    store_free(store_folder_open(folder));
}

/* Content that was altered, or is gone, is told and not served, and neither are the tags that stand
 * for it; the file stays, and a push of the right content is served again. */
Test(store_disk, altered)
{
    char blob[DIGEST_TEXT];
    char gone[DIGEST_TEXT];
    char manifest[DIGEST_TEXT];
    store_digest("blob", blob);
    store_digest("gone", gone);
    store_digest("{}", manifest);
    struct store *s = store_folder_open(folder);
    cr_assert_eq(store_push_text(s, "a", "blob"), 0);
    cr_assert_eq(store_push_text(s, "b", "blob"), 0);
    cr_assert_eq(store_push_text(s, "a", "gone"), 0);
    cr_assert_eq(store_push_text(s, "a", "good"), 0);
    cr_assert_eq(store_push_manifest(s, "a", "{}", "latest"), 0);
    store_free(s);
    alter(blob);
    alter(manifest);
    store_folder_blob(folder, gone, path);
    cr_assert_eq(unlink(path), 0);
    s = store_folder_open(folder);
    cr_assert_not_null(strstr(store_notes, blob));
    cr_assert_not_null(strstr(store_notes, gone));
    cr_assert_not_null(strstr(store_notes, manifest));
    cr_assert_not_null(strstr(store_notes, "the tag latest of a"));
    cr_assert_not_null(strstr(store_notes, folder));
    cr_assert_null(store_blob(s, "a", blob));
    cr_assert_null(store_blob(s, "b", blob));
    cr_assert_null(store_blob(s, "a", gone));
    cr_assert_null(store_manifest(s, "a", "latest"));
    cr_assert_null(store_manifest(s, "a", manifest));
    store_digest("good", gone);
    cr_assert(store_is(store_blob(s, "a", gone), "good"));
    store_folder_blob(folder, blob, path);
    cr_assert_eq(access(path, F_OK), 0);
    cr_assert_eq(store_push_text(s, "a", "blob"), 0);
    cr_assert_eq(store_push_manifest(s, "a", "{}", NULL), 0);
    store_free(s);
    s = store_folder_open(folder);
    cr_assert(store_is(store_blob(s, "a", blob), "blob"));
    cr_assert(store_is(store_blob(s, "b", blob), "blob"));
    cr_assert(store_is(store_manifest(s, "a", "latest"), "{}"));
    store_free(s);
}

/* A manifest's file that does not hold a media type is told, and nothing of it gets into a head. */
Test(store_disk, altered_type)
{
    static const char *const types[] = {"", "no type", "text/x\r\nX-Other: y"};
    char digest[DIGEST_TEXT];
    char file[2 * FIXTURE_PATH];
    store_digest("{}", digest);
    (void)snprintf(file, sizeof(file), "%s/repositories/a/_manifests/sha256/%s", folder,
                   digest + strlen("sha256:"));
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct store *s = store_folder_open(folder);
        cr_assert_eq(store_push_manifest(s, "a", "{}", "latest"), 0);
        store_free(s);
        FILE *f = fopen(file, "we");
        cr_assert_not_null(f);
        cr_assert_geq(fputs(types[i], f), 0);
        cr_assert_eq(fclose(f), 0);
        s = store_folder_open(folder);
        cr_assert_not_null(strstr(store_notes, "its media type cannot be read"), "%zu", i);
        cr_assert_null(store_manifest(s, "a", digest));
        cr_assert_null(store_manifest(s, "a", "latest"));
        store_free(s);
    }
}

/* What nobody names is thrown away by the next open: content without a link, uploads. What is not
 * of the store is left alone. */
Test(store_disk, orphans)
{
    struct store *s = store_folder_open(folder);
    cr_assert_eq(store_push_text(s, "a", "blob"), 0);
    struct upload *u = store_upload_begin(s, "a", NULL, &e);
    cr_assert(upload_hold(u));
    cr_assert_eq(upload_add(u, "x", 1, &e), 0);
    cr_assert_eq(store_folder_files(folder, "uploads"), 1);
    store_free(s);
    cr_assert_eq(store_folder_files(folder, "uploads"), 0, "it went with the store");
    char orphan[DIGEST_TEXT];
    store_digest("orphan", orphan);
    store_folder_blob(folder, orphan, path);
    fixture_write(folder, path + strlen(folder) + 1, "orphan", 6);
    fixture_write(folder, "uploads/0123", "x", 1);
    fixture_write(folder, "blobs/sha256/notes.txt", "x", 1);
    fixture_write(folder, "repositories/.hidden", "x", 1);
    fixture_write(folder, "repositories/notes", "x", 1);
    s = store_folder_open(folder);
    cr_assert_str_eq(store_notes, "");
    cr_assert_eq(store_folder_files(folder, "uploads"), 0);
    cr_assert_eq(access(path, F_OK), -1);
    cr_assert_eq(store_folder_files(folder, "blobs"), 2);
    cr_assert_eq(store_folder_files(folder, "repositories"), 3);
    store_free(s);
}

/* Deleted things stay deleted, and content goes with the last that names it. */
Test(store_disk, deletes)
{
    char blob[DIGEST_TEXT];
    char manifest[DIGEST_TEXT];
    store_digest("blob", blob);
    store_digest("{}", manifest);
    struct store *s = store_folder_open(folder);
    cr_assert_eq(store_push_text(s, "a", "blob"), 0);
    cr_assert_eq(store_do(store_job_mount(s, "b", store_blob_anywhere(s, blob), &e)), 0);
    cr_assert_eq(store_push_manifest(s, "a", "{}", "one"), 0);
    cr_assert_eq(store_push_manifest(s, "a", "{}", "two"), 0);
    cr_assert_eq(store_folder_files(folder, "blobs"), 2);
    cr_assert_eq(store_delete_tag(s, "a", "one", &e), 1);
    cr_assert_eq(store_delete_blob(s, "a", blob, &e), 1);
    cr_assert_eq(store_folder_files(folder, "blobs"), 2);
    store_free(s);
    s = store_folder_open(folder);
    cr_assert_str_eq(store_notes, "");
    cr_assert_null(store_manifest(s, "a", "one"));
    cr_assert(store_is(store_manifest(s, "a", "two"), "{}"));
    cr_assert_null(store_blob(s, "a", blob));
    struct content *held = content_ref(store_blob(s, "b", blob));
    cr_assert_eq(store_delete_blob(s, "b", blob, &e), 1);
    cr_assert_eq(store_delete_manifest(s, "a", manifest, &e), 1);
    cr_assert_eq(store_folder_files(folder, "blobs"), 0);
    cr_assert_eq(store_folder_files(folder, "repositories"), 0);
    cr_assert_eq(store_folder_files(folder, "uploads"), 0, "nor aside");
    cr_assert(store_is(held, "blob"), "a response under way still has it");
    content_unref(held);
    store_free(s);
}

/* A repository stays one when all of it is deleted, at the next open as before it; one that no push
 * has come to its end in is none. */
Test(store_disk, emptied)
{
    char blob[DIGEST_TEXT];
    char wrong[DIGEST_TEXT];
    store_digest("blob", blob);
    store_digest("wrong", wrong);
    struct store *s = store_folder_open(folder);
    cr_assert_eq(store_push_text(s, "a/b", "blob"), 0);
    cr_assert_eq(store_push_text(s, "a/b", "blob"), 0);
    cr_assert_eq(store_push(s, "c", "blob", 4, wrong), ERR_INVALID);
    fixture_write(folder, "repositories/d/_blobs/sha256/part", "", 0);
    cr_assert_eq(store_delete_blob(s, "a/b", blob, &e), 1);
    cr_assert_eq(store_folder_files(folder, "blobs"), 0, "twice pushed is there once");
    for (int i = 0; i < 2; i++) {
        cr_assert_str_eq(store_repository(s, 0), "a/b");
        cr_assert_null(store_repository(s, 1));
        cr_assert_null(store_tag(s, "a/b", 0));
        store_free(s);
        s = store_folder_open(folder);
        cr_assert_str_eq(store_notes, "");
    }
    store_free(s);
}

/* What the harness puts there is in memory only, and not in the way of what clients do. */
Test(store_disk, what_the_harness_puts)
{
    struct store *s = store_folder_open(folder);
    struct content *c = store_text("harness");
    cr_assert_eq(store_put_blob(s, "a", c, &e), 0);
    cr_assert_eq(store_put_manifest(s, "a", "latest", c, &e), 0);
    cr_assert_eq(store_folder_files(folder, "blobs"), 0);
    cr_assert_eq(store_do(store_job_mount(s, "b", c, &e)), 0);
    cr_assert_eq(store_folder_files(folder, "blobs"), 1, "but a mount is a client's");
    cr_assert_eq(store_delete_tag(s, "a", "latest", &e), 1);
    store_free(s);
    s = store_folder_open(folder);
    cr_assert(!store_has_repository(s, "a"));
    cr_assert(store_is(store_blob(s, "b", c->digest), "harness"));
    store_free(s);
    content_unref(c);
}

/* 700,001 bytes that lie in a file, as a large layer of a layout does. */
static struct content *content_in_file(void)
{
    static char text[700001];
    char other[FIXTURE_PATH];
    char digest[DIGEST_TEXT];
    memset(text, 'x', sizeof(text));
    cr_assert_eq(digest_sha256(text, sizeof(text), digest), 0);
    fixture_folder(other);
    fixture_write(other, "layer", text, sizeof(text));
    (void)snprintf(path, sizeof(path), "%.500s/layer", other);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    fixture_remove(other);
    struct content *c = content_verified_take(NULL, fd, sizeof(text), digest, "x/layer", &e);
    cr_assert_not_null(c);
    return c;
}

/* A large layer of the harness's is copied by a mount, and stays the harness's. */
Test(store_disk, mount_of_a_file)
{
    struct content *layer = content_in_file();
    struct store *s = store_folder_open(folder);
    cr_assert_eq(store_put_blob(s, "a", layer, &e), 0);
    cr_assert_eq(store_do(store_job_mount(s, "b", layer, &e)), 0);
    cr_assert_eq(store_delete_blob(s, "b", layer->digest, &e), 1);
    cr_assert_eq(store_folder_files(folder, "blobs"), 0);
    cr_assert_geq(store_blob(s, "a", layer->digest)->fd, 0);
    cr_assert_eq(store_do(store_job_mount(s, "b", layer, &e)), 0);
    store_free(s);
    s = store_folder_open(folder);
    cr_assert_str_eq(store_notes, "");
    cr_assert_eq(store_blob(s, "b", layer->digest)->size, layer->size);
    store_free(s);
    content_unref(layer);
}

/* A layer whose file is shorter than it was is not mounted, and neither is what was uploaded kept
 * where its file has lost some of it, whether it has to be hashed again or not. */
Test(store_disk, files_that_are_short)
{
    static const char *const digests[] = {SHA256_ABC, SHA512_ABC};
    struct content *layer = content_in_file();
    struct store *s = store_folder_open(folder);
    layer->size++;
    cr_assert_eq(store_do(store_job_mount(s, "a", layer, &e)), ERR_IO);
    content_unref(layer);
    for (size_t i = 0; i < 2; i++) {
        struct upload *u = store_upload_begin(s, "a", "sha256", &e);
        cr_assert(upload_hold(u));
        cr_assert_eq(upload_add(u, "abc", 3, &e), 0);
        (void)snprintf(path, sizeof(path), "%.400s/uploads/%s", folder, upload_id(u));
        cr_assert_eq(truncate(path, 2), 0);
        cr_assert_eq(store_do(store_job_blob(s, u, digests[i], &e)), ERR_IO);
    }
    cr_assert_eq(store_folder_files(folder, "blobs") + store_folder_files(folder, "uploads"), 0);
    cr_assert(!store_has_repository(s, "a"));
    store_free(s);
}

/* What was rewound is not in the file, and a digest of another algorithm is found by reading the
 * file again. */
Test(store_disk, rewound_and_hashed_again)
{
    static const char sha512[] = SHA512_ABC;
    struct store *s = store_folder_open(folder);
    struct upload *u = store_upload_begin(s, "a", "sha256", &e);
    cr_assert(upload_hold(u));
    cr_assert_eq(upload_add(u, "ab", 2, &e), 0);
    upload_release(u, true);
    cr_assert(upload_hold(u));
    cr_assert_eq(upload_add(u, "xyz and more", 12, &e), 0);
    upload_release(u, false);
    cr_assert(upload_hold(u));
    cr_assert_eq(upload_add(u, "c", 1, &e), 0);
    struct store_job *j = store_job_blob(s, u, sha512, &e);
    cr_assert(store_job_slow(j));
    cr_assert_eq(store_do(j), 0);
    store_free(s);
    s = store_folder_open(folder);
    cr_assert_str_eq(store_notes, "");
    cr_assert(store_is(store_blob(s, "a", sha512), "abc"));
    cr_assert_eq(store_push(s, "a", "abd", 3, sha512), ERR_INVALID);
    cr_assert_eq(store_folder_files(folder, "uploads"), 0);
    cr_assert_eq(store_folder_files(folder, "blobs"), 1);
    cr_assert(store_is(store_blob(s, "a", sha512), "abc"));
    store_free(s);
}

/* A small blob is in memory, after its push and after the next open, and needs its file no more. */
Test(store_disk, small_in_memory)
{
    char digest[DIGEST_TEXT];
    char aside[FIXTURE_PATH + 16];
    store_digest("small", digest);
    struct store *s = store_folder_open(folder);
    cr_assert_eq(store_push_text(s, "a", "small"), 0);
    for (int i = 0; i < 2; i++) {
        store_folder_blob(folder, digest, path);
        (void)snprintf(aside, sizeof(aside), "%s/uploads/aside", folder);
        cr_assert_eq(rename(path, aside), 0);
        cr_assert(store_is(store_blob(s, "a", digest), "small"));
        cr_assert_eq(rename(aside, path), 0);
        store_free(s);
        s = store_folder_open(folder);
    }
    store_free(s);
}

/* What is forgotten of an upload takes no room on the disk any more. */
Test(store_disk, rewound_gives_room_back)
{
    static char piece[1 << 20];
    struct stat st;
    struct store *s = store_folder_open(folder);
    struct upload *u = store_upload_begin(s, "a", NULL, &e);
    cr_assert(upload_hold(u));
    cr_assert_eq(upload_add(u, "abc", 3, &e), 0);
    upload_release(u, true);
    cr_assert(upload_hold(u));
    cr_assert_eq(upload_add(u, piece, sizeof(piece), &e), 0);
    upload_release(u, false);
    char file[2 * FIXTURE_PATH];
    (void)snprintf(file, sizeof(file), "%s/uploads/%s", folder, upload_id(u));
    cr_assert_eq(stat(file, &st), 0);
    cr_assert_eq(st.st_size, 3);
    store_free(s);
}

/* Names that lead out of the folder make no files. */
Test(store_disk, names_that_lead_elsewhere)
{
    static const char *const bad[] = {"..", "../a", "a/..", "/a", "a//b", "_blobs", "a/_tags", ""};
    struct store *s = store_folder_open(folder);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_neq(store_push_text(s, bad[i], "blob"), 0, "%s", bad[i]);
        cr_assert(!store_has_repository(s, bad[i]));
    }
    cr_assert_neq(store_push_manifest(s, "a", "{}", "../x"), 0);
    cr_assert_neq(store_push_manifest(s, "a", "{}", "."), 0);
    cr_assert_eq(store_folder_files(folder, "."), 1, "the marker");
    store_free(s);
}

/* Every character that a name may have makes a file, which is found again. */
Test(store_disk, names_of_all_characters)
{
    static const char *const names[] = {"0", "9/a", "a", "az09/b.c_d__e-f", "z"};
    static const char *const tags[] = {"0", "9", "A", "Z", "_", "_aZ09._-", "a", "z"};
    size_t name_count = sizeof(names) / sizeof(names[0]);
    size_t tag_count = sizeof(tags) / sizeof(tags[0]);
    struct store *s = store_folder_open(folder);
    for (size_t i = 0; i < name_count; i++) {
        cr_assert_eq(store_push_manifest(s, names[i], "{}", NULL), 0);
    }
    for (size_t i = 0; i < tag_count; i++) {
        cr_assert_eq(store_push_manifest(s, names[0], "{}", tags[i]), 0);
    }
    store_free(s);
    s = store_folder_open(folder);
    for (size_t i = 0; i < name_count; i++) {
        cr_assert_str_eq(store_repository(s, i), names[i]);
    }
    for (size_t i = 0; i < tag_count; i++) {
        cr_assert_str_eq(store_tag(s, names[0], i), tags[i]);
    }
    store_free(s);
}
