/* Archives of images. An input is the tar itself, or the files of one, parted by lines of four
 * dashes: a path on the first line, then what is in it. `@` in a path is the digest of its file,
 * `@N` in a file that of the file with number N (from 0), if it is a later one. */
#include <archive.h>
#include <archive_entry.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/layout.h"
#include "harness/base/buf.h"
#include "tests/fuzz/lib/fuzz.h"

#define MAX_FILES 10
#define MAX_FILE ((size_t)1 << 20)
#define MAX_TAR ((size_t)16 << 20)

struct file {
    char path[256];
    struct buf body;
    char digest[DIGEST_TEXT];
};

static char folder[] = "/tmp/pulldrill-fuzz-XXXXXX";

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void drop_folder(void)
{
    (void)nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* A cache that is gone at the end; blobs with their right digest are all that gets into it. */
static const struct disk_cache *cache(void)
{
    static struct disk_cache c;
    struct err e = {0};
    if (c.folder[0] == '\0') {
        MUST(mkdtemp(folder) != NULL, "no folder");
        (void)atexit(drop_folder);
        MUST(setenv("PULLDRILL_CACHE", folder, 1) == 0, "no memory");
        MUST(disk_cache_open(&c, &e) == 0, "%s", e.text);
    }
    return &c;
}

static void read_image(enum content_kind kind, const char *path, const char *which)
{
    static struct content_name name;
    struct image image;
    struct err e = {0};
    name.kind = kind;
    snprintf(name.path, sizeof name.path, "%s", path);
    snprintf(name.name, sizeof name.name, "%s", which);
    if (archive_image(&name, cache(), &image, &e) != 0) {
        MUST(e.code != ERR_NONE && image.top == NULL, "refused without a word");
        MUST(strncmp(e.text, path, strlen(path)) == 0, "no file: %s", e.text);
        return;
    }
    MUST(image.manifest_count >= 1 && image.manifests[0].config != NULL, "an image of nothing");
    image_close(&image);
}

static void read_tar(const void *data, size_t len)
{
    const char *path = fuzz_file(data, len);
    read_image(CONTENT_OCI_ARCHIVE, path, "");
    read_image(CONTENT_OCI_ARCHIVE, path, "stable");
    read_image(CONTENT_DOCKER_ARCHIVE, path, "");
    read_image(CONTENT_DOCKER_ARCHIVE, path, "ci/agent:stable");
}

/* ---- a tar of files ------------------------------------------------------------------------ */

/* Appends LEN bytes of TEXT; `@N` is the digest of a file that is known already. */
static void expand(const uint8_t *text, size_t len, const struct file *files, size_t count,
                   struct buf *out)
{
    for (size_t i = 0; i < len; i++) {
        size_t n = i + 1 < len && text[i] == '@' ? (size_t)text[i + 1] - '0' : MAX_FILES;
        if (n < count && files[n].digest[0] != '\0') {
            buf_str(out, files[n].digest + strlen("sha256:"));
            i++;
        } else {
            buf_append(out, &text[i], 1);
        }
    }
}

static void read_file(const uint8_t *part, size_t len, struct file *files, size_t count,
                      struct file *f)
{
    const uint8_t *newline = len > 0 ? memchr(part, '\n', len) : NULL;
    size_t path = newline != NULL ? (size_t)(newline - part) : len;
    size_t behind = newline != NULL ? path + 1 : len;
    buf_init(&f->body, MAX_FILE);
    expand(part + behind, len - behind, files, count, &f->body);
    MUST(digest_sha256(f->body.data != NULL ? f->body.data : "", f->body.len, f->digest) == 0,
         "no digest");
    const uint8_t *at = path > 0 ? memchr(part, '@', path) : NULL;
    int before = (int)(at != NULL ? (size_t)(at - part) : path);
    int after = (int)(at != NULL ? path - (size_t)before - 1 : 0);
    snprintf(f->path, sizeof f->path, "%.*s%s%.*s", before, (const char *)part,
             at != NULL ? f->digest + strlen("sha256:") : "", after,
             at != NULL ? (const char *)at + 1 : "");
}

static ssize_t take_bytes(struct archive *a, void *data, const void *bytes, size_t len)
{
    (void)a;
    buf_append(data, bytes, len);
    return (ssize_t)len;
}

static void write_tar(const struct file *files, size_t count, struct buf *out)
{
    struct archive *a = archive_write_new();
    MUST(a != NULL && archive_write_set_format_pax_restricted(a) == ARCHIVE_OK &&
             archive_write_open(a, out, NULL, take_bytes, NULL) == ARCHIVE_OK,
         "no tar");
    for (size_t i = 0; i < count; i++) {
        struct archive_entry *entry = archive_entry_new();
        MUST(entry != NULL, "no memory");
        archive_entry_set_pathname(entry, files[i].path);
        archive_entry_set_size(entry, (la_int64_t)files[i].body.len);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        if (archive_write_header(a, entry) == ARCHIVE_OK) {
            (void)archive_write_data(a, files[i].body.data, files[i].body.len);
        }
        archive_entry_free(entry);
    }
    (void)archive_write_close(a);
    archive_write_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct file files[MAX_FILES];
    const uint8_t *part[MAX_FILES];
    size_t part_len[MAX_FILES];
    size_t count = 0;
    struct buf tar;
    read_tar(data, len);
    while (count < MAX_FILES && (part[count] = fuzz_part(&data, &len, &part_len[count])) != NULL) {
        files[count++].digest[0] = '\0';
    }
    for (size_t i = count; i > 0; i--) {
        read_file(part[i - 1], part_len[i - 1], files, count, &files[i - 1]);
    }
    buf_init(&tar, MAX_TAR);
    write_tar(files, count, &tar);
    MUST(!tar.failed, "no memory");
    read_tar(tar.data, tar.len);
    buf_close(&tar);
    for (size_t i = 0; i < count; i++) {
        buf_close(&files[i].body);
    }
    return 0;
}
