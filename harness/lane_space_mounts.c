/* What makes a registry's names known on a machine: mounts over its files, in a namespace that is
 * the lane's own.
 *
 * Happy path: files are made on a small file system of their own, mounted on ${lane.dir} for as
 * long as that takes, and bound over the machine's; certificates are bound from ${lane.dir}.
 * Folders in which the machine's container engines and name services listen get an empty one over
 * them, single sockets an empty file. In a root that is thrown away the files themselves are
 * replaced, so that programs that replace them in turn (update-ca-certificates) may. Failure modes:
 * a machine without /etc/resolv.conf, where nothing could be mounted; a mount refused. What is not
 * there otherwise is left out: the C library does without hosts and nsswitch.conf, and a socket
 * that does not exist answers nobody. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/lane_space_internal.h"

/* The most that is read of a file of the machine, or copied into a new root. */
#define FILE_BYTES (16u << 20)
#define PATH_BYTES 4096
#define MAX_MASKS 64

/* Where name services listen that would answer past our own, and that the C library asks first. */
static const char *const name_services[] = {"/run/systemd/resolve", "/run/nscd", "/var/run/nscd",
                                            "/run/avahi-daemon"};
/* Where container engines listen: a socket or a folder. Below the folder of a user, too. */
static const char *const engines[] = {
    "/run/docker.sock",
    "/run/docker",
    "/run/containerd",
    "/run/podman",
    "/run/crio",
    "/run/buildkit",
    "/run/k3s/containerd",
    "/run/cri-dockerd.sock",
    "/var/run/docker.sock",
    "/var/run/docker",
    "/var/run/containerd",
    "/var/run/podman",
    "/var/run/crio",
    "/var/run/buildkit",
};
static const char *const user_engines[] = {
    "docker.sock",         "docker", "podman", "containerd", "crio", "buildkit", "buildkit-default",
    "containerd-rootless", "libpod"};
/* Podman of an ordinary user leads each command into the namespaces of a process that it left
 * running, which is noted here, or in libpod above: that process is of the machine, not the lane.
 */
#define PODMAN_OF_USER "/tmp/podman-run-%u"
/* Where programs look for the certificates they trust. */
static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                      "/etc/pki/tls/certs/ca-bundle.crt",
                                      "/etc/ssl/ca-bundle.pem",
                                      "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                      "/etc/ssl/cert.pem",
                                      "/etc/pki/tls/cacert.pem",
                                      "/usr/lib/ssl/cert.pem",
                                      "/usr/local/share/certs/ca-root-nss.crt"};
static const char *const certs_folders[] = {"/etc/docker/certs.d", "/etc/containers/certs.d"};

#define LEN(table) (sizeof(table) / sizeof((table)[0]))

/* The work on one lane. */
struct mounts {
    const struct space_job *job;
    char *masked[MAX_MASKS]; /* folders that have an empty one over them */
    size_t masked_count;
    unsigned files; /* made so far */
    struct err *e;
};

static void proc_path(char path[64], int fd)
{
    snprintf(path, 64, "/proc/self/fd/%d", fd);
}

static int bind_over(const char *from, const char *to, struct err *e)
{
    if (mount(from, to, NULL, MS_BIND | MS_REC, NULL) != 0)
        return space_refused(e, errno, "cannot mount over %s", to);
    return 0;
}

/* ---- masks -------------------------------------------------------------------------------- */

static int mask_folder(struct mounts *m, const char *path)
{
    if (mount("pulldrill", path, "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=755") != 0)
        return space_refused(m->e, errno, "cannot mount over %s", path);
    m->masked[m->masked_count] = strdup(path);
    if (m->masked[m->masked_count] == NULL)
        return err_set(m->e, ERR_NOMEM, "no memory for a lane");
    m->masked_count++;
    return 0;
}

/* A new file in ${lane.dir}, where a file system of our own is mounted meanwhile. */
static int new_file(struct mounts *m, const char *text, size_t len, mode_t mode,
                    char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%u", m->job->dir, m->files++);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool good = fd >= 0 && fchmod(fd, mode) == 0 && fd_write_all(fd, text, len) == 0;
    int error = errno;

    if (fd >= 0)
        close(fd);
    return good ? 0 : err_errno(m->e, error, "cannot write a file for a lane");
}

static int mask_socket(struct mounts *m, const char *path)
{
    char empty[PATH_BYTES];

    return new_file(m, "", 0, 0, empty) == 0 ? bind_over(empty, path, m->e) : -1;
}

