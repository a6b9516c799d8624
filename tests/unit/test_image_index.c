/* Unit tests of images with platforms and labels: the index, what differs, what does not. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "fake-registry/image.h"

static const struct image_layer layers[] = {{20000, NULL, 0}, {3000, NULL, 0}};
static const char *const platforms[] = {"linux/amd64", "linux/arm64/v8"};

static struct image build(const struct image_recipe *recipe)
{
    struct err e = {0};
    struct image image;
    cr_assert_eq(image_build(recipe, &image, &e), 0, "%s", e.text);
    return image;
}

static struct image build_index(uint64_t seed)
{
    return build(&(struct image_recipe){.name = "agent",
                                        .seed = seed,
                                        .layers = layers,
                                        .layer_count = 2,
                                        .platforms = platforms,
                                        .platform_count = 2});
}

static json_t *json_of(const struct content *c)
{
    json_t *root = json_loadb((char *)c->data, c->size, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(root);
    return root;
}

/* What STEPS lead to, as text. */
static const char *text_at(const json_t *root, const char *first, const char *second)
{
    const json_t *value = json_object_get(root, first);
    return json_string_value(second ? json_object_get(value, second) : value);
}

/* An image without labels and platforms has the config it always had: scenarios and saved histories
 * name digests of such. (Those of its layers follow from the machine's zlib as well.) */
Test(image_index, plain_digests_stay)
{
    static const struct image_file file = {"bin/agent", "#!/bin/true\n", 12, 0755};
    struct image_layer layer = {0, &file, 1};
    struct image image = build(&(struct image_recipe){
        .name = "agent", .seed = 1, .layers = &layer, .layer_count = 1, .entrypoint = "bin/agent"});
    cr_assert_eq(image.manifest_count, 1);
    cr_assert_eq(image.top, image.manifests[0].manifest);
    cr_assert_str_eq(image.top->media_type, IMAGE_MANIFEST_TYPE);
    cr_expect_str_eq(image.manifests[0].config->digest,
                     "sha256:251bd87b1103628c329ee553b954fbe1cc10488eaacf21bcdf8bb0e9f0b728d5");
    image_close(&image);
}

/* The index names each manifest with digest, size and platform; the config says the same. */
Test(image_index, names_its_manifests)
{
    struct image image = build_index(1);
    json_t *index = json_of(image.top);
    json_t *entries = json_object_get(index, "manifests");
    cr_assert_str_eq(image.top->media_type, IMAGE_INDEX_TYPE);
    cr_assert_str_eq(text_at(index, "mediaType", NULL), IMAGE_INDEX_TYPE);
    cr_assert_eq(json_array_size(entries), 2);
    for (size_t i = 0; i < 2; i++) {
        const struct image_manifest *m = &image.manifests[i];
        json_t *entry = json_array_get(entries, i);
        json_t *config = json_of(m->config);
        const char *cpu = i == 0 ? "amd64" : "arm64";
        cr_expect_str_eq(text_at(entry, "digest", NULL), m->manifest->digest);
        cr_expect_eq(json_integer_value(json_object_get(entry, "size")),
                     (json_int_t)m->manifest->size);
        cr_expect_str_eq(text_at(entry, "platform", "architecture"), cpu);
        cr_expect_str_eq(text_at(entry, "platform", "os"), "linux");
        cr_expect_str_eq(text_at(config, "architecture", NULL), cpu);
        cr_expect_str_eq(text_at(config, "os", NULL), "linux");
        if (i == 1) {
            cr_expect_str_eq(text_at(entry, "platform", "variant"), "v8");
            cr_expect_str_eq(text_at(config, "variant", NULL), "v8");
        } else {
            cr_expect_null(text_at(entry, "platform", "variant"));
        }
        json_decref(config);
    }
    json_decref(index);
    image_close(&image);
}

