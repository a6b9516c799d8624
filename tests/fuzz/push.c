/* Uploads and blobs: the bytes are a script of requests, and every answer is held against a model
 * of what a registry would say. */
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/lib/client.h"
#include "tests/fuzz/lib/fuzz.h"

#define UPLOADS 3
#define BLOBS 64
#define MAX_BYTES 4096
#define MAX_STEPS 200
#define REPOSITORY "/v2/ci/a/blobs/"
#define UPLOAD_ID 36 /* characters */

struct script {
    const uint8_t *data;
    size_t len;
};
struct model_upload {
    bool open;
    char id[64];
    uint8_t bytes[MAX_BYTES];
    size_t len;
};
struct model_blob {
    bool there;
    char digest[DIGEST_TEXT];
    uint8_t bytes[MAX_BYTES];
    size_t len;
};
struct model {
    struct store *store;
    struct model_upload upload[UPLOADS];
    struct model_blob blob[BLOBS];
    size_t blob_count;
};

static uint8_t next(struct script *s)
{
    uint8_t byte = s->len > 0 ? *s->data : 0;
    s->data += s->len > 0 ? 1 : 0;
    s->len -= s->len > 0 ? 1 : 0;
    return byte;
}

static const uint8_t *take(struct script *s, size_t *len)
{
    const uint8_t *from = s->data;
    *len = *len < s->len ? *len : s->len;
    s->data += *len;
    s->len -= *len;
    return from;
}

static void digest_of(const uint8_t *bytes, size_t len, bool sha512, char out[DIGEST_TEXT])
{
    struct digest_stream *s = digest_stream_of(sha512 ? "sha512" : "sha256");
    MUST(s != NULL, "no memory");
    digest_stream_update(s, bytes, len);
    MUST(digest_stream_text(s, out) == 0, "no digest");
}

/* The status, and header HEADER into VALUE where that is given. */
static unsigned ask(const struct model *m, const struct client_request *r, const char *header,
                    char value[512])
{
    struct response out;
    client_ask(m->store, r, &out);
    unsigned status = out.status;
    if (header != NULL && !client_header(&out, header, value, 512)) {
        value[0] = '\0';
    }
    response_close(&out);
    return status;
}

static unsigned ask_plain(const struct model *m, const char *method, const char *target)
{
    const struct client_request r = {
        .method = method, .target = target, .headers = "", .cut = SIZE_MAX};
    return ask(m, &r, NULL, NULL);
}

/* ---- uploads ------------------------------------------------------------------------------- */

static void start(struct model *m, struct model_upload *u, struct script *s)
{
    static const char *const targets[] = {REPOSITORY "uploads/",
                                          REPOSITORY "uploads/?digest-algorithm=sha512",
                                          REPOSITORY "uploads/?digest-algorithm=sha256"};
    char location[512];
    const struct client_request r = {
        .method = "POST", .target = targets[next(s) % 3], .headers = "", .cut = SIZE_MAX};
    MUST(ask(m, &r, "Location", location) == 202, "no upload");
    const char *id = strrchr(location, '/');
    MUST(id != NULL && strlen(id + 1) == UPLOAD_ID, "the location %s", location);
    *u = (struct model_upload){.open = true};
    memcpy(u->id, id + 1, UPLOAD_ID + 1);
}

static void target_of(const struct model_upload *u, const char *query, char target[512])
{
    snprintf(target, 512, REPOSITORY "uploads/%s%s",
             u->id[0] != '\0' ? u->id : "00000000-0000-0000-0000-000000000000", query);
}

static void grow(struct model_upload *u, const uint8_t *bytes, size_t len)
{
    memcpy(u->bytes + u->len, bytes, len);
    u->len += len;
}

