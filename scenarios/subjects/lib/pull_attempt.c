/* One attempt. Nothing counts as received before it was checked: a manifest against the digest that
 * was announced and, where one is known, the one that was asked for; a blob against the size and
 * digest its manifest gives. An error page served with status 200 fails here and falls back like
 * any other failure.
 *
 * Failure modes of a blob: cut short, its bytes stay for a Range request to the same registry; what
 * turns out wrong (too long, another digest, a 206 from another place, a 416) is forgotten, and the
 * next attempt starts from zero. */
#include "scenarios/subjects/lib/pull_attempt.h"

#include <stdio.h>
#include <string.h>

#include "scenarios/subjects/lib/pull_range.h"

static int make_url(const struct pull_source *s, const char *what, const char *reference,
                    char url[PULL_MAX_URL], struct pull_failure *f)
{
    const int len = snprintf(url, PULL_MAX_URL, "%s://%s/v2/%s/%s/%s", s->scheme, s->registry,
                             s->repository, what, reference);

    if (len < 0 || len >= PULL_MAX_URL)
        return pull_fail(f, PULL_FATAL, "the URL is too long");
    return 0;
}

static int on_manifest(void *data, const struct pull_reply *reply, const char *bytes, size_t len,
                       struct pull_failure *f)
{
    struct buf *b = data;

    (void)reply;
    if (len > b->max - b->len)
        return pull_fail(f, PULL_BROKEN, "a manifest of more than %zu B", b->max);
    buf_append(b, bytes, len);
    return b->failed ? pull_fail(f, PULL_FATAL, "out of memory") : 0;
}

static bool has_digest(const struct buf *b, const char *digest)
{
    struct digest_stream *stream = digest_stream_new(digest);

    if (stream == NULL)
        return false;
    digest_stream_update(stream, b->data, b->len);
    return digest_stream_finish(stream);
}

/* Pins the digest: the one asked for, else the one announced, else the body's own. */
static int pin_digest(struct pull_manifest_target *t, const struct pull_reply *reply,
                      struct pull_failure *f)
{
    struct pull_descriptor *got = &t->got;

    memset(got, 0, sizeof(*got));
    got->size = t->bytes.len;
    if (reply->digest[0] != '\0' && !has_digest(&t->bytes, reply->digest))
        return pull_fail(f, PULL_BROKEN, "the body has not the digest announced, %.19s",
                         reply->digest);
    if (t->want.digest[0] != '\0' && !has_digest(&t->bytes, t->want.digest))
        return pull_fail(f, PULL_BROKEN, "the body has not the digest asked for");
    if (t->want.digest[0] != '\0')
        memcpy(got->digest, t->want.digest, sizeof(got->digest));
    else if (reply->digest[0] != '\0')
        memcpy(got->digest, reply->digest, sizeof(got->digest));
    else if (digest_sha256(t->bytes.data, t->bytes.len, got->digest) != 0)
        return pull_fail(f, PULL_FATAL, "no digest could be computed");
    return 0;
}

static int read_manifest(struct pull_manifest_target *t, const struct pull_reply *reply,
                         struct pull_failure *f)
{
    struct err e = {0};

    if (reply->status != 200)
        return pull_fail(f, PULL_BROKEN, "unexpected status %ld", reply->status);
    if (t->bytes.len == 0)
        return pull_fail(f, PULL_BROKEN, "an empty manifest");
    if (pin_digest(t, reply, f) != 0)
        return -1;
    if (pull_manifest_parse(t->bytes.data, t->bytes.len, reply->content_type, t->platform,
                            &t->manifest, &e) != 0)
        return pull_fail(f, e.code == ERR_NOMEM ? PULL_FATAL : PULL_BROKEN, "no manifest: %.180s",
                         e.text);
    memcpy(t->got.media_type, t->manifest.media_type, sizeof(t->got.media_type));
    return 0;
}

int pull_attempt_manifest(struct pull_client *c, const struct pull_source *source,
                          struct pull_manifest_target *t, struct pull_failure *f)
{
    char url[PULL_MAX_URL];
    struct pull_reply reply;
    const struct pull_request request = {
        .url = url, .accept = pull_manifest_accept, .body = on_manifest, .data = &t->bytes};

    buf_reset(&t->bytes);
    if (make_url(source, "manifests", t->reference, url, f) != 0)
        return -1;
    if (pull_fetch(c, &request, &reply, f) != 0)
        return -1;
    return read_manifest(t, &reply, f);
}

/* A blob's attempt: where it began, and whether the answer's head has been looked at. */
struct blob_attempt {
    struct pull_blob *blob;
    bool begun;
};

static int restart(struct pull_blob *b, struct pull_failure *f)
{
    struct err e = {0};

    return pull_blob_restart(b, &e) == 0 ? 0 : pull_fail(f, PULL_FATAL, "%.200s", e.text);
}

/* Forgets the bytes, then fails with TEXT. */
static int discard(struct pull_blob *b, struct pull_failure *f, const char *text)
{
    if (restart(b, f) != 0)
        return -1;
    return pull_fail(f, PULL_BROKEN, "%s", text);
}

/* Whether the body continues ours (206), replaces it (200), or is of no use. */
static int begin_body(struct pull_blob *b, const struct pull_reply *reply, struct pull_failure *f)
{
    if (b->have == 0)
        return reply->status == 200 ? 0 : pull_fail(f, PULL_BROKEN, "a part was sent unasked");
    if (reply->status == 200)
        return restart(b, f);
    if (pull_range_matches(reply->content_range, b->have, b->want->size))
        return 0;
    return discard(b, f, "a part from another place was sent");
}

static int on_blob(void *data, const struct pull_reply *reply, const char *bytes, size_t len,
                   struct pull_failure *f)
{
    struct blob_attempt *a = data;
    struct err e = {0};

    if (!a->begun && begin_body(a->blob, reply, f) != 0)
        return -1;
    a->begun = true;
    if (len > a->blob->want->size - a->blob->have)
        return discard(a->blob, f, "longer than its descriptor says");
    if (pull_blob_write(a->blob, bytes, len, &e) != 0)
        return pull_fail(f, PULL_FATAL, "%.200s", e.text);
    return 0;
}

static int finish_blob(struct pull_blob *b, struct pull_failure *f)
{
    struct err e = {0};

    if (b->have < b->want->size)
        return pull_fail(f, PULL_BROKEN, "short: %llu of %llu B", (unsigned long long)b->have,
                         (unsigned long long)b->want->size);
    if (!pull_blob_verify(b))
        return discard(b, f, "the bytes have another digest");
    return pull_blob_keep(b, &e) == 0 ? 0 : pull_fail(f, PULL_FATAL, "%.200s", e.text);
}

int pull_attempt_blob(struct pull_client *c, const struct pull_source *source,
                      struct pull_blob *blob, struct pull_failure *f)
{
    char url[PULL_MAX_URL];
    struct pull_reply reply;
    struct blob_attempt a = {.blob = blob};
    const struct pull_request request = {
        .url = url, .from = blob->have, .body = on_blob, .data = &a};

    if (make_url(source, "blobs", blob->want->digest, url, f) != 0)
        return -1;
    /* All bytes and then a broken end of the answer: the digest says whether that matters. */
    if (pull_fetch(c, &request, &reply, f) == 0 ||
        (a.begun && blob->have == blob->want->size && reply.status < 400))
        return finish_blob(blob, f);
    if (reply.status == 416 && request.from > 0)
        return discard(blob, f, "416 for a part that must exist");
    return -1;
}
