/* The process that makes the namespaces of one lane and hands them out.
 *
 * Happy path: it leaves the harness's namespaces (in a user namespace of its own where rights ask
 * for one), gives the new network its addresses, opens a socket for each name and port, mounts what
 * makes the names known, sends all descriptors through SPACE_FD and exits; from then on the
 * namespaces live by what the harness holds alone, so that they go with it, however it ends.
 * Failure modes: any step refused is sent in words, and nothing is left, for nobody holds it; the
 * harness's death kills this process too.
 *
 * In a user namespace the user is root, for that is what machines provision themselves as, and what
 * engines need that make namespaces themselves; outside it can do what it always could. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/lane_space_internal.h"

#define HTTPS_PORT 443
#define HTTP_PORT 80
#define DNS_PORT 53

/* The host name, too: machines give themselves theirs when they are provisioned. */
#define SPACES (CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS)

int space_refused(struct err *e, int errnum, const char *fmt, ...)
{
    static const int rights[] = {EPERM,  EACCES, ENOSYS, ENOSPC,    EUSERS,
                                 EINVAL, ENODEV, EROFS,  EOPNOTSUPP};
    enum err_code code = ERR_IO;
    char what[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        if (errnum == rights[i])
            code = ERR_UNSUPPORTED;
    }
    return err_set(e, code, "%s: %s", what, strerror(errnum));
}

/* ENOSPC and EUSERS are the kernel's words for one namespace more than the machine's limit. */
static int denied(struct err *e, const char *what)
{
    bool limit = errno == ENOSPC || errno == EUSERS;

    return err_set(e, ERR_UNSUPPORTED,
                   "a lane with names needs %s, which this machine does not "
                   "allow: %s; \"reach\": \"proxy\" does without",
                   what, limit ? "its limit is reached (/proc/sys/user)" : strerror(errno));
}

/* ---- namespaces --------------------------------------------------------------------------- */

static int write_file(const char *path, const char *text, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t len = (ssize_t)strlen(text);
    bool good = fd >= 0 && write(fd, text, (size_t)len) == len;
    int error = errno;

    if (fd >= 0)
        close(fd);
    return good ? 0 : space_refused(e, error, "cannot map the user into a namespace by %s", path);
}

/* The user as root, and nobody else: one is what the kernel grants everybody. */
static int map_user(const struct space_job *job, struct err *e)
{
    char uid[64];
    char gid[64];

    snprintf(uid, sizeof uid, "0 %u 1\n", (unsigned)job->uid);
    snprintf(gid, sizeof gid, "0 %u 1\n", (unsigned)job->gid);
    if (write_file("/proc/self/setgroups", "deny", e) != 0 ||
        write_file("/proc/self/uid_map", uid, e) != 0)
        return -1;
    return write_file("/proc/self/gid_map", gid, e);
}

static int enter(struct space_job *job, struct err *e)
{
    job->uid = geteuid();
    job->gid = getegid();
    if (job->uid == 0 && unshare(SPACES) == 0)
        return 0;
    if (job->overlay)
        return err_set(e, ERR_UNSUPPORTED,
                       "\"root\": \"overlay\" needs root with the right to mount; run as root, or "
                       "take \"root\": \"host\"");
    job->user = true;
    if (unshare(CLONE_NEWUSER) != 0)
        return denied(e, "root or user namespaces");
    if (map_user(job, e) != 0)
        return -1;
    if (unshare(SPACES) != 0)
        return denied(e, "namespaces for network, mounts and host name");
    return 0;
}

/* ---- handing out -------------------------------------------------------------------------- */

static int send_note(const struct space_note *note, const int *fds, size_t count)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(SPACE_MAX_FDS * sizeof(int))];
    } control;
    struct iovec data = {.iov_base = (void *)(uintptr_t)note, .iov_len = sizeof *note};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

    memset(&control, 0, sizeof control);
    if (count > 0) {
        message.msg_control = control.room;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(head), fds, count * sizeof(int));
    }
    ssize_t n = 0;
    do
        n = sendmsg(SPACE_FD, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *note ? 0 : -1;
}

