/* Requests to an upstream registry.
 *
 * Happy path: a GET or HEAD by curl, which follows redirects and sends credentials to none of them;
 * a body goes to memory or, piece by piece, to the cache. Proxy variables hold as curl has them.
 *
 * Failure modes: no connection within 10 s, a transfer below 1 KiB/s for 30 s, an interrupted
 * drill, a cache that cannot be written, a body larger than stated. All end the request; what was
 * written so far is forgotten by the caller.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fake-registry/upstream_internal.h"

#define CONNECT_LIMIT_S 10L
#define SLOW_LIMIT_S 30L
#define SLOW_BYTES 1024L
#define WHOLE_LIMIT_S (6L * 3600)
#define REDIRECTS 5L

struct transfer {
    struct upstream *u;
    struct upstream_reply *reply;
    struct disk_writer *writer;
    struct err trouble; /* of our own side */
};

static const char *const accepted = "Accept: " IMAGE_INDEX_TYPE ", " IMAGE_MANIFEST_TYPE
                                    ", " DOCKER_LIST_TYPE ", " DOCKER_MANIFEST_TYPE;

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct transfer *t = data;
    long status = 0;
    size_t len = size * count;
    (void)curl_easy_getinfo(t->u->curl, CURLINFO_RESPONSE_CODE, &status);
    if (t->writer != NULL && status == 200) {
        return disk_writer_add(t->writer, bytes, len, &t->trouble) == 0 ? len : 0;
    }
    buf_append(&t->reply->body, bytes, len);
    if (t->reply->body.failed) {
        (void)err_set(&t->trouble, ERR_LIMIT, "an answer of more than 8 MiB");
        return 0;
    }
    return len;
}

/* Where LINE is the header NAME, its value without blanks around it, cut where it is too long. */
static bool header(const char *line, size_t len, const char *name, char *out, size_t size)
{
    size_t n = strlen(name);
    if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':') {
        return false;
    }
    line += n + 1;
    len -= n + 1;
    while (len > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        len--;
    }
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' ')) {
        len--;
    }
    len = len < size ? len : size - 1;
    memcpy(out, line, len);
    out[len] = '\0';
    return true;
}

static size_t on_header(char *line, size_t size, size_t count, void *data)
{
    struct upstream_reply *r = ((struct transfer *)data)->reply;
    char value[UPSTREAM_MAX_CHALLENGE];
    size_t len = size * count;
    if (len > 5 && strncmp(line, "HTTP/", 5) == 0) { /* of the next answer, behind a redirect */
        r->digest[0] = r->media_type[0] = '\0';
        r->challenge = (struct upstream_challenge){.basic = false};
    } else if (header(line, len, "Docker-Content-Digest", value, sizeof(r->digest))) {
        memcpy(r->digest, value, strlen(value) + 1);
    } else if (header(line, len, "Content-Type", value, sizeof(r->media_type))) {
        value[strcspn(value, "; ")] = '\0';
        memcpy(r->media_type, value, strlen(value) + 1);
    } else if (header(line, len, "WWW-Authenticate", value, sizeof(value))) {
        upstream_challenge_read(value, &r->challenge);
    }
    return len;
}

static int on_progress(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct disk_cache *cache = ((struct transfer *)data)->u->cache;
    (void)a, (void)b, (void)c, (void)d;
    return cache->stop != NULL && cache->stop(cache->data);
}

/* What holds for each request. curl's own look at ~/.netrc stays off. */
static void set_up(struct transfer *t, const char *url)
{
    CURL *curl = t->u->curl;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_LIMIT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SLOW_LIMIT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, WHOLE_LIMIT_S);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "pulldrill");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, t->u->plain ? "http,https" : "https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, t->u->plain ? "http,https" : "https");
    curl_easy_setopt(curl, CURLOPT_UNRESTRICTED_AUTH, 0L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
    if (t->u->ca != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, t->u->ca);
    }
}

