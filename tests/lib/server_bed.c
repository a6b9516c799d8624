/* A server under test. Waiting is bounded by PATIENCE_NS, which only a broken server reaches. */
#include "tests/lib/server_bed.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake-registry/server_internal.h"
#include "harness/base/clock.h"
#include "harness/base/rng.h"

#define PATIENCE_NS (UINT64_C(60) * CLOCK_NS_PER_S)

static void keep(void *data, const struct event *ev)
{
    struct bed *b = data;
    struct buf line;
    struct err e = {0};
    cr_assert_lt(b->events, BED_EVENTS);
    struct bed_event *kept = &b->event[b->events++];
    buf_init(&line, 1 << 20);
    buf_init(&kept->scratch, 1 << 20);
    event_encode(ev, &line);
    cr_assert_eq(event_decode(line.data, line.len - 1, &kept->ev, &kept->scratch, &e), 0, "%s",
                 e.text);
    buf_close(&line);
}

static struct content *seeded(uint64_t seed, size_t size, const char *type)
{
    struct rng rng;
    struct err e = {0};
    uint8_t *data = malloc(size);
    cr_assert_not_null(data);
    rng_init(&rng, seed);
    rng_fill(&rng, data, size);
    struct content *c = content_new_take(data, size, type, &e);
    cr_assert_not_null(c, "%s", e.text);
    return c;
}

/* The same content, but its bytes lie in a file. */
static void move_to_file(struct content *c)
{
    c->fd = memfd_create("blob", MFD_CLOEXEC);
    cr_assert_geq(c->fd, 0);
    cr_assert_eq(write(c->fd, c->data, c->size), (ssize_t)c->size);
    free(c->data);
    c->data = NULL;
}

static void fill_store(struct bed *b)
{
    struct err e = {0};
    b->store = store_new(&e);
    cr_assert_not_null(b->store);
    b->manifest = seeded(1, BED_MANIFEST, "application/vnd.oci.image.manifest.v1+json");
    b->layer = seeded(2, BED_LAYER, "application/octet-stream");
    b->big = seeded(3, BED_BIG, "application/octet-stream");
    b->file = seeded(4, BED_FILE, "application/octet-stream");
    move_to_file(b->file);
    cr_assert_eq(store_put_manifest(b->store, "ci/agent", "stable", b->manifest, &e), 0);
    cr_assert_eq(store_put_blob(b->store, "ci/agent", b->layer, &e), 0);
    cr_assert_eq(store_put_blob(b->store, "ci/agent", b->big, &e), 0);
    cr_assert_eq(store_put_blob(b->store, "ci/agent", b->file, &e), 0);
}

bool bed_speaks_tls;
bool bed_is_quiet;

static struct tls_context *tls_of(struct bed *b)
{
    static const char *const names[] = {"127.3.1.1", "primary"};
    const struct tls_leaf leaf = {.names = names, .name_count = 2};
    struct err e = {0};
    if (!bed_speaks_tls) {
        return NULL;
    }
    b->authority = tls_authority_new(&e);
    cr_assert_not_null(b->authority, "%s", e.text);
    return tls_authority_context(b->authority, &leaf, &e);
}

struct bed *bed_open(const char *rules, const struct server_limits *limits)
{
    struct err e = {0};
    struct bed *b = calloc(1, sizeof(*b));
    cr_assert_not_null(b);
    cr_assert_eq(uv_loop_init(&b->loop), 0);
    b->history = history_new(NULL, &e);
    cr_assert_not_null(b->history, "%s", e.text);
    cr_assert(bed_is_quiet || history_observe(b->history, keep, b, &e) == 0);
    cr_assert_eq(fault_rules_read(&b->rules, rules != NULL ? rules : "{}", &e), 0, "%s", e.text);
    b->rules.engine = fault_engine_new(b->rules.rule, b->rules.count, 42, &e);
    cr_assert_not_null(b->rules.engine, "%s", e.text);
    fill_store(b);
    struct server_config config = {
        .loop = &b->loop, .history = b->history, .faults = b->rules.engine};
    if (limits != NULL) {
        config.limits = *limits;
    }
    b->server = server_new(&config, &e);
    cr_assert_not_null(b->server, "%s", e.text);
    b->registry = server_add_registry(
        b->server, &(struct server_registry){.name = "primary", .store = b->store}, &e);
    struct server_listen how = {.registry = b->registry, .lane = 1, .tls = tls_of(b)};
    b->listener = server_listen(b->server, &how, "127.3.1.1", 0, &e);
    cr_assert_geq(b->listener, 0, "%s", e.text);
    server_lane_begin(b->server, 1, 1);
    return b;
}

