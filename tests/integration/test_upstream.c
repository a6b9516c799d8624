/* Pulling from an upstream registry, which is one of our own on the loop of a bed: what is asked,
 * how often, with which credential, and what becomes of its failures. */
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/auth.h"
#include "fake-registry/upstream.h"
#include "tests/lib/content_fixture.h"
#include "tests/lib/server_bed.h"

static const char *const rules =
    "{'head': {'on': 'primary', 'kind': 'status', 'code': 405, 'match': {'op': 'manifest-head'}},"
    " 'gone': {'on': 'primary', 'kind': 'status', 'code': 404, 'match': {'op': 'manifest-*'}},"
    " 'broken': {'on': 'primary', 'kind': 'status', 'code': 503, 'match': {'op': 'blob-get'}},"
    " 'altered': {'on': 'primary', 'kind': 'corrupt', 'match': {'op': 'blob-get'}},"
    " 'altered-manifest': {'on': 'primary', 'kind': 'corrupt', 'match': {'op': 'manifest-get'}},"
    " 'cut': {'on': 'primary', 'kind': 'truncate', 'after-bytes': 100,"
    "         'match': {'op': 'blob-get'}},"
    " 'stalled': {'on': 'primary', 'kind': 'stall', 'match': {'op': 'blob-get'}}}";

static char folder[FIXTURE_PATH];
static struct image source;

static void make(void)
{
    char path[FIXTURE_PATH + 20];
    fixture_folder(folder);
    snprintf(path, sizeof path, "%s/cache", folder);
    setenv("PULLDRILL_CACHE", path, 1);
    snprintf(path, sizeof path, "%s/auth.json", folder);
    fixture_write(folder, "auth.json", "{}", 2);
    setenv("REGISTRY_AUTH_FILE", path, 1);
    unsetenv("PULLDRILL_UPSTREAM_CA");
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    unsetenv("HTTPS_PROXY");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
}

static void clear(void)
{
    fixture_remove(folder);
}
TestSuite(upstream, .init = make, .fini = clear);

/* A bed whose registry holds the image as ci/app:stable. */
static struct bed *open_bed(size_t platforms)
{
    struct err e = {0};
    struct bed *b = bed_open(rules, NULL);
    fixture_image("app", 2, platforms, &source);
    cr_assert_eq(image_put(&source, b->store, "ci/app", "stable", &e), 0, "%s", e.text);
    return b;
}

static void close_bed(struct bed *b)
{
    bed_close(b);
    image_close(&source);
}

/* A pull on a thread of its own, while the loop of the bed turns. */
struct pull {
    struct content_name name;
    struct disk_cache cache;
    struct image image;
    struct err e;
    int result;
    uv_thread_t thread;
    atomic_bool done;
};

static void pull_run(void *data)
{
    struct pull *p = data;
    p->result = disk_cache_open(&p->cache, &p->e) != 0
                    ? -1
                    : upstream_image(&p->name, &p->cache, &p->image, &p->e);
    atomic_store(&p->done, true);
}

/* From LISTENER; REFERENCE as "stable" or a digest. */
static void pull_begin(const struct bed *b, int listener, const char *reference, struct pull *p)
{
    const char *address = server_address(b->server, listener);
    struct err e = {0};
    p->name = (struct content_name){.kind = CONTENT_UPSTREAM,
                                    .scheme = bed_speaks_tls ? SCHEME_HTTPS : SCHEME_HTTP};
    snprintf(p->name.host, sizeof p->name.host, "%s", address);
    cr_assert_eq(content_name_image(&p->name, "ci/app", reference, &e), 0);
    atomic_store(&p->done, false);
    cr_assert_eq(uv_thread_create(&p->thread, pull_run, p), 0);
}

static void pull_end(struct bed *b, struct pull *p)
{
    while (!atomic_load(&p->done)) {
        bed_turn(b);
        (void)poll(NULL, 0, 1);
    }
    cr_assert_eq(uv_thread_join(&p->thread), 0);
}

