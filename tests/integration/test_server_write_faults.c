/* Faults that meet writes: an error in the place of the answer means that nothing was changed, any
 * other fault acts on the answer of a write that was carried out. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/store_internal.h"
#include "tests/lib/server_push.h"

/* One write, ready to be sent. */
struct write {
    const char *op;
    const char *method;
    const char *more;
    const char *body;
    unsigned status; /* of its answer, where nothing is wrong */
    char path[768];
    char place[512]; /* of the upload that it is about */
};

static const struct write writes[] = {
    {.op = "upload-start", .method = "POST", .more = "", .body = "", .status = 202},
    {.op = "upload-chunk", .method = "PATCH", .more = "", .body = "some layer", .status = 202},
    {.op = "upload-finish", .method = "PUT", .more = "", .body = "some layer", .status = 201},
    {.op = "upload-cancel", .method = "DELETE", .more = "", .body = NULL, .status = 204},
    {.op = "manifest-put",
     .method = "PUT",
     .more = PUSH_INDEX_TYPE,
     .body = PUSH_INDEX,
     .status = 201},
    {.op = "delete", .method = "DELETE", .more = "", .body = NULL, .status = 202},
};
#define WRITES (sizeof(writes) / sizeof(writes[0]))

/* Everything that W needs is there. */
static void prepare(struct bed *b, struct write *w)
{
    int fd = bed_connect(b);
    push_begin(b, fd, w->place);
    (void)close(fd);
    (void)snprintf(w->path, sizeof(w->path), "%s", w->place);
    if (strcmp(w->op, "upload-start") == 0) {
        (void)snprintf(w->path, sizeof(w->path), PUSH_UPLOADS);
    } else if (strcmp(w->op, "upload-finish") == 0) {
        push_finish_path(w->place, w->body, w->path);
    } else if (strcmp(w->op, "manifest-put") == 0) {
        (void)snprintf(w->path, sizeof(w->path), PUSH_MANIFESTS "new");
    } else if (strcmp(w->op, "delete") == 0) {
        (void)snprintf(w->path, sizeof(w->path), PUSH_MANIFESTS "stable");
    }
}

static bool carried_out(const struct bed *b, const struct write *w)
{
    const struct upload *u = store_upload(b->store, "ci/agent", strrchr(w->place, '/') + 1);
    if (strcmp(w->op, "upload-chunk") == 0) {
        return upload_size(u) == strlen(w->body);
    }
    if (strcmp(w->op, "upload-finish") == 0) {
        return push_has_blob(b, w->body);
    }
    if (strcmp(w->op, "upload-cancel") == 0) {
        return u == NULL;
    }
    if (strcmp(w->op, "manifest-put") == 0) {
        return store_manifest(b->store, "ci/agent", "new") != NULL;
    }
    if (strcmp(w->op, "delete") == 0) {
        return store_manifest(b->store, "ci/agent", "stable") == NULL;
    }
    return b->store->upload_count == 2; /* upload-start: one more than prepare() has begun */
}

/* What one write came to under one fault of its operation. */
struct came {
    struct bed *bed;
    struct write write;
    struct bed_reply reply;
    const struct event_response *response;
    int fd;
};

/* Sends write I with the fault KIND (its text, with parameters) armed. */
static void begin(struct came *out, size_t i, const char *kind)
{
    char rules[256];
    (void)snprintf(rules, sizeof(rules), "{'f': {'on': 'primary', %s, 'match': {'op': '%s'}}}",
                   kind, writes[i].op);
    out->bed = bed_open(rules, NULL);
    out->write = writes[i];
    prepare(out->bed, &out->write);
    bed_arm(out->bed, "f");
    out->fd = bed_connect(out->bed);
    push_send(out->bed, out->fd, out->write.method, out->write.path, out->write.more,
              out->write.body);
}

/* Its answer is over, to the END of the connection or not. */
static void finish(struct came *out, bool end)
{
    if (end) {
        bed_reply_to_end(out->bed, out->fd, &out->reply);
    } else {
        bed_reply(out->bed, out->fd, false, &out->reply);
    }
    (void)close(out->fd);
    out->response = &bed_wait(out->bed, EVENT_RESPONSE, 2)->response;
    cr_expect_str_eq(out->response->faults, "f", "%s", out->write.op);
}

static void done(struct came *out, bool kept)
{
    cr_expect_eq(carried_out(out->bed, &out->write), kept, "%s", out->write.op);
    bed_reply_close(&out->reply);
    bed_close(out->bed);
}

/* status: the error comes, and the store is as before. */
Test(server_write_faults, an_error_means_nothing_was_done)
{
    for (size_t i = 0; i < WRITES; i++) {
        struct came c;
        begin(&c, i, "'kind': 'status', 'code': 503");
        finish(&c, false);
        cr_expect_eq(c.reply.status, 503, "%s", writes[i].op);
        cr_expect_null(c.response->stored);
        done(&c, false);
    }
}

/* A status that is no error is what a middlebox makes of a write that was carried out. */
Test(server_write_faults, another_status_hides_what_was_done)
{
    for (size_t i = 0; i < WRITES; i++) {
        struct came c;
        begin(&c, i, "'kind': 'status', 'code': 200, 'body': 'html'");
        finish(&c, false);
        cr_expect_eq(c.reply.status, 200, "%s", writes[i].op);
        done(&c, true);
    }
}