/* One that cannot be found by us cannot be found by the subject, which is the same user. */
static int mask(struct mounts *m, const char *path)
{
    struct stat st;
    char *real = realpath(path, NULL);
    int rc = 0;

    for (size_t i = 0; real != NULL && i < m->masked_count; i++) {
        if (strcmp(m->masked[i], real) == 0) {
            free(real);
            return 0;
        }
    }
    if (real != NULL && m->masked_count < MAX_MASKS && lstat(real, &st) == 0)
        rc = S_ISDIR(st.st_mode) ? mask_folder(m, real) : mask_socket(m, real);
    free(real);
    return rc;
}

static int mask_all(struct mounts *m, const char *folder, const char *const paths[], size_t count)
{
    char path[PATH_BYTES];

    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", paths[i]);
        if (mask(m, path) != 0)
            return -1;
    }
    return 0;
}

static int mask_engines(struct mounts *m)
{
    const char *own = getenv("XDG_RUNTIME_DIR");
    char user[64];

    snprintf(user, sizeof user, "/run/user/%u", (unsigned)m->job->uid);
    if (mask_all(m, "", engines, LEN(engines)) != 0 ||
        mask_all(m, user, user_engines, LEN(user_engines)) != 0)
        return -1;
    snprintf(user, sizeof user, PODMAN_OF_USER, (unsigned)m->job->uid);
    if (mask(m, user) != 0)
        return -1;
    return own != NULL && own[0] == '/' && strlen(own) < PATH_BYTES / 2
               ? mask_all(m, own, user_engines, LEN(user_engines))
               : 0;
}

/* ---- files -------------------------------------------------------------------------------- */

/* A file of the machine, NUL-terminated; NULL where there is none, or it is too long. */
static char *read_machine(const char *path, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = fd >= 0 ? malloc(FILE_BYTES + 1) : NULL;
    ssize_t n = text != NULL ? fd_read_up_to(fd, text, FILE_BYTES + 1) : -1;

    if (fd >= 0)
        close(fd);
    if (n < 0 || (size_t)n > FILE_BYTES) {
        free(text);
        return NULL;
    }
    text[n] = '\0';
    *len = (size_t)n;
    return text;
}

/* Makes each folder on the way to PATH that is not there: only in a root that is thrown away. */
static void make_way(const char *path)
{
    char part[PATH_BYTES];

    for (const char *at = strchr(path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(at - path), path);
        mkdir(part, 0755);
    }
}