static void expect_pulled(struct bed *b, int listener)
{
    struct pull p = {.result = 0};
    pull_begin(b, listener, "stable", &p);
    pull_end(b, &p);
    cr_assert_eq(p.result, 0, "%s", p.e.text);
    cr_expect_str_eq(p.image.top->digest, source.top->digest);
    cr_expect_str_eq(p.image.top->media_type, source.top->media_type);
    cr_assert_eq(p.image.manifest_count, source.manifest_count);
    for (size_t i = 0; i < source.manifest_count; i++) {
        cr_expect_str_eq(p.image.manifests[i].layers[1]->digest,
                         source.manifests[i].layers[1]->digest);
    }
    image_close(&p.image);
}

static void expect_refused(struct bed *b, int listener, enum err_code code, const char *why)
{
    struct pull p = {.result = 0};
    pull_begin(b, listener, "stable", &p);
    pull_end(b, &p);
    cr_assert_eq(p.result, -1, "pulled; it should say %s", why);
    cr_expect_eq(p.e.code, code, "code %d", (int)p.e.code);
    cr_expect_not_null(strstr(p.e.text, why), "%s; it should say %s", p.e.text, why);
    cr_expect_null(strstr(p.e.text, "hunter2"), "a password in %s", p.e.text);
}

/* Requests of METHOD whose path has PART in it. */
static size_t asked(const struct bed *b, const char *method, const char *part)
{
    size_t n = 0;
    for (size_t i = 0; i < b->events; i++) {
        const struct event *ev = &b->event[i].ev;
        n += ev->type == EVENT_REQUEST && strcmp(ev->request.method, method) == 0 &&
             strstr(ev->request.path, part) != NULL;
    }
    return n;
}

/* The second time only the tag is asked for, and nothing is fetched; by its digest nothing is asked
 * at all. */
Test(upstream, fetches_once)
{
    struct bed *b = open_bed(2);
    expect_pulled(b, b->listener);
    cr_expect_eq(asked(b, "HEAD", "/manifests/stable"), 1);
    cr_expect_eq(asked(b, "GET", "/manifests/"), 3);
    cr_expect_eq(asked(b, "GET", "/blobs/"), 6, "%zu", asked(b, "GET", "/blobs/"));
    expect_pulled(b, b->listener);
    cr_expect_eq(asked(b, "HEAD", "/"), 2);
    cr_expect_eq(asked(b, "GET", "/"), 9);
    struct pull p = {.result = 0};
    pull_begin(b, b->listener, source.top->digest, &p);
    pull_end(b, &p);
    cr_assert_eq(p.result, 0, "%s", p.e.text);
    image_close(&p.image);
    cr_expect_eq(bed_count(b, EVENT_REQUEST), 11);
    close_bed(b);
}

/* A tag that moved is noticed; only what is new is fetched. */
Test(upstream, tag_moves)
{
    struct err e = {0};
    struct bed *b = open_bed(0);
    expect_pulled(b, b->listener);
    size_t before = asked(b, "GET", "/");
    image_close(&source);
    fixture_image("app", 3, 0, &source);
    cr_assert_eq(image_put(&source, b->store, "ci/app", "stable", &e), 0, "%s", e.text);
    expect_pulled(b, b->listener);
    size_t news = asked(b, "GET", "/") - before;
    cr_expect_eq(news, 3, "manifest, config and one layer are new, not %zu", news);
    close_bed(b);
}

