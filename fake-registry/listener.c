/* Listening sockets: opening, accepting, refusing.
 *
 * Happy path: a socket is bound, listens, and brings connections through the loop. To refuse, the
 * accept queue is taken and the socket stops listening (shutdown) without letting go of its port:
 * nobody else can have it, connect() gets ECONNREFUSED, and listen() brings it back. That needs no
 * second socket, and works as well for a socket made in another network namespace. It asks that the
 * port was bound by number, so a free one is found by a first socket and bound again by a second.
 *
 * Failure modes: no descriptor left pauses the listener until a connection closes; past the maximum
 * of connections a peer is taken and closed at once; a listener that cannot listen again is told.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-registry/server_internal.h"

#define BACKLOG 4096

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct listener *l = poll->data;
    (void)status; /* accept says what is wrong */
    (void)events;
    listener_accept(l, SERVER_ACCEPTS_TURN);
}

static void pause_listener(struct listener *l)
{
    (void)uv_poll_stop(&l->poll);
    l->paused = true;
    l->server->paused++;
}

void listeners_resume(struct server *s)
{
    if (s->paused == 0 || s->closing) {
        return;
    }
    for (size_t i = 0; i < s->listener_count; i++) {
        struct listener *l = s->listeners[i];
        if (l->paused) {
            l->paused = false;
            if (l->refused == 0) {
                (void)uv_poll_start(&l->poll, UV_READABLE, on_poll);
            }
        }
    }
    s->paused = 0;
}

static bool no_room(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

void listener_accept(struct listener *l, size_t max)
{
    for (size_t i = 0; i < max && l->fd >= 0; i++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof(peer);
        int fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && listener_is_filler(l, &peer)) {
            (void)close(fd);
        } else if (fd >= 0) {
            connection_open(l, fd, &peer);
        } else if (no_room(errno)) {
            if (!l->paused) {
                pause_listener(l);
            }
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

static int start_listening(struct listener *l, struct err *e)
{
    if (listen(l->fd, BACKLOG) != 0) {
        return err_errno(e, errno, "listening on %s for %s", l->address, l->host);
    }
    int status = uv_poll_start(&l->poll, UV_READABLE, on_poll);
    if (status != 0) {
        return err_set(e, ERR_IO, "watching %s: %s", l->address, uv_strerror(status));
    }
    return 0;
}

unsigned listener_faults(const struct listener *l)
{
    static const struct {
        enum fault_kind kind;
        unsigned reason;
    } closing[] = {{FAULT_REFUSE, REFUSE_FAULT}, {FAULT_BLACK_HOLE, REFUSE_HOLE}};
    unsigned reasons = 0;
    for (size_t i = 0; i < sizeof(closing) / sizeof(closing[0]); i++) {
        if (fault_engine_closes(l->server->faults, closing[i].kind, l->host, l->lane->number) !=
            NULL) {
            reasons |= closing[i].reason;
        }
    }
    return reasons;
}

static enum listener_mode mode_of(unsigned refused)
{
    if ((refused & (REFUSE_FAULT | REFUSE_ALL)) != 0) {
        return LISTENER_REFUSES;
    }
    return (refused & REFUSE_HOLE) != 0 ? LISTENER_SWALLOWS : LISTENER_LISTENS;
}

static void leave_mode(struct listener *l)
{
    if (l->mode == LISTENER_LISTENS) {
        listener_accept(l, BACKLOG);
        (void)uv_poll_stop(&l->poll);
    } else if (l->mode == LISTENER_SWALLOWS) {
        listener_hole_close(l);
    }
}

static int enter_mode(struct listener *l, enum listener_mode mode, struct err *e)
{
    switch (mode) {
    case LISTENER_LISTENS:
        return start_listening(l, e);
    case LISTENER_SWALLOWS:
        return listener_hole_open(l, BACKLOG, e);
    case LISTENER_REFUSES:
        (void)shutdown(l->fd, SHUT_RD);
        break;
    }
    return 0;
}

int listener_refuse(struct listener *l, unsigned reason, bool on, struct err *e)
{
    unsigned before = l->refused;
    if (l->role == SERVER_PROXY) {
        return 0; /* what it leads to is refused */
    }
    l->refused = on ? before | reason : before & ~reason;
    enum listener_mode mode = mode_of(l->refused);
    if (l->fd < 0 || mode == l->mode) {
        return 0;
    }
    leave_mode(l);
    if (enter_mode(l, mode, e) != 0) {
        l->refused = before;
        return -1;
    }
    l->mode = mode;
    return 0;
}

static int parse_address(const char *address, uint16_t port, struct sockaddr_storage *out,
                         struct err *e)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return 0;
    }
    if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        return 0;
    }
    return err_set(e, ERR_INVALID, "not a numeric address: %.100s", address);
}