static void on_closed(void *data)
{
    struct bed *b = data;
    b->closed = true;
}

void bed_close(struct bed *b)
{
    server_close(b->server, on_closed, b);
    cr_assert_eq(uv_run(&b->loop, UV_RUN_DEFAULT), 0);
    cr_assert(b->closed);
    cr_assert_eq(uv_loop_close(&b->loop), 0);
    store_free(b->store);
    /* Every answer under way has let go of what it carried. */
    cr_assert_eq(b->manifest->refs, 1);
    cr_assert_eq(b->layer->refs, 1);
    content_unref(b->manifest);
    content_unref(b->layer);
    content_unref(b->big);
    content_unref(b->file);
    for (size_t i = 0; i < BED_PEERS; i++) {
        if (b->peer[i] != NULL) {
            tls_peer_free(b->peer[i]);
        }
    }
    tls_authority_free(b->authority);
    fault_rules_close(&b->rules);
    history_free(b->history);
    for (size_t i = 0; i < b->events; i++) {
        buf_close(&b->event[i].scratch);
    }
    free(b);
}

void bed_turn(struct bed *b)
{
    (void)uv_run(&b->loop, UV_RUN_NOWAIT);
}

/* ---- clients ------------------------------------------------------------------------------- */

static struct sockaddr_in address_of(const struct bed *b, int listener)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(server_port(b->server, listener))};
    char host[64];
    (void)snprintf(host, sizeof(host), "%s", server_address(b->server, listener));
    host[strcspn(host, ":")] = '\0';
    cr_assert_eq(inet_pton(AF_INET, host, &to.sin_addr), 1);
    return to;
}

int bed_begin_connect(const struct bed *b, int listener)
{
    struct sockaddr_in to = address_of(b, listener);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    int rc = connect(fd, (struct sockaddr *)&to, sizeof(to));
    cr_assert(rc == 0 || errno == EINPROGRESS || errno == ECONNREFUSED);
    return fd;
}

