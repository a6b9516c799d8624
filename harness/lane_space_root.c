/* A root that is thrown away: every file system of the machine seen through an overlay, so that
 * what a subject writes, deletes or installs is gone with its lane.
 *
 * Happy path: a file system in memory takes what is written; the root is overlaid, then each mount
 * below it, in the order in which the machine has them; those that the kernel makes itself (/proc,
 * /sys, terminals) are the machine's own; ${lane.dir} is bound as it is, for results are read
 * there; the new root takes the place of the old one, which is let go. What container engines keep
 * is empty there, on the file system in memory itself: theirs are overlays too, and an overlay is
 * no ground for another. Disks are not there at all.
 *
 * Failure modes: what cannot be overlaid (a file, a file system that overlays refuse) is there to
 * be read only, so that nothing of the machine is written in any case. Sockets of the machine are
 * seen but not reached through an overlay. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/lane_space_internal.h"

#define PATH_BYTES 4096
#define LEN(table) (sizeof(table) / sizeof((table)[0]))
/* The most mounts of a machine, and the longest list of them. */
#define MAX_MOUNTS 4096
#define LIST_BYTES (4u << 20)

/* Which the kernel makes itself, and which are never written to a disk. */
static const char *const kernel_types[] = {
    "proc",    "sysfs",    "devpts",  "cgroup",      "cgroup2", "securityfs", "debugfs",
    "tracefs", "configfs", "fusectl", "binfmt_misc", "nsfs",    "rpc_pipefs", "selinuxfs"};
/* The same, but whoever deletes their files has deleted them for the machine: to be read only. */
static const char *const lasting_types[] = {"mqueue", "bpf", "pstore", "efivarfs", "hugetlbfs"};
/* The same for a folder that mounts what is asked for: it works for the machine alone. */
#define ON_DEMAND "autofs"
/* Of block devices only these are left: files that are looked into, not disks. */
#define LOOP_MAJOR 7

struct root {
    const struct space_job *job;
    char *list; /* /proc/self/mountinfo */
    unsigned layers;
    struct err *e;
};

/* ---- the list of mounts ------------------------------------------------------------------- */

static char *read_list(struct err *e)
{
    int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    char *text = fd >= 0 ? malloc(LIST_BYTES) : NULL;
    ssize_t n = text != NULL ? fd_read_up_to(fd, text, LIST_BYTES) : -1;

    if (fd >= 0)
        close(fd);
    if (n < 0 || (size_t)n == LIST_BYTES) {
        free(text);
        err_set(e, ERR_IO, "cannot read the list of mounts");
        return NULL;
    }
    text[n] = '\0';
    return text;
}

/* "\040" and its like are bytes. */
static void unescape(char *path)
{
    char *to = path;

    for (const char *at = path; *at != '\0'; to++) {
        if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' &&
            at[3] >= '0' && at[3] <= '7') {
            *to = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
            at += 4;
        } else {
            *to = *at++;
        }
    }
    *to = '\0';
}

/* The next mount behind *AT, which is cut up: where it is and what it is. False at the end. */
static bool next_mount(char **at, char **path, char **type)
{
    char *line = *at;
    char *dash = NULL;

    if (*line == '\0')
        return false;
    *at = line + strcspn(line, "\n");
    if (**at == '\n')
        *(*at)++ = '\0';
    /* ID PARENT MAJOR:MINOR ROOT PATH OPTIONS … - TYPE SOURCE … */
    *path = line;
    for (int field = 0; field < 4 && *path != NULL; field++) {
        *path = strchr(*path, ' ');
        *path = *path != NULL ? *path + 1 : NULL;
    }
    dash = *path != NULL ? strstr(*path, " - ") : NULL;
    if (dash == NULL) {
        *path = *type = line + strlen(line);
        return true;
    }
    *type = dash + strlen(" - ");
    (*type)[strcspn(*type, " ")] = '\0';
    (*path)[strcspn(*path, " ")] = '\0';
    unescape(*path);
    return true;
}

static bool is_of(const char *type, const char *const types[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(type, types[i]) == 0)
            return true;
    }
    return false;
}

static bool below(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* ---- one mount ---------------------------------------------------------------------------- */

/* From FROM to TO, both below ${lane.dir}, which is the working folder; what is written goes to a
 * layer of its own. Returns 0 or an errno. */
static int overlay(struct root *r, const char *from, const char *to)
{
    char upper[32], work[32], options[256];
    struct stat st;

    snprintf(upper, sizeof upper, "upper-%u", r->layers);
    snprintf(work, sizeof work, "work-%u", r->layers++);
    if (stat(from, &st) != 0 || mkdir(upper, 0755) != 0 || mkdir(work, 0755) != 0)
        return errno;
    /* The folder that is seen is this one: it has the owner and the rights of the one below. */
    if (chown(upper, st.st_uid, st.st_gid) != 0 || chmod(upper, st.st_mode & 07777) != 0)
        return errno;
    snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", from, upper, work);
    return mount("pulldrill", to, "overlay", 0, options) == 0 ? 0 : errno;
}

static int bind_as_is(struct root *r, const char *from, const char *to)
{
    if (mount(from, to, NULL, MS_BIND, NULL) != 0)
        return space_refused(r->e, errno, "cannot mount %s in a root that is thrown away", to);
    return 0;
}

static int bind_to_read(struct root *r, const char *from, const char *to)
{
    if (bind_as_is(r, from, to) != 0)
        return -1;
    if (mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) != 0)
        return space_refused(r->e, errno, "cannot keep %s from being written", to);
    return 0;
}

