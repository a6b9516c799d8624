/* Unit tests of reads and writes that are carried on with until all is done. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/fd.h"

/* What comes in pieces is read as one, up to the size asked for, and to the end where that is near.
 */
Test(fd, pieces_are_read_as_one)
{
    int end[2];
    char text[8] = "";
    cr_assert_eq(pipe(end), 0);
    cr_assert_eq(fd_write_all(end[1], "abc", 3), 0);
    cr_assert_eq(fd_write_all(end[1], "defgh", 5), 0);
    (void)close(end[1]);
    cr_expect_eq(fd_read_up_to(end[0], text, 6), 6);
    cr_expect_eq(memcmp(text, "abcdef", 6), 0);
    cr_expect_eq(fd_read_up_to(end[0], text, sizeof(text)), 2);
    cr_expect_eq(memcmp(text, "gh", 2), 0);
    cr_expect_eq(fd_read_up_to(end[0], text, sizeof(text)), 0);
    (void)close(end[0]);
}

/* What goes wrong is told by errno. */
Test(fd, trouble_is_told)
{
    char byte = 'x';
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cr_assert_geq(full, 0);
    cr_expect_eq(fd_write_all(full, &byte, 1), -1);
    cr_expect_eq(errno, ENOSPC);
    cr_expect_eq(fd_read_up_to(full, &byte, 1), -1);
    cr_expect_eq(errno, EBADF);
    (void)close(full);
}
