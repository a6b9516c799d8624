/* Images from layout folders: whole, by name, sparse; and what is refused. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/layout.h"
#include "tests/lib/content_fixture.h"

static char folder[FIXTURE_PATH];
static struct image source;

static void make(void)
{
    fixture_folder(folder);
}

static void clear(void)
{
    image_close(&source);
    fixture_remove(folder);
}
TestSuite(layout, .init = make, .fini = clear);

static int load(const char *name, struct image *out, struct err *e)
{
    struct content_name n = {.kind = CONTENT_OCI};
    snprintf(n.path, sizeof n.path, "%s", folder);
    snprintf(n.name, sizeof n.name, "%s", name);
    return layout_image(&n, out, e);
}

static void refuse(const char *name, const char *why)
{
    struct image out;
    struct err e = {0};
    cr_assert_eq(load(name, &out, &e), -1, "taken; it should say %s", why);
    cr_expect_not_null(strstr(e.text, why), "%s; it should say %s", e.text, why);
    cr_expect_null(out.top);
}

static void same_content(const struct content *a, const struct content *b)
{
    cr_assert_not_null(a);
    cr_expect_str_eq(a->digest, b->digest);
    cr_expect_str_eq(a->media_type, b->media_type);
    cr_expect_eq(a->size, b->size);
}

/* What comes back is the image that was written; a large layer stays in its file. */
Test(layout, one_manifest)
{
    struct image out;
    struct err e = {0};
    fixture_image("agent", 2, 0, &source);
    fixture_layout(folder, &source, NULL, 1);
    cr_assert_eq(load("", &out, &e), 0, "%s", e.text);
    same_content(out.top, source.top);
    cr_assert_eq(out.manifest_count, 1);
    const struct image_manifest *m = &out.manifests[0];
    cr_expect_eq(m->manifest, out.top);
    same_content(m->config, source.manifests[0].config);
    cr_assert_eq(m->layer_count, 2);
    same_content(m->layers[0], source.manifests[0].layers[0]);
    same_content(m->layers[1], source.manifests[0].layers[1]);
    cr_expect_str_eq(m->platform.os, "linux");
    cr_expect_str_eq(m->platform.architecture, "amd64");
    cr_expect_null(m->layers[0]->data);
    cr_assert_geq(m->layers[0]->fd, 0);
    cr_expect_not_null(m->layers[1]->data);
    uint8_t bytes[1000];
    cr_assert_eq(pread(m->layers[0]->fd, bytes, sizeof bytes, 1234), sizeof bytes);
    cr_expect_arr_eq(bytes, source.manifests[0].layers[0]->data + 1234, sizeof bytes);
    image_close(&out);
}

/* An index has its manifests with their platforms as it says them. */
Test(layout, index)
{
    struct image out;
    struct err e = {0};
    fixture_image("agent", 2, 3, &source);
    fixture_layout(folder, &source, NULL, 1);
    cr_assert_eq(load("", &out, &e), 0, "%s", e.text);
    same_content(out.top, source.top);
    cr_assert_eq(out.manifest_count, 3);
    for (size_t i = 0; i < 3; i++) {
        same_content(out.manifests[i].manifest, source.manifests[i].manifest);
        cr_expect_str_eq(out.manifests[i].platform.architecture,
                         source.manifests[i].platform.architecture);
    }
    cr_expect_str_eq(out.manifests[1].platform.variant, "v8");
    image_close(&out);
}

/* Tools copy one platform of many: the others may be missing, but not all of them. */
Test(layout, sparse_index)
{
    struct image out;
    struct err e = {0};
    char path[FIXTURE_PATH];
    fixture_image("agent", 1, 2, &source);
    fixture_layout(folder, &source, NULL, 1);
    fixture_blob(folder, source.manifests[0].manifest, path);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(load("", &out, &e), 0, "%s", e.text);
    cr_assert_eq(out.manifest_count, 1);
    same_content(out.manifests[0].manifest, source.manifests[1].manifest);
    image_close(&out);
    fixture_blob(folder, source.manifests[1].manifest, path);
    cr_assert_eq(unlink(path), 0);
    refuse("", "none of the manifests");
}

/* Of several images one is named; the complaint lists them. */
Test(layout, by_name)
{
    struct image two[2];
    const char *const names[] = {"stable", "canary"};
    struct image out;
    struct err e = {0};
    fixture_image("agent", 1, 0, &two[0]);
    fixture_image("other", 1, 0, &two[1]);
    fixture_layout(folder, two, names, 2);
    cr_assert_eq(load("canary", &out, &e), 0, "%s", e.text);
    same_content(out.top, two[1].top);
    image_close(&out);
    cr_assert_eq(load(two[0].top->digest, &out, &e), 0, "%s", e.text);
    same_content(out.top, two[0].top);
    image_close(&out);
    refuse("", "holds 2 images; name one of \"stable\", \"canary\"");
    refuse("beta", "no image named \"beta\"; there is \"stable\", \"canary\"");
    image_close(&two[0]);
    image_close(&two[1]);
}

/* A blob with other bytes, of another size, or none at all is told with its file. */
Test(layout, altered_blobs)
{
    char path[FIXTURE_PATH];
    char why[FIXTURE_PATH + 200];
    fixture_image("agent", 1, 0, &source);
    fixture_layout(folder, &source, NULL, 1);
    const struct content *layer = source.manifests[0].layers[0];
    fixture_blob(folder, layer, path);
    FILE *f = fopen(path, "r+e");
    cr_assert_not_null(f);
    fseek(f, 4321, SEEK_SET);
    fputc(layer->data[4321] ^ 1, f);
    fclose(f);
    snprintf(why, sizeof why, "%s does not have the digest %s", path, layer->digest);
    refuse("", why);
    cr_assert_eq(truncate(path, 4321), 0);
    refuse("", "has 4321 bytes, not the");
    cr_assert_eq(unlink(path), 0);
    refuse("", "No such file");
    cr_assert_eq(symlink("/dev/zero", path), 0);
    refuse("", "not a regular file");
}

