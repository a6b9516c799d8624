/* A client that writes. */
#include "tests/lib/server_push.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fake-registry/digest.h"
#include "harness/base/rng.h"

void push_send(struct bed *b, int fd, const char *method, const char *path, const char *more,
               const char *body)
{
    char head[4096];
    char length[64] = "";
    if (body != NULL) {
        (void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
    }
    (void)snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: primary\r\n%s%s\r\n", method, path,
                   length, more);
    bed_send(b, fd, head);
    if (body != NULL) {
        bed_send(b, fd, body);
    }
}

unsigned push_ask(struct bed *b, int fd, const char *method, const char *path, const char *more,
                  const char *body, struct bed_reply *r)
{
    struct bed_reply own;
    struct bed_reply *to = r != NULL ? r : &own;
    push_send(b, fd, method, path, more, body);
    bed_reply(b, fd, strcmp(method, "HEAD") == 0, to);
    unsigned status = to->status;
    if (r == NULL) {
        bed_reply_close(&own);
    }
    return status;
}

void push_header(const struct bed_reply *r, const char *name, char *out, size_t size)
{
    char wanted[128];
    (void)snprintf(wanted, sizeof(wanted), "\r\n%s: ", name);
    const char *at = r->bytes.data != NULL ? strcasestr(r->bytes.data, wanted) : NULL;
    at = at != NULL ? at + strlen(wanted) : "";
    (void)snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
}

void push_begin(struct bed *b, int fd, char place[512])
{
    struct bed_reply r;
    cr_assert_eq(push_ask(b, fd, "POST", PUSH_UPLOADS, "", "", &r), 202, "%s", r.bytes.data);
    push_header(&r, "Location", place, 512);
    cr_assert_eq(strncmp(place, PUSH_UPLOADS, strlen(PUSH_UPLOADS)), 0, "%s", place);
    bed_reply_close(&r);
}

void push_finish_path(const char *place, const char *text, char path[768])
{
    char digest[DIGEST_TEXT];
    cr_assert_eq(digest_sha256(text, strlen(text), digest), 0);
    (void)snprintf(path, 768, "%s?digest=%s", place, digest);
}

void push_begin_put(struct bed *b, int fd, const char *text, char path[768])
{
    char place[512];
    push_begin(b, fd, place);
    push_finish_path(place, text, path);
}

unsigned push_blob(struct bed *b, int fd, const char *text)
{
    char path[768];
    push_begin_put(b, fd, text, path);
    return push_ask(b, fd, "PUT", path, "", text, NULL);
}

bool push_has_blob(const struct bed *b, const char *text)
{
    char digest[DIGEST_TEXT];
    cr_assert_eq(digest_sha256(text, strlen(text), digest), 0);
    return store_blob(b->store, "ci/agent", digest) != NULL;
}

void push_wait_for_blob(struct bed *b, const char *text)
{
    while (!push_has_blob(b, text)) {
        (void)uv_run(&b->loop, UV_RUN_ONCE);
    }
}

char *push_text(uint64_t seed, size_t len)
{
    struct rng rng;
    char *text = malloc(len + 1);
    cr_assert_not_null(text);
    rng_init(&rng, seed);
    rng_fill(&rng, text, len);
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)('a' + (unsigned char)text[i] % 26);
    }
    text[len] = '\0';
    return text;
}
