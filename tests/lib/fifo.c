/* FIFOs that tell whether a process still lives: it holds the other end. */
#include "tests/lib/fifo.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

int fifo_open(const char *path, int flags)
{
    int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    return fd;
}

bool fifo_abandoned(int fd)
{
    char text[256];
    ssize_t n = 0;
    do {
        n = read(fd, text, sizeof text);
    } while (n > 0);
    return n == 0;
}
