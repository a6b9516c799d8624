/* Writing layouts and archives by hand and by libarchive. */
#include "tests/lib/content_fixture.h"

#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/buf.h"
#include "harness/scratch.h"

#define MARKER "{\"imageLayoutVersion\":\"1.0.0\"}"
#define MEMBERS 64

void fixture_folder(char path[FIXTURE_PATH])
{
    const char *tmp = getenv("TMPDIR");
    snprintf(path, FIXTURE_PATH, "%s/pulldrill-content-XXXXXX", tmp != NULL ? tmp : "/tmp");
    cr_assert_not_null(mkdtemp(path), "no folder: %s", strerror(errno));
}

void fixture_remove(char *path)
{
    struct err e = {0};
    cr_expect_eq(scratch_remove(path, &e), 0, "%s", e.text);
}

void fixture_image(const char *name, size_t layers, size_t platforms, struct image *out)
{
    static const char *const words[] = {"linux/amd64", "linux/arm64/v8", "linux/s390x"};
    struct image_layer layer[4] = {{.size = 600u << 10}, {.size = 4u << 10}, {.size = 4u << 10}};
    struct image_recipe recipe = {.name = name,
                                  .seed = 7,
                                  .layers = layer,
                                  .layer_count = layers,
                                  .platforms = platforms > 0 ? words : NULL,
                                  .platform_count = platforms};
    struct err e = {0};
    cr_assert_eq(image_build(&recipe, out, &e), 0, "%s", e.text);
}

void fixture_write(const char *folder, const char *path, const void *data, size_t len)
{
    char whole[FIXTURE_PATH + 300];
    snprintf(whole, sizeof whole, "%s/%s", folder, path);
    for (char *slash = strchr(whole + strlen(folder) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        cr_assert(mkdir(whole, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *f = fopen(whole, "we");
    cr_assert_not_null(f, "%s: %s", whole, strerror(errno));
    cr_assert_eq(fwrite(data, 1, len, f), len);
    cr_assert_eq(fclose(f), 0);
}

static void blob_name(const struct content *c, char *name, size_t size)
{
    snprintf(name, size, "blobs/%.6s/%s", c->digest, c->digest + 7);
}

void fixture_blob(const char *folder, const struct content *c, char path[FIXTURE_PATH])
{
    char name[200];
    blob_name(c, name, sizeof name);
    snprintf(path, FIXTURE_PATH, "%s/%s", folder, name);
}

static void list_image(const struct image *image, const char *name, struct buf *out)
{
    buf_printf(out, "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%" PRIu64,
               out->data[out->len - 1] == '[' ? "" : ",", image->top->media_type,
               image->top->digest, image->top->size);
    if (name != NULL) {
        buf_printf(out, ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"%s\"}", name);
    }
    buf_char(out, '}');
}

static void write_index(const struct image *images, const char *const *names, size_t count,
                        struct buf *out)
{
    buf_init(out, 1u << 20);
    buf_str(out, "{\"schemaVersion\":2,\"manifests\":[");
    for (size_t i = 0; i < count; i++) {
        list_image(&images[i], names != NULL ? names[i] : NULL, out);
    }
    buf_str(out, "]}");
    cr_assert(!out->failed);
}

/* All contents of an image, in an order of its own. */
static size_t contents_of(const struct image *image, const struct content *all[MEMBERS])
{
    size_t n = 0;
    all[n++] = image->top;
    for (size_t i = 0; i < image->manifest_count; i++) {
        const struct image_manifest *m = &image->manifests[i];
        all[n++] = m->manifest;
        all[n++] = m->config;
        for (size_t k = 0; k < m->layer_count; k++) {
            cr_assert_lt(n, MEMBERS);
            all[n++] = m->layers[k];
        }
    }
    return n;
}

void fixture_layout(const char *folder, const struct image *images, const char *const *names,
                    size_t count)
{
    struct buf index;
    char name[200];
    fixture_write(folder, "oci-layout", MARKER, strlen(MARKER));
    write_index(images, names, count, &index);
    fixture_write(folder, "index.json", index.data, index.len);
    buf_close(&index);
    for (size_t i = 0; i < count; i++) {
        const struct content *all[MEMBERS];
        size_t n = contents_of(&images[i], all);
        for (size_t k = 0; k < n; k++) {
            blob_name(all[k], name, sizeof name);
            fixture_write(folder, name, all[k]->data, all[k]->size);
        }
    }
}

static void add_member(struct archive *a, const struct fixture_member *m)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, m->path);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_filetype(entry, m->type == 'd'   ? AE_IFDIR
                                      : m->type == 'l' ? AE_IFLNK
                                      : m->type == 'c' ? AE_IFCHR
                                                       : AE_IFREG);
    if (m->type == 'l') {
        archive_entry_set_symlink(entry, m->data);
    } else {
        archive_entry_set_size(entry, (la_int64_t)m->len);
    }
    cr_assert_eq(archive_write_header(a, entry), ARCHIVE_OK, "%s", archive_error_string(a));
    if (m->type == 'f' && m->len > 0) {
        cr_assert_eq(archive_write_data(a, m->data, m->len), (la_ssize_t)m->len);
    }
    archive_entry_free(entry);
}

void fixture_tar(const char *path, bool gzip, const struct fixture_member *members, size_t count)
{
    struct archive *a = archive_write_new();
    cr_assert_not_null(a);
    archive_write_set_format_pax_restricted(a);
    if (gzip) {
        archive_write_add_filter_gzip(a);
    }
    cr_assert_eq(archive_write_open_filename(a, path), ARCHIVE_OK, "%s", archive_error_string(a));
    for (size_t i = 0; i < count; i++) {
        add_member(a, &members[i]);
    }
    cr_assert_eq(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
}

void fixture_layout_tar(const char *path, bool gzip, const struct image *image, const char *name)
{
    static char names[MEMBERS][200];
    const struct content *all[MEMBERS];
    struct fixture_member members[MEMBERS + 3] = {{.path = "./blobs/", .type = 'd'}};
    struct buf index;
    size_t n = contents_of(image, all);
    size_t count = 1;
    for (size_t i = 0; i < n; i++) {
        blob_name(all[i], names[i], sizeof names[i]);
        members[count++] = (struct fixture_member){names[i], 'f', all[i]->data, all[i]->size};
    }
    write_index(image, &name, 1, &index);
    members[count++] = (struct fixture_member){"./index.json", 'f', index.data, index.len};
    members[count++] = (struct fixture_member){"oci-layout", 'f', MARKER, strlen(MARKER)};
    fixture_tar(path, gzip, members, count);
    buf_close(&index);
}