static socklen_t address_size(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* A socket bound to A; -1 with errno. */
static int bound_socket(const struct sockaddr_storage *a)
{
    int one = 1;
    int fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(fd, (const struct sockaddr *)a, address_size(a)) != 0) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* Only a port that was bound by number stays bound while its socket does not listen. */
static int bind_by_number(struct sockaddr_storage *a, bool free_port)
{
    int first = bound_socket(a);
    socklen_t len = sizeof(*a);
    if (first < 0 || !free_port) {
        return first;
    }
    int fd = getsockname(first, (struct sockaddr *)a, &len) == 0 ? bound_socket(a) : -1;
    int error = errno;
    (void)close(first);
    errno = error;
    return fd;
}

static void name_listener(struct listener *l, const struct sockaddr_storage *a)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (a->ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, a, sizeof(v6));
        (void)inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
        l->port = ntohs(v6.sin6_port);
        (void)snprintf(l->address, sizeof(l->address), "[%s]:%u", text, l->port);
    } else {
        struct sockaddr_in v4;
        memcpy(&v4, a, sizeof(v4));
        (void)inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
        l->port = ntohs(v4.sin_port);
        (void)snprintf(l->address, sizeof(l->address), "%s:%u", text, l->port);
    }
}

static int reserve_listener(struct server *s, struct err *e)
{
    if (s->listener_count == SERVER_MAX_LISTENERS) {
        return err_set(e, ERR_LIMIT, "more than %d listeners", SERVER_MAX_LISTENERS);
    }
    if ((s->listener_count & (s->listener_count - 1)) != 0) {
        return 0;
    }
    size_t cap = s->listener_count == 0 ? 1 : s->listener_count * 2;
    struct listener **all = realloc(s->listeners, cap * sizeof(struct listener *));
    if (all == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for a listener");
    }
    s->listeners = all;
    return 0;
}

/* "primary", "primary/token", "primary/blobs": the target that faults match. */
static bool name_host(const struct registry *registry, enum server_role role,
                      char host[SERVER_HOST])
{
    const char *behind = role == SERVER_TOKEN ? "/token" : role == SERVER_BLOBS ? "/blobs" : "";
    return snprintf(host, SERVER_HOST, "%s%s", registry->name, behind) < SERVER_HOST;
}

struct listener *listener_new(struct server *s, const struct server_listen *how, struct err *e)
{
    /* A proxy is no registry's, and no fault's target: its name is none that a scenario can have */
    char host[SERVER_HOST] = "(proxy)";
    bool proxy = how->role == SERVER_PROXY;
    enum server_role role = how->role == SERVER_TO_HTTPS ? how->of : how->role;
    if (!proxy && (how->registry < 0 || how->registry >= s->registry_count ||
                   !name_host(s->registries[how->registry], role, host))) {
        (void)err_set(e, ERR_INTERNAL, "no registry %d for a listener", how->registry);
        return NULL;
    }
    struct server_lane *of = server_lane_of(s, how->lane, e);
    struct listener *l = of != NULL ? calloc(1, sizeof(*l)) : NULL;
    if (of != NULL && l == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for a listener");
    }
    if (l == NULL || reserve_listener(s, e) != 0) {
        free(l);
        return NULL;
    }
    l->server = s;
    l->registry = proxy ? NULL : s->registries[how->registry];
    l->lane = of;
    l->role = how->role;
    l->tls = how->tls;
    l->trusted = how->trusted;
    l->filler = -1;
    memcpy(l->host, host, strlen(host) + 1);
    return l;
}

