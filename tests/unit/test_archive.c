/* Images from archives: layouts in a tar, what `docker save` writes, and what is refused. */
#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/layout.h"
#include "harness/base/buf.h"
#include "tests/lib/content_fixture.h"

static char folder[FIXTURE_PATH];
static char tar[FIXTURE_PATH + 20];
static struct disk_cache cache;

static void make(void)
{
    char path[FIXTURE_PATH + 20];
    struct err e = {0};
    fixture_folder(folder);
    snprintf(tar, sizeof tar, "%s/image.tar", folder);
    snprintf(path, sizeof path, "%s/cache", folder);
    setenv("PULLDRILL_CACHE", path, 1);
    cr_assert_eq(disk_cache_open(&cache, &e), 0, "%s", e.text);
}

static void clear(void)
{
    fixture_remove(folder);
}
TestSuite(archive, .init = make, .fini = clear);

static int load(enum content_kind kind, const char *name, struct image *out, struct err *e)
{
    struct content_name n = {.kind = kind};
    snprintf(n.path, sizeof n.path, "%s", tar);
    snprintf(n.name, sizeof n.name, "%s", name);
    return archive_image(&n, &cache, out, e);
}

static void refuse(enum content_kind kind, const char *name, const char *why)
{
    struct image out;
    struct err e = {0};
    cr_assert_eq(load(kind, name, &out, &e), -1, "taken; it should say %s", why);
    cr_expect_not_null(strstr(e.text, why), "%s; it should say %s", e.text, why);
    cr_expect_eq(strncmp(e.text, tar, strlen(tar)), 0, "not the archive's name: %s", e.text);
}

/* ---- layouts -------------------------------------------------------------------------------- */

/* A layout in a tar is the same as the layout, compressed or not, whatever its order. */
Test(archive, oci)
{
    for (int gzip = 0; gzip < 2; gzip++) {
        struct image source, out;
        struct err e = {0};
        fixture_image("agent", 2, 2, &source);
        fixture_layout_tar(tar, gzip == 1, &source, "stable");
        cr_assert_eq(load(CONTENT_OCI_ARCHIVE, "stable", &out, &e), 0, "%s", e.text);
        cr_expect_str_eq(out.top->digest, source.top->digest);
        cr_assert_eq(out.manifest_count, 2);
        cr_expect_str_eq(out.manifests[1].layers[1]->digest, source.manifests[1].layers[1]->digest);
        image_close(&out);
        image_close(&source);
    }
    refuse(CONTENT_OCI_ARCHIVE, "beta", "no image named \"beta\"");
}

