/* Black holes: a listener that neither accepts nor refuses.
 *
 * Happy path: what the accept queue holds is taken, one connection of our own (the filler) takes
 * its only place, and the backlog becomes 0: the kernel drops each SYN that comes from then on, and
 * its sender tries again until it gives up. To heal, the filler is taken out of the queue, known by
 * its address, and the listener listens as before; clients then get through with their next SYN.
 *
 * Failure modes: a client that connects in the moment before the filler does takes the place with
 * it, and hangs until the heal; a filler that does not get through is tried again a few times, and
 * then told. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/server_internal.h"

#define TRIES 8
#define PATIENCE_MS 50 /* for a connection within one machine */

static int make_filler(struct listener *l, int family, struct err *e)
{
    if (l->filler >= 0) {
        return 0;
    }
    l->filler = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return l->filler >= 0 ? 0 : err_errno(e, errno, "a socket for a black hole");
}

/* Ends the filler's connection, by RST so that nothing lingers; one that was given is kept for the
 * next time, as no other can be had in its namespace. */
static void empty_filler(struct listener *l)
{
    const struct sockaddr none = {.sa_family = AF_UNSPEC};
    l->filled = false;
    if (l->filler_given) {
        (void)connect(l->filler, &none, sizeof(none));
    } else if (l->filler >= 0) {
        const struct linger linger = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(l->filler, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        (void)close(l->filler);
        l->filler = -1;
    }
}

/* Whether the filler stands in the queue now; errno says why not. */
static bool connect_filler(struct listener *l, const struct sockaddr_storage *to, socklen_t len)
{
    struct pollfd p = {.fd = l->filler, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof(error);
    if (connect(l->filler, (const struct sockaddr *)to, len) == 0) {
        return true;
    }
    if (errno != EINPROGRESS) {
        return false;
    }
    if (poll(&p, 1, PATIENCE_MS) != 1) {
        errno = ETIMEDOUT;
        return false;
    }
    (void)getsockopt(l->filler, SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    return error == 0;
}

int listener_hole_open(struct listener *l, int backlog, struct err *e)
{
    struct sockaddr_storage to = {0};
    socklen_t len = sizeof(to);
    if (getsockname(l->fd, (struct sockaddr *)&to, &len) != 0 || listen(l->fd, backlog) != 0) {
        return err_errno(e, errno, "making a black hole of %s", l->address);
    }
    int error = 0;
    for (int i = 0; i < TRIES && !l->filled; i++) {
        listener_accept(l, SERVER_MAX_LISTENERS);
        if (make_filler(l, to.ss_family, e) != 0) {
            return -1;
        }
        l->filled = connect_filler(l, &to, len);
        error = errno;
        if (!l->filled) {
            empty_filler(l);
        }
    }
    if (!l->filled) {
        return err_errno(e, error, "making a black hole of %s", l->address);
    }
    if (listen(l->fd, 0) != 0) {
        return err_errno(e, errno, "making a black hole of %s", l->address);
    }
    return 0;
}

void listener_hole_close(struct listener *l)
{
    listener_accept(l, SERVER_MAX_LISTENERS); /* which knows the filler */
    empty_filler(l);
}

bool listener_is_filler(const struct listener *l, const struct sockaddr_storage *peer)
{
    struct sockaddr_storage own = {0};
    socklen_t len = sizeof(own);
    if (!l->filled || getsockname(l->filler, (struct sockaddr *)&own, &len) != 0 ||
        own.ss_family != peer->ss_family) {
        return false;
    }
    if (own.ss_family == AF_INET6) {
        struct sockaddr_in6 a, b;
        memcpy(&a, &own, sizeof(a));
        memcpy(&b, peer, sizeof(b));
        return a.sin6_port == b.sin6_port &&
               memcmp(&a.sin6_addr, &b.sin6_addr, sizeof(a.sin6_addr)) == 0;
    }
    struct sockaddr_in a, b;
    memcpy(&a, &own, sizeof(a));
    memcpy(&b, peer, sizeof(b));
    return a.sin_port == b.sin_port && a.sin_addr.s_addr == b.sin_addr.s_addr;
}

void listener_hole_forget(struct listener *l)
{
    if (l->filler >= 0) {
        (void)close(l->filler);
    }
    l->filler = -1;
}