/* A piece with a Content-Range that fits, with one that does not, or without. */
static void chunk(struct model *m, struct model_upload *u, struct script *s)
{
    char target[512];
    char headers[128] = "";
    uint8_t how = next(s);
    size_t len = next(s);
    const uint8_t *bytes = take(s, &len);
    bool fits = u->len + len <= MAX_BYTES;
    len = fits ? len : 0;
    bool gap = len > 0 && (how & 3) == 2;
    bool shorter = len > 1 && (how & 3) == 3;
    if (len > 0 && (how & 3) != 0) {
        size_t from = u->len + (gap ? 1 : 0);
        snprintf(headers, sizeof headers, "Content-Range: %zu-%zu\r\n", from,
                 from + len - 1 - (shorter ? 1 : 0));
    }
    bool cut = (how & 4) != 0 && len > 0 && !gap && !shorter;
    const struct client_request r = {.method = "PATCH",
                                     .target = target,
                                     .headers = headers,
                                     .body = bytes,
                                     .len = len,
                                     .cut = cut ? len / 2 : SIZE_MAX,
                                     .keep = (how & 8) != 0};
    target_of(u, "", target);
    unsigned status = ask(m, &r, NULL, NULL);
    if (cut) {
        grow(u, bytes, u->open && r.keep ? len / 2 : 0);
        return;
    }
    unsigned wanted = !u->open ? 404 : gap ? 416 : shorter ? 400 : 202;
    MUST(status == wanted, "a chunk: %u, wanted %u", status, wanted);
    grow(u, bytes, wanted == 202 ? len : 0);
}

static void status(struct model *m, const struct model_upload *u)
{
    char target[512], range[512], wanted[64];
    const struct client_request r = {
        .method = "GET", .target = target, .headers = "", .cut = SIZE_MAX};
    target_of(u, "", target);
    unsigned got = ask(m, &r, "Range", range);
    MUST(got == (u->open ? 204 : 404), "a status: %u", got);
    snprintf(wanted, sizeof wanted, "0-%zu", u->len > 0 ? u->len - 1 : 0);
    MUST(!u->open || strcmp(range, wanted) == 0, "%s, wanted %s", range, wanted);
}

static void cancel(struct model *m, struct model_upload *u)
{
    char target[512];
    target_of(u, "", target);
    unsigned got = ask_plain(m, "DELETE", target);
    MUST(got == (u->open ? 204 : 404), "a cancel: %u", got);
    u->open = false;
}

static struct model_blob *find(struct model *m, const char *digest)
{
    for (size_t i = 0; i < m->blob_count; i++) {
        if (strcmp(m->blob[i].digest, digest) == 0) {
            return &m->blob[i];
        }
    }
    MUST(m->blob_count < BLOBS, "more blobs than steps");
    return &m->blob[m->blob_count++];
}

static void keep(struct model *m, const uint8_t *bytes, size_t len, const char *digest)
{
    struct model_blob *b = find(m, digest);
    b->there = true;
    b->len = len;
    memcpy(b->bytes, bytes, len);
    memcpy(b->digest, digest, strlen(digest) + 1);
}

/* The last piece, if any, and a digest, which is another one where HOW says so. */
static void finish(struct model *m, struct model_upload *u, struct script *s)
{
    char target[512], query[256], digest[DIGEST_TEXT];
    uint8_t how = next(s);
    size_t len = next(s);
    const uint8_t *bytes = take(s, &len);
    len = u->len + len <= MAX_BYTES && u->open ? len : 0;
    grow(u, bytes, len);
    digest_of(u->bytes, u->len, (how & 1) != 0, digest);
    bool wrong = (how & 6) == 6;
    if (wrong) {
        digest[8] = digest[8] == '0' ? '1' : '0';
    }
    snprintf(query, sizeof query, "?digest=%s", digest);
    target_of(u, query, target);
    const struct client_request r = {.method = "PUT",
                                     .target = target,
                                     .headers = "",
                                     .body = bytes,
                                     .len = len,
                                     .cut = SIZE_MAX};
    unsigned wanted = !u->open ? 404 : wrong ? 400 : 201;
    unsigned got = ask(m, &r, NULL, NULL);
    MUST(got == wanted, "an end: %u, wanted %u", got, wanted);
    if (wanted == 201) {
        keep(m, u->bytes, u->len, digest);
    }
    u->open = false;
}