/* Platforms have content of their own, the same for the same seed. */
Test(image_index, platforms_differ)
{
    struct image image = build_index(1);
    struct image again = build_index(1);
    struct image other = build_index(2);
    cr_assert_str_eq(image.top->digest, again.top->digest);
    cr_assert_str_neq(image.top->digest, other.top->digest);
    for (size_t i = 0; i < 2; i++) {
        cr_expect_str_neq(image.manifests[0].layers[i]->digest,
                          image.manifests[1].layers[i]->digest);
    }
    image_close(&image);
    image_close(&again);
    image_close(&other);
}

/* Labels stand in the config, where clients look for them, whatever bytes they hold. */
Test(image_index, labels)
{
    static const char *const labels[] = {"org.pulldrill.interface=2", "empty=", "odd=a=\"b\"\n",
                                         "bare"};
    struct image image = build(&(struct image_recipe){.name = "agent",
                                                      .seed = 1,
                                                      .layers = layers,
                                                      .layer_count = 1,
                                                      .labels = labels,
                                                      .label_count = 4});
    json_t *config = json_of(image.manifests[0].config);
    json_t *found = json_object_get(json_object_get(config, "config"), "Labels");
    cr_assert_eq(json_object_size(found), 4);
    cr_expect_str_eq(text_at(found, "org.pulldrill.interface", NULL), "2");
    cr_expect_str_eq(text_at(found, "empty", NULL), "");
    cr_expect_str_eq(text_at(found, "odd", NULL), "a=\"b\"\n");
    cr_expect_str_eq(text_at(found, "bare", NULL), "");
    json_decref(config);
    image_close(&image);
}

/* The index lies under its tag, all it lists by digest. */
Test(image_index, put)
{
    struct err e = {0};
    struct image image = build_index(1);
    struct store *s = store_new(&e);
    cr_assert_eq(image_put(&image, s, "ci/agent", "stable", &e), 0, "%s", e.text);
    cr_assert_eq(store_manifest(s, "ci/agent", "stable"), image.top);
    cr_assert_eq(store_manifest(s, "ci/agent", image.top->digest), image.top);
    for (size_t i = 0; i < 2; i++) {
        const struct image_manifest *m = &image.manifests[i];
        cr_expect_eq(store_manifest(s, "ci/agent", m->manifest->digest), m->manifest);
        cr_expect_eq(store_blob(s, "ci/agent", m->config->digest), m->config);
        cr_expect_eq(store_blob(s, "ci/agent", m->layers[1]->digest), m->layers[1]);
    }
    cr_assert_null(store_tag(s, "ci/agent", 1), "one tag alone");
    image_close(&image);
    store_free(s);
}

/* Platforms are two or three words of a narrow alphabet; anything else is refused. */
Test(image_index, platform_words)
{
    static const char *const wrong[] = {"",
                                        "linux",
                                        "linux/",
                                        "/amd64",
                                        "linux//v8",
                                        "linux/arm64/v8/x",
                                        "Linux/x",
                                        "linux/a b",
                                        "linux/arm64/",
                                        "linux/amd64 ",
                                        "linux/an-architecture-of-more-than-31-letters"};
    struct image_platform p;
    cr_assert(image_platform_parse("linux/arm64/v8", &p));
    cr_expect_str_eq(p.os, "linux");
    cr_expect_str_eq(p.architecture, "arm64");
    cr_expect_str_eq(p.variant, "v8");
    cr_assert(image_platform_parse("windows/amd64", &p));
    cr_expect_str_eq(p.variant, "");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_expect_not(image_platform_parse(wrong[i], &p), "%s", wrong[i]);
    }
}

/* A platform that is none fails the whole image, and leaves nothing. */
Test(image_index, bad_platform)
{
    static const char *const bad[] = {"linux/amd64", "linux"};
    struct err e = {0};
    struct image image;
    struct image_recipe recipe = {.name = "agent",
                                  .seed = 1,
                                  .layers = layers,
                                  .layer_count = 1,
                                  .platforms = bad,
                                  .platform_count = 2};
    cr_assert_eq(image_build(&recipe, &image, &e), -1);
    cr_assert_eq(e.code, ERR_INVALID);
    cr_assert_null(image.top);
    cr_assert_null(image.manifests);
}