/* latency: the answer comes late, and is the true one. */
Test(server_write_faults, delays)
{
    for (size_t i = 0; i < WRITES; i++) {
        struct came c;
        begin(&c, i, "'kind': 'latency', 'delay': '5ms'");
        finish(&c, false);
        cr_expect_eq(c.reply.status, writes[i].status, "%s", writes[i].op);
        cr_expect_geq(c.response->duration_ns, UINT64_C(5000000));
        done(&c, true);
    }
}

/* stall: the write is carried out, its answer comes with the heal. */
Test(server_write_faults, stalls_until_the_heal)
{
    for (size_t i = 0; i < WRITES; i++) {
        struct came c;
        begin(&c, i, "'kind': 'stall'");
        while (server_totals(c.bed->server).stalled == 0) {
            bed_turn(c.bed);
        }
        cr_expect(carried_out(c.bed, &c.write), "%s", writes[i].op);
        bed_heal(c.bed, "f");
        finish(&c, false);
        cr_expect_eq(c.reply.status, writes[i].status, "%s", writes[i].op);
        done(&c, true);
    }
}

/* reset and close before the head: no answer, though the write was carried out. */
Test(server_write_faults, cuts_the_answer)
{
    for (size_t i = 0; i < WRITES; i++) {
        struct came c;
        begin(&c, i, "'kind': 'reset'");
        finish(&c, true);
        cr_expect_eq(c.reply.error, ECONNRESET, "%s", writes[i].op);
        cr_expect_eq(c.response->status, 0);
        done(&c, true);
        begin(&c, i, "'kind': 'close'");
        finish(&c, true);
        cr_expect(c.reply.eof && c.reply.bytes.len == 0, "%s", writes[i].op);
        done(&c, true);
    }
}

/* close at a byte acts where an answer carries something: the error of a write that is refused. */
Test(server_write_faults, cuts_a_refusal)
{
    struct bed *b =
        bed_open("{'c': {'on': 'primary', 'kind': 'close', 'after-bytes': 5, 'match': {'op': "
                 "'manifest-put'}}}",
                 NULL);
    struct bed_reply r;
    bed_arm(b, "c");
    int fd = bed_connect(b);
    push_send(b, fd, "PUT", PUSH_MANIFESTS "new", PUSH_INDEX_TYPE, "no manifest");
    bed_reply_to_end(b, fd, &r);
    cr_assert_eq(r.status, 400);
    cr_assert_eq(r.body_len, 5);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* What a write names by its digest is met by that digest, whether the registry has it or not. */
Test(server_write_faults, met_by_digest)
{
    struct bed *b = bed_open("{'f': {'on': 'primary', 'kind': 'status', 'code': 503, 'match': "
                             "{'op': ['delete', 'manifest-put'], 'digest': 'sha256:ba78*'}}}",
                             NULL);
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    char path[256];
    bed_arm(b, "f");
    int fd = bed_connect(b);
    (void)snprintf(path, sizeof(path), PUSH_MANIFESTS "sha256:%s", abc);
    cr_expect_eq(push_ask(b, fd, "DELETE", path, "", NULL, NULL), 503);
    cr_expect_eq(push_ask(b, fd, "PUT", path, PUSH_INDEX_TYPE, PUSH_INDEX, NULL), 503);
    (void)snprintf(path, sizeof(path), "/v2/ci/agent/blobs/sha256:%s", abc);
    cr_expect_eq(push_ask(b, fd, "DELETE", path, "", NULL, NULL), 503);
    path[strlen(path) - 64] = '0';
    cr_expect_eq(push_ask(b, fd, "DELETE", path, "", NULL, NULL), 404, "another digest");
    (void)close(fd);
    bed_close(b);
}

/* A fault that met the head of an upload, but whose turn is over before the body is whole, does not
 * meet it: what counts is when the whole request has come. */
Test(server_write_faults, are_decided_when_the_request_is_whole)
{
    struct bed *b = bed_open("{'f': {'on': 'primary', 'kind': 'status', 'code': 503, 'match': "
                             "{'op': 'upload-*'}}}",
                             NULL);
    char path[768];
    struct bed_reply r;
    int fd = bed_connect(b);
    push_begin_put(b, fd, "some layer", path);
    bed_arm(b, "f");
    push_send(b, fd, "PUT", path, "Content-Length: 10\r\n", NULL);
    bed_send(b, fd, "some ");
    bed_heal(b, "f");
    bed_send(b, fd, "layer");
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 201);
    cr_assert_eq(bed_count(b, EVENT_FAULT_DECIDED), 0);
    bed_reply_close(&r);
    (void)close(fd);
    bed_close(b);
}

/* `existing: reset` cuts an upload that is under way; the fault's heal leaves the store as it was.
 */
Test(server_write_faults, cuts_an_upload_under_way)
{
    struct bed *b =
        bed_open("{'f': {'on': 'primary', 'kind': 'refuse', 'existing': 'reset'}}", NULL);
    char place[512];
    struct bed_reply r;
    int fd = bed_connect(b);
    push_begin(b, fd, place);
    push_send(b, fd, "PATCH", place, "Content-Length: 10\r\n", NULL);
    bed_send(b, fd, "some ");
    bed_turn(b);
    bed_arm(b, "f");
    bed_reply_to_end(b, fd, &r);
    cr_assert_eq(r.error, ECONNRESET);
    cr_assert_str_eq(bed_find(b, EVENT_RESPONSE, 2)->response.end, "cut");
    bed_reply_close(&r);
    (void)close(fd);
    bed_heal(b, "f");
    fd = bed_connect(b);
    cr_assert_eq(push_ask(b, fd, "PATCH", place, "", "layer", NULL), 202);
    (void)close(fd);
    bed_close(b);
}
