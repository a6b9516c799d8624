/* The namespaces of a lane, as the harness has them: begins the process that makes them, takes what
 * it hands out.
 *
 * Happy path: the program is executed again under SPACE_ARGV0 with one end of a socket, over which
 * notes with descriptors come; the last one has the namespaces themselves, and the process ends.
 * Failure modes: it says in words what was refused; it dies, or says nothing for SPACE_LIMIT_MS,
 * and is killed. Whatever came by then is closed again. It blocks the loop for the few milliseconds
 * that it takes, when no start runs on the lane. */
#include "harness/lane_space.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/lane_space_internal.h"
#include "harness/subject.h"

/* The longest of the files with counters. */
#define COUNTERS_BYTES 16384

/* The process under way. */
struct maker {
    pid_t pid;
    int socket;
    uint64_t deadline_ns;
};

static void drop(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static struct space *new_space(const struct space_want *want, struct err *e)
{
    struct space *s = calloc(1, sizeof *s);

    if (s == NULL) {
        err_set(e, ERR_NOMEM, "no memory for the namespaces of a lane");
        return NULL;
    }
    s->names = want->names;
    for (size_t i = 0; i < NAMES_MAX; i++)
        s->name[i] = (struct space_name){-1, -1, -1, -1};
    s->dns_udp = s->dns_tcp = s->snmp = s->netstat = s->control = -1;
    s->user = s->net = s->mnt = s->uts = -1;
    return s;
}

void space_free(struct space *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < NAMES_MAX; i++) {
        drop(&s->name[i].https);
        drop(&s->name[i].http);
        drop(&s->name[i].https_filler);
        drop(&s->name[i].http_filler);
    }
    drop(&s->dns_udp);
    drop(&s->dns_tcp);
    drop(&s->snmp);
    drop(&s->netstat);
    drop(&s->control);
    drop(&s->user);
    drop(&s->net);
    drop(&s->mnt);
    drop(&s->uts);
    free(s);
}

/* ---- the process -------------------------------------------------------------------------- */

/* Its command line: borrowed words, which it only reads. */
static void fill_words(const struct space_want *want, bool anew, const char *words[])
{
    size_t names = anew ? 0 : want->names->count;

    words[0] = SPACE_ARGV0;
    words[1 + SPACE_WORD_ROOT] = anew ? "anew" : want->machine.overlay ? "overlay" : "host";
    words[1 + SPACE_WORD_SOCKETS] = want->machine.keep_sockets ? "keep" : "mask";
    words[1 + SPACE_WORD_DIR] = want->dir;
    words[1 + SPACE_WORD_BUNDLE] = want->bundle != NULL ? want->bundle : "";
    words[1 + SPACE_WORD_CERTS_D] = want->certs_d != NULL ? want->certs_d : "";
    words[1 + SPACE_WORD_CA] = want->ca != NULL ? want->ca : "";
    for (size_t i = 0; i < names; i++)
        words[1 + SPACE_WORDS + i] = want->names->row[i].address;
    words[1 + SPACE_WORDS + names] = NULL;
}

/* In a process group of its own: Ctrl-C is for the harness alone. NET (above the numbers that it is
 * given, or -1) is the network it enters. Returns 0 or an errno. */
static int spawn(struct maker *m, const char *const words[], int socket, int net)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    int rc = posix_spawn_file_actions_init(&files);

    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attributes);
    if (rc != 0) {
        posix_spawn_file_actions_destroy(&files);
        return rc;
    }
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    /* Where the number is the same already, this is what takes close-on-exec away from it. */
    rc = posix_spawn_file_actions_adddup2(&files, socket, SPACE_FD);
    if (rc == 0 && net >= 0)
        rc = posix_spawn_file_actions_adddup2(&files, net, SPACE_NET_FD);
    if (rc == 0)
        rc = posix_spawn(&m->pid, subject_program(), &files, &attributes,
                         (char *const *)(uintptr_t)words, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

/* NET: of the space whose mounts are made anew; -1: all of it is made. */
static int begin(struct maker *m, const struct space_want *want, int net, struct err *e)
{
    const char *words[1 + SPACE_WORDS + NAMES_MAX + 1];
    int ends[2];

    m->deadline_ns = clock_now_ns() + SPACE_LIMIT_MS * CLOCK_NS_PER_MS;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return err_errno(e, errno, "cannot make a socket for the namespaces of a lane");
    fill_words(want, net >= 0, words);
    int given = net >= 0 ? fcntl(net, F_DUPFD_CLOEXEC, SPACE_NET_FD + 1) : -1;
    int rc = net >= 0 && given < 0 ? errno : spawn(m, words, ends[1], given);
    drop(&given);
    close(ends[1]);
    if (rc != 0) {
        close(ends[0]);
        return err_errno(e, rc, "cannot begin the process that makes the namespaces of a lane");
    }
    m->socket = ends[0];
    return 0;
}

/* It has said its last word, or will say none: it is gone when this returns. */
static void end(struct maker *m, bool kill_it)
{
    if (kill_it)
        kill(m->pid, SIGKILL);
    close(m->socket);
    while (waitpid(m->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* ---- what it hands out -------------------------------------------------------------------- */

static int wait_for_note(const struct maker *m, struct err *e)
{
    for (;;) {
        uint64_t now = clock_now_ns();
        struct pollfd poll_fd = {.fd = m->socket, .events = POLLIN};
        int left = now < m->deadline_ns ? (int)((m->deadline_ns - now) / CLOCK_NS_PER_MS) + 1 : 0;
        int rc = poll(&poll_fd, 1, left);

        if (rc > 0)
            return 0;
        if (rc == 0)
            return err_set(e, ERR_IO, "the namespaces of a lane were not made within %d s",
                           SPACE_LIMIT_MS / 1000);
        if (errno != EINTR)
            return err_errno(e, errno, "waiting for the namespaces of a lane");
    }
}

/* One note and its descriptors, which are the caller's then. */
static int receive(const struct maker *m, struct space_note *note, int fds[SPACE_MAX_FDS],
                   size_t *count, struct err *e)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(SPACE_MAX_FDS * sizeof(int))];
    } control;
    struct iovec data = {.iov_base = note, .iov_len = sizeof *note};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof control.room};

    *count = 0;
    if (wait_for_note(m, e) != 0)
        return -1;
    ssize_t n = recvmsg(m->socket, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (head != NULL && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
        *count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(head), *count * sizeof(int));
    }
    bool cut = n >= 0 && (message.msg_flags & MSG_CTRUNC) != 0;
    if (n == (ssize_t)sizeof *note && note->magic == SPACE_MAGIC && !cut)
        return 0;
    while (*count > 0)
        close(fds[--*count]);
    if (cut)
        return err_set(e, ERR_LIMIT,
                       "no room for a lane's descriptors; raise the limit of open files");
    return err_set(e, ERR_IO, "the process that makes the namespaces of a lane died");
}

