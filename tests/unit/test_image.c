/* Unit tests of built images: sizes, determinism, and that other programs can read them. */
#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/image.h"
#include "harness/base/buf.h"

static const struct image_file files[] = {
    {"usr/bin/agent", "#!/bin/true\n", 12, 0755},
    {"etc/agent.conf", "on\n", 3, 0644},
};

static struct image build(const char *name, uint64_t seed, const struct image_layer *layers,
                          size_t count)
{
    struct err e = {0};
    struct image image;
    struct image_recipe recipe = {.name = name,
                                  .seed = seed,
                                  .layers = layers,
                                  .layer_count = count,
                                  .entrypoint = "/usr/bin/agent"};
    cr_assert_eq(image_build(&recipe, &image, &e), 0, "%s", e.text);
    return image;
}

/* Unpacks a layer with libarchive's reader into a listing: "mode path size mtime uid\n"…; with
 * TAR, also the bytes of the tar within. */
static void list_layer(const struct content *layer, struct buf *listing)
{
    struct archive *a = archive_read_new();
    struct archive_entry *entry = NULL;
    archive_read_support_filter_gzip(a);
    archive_read_support_format_tar(a);
    cr_assert_eq(archive_read_open_memory(a, layer->data, layer->size), ARCHIVE_OK);
    int r = 0;
    while ((r = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
        buf_printf(listing, "%o %s %lld %lld %lld\n", (unsigned)archive_entry_mode(entry),
                   archive_entry_pathname(entry), (long long)archive_entry_size(entry),
                   (long long)archive_entry_mtime(entry), (long long)archive_entry_uid(entry));
        cr_assert_eq(archive_read_data_skip(a), ARCHIVE_OK);
    }
    cr_assert_eq(r, ARCHIVE_EOF, "%s", archive_error_string(a));
    archive_read_free(a);
}

/* The digest of the tar inside a layer, as a client computes it. */
static void diff_id_of(const struct content *layer, char out[DIGEST_TEXT])
{
    struct archive *a = archive_read_new();
    struct archive_entry *entry = NULL;
    struct digest_stream *s = digest_stream_sha256();
    static char piece[65536];
    la_ssize_t n = 0;
    archive_read_support_filter_gzip(a);
    archive_read_support_format_raw(a);
    cr_assert_eq(archive_read_open_memory(a, layer->data, layer->size), ARCHIVE_OK);
    cr_assert_eq(archive_read_next_header(a, &entry), ARCHIVE_OK);
    while ((n = archive_read_data(a, piece, sizeof(piece))) > 0) {
        digest_stream_update(s, piece, (size_t)n);
    }
    cr_assert_eq(n, 0);
    cr_assert_eq(digest_stream_text(s, out), 0);
    archive_read_free(a);
}

/* A layer of files alone holds them, their folders first, without times or owners. */
Test(image, files_and_folders)
{
    struct image_layer layer = {0, files, 2};
    struct image image = build("agent", 1, &layer, 1);
    struct buf listing;
    buf_init(&listing, 1 << 20);
    list_layer(image.manifests[0].layers[0], &listing);
    cr_assert_str_eq(listing.data, "40755 etc/ 0 0 0\n100644 etc/agent.conf 3 0 0\n"
                                   "40755 usr/ 0 0 0\n40755 usr/bin/ 0 0 0\n"
                                   "100755 usr/bin/agent 12 0 0\n");
    buf_close(&listing);
    image_close(&image);
}

/* Compressed sizes are within 1 KiB of what was asked for, small or large, with files or without;
 * a size that the files pass is raised to what they need. */
Test(image, sizes)
{
    static const uint64_t sizes[] = {1,       500,      1024,     2000,    4096,
                                     10240,   65536,    100000,   1048576, 1500001,
                                     5242880, 16777216, 16777217, 20000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct image_layer layer = {sizes[i], files, i % 3};
        struct image image = build("agent", i, &layer, 1);
        uint64_t got = image.manifests[0].layers[0]->size;
        cr_assert(got + 1024 >= sizes[i] && got <= sizes[i] + 1024, "asked %lu, got %lu",
                  (unsigned long)sizes[i], (unsigned long)got);
        image_close(&image);
    }
    char *large = malloc(300000);
    for (size_t i = 0; i < 300000; i++) {
        large[i] = (char)(i * i >> 7);
    }
    struct image_file file = {"large", large, 300000, 0644};
    struct image_layer layer = {10, &file, 1};
    struct image image = build("agent", 1, &layer, 1);
    struct buf listing;
    buf_init(&listing, 1 << 20);
    list_layer(image.manifests[0].layers[0], &listing);
    cr_assert_str_eq(listing.data, "100644 large 300000 0 0\n");
    buf_close(&listing);
    image_close(&image);
    free(large);
}

/* The same recipe gives the same bytes; another seed, name or layer gives others. */
Test(image, deterministic)
{
    struct image_layer layers[] = {{40000, files, 2}, {40000, NULL, 0}, {40000, NULL, 0}};
    struct image a = build("agent", 1, layers, 3);
    struct image b = build("agent", 1, layers, 3);
    struct image seed = build("agent", 2, layers, 3);
    struct image name = build("other", 1, layers, 3);
    cr_assert_str_eq(a.top->digest, b.top->digest);
    cr_assert_eq(a.top->size, b.top->size);
    cr_assert_arr_eq(a.top->data, b.top->data, a.top->size);
    for (size_t i = 0; i < 3; i++) {
        /* RFC 1952: bytes 4 to 7 of a gzip are its time. */
        cr_assert_eq(memcmp(a.manifests[0].layers[i]->data + 4, "\0\0\0\0", 4), 0);
        cr_assert_str_eq(a.manifests[0].layers[i]->digest, b.manifests[0].layers[i]->digest);
        cr_assert_str_neq(a.manifests[0].layers[i]->digest, seed.manifests[0].layers[i]->digest);
        cr_assert_str_neq(a.manifests[0].layers[i]->digest, name.manifests[0].layers[i]->digest);
    }
    cr_assert_str_neq(a.manifests[0].layers[1]->digest, a.manifests[0].layers[2]->digest);
    image_close(&a);
    image_close(&b);
    image_close(&seed);
    image_close(&name);
}

/* Manifest and config are what the specification says, and tell the truth about the layers. */
Test(image, manifest_and_config)
{
    struct image_layer layers[] = {{0, files, 2}, {30000, NULL, 0}};
    struct image image = build("agent", 1, layers, 2);
    json_t *m = json_loadb((char *)image.top->data, image.top->size, 0, NULL);
    json_t *c = json_loadb((char *)image.manifests[0].config->data, image.manifests[0].config->size,
                           0, NULL);
    const char *digest = NULL;
    const char *type = NULL;
    int version = 0;
    cr_assert_eq(json_unpack(m, "{s:i, s:s, s:{s:s}}", "schemaVersion", &version, "mediaType",
                             &type, "config", "digest", &digest),
                 0);
    cr_assert_eq(version, 2);
    cr_assert_str_eq(type, IMAGE_MANIFEST_TYPE);
    cr_assert_str_eq(image.top->media_type, IMAGE_MANIFEST_TYPE);
    cr_assert_str_eq(digest, image.manifests[0].config->digest);
    cr_assert_eq(json_array_size(json_object_get(m, "layers")), 2);
    json_t *ids = json_object_get(json_object_get(c, "rootfs"), "diff_ids");
    cr_assert_eq(json_array_size(ids), 2);
    cr_assert_eq(json_array_size(json_object_get(c, "history")), 2);
    for (size_t i = 0; i < 2; i++) {
        char diff_id[DIGEST_TEXT];
        json_t *layer = json_array_get(json_object_get(m, "layers"), i);
        cr_assert_str_eq(json_string_value(json_object_get(layer, "digest")),
                         image.manifests[0].layers[i]->digest);
        cr_assert_eq(json_integer_value(json_object_get(layer, "size")),
                     (json_int_t)image.manifests[0].layers[i]->size);
        diff_id_of(image.manifests[0].layers[i], diff_id);
        cr_assert_str_eq(json_string_value(json_array_get(ids, i)), diff_id);
    }
    json_t *entrypoint = json_object_get(json_object_get(c, "config"), "Entrypoint");
    cr_assert_str_eq(json_string_value(json_array_get(entrypoint, 0)), "/usr/bin/agent");
    json_decref(m);
    json_decref(c);
    image_close(&image);
}

/* The system's own tar lists a layer without complaint. */
Test(image, real_tar)
{
    struct image_layer layer = {200000, files, 2};
    struct image image = build("agent", 1, &layer, 1);
    char command[128];
    char path[] = "/tmp/pulldrill-test-XXXXXX";
    char line[256];
    unsigned lines = 0;
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "wb");
    cr_assert_eq(
        fwrite(image.manifests[0].layers[0]->data, 1, image.manifests[0].layers[0]->size, f),
        image.manifests[0].layers[0]->size);
    cr_assert_eq(fclose(f), 0);
    (void)snprintf(command, sizeof(command), "tar tzf %s 2>&1", path);
    FILE *tar = popen(command, "r"); /* tidy: allow popen, the real tar is the witness */
    while (fgets(line, sizeof(line), tar) != NULL) {
        cr_assert_null(strstr(line, "tar:"), "%s", line);
        lines++;
    }
    cr_assert_eq(pclose(tar), 0);
    cr_assert_geq(lines, 5 + 3 + 4, "files, folders and several pieces of content");
    (void)remove(path);
    image_close(&image);
}