/* ---- blobs --------------------------------------------------------------------------------- */

static void whole(struct model *m, struct script *s)
{
    char target[512], digest[DIGEST_TEXT];
    uint8_t how = next(s);
    size_t len = next(s);
    const uint8_t *bytes = take(s, &len);
    digest_of(bytes, len, (how & 1) != 0, digest);
    bool wrong = (how & 6) == 6;
    if (wrong) {
        digest[8] = digest[8] == '0' ? '1' : '0';
    }
    snprintf(target, sizeof target, REPOSITORY "uploads/?digest=%s", digest);
    const struct client_request r = {.method = "POST",
                                     .target = target,
                                     .headers = "",
                                     .body = bytes,
                                     .len = len,
                                     .cut = SIZE_MAX};
    unsigned got = ask(m, &r, NULL, NULL);
    MUST(got == (wrong ? 400 : 201), "a whole blob: %u", got);
    if (!wrong) {
        keep(m, bytes, len, digest);
    }
}

static void get(struct model *m, const struct model_blob *b)
{
    char target[512];
    struct response out;
    const struct client_request r = {
        .method = "GET", .target = target, .headers = "", .cut = SIZE_MAX};
    snprintf(target, sizeof target, REPOSITORY "%s", b->digest);
    client_ask(m->store, &r, &out);
    MUST(out.status == (b->there ? 200 : 404), "a blob: %u", out.status);
    MUST(!b->there || (out.len == b->len &&
                       (b->len == 0 || memcmp(out.content->data, b->bytes, b->len) == 0)),
         "other bytes of %s", b->digest);
    response_close(&out);
}

static void delete_blob(struct model *m, struct model_blob *b)
{
    char target[512];
    snprintf(target, sizeof target, REPOSITORY "%s", b->digest);
    unsigned got = ask_plain(m, "DELETE", target);
    MUST(got == (b->there ? 202 : 404), "a delete: %u", got);
    b->there = false;
}

static void mount(struct model *m, const struct model_blob *b)
{
    char target[512];
    snprintf(target, sizeof target, "/v2/ci/b/blobs/uploads/?mount=%s&from=ci/a", b->digest);
    unsigned got = ask_plain(m, "POST", target);
    MUST(got == (b->there ? 201 : 202), "a mount: %u", got);
    snprintf(target, sizeof target, "/v2/ci/b/blobs/%s", b->digest);
    got = ask_plain(m, "HEAD", target);
    MUST(!b->there || got == 200, "what was mounted: %u", got);
}

static void step(struct model *m, struct script *s)
{
    uint8_t what = next(s);
    struct model_upload *u = &m->upload[(what >> 4) % UPLOADS];
    struct model_blob *b = m->blob_count > 0 ? &m->blob[(size_t)(what >> 4) % m->blob_count] : NULL;
    switch (what & 15) {
    case 0:
        start(m, u, s);
        return;
    case 1:
        status(m, u);
        return;
    case 2:
        cancel(m, u);
        return;
    case 3:
    case 4:
        finish(m, u, s);
        return;
    case 5:
        whole(m, s);
        return;
    default:
        break;
    }
    if (b == NULL || (what & 15) > 8) {
        chunk(m, u, s);
    } else if ((what & 15) == 6) {
        get(m, b);
    } else if ((what & 15) == 7) {
        delete_blob(m, b);
    } else {
        mount(m, b);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct model m;
    struct script s = {.data = data, .len = len};
    struct err e = {0};
    memset(&m, 0, sizeof m);
    m.store = store_new(&e);
    MUST(m.store != NULL, "%s", e.text);
    for (size_t i = 0; i < MAX_STEPS && s.len > 0 && m.blob_count < BLOBS; i++) {
        step(&m, &s);
    }
    for (size_t i = 0; i < m.blob_count; i++) {
        get(&m, &m.blob[i]);
    }
    store_free(m.store);
    return 0;
}