static void on_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    struct server *s = l->server;
    free(l->targets);
    free(l);
    server_handle_closed(s);
}

void listener_close(struct listener *l)
{
    if (l->fd < 0) {
        free(l); /* no socket, no handle */
        return;
    }
    (void)uv_poll_stop(&l->poll);
    (void)close(l->fd);
    l->fd = -1;
    listener_hole_forget(l);
    uv_close((uv_handle_t *)&l->poll, on_closed);
}

void listener_install(struct listener *l)
{
    struct server *s = l->server;
    l->next_in_lane = l->lane->listeners;
    l->lane->listeners = l;
    s->listeners[s->listener_count++] = l;
    (void)listener_refuse(l, (s->refuse_all ? REFUSE_ALL : 0) | listener_faults(l), true, NULL);
}

/* Takes L in with its socket. From uv_poll_init on only the loop may free it. */
static int install(struct listener *l, struct err *e)
{
    struct server *s = l->server;
    int status = uv_poll_init(s->loop, &l->poll, l->fd);
    if (status != 0) {
        free(l);
        return err_set(e, ERR_IO, "watching a listener: %s", uv_strerror(status));
    }
    l->poll.data = l;
    s->handles++;
    if (start_listening(l, e) != 0) {
        l->fd = -1;
        uv_close((uv_handle_t *)&l->poll, on_closed);
        return -1;
    }
    listener_install(l);
    return (int)s->listener_count - 1;
}

/* What URLs to L say: where AUTHORITY ends in port 0, that is the port which was found free. */
static void name_authority(struct listener *l, const char *authority)
{
    const char *said = authority != NULL ? authority : l->address;
    size_t len = strlen(said);
    if (len > 2 && strcmp(said + len - 2, ":0") == 0) {
        (void)snprintf(l->authority, sizeof(l->authority), "%.*s:%u", (int)(len - 2), said,
                       l->port);
    } else {
        (void)snprintf(l->authority, sizeof(l->authority), "%s", said);
    }
}

int server_adopt(struct server *s, const struct server_listen *how, int fd, struct err *e)
{
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof(a);
    int one = 1;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        /* Accepted sockets inherit it: what is written goes out at once, byte for byte. */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
        return err_errno(e, errno, "taking over a listener");
    }
    int filler_flags = how->filler > 0 ? fcntl(how->filler, F_GETFL) : 0;
    if (how->filler > 0 &&
        (filler_flags < 0 || fcntl(how->filler, F_SETFL, filler_flags | O_NONBLOCK) != 0)) {
        return err_errno(e, errno, "taking over a filler");
    }
    struct listener *l = listener_new(s, how, e);
    if (l == NULL) {
        return -1;
    }
    l->fd = fd;
    l->filler_given = how->filler > 0;
    l->filler = l->filler_given ? how->filler : -1;
    name_listener(l, &a);
    name_authority(l, how->authority);
    return install(l, e);
}

int server_listen(struct server *s, const struct server_listen *how, const char *address,
                  uint16_t port, struct err *e)
{
    struct sockaddr_storage a;
    if (parse_address(address, port, &a, e) != 0) {
        return -1;
    }
    int fd = bind_by_number(&a, port == 0);
    if (fd < 0) {
        return err_errno(e, errno, "binding %s:%u", address, port);
    }
    int listener = server_adopt(s, how, fd, e);
    if (listener < 0) {
        (void)close(fd);
    }
    return listener;
}

uint16_t server_port(const struct server *s, int listener)
{
    return s->listeners[listener]->port;
}

const char *server_address(const struct server *s, int listener)
{
    return s->listeners[listener]->address;
}