static int hand_out(enum space_what what, const int *fds, size_t count, struct err *e)
{
    const struct space_note note = {.magic = SPACE_MAGIC, .what = (uint32_t)what};

    return send_note(&note, fds, count) == 0
               ? 0
               : space_refused(e, errno, "cannot hand out a lane's descriptors");
}

static int tell_failure(const struct err *e)
{
    struct space_note note = {
        .magic = SPACE_MAGIC, .what = SPACE_FAILED, .code = (uint32_t)e->code};

    snprintf(note.text, sizeof note.text, "%.699s", e->text);
    return send_note(&note, NULL, 0) == 0 ? 0 : 1;
}

/* ---- the network -------------------------------------------------------------------------- */

static int open_name(const char *address, int fds[SPACE_NAME_FDS], struct err *e)
{
    fds[0] = space_bound(SOCK_STREAM, address, HTTPS_PORT, e);
    fds[1] = fds[0] < 0 ? -1 : space_bound(SOCK_STREAM, address, HTTP_PORT, e);
    if (fds[1] < 0)
        return -1;
    for (int i = 2; i < SPACE_NAME_FDS; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fds[i] < 0)
            return space_refused(e, errno, "cannot make a socket in a network namespace");
    }
    return 0;
}

/* What was sent is the harness's: the copies here would only fill the table. */
static int hand_out_names(const struct space_job *job, struct err *e)
{
    int fds[SPACE_MAX_FDS] = {0};
    size_t count = 0;

    for (size_t i = 0; i < job->address_count; i++) {
        if (open_name(job->address[i], fds + count, e) != 0)
            return -1;
        count += SPACE_NAME_FDS;
        if (count < SPACE_MAX_FDS && i + 1 < job->address_count)
            continue;
        if (hand_out(SPACE_NAMES, fds, count, e) != 0)
            return -1;
        while (count > 0)
            close(fds[--count]);
    }
    return 0;
}

static int open_network(const struct space_job *job, int *control, struct err *e)
{
    *control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (*control < 0)
        return space_refused(e, errno, "cannot make a socket in a network namespace");
    if (space_loopback_up(*control, e) != 0 || space_address(*control, 0, NAMES_DNS, true, e) != 0)
        return -1;
    for (size_t i = 0; i < job->address_count; i++) {
        if (space_address(*control, i + 1, job->address[i], true, e) != 0)
            return -1;
    }
    return 0;
}

static int open_proc(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        space_refused(e, errno, "cannot open %s", path);
    return fd;
}

/* In the order of struct space. Opened before the root may change: the namespaces are the same. */
static int open_rest(const struct space_job *job, int control, int fds[SPACE_REST_FDS],
                     struct err *e)
{
    fds[0] = space_bound(SOCK_DGRAM, NAMES_DNS, DNS_PORT, e);
    fds[1] = fds[0] < 0 ? -1 : space_bound(SOCK_STREAM, NAMES_DNS, DNS_PORT, e);
    fds[2] = fds[1] < 0 ? -1 : open_proc("/proc/self/net/snmp", e);
    fds[3] = fds[2] < 0 ? -1 : open_proc("/proc/self/net/netstat", e);
    fds[4] = fds[3] < 0 ? -1 : control;
    fds[5] = fds[4] < 0 ? -1 : open_proc("/proc/self/ns/net", e);
    fds[6] = fds[5] < 0 ? -1 : open_proc("/proc/self/ns/mnt", e);
    fds[7] = fds[6] < 0 ? -1 : open_proc("/proc/self/ns/uts", e);
    fds[8] = fds[7] < 0 || !job->user ? -1 : open_proc("/proc/self/ns/user", e);
    return fds[7] < 0 || (job->user && fds[8] < 0) ? -1 : 0;
}

/* ---- the process -------------------------------------------------------------------------- */

