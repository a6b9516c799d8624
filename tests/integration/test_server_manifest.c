/* Large manifests, which the thread pool reads: the same answers as to small ones, and no neighbour
 * waits for them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/server_push.h"

/* More than is read while others wait. */
#define LARGE ((size_t)200 << 10)

/* TEXT, which is an object, with blanks before its end up to SIZE; to be freed. */
static char *padded(const char *text, size_t size)
{
    size_t len = strlen(text);
    size_t total = len > size ? len : size;
    char *out = malloc(total + 1);
    cr_assert_not_null(out);
    memset(out, ' ', total);
    memcpy(out, text, len - 1);
    out[total - 1] = text[len - 1];
    out[total] = '\0';
    return out;
}

/* PATH; where it ends in "@" with the digest of TEXT in its place. */
static void digest_path(const char *path, const char *text, char out[768])
{
    char digest[DIGEST_TEXT] = "";
    const char *at = strchr(path, '@');
    size_t len = at != NULL ? (size_t)(at - path) : strlen(path);
    cr_assert_eq(digest_sha256(text, strlen(text), digest), 0);
    (void)snprintf(out, 768, "%.*s%s%s", (int)len, path, at != NULL ? digest : "",
                   at != NULL ? at + 1 : "");
}

/* What each size is answered with: the status, the headers that do not name it, the body. */
static void ask(struct bed *b, int fd, const char *path, const char *head, const char *text,
                char out[4096])
{
    struct bed_reply r;
    char where[768];
    char subject[256];
    char tags[256];
    digest_path(path, text, where);
    unsigned status = push_ask(b, fd, "PUT", where, head, text, &r);
    push_header(&r, "OCI-Subject", subject, sizeof(subject));
    push_header(&r, "OCI-Tag", tags, sizeof(tags));
    (void)snprintf(out, 4096, "%u %s %s %s", status, subject, tags, bed_body(&r));
    bed_reply_close(&r);
    if (status == 201) {
        cr_assert_eq(push_ask(b, fd, "GET", PUSH_MANIFESTS "t", "", NULL, &r), 200);
        cr_assert_str_eq(bed_body(&r), text);
        bed_reply_close(&r);
    }
}

#define OTHER "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define INDEX_TYPE "application/vnd.oci.image.index.v1+json"
#define SUBJECT                                                                                    \
    "{\"schemaVersion\":2,\"manifests\":[],\"subject\":{\"digest\":\"" OTHER "\",\"size\":2},"     \
    "\"annotations\":{\"a\":\"b\"}}"

/* Whatever is right or wrong with a manifest, its size does not change what is said of it. */
Test(server_manifest, answers_as_to_small_ones)
{
    static char long_type[400] = "Content-Type: application/";
    static const struct {
        const char *path;
        const char *head;
        const char *text;
        const char *begins;
    } cases[] = {
        {PUSH_MANIFESTS "t", PUSH_INDEX_TYPE, PUSH_INDEX, "201  "},
        {PUSH_MANIFESTS "t", "", SUBJECT, "201 " OTHER},
        {PUSH_MANIFESTS "@?tag=t&tag=u", "", PUSH_INDEX, "201  t, u"},
        {PUSH_MANIFESTS OTHER, PUSH_INDEX_TYPE, PUSH_INDEX, "400 "},
        {PUSH_MANIFESTS "x", PUSH_INDEX_TYPE, "{\"schemaVersion\":2", "400 "},
        {PUSH_MANIFESTS "x", PUSH_INDEX_TYPE, "{\"schemaVersion\":1}", "400 "},
        {PUSH_MANIFESTS "x", "Content-Type: " PUSH_TYPE "\r\n", PUSH_INDEX, "400 "},
        {PUSH_MANIFESTS "x", "Content-Type: text/plain\r\n", PUSH_INDEX, "400 "},
        {PUSH_MANIFESTS "x", long_type, PUSH_INDEX, "400 "},
    };
    struct bed *b = bed_open(NULL, NULL);
    int fd = bed_connect(b);
    memset(long_type + strlen(long_type), 'x', 200);
    memcpy(long_type + strlen(long_type), "\r\n", 3);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char small[4096];
        char large[4096];
        char *text = padded(cases[i].text, LARGE);
        ask(b, fd, cases[i].path, cases[i].head, cases[i].text, small);
        ask(b, fd, cases[i].path, cases[i].head, text, large);
        cr_assert_str_eq(large, small, "case %zu", i);
        cr_assert_eq(strncmp(large, cases[i].begins, strlen(cases[i].begins)), 0, "case %zu: %s", i,
                     large);
        free(text);
    }
    (void)close(fd);
    bed_close(b);
}

