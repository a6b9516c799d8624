/* Stages of the fake registry: store (memory), disk (cache and store), wire. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/disk.h"
#include "fake-registry/http.h"
#include "fake-registry/image.h"
#include "fake-registry/oci.h"
#include "fake-registry/store.h"
#include "fake-registry/wire.h"
#include "tests/torture/torture.h"

#define REPOSITORY "ci/agent"
#define BLOB "what is pushed"

static int build(struct image *image, struct result *o)
{
    static const char *const platforms[] = {"linux/amd64", "linux/arm64"};
    static const struct image_file file = {"etc/motd", "hello", 5, 0644};
    static const struct image_layer layers[] = {{4096, &file, 1}, {300, NULL, 0}};
    const struct image_recipe recipe = {.name = "agent",
                                        .seed = 7,
                                        .layers = layers,
                                        .layer_count = 2,
                                        .platforms = platforms,
                                        .platform_count = 2};
    o->status = image_build(&recipe, image, &o->e);
    return o->status;
}

/* A blob pushed in two pieces, as clients do, and kept. */
static void push(struct store *s, struct result *o)
{
    char digest[DIGEST_TEXT];
    if (digest_sha256(BLOB, strlen(BLOB), digest) != 0) {
        o->status = err_set(&o->e, ERR_NOMEM, "OpenSSL has no memory");
        return;
    }
    struct upload *u = store_upload_begin(s, REPOSITORY, NULL, &o->e);
    if (u == NULL) {
        o->status = -1;
        return;
    }
    upload_hold(u);
    if (upload_add(u, BLOB, 5, &o->e) != 0 ||
        upload_add(u, &BLOB[5], strlen(BLOB) - 5, &o->e) != 0) {
        o->status = -1;
        store_upload_cancel(s, u);
        return;
    }
    struct store_job *job = store_job_blob(s, u, digest, &o->e);
    if (job == NULL) {
        o->status = -1;
        return;
    }
    store_job_work(job);
    o->status = store_job_finish(job, &o->e);
    result_add(o, digest, store_blob(s, REPOSITORY, digest) != NULL ? 20 : 1);
}

static void take_away(struct store *s, enum store_thing thing, const char *key, struct result *o)
{
    struct store_job *job = store_job_delete(s, "ci/other", thing, key, &o->e);
    if (job != NULL) {
        store_job_work(job);
    }
    if (job == NULL || store_job_finish(job, &o->e) != 0) {
        o->status = -1;
    }
}

static void tag(struct store *s, struct content *c, struct result *o)
{
    static const char *const tags[] = {"one", "two"};
    struct store_job *job = store_job_manifest(s, "ci/other", c, tags, 2, &o->e);
    if (job == NULL) {
        o->status = -1;
        return;
    }
    store_job_work(job);
    o->status = store_job_finish(job, &o->e);
    if (o->status == 0) {
        result_text(o, store_tag(s, "ci/other", 1));
        take_away(s, STORE_TAG, "one", o);
        take_away(s, STORE_MANIFEST, c->digest, o);
    }
    result_text(o, store_tag(s, "ci/other", 0));
}

static void tag_blob(struct store *s, struct result *o)
{
    static const char text[] = "{\"schemaVersion\":2}";
    uint8_t *data = malloc(sizeof text);
    struct content *c = NULL;
    if (data != NULL) {
        memcpy(data, text, sizeof text);
        c = content_new_take(data, sizeof text - 1, IMAGE_MANIFEST_TYPE, &o->e);
    }
    if (c == NULL) {
        free(data);
        o->status = err_set(&o->e, ERR_NOMEM, "no memory for a manifest");
        return;
    }
    tag(s, c, o);
    content_unref(c);
}

static void fill(struct store *s, struct result *o)
{
    struct image image = {0};
    if (build(&image, o) != 0) {
        return;
    }
    o->status = image_put(&image, s, REPOSITORY, "stable", &o->e);
    if (o->status == 0) {
        result_text(o, store_manifest(s, REPOSITORY, "stable")->digest);
        push(s, o);
    }
    if (o->status == 0) {
        tag(s, image.top, o);
    }
    image_close(&image);
}

void stage_store(const struct bench *b, struct result *o)
{
    (void)b;
    struct store *s = store_new(&o->e);
    if (s == NULL) {
        o->status = -1;
        return;
    }
    fill(s, o);
    store_free(s);
}

/* ---- disk ---------------------------------------------------------------------------------- */

/* What can only be told so is trouble, too. */
static void on_note(void *data, const char *text)
{
    struct result *o = data;
    (void)err_set(&o->e, ERR_IO, "%s", text);
}

/* A folder is a store, takes a push, and is read again. */
void stage_disk(const struct bench *b, struct result *o)
{
    char folder[TORTURE_PATH + 10];
    snprintf(folder, sizeof folder, "%s/store", b->work);
    for (int round = 0; round < 2 && o->status == 0; round++) {
        struct store *s = store_open(folder, on_note, o, &o->e);
        if (s == NULL) {
            o->status = -1;
            return;
        }
        if (round == 0) {
            push(s, o);
        }
        if (round == 0 && o->status == 0) {
            tag_blob(s, o);
        }
        result_text(o, store_repository(s, 0));
        result_text(o, store_tag(s, "ci/other", 0));
        store_free(s);
        o->status = o->e.code != ERR_NONE ? -1 : o->status;
    }
}

