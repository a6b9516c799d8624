/* The name server of a lane: its sockets and its life.
 *
 * Happy path: queries come by UDP or TCP through the loop and are answered (dns_answer.c); each
 * start's end takes what is still queued, drops what is held back, and closes all connections.
 * Failure modes: a socket that cannot be watched is told when the server is made; a datagram that
 * is cut or cannot be read is dropped, as any network might. */
#include "harness/services/dns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/services/dns_internal.h"

#define BACKLOG 64

/* One datagram. False where there is none. */
static bool take_datagram(struct dns_server *s)
{
    uint8_t bytes[DNS_MAX_QUERY];
    struct dns_asker asker = {.peer_len = sizeof(asker.peer)};
    ssize_t n = recvfrom(s->config.udp_fd, bytes, sizeof(bytes), MSG_TRUNC,
                         (struct sockaddr *)&asker.peer, &asker.peer_len);
    if (n < 0) {
        return errno == EINTR;
    }
    if ((size_t)n <= sizeof(bytes)) {
        dns_take(s, bytes, (size_t)n, &asker);
    }
    return true;
}

static void on_datagrams(uv_poll_t *poll, int status, int events)
{
    struct dns_server *s = poll->data;
    (void)status; /* recvfrom says what is wrong */
    (void)events;
    for (size_t i = 0; i < DNS_MAX_TURN && take_datagram(s); i++) {
    }
}

static void on_connections(uv_poll_t *poll, int status, int events)
{
    (void)status; /* accept says what is wrong */
    (void)events;
    dns_streams_accept(poll->data, DNS_MAX_TURN);
}

/* ---- life ---------------------------------------------------------------------------------- */

static int no_blocking(int fd, struct err *e)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return err_errno(e, errno, "taking over a socket of the name server");
    }
    return 0;
}

void dns_handle_closed(struct dns_server *s)
{
    if (--s->handles > 0 || !s->closing) {
        return;
    }
    void (*done)(void *data) = s->done;
    void *data = s->done_data;
    free(s);
    if (done != NULL) {
        done(data);
    }
}

static void on_closed(uv_handle_t *handle)
{
    dns_handle_closed(handle->data);
}

/* Watches both sockets. -1: those that are watched already are let go, and S is freed by the loop.
 */
static int watch(struct dns_server *s, struct err *e)
{
    uv_loop_t *loop = s->config.loop;
    int status = uv_timer_init(loop, &s->timer);
    s->timer.data = s;
    s->handles = 1;
    if (status == 0 && (status = uv_poll_init(loop, &s->udp, s->config.udp_fd)) == 0) {
        s->udp.data = s;
        s->handles++;
        status = uv_poll_start(&s->udp, UV_READABLE, on_datagrams);
    }
    if (status == 0 && (status = uv_poll_init(loop, &s->tcp, s->config.tcp_fd)) == 0) {
        s->tcp.data = s;
        s->handles++;
        status = uv_poll_start(&s->tcp, UV_READABLE, on_connections);
    }
    if (status == 0) {
        return 0;
    }
    s->closing = true;
    uv_close((uv_handle_t *)&s->timer, on_closed);
    if (s->udp.data != NULL) {
        uv_close((uv_handle_t *)&s->udp, on_closed);
    }
    if (s->tcp.data != NULL) {
        uv_close((uv_handle_t *)&s->tcp, on_closed);
    }
    return err_set(e, ERR_IO, "watching the name server: %s", uv_strerror(status));
}

struct dns_server *dns_server_new(const struct dns_config *config, struct err *e)
{
    if (no_blocking(config->udp_fd, e) != 0 || no_blocking(config->tcp_fd, e) != 0) {
        return NULL;
    }
    if (listen(config->tcp_fd, BACKLOG) != 0) {
        (void)err_errno(e, errno, "listening as name server");
        return NULL;
    }
    struct dns_server *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for a name server");
        return NULL;
    }
    s->config = *config;
    return watch(s, e) == 0 ? s : NULL;
}

void dns_server_begin(struct dns_server *s, uint64_t start)
{
    s->start = start;
    s->asked_count = 0;
    memset(s->asked, 0, sizeof(s->asked));
}

void dns_server_end(struct dns_server *s)
{
    s->ending = true;
    for (size_t i = 0; i < DNS_MAX_DRAIN && take_datagram(s); i++) {
    }
    dns_streams_end(s);
    dns_drop_waiting(s);
    s->ending = false;
    dns_server_begin(s, 0);
}

void dns_server_close(struct dns_server *s, void (*done)(void *data), void *data)
{
    dns_forget_waiting(s);
    dns_streams_close(s);
    s->closing = true;
    s->done = done;
    s->done_data = data;
    (void)uv_poll_stop(&s->udp);
    (void)uv_poll_stop(&s->tcp);
    (void)close(s->config.udp_fd);
    (void)close(s->config.tcp_fd);
    uv_close((uv_handle_t *)&s->timer, on_closed);
    uv_close((uv_handle_t *)&s->udp, on_closed);
    uv_close((uv_handle_t *)&s->tcp, on_closed);
}