/* In a root that is thrown away PATH becomes a file of its own, whatever it was. */
static int replace(struct mounts *m, const char *path, const char *text, size_t len)
{
    /* Where the machine has one mounted there, as containers do. */
    umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
    make_way(path);
    if (unlink(path) != 0 && errno != ENOENT)
        return space_refused(m->e, errno, "cannot replace %s", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    bool good = fd >= 0 && fd_write_all(fd, text, len) == 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    return good ? 0 : space_refused(m->e, error, "cannot write %s", path);
}

/* Whether REAL lay in a folder that is empty now, and ours. */
static bool lay_in_mask(const struct mounts *m, const char *real)
{
    for (size_t i = 0; i < m->masked_count; i++) {
        size_t len = strlen(m->masked[i]);

        if (strncmp(real, m->masked[i], len) == 0 && real[len] == '/' &&
            strchr(real + len + 1, '/') == NULL)
            return true;
    }
    return false;
}

/* REAL is where a file of the machine lay before anything was masked. */
static int cover_text(struct mounts *m, const char *real, const char *text)
{
    char path[PATH_BYTES];

    if (text == NULL)
        return err_set(m->e, ERR_NOMEM, "no memory for a lane");
    if (m->job->overlay)
        return replace(m, real, text, strlen(text));
    if (lay_in_mask(m, real)) {
        int fd = open(real, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        if (fd < 0)
            return err_errno(m->e, errno, "cannot make %s", real);
        close(fd);
    }
    return new_file(m, text, strlen(text), 0644, path) == 0 ? bind_over(path, real, m->e) : -1;
}

/* Where files lie once links are followed, found before anything is masked. NULL: there is none. */
struct host_files {
    char *resolv, *hosts, *nsswitch;
};

static int cover_files(struct mounts *m, const struct host_files *files)
{
    char name[HOST_NAME_MAX + 1] = "";
    size_t len = 0;
    char *old = files->nsswitch != NULL ? read_machine(files->nsswitch, &len) : NULL;
    char *resolv = space_text_resolv();
    char *hosts = (gethostname(name, sizeof name - 1), space_text_hosts(name));
    char *nsswitch = space_text_nsswitch(old);
    int rc = cover_text(m, files->resolv, resolv);

    if (rc == 0 && files->hosts != NULL)
        rc = cover_text(m, files->hosts, hosts);
    if (rc == 0 && files->nsswitch != NULL)
        rc = cover_text(m, files->nsswitch, nsswitch);
    free(old);
    free(resolv);
    free(hosts);
    free(nsswitch);
    return rc;
}

/* In a root that is thrown away, a file is where it is looked for; on the machine it is where the
 * links lead. */
static char *find_file(const struct mounts *m, const char *path)
{
    return m->job->overlay ? strdup(path) : realpath(path, NULL);
}

static int find_files(struct mounts *m, struct host_files *out)
{
    out->resolv = find_file(m, "/etc/resolv.conf");
    out->hosts = find_file(m, "/etc/hosts");
    out->nsswitch = find_file(m, "/etc/nsswitch.conf");
    return out->resolv != NULL ? 0
                               : err_set(m->e, ERR_UNSUPPORTED,
                                         "this machine has no /etc/resolv.conf to mount over, so "
                                         "names cannot be made known; make one, which may be "
                                         "empty");
}

static void free_files(struct host_files *files)
{
    free(files->resolv);
    free(files->hosts);
    free(files->nsswitch);
}

/* ---- certificates ------------------------------------------------------------------------- */

/* The content of FD (O_PATH), in a root that is thrown away, at PATH. */
static int copy_to(struct mounts *m, int fd, const char *path)
{
    char from[64];
    size_t len = 0;

    proc_path(from, fd);
    char *text = read_machine(from, &len);
    if (text == NULL)
        return err_set(m->e, ERR_IO, "cannot read a lane's certificates");
    int rc = replace(m, path, text, len);
    free(text);
    return rc;
}

static int cover_bundle(struct mounts *m, const char *path)
{
    char from[64];
    char *real = realpath(path, NULL);
    int rc = 0;

    proc_path(from, m->job->bundle_fd);
    if (real != NULL)
        rc = m->job->overlay ? copy_to(m, m->job->bundle_fd, real) : bind_over(from, real, m->e);
    free(real);
    return rc;
}

static int cover_certs_folder(struct mounts *m, const char *path)
{
    char from[64];
    struct stat st;

    if (m->job->overlay) {
        make_way(path);
        mkdir(path, 0755);
    }
    proc_path(from, m->job->certs_fd);
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? bind_over(from, path, m->e) : 0;
}

static int cover_certificates(struct mounts *m)
{
    for (size_t i = 0; m->job->bundle_fd >= 0 && i < LEN(bundles); i++) {
        if (cover_bundle(m, bundles[i]) != 0)
            return -1;
    }
    for (size_t i = 0; m->job->certs_fd >= 0 && i < LEN(certs_folders); i++) {
        if (cover_certs_folder(m, certs_folders[i]) != 0)
            return -1;
    }
    /* For programs that make the bundle anew. */
    if (m->job->overlay && m->job->ca_fd >= 0)
        return copy_to(m, m->job->ca_fd, "/usr/local/share/ca-certificates/pulldrill.crt");
    return 0;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static int cover_all(struct mounts *m)
{
    struct host_files files = {0};
    int rc = find_files(m, &files);

    if (rc == 0)
        rc = mask_all(m, "", name_services, LEN(name_services));
    if (rc == 0 && !m->job->keep_sockets)
        rc = mask_engines(m);
    if (rc == 0)
        rc = cover_files(m, &files);
    if (rc == 0)
        rc = cover_certificates(m);
    free_files(&files);
    return rc;
}

int space_mounts(const struct space_job *job, struct err *e)
{
    struct mounts m = {.job = job, .e = e};

    if (mount("pulldrill", job->dir, "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=755") != 0)
        return space_refused(e, errno, "cannot mount a file system of a lane's own");
    int rc = cover_all(&m);
    if (umount2(job->dir, MNT_DETACH) != 0 && rc == 0)
        rc = space_refused(e, errno, "cannot take a mount away");
    for (size_t i = 0; i < m.masked_count; i++)
        free(m.masked[i]);
    return rc;
}
