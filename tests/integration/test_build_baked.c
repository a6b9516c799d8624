/* The image baked in, as build-start's last resort: what of a layout it takes, and what it refuses.
 */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scenarios/subjects/lib/pull_baked.h"

static char dir[64];
static struct pull_layout layout;

static void open_dir(void)
{
    struct err e = {0};

    snprintf(dir, sizeof dir, "/tmp/pulldrill-baked-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(pull_layout_init(&layout, dir, &e), 0, "%s", e.text);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void close_dir(void)
{
    cr_expect_eq(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

TestSuite(build_baked, .init = open_dir, .fini = close_dir, .timeout = 60);

static struct pull_descriptor descriptor_of(const struct content *c)
{
    struct pull_descriptor d = {.size = c->size};

    snprintf(d.media_type, sizeof d.media_type, "%s", c->media_type);
    snprintf(d.digest, sizeof d.digest, "%s", c->digest);
    return d;
}

static void put(const struct content *c)
{
    struct err e = {0};
    struct pull_descriptor want = descriptor_of(c);
    struct pull_blob blob;

    cr_assert_eq(pull_blob_init(&blob, &layout, &want, &e), 0, "%s", e.text);
    cr_assert_eq(pull_blob_write(&blob, c->data, c->size, &e), 0, "%s", e.text);
    cr_assert(pull_blob_verify(&blob));
    cr_assert_eq(pull_blob_keep(&blob, &e), 0, "%s", e.text);
    pull_blob_close(&blob);
}

/* An image of two platforms, or a plain one, lies in the layout under TAG. */
static struct image bake(const char *tag, bool index)
{
    static const struct image_layer layer = {.size = 2000};
    static const char *const platforms[] = {"linux/arm64", "linux/amd64"};
    static const char *const labels[] = {"org.pulldrill.interface=2", "our.level=seven"};
    struct image_recipe recipe = {.name = "agent",
                                  .seed = 1,
                                  .layers = &layer,
                                  .layer_count = 1,
                                  .labels = labels,
                                  .label_count = 2,
                                  .platforms = platforms,
                                  .platform_count = index ? 2 : 0};
    struct image image;
    struct pull_descriptor top;
    struct err e = {0};

    cr_assert_eq(image_build(&recipe, &image, &e), 0, "%s", e.text);
    for (size_t i = 0; i < image.manifest_count; i++) {
        put(image.manifests[i].config);
        put(image.manifests[i].layers[0]);
        put(image.manifests[i].manifest);
    }
    put(image.top);
    top = descriptor_of(image.top);
    cr_assert_eq(pull_layout_publish(&layout, &top, tag, &e), 0, "%s", e.text);
    return image;
}

/* Opens the layout as a command line with MORE (NULL: nothing) would. -1: E. */
static int open_with(const char *option, const char *value, const char *reference,
                     struct pull_baked *baked, struct err *e)
{
    char *argv[] = {"build-start",
                    "--primary",
                    "127.0.0.1:1",
                    "--platform",
                    "linux/amd64",
                    "--baked-in",
                    dir,
                    (char *)(uintptr_t)reference,
                    (char *)(uintptr_t)option,
                    (char *)(uintptr_t)value};
    struct pull_options o;

    cr_assert_eq(pull_options_parse(option != NULL ? 10 : 8, argv, &o, e), 0, "%s", e->text);
    return pull_baked_open(baked, &o, e);
}

static void expect_refused(const char *option, const char *value, const char *why)
{
    struct err e = {0};
    struct pull_baked baked;

    cr_expect_eq(open_with(option, value, "ci/agent:stable", &baked, &e), -1);
    cr_expect_not_null(strstr(e.text, why), "\"%s\" does not say \"%s\"", e.text, why);
}

/* A whole image with the interface asked for is taken; nobody asks where there is no --interface.
 */
Test(build_baked, takes_what_fits)
{
    struct image image = bake("stable", false);
    struct pull_baked baked;
    struct err e = {0};

    cr_assert_eq(open_with("--interface", "2", "ci/agent:stable", &baked, &e), 0, "%s", e.text);
    cr_expect_str_eq(baked.manifest.digest, image.top->digest);
    cr_expect_eq(open_with(NULL, NULL, "ci/agent:stable", &baked, &e), 0, "%s", e.text);
    cr_expect_eq(open_with(NULL, NULL, "ci/agent:newer", &baked, &e), 0,
                 "the only image will do, whatever it was called: %s", e.text);
    image_close(&image);
}

/* Another interface, none at all, or one under another name is refused, in words. */
Test(build_baked, refuses_another_interface)
{
    struct image image = bake("stable", false);

    expect_refused("--interface", "3", "its label org.pulldrill.interface is 2, and 3 is needed");
    expect_refused("--interface", "", "its label org.pulldrill.interface is 2, and  is needed");
    image_close(&image);
}

/* The label has the name that the command line gives it. */
Test(build_baked, label_of_another_name)
{
    struct image image = bake("stable", false);
    char *argv[] = {"build-start", "--primary",      "h:1",   "--baked-in",
                    dir,           "--interface",    "seven", "--interface-label",
                    "our.level",   "ci/agent:stable"};
    struct pull_options o;
    struct pull_baked baked;
    struct err e = {0};

    cr_assert_eq(pull_options_parse(10, argv, &o, &e), 0, "%s", e.text);
    cr_expect_eq(pull_baked_open(&baked, &o, &e), 0, "%s", e.text);
    o.interface_label = "no.such";
    cr_expect_eq(pull_baked_open(&baked, &o, &e), -1);
    cr_expect_str_eq(e.text, "it has no label no.such, and seven is needed");
    image_close(&image);
}

/* An index leads to the manifest for the platform, whose digest the start then claims. */
Test(build_baked, follows_an_index)
{
    struct image image = bake("stable", true);
    struct pull_baked baked;
    struct err e = {0};

    cr_assert_eq(open_with("--interface", "2", "ci/agent:stable", &baked, &e), 0, "%s", e.text);
    cr_expect_str_eq(baked.manifest.digest, image.manifests[1].manifest->digest);
    expect_refused("--platform", "linux/s390x", "an index without a manifest for linux/s390x");
    image_close(&image);
}

/* A digest that was asked for must be that of the image: the index's or the manifest's. */
Test(build_baked, keeps_to_the_digest)
{
    struct image image = bake("stable", true);
    struct pull_baked baked;
    struct err e = {0};

    cr_expect_eq(open_with("--digest", image.top->digest, "ci/agent:stable", &baked, &e), 0);
    cr_expect_eq(
        open_with("--digest", image.manifests[1].manifest->digest, "ci/agent:stable", &baked, &e),
        0);
    expect_refused("--digest", image.manifests[0].manifest->digest,
                   "which is not what was asked for");
    image_close(&image);
}

static void path_of(const char *digest, char path[256])
{
    snprintf(path, 256, "%s/blobs/sha256/%s", dir, digest + strlen("sha256:"));
}

/* What time has done to it is noticed: a flipped bit, a blob that is gone, no layout at all. */
Test(build_baked, refuses_what_is_not_whole)
{
    struct image image = bake("stable", false);
    char path[256];
    FILE *f;

    path_of(image.manifests[0].layers[0]->digest, path);
    cr_assert_not_null(f = fopen(path, "r+e"));
    cr_assert_neq(fputc('X', f), EOF);
    cr_assert_eq(fclose(f), 0);
    expect_refused(NULL, NULL, "is not there whole");
    path_of(image.top->digest, path);
    cr_assert_not_null(f = fopen(path, "r+e"));
    cr_assert_neq(fputc('X', f), EOF);
    cr_assert_eq(fclose(f), 0);
    expect_refused(NULL, NULL, "holds other bytes");
    cr_assert_eq(remove(path), 0);
    expect_refused(NULL, NULL, "cannot open");
    snprintf(path, sizeof path, "%s/index.json", dir);
    cr_assert_not_null(f = fopen(path, "we"));
    fputs("{\"manifests\": []}", f);
    cr_assert_eq(fclose(f), 0);
    expect_refused(NULL, NULL, "its index.json names no stable");
    cr_assert_eq(remove(path), 0);
    expect_refused(NULL, NULL, "cannot open");
    image_close(&image);
}
