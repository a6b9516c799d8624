/* Dialogues: one connection, plain or TLS (libcurl's, over which our own bytes go), requests out
 * and answers in. A connection that the registry has closed is opened again with the next request;
 * an answer that does not come within a minute, or is cut, is a failure. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/lib/dialogue.h"

void dialogue_close(struct dialogue *d)
{
    curl_easy_cleanup(d->wire);
    d->wire = NULL;
    buf_reset(&d->in);
}

static void connect_to(struct dialogue *d)
{
    char url[300];
    d->wire = curl_easy_init();
    (void)snprintf(url, sizeof(url), "%s://%s/", d->ca != NULL ? "https" : "http", d->host);
    (void)curl_easy_setopt(d->wire, CURLOPT_URL, url);
    (void)curl_easy_setopt(d->wire, CURLOPT_CONNECT_ONLY, 1L);
    (void)curl_easy_setopt(d->wire, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(d->wire, CURLOPT_NOPROXY, "*");
    if (d->ca != NULL) {
        (void)curl_easy_setopt(d->wire, CURLOPT_CAINFO, d->ca);
    }
    CURLcode code = curl_easy_perform(d->wire);
    if (code != CURLE_OK) {
        dialogue_die(d, "%s: %s", d->host, curl_easy_strerror(code));
    }
}

static bool wait_for(struct dialogue *d, short events)
{
    curl_socket_t fd = -1;
    (void)curl_easy_getinfo(d->wire, CURLINFO_ACTIVESOCKET, &fd);
    struct pollfd p = {.fd = fd, .events = events};
    int n;
    do {
        n = poll(&p, 1, DIALOGUE_WAIT_MS);
    } while (n < 0 && errno == EINTR);
    return n > 0;
}

/* False where the registry has had enough of it: its answer says why, or its absence. */
static bool put(struct dialogue *d, const char *data, size_t len)
{
    while (len > 0) {
        size_t sent = 0;
        CURLcode code = curl_easy_send(d->wire, data, len, &sent);
        if (code == CURLE_AGAIN) {
            if (!wait_for(d, POLLOUT)) {
                return false;
            }
            continue;
        }
        if (code != CURLE_OK) {
            return false;
        }
        data += sent;
        len -= sent;
    }
    return true;
}

static bool bodied(const char *method)
{
    return strcmp(method, "PUT") == 0 || strcmp(method, "POST") == 0 ||
           strcmp(method, "PATCH") == 0;
}

static void write_head(struct dialogue *d, const struct dialogue_request *r, struct buf *out)
{
    buf_append(out, r->head.data, r->head.len);
    buf_printf(out, "Host: %s\r\n", d->host);
    if (d->header != NULL) {
        buf_printf(out, "%s\r\n", d->header);
    }
    if (!r->framed && (r->body.len > 0 || bodied(r->method))) {
        buf_printf(out, "Content-Length: %zu\r\n", r->body.len);
    }
    buf_str(out, "\r\n");
}

static void send_some(struct dialogue *d, struct buf *out)
{
    if (out->failed) {
        dialogue_die(d, "too long a request");
    }
    (void)put(d, out->data, out->len);
    buf_reset(out);
}

void dialogue_send(struct dialogue *d)
{
    struct buf out;
    buf_init(&out, DIALOGUE_BYTES);
    if (d->wire == NULL) {
        connect_to(d);
    }
    for (; d->pending_sent < d->pending_count; d->pending_sent++) {
        struct dialogue_request *r = &d->pending[d->pending_sent];
        write_head(d, r, &out);
        if (r->cut) {
            buf_append(&out, r->body.data, r->cut_after);
            send_some(d, &out);
            dialogue_close(d);
            d->pending_answered = d->pending_count;
        } else if (!r->expects) {
            buf_append(&out, r->body.data, r->body.len);
        }
    }
    if (out.len > 0) {
        send_some(d, &out);
    }
    buf_close(&out);
}

/* More bytes; false: the connection is over. */
static bool take(struct dialogue *d)
{
    for (;;) {
        size_t got = 0;
        char *to = buf_reserve(&d->in, 65536);
        if (to == NULL) {
            dialogue_die(d, "too long an answer");
        }
        CURLcode code = curl_easy_recv(d->wire, to, 65536, &got);
        if (code == CURLE_AGAIN && wait_for(d, POLLIN)) {
            continue;
        }
        if (code != CURLE_OK || got == 0) {
            return false;
        }
        buf_added(&d->in, got);
        return true;
    }
}

