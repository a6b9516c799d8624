/* Documents of images, parted by lines of four dashes: each is read as a manifest, an index, a
 * config and the index of a layout; then the first is taken for an image whose parts are the
 * others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/content_source.h"
#include "fake-registry/layout.h"
#include "tests/fuzz/lib/client.h"
#include "tests/fuzz/lib/fuzz.h"

#define MAX_PARTS 16

struct parts {
    const uint8_t *data[MAX_PARTS];
    size_t len[MAX_PARTS];
    size_t count;
};

static void check_descriptor(const struct content_descriptor *d)
{
    MUST(digest_valid(d->digest), "the digest %s", d->digest);
    MUST(memchr(d->media_type, '\0', sizeof d->media_type) != NULL, "a media type without an end");
    MUST(memchr(d->platform.variant, '\0', IMAGE_MAX_WORD) != NULL, "a variant without an end");
}

static void read_as(const uint8_t *data, size_t len, const char *media_type, size_t max)
{
    struct content_list list;
    struct err e = {0};
    if (content_list_read(data, len, media_type, max, &list, &e) != 0) {
        MUST(e.code != ERR_NONE && e.text[0] != '\0', "refused without a word");
        return;
    }
    MUST(list.count <= max, "%zu of at most %zu", list.count, max);
    for (size_t i = 0; i < list.count; i++) {
        check_descriptor(&list.items[i]);
    }
    if (!list.index) {
        check_descriptor(&list.config);
    }
    MUST(list.subject[0] == '\0' || digest_valid(list.subject), "the subject %s", list.subject);
    content_list_close(&list);
}

static void read_all(const uint8_t *data, size_t len)
{
    static const char *const types[] = {"",
                                        IMAGE_MANIFEST_TYPE,
                                        IMAGE_INDEX_TYPE,
                                        DOCKER_MANIFEST_TYPE,
                                        DOCKER_LIST_TYPE,
                                        "application/json"};
    struct image_platform platform;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        read_as(data, len, types[i], 8);
    }
    content_config_platform(data, len, &platform);
    MUST(memchr(platform.os, '\0', IMAGE_MAX_WORD) != NULL, "an os without an end");
}

/* Some part for each digest, always the same. */
static struct content *load(void *data, const struct content_descriptor *want, bool memory,
                            bool *missing, struct err *e)
{
    const struct parts *parts = data;
    struct fuzz_dice dice = fuzz_dice((const uint8_t *)want->digest, strlen(want->digest));
    size_t part = fuzz_roll(&dice, parts->count + 1);
    (void)memory;
    check_descriptor(want);
    *missing = part == parts->count;
    if (*missing) {
        (void)err_set(e, ERR_INVALID, "not there");
        return NULL;
    }
    uint8_t *copy = malloc(parts->len[part] + 1);
    MUST(copy != NULL, "no memory");
    memcpy(copy, parts->data[part], parts->len[part]);
    struct content *c =
        content_verified_take(copy, -1, parts->len[part], want->digest, want->media_type, e);
    if (c == NULL) {
        free(copy);
    }
    return c;
}

static void walk(struct parts *parts, bool sparse)
{
    static const struct content_descriptor top = {
        .digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000",
        .size = CONTENT_SIZE_UNKNOWN};
    const struct content_source source = {.load = load, .data = parts, .sparse = sparse};
    struct image image;
    struct err e = {0};
    if (content_image(&source, &top, &image, &e) != 0) {
        MUST(e.code != ERR_NONE && image.top == NULL, "refused without a word");
        return;
    }
    MUST(image.manifest_count >= 1 && image.manifest_count <= IMAGE_MAX_MANIFESTS, "%zu manifests",
         image.manifest_count);
    image_close(&image);
}

static void read_layout(const uint8_t *data, size_t len)
{
    struct image image;
    struct err e = {0};
    char *text = malloc(len + 1);
    MUST(text != NULL, "no memory");
    memcpy(text, data, len);
    text[len] = '\0';
    MUST(layout_read("layout", "{\"imageLayoutVersion\": \"1.0.0\"}", text, "", "/dev/null", &image,
                     &e) != 0,
         "an image out of nothing");
    MUST(e.text[0] != '\0', "refused without a word");
    free(text);
}

/* Pushed as a manifest of TYPE: what is taken is given back byte by byte, and listed. */
static void push(struct store *store, const uint8_t *data, size_t len, const char *type)
{
    char headers[256] = "";
    struct response out;
    struct client_request r = {.method = "PUT",
                               .target = "/v2/ci/agent/manifests/stable?tag=1.0",
                               .headers = headers,
                               .body = data,
                               .len = len,
                               .cut = SIZE_MAX};
    if (type[0] != '\0') {
        snprintf(headers, sizeof headers, "Content-Type: %s\r\n", type);
    }
    client_ask(store, &r, &out);
    bool taken = out.status == 201;
    MUST(taken || out.status == 400, "a push: %u", out.status);
    response_close(&out);
    if (!taken) {
        return;
    }
    r = (struct client_request){
        .method = "GET", .target = r.target, .headers = "", .cut = SIZE_MAX};
    client_ask(store, &r, &out);
    MUST(out.status == 200 && out.len == len && memcmp(out.content->data, data, len) == 0,
         "other bytes: %u", out.status);
    const struct referrer *referrer = out.content->referrer;
    char target[256];
    snprintf(target, sizeof target, "/v2/ci/agent/referrers/%s",
             referrer != NULL ? referrer->subject : out.content->digest);
    response_close(&out);
    r.target = target;
    client_ask(store, &r, &out);
    MUST(out.status == 200 && (referrer == NULL || strstr(out.small, "sha256:") != NULL),
         "the referrers: %u %s", out.status, out.small);
    response_close(&out);
}

static void push_all(const uint8_t *data, size_t len)
{
    struct err e = {0};
    struct store *store = store_new(&e);
    MUST(store != NULL, "%s", e.text);
    push(store, data, len, "");
    push(store, data, len, IMAGE_MANIFEST_TYPE);
    push(store, data, len, IMAGE_INDEX_TYPE "; charset=utf-8");
    store_free(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct parts parts = {.count = 0};
    const uint8_t *part;
    size_t part_len;
    while (parts.count < MAX_PARTS && (part = fuzz_part(&data, &len, &part_len)) != NULL) {
        parts.data[parts.count] = part;
        parts.len[parts.count++] = part_len;
        read_all(part, part_len);
        read_layout(part, part_len);
        push_all(part, part_len);
    }
    walk(&parts, false);
    walk(&parts, true);
    return 0;
}