/* A blob that is not what its name says never comes into the cache. */
Test(archive, oci_altered)
{
    const char *bytes = "these have another digest";
    const struct fixture_member members[] = {
        {"oci-layout", 'f', "{\"imageLayoutVersion\":\"1.0.0\"}", 30},
        {"blobs/sha256/44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", 'f',
         bytes, strlen(bytes)}};
    fixture_tar(tar, false, members, 2);
    refuse(CONTENT_OCI_ARCHIVE, "", "does not have the digest sha256:44136fa355b3678a");
    char path[DISK_MAX_PATH + 200];
    snprintf(path, sizeof path, "%s/blobs/sha256/%s", cache.folder,
             "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    cr_expect_neq(access(path, F_OK), 0, "it is in the cache");
}

/* An archive with members that have no business in it is refused whole, and nothing is written
 * where they point; a link is never followed. */
Test(archive, tricks)
{
    static const struct {
        struct fixture_member member;
        const char *why;
    } tricks[] = {
        {{"../outside", 'f', "x", 1}, "\"../outside\", which leads out of it"},
        {{"blobs/../../outside", 'f', "x", 1}, "which leads out of it"},
        {{"blobs/..", 'd', NULL, 0}, "which leads out of it"},
        {{"/outside", 'f', "x", 1}, "which leads out of it"},
        {{"blobs/sha256/zero", 'c', NULL, 0}, "which is no file, folder or link"},
        {{"index.json", 'l', "/etc/passwd", 0}, "has no oci-layout"},
        {{"oci-layout", 'f', "{}", 2}, "has no index.json"},
    };
    char outside[FIXTURE_PATH + 20];
    snprintf(outside, sizeof outside, "%s/outside", folder);
    for (size_t i = 0; i < sizeof tricks / sizeof tricks[0]; i++) {
        fixture_tar(tar, false, &tricks[i].member, 1);
        refuse(CONTENT_OCI_ARCHIVE, "", tricks[i].why);
        cr_expect_neq(access(outside, F_OK), 0, "%s was written", outside);
    }
}

/* A text twice would let two readers see two images. */
Test(archive, twice)
{
    const struct fixture_member members[] = {{"index.json", 'f', "{}", 2},
                                             {"./index.json", 'f', "{}", 2}};
    fixture_tar(tar, false, members, 2);
    refuse(CONTENT_OCI_ARCHIVE, "", "has \"index.json\" twice");
}

/* What is no tar, and a tar cut short. */
Test(archive, broken)
{
    struct image source;
    fixture_write(folder, "image.tar", "no archive at all", 17);
    refuse(CONTENT_OCI_ARCHIVE, "", "cannot be read");
    fixture_image("agent", 1, 0, &source);
    fixture_layout_tar(tar, false, &source, NULL);
    cr_assert_eq(truncate(tar, 300 * 1024), 0);
    refuse(CONTENT_OCI_ARCHIVE, "", "");
    image_close(&source);
}

/* ---- docker save ---------------------------------------------------------------------------- */

/* A tar of one file, as a layer is. */
static void layer_tar(const char *text, bool gzip, struct buf *out, char diff_id[DIGEST_TEXT])
{
    static const char name[] = "layer";
    const struct fixture_member file = {"file", 'f', text, strlen(text)};
    char path[FIXTURE_PATH + 20];
    buf_init(out, 1u << 20);
    for (int compressed = 0; compressed <= (gzip ? 1 : 0); compressed++) {
        size_t len = 0;
        bool missing = false;
        struct err e = {0};
        snprintf(path, sizeof path, "%s/%s", folder, name);
        fixture_tar(path, compressed == 1, &file, 1);
        char *bytes = disk_read(path, 1u << 20, &len, &missing, &e);
        cr_assert_not_null(bytes, "%s", e.text);
        if (compressed == 0) {
            cr_assert_eq(digest_sha256(bytes, len, diff_id), 0);
        }
        buf_reset(out);
        buf_append(out, bytes, len);
        free(bytes);
    }
}

struct saved {
    struct buf layer[2];
    char diff_id[2][DIGEST_TEXT];
    char config[700];
    char config_file[200];
    char list[1100];
};

static void save(struct saved *s, bool gzip)
{
    char digest[DIGEST_TEXT];
    layer_tar("one", gzip, &s->layer[0], s->diff_id[0]);
    layer_tar("two", false, &s->layer[1], s->diff_id[1]);
    snprintf(s->config, sizeof s->config,
             "{\"architecture\":\"arm64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
             "\"diff_ids\":[\"%s\",\"%s\",\"%s\"]}}",
             s->diff_id[0], s->diff_id[1], s->diff_id[0]);
    cr_assert_eq(digest_sha256(s->config, strlen(s->config), digest), 0);
    snprintf(s->config_file, sizeof s->config_file, "%s.json", digest + 7);
    snprintf(s->list, sizeof s->list,
             "[{\"Config\":\"%s\",\"RepoTags\":[\"ci/agent:stable\"],\"Layers\":"
             "[\"a/layer.tar\",\"b/layer.tar\",\"c/layer.tar\"]},"
             "{\"Config\":\"x\",\"RepoTags\":[\"other:latest\"],\"Layers\":[]}]",
             s->config_file);
}

/* Writes S as docker does: the third layer, which is the first again, is a link to it. */
static void write_saved(const struct saved *s)
{
    const struct fixture_member members[] = {
        {"a/", 'd', NULL, 0},
        {"a/layer.tar", 'f', s->layer[0].data, s->layer[0].len},
        {"b/layer.tar", 'f', s->layer[1].data, s->layer[1].len},
        {"c/layer.tar", 'l', "../a/layer.tar", 0},
        {s->config_file, 'f', s->config, strlen(s->config)},
        {"manifest.json", 'f', s->list, strlen(s->list)},
    };
    fixture_tar(tar, false, members, sizeof members / sizeof members[0]);
}

static void forget(struct saved *s)
{
    buf_close(&s->layer[0]);
    buf_close(&s->layer[1]);
}

/* Layers stay the tars they are, the config stays as it is, and a manifest of schema 2 names them.
 */
Test(archive, docker)
{
    struct saved s;
    struct image out;
    struct err e = {0};
    save(&s, false);
    write_saved(&s);
    cr_assert_eq(load(CONTENT_DOCKER_ARCHIVE, "ci/agent:stable", &out, &e), 0, "%s", e.text);
    const struct image_manifest *m = &out.manifests[0];
    cr_expect_str_eq(out.top->media_type, DOCKER_MANIFEST_TYPE);
    cr_assert_eq(m->layer_count, 3);
    for (size_t i = 0; i < 3; i++) {
        cr_expect_str_eq(m->layers[i]->digest, s.diff_id[i % 2]);
        cr_expect_str_eq(m->layers[i]->media_type, DOCKER_STORED_TYPE);
    }
    cr_expect_eq(m->config->size, strlen(s.config));
    cr_expect_eq(memcmp(m->config->data, s.config, strlen(s.config)), 0);
    cr_expect_str_eq(m->platform.architecture, "arm64");
    struct content_list list;
    cr_assert_eq(content_list_read(out.top->data, out.top->size, "", 10, &list, &e), 0, "%s",
                 e.text);
    cr_expect_str_eq(list.config.digest, m->config->digest);
    cr_expect_str_eq(list.items[1].digest, s.diff_id[1]);
    cr_expect_eq(list.items[1].size, s.layer[1].len);
    content_list_close(&list);
    image_close(&out);
    forget(&s);
}

/* Layers that another tool compressed stay so, and are held against the config unpacked. */
Test(archive, docker_gzip)
{
    struct saved s;
    struct image out;
    struct err e = {0};
    save(&s, true);
    write_saved(&s);
    cr_assert_eq(load(CONTENT_DOCKER_ARCHIVE, "ci/agent:stable", &out, &e), 0, "%s", e.text);
    cr_expect_str_eq(out.manifests[0].layers[0]->media_type, DOCKER_LAYER_TYPE);
    cr_expect_eq(out.manifests[0].layers[0]->size, s.layer[0].len);
    cr_expect_str_neq(out.manifests[0].layers[0]->digest, s.diff_id[0]);
    image_close(&out);
    char other[DIGEST_TEXT];
    buf_close(&s.layer[0]);
    layer_tar("three", true, &s.layer[0], other);
    write_saved(&s);
    refuse(CONTENT_DOCKER_ARCHIVE, "ci/agent:stable", "does not unpack to");
    forget(&s);
}

/* The image is named by its tag, latest where it says none, with Docker Hub's host or without. */
Test(archive, docker_names)
{
    struct saved s;
    struct image out;
    struct err e = {0};
    save(&s, false);
    write_saved(&s);
    refuse(CONTENT_DOCKER_ARCHIVE, "", "there is \"ci/agent:stable\", \"other:latest\"");
    cr_assert_eq(load(CONTENT_DOCKER_ARCHIVE, "docker.io/ci/agent:stable", &out, &e), 0, "%s",
                 e.text);
    image_close(&out);
    refuse(CONTENT_DOCKER_ARCHIVE, "ci/agent", "holds no image \"ci/agent\"");
    refuse(CONTENT_DOCKER_ARCHIVE, "other", "no config that fits");
    forget(&s);
}

/* A layer or a config with other bytes, a layer that is missing, a list that is none. */
Test(archive, docker_altered)
{
    struct saved s;
    const char *name = "ci/agent:stable";
    save(&s, false);
    s.layer[1].data[600] ^= 1;
    write_saved(&s);
    refuse(CONTENT_DOCKER_ARCHIVE, name, "has \"b/layer.tar\", which does not have the digest");
    s.layer[1].data[600] ^= 1;
    char *arch = strstr(s.config, "arm64");
    memcpy(arch, "amd64", 5);
    write_saved(&s);
    refuse(CONTENT_DOCKER_ARCHIVE, name, "whose digest is sha256:");
    memcpy(arch, "arm64", 5);
    char *file = strstr(s.list, "b/layer.tar");
    memcpy(file, "d", 1);
    write_saved(&s);
    refuse(CONTENT_DOCKER_ARCHIVE, name, "has no file \"d/layer.tar\", which is layer 1");
    snprintf(s.list, sizeof s.list, "{}");
    write_saved(&s);
    refuse(CONTENT_DOCKER_ARCHIVE, name, "is no JSON array");
    forget(&s);
}