/* Its path does not lead there where another mount hides it: that one comes later in the list, and
 * is what the new root shows. */
static int add_mount(struct root *r, const char *path, const char *type)
{
    struct stat st;
    char from[64], to[PATH_BYTES];
    int rc = 0;
    int fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return 0;
    if (strcmp(type, ON_DEMAND) == 0) {
        close(fd);
        return 0;
    }
    snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
    snprintf(to, sizeof to, "root%s", path);
    if (fstat(fd, &st) != 0 || lstat(to, &st) != 0)
        rc = 0;
    else if (is_of(type, kernel_types, LEN(kernel_types)))
        rc = bind_as_is(r, from, to);
    else if (!S_ISDIR(st.st_mode) || is_of(type, lasting_types, LEN(lasting_types)) ||
             overlay(r, from, to) != 0)
        rc = bind_to_read(r, from, to);
    close(fd);
    return rc;
}

/* ---- all of them -------------------------------------------------------------------------- */

static int overlay_root(struct root *r)
{
    int error = mkdir("root", 0755) == 0 ? overlay(r, "/", "root") : errno;

    return error == 0 ? 0
                      : space_refused(r->e, error,
                                      "\"root\": \"overlay\" needs a file system that can be "
                                      "overlaid");
}

static int add_mounts(struct root *r)
{
    char *at = r->list;
    char *path = NULL;
    char *type = NULL;

    for (size_t i = 0; next_mount(&at, &path, &type); i++) {
        if (i == MAX_MOUNTS)
            return err_set(r->e, ERR_LIMIT, "more than %d mounts on this machine", MAX_MOUNTS);
        if (path[0] != '/' || strcmp(path, "/") == 0 || below(path, r->job->dir))
            continue;
        if (add_mount(r, path, type) != 0)
            return -1;
    }
    return 0;
}

/* DIR is ${lane.dir} itself, below what is mounted there now. */
static int add_lane(struct root *r, int dir)
{
    char from[64], to[PATH_BYTES];

    snprintf(from, sizeof from, "/proc/self/fd/%d", dir);
    snprintf(to, sizeof to, "root%s", r->job->dir);
    return bind_as_is(r, from, to);
}

/* The folders in which container engines keep images, empty. */
static int add_stores(struct root *r)
{
    static const char *const stores[] = {"root/var/lib/containers", "root/var/lib/containerd",
                                         "root/var/lib/docker"};
    struct stat st;

    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        char store[32];

        snprintf(store, sizeof store, "store-%zu", i);
        if ((mkdir(stores[i], 0711) != 0 && errno != EEXIST) || stat(stores[i], &st) != 0)
            continue; /* a machine without /var/lib has no place for them */
        if (mkdir(store, 0711) != 0 || chmod(store, st.st_mode & 07777) != 0)
            return err_errno(r->e, errno, "cannot make a folder for what container engines keep");
        if (bind_as_is(r, store, stores[i]) != 0)
            return -1;
    }
    return 0;
}

/* Writing to a disk itself goes past every overlay: there is none, as on a machine without a disk
 * to spare. What cannot be taken away ends the lane. */
static int drop_disks(struct root *r)
{
    char folder[] = "root/dev";
    char *const folders[] = {folder, NULL};
    FTS *fts = fts_open(folders, FTS_PHYSICAL | FTS_XDEV, NULL);
    FTSENT *entry = NULL;
    int rc = 0;

    if (fts == NULL)
        return err_errno(r->e, errno, "cannot look at the devices of a lane");
    while (rc == 0 && (entry = fts_read(fts)) != NULL) {
        if (entry->fts_info != FTS_DEFAULT || !S_ISBLK(entry->fts_statp->st_mode) ||
            major(entry->fts_statp->st_rdev) == LOOP_MAJOR)
            continue;
        if (unlink(entry->fts_accpath) != 0)
            rc = space_refused(r->e, errno, "cannot take /dev/%s away", entry->fts_name);
    }
    fts_close(fts);
    return rc;
}

/* The old root comes to lie under the new one, and is let go with all that is mounted there. */
static int move_in(struct root *r)
{
    if (chdir("root") != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
        umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        return space_refused(r->e, errno, "cannot move to a root that is thrown away");
    return 0;
}

int space_overlay(const struct space_job *job, struct err *e)
{
    struct root r = {.job = job, .e = e};
    int dir = open(job->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int rc = -1;

    r.list = read_list(e);
    if (dir < 0)
        err_errno(e, errno, "cannot open %s", job->dir);
    else if (r.list == NULL)
        rc = -1;
    else if (mount("pulldrill", job->dir, "tmpfs", 0, "mode=755") != 0 || chdir(job->dir) != 0)
        space_refused(e, errno, "cannot mount a file system of a lane's own");
    else if (overlay_root(&r) == 0 && add_mounts(&r) == 0 && drop_disks(&r) == 0 &&
             add_stores(&r) == 0 && add_lane(&r, dir) == 0)
        rc = move_in(&r);
    if (dir >= 0)
        close(dir);
    free(r.list);
    return rc;
}
