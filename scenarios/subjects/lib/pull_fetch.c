/* One GET. The transfer runs in a multi handle so that the time-outs are ours: libcurl's low-speed
 * limit counts whole seconds, and it has none for the time to the first byte.
 *
 * Happy path: connecting, waiting for the head, streaming the body. Each has its own time-out, so
 * that a registry that is gone, one that accepts and says nothing, and one that stops in the middle
 * are told apart. A redirect goes back to waiting. Failure modes: every one ends in a pull_failure
 * with a kind; a status of 400 or more wins over whatever happened to its body.
 *
 * Connections are not reused: libcurl repeats a request by itself when a reused connection turns
 * out to be dead, and an attempt that we did not decide on is one that we cannot count. */
#include "scenarios/subjects/lib/pull_fetch.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/base/clock.h"
#include "harness/base/units.h"

enum stage { STAGE_CONNECTING, STAGE_WAITING, STAGE_STREAMING };

struct transfer {
    const struct pull_request *request;
    struct pull_reply *reply;
    struct pull_failure *failure; /* set where we ended the transfer ourselves */
    const struct pull_limits *limits;
    CURL *easy;
    enum stage stage;
    uint64_t since_ns; /* the stage began; while streaming: the present stretch */
    uint64_t stretch;  /* bytes in it */
    char error_body[PULL_MAX_ERROR_BODY];
    size_t error_len;
    char curl_text[CURL_ERROR_SIZE];
};

int pull_client_init(struct pull_client *c, const struct pull_limits *limits, uint64_t deadline_ns,
                     struct err *e)
{
    c->limits = *limits;
    c->deadline_ns = deadline_ns;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(e, ERR_INTERNAL, "libcurl does not start");
    c->multi = curl_multi_init();
    if (c->multi == NULL) {
        curl_global_cleanup();
        return err_set(e, ERR_NOMEM, "no memory for libcurl");
    }
    return 0;
}

void pull_client_close(struct pull_client *c)
{
    curl_multi_cleanup(c->multi);
    curl_global_cleanup();
}

static void enter(struct transfer *t, enum stage stage)
{
    t->stage = stage;
    t->since_ns = clock_now_ns();
    t->stretch = 0;
}

/* Copies the value of header NAME where LINE carries it; too long a value counts as absent. */
static void take_header(const char *line, size_t len, const char *name, char *value, size_t size)
{
    const size_t name_len = strlen(name);

    if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0)
        return;
    line += name_len + 1;
    len -= name_len + 1;
    while (len > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        len--;
    }
    while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL)
        len--;
    if (len >= size)
        len = 0;
    memcpy(value, line, len);
    value[len] = '\0';
}

static size_t on_header(char *line, size_t size, size_t count, void *data)
{
    struct transfer *t = data;
    struct pull_reply *r = t->reply;
    const size_t len = size * count;

    t->stretch += len;
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        memset(r, 0, sizeof(*r)); /* the head of a redirect is no part of the answer */
        curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &r->status);
        enter(t, STAGE_STREAMING);
    } else if (*line == '\r' || *line == '\n') {
        if (r->status < 200 || (r->status > 300 && r->status < 400))
            enter(t, STAGE_WAITING);
    }
    take_header(line, len, "Docker-Content-Digest", r->digest, sizeof(r->digest));
    take_header(line, len, "Content-Type", r->content_type, sizeof(r->content_type));
    take_header(line, len, "Content-Range", r->content_range, sizeof(r->content_range));
    return len;
}

/* Keeps the beginning of an error answer and ends the transfer once that is enough. */
static size_t keep_error_body(struct transfer *t, const char *bytes, size_t len)
{
    const size_t room = sizeof(t->error_body) - t->error_len;
    const size_t take = len < room ? len : room;

    memcpy(t->error_body + t->error_len, bytes, take);
    t->error_len += take;
    return take;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct transfer *t = data;
    const size_t len = size * count;

    t->stretch += len;
    t->reply->body_bytes += len;
    if (t->reply->status >= 400)
        return keep_error_body(t, bytes, len);
    if (t->reply->status != 200 && t->reply->status != 206)
        return len;
    return t->request->body(t->request->data, t->reply, bytes, len, t->failure) == 0 ? len : 0;
}