/* The descriptors of names, DONE of which are there already. */
static int take_names(struct space *s, const int *fds, size_t count, size_t *done, struct err *e)
{
    if (count % SPACE_NAME_FDS != 0 || *done + count / SPACE_NAME_FDS > s->names->count) {
        for (size_t i = 0; i < count; i++)
            close(fds[i]);
        return err_set(e, ERR_INTERNAL, "%zu descriptors for the names of a lane", count);
    }
    for (size_t i = 0; i < count; i += SPACE_NAME_FDS, ++*done)
        s->name[*done] = (struct space_name){fds[i], fds[i + 1], fds[i + 2], fds[i + 3]};
    return 0;
}

static int take_rest(struct space *s, const int *fds, size_t count, struct err *e)
{
    int *to[SPACE_REST_FDS] = {&s->dns_udp, &s->dns_tcp, &s->snmp, &s->netstat, &s->control,
                               &s->net,     &s->mnt,     &s->uts,  &s->user};

    for (size_t i = 0; i < count && i < SPACE_REST_FDS; i++)
        *to[i] = fds[i];
    if (count != SPACE_REST_FDS && count != SPACE_REST_FDS - 1)
        return err_set(e, ERR_INTERNAL, "%zu descriptors of a lane's namespaces", count);
    return 0;
}

static int take_anew(struct space *s, const int *fds, size_t count, struct err *e)
{
    if (count != SPACE_ANEW_FDS)
        return err_set(e, ERR_INTERNAL, "%zu descriptors of a lane's mounts", count);
    drop(&s->mnt);
    drop(&s->uts);
    s->mnt = fds[0];
    s->uts = fds[1];
    return 0;
}

static int failed(struct space_note *note, struct err *e)
{
    note->text[sizeof note->text - 1] = '\0';
    return err_set(e, note->code == ERR_UNSUPPORTED ? ERR_UNSUPPORTED : ERR_IO, "%s", note->text);
}

static int receive_all(const struct maker *m, struct space *s, struct err *e)
{
    struct space_note note;
    int fds[SPACE_MAX_FDS];
    size_t count = 0;
    size_t names = 0;

    while (receive(m, &note, fds, &count, e) == 0) {
        if (note.what == SPACE_NAMES && take_names(s, fds, count, &names, e) != 0)
            return -1;
        if (note.what == SPACE_REST)
            return names == s->names->count
                       ? take_rest(s, fds, count, e)
                       : err_set(e, ERR_INTERNAL, "sockets for %zu names of a lane", names);
        if (note.what == SPACE_ANEW)
            return take_anew(s, fds, count, e);
        if (note.what == SPACE_FAILED)
            return failed(&note, e);
    }
    return -1;
}

struct space *space_new(const struct space_want *want, struct err *e)
{
    struct maker m = {.pid = -1};
    struct space *s = new_space(want, e);

    if (s == NULL || begin(&m, want, -1, e) != 0) {
        space_free(s);
        return NULL;
    }
    int rc = receive_all(&m, s, e);
    end(&m, rc != 0);
    if (rc != 0) {
        space_free(s);
        return NULL;
    }
    return s;
}

int space_renew(struct space *s, const struct space_want *want, struct err *e)
{
    struct maker m = {.pid = -1};

    if (begin(&m, want, s->net, e) != 0)
        return -1;
    int rc = receive_all(&m, s, e);
    end(&m, rc != 0);
    return rc;
}

/* ---- its network -------------------------------------------------------------------------- */

int space_network(struct space *s, bool up, struct err *e)
{
    if (space_address(s->control, 0, NAMES_DNS, up, e) != 0)
        return -1;
    for (size_t i = 0; i < s->names->count; i++) {
        if (space_address(s->control, i + 1, s->names->row[i].address, up, e) != 0)
            return -1;
    }
    return 0;
}

static void read_counters(int fd, struct net_counters *out)
{
    char text[COUNTERS_BYTES];
    size_t len = 0;
    ssize_t n = 1;

    while (n > 0 && len < sizeof text) {
        n = pread(fd, text + len, sizeof text - len, (off_t)len);
        len += n > 0 ? (size_t)n : 0;
    }
    net_counters_read(out, text, len);
}

void space_counters(const struct space *s, struct net_counters *out)
{
    *out = (struct net_counters){{0}};
    read_counters(s->snmp, out);
    read_counters(s->netstat, out);
}
