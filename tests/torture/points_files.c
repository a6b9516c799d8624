/* Wrappers of what touches files and folders. Sockets and pipes pass: what their other end does is
 * weather, not a failure of ours. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/torture/points.h"

/* The standard ones pass as well: a complaint that cannot be written reaches nobody. */
static bool is_file(int fd)
{
    struct stat st;
    int kept = errno;
    bool file =
        fd > STDERR_FILENO && fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
    errno = kept;
    return file;
}

/* Fails with CAUSE in errno. */
static bool broken(enum point p, int cause)
{
    if (!points_fail(p)) {
        return false;
    }
    errno = cause;
    return true;
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

int __real_open(const char *path, int flags, mode_t mode);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return broken(POINT_OPEN, EIO) ? -1 : __real_open(path, flags, mode);
}

int __real_openat(int folder, const char *path, int flags, mode_t mode);
int __wrap_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return broken(POINT_OPEN, EIO) ? -1 : __real_openat(folder, path, flags, mode);
}

#define WRAP(type, failed, point, cause, name, parameters, arguments)                              \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return broken(point, cause) ? (failed) : __real_##name arguments;                          \
    }
/* The same of a descriptor that may be none of a file. */
#define WRAP_FD(point, cause, name, fd, parameters, arguments)                                     \
    ssize_t __real_##name parameters;                                                              \
    ssize_t __wrap_##name parameters;                                                              \
    ssize_t __wrap_##name parameters                                                               \
    {                                                                                              \
        return is_file(fd) && broken(point, cause) ? -1 : __real_##name arguments;                 \
    }

WRAP_FD(POINT_READ, EIO, read, fd, (int fd, void *data, size_t len), (fd, data, len))
WRAP_FD(POINT_READ, EIO, pread, fd, (int fd, void *data, size_t len, off_t at), (fd, data, len, at))
WRAP_FD(POINT_WRITE, ENOSPC, write, fd, (int fd, const void *data, size_t len), (fd, data, len))
WRAP_FD(POINT_WRITE, ENOSPC, pwrite, fd, (int fd, const void *data, size_t len, off_t at),
        (fd, data, len, at))
WRAP_FD(POINT_WRITE, ENOSPC, writev, fd, (int fd, const struct iovec *iov, int count),
        (fd, iov, count))
WRAP(ssize_t, -1, POINT_SENDFILE, EIO, sendfile, (int to, int from, off_t *at, size_t len),
     (to, from, at, len))
WRAP(int, -1, POINT_FSYNC, EIO, fsync, (int fd), (fd))
WRAP(int, -1, POINT_FSYNC, EIO, fdatasync, (int fd), (fd))
WRAP(int, -1, POINT_RENAME, EIO, rename, (const char *from, const char *to), (from, to))
WRAP(int, -1, POINT_RENAME, EIO, renameat, (int from, const char *path, int to, const char *target),
     (from, path, to, target))
WRAP(int, -1, POINT_RENAME, EIO, linkat,
     (int from, const char *path, int to, const char *target, int flags),
     (from, path, to, target, flags))
WRAP(int, -1, POINT_TRUNCATE, EIO, ftruncate, (int fd, off_t len), (fd, len))
WRAP(int, -1, POINT_MKDIR, ENOSPC, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(int, -1, POINT_MKDIR, ENOSPC, mkdirat, (int folder, const char *path, mode_t mode),
     (folder, path, mode))
WRAP(char *, NULL, POINT_MKDIR, ENOSPC, mkdtemp, (char *path), (path))
WRAP(DIR *, NULL, POINT_DIRECTORY, EIO, opendir, (const char *path), (path))
WRAP(DIR *, NULL, POINT_DIRECTORY, ENOMEM, fdopendir, (int fd), (fd))
WRAP(struct dirent *, NULL, POINT_DIRECTORY, EIO, readdir, (DIR * folder), (folder))
WRAP(int, -1, POINT_DIRECTORY, ENOMEM, scandir,
     (const char *path, struct dirent ***out, int (*take)(const struct dirent *),
      int (*compare)(const struct dirent **, const struct dirent **)),
     (path, out, take, compare))
WRAP(FILE *, NULL, POINT_STREAM, EIO, fopen, (const char *path, const char *mode), (path, mode))
WRAP(int, EOF, POINT_STREAM, EIO, fflush, (FILE * f), (f))
WRAP(char *, NULL, POINT_PATH, ENOMEM, realpath, (const char *path, char *out), (path, out))
WRAP(char *, NULL, POINT_PATH, ENOMEM, getcwd, (char *out, size_t size), (out, size))
WRAP(int, -1, POINT_LOCK, EIO, flock, (int fd, int operation), (fd, operation))

/* What was written is lost; the stream is closed all the same. */
int __real_fclose(FILE *f);
int __wrap_fclose(FILE *f);
int __wrap_fclose(FILE *f)
{
    bool lost = points_fail(POINT_STREAM);
    int rc = __real_fclose(f);
    if (!lost) {
        return rc;
    }
    errno = ENOSPC;
    return EOF;
}