static int set_options(struct transfer *t, struct curl_slist *headers)
{
    CURL *c = t->easy;
    const struct pull_request *r = t->request;
    CURLcode rc = curl_easy_setopt(c, CURLOPT_URL, r->url);
    char range[32];

#define SET(option, value)                                                                         \
    if (rc == CURLE_OK)                                                                            \
    rc = curl_easy_setopt(c, option, value)
    SET(CURLOPT_NOPROXY, "*"); /* a proxy in between would hide which registry failed */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 1L);
    SET(CURLOPT_MAXREDIRS, PULL_MAX_REDIRECTS);
    SET(CURLOPT_UNRESTRICTED_AUTH, 0L); /* credentials stay with the host they belong to */
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_USERAGENT, "build-start/1.0");
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(t->limits->connect_ns / CLOCK_NS_PER_MS));
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_ERRORBUFFER, t->curl_text);
    if (r->from > 0) {
        snprintf(range, sizeof(range), "%llu-", (unsigned long long)r->from);
        SET(CURLOPT_RANGE, range);
    }
#undef SET
    return rc == CURLE_OK ? 0 : -1;
}

/* When the present stage has lasted too long. */
static uint64_t stage_limit(const struct transfer *t)
{
    switch (t->stage) {
    case STAGE_CONNECTING:
        return UINT64_MAX; /* libcurl's own time-out */
    case STAGE_WAITING:
        return t->since_ns + t->limits->head_ns;
    case STAGE_STREAMING:
        break;
    }
    return t->since_ns + t->limits->low_speed_ns;
}

static int too_slow(struct transfer *t)
{
    char time[32], size[32];

    if (t->stage == STAGE_WAITING) {
        units_duration_text(t->limits->head_ns, time);
        return pull_fail(t->failure, PULL_SLOW, "no answer within %s", time);
    }
    units_duration_text(t->limits->low_speed_ns, time);
    units_size_text(t->limits->low_speed, size);
    return pull_fail(t->failure, PULL_SLOW, "stalled after %llu B of body: under %s in %s",
                     (unsigned long long)t->reply->body_bytes, size, time);
}

/* Moves the stages on and holds them to their limits. -1: the transfer is to end. */
static int check_time(const struct pull_client *c, struct transfer *t)
{
    const uint64_t now = clock_now_ns();
    curl_off_t ready = 0;

    if (now >= c->deadline_ns)
        return pull_fail(t->failure, PULL_FATAL, "the deadline passed");
    if (t->stage == STAGE_CONNECTING &&
        curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &ready) == CURLE_OK && ready > 0)
        enter(t, STAGE_WAITING);
    if (t->stage == STAGE_STREAMING && t->stretch >= t->limits->low_speed)
        enter(t, STAGE_STREAMING);
    return now >= stage_limit(t) ? too_slow(t) : 0;
}

static int poll_ms(const struct pull_client *c, const struct transfer *t)
{
    const uint64_t now = clock_now_ns();
    uint64_t until = stage_limit(t);
    uint64_t ms;

    if (c->deadline_ns < until)
        until = c->deadline_ns;
    ms = until > now ? (until - now) / CLOCK_NS_PER_MS + 1 : 0;
    return ms < 1000 ? (int)ms : 1000;
}

/* Runs the transfer to its end. -1: ended by us, and the failure is set. */
static int run(struct pull_client *c, struct transfer *t, CURLcode *result)
{
    int running = 1;

    for (;;) {
        CURLMsg *message;
        int left;

        if (curl_multi_perform(c->multi, &running) != CURLM_OK)
            return pull_fail(t->failure, PULL_FATAL, "libcurl failed");
        while ((message = curl_multi_info_read(c->multi, &left)) != NULL) {
            if (message->msg == CURLMSG_DONE) {
                *result = message->data.result;
                return 0;
            }
        }
        if (check_time(c, t) != 0)
            return -1;
        if (curl_multi_poll(c->multi, NULL, 0, poll_ms(c, t), NULL) != CURLM_OK)
            return pull_fail(t->failure, PULL_FATAL, "libcurl failed");
    }
}

/* The OCI code in an error answer ("MANIFEST_UNKNOWN"), or nothing. Only its own alphabet passes:
 * the text goes to a terminal. */
