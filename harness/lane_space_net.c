/* The network of a lane: a loopback with an address for each name, and sockets bound to them. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/lane_space_internal.h"

static int set_flags(int socket, const char *name, short flags)
{
    struct ifreq request = {.ifr_flags = flags};

    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    return ioctl(socket, SIOCSIFFLAGS, &request);
}

int space_loopback_up(int socket, struct err *e)
{
    if (set_flags(socket, "lo", IFF_UP | IFF_RUNNING) != 0)
        return space_refused(e, errno, "cannot bring up the loopback of a network namespace");
    return 0;
}

static int put_address(int socket, unsigned long request, const char *name, const char *address)
{
    struct ifreq what = {0};
    struct sockaddr_in in = {.sin_family = AF_INET};

    snprintf(what.ifr_name, sizeof what.ifr_name, "%s", name);
    if (inet_pton(AF_INET, address, &in.sin_addr) != 1) {
        errno = EINVAL;
        return -1;
    }
    memcpy(&what.ifr_addr, &in, sizeof in);
    return ioctl(socket, request, &what);
}

/* Each under a label of its own, by which it is taken away again. The kernel gives it the length of
 * its class first; it is to stand for itself alone, so that others near it are reached by nobody.
 */
int space_address(int socket, size_t index, const char *address, bool up, struct err *e)
{
    char name[IFNAMSIZ];

    snprintf(name, sizeof name, "lo:%zu", index);
    if (!up) {
        if (set_flags(socket, name, 0) != 0 && errno != EADDRNOTAVAIL && errno != ENODEV)
            return space_refused(e, errno, "cannot take the address %s away", address);
        return 0;
    }
    if (put_address(socket, SIOCSIFADDR, name, address) != 0 ||
        put_address(socket, SIOCSIFNETMASK, name, "255.255.255.255") != 0)
        return space_refused(e, errno, "cannot give a network namespace the address %s", address);
    return 0;
}

int space_bound(int type, const char *address, uint16_t port, struct err *e)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && inet_pton(AF_INET, address, &in.sin_addr) == 1 &&
        (type != SOCK_STREAM || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0) &&
        bind(fd, (const struct sockaddr *)&in, sizeof in) == 0)
        return fd;
    space_refused(e, errno, "cannot bind %s:%u in a network namespace", address, port);
    if (fd >= 0)
        close(fd);
    return -1;
}
