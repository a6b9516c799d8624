/* Reads and writes that are carried on with until all is done. */
#ifndef PULLDRILL_BASE_FD_H
#define PULLDRILL_BASE_FD_H

#include <stddef.h>
#include <sys/types.h>

/* Writes all LEN bytes of DATA to FD. -1: errno says why; some of it may have been written. */
int fd_write_all(int fd, const void *data, size_t len);
/* Reads SIZE bytes into DATA, or fewer where FD ends before. -1: errno says why. */
ssize_t fd_read_up_to(int fd, void *data, size_t size);

#endif