static void error_code(const struct transfer *t, char code[40])
{
    json_error_t why;
    json_t *root = json_loadb(t->error_body, t->error_len, 0, &why);
    const json_t *first = json_array_get(json_object_get(root, "errors"), 0);
    const char *text = json_string_value(json_object_get(first, "code"));

    code[0] = '\0';
    if (text != NULL && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == strlen(text))
        snprintf(code, 40, " %.38s", text);
    json_decref(root);
}

static int judge_status(struct transfer *t)
{
    curl_off_t retry_after = 0;
    char code[40];

    error_code(t, code);
    curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after);
    if (retry_after < 0 || retry_after > 3600)
        retry_after = 3600;
    pull_fail(t->failure, PULL_FINE, "%ld%s", t->reply->status, code);
    t->failure->retry_after_ns = (uint64_t)retry_after * CLOCK_NS_PER_S;
    t->failure->kind = pull_status_kind(t->reply->status, t->failure->retry_after_ns);
    return -1;
}

static int judge_transport(struct transfer *t, CURLcode result)
{
    const unsigned long long got = t->reply->body_bytes;
    long os = 0;

    curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os);
    switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
        return pull_fail(t->failure, PULL_SLOW, "no connection in time");
    case CURLE_COULDNT_CONNECT:
        return pull_fail(t->failure, PULL_BROKEN, "%s",
                         os == ECONNREFUSED ? "connection refused" : "cannot connect");
    case CURLE_PARTIAL_FILE:
        return pull_fail(t->failure, PULL_BROKEN, "cut after %llu B of body", got);
    case CURLE_RECV_ERROR:
        return pull_fail(t->failure, PULL_BROKEN, "connection lost after %llu B of body", got);
    case CURLE_GOT_NOTHING:
        return pull_fail(t->failure, PULL_BROKEN, "closed without an answer");
    case CURLE_OUT_OF_MEMORY:
        return pull_fail(t->failure, PULL_FATAL, "out of memory");
    default:
        return pull_fail(t->failure, PULL_BROKEN, "%s",
                         t->curl_text[0] != '\0' ? t->curl_text : curl_easy_strerror(result));
    }
}

static int judge(struct transfer *t, CURLcode result)
{
    if (t->reply->status >= 400)
        return judge_status(t);
    if (t->failure->kind != PULL_FINE) /* the body's receiver ended it */
        return -1;
    if (result != CURLE_OK)
        return judge_transport(t, result);
    if (t->reply->status != 200 && t->reply->status != 206)
        return pull_fail(t->failure, PULL_BROKEN, "unexpected status %ld", t->reply->status);
    return 0;
}

static int transfer(struct pull_client *c, struct transfer *t, struct curl_slist *headers)
{
    CURLcode result = CURLE_OK;
    int ended = -1;

    if (set_options(t, headers) != 0 || curl_multi_add_handle(c->multi, t->easy) != CURLM_OK)
        return pull_fail(t->failure, PULL_FATAL, "libcurl does not take the request");
    enter(t, STAGE_CONNECTING);
    ended = run(c, t, &result);
    /* Judged before the handle leaves: a known status counts even if its body never ended. */
    if (ended == 0 || (t->failure->kind == PULL_SLOW && t->reply->status >= 400))
        ended = judge(t, result);
    curl_multi_remove_handle(c->multi, t->easy);
    return ended;
}

int pull_fetch(struct pull_client *c, const struct pull_request *request, struct pull_reply *reply,
               struct pull_failure *f)
{
    struct transfer *t = calloc(1, sizeof(*t));
    struct curl_slist *headers = NULL;
    char line[512];
    int result = -1;

    memset(reply, 0, sizeof(*reply));
    memset(f, 0, sizeof(*f));
    if (t == NULL)
        return pull_fail(f, PULL_FATAL, "out of memory");
    *t = (struct transfer){.request = request, .reply = reply, .failure = f, .limits = &c->limits};
    t->easy = curl_easy_init();
    snprintf(line, sizeof(line), "Accept: %s", request->accept != NULL ? request->accept : "*/*");
    headers = curl_slist_append(NULL, line);
    if (t->easy == NULL || headers == NULL)
        pull_fail(f, PULL_FATAL, "out of memory");
    else
        result = transfer(c, t, headers);
    curl_slist_free_all(headers);
    curl_easy_cleanup(t->easy);
    free(t);
    return result;
}