static void set_basic(const struct upstream *u)
{
    curl_easy_setopt(u->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(u->curl, CURLOPT_USERNAME, u->credential.user);
    curl_easy_setopt(u->curl, CURLOPT_PASSWORD, u->credential.password);
}

static int no_answer(struct transfer *t, CURLcode rc, struct err *e)
{
    if (t->trouble.code != ERR_NONE) {
        return err_set(e, t->trouble.code, "%s", t->trouble.text);
    }
    if (rc == CURLE_ABORTED_BY_CALLBACK) {
        return err_set(e, ERR_IO, "interrupted while asking the upstream registry %s",
                       t->u->name->host);
    }
    return err_set(e, ERR_ENVIRONMENT, "the upstream registry %s gave no answer: %s",
                   t->u->name->host, curl_easy_strerror(rc));
}

/* Performs what was set up. */
static int perform(struct transfer *t, struct upstream_reply *reply, struct err *e)
{
    CURLcode rc = curl_easy_perform(t->u->curl);
    if (rc != CURLE_OK) {
        (void)no_answer(t, rc, e);
        upstream_reply_close(reply);
        return rc == CURLE_SSL_CONNECT_ERROR && t->u->either ? 1 : -1;
    }
    (void)curl_easy_getinfo(t->u->curl, CURLINFO_RESPONSE_CODE, &reply->status);
    return 0;
}

static void reply_init(struct upstream_reply *reply)
{
    *reply = (struct upstream_reply){.status = 0};
    buf_init(&reply->body, CONTENT_MAX_MANIFEST + 1);
}

void upstream_reply_close(struct upstream_reply *reply)
{
    buf_close(&reply->body);
}

static int request_once(struct upstream *u, const char *path, bool head, struct disk_writer *writer,
                        struct upstream_reply *reply, struct err *e)
{
    char url[UPSTREAM_MAX_URL];
    struct transfer t = {.u = u, .reply = reply, .writer = writer};
    bool hub = strcmp(u->name->host, "docker.io") == 0;
    struct curl_slist *headers = curl_slist_append(NULL, accepted);
    if (headers == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for a request");
    }
    reply_init(reply);
    snprintf(url, sizeof(url), "%s://%s/v2/%s/%s", u->plain ? "http" : "https",
             hub ? "registry-1.docker.io" : u->name->host, u->name->repository, path);
    set_up(&t, url);
    curl_easy_setopt(u->curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(u->curl, CURLOPT_MAXREDIRS, REDIRECTS);
    curl_easy_setopt(u->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(u->curl, CURLOPT_NOBODY, head ? 1L : 0L);
    if (u->bearer != NULL) {
        curl_easy_setopt(u->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(u->curl, CURLOPT_XOAUTH2_BEARER, u->bearer);
    } else if (u->basic) {
        set_basic(u);
    }
    int rc = perform(&t, reply, e);
    curl_slist_free_all(headers);
    return rc;
}

int upstream_request(struct upstream *u, const char *path, bool head, struct disk_writer *writer,
                     struct upstream_reply *reply, struct err *e)
{
    struct err local = {0};
    int rc = request_once(u, path, head, writer, reply, &local);
    if (rc > 0) {
        u->either = false;
        u->plain = true;
        local = (struct err){0};
        rc = request_once(u, path, head, writer, reply, &local);
    }
    u->either = u->either && rc != 0;
    return rc == 0 ? 0 : err_set(e, local.code, "%s", local.text);
}

int upstream_realm_request(struct upstream *u, const char *url, const char *form,
                           struct upstream_reply *reply, struct err *e)
{
    struct transfer t = {.u = u, .reply = reply};
    reply_init(reply);
    set_up(&t, url);
    if (form != NULL) {
        curl_easy_setopt(u->curl, CURLOPT_COPYPOSTFIELDS, form);
    } else if (u->credential.user != NULL) {
        set_basic(u);
    }
    return perform(&t, reply, e) == 0 ? 0 : -1;
}
