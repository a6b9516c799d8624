/* Clients that take up room: thousands that say nothing, that stop in the middle of a head or of a
 * body, that do not read their answers. Whoever else asks is served meanwhile. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake-registry/server_internal.h"
#include "tests/lib/server_push.h"

/* Their ends of the connections are in a process of their own, so that both have descriptors. */
#define IDLE 10000
#define SLOW 200
#define SPARE_FDS 300
/* That take all they are given at once. */
#define GREEDY 120
#define TURNS 50

static size_t allow_descriptors(void)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t want = IDLE + 2 * SLOW + SPARE_FDS;
    limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_geq(limit.rlim_cur, 1024);
    return (size_t)limit.rlim_cur - 2 * SLOW - SPARE_FDS;
}

static void tell(int fd, const char *text)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) {
        _exit(1);
    }
}

/* One that connects and waits for ever, after it has said TEXT. */
static void connect_one(const struct sockaddr_in *to, const char *text)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int small = 4096;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) != 0 ||
        connect(fd, (const struct sockaddr *)to, sizeof(*to)) != 0) {
        _exit(1);
    }
    tell(fd, text);
}

/* What the hostile clients do, in a process of their own; then they wait for the end of QUIT. */
static void be_hostile(struct bed *b, size_t idle, const char *place, int ready, int quit)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(server_port(b->server, b->listener))};
    char upload[1024];
    char big[256];
    char byte = 0;
    (void)inet_pton(AF_INET, "127.3.1.1", &to.sin_addr);
    (void)snprintf(upload, sizeof(upload),
                   "PATCH %s HTTP/1.1\r\nHost: primary\r\nContent-Length: 100000\r\n\r\nnot all",
                   place);
    (void)snprintf(big, sizeof(big), "GET /v2/ci/agent/blobs/%s HTTP/1.1\r\nHost: primary\r\n\r\n",
                   b->big->digest);
    for (size_t i = 0; i < SLOW; i++) {
        connect_one(&to, i % 2 == 0 ? "GET /v2/ HTTP/1.1\r\nHost: prim" : big);
    }
    connect_one(&to, upload);
    for (size_t i = 0; i < idle; i++) {
        connect_one(&to, "");
    }
    (void)!write(ready, "!", 1);
    (void)!read(quit, &byte, 1);
    _exit(0);
}

static void expect_served(struct bed *b)
{
    char *text = push_text(3, 100000);
    for (int i = 0; i < 20; i++) {
        struct bed_reply r;
        int fd = bed_connect(b);
        cr_assert_eq(push_ask(b, fd, "GET", "/v2/ci/agent/manifests/stable", "", NULL, &r), 200);
        cr_assert_arr_eq(bed_body(&r), b->manifest->data, BED_MANIFEST);
        bed_reply_close(&r);
        (void)close(fd);
    }
    int fd = bed_connect(b);
    cr_assert_eq(push_blob(b, fd, text), 201);
    (void)close(fd);
    free(text);
}

/* Ten thousand connections that ask nothing, and hundreds that never come to an end. */
Test(hostile_load, neighbours_are_served)
{
    size_t idle = allow_descriptors();
    int ready[2];
    int quit[2];
    char place[512];
    char byte = 0;
    int status = 0;
    bed_is_quiet = true;
    struct bed *b = bed_open(NULL, NULL);
    int fd = bed_connect(b);
    push_begin(b, fd, place);
    (void)close(fd);
    cr_assert_eq(pipe(ready), 0);
    cr_assert_eq(pipe(quit), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        (void)close(quit[1]);
        be_hostile(b, idle, place, ready[1], quit[0]);
    }
    (void)close(ready[1]);
    (void)close(quit[0]);
    while (server_totals(b->server).open < idle + SLOW + 1) {
        cr_assert_eq(waitpid(child, &status, WNOHANG), 0, "a client could not connect");
        (void)uv_run(&b->loop, UV_RUN_ONCE);
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    expect_served(b);
    cr_assert_geq(server_totals(b->server).open, idle + SLOW + 1, "nobody was sent away");
    (void)close(quit[1]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    while (server_totals(b->server).open > 0) {
        (void)uv_run(&b->loop, UV_RUN_ONCE);
    }
    (void)close(ready[0]);
    bed_close(b);
}

/* Send queues of the largest size, or the kernel would let them grow only as their peers read. */
static void widen_all(const struct bed *b)
{
    const int bytes = 16 << 20;
    for (const struct connection *c = b->server->lanes[0]->connections; c != NULL; c = c->next) {
        (void)setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    }
}

static uint64_t written_to_all(const struct bed *b)
{
    uint64_t written = 0;
    for (const struct connection *c = b->server->lanes[0]->connections; c != NULL; c = c->next) {
        written += c->written;
    }
    return written;
}

/* However many ask for more than they can be given, a turn of the loop, for which everybody else
 * waits, is bounded. */
Test(hostile_load, a_turn_is_bounded)
{
    struct bed *b = bed_open(NULL, NULL);
    int fd[GREEDY];
    for (size_t i = 0; i < GREEDY; i++) {
        fd[i] = bed_connect(b);
        bed_is_served(b, fd[i]);
    }
    for (size_t i = 0; i < GREEDY; i++) {
        bed_get_blob(b, fd[i], b->big, "");
    }
    widen_all(b);
    uint64_t most = 0;
    for (int i = 0; i < TURNS; i++) {
        uint64_t before = written_to_all(b);
        bed_turn(b);
        uint64_t turn = written_to_all(b) - before;
        most = turn > most ? turn : most;
    }
    cr_expect_gt(most, 0);
    cr_expect_lt(most, SERVER_TURN_ALL + SERVER_TURN + GREEDY * SERVER_TURN_LEAST, "%llu",
                 (unsigned long long)most);
    for (size_t i = 0; i < GREEDY; i++) {
        (void)close(fd[i]);
    }
    bed_close(b);
}