int bed_connect_plain(struct bed *b, int listener)
{
    struct sockaddr_in to = address_of(b, listener);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* Sends what the client on FD has to say, as far as its kernel takes it. */
static void speak(struct bed *b, int fd)
{
    char data[16384];
    size_t n = tls_peer_output(b->peer[fd], data, sizeof(data));
    if (n > 0) {
        cr_assert_eq(send(fd, data, n, MSG_NOSIGNAL), (ssize_t)n);
    }
}

void bed_shake(struct bed *b, int fd, const struct tls_peer_options *options)
{
    char data[16384];
    uint64_t give_up = clock_now_ns() + PATIENCE_NS;
    ssize_t n = 1;
    cr_assert_lt(fd, BED_PEERS);
    if (b->peer[fd] != NULL) {
        tls_peer_free(b->peer[fd]);
    }
    struct tls_peer *p = b->peer[fd] = tls_peer_new(options);
    while (SSL_is_init_finished(p->ssl) == 0 && !p->failed && n != 0) {
        cr_assert_eq(tls_peer_read(p, data, sizeof(data)), 0);
        speak(b, fd);
        bed_turn(b);
        n = recv(fd, data, sizeof(data), 0);
        if (n > 0) {
            tls_peer_feed(p, data, (size_t)n);
        } else if (n < 0 && errno != EAGAIN) {
            break;
        }
        cr_assert_lt(clock_now_ns(), give_up, "the handshake does not end");
    }
    speak(b, fd);
}

int bed_connect_tls(struct bed *b, const struct tls_peer_options *options)
{
    int fd = bed_connect_plain(b, b->listener);
    if (fd >= 0) {
        bed_shake(b, fd, options);
    }
    return fd;
}

int bed_connect_to(struct bed *b, int listener)
{
    if (b->authority == NULL || listener != b->listener) {
        return bed_connect_plain(b, listener);
    }
    const struct tls_peer_options options = {.ca = tls_authority_pem(b->authority),
                                             .host = "127.3.1.1"};
    return bed_connect_tls(b, &options);
}

int bed_connect(struct bed *b)
{
    return bed_connect_to(b, b->listener);
}

/* The same under TLS, where it is little. */
static void send_tls(struct bed *b, int fd, const char *text)
{
    if (!b->peer[fd]->failed) {
        tls_peer_write(b->peer[fd], text, strlen(text));
    }
    speak(b, fd);
    bed_turn(b);
}

void bed_send(struct bed *b, int fd, const char *text)
{
    if (b->peer[fd] != NULL) {
        send_tls(b, fd, text);
        return;
    }
    size_t left = strlen(text);
    uint64_t give_up = clock_now_ns() + PATIENCE_NS;
    while (left > 0) {
        ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) {
            return; /* the server closed: what it answered is for the caller to judge */
        }
        text += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
        bed_turn(b);
        cr_assert_lt(clock_now_ns(), give_up, "the server does not read");
    }
}

void bed_get(struct bed *b, int fd, const char *path)
{
    char text[1024];
    (void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: primary\r\n\r\n", path);
    bed_send(b, fd, text);
}

void bed_get_blob(struct bed *b, int fd, const struct content *c, const char *more_headers)
{
    char text[1024];
    (void)snprintf(text, sizeof(text),
                   "GET /v2/ci/agent/blobs/%s HTTP/1.1\r\nHost: primary\r\n%s\r\n", c->digest,
                   more_headers);
    bed_send(b, fd, text);
}

static void read_head(struct bed_reply *r, size_t *promised)
{
    const char *end = r->bytes.data != NULL ? strstr(r->bytes.data, "\r\n\r\n") : NULL;
    if (end == NULL) {
        return;
    }
    r->head_len = (size_t)(end + 4 - r->bytes.data);
    r->status = (unsigned)strtoul(r->bytes.data + strlen("HTTP/1.1 "), NULL, 10);
    const char *length = strstr(r->bytes.data, "Content-Length: ");
    *promised = length != NULL && length < end ? strtoul(length + 16, NULL, 10) : 0;
}

/* Takes N bytes of ciphertext from PIECE. */
static void decrypt(struct tls_peer *p, const char *piece, ssize_t n, struct bed_reply *r)
{
    char plain[16384];
    size_t len = 0;
    if (n > 0) {
        tls_peer_feed(p, piece, (size_t)n);
    }
    while ((len = tls_peer_read(p, plain, sizeof(plain))) > 0) {
        buf_append(&r->bytes, plain, len);
    }
    r->notified = p->notified;
}

static void receive(struct bed *b, int fd, size_t want, bool promised, struct bed_reply *r)
{
    char piece[65536];
    size_t length = 0;
    uint64_t give_up = clock_now_ns() + PATIENCE_NS;
    memset(r, 0, sizeof(*r));
    buf_init(&r->bytes, 64 << 20);
    while (!r->eof && r->error == 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        bed_turn(b);
        ssize_t n = poll(&p, 1, 1) > 0 ? recv(fd, piece, sizeof(piece), 0) : -2;
        r->eof = n == 0;
        r->error = n == -1 && errno != EAGAIN ? errno : 0;
        if (b->peer[fd] != NULL) {
            decrypt(b->peer[fd], piece, n, r);
        } else {
            buf_append(&r->bytes, piece, n > 0 ? (size_t)n : 0);
        }
        if (r->head_len == 0) {
            read_head(r, &length);
        }
        r->body_len = r->bytes.len - r->head_len;
        if (r->head_len > 0 && r->body_len >= (promised ? length : want)) {
            return;
        }
        cr_assert_lt(clock_now_ns(), give_up, "no answer: %zu bytes so far", r->bytes.len);
    }
}

void bed_reply(struct bed *b, int fd, bool head, struct bed_reply *r)
{
    receive(b, fd, 0, !head, r);
}

void bed_reply_to_end(struct bed *b, int fd, struct bed_reply *r)
{
    receive(b, fd, SIZE_MAX, false, r);
}

void bed_reply_some(struct bed *b, int fd, size_t n, struct bed_reply *r)
{
    receive(b, fd, n, false, r);
}

void bed_reply_close(struct bed_reply *r)
{
    buf_close(&r->bytes);
}

void bed_is_served(struct bed *b, int fd)
{
    struct bed_reply r;
    bed_get(b, fd, "/v2/ci/agent/manifests/stable");
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 200);
    bed_reply_close(&r);
}