/* A folder that is no layout, or one of another version. */
Test(layout, no_layout)
{
    refuse("", "is no image layout: it has no oci-layout");
    fixture_write(folder, "oci-layout", "{}", 2);
    refuse("", "it has no index.json");
    fixture_write(folder, "index.json", "{}", 2);
    refuse("", "version 1");
    fixture_write(folder, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", 30);
    refuse("", "schemaVersion");
    fixture_write(folder, "index.json", "{\"schemaVersion\":2,\"manifests\":[]}", 34);
    refuse("", "holds no image");
}

/* Puts TEXT as the only manifest of the layout, of TYPE. */
static void put_manifest(const char *type, const char *text)
{
    struct err e = {0};
    source.top = content_new_take((uint8_t *)strdup(text), strlen(text), type, &e);
    cr_assert_not_null(source.top, "%s", e.text);
    fixture_layout(folder, &source, NULL, 1);
    content_unref(source.top);
    source.top = NULL;
}

#define EMPTY "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define DESCRIPTOR "{\"mediaType\":\"a/b\",\"digest\":\"" EMPTY "\",\"size\":2}"

/* Documents of other kinds, and some that do not hold together. */
Test(layout, bad_documents)
{
    static const struct {
        const char *type, *text, *why;
    } bad[] = {
        {"application/vnd.docker.distribution.manifest.v1+prettyjws", "{\"schemaVersion\":2}",
         "of type application/vnd.docker.distribution.manifest.v1"},
        {IMAGE_MANIFEST_TYPE, "{\"schemaVersion\":1}", "schemaVersion is not 2"},
        {IMAGE_MANIFEST_TYPE, "[]", "no JSON object"},
        {IMAGE_MANIFEST_TYPE, "{", "no JSON object"},
        {IMAGE_MANIFEST_TYPE, "{\"schemaVersion\":2,\"manifests\":[]}", "without \"layers\""},
        {IMAGE_INDEX_TYPE, "{\"schemaVersion\":2,\"layers\":[]}", "without \"manifests\""},
        {IMAGE_MANIFEST_TYPE, "{\"schemaVersion\":2,\"layers\":[]}", "the config"},
        {IMAGE_MANIFEST_TYPE,
         "{\"schemaVersion\":2,\"config\":" DESCRIPTOR ",\"layers\":[{\"digest\":\"../../x\"}]}",
         "without a digest"},
        {IMAGE_MANIFEST_TYPE,
         "{\"schemaVersion\":2,\"config\":" DESCRIPTOR ",\"layers\":[{\"digest\":\"" EMPTY
         "\",\"size\":-1}]}",
         "has no size"},
        {IMAGE_MANIFEST_TYPE,
         "{\"schemaVersion\":2,\"config\":" DESCRIPTOR ",\"layers\":[{\"digest\":\"" EMPTY
         "\",\"size\":99999999999999}]}",
         "larger than 16 GiB"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put_manifest(bad[i].type, bad[i].text);
        refuse("", bad[i].why);
    }
}

/* An index within an index is told, and not walked. */
Test(layout, nested_index)
{
    char text[600];
    struct err e = {0};
    const char *inner = "{\"schemaVersion\":2,\"manifests\":[]}";
    struct content *c =
        content_new_take((uint8_t *)strdup(inner), strlen(inner), IMAGE_INDEX_TYPE, &e);
    cr_assert_not_null(c);
    snprintf(text, sizeof text,
             "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\","
             "\"size\":%zu}]}",
             IMAGE_INDEX_TYPE, c->digest, strlen(inner));
    put_manifest(IMAGE_INDEX_TYPE, text);
    char name[200];
    snprintf(name, sizeof name, "blobs/sha256/%s", c->digest + 7);
    fixture_write(folder, name, inner, strlen(inner));
    refuse("", "lists another index");
    content_unref(c);
}

/* Types of Docker stay as they are; layers that lie elsewhere are not asked for. */
Test(layout, docker_types)
{
    struct image out;
    struct err e = {0};
    put_manifest(DOCKER_MANIFEST_TYPE,
                 "{\"schemaVersion\":2,\"mediaType\":\"" DOCKER_MANIFEST_TYPE
                 "\",\"config\":{\"mediaType\":\"" DOCKER_CONFIG_TYPE "\",\"digest\":\"" EMPTY
                 "\",\"size\":2},\"layers\":[{\"mediaType\":"
                 "\"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip\",\"digest\":"
                 "\"sha256:0000000000000000000000000000000000000000000000000000000000000000\","
                 "\"size\":5,\"urls\":[\"https://example.org/x\"]}]}");
    fixture_write(folder,
                  "blobs/sha256/44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61c"
                  "aaff8a",
                  "{}", 2);
    cr_assert_eq(load("", &out, &e), 0, "%s", e.text);
    cr_expect_str_eq(out.top->media_type, DOCKER_MANIFEST_TYPE);
    cr_expect_str_eq(out.manifests[0].config->media_type, DOCKER_CONFIG_TYPE);
    cr_expect_eq(out.manifests[0].layer_count, 0);
    image_close(&out);
}
