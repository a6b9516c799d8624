/* The keys of images and their layers: parser, schema and reference read these tables. */
#include "harness/scenario_internal.h"

#define LEN(table) (sizeof(table) / sizeof((table)[0]))
#define KEYS(table) .keys = (table), .key_count = LEN(table)

static const struct key_value name_value = {.form = KEY_NAME};

#define SIZE_SHOWN "size above 0, at most 4 GiB"
static const struct key_value file_value = {.form = KEY_TEXT, .min = 1};
static const struct key layer_keys[] = {
    {.name = "size",
     .value = {.form = KEY_SIZE,
               .min = 1,
               .max = SCENARIO_MAX_LAYER_BYTES,
               .expanded = true,
               .shown = SIZE_SHOWN},
     .fallback = "what the files come to",
     .meaning = "of the compressed layer, to within 1 KiB; seeded content that does not compress "
                "fills it up",
     .example = "\"64KiB\""},
    {.name = "files",
     .value = {.form = KEY_MAP,
               .min = 1,
               .max = SCENARIO_MAX_FILES,
               .of = &file_value,
               .pattern = "^(?!/)(?!(.*/)?\\.{0,2}(/|$)).{1,1024}$",
               .every_name = true,
               .shown = "object of 1 to 256 sources by path in the image"},
     .fallback = "none",
     .meaning = "files in it, with the mode that they have on disk; a source is a path relative to "
                "the scenario's folder, or begins with ${scenario.dir} or ${subjects.dir}, and has "
                "at most 256 MiB",
     .example = "{\"bin/agent\": \"${subjects.dir}/agent\"}"},
};
static const char *const layer_any[] = {"size", "files", NULL};
const struct key_level scenario_level_layer = {
    .any_of = layer_any,
    .what = "a layer",
    .name = "layer",
    .meaning = "a layer: a size, or an object with \"size\", \"files\" or both",
    KEYS(layer_keys)};
static const struct key_value layer_forms[] = {{.form = KEY_SIZE,
                                                .min = 1,
                                                .max = SCENARIO_MAX_LAYER_BYTES,
                                                .expanded = true,
                                                .shown = SIZE_SHOWN},
                                               {.form = KEY_LEVEL, .level = &scenario_level_layer}};
static const struct key_value layer_value = {
    .form = KEY_ONE_OF, .of = layer_forms, .of_count = LEN(layer_forms), .shown = "layers"};

#define PLATFORM_PART "[a-z0-9_.-]{1,31}"
static const struct key_value label_value = {.form = KEY_TEXT};
static const struct key_value platform_value = {.form = KEY_TEXT,
                                                .pattern = "^" PLATFORM_PART "/" PLATFORM_PART
                                                           "(/" PLATFORM_PART ")?$",
                                                .shown = "platforms"};
static const struct key image_keys[] = {
    {.name = "ref",
     .value = {.form = KEY_TEXT, .pattern = SCENARIO_REF_PATTERN, .shown = "`repository[:tag]`"},
     .required = true,
     .meaning = "what the image is called; no host and no digest; the tag is latest where absent",
     .example = "\"ci/agent:stable\""},
    {.name = "on",
     .value = {.form = KEY_LIST,
               .max = SCENARIO_MAX_REGISTRIES,
               .of = &name_value,
               .distinct = true,
               .shown = "array of registries"},
     .fallback = "all registries",
     .meaning = "where it lies; [] for nowhere",
     .example = "[\"primary\"]"},
    {.name = "layers",
     .value = {.form = KEY_LIST, .min = 1, .max = SCENARIO_MAX_LAYERS, .of = &layer_value},
     .fallback = "[\"64KiB\"]",
     .meaning = "what it is made of",
     .example = "[\"64KiB\"]"},
    {.name = "from",
     .value = {.form = KEY_TEXT,
               .pattern = "^(oci|oci-archive|docker-archive):[^:].*$|^docker://[^@/]+/.+$",
               .shown = "where it lies: `oci:DIR`, `oci:DIR:NAME`, `oci-archive:FILE`, "
                        "`docker-archive:FILE`, `docker://HOST/REPOSITORY:TAG`"},
     .excludes = "layers",
     .fallback = "made of its layers",
     .meaning =
         "real content in place of \"layers\", \"labels\" and \"platforms\": from an image "
         "layout, from an archive of one or of `docker save` (`:NAME` behind it where it holds "
         "several images), or from a registry elsewhere; a path is relative to the scenario's "
         "folder, or begins with ${scenario.dir} or ${subjects.dir}",
     .example = "\"oci:images/agent\""},
    {.name = "labels",
     .value = {.form = KEY_MAP,
               .max = SCENARIO_MAX_LABELS,
               .of = &label_value,
               .pattern = "^[^=]{1,256}$",
               .every_name = true,
               .shown = "object of up to 64 texts"},
     .excludes = "from",
     .fallback = "none",
     .meaning = "labels of its config, by name",
     .example = "{\"org.opencontainers.image.version\": \"1.2\"}"},
    {.name = "platforms",
     .value = {.form = KEY_LIST,
               .min = 1,
               .max = SCENARIO_MAX_PLATFORMS,
               .of = &platform_value,
               .distinct = true,
               .shown = "array of 1 to 16 platforms"},
     .excludes = "from",
     .fallback = "none: one manifest, of linux/amd64",
     .meaning = "makes it an index of one manifest a platform, each with layers of its own",
     .example = "[\"linux/amd64\", \"linux/arm64/v8\"]"},
    {.name = "canary-of",
     .value = {.form = KEY_NAME, .shown = "name of an image"},
     .needs = "canary",
     .fallback = "none",
     .meaning = "the image whose place it takes in some starts: there `${image.NAME}` of that one, "
                "and the same in the environment, stand for this one",
     .example = "\"agent\""},
    {.name = "canary",
     .value = {.form = KEY_SHARE, .shown = "share above 0%"},
     .needs = "canary-of",
     .fallback = "none",
     .meaning = "in how many starts: of each ten of a subject, with 10%, exactly one, counted in "
                "each phase; which one follows from the seed. Phases in which it lies nowhere have "
                "none",
     .example = "\"10%\""},
};
const struct key_level scenario_level_image = {
    .what = "an image",
    .name = "image",
    .meaning = "an image that registries hold; its digests follow from layers and seed, unless its "
               "content "
               "is real",
    KEYS(image_keys)};
