/* Connections to a host that has become a black hole: they hang until the heal.
 *
 * Nothing is read, nothing written, no delay runs out; that the peer went away is all that is
 * noticed. What a client sends meanwhile waits in the socket, and is no request before the heal. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "fake-registry/server_internal.h"

bool connection_held(const struct connection *c)
{
    return (c->listener->refused & REFUSE_HOLE) != 0 && c->state != CONNECTION_DRAINING &&
           c->state != CONNECTION_LINGERING && c->state != CONNECTION_CLOSED;
}

void connection_held_end(struct connection *c)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);
    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
        info.tcpi_state != TCP_ESTABLISHED) {
        connection_lost(c, info.tcpi_state == TCP_CLOSE);
    }
    connection_update(c);
}

void connection_release(struct connection *c)
{
    if (c->state == CONNECTION_WAITING || c->state == CONNECTION_STALLED) {
        connection_resume(c);
    }
    if (c->state == CONNECTION_WAITING) {
        connection_timer(&c->timer); /* its time may have passed */
    }
    connection_pump(c);
    connection_update(c);
}
