/* A registry to measure, on 127.0.0.1: one image with a small layer, a big blob in memory and the
 * same in a file. Prints one line once it listens, "PORT MANIFEST BLOB FILE" (the three are paths),
 * and serves until SIGTERM. SIGUSR1 heals its stall.
 *
 *   --history FILE   writes one            --tls        speaks TLS
 *   --rules N        arms N rules that match nothing
 *   --stall          arms a stall of every manifest, behind its head
 *   --blob BYTES     the size of the big blob          --folder DIR   where its file is */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "fake-registry/image.h"
#include "fake-registry/server.h"
#include "fake-registry/tls.h"
#include "faults/engine.h"
#include "harness/base/arena.h"
#include "harness/base/buf.h"
#include "harness/base/doc.h"
#include "harness/history/history.h"

#define RULES_MAX 1000
#define RULES_TEXT (1u << 20)

struct options {
    const char *history;
    const char *folder;
    size_t rules;
    size_t blob;
    bool tls;
    bool stall;
};

struct bench {
    struct options asked;
    uv_loop_t loop;
    uv_signal_t term;
    uv_signal_t heal;
    uv_check_t turn;
    struct history *history;
    struct arena arena;
    struct fault_rule rule[RULES_MAX + 1];
    size_t rules;
    struct fault_engine *faults;
    struct store *store;
    struct tls_authority *authority;
    struct server *server;
    char blob[DIGEST_TEXT];
    char file[DIGEST_TEXT];
    int failed;
};

static int complain(const struct err *e)
{
    fprintf(stderr, "bench_server: %s\n", e->text);
    return 1;
}

/* ---- rules --------------------------------------------------------------------------------- */

/* Rules of the very registry and operation that is asked, which only a look at the request tells
 * not to be meant: by reference, path, digest, header and lane. */
static void write_rules(const struct options *asked, struct buf *out)
{
    static const char *const rule[] = {
        "\"kind\":\"status\",\"code\":500,\"match\":{\"op\":\"manifest-*\",\"ref\":\"ci/"
        "other-%zu:*\"}",
        "\"kind\":\"latency\",\"delay\":\"1s\",\"match\":{\"path\":\"/v2/ci/other-%zu/*\"}",
        "\"kind\":\"truncate\",\"after-bytes\":1,\"match\":{\"digest\":\"sha256:%zu-*\"}",
        "\"kind\":\"reset\",\"match\":{\"header\":{\"name\":\"User-Agent\",\"value\":\"other-%zu*"
        "\"}}",
        "\"kind\":\"stall\",\"match\":{\"op\":\"manifest-get\",\"lane\":1%zu}",
    };
    buf_char(out, '{');
    for (size_t i = 0; i < asked->rules; i++) {
        buf_printf(out, "%s\"rule-%zu\":{\"on\":\"primary\",", i > 0 ? "," : "", i);
        char text[200];
        const char *of = rule[i % (sizeof(rule) / sizeof(rule[0]))];
        const char *hole = strstr(of, "%zu");
        (void)snprintf(text, sizeof(text), "%.*s%zu%s}", (int)(hole - of), of, i, hole + 3);
        buf_str(out, text);
    }
    if (asked->stall) {
        buf_printf(out,
                   "%s\"stall\":{\"on\":\"primary\",\"kind\":\"stall\",\"after-bytes\":0,"
                   "\"match\":{\"op\":\"manifest-get\"}}",
                   asked->rules > 0 ? "," : "");
    }
    buf_char(out, '}');
}