/* Cuts the head into strings. */
static bool split_head(struct dialogue_answer *a)
{
    char *save = NULL;
    char *line = strtok_r(a->head.data, "\r\n", &save);
    if (line == NULL || strncmp(line, "HTTP/1.1 ", 9) != 0 || strlen(line) < 12) {
        return false;
    }
    a->status = (unsigned)strtoul(line + 9, NULL, 10);
    a->headers = 0;
    while ((line = strtok_r(NULL, "\r\n", &save)) != NULL && a->headers < DIALOGUE_HEADERS) {
        char *colon = strchr(line, ':');
        if (colon == NULL) {
            return false;
        }
        *colon = '\0';
        a->header[a->headers++] = (struct dialogue_header){
            .name = line,
            .value = colon + 1 + strspn(colon + 1, " "),
        };
    }
    return true;
}

static bool take_head(struct dialogue *d)
{
    struct dialogue_answer *a = &d->answer;
    char *end;
    while (d->in.len == 0 || (end = strstr(d->in.data, "\r\n\r\n")) == NULL) {
        if (!take(d)) {
            dialogue_fail(d, "no answer, but the end of the connection (%zu bytes came)",
                          d->in.len);
            return false;
        }
    }
    size_t len = (size_t)(end - d->in.data) + 4;
    buf_reset(&a->head);
    buf_append(&a->head, d->in.data, len);
    buf_consume(&d->in, len);
    if (!split_head(a)) {
        dialogue_fail(d, "no HTTP/1.1 head");
        return false;
    }
    return true;
}

/* What is left of LEN bytes when the connection ends is a failure; LEN -1: all there is. */
static bool take_body(struct dialogue *d, long len)
{
    struct dialogue_answer *a = &d->answer;
    while (len < 0 || d->in.len < (size_t)len) {
        if (!take(d)) {
            break;
        }
    }
    size_t got = len < 0 || d->in.len < (size_t)len ? d->in.len : (size_t)len;
    buf_append(&a->body, d->in.data, got);
    buf_consume(&d->in, got);
    if (len >= 0 && got < (size_t)len) {
        dialogue_fail(d, "%zu bytes of %ld, then the end of the connection", got, len);
        return false;
    }
    return true;
}

static bool take_chunks(struct dialogue *d)
{
    for (;;) {
        char *end;
        while (d->in.len == 0 || (end = strstr(d->in.data, "\r\n")) == NULL) {
            if (!take(d)) {
                dialogue_fail(d, "no whole chunk");
                return false;
            }
        }
        long len = strtol(d->in.data, NULL, 16);
        buf_consume(&d->in, (size_t)(end - d->in.data) + 2);
        size_t before = d->answer.body.len;
        if (!take_body(d, len + 2)) {
            return false;
        }
        d->answer.body.len = before + (size_t)len;
        if (len == 0) {
            return true;
        }
    }
}

static bool take_rest(struct dialogue *d, const char *method)
{
    const char *length = dialogue_header(d, "Content-Length");
    const char *coding = dialogue_header(d, "Transfer-Encoding");
    const char *connection = dialogue_header(d, "Connection");
    struct dialogue_answer *a = &d->answer;
    a->closes = connection != NULL && strcasecmp(connection, "close") == 0;
    buf_reset(&a->body);
    if (strcmp(method, "HEAD") == 0 || a->status < 200 || a->status == 204 || a->status == 304) {
        return true;
    }
    if (coding != NULL) {
        return take_chunks(d);
    }
    if (length == NULL) {
        a->closes = true;
        return take_body(d, -1);
    }
    return take_body(d, strtol(length, NULL, 10));
}

static bool receive(struct dialogue *d, struct dialogue_request *r)
{
    do {
        if (!take_head(d)) {
            return false;
        }
        if (d->answer.status == 100 && r->expects) {
            r->expects = false;
            (void)put(d, r->body.data, r->body.len);
        }
    } while (d->answer.status < 200);
    return take_rest(d, r->method);
}

bool dialogue_receive(struct dialogue *d)
{
    struct dialogue_request *r = &d->pending[d->pending_answered++];
    d->answered = d->wire != NULL && receive(d, r);
    d->answers++;
    if (!d->answered || d->answer.closes || r->expects) {
        dialogue_close(d);
    }
    return d->answered;
}

void dialogue_request_close(struct dialogue_request *r)
{
    buf_close(&r->head);
    buf_close(&r->body);
}
