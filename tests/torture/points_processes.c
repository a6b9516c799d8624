/* Wrappers of what begins processes and threads, and of what takes descriptors for them and for
 * the network. */
#include <errno.h>
#include <pthread.h>
#include <sanitizer/lsan_interface.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "tests/torture/points.h"

static bool broken(enum point p, int cause)
{
    if (!points_fail(p)) {
        return false;
    }
    errno = cause;
    return true;
}

pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
    if (broken(POINT_FORK, EAGAIN)) {
        return -1;
    }
    pid_t pid = __real_fork();
    if (pid == 0) {
        points_forked();
    }
    return pid;
}

/* A process that ends this way would never be looked at for leaks. */
void __real__exit(int status) __attribute__((noreturn));
void __wrap__exit(int status) __attribute__((noreturn));
void __wrap__exit(int status)
{
    __lsan_do_leak_check();
    __real__exit(status);
}

int __real_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    return points_fail(POINT_SPAWN)
               ? EAGAIN
               : __real_posix_spawn(pid, path, actions, attributes, argv, envp);
}

int __real_uv_spawn(uv_loop_t *loop, uv_process_t *process, const uv_process_options_t *options);
int __wrap_uv_spawn(uv_loop_t *loop, uv_process_t *process, const uv_process_options_t *options);
int __wrap_uv_spawn(uv_loop_t *loop, uv_process_t *process, const uv_process_options_t *options)
{
    if (!points_fail(POINT_SPAWN)) {
        return __real_uv_spawn(loop, process, options);
    }
    /* As libuv itself fails: the handle is initialised, and the caller closes it. */
    uv_process_options_t nowhere = *options;
    nowhere.file = "/dev/null/none";
    (void)__real_uv_spawn(loop, process, &nowhere);
    return UV_EAGAIN;
}

int __real_execvp(const char *file, char *const argv[]);
int __wrap_execvp(const char *file, char *const argv[]);
int __wrap_execvp(const char *file, char *const argv[])
{
    return broken(POINT_EXEC, ENOMEM) ? -1 : __real_execvp(file, argv);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*work)(void *), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*work)(void *), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*work)(void *), void *data)
{
    return points_fail(POINT_THREAD) ? EAGAIN
                                     : __real_pthread_create(thread, attributes, work, data);
}

int __real_pipe2(int fds[2], int flags);
int __wrap_pipe2(int fds[2], int flags);
int __wrap_pipe2(int fds[2], int flags)
{
    return broken(POINT_PIPE, EMFILE) ? -1 : __real_pipe2(fds, flags);
}

int __real_socketpair(int domain, int type, int protocol, int fds[2]);
int __wrap_socketpair(int domain, int type, int protocol, int fds[2]);
int __wrap_socketpair(int domain, int type, int protocol, int fds[2])
{
    return broken(POINT_PIPE, EMFILE) ? -1 : __real_socketpair(domain, type, protocol, fds);
}

int __real_dup(int fd);
int __wrap_dup(int fd);
int __wrap_dup(int fd)
{
    return broken(POINT_PIPE, EMFILE) ? -1 : __real_dup(fd);
}

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol)
{
    return broken(POINT_SOCKET, EMFILE) ? -1 : __real_socket(domain, type, protocol);
}

int __real_bind(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t len)
{
    return broken(POINT_SOCKET, EADDRNOTAVAIL) ? -1 : __real_bind(fd, address, len);
}

int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog)
{
    return broken(POINT_SOCKET, EADDRINUSE) ? -1 : __real_listen(fd, backlog);
}

int __real_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    return broken(POINT_ACCEPT, EMFILE) ? -1 : __real_accept4(fd, address, len, flags);
}

int __real_uv_loop_init(uv_loop_t *loop);
int __wrap_uv_loop_init(uv_loop_t *loop);
int __wrap_uv_loop_init(uv_loop_t *loop)
{
    return points_fail(POINT_LOOP) ? UV_ENOMEM : __real_uv_loop_init(loop);
}

int __real_uv_pipe_open(uv_pipe_t *pipe, uv_file fd);
int __wrap_uv_pipe_open(uv_pipe_t *pipe, uv_file fd);
int __wrap_uv_pipe_open(uv_pipe_t *pipe, uv_file fd)
{
    return points_fail(POINT_LOOP) ? UV_EIO : __real_uv_pipe_open(pipe, fd);
}

int __real_uv_signal_start(uv_signal_t *handle, uv_signal_cb on_signal, int number);
int __wrap_uv_signal_start(uv_signal_t *handle, uv_signal_cb on_signal, int number);
int __wrap_uv_signal_start(uv_signal_t *handle, uv_signal_cb on_signal, int number)
{
    return points_fail(POINT_LOOP) ? UV_EIO : __real_uv_signal_start(handle, on_signal, number);
}

int __real_uv_poll_init(uv_loop_t *loop, uv_poll_t *handle, int fd);
int __wrap_uv_poll_init(uv_loop_t *loop, uv_poll_t *handle, int fd);
int __wrap_uv_poll_init(uv_loop_t *loop, uv_poll_t *handle, int fd)
{
    return points_fail(POINT_LOOP) ? UV_ENOMEM : __real_uv_poll_init(loop, handle, fd);
}