/* -1 also where PATH is empty: there is none. */
static int open_path(const char *path, struct err *e)
{
    int fd = path[0] == '\0' ? -1 : open(path, O_PATH | O_CLOEXEC);

    if (fd < 0 && path[0] != '\0')
        err_errno(e, errno, "cannot open %s", path);
    return fd;
}

static int read_job(struct space_job *job, char *const argv[], struct err *e)
{
    size_t count = 0;

    while (argv[count] != NULL && count <= SPACE_WORDS + NAMES_MAX)
        count++;
    if (count < SPACE_WORDS || count > SPACE_WORDS + NAMES_MAX)
        return err_set(e, ERR_INTERNAL, "%zu words for the namespaces of a lane", count);
    *job = (struct space_job){.overlay = strcmp(argv[SPACE_WORD_ROOT], "host") != 0,
                              .anew = strcmp(argv[SPACE_WORD_ROOT], "anew") == 0,
                              .keep_sockets = strcmp(argv[SPACE_WORD_SOCKETS], "keep") == 0,
                              .dir = argv[SPACE_WORD_DIR],
                              .address = argv + SPACE_WORDS,
                              .address_count = count - SPACE_WORDS};
    return 0;
}

/* Only in the new mount namespace and its root: what is open from before belongs to other mounts,
 * which cannot be bound here. */
static int open_paths(struct space_job *job, char *const argv[], struct err *e)
{
    job->bundle_fd = open_path(argv[SPACE_WORD_BUNDLE], e);
    job->certs_fd = open_path(argv[SPACE_WORD_CERTS_D], e);
    job->ca_fd = open_path(argv[SPACE_WORD_CA], e);
    return e->code == ERR_NONE ? 0 : -1;
}

/* Nothing mounted here is to reach the machine, and nothing of the machine's this lane. */
static int part_from_machine(struct err *e)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return space_refused(e, errno, "cannot make a lane's mounts its own");
    return 0;
}

static int make_mounts(struct space_job *job, char *const argv[], struct err *e)
{
    if ((job->overlay && space_overlay(job, e) != 0) || open_paths(job, argv, e) != 0)
        return -1;
    return space_mounts(job, e);
}

/* From the machine's own mounts, as at first, but in the network that the lane has. */
static int make_anew(struct space_job *job, char *const argv[], struct err *e)
{
    int fds[SPACE_ANEW_FDS];

    if (setns(SPACE_NET_FD, CLONE_NEWNET) != 0 || unshare(CLONE_NEWNS | CLONE_NEWUTS) != 0)
        return denied(e, "namespaces for mounts and host name");
    close(SPACE_NET_FD);
    if (part_from_machine(e) != 0)
        return -1;
    fds[0] = open_proc("/proc/self/ns/mnt", e);
    fds[1] = fds[0] < 0 ? -1 : open_proc("/proc/self/ns/uts", e);
    if (fds[1] < 0 || make_mounts(job, argv, e) != 0)
        return -1;
    return hand_out(SPACE_ANEW, fds, SPACE_ANEW_FDS, e);
}

static int make(struct space_job *job, char *const argv[], struct err *e)
{
    int control = -1;
    int rest[SPACE_REST_FDS];

    if (job->anew)
        return make_anew(job, argv, e);

    if (enter(job, e) != 0 || part_from_machine(e) != 0)
        return -1;
    if (open_network(job, &control, e) != 0 || open_rest(job, control, rest, e) != 0 ||
        hand_out_names(job, e) != 0)
        return -1;
    if (make_mounts(job, argv, e) != 0)
        return -1;
    return hand_out(SPACE_REST, rest, job->user ? SPACE_REST_FDS : SPACE_REST_FDS - 1, e);
}

int space_main(char *const argv[])
{
    struct space_job job = {0};
    struct err e = {0};

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    signal(SIGPIPE, SIG_IGN);
    umask(022);
    close_range(SPACE_NET_FD + 1, UINT_MAX, 0);
    if (read_job(&job, argv, &e) != 0 || make(&job, argv, &e) != 0)
        return tell_failure(&e);
    return 0;
}