/* The pool's only thread is busy until it is told. */
static uv_sem_t go;

static void wait_for_go(uv_work_t *work)
{
    (void)work;
    uv_sem_wait(&go);
}

static void on_gone(uv_work_t *work, int status)
{
    (void)work;
    (void)status;
}

static struct bed *begin_busy(uv_work_t *work, const char *rules)
{
    cr_assert_eq(setenv("UV_THREADPOOL_SIZE", "1", 1), 0);
    cr_assert_eq(uv_sem_init(&go, 0), 0);
    struct bed *b = bed_open(rules, NULL);
    cr_assert_eq(uv_queue_work(&b->loop, work, wait_for_go, on_gone), 0);
    return b;
}

/* Turns the loop until a client's whole manifest has come. */
static void wait_until_read(struct bed *b)
{
    bed_until_it_says(b, "to be stored");
}

/* A neighbour is answered while a manifest waits to be read, and what its own client has sent
 * meanwhile after that. */
Test(server_manifest, keeps_no_neighbour_waiting)
{
    uv_work_t work;
    struct bed *b = begin_busy(&work, NULL);
    char *text = padded(PUSH_INDEX, LARGE);
    int fd = bed_connect(b);
    int neighbour = bed_connect(b);
    push_send(b, fd, "PUT", PUSH_MANIFESTS "large", PUSH_INDEX_TYPE, text);
    wait_until_read(b);
    push_send(b, fd, "HEAD", PUSH_MANIFESTS "large", "", NULL);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(push_ask(b, neighbour, "GET", PUSH_MANIFESTS "large", "", NULL, NULL), 404);
    }
    uv_sem_post(&go);
    (void)bed_wait(b, EVENT_RESPONSE, 5);
    size_t pushed = 0;
    size_t read = 0;
    for (size_t i = 1; i <= 5; i++) {
        uint64_t status = bed_find(b, EVENT_RESPONSE, i)->response.status;
        pushed = status == 201 ? i : pushed;
        read = status == 200 ? i : read;
    }
    cr_assert(pushed > 0 && pushed < read, "%zu, %zu", pushed, read);
    free(text);
    (void)close(fd);
    (void)close(neighbour);
    bed_close(b);
}

/* A client that is gone before its manifest was read has pushed nothing. */
Test(server_manifest, forgets_a_client_that_is_gone)
{
    uv_work_t work;
    struct bed *b = begin_busy(&work, "{'f': {'on': 'primary', 'kind': 'refuse', 'existing': "
                                      "'reset'}}");
    char *text = padded(PUSH_INDEX, LARGE);
    int fd = bed_connect(b);
    push_send(b, fd, "PUT", PUSH_MANIFESTS "large", PUSH_INDEX_TYPE, text);
    wait_until_read(b);
    bed_arm(b, "f");
    (void)bed_wait(b, EVENT_CONNECTION_CLOSE, 1);
    bed_heal(b, "f");
    uv_sem_post(&go);
    int other = bed_connect(b);
    cr_assert_eq(push_ask(b, other, "PUT", PUSH_MANIFESTS "next", PUSH_INDEX_TYPE, text, NULL), 201,
                 "the pool has one thread: the first is done with");
    cr_assert_null(store_manifest(b->store, "ci/agent", "large"));
    free(text);
    (void)close(fd);
    (void)close(other);
    bed_close(b);
}

/* A fault that takes the answer's place is decided once, and nothing is kept. */
Test(server_manifest, meets_a_fault_once)
{
    struct bed *b = bed_open("{'f': {'on': 'primary', 'kind': 'status', 'code': 503, 'when': "
                             "{'limit': 1}}}",
                             NULL);
    char *text = padded(PUSH_INDEX, LARGE);
    int fd = bed_connect(b);
    bed_arm(b, "f");
    cr_assert_eq(push_ask(b, fd, "PUT", PUSH_MANIFESTS "x", PUSH_INDEX_TYPE, text, NULL), 503);
    cr_assert_null(store_manifest(b->store, "ci/agent", "x"));
    cr_assert_eq(push_ask(b, fd, "PUT", PUSH_MANIFESTS "x", PUSH_INDEX_TYPE, text, NULL), 201);
    cr_assert_eq(bed_count(b, EVENT_FAULT_DECIDED), 2, "%zu", bed_count(b, EVENT_FAULT_DECIDED));
    bed_heal(b, "f");
    free(text);
    (void)close(fd);
    bed_close(b);
}