const char *bed_body(const struct bed_reply *r)
{
    return r->bytes.data + r->head_len;
}

/* ---- events and faults --------------------------------------------------------------------- */

const struct event *bed_find(const struct bed *b, enum event_type type, size_t n)
{
    for (size_t i = 0; i < b->events; i++) {
        if (b->event[i].ev.type == type && --n == 0) {
            return &b->event[i].ev;
        }
    }
    return NULL;
}

size_t bed_count(const struct bed *b, enum event_type type)
{
    size_t n = 0;
    while (bed_find(b, type, n + 1) != NULL) {
        n++;
    }
    return n;
}

const struct event *bed_wait(struct bed *b, enum event_type type, size_t n)
{
    uint64_t give_up = clock_now_ns() + PATIENCE_NS;
    while (bed_find(b, type, n) == NULL) {
        (void)uv_run(&b->loop, UV_RUN_ONCE);
        cr_assert_lt(clock_now_ns(), give_up, "no event %s", event_type_name(type));
    }
    return bed_find(b, type, n);
}

void bed_until_it_says(struct bed *b, const char *what)
{
    uint64_t give_up = clock_now_ns() + PATIENCE_NS;
    char text[4096] = "";
    while (strstr(text, what) == NULL) {
        cr_assert_lt(clock_now_ns(), give_up, "never %s, but %s", what, text);
        bed_turn(b);
        server_describe(b->server, text, sizeof(text));
    }
}

void bed_close_idle(struct bed *b)
{
    b->server->limits.idle_ms = 1;
    uv_timer_set_repeat(&b->server->sweep, 1);
    cr_assert_eq(uv_timer_again(&b->server->sweep), 0);
}

static struct fault_rule *rule_named(struct bed *b, const char *name)
{
    for (size_t i = 0; i < b->rules.count; i++) {
        if (strcmp(b->rules.rule[i].name, name) == 0) {
            return &b->rules.rule[i];
        }
    }
    cr_assert_fail("no rule %s", name);
    return NULL;
}

void bed_arm(struct bed *b, const char *rule)
{
    struct err e = {0};
    struct fault_rule *r = rule_named(b, rule);
    cr_assert_eq(fault_engine_arm(b->rules.engine, r, history_now_ns(b->history), &e), 0, "%s",
                 e.text);
    cr_assert_eq(server_fault_armed(b->server, r, &e), 0, "%s", e.text);
}

void bed_heal(struct bed *b, const char *rule)
{
    struct err e = {0};
    struct fault_rule *r = rule_named(b, rule);
    fault_engine_heal(b->rules.engine, r);
    cr_assert_eq(server_fault_healed(b->server, r, &e), 0, "%s", e.text);
}