/* A recipe that makes no archive, or passes a maximum, is refused and leaves nothing. */
Test(image, refusals)
{
    static const struct image_file twice[] = {{"a", "x", 1, 0644}, {"a", "y", 1, 0644}};
    static const struct image_file bad[] = {{"../a", "x", 1, 0644}, {"/a", "x", 1, 0644},
                                            {"a//b", "x", 1, 0644}, {"", "x", 1, 0644},
                                            {"a/.", "x", 1, 0644},  {"a/", "x", 1, 0644}};
    struct image_layer layer = {0, twice, 2};
    struct image_recipe recipe = {.name = "agent", .seed = 1, .layers = &layer, .layer_count = 1};
    struct image image;
    struct err e = {0};
    cr_assert_eq(image_build(&recipe, &image, &e), -1);
    cr_assert_eq(e.code, ERR_INVALID);
    cr_assert_not_null(strstr(e.text, "layer 0 of image agent"));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        e = (struct err){0};
        layer = (struct image_layer){0, &bad[i], 1};
        cr_assert_eq(image_build(&recipe, &image, &e), -1, "%s", bad[i].path);
        cr_assert_eq(e.code, ERR_INVALID);
    }
    e = (struct err){0};
    layer = (struct image_layer){(UINT64_C(4) << 30) + 1, NULL, 0};
    cr_assert_eq(image_build(&recipe, &image, &e), -1);
    cr_assert_eq(e.code, ERR_LIMIT);
    cr_assert_null(image.top);
    image_close(&image);
}

/* An image that was put is found by tag and digest, with all its blobs. */
Test(image, put)
{
    struct err e = {0};
    struct image_layer layers[] = {{0, files, 2}, {20000, NULL, 0}};
    struct image image = build("agent", 1, layers, 2);
    struct store *s = store_new(&e);
    cr_assert_eq(image_put(&image, s, "ci/agent", "stable", &e), 0);
    cr_assert_eq(store_manifest(s, "ci/agent", "stable"), image.top);
    cr_assert_eq(store_manifest(s, "ci/agent", image.top->digest), image.top);
    cr_assert_eq(store_blob(s, "ci/agent", image.manifests[0].config->digest),
                 image.manifests[0].config);
    cr_assert_eq(store_blob(s, "ci/agent", image.manifests[0].layers[1]->digest),
                 image.manifests[0].layers[1]);
    image_close(&image);
    cr_assert_not_null(store_manifest(s, "ci/agent", "stable")->data);
    store_free(s);
}
