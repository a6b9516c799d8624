/* Holds many connections open in a stall, and asks how much memory each one costs the server:
 * bench_stall PORT PATH PID COUNT. Each asks for PATH, and is stalled once its head has come. Then
 * SIGUSR1 heals the server PID, and every answer has to come whole. Prints
 * "BYTES-EACH RELEASED". */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT_MAX 20000
#define WAIT_MS 30000

struct client {
    int fd;
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

static void ask(struct client *c, uint16_t port, const char *path)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    char text[512];
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int len = snprintf(text, sizeof(text),
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n"
                       "Accept: application/vnd.oci.image.manifest.v1+json\r\n\r\n",
                       path);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
        send(c->fd, text, (size_t)len, MSG_NOSIGNAL) != len) {
        fail("a connection");
    }
}

/* Takes what comes until the head (or, with WHOLE, the body) is there. 0: so it is. */
static int take(struct client *c, int whole)
{
    static char data[65536];
    while (c->head == 0 || (whole && c->body < c->promised)) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        ssize_t n = poll(&p, 1, WAIT_MS) == 1 ? recv(c->fd, data, sizeof(data) - 1, 0) : -1;
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

int main(int argc, char **argv)
{
    struct rlimit limit;
    if (argc != 5) {
        return 4;
    }
    uint16_t port = (uint16_t)strtoul(argv[1], NULL, 10);
    long pid = strtol(argv[3], NULL, 10);
    size_t count = strtoul(argv[4], NULL, 10);
    if (count == 0 || count > COUNT_MAX || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 4;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    long before = resident_kib(pid);
    for (size_t i = 0; i < count; i++) {
        ask(&all[i], port, argv[2]);
    }
    for (size_t i = 0; i < count; i++) {
        if (take(&all[i], 0) != 0) {
            fail("no head came");
        }
    }
    long after = resident_kib(pid);
    if (kill((pid_t)pid, SIGUSR1) != 0) {
        fail("healing");
    }
    size_t released = 0;
    for (size_t i = 0; i < count; i++) {
        released += take(&all[i], 1) == 0 ? 1 : 0;
    }
    printf("%ld %zu\n", (after - before) * 1024 / (long)count, released);
    return 0;
}