static int read_rules(struct bench *b, const struct buf *text, struct err *e)
{
    struct doc doc;
    struct doc_at key;
    struct doc_at value;
    const char *name = NULL;
    if (text->failed || doc_init(&doc, "rules", text->data, text->len, e) != 0) {
        return -1;
    }
    int result = 0;
    struct doc_iter it = doc_iterate(doc_root(&doc));
    while (result == 0 && doc_next(&it, &name, &key, &value)) {
        result = fault_rule_parse(name, value, NULL, NULL, &b->arena, &b->rule[b->rules++], e);
    }
    if (result == 0) {
        b->faults = fault_engine_new(b->rule, b->rules, 1, e);
        result = b->faults != NULL ? 0 : -1;
    }
    for (size_t i = 0; i < b->rules && result == 0; i++) {
        result = fault_engine_arm(b->faults, &b->rule[i], 0, e);
    }
    doc_close(&doc);
    return result;
}

static int open_rules(struct bench *b, struct err *e)
{
    struct buf text;
    arena_init(&b->arena, RULES_TEXT);
    buf_init(&text, RULES_TEXT);
    write_rules(&b->asked, &text);
    int result = read_rules(b, &text, e);
    buf_close(&text);
    return result;
}

/* ---- content ------------------------------------------------------------------------------- */

static int put_image(struct bench *b, struct err *e)
{
    const struct image_layer layer = {.size = 4096};
    const struct image_recipe recipe = {
        .name = "bench", .seed = 1, .layers = &layer, .layer_count = 1};
    struct image image;
    if (image_build(&recipe, &image, e) != 0) {
        return -1;
    }
    int result = image_put(&image, b->store, "ci/agent", "stable", e);
    image_close(&image);
    return result;
}

static int put(struct bench *b, struct content *c, char digest[DIGEST_TEXT], struct err *e)
{
    int result = store_put_blob(b->store, "ci/agent", c, e);
    memcpy(digest, c->digest, DIGEST_TEXT);
    content_unref(c);
    return result;
}

static int write_file(const char *path, const uint8_t *data, size_t size, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return err_errno(e, errno, "%s", path);
    }
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, data + done, size - done);
        if (n < 0) {
            (void)err_errno(e, errno, "%s", path);
            (void)close(fd);
            return -1;
        }
        done += (size_t)n;
    }
    return fd;
}

/* Differs from what is in memory by its first byte, so that each has a digest of its own. */
static int put_file(struct bench *b, uint8_t *data, struct err *e)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/blob", b->asked.folder);
    data[0] ^= 1;
    digest_sha256(data, b->asked.blob, b->file);
    int fd = write_file(path, data, b->asked.blob, e);
    data[0] ^= 1;
    if (fd < 0) {
        return -1;
    }
    struct content *c =
        content_verified_take(NULL, fd, b->asked.blob, b->file, "application/octet-stream", e);
    return c != NULL ? put(b, c, b->file, e) : -1;
}

static int put_blobs(struct bench *b, struct err *e)
{
    size_t size = b->asked.blob;
    uint8_t *data = malloc(size);
    if (data == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for a blob");
    }
    uint64_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * UINT64_C(6364136223846793005) + 1;
        data[i] = (uint8_t)(state >> 56);
    }
    if (b->asked.folder != NULL && put_file(b, data, e) != 0) {
        free(data);
        return -1;
    }
    struct content *c = content_new_take(data, size, "application/octet-stream", e);
    if (c == NULL) {
        free(data);
    }
    return c != NULL ? put(b, c, b->blob, e) : -1;
}

/* ---- the server ---------------------------------------------------------------------------- */

static void on_turn(uv_check_t *check)
{
    struct bench *b = check->data;
    struct err e = {0};
    if (history_flush(b->history, &e) != 0 && !b->failed) {
        b->failed = complain(&e);
    }
}

static void on_term(uv_signal_t *handle, int signal)
{
    struct bench *b = handle->data;
    (void)signal;
    server_close(b->server, NULL, NULL);
    uv_close((uv_handle_t *)&b->term, NULL);
    uv_close((uv_handle_t *)&b->heal, NULL);
    uv_close((uv_handle_t *)&b->turn, NULL);
}

static void on_heal(uv_signal_t *handle, int signal)
{
    struct bench *b = handle->data;
    struct err e = {0};
    (void)signal;
    const struct fault_rule *last = &b->rule[b->rules - 1];
    fault_engine_heal(b->faults, last);
    if (server_fault_healed(b->server, last, &e) != 0) {
        b->failed = complain(&e);
    }
}