static int cache_write(const struct disk_cache *cache, const struct content_descriptor *want,
                       struct result *o)
{
    struct disk_writer w;
    bool wrong = false;
    if (disk_writer_open(&w, cache, want, &o->e) != 0) {
        return -1;
    }
    if (w.there) {
        return 0;
    }
    if (disk_writer_add(&w, BLOB, strlen(BLOB), &o->e) != 0) {
        disk_writer_close(&w);
        return -1;
    }
    return disk_writer_keep(&w, &wrong, &o->e);
}

void stage_cache(const struct bench *b, struct result *o)
{
    struct disk_cache cache = {0};
    struct content_descriptor want = {.size = strlen(BLOB)};
    bool missing = false, altered = false;
    setenv("PULLDRILL_CACHE", b->work, 1);
    if (digest_sha256(BLOB, strlen(BLOB), want.digest) != 0) {
        o->status = err_set(&o->e, ERR_NOMEM, "OpenSSL has no memory");
        return;
    }
    if (disk_cache_open(&cache, &o->e) != 0 || cache_write(&cache, &want, o) != 0) {
        o->status = -1;
        return;
    }
    struct content *c = disk_load(cache.folder, &want, DISK_DOCUMENT, &missing, &altered, &o->e);
    if (c == NULL) {
        o->status = -1;
        return;
    }
    result_add(o, c->data, c->size);
    content_unref(c);
}

/* ---- wire ---------------------------------------------------------------------------------- */

static const char request_text[] = "GET /v2/" REPOSITORY "/manifests/stable HTTP/1.1\r\n"
                                   "Host: registry.test\r\nUser-Agent: torture/1\r\n"
                                   "Accept: " IMAGE_INDEX_TYPE "\r\n\r\n"
                                   "GET /v2/" REPOSITORY "/tags/list HTTP/1.1\r\nHost: r\r\n\r\n"
                                   "GET /v2/" REPOSITORY "/blobs/none HTTP/1.1\r\nHost: r\r\n\r\n"
                                   "GET /v2/" REPOSITORY "/blobs/%s HTTP/1.1\r\nHost: r\r\n"
                                   "Range: bytes=0-9,100-,20-29\r\n\r\n";

static int no_memory(struct result *o, const char *what)
{
    o->status = err_set(&o->e, ERR_NOMEM, "no memory for %s", what);
    return -1;
}

static void answer(const struct store *s, const struct http_request *request, struct result *o)
{
    static const struct fault_rule rule = {.name = "c", .kind = &fault_catalogue[FAULT_CORRUPT]};
    const struct fault_decision flip = {
        .rule = &rule,
        .fired = true,
        .action = {.rule = &rule, .offset = 3, .bytes = 1, .flip = 1}};
    struct oci_route route;
    struct response r;
    struct wire_plan plan;
    oci_route(request, &route);
    response_init(&r);
    if (oci_respond(s, request, &route, NULL, 0, &r) != 0) {
        response_close(&r);
        no_memory(o, "an answer");
        return;
    }
    o->status = wire_plan(&r, &flip, 1, true, &plan, &o->e);
    if (o->status != 0) {
        response_close(&r);
        return;
    }
    result_add(o, &r.status, sizeof r.status);
    result_add(o, &plan.body_len, sizeof plan.body_len);
    wire_plan_close(&plan);
}

static void converse(const struct store *s, struct http_parser *p, const char *data,
                     struct result *o)
{
    size_t left = strlen(data);
    while (o->status == 0 && left > 0) {
        const char *body = NULL;
        size_t used = 0, body_len = 0;
        enum http_event event = http_parser_feed(p, data, left, &used, &body, &body_len);
        data += used;
        left -= used;
        if (event == HTTP_BROKEN) {
            const char *why = "";
            if (http_parser_status(p, &why) == 500) {
                no_memory(o, why);
            } else {
                o->status = err_set(&o->e, ERR_INVALID, "%s", why);
            }
        } else if (event == HTTP_DONE) {
            answer(s, http_parser_request(p), o);
            http_parser_next(p);
        }
    }
}

void stage_wire(const struct bench *b, struct result *o)
{
    (void)b;
    struct store *s = store_new(&o->e);
    struct image image = {0};
    struct http_parser *p = NULL;
    char text[sizeof request_text + DIGEST_TEXT];
    if (s == NULL || build(&image, o) != 0 ||
        image_put(&image, s, REPOSITORY, "stable", &o->e) != 0) {
        o->status = -1;
    } else {
        (void)snprintf(text, sizeof text, request_text, image.manifests[0].layers[0]->digest);
        p = http_parser_new();
        p != NULL ? converse(s, p, text, o) : (void)no_memory(o, "a parser");
    }
    http_parser_free(p);
    image_close(&image);
    store_free(s);
}