/* Two that want the same at once: each blob is fetched once. */
Test(upstream, single_flight)
{
    struct bed *b = open_bed(0);
    struct pull p[2] = {{.result = 0}, {.result = 0}};
    for (size_t i = 0; i < 2; i++) {
        pull_begin(b, b->listener, "stable", &p[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        pull_end(b, &p[i]);
        cr_assert_eq(p[i].result, 0, "%s", p[i].e.text);
        image_close(&p[i].image);
    }
    cr_expect_eq(asked(b, "HEAD", "/manifests/stable"), 2);
    cr_expect_eq(asked(b, "GET", "/"), 4);
    close_bed(b);
}

/* A registry without HEAD is asked by GET, and what came so is not asked for again. */
Test(upstream, without_head)
{
    struct bed *b = open_bed(0);
    bed_arm(b, "head");
    expect_pulled(b, b->listener);
    cr_expect_eq(asked(b, "GET", "/manifests/stable"), 1);
    cr_expect_eq(asked(b, "GET", "/manifests/sha256"), 0);
    close_bed(b);
}

/* A blob in the cache that was altered is fetched again. */
Test(upstream, altered_cache)
{
    struct bed *b = open_bed(0);
    char path[FIXTURE_PATH];
    char cache[FIXTURE_PATH];
    expect_pulled(b, b->listener);
    snprintf(cache, sizeof cache, "%.400s/cache", folder);
    fixture_blob(cache, source.manifests[0].layers[0], path);
    FILE *f = fopen(path, "r+e");
    cr_assert_not_null(f);
    fputc(0, f);
    fclose(f);
    fixture_blob(cache, source.manifests[0].config, path);
    cr_assert_eq(truncate(path, 3), 0);
    size_t before = asked(b, "GET", "/");
    expect_pulled(b, b->listener);
    cr_expect_eq(asked(b, "GET", "/") - before, 2);
    close_bed(b);
}

/* Whatever the other side does wrong names its host and is the environment's fault; nothing of it
 * comes into the cache. */
Test(upstream, failures)
{
    static const struct {
        const char *rule, *why;
    } failures[] = {
        {"gone", "answered 404 to manifests/stable of ci/app"},
        {"altered-manifest", "sent a manifest for sha256:"},
        {"broken", "answered 503 to blobs/sha256:"},
        {"altered", "sent a blob for sha256:"},
        {"cut", "gave no answer"},
    };
    struct bed *b = open_bed(0);
    char text[400];
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        bed_arm(b, failures[i].rule);
        expect_refused(b, b->listener, ERR_ENVIRONMENT, failures[i].why);
        snprintf(text, sizeof text, "the upstream registry %s",
                 server_address(b->server, b->listener));
        expect_refused(b, b->listener, ERR_ENVIRONMENT, text);
        bed_heal(b, failures[i].rule);
    }
    expect_pulled(b, b->listener);
    close_bed(b);
}

/* Nobody listens there. */
Test(upstream, down)
{
    struct bed *b = open_bed(0);
    struct err e = {0};
    cr_assert_eq(server_refuse_all(b->server, true, &e), 0);
    expect_refused(b, b->listener, ERR_ENVIRONMENT, "gave no answer: Couldn't connect");
    close_bed(b);
}

static atomic_bool stop_now;
static bool stopped(void *data)
{
    (void)data;
    return atomic_load(&stop_now);
}

/* An interrupted drill does not wait for a stalled upstream. */
Test(upstream, interrupted)
{
    struct bed *b = open_bed(0);
    struct pull p = {.cache = {.stop = stopped}};
    bed_arm(b, "stalled");
    pull_begin(b, b->listener, "stable", &p);
    while (asked(b, "GET", "/blobs/") == 0) {
        bed_turn(b);
        (void)poll(NULL, 0, 1);
    }
    atomic_store(&stop_now, true);
    pull_end(b, &p);
    cr_assert_eq(p.result, -1);
    cr_expect_not_null(strstr(p.e.text, "interrupted"), "%s", p.e.text);
    close_bed(b);
}

/* A cache that cannot be made is told as such. */
Test(upstream, no_cache)
{
    struct bed *b = open_bed(0);
    setenv("PULLDRILL_CACHE", "/dev/null/cache", 1);
    expect_refused(b, b->listener, ERR_ENVIRONMENT, "the cache: cannot make /dev/null");
    close_bed(b);
}

/* TLS needs a certificate that is trusted. */
Test(upstream, tls)
{
    char path[FIXTURE_PATH + 20];
    bed_speaks_tls = true;
    struct bed *b = open_bed(0);
    expect_refused(b, b->listener, ERR_ENVIRONMENT, "gave no answer");
    const char *pem = tls_authority_pem(b->authority);
    fixture_write(folder, "ca.pem", pem, strlen(pem));
    snprintf(path, sizeof path, "%s/ca.pem", folder);
    setenv("PULLDRILL_UPSTREAM_CA", path, 1);
    expect_pulled(b, b->listener);
    close_bed(b);
}

/* ---- credentials ---------------------------------------------------------------------------- */

struct secured {
    struct bed *bed;
    struct auth *auth;
    char mark[AUTH_MARK + 1];
    int listener;
    int blobs;
};

/* A registry that asks for a credential and redirects its blobs to a host of their own. */
static void open_secured(struct secured *s, enum auth_mode mode)
{
    struct err e = {0};
    s->bed = open_bed(0);
    cr_assert_eq(auth_mark(s->mark, &e), 0, "%s", e.text);
    const struct auth_config config = {
        .registry = "secured", .mark = s->mark, .mode = mode, .ttl_ns = UINT64_C(300000000000)};
    s->auth = auth_new(&config, &e);
    cr_assert_not_null(s->auth, "%s", e.text);
    const struct server_registry registry = {
        .name = "secured", .store = s->bed->store, .auth = s->auth, .redirect_blobs = true};
    struct server_listen how = {.lane = 1};
    how.registry = server_add_registry(s->bed->server, &registry, &e);
    cr_assert_geq(how.registry, 0, "%s", e.text);
    s->listener = server_listen(s->bed->server, &how, "127.3.1.1", 0, &e);
    how.role = SERVER_BLOBS;
    s->blobs = server_listen(s->bed->server, &how, "127.3.1.1", 0, &e);
    cr_assert(s->listener >= 0 && s->blobs >= 0, "%s", e.text);
}

static void close_secured(struct secured *s)
{
    close_bed(s->bed);
    auth_free(s->auth);
}

/* Writes a file as docker login would: KEY's entry has USER and PASSWORD. */
static void log_in(const char *key, const char *user, const char *password)
{
    char plain[300];
    char text[800];
    unsigned char coded[500];
    snprintf(plain, sizeof plain, "%s:%s", user, password);
    EVP_EncodeBlock(coded, (const unsigned char *)plain, (int)strlen(plain));
    snprintf(text, sizeof text,
             "{\"auths\":{\"other.example.org\":{\"auth\":\"eDp5\"},\"%s\":"
             "{\"auth\":\"%s\"}}}",
             key, coded);
    fixture_write(folder, "auth.json", text, strlen(text));
}

static void expect_credentials(enum auth_mode mode)
{
    struct secured s;
    size_t redirected = 0;
    open_secured(&s, mode);
    log_in(server_address(s.bed->server, s.listener), auth_user(s.auth), auth_password(s.auth));
    expect_pulled(s.bed, s.listener);
    for (size_t i = 0; i < s.bed->events; i++) {
        const struct event *ev = &s.bed->event[i].ev;
        if (ev->type == EVENT_REQUEST && strcmp(ev->request.host, "secured/blobs") == 0) {
            redirected++;
            cr_expect_str_eq(ev->request.credential, "none", "the redirect target got one");
        }
    }
    cr_expect_eq(redirected, 3);
    close_secured(&s);
}

/* The credential of a file brings in what is asked for; the host that blobs are redirected to gets
 * none of it. */
Test(upstream, basic)
{
    expect_credentials(AUTH_BASIC);
}

/* The same by way of a token. */
Test(upstream, token)
{
    expect_credentials(AUTH_TOKEN);
}

static void expect_no_entry(enum auth_mode mode, const char *unknown, const char *wrong)
{
    struct secured s;
    open_secured(&s, mode);
    log_in("elsewhere.example.org", auth_user(s.auth), auth_password(s.auth));
    expect_refused(s.bed, s.listener, ERR_ENVIRONMENT, unknown);
    for (size_t i = 0; i < s.bed->events; i++) {
        const struct event *ev = &s.bed->event[i].ev;
        bool bearer = mode == AUTH_TOKEN && ev->type == EVENT_REQUEST &&
                      strncmp(ev->request.path, "/v2/", 4) == 0;
        cr_expect(ev->type != EVENT_REQUEST || bearer ||
                      strcmp(ev->request.credential, "none") == 0,
                  "the credential of another host was sent");
    }
    log_in(server_address(s.bed->server, s.listener), auth_user(s.auth), "hunter2");
    expect_refused(s.bed, s.listener, ERR_ENVIRONMENT, wrong);
    fixture_write(folder, "auth.json", "hunter2", 7);
    expect_refused(s.bed, s.listener, ERR_ENVIRONMENT, "auth.json: no JSON object");
    close_secured(&s);
}

/* No credential for this host, whatever there is for others; a wrong one. Neither is in a
 * complaint.
 */
Test(upstream, no_credential)
{
    expect_no_entry(AUTH_BASIC, "wants a credential (401); no credential of it is known",
                    "answered 401");
}

/* The same by way of a token. */
Test(upstream, no_token)
{
    expect_no_entry(AUTH_TOKEN, "no credential of it is known", "gives no token");
}