static int open_listener(struct bench *b, struct err *e)
{
    static const char *const names[] = {"127.0.0.1"};
    struct server_registry registry = {.name = "primary", .store = b->store};
    struct server_listen listen = {.lane = 1};
    if (b->asked.tls) {
        const struct tls_leaf leaf = {.names = names, .name_count = 1};
        b->authority = tls_authority_new(e);
        listen.tls = b->authority != NULL ? tls_authority_context(b->authority, &leaf, e) : NULL;
        if (listen.tls == NULL) {
            return -1;
        }
    }
    listen.registry = server_add_registry(b->server, &registry, e);
    return listen.registry < 0 ? -1 : server_listen(b->server, &listen, "127.0.0.1", 0, e);
}

static int open_all(struct bench *b, struct err *e)
{
    b->history = history_new(b->asked.history, e);
    b->store = store_new(e);
    if (b->history == NULL || b->store == NULL || open_rules(b, e) != 0 || put_image(b, e) != 0 ||
        (b->asked.blob > 0 && put_blobs(b, e) != 0)) {
        return -1;
    }
    const struct server_config config = {
        .loop = &b->loop, .history = b->history, .faults = b->faults};
    b->server = server_new(&config, e);
    int listener = b->server != NULL ? open_listener(b, e) : -1;
    if (listener < 0) {
        return -1;
    }
    server_lane_begin(b->server, 1, 1);
    printf("%u /v2/ci/agent/manifests/stable /v2/ci/agent/blobs/%s /v2/ci/agent/blobs/%s\n",
           server_port(b->server, listener), b->blob, b->file);
    return fflush(stdout) == 0 ? 0 : err_set(e, ERR_IO, "stdout is closed");
}

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option table[] = {{"history", required_argument, NULL, 'h'},
                                          {"folder", required_argument, NULL, 'f'},
                                          {"rules", required_argument, NULL, 'r'},
                                          {"blob", required_argument, NULL, 'b'},
                                          {"tls", no_argument, NULL, 't'},
                                          {"stall", no_argument, NULL, 's'},
                                          {NULL, 0, NULL, 0}};
    for (int c = 0; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        switch (c) {
        case 'h':
            o->history = optarg;
            break;
        case 'f':
            o->folder = optarg;
            break;
        case 'r':
            o->rules = (size_t)strtoul(optarg, NULL, 10);
            break;
        case 'b':
            o->blob = (size_t)strtoul(optarg, NULL, 10);
            break;
        case 't':
            o->tls = true;
            break;
        case 's':
            o->stall = true;
            break;
        default:
            return -1;
        }
    }
    return optind == argc && o->rules <= RULES_MAX ? 0 : -1;
}

static void more_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct err e = {0};
    if (parse(argc, argv, &b.asked) != 0) {
        return 4;
    }
    more_descriptors();
    if (uv_loop_init(&b.loop) != 0 || open_all(&b, &e) != 0) {
        return complain(&e);
    }
    (void)uv_signal_init(&b.loop, &b.term);
    (void)uv_signal_init(&b.loop, &b.heal);
    (void)uv_check_init(&b.loop, &b.turn);
    b.term.data = b.heal.data = b.turn.data = &b;
    (void)uv_signal_start(&b.term, on_term, SIGTERM);
    (void)uv_signal_start(&b.heal, on_heal, SIGUSR1);
    (void)uv_check_start(&b.turn, on_turn);
    (void)uv_run(&b.loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&b.loop) != 0) {
        (void)err_set(&e, ERR_INTERNAL, "the loop did not close");
        b.failed = complain(&e);
    }
    store_free(b.store);
    fault_engine_free(b.faults);
    tls_authority_free(b.authority);
    arena_close(&b.arena);
    history_free(b.history);
    return b.failed;
}
