/* Holds many connections open in a stall, and asks how much memory each one costs the server:
 * bench_stall PORT PATH PID COUNT [--tls]. Each asks for PATH, and is stalled once its head has
 * come. Then SIGUSR1 heals the server PID, and every answer has to come whole. Prints
 * "BYTES-EACH RELEASED". */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT_MAX 20000
#define WAIT_S 30

struct client {
    int fd;
    SSL *ssl;    /* NULL: plain HTTP */
    size_t head; /* 0: it has not come */
    size_t body; /* of what was promised, and came */
    size_t promised;
};

static struct client all[COUNT_MAX];

static void fail(const char *what)
{
    fprintf(stderr, "bench_stall: %s: %s\n", what, strerror(errno));
    exit(3);
}

static long resident_kib(long pid)
{
    char path[64];
    char line[256];
    long kib = -1;
    (void)snprintf(path, sizeof(path), "/proc/%ld/status", pid);
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = strtol(line + 6, NULL, 10);
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    if (kib < 0) {
        fail(path);
    }
    return kib;
}

/* NULL: plain HTTP. Every handshake is a whole one, and what a session need not hold is let go. */
static SSL_CTX *tls_settings(int tls)
{
    SSL_CTX *settings = tls ? SSL_CTX_new(TLS_client_method()) : NULL;
    if (tls && settings == NULL) {
        fail("TLS");
    }
    if (tls) {
        SSL_CTX_set_verify(settings, SSL_VERIFY_NONE, NULL);
        (void)SSL_CTX_set_mode(settings, SSL_MODE_RELEASE_BUFFERS);
    }
    return settings;
}

static void reach(struct client *c, uint16_t port, SSL_CTX *settings)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    const struct timeval wait = {.tv_sec = WAIT_S};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
        connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        fail("a connection");
    }
    if (settings != NULL) {
        c->ssl = SSL_new(settings);
        if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_connect(c->ssl) != 1) {
            fail("a handshake");
        }
    }
}

static void ask(struct client *c, const char *path)
{
    char text[512];
    int len = snprintf(text, sizeof(text),
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n"
                       "Accept: application/vnd.oci.image.manifest.v1+json\r\n\r\n",
                       path);
    ssize_t sent = c->ssl != NULL ? SSL_write(c->ssl, text, len)
                                  : send(c->fd, text, (size_t)len, MSG_NOSIGNAL);
    if (sent != len) {
        fail("a request");
    }
}

/* Takes what comes until the head (or, with WHOLE, the body) is there. 0: so it is. */
static int take(struct client *c, int whole)
{
    static char data[65536];
    while (c->head == 0 || (whole && c->body < c->promised)) {
        ssize_t n = c->ssl != NULL ? SSL_read(c->ssl, data, sizeof(data) - 1)
                                   : recv(c->fd, data, sizeof(data) - 1, 0);
        if (n <= 0) {
            return -1;
        }
        if (c->head > 0) {
            c->body += (size_t)n;
            continue;
        }
        data[n] = '\0';
        const char *length = strstr(data, "\r\nContent-Length: ");
        const char *end = strstr(data, "\r\n\r\n");
        if (length == NULL || end == NULL) {
            return -1; /* a head of ours comes in one piece */
        }
        c->head = (size_t)(end - data) + 4;
        c->promised = strtoul(length + 18, NULL, 10);
        c->body = (size_t)n - c->head;
    }
    return 0;
}

/* As many connections as are asked for, each of which has its head. */
static void stall(size_t count, uint16_t port, const char *path, SSL_CTX *settings)
{
    for (size_t i = 0; i < count; i++) {
        reach(&all[i], port, settings);
        ask(&all[i], path);
    }
    for (size_t i = 0; i < count; i++) {
        if (take(&all[i], 0) != 0) {
            fail("no head came");
        }
    }
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    int tls = argc == 6 && strcmp(argv[5], "--tls") == 0;
    if (argc != 5 && !tls) {
        return 4;
    }
    long pid = strtol(argv[3], NULL, 10);
    size_t count = strtoul(argv[4], NULL, 10);
    if (count == 0 || count > COUNT_MAX || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 4;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    SSL_CTX *settings = tls_settings(tls);
    long before = resident_kib(pid);
    stall(count, (uint16_t)strtoul(argv[1], NULL, 10), argv[2], settings);
    long after = resident_kib(pid);
    if (kill((pid_t)pid, SIGUSR1) != 0) {
        fail("healing");
    }
    size_t released = 0;
    for (size_t i = 0; i < count; i++) {
        released += take(&all[i], 1) == 0 ? 1 : 0;
        SSL_free(all[i].ssl);
    }
    SSL_CTX_free(settings);
    printf("%ld %zu\n", (after - before) * 1024 / (long)count, released);
    return 0;
}
