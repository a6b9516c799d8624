/* The harness's own pull. Happy path: manifest by its reference, its digest as planned, then each
 * blob hashed while it streams. Any failure names the object and ends the probe. The plan is only
 * read here, and it outlives the probe, so the worker thread needs no lock. */
#include "harness/probe.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/digest.h"

struct probe {
    uv_work_t work;
    const struct plan *plan;
    struct probe_want *wants; /* owned */
    size_t count;
    char endpoint[64];
    probe_done *done;
    void *data;
    bool ok;
    char detail[512];
};

struct sink {
    struct digest_stream *digest;
    uint64_t size;
};

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    struct sink *sink = user;
    digest_stream_update(sink->digest, data, size * count);
    sink->size += size * count;
    return size * count;
}

static CURLcode fetch(CURL *curl, const char *url, struct sink *sink, long *status)
{
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)PROBE_LIMIT_S);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "pulldrill-probe");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink);
    CURLcode rc = curl_easy_perform(curl);
    *status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    return rc;
}

/* One object: true when it came whole with the digest that the plan says. */
static bool pull_object(struct probe *p, CURL *curl, const char *url, const char *what,
                        const struct plan_blob *want)
{
    struct sink sink = {.digest = digest_stream_new(want->digest)};
    if (sink.digest == NULL) {
        snprintf(p->detail, sizeof p->detail, "%s: no memory", what);
        return false;
    }
    long status = 0;
    CURLcode rc = fetch(curl, url, &sink, &status);
    bool digest_ok = digest_stream_finish(sink.digest);
    if (rc != CURLE_OK) {
        snprintf(p->detail, sizeof p->detail, "%s: %s", what, curl_easy_strerror(rc));
    } else if (status != 200) {
        snprintf(p->detail, sizeof p->detail, "%s: status %ld", what, status);
    } else if (!digest_ok || sink.size != want->size) {
        snprintf(p->detail, sizeof p->detail, "%s: %llu bytes with another digest", what,
                 (unsigned long long)sink.size);
    } else {
        return true;
    }
    return false;
}

/* What an index lists, by digest. */
static bool pull_listed(struct probe *p, CURL *curl, const struct plan_image *image)
{
    char url[1024];
    char what[400];
    for (size_t i = 0; plan_image_is_index(image) && i < image->manifest_count; i++) {
        const struct plan_manifest *m = &image->manifests[i];
        struct plan_blob manifest = {.digest = m->digest, .size = m->size};
        snprintf(url, sizeof url, "http://%s/v2/%s/manifests/%s", p->endpoint, image->repository,
                 m->digest);
        snprintf(what, sizeof what, "manifest %s", m->digest);
        if (!pull_object(p, curl, url, what, &manifest)) {
            return false;
        }
    }
    return true;
}

static bool pull_image(struct probe *p, CURL *curl, const struct probe_want *want)
{
    const struct plan_image *image = &p->plan->images[want->image];
    char url[1024];
    char what[400];
    struct plan_blob manifest = {.digest = image->digest, .size = image->manifest_size};
    snprintf(url, sizeof url, "http://%s/v2/%s/manifests/%s", p->endpoint, image->repository,
             want->reference);
    snprintf(what, sizeof what, "manifest %s%s%s", image->repository,
             strchr(want->reference, ':') != NULL ? "@" : ":", want->reference);
    if (!pull_object(p, curl, url, what, &manifest) || !pull_listed(p, curl, image)) {
        return false;
    }
    for (size_t i = 0; i < image->blob_count; i++) {
        snprintf(url, sizeof url, "http://%s/v2/%s/blobs/%s", p->endpoint, image->repository,
                 image->blobs[i].digest);
        snprintf(what, sizeof what, "blob %s", image->blobs[i].digest);
        if (!pull_object(p, curl, url, what, &image->blobs[i])) {
            return false;
        }
    }
    return true;
}

static void in_thread(uv_work_t *work)
{
    struct probe *p = work->data;
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        snprintf(p->detail, sizeof p->detail, "no memory");
        return;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < p->count; i++) {
        ok = pull_image(p, curl, &p->wants[i]);
    }
    curl_easy_cleanup(curl);
    p->ok = ok;
    if (ok) {
        snprintf(p->detail, sizeof p->detail, "%zu image%s pulled whole", p->count,
                 p->count == 1 ? "" : "s");
    }
}

static void in_loop(uv_work_t *work, int status)
{
    struct probe *p = work->data;
    if (status != 0) {
        snprintf(p->detail, sizeof p->detail, "%s", uv_strerror(status));
    }
    p->done(p->data, p->ok && status == 0, p->detail);
    free(p->wants);
    free(p);
}

int probe_start(uv_loop_t *loop, const struct plan *plan, struct probe_want *wants, size_t count,
                const char *endpoint, probe_done *done, void *data, struct err *e)
{
    struct probe *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return err_set(e, ERR_NOMEM, "probe: no memory");
    }
    p->plan = plan;
    p->wants = wants;
    p->count = count;
    snprintf(p->endpoint, sizeof p->endpoint, "%s", endpoint);
    p->done = done;
    p->data = data;
    p->work.data = p;
    int rc = uv_queue_work(loop, &p->work, in_thread, in_loop);
    if (rc != 0) {
        free(p);
        return err_set(e, ERR_IO, "probe: %s", uv_strerror(rc));
    }
    return 0;
}
