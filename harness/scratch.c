/* Scratch folders: deleting what subjects left in them, and nothing else.
 *
 * Happy path: a walk that deletes from the leaves up. What is mounted on the way is detached before
 * it is entered: a killed dockerd leaves its own folder and its namespaces mounted, and a folder
 * bound from elsewhere holds files that are not ours. Failure modes: what cannot be detached is not
 * entered, what cannot be deleted stays; the first is told. */
#include "harness/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Says no on kernels older than 5.8; there the walk at least stays on its file system. */
static bool is_mount(const char *path)
{
    struct statx st;

    return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &st) == 0 &&
           (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/* Detaches what is mounted on ENTRY, which is then looked at again: there may be another mount
 * below, and its contents are other ones. Private first: else detaching a copy of a shared tree
 * would detach what is mounted below the original too. */
static int detach(FTS *fts, FTSENT *entry, struct err *e)
{
    if (mount(NULL, entry->fts_accpath, NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        umount2(entry->fts_accpath, MNT_DETACH | UMOUNT_NOFOLLOW) != 0) {
        fts_set(fts, entry, FTS_SKIP);
        return err_errno(e, errno, "cannot detach what is mounted on %.500s", entry->fts_path);
    }
    fts_set(fts, entry, FTS_AGAIN);
    return 0;
}

static int remove_entry(FTS *fts, FTSENT *entry, struct err *e)
{
    int rc = 0;

    if (entry->fts_info != FTS_DP && is_mount(entry->fts_accpath))
        return detach(fts, entry, e);
    switch (entry->fts_info) {
    case FTS_D:
        /* A folder that is not writable would keep what is in it (only root would not notice). */
        if ((entry->fts_statp->st_mode & S_IRWXU) != S_IRWXU)
            chmod(entry->fts_accpath, S_IRWXU);
        break;
    case FTS_DP:
    case FTS_DNR:
        rc = rmdir(entry->fts_accpath);
        break;
    case FTS_ERR:
    case FTS_NS:
        errno = entry->fts_errno;
        rc = -1;
        break;
    default:
        rc = unlink(entry->fts_accpath);
        break;
    }
    if (rc != 0 && errno != ENOENT)
        return err_errno(e, errno, "cannot delete %.500s", entry->fts_path);
    return 0;
}

int scratch_remove(char *path, struct err *e)
{
    char *const paths[] = {path, NULL};
    FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_XDEV, NULL);
    FTSENT *entry = NULL;
    int rc = 0;

    if (fts == NULL)
        return err_errno(e, errno, "cannot delete %.500s", path);
    while ((entry = fts_read(fts)) != NULL) {
        if (remove_entry(fts, entry, e) != 0)
            rc = -1;
    }
    fts_close(fts);
    return rc;
}

/* ---- the folder of a drill ---------------------------------------------------------------- */

#define NAME "pulldrill-run-"
#define LANE "lane-"
/* Entries of the folder for temporary files that are looked at. */
#define SWEEP_MAX 65536

/* Whether FOLDER (a descriptor, which is left at its beginning) holds lanes and nothing else. */
static bool holds_lanes(int folder)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    bool lanes = false;
    bool others = false;

    if (dir == NULL) {
        if (copy >= 0)
            close(copy);
        return false;
    }
    for (struct dirent *entry; !others && (entry = readdir(dir)) != NULL;) {
        bool dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        bool lane = strncmp(entry->d_name, LANE, strlen(LANE)) == 0;

        lanes = lanes || lane;
        others = !dots && !lane;
    }
    closedir(dir);
    return lanes && !others;
}

/* Whether PATH holds the lane that we run on, as the subject of another drill: what that one holds
 * cannot be seen from a root that is thrown away. */
static bool is_our_ground(const char *path)
{
    const char *lane = getenv("PULLDRILL_LANE_DIR");
    size_t len = strlen(path);

    return lane != NULL && strncmp(lane, path, len) == 0 && lane[len] == '/';
}

/* Deletes NAME in the folder TMP where a drill made it that is no more: it is ours, nobody holds it
 * and lanes are in it. One without lanes may be another drill's that has yet to take hold of it. */
static void sweep_entry(int tmp, const char *tmp_path, const char *name)
{
    char path[SCRATCH_PATH];
    struct stat st;
    struct err e = {0};
    int folder = openat(tmp, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (folder < 0)
        return;
    if (fstat(folder, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0 &&
        flock(folder, LOCK_EX | LOCK_NB) == 0 && holds_lanes(folder) &&
        snprintf(path, sizeof path, "%s/%s", tmp_path, name) < (int)sizeof path &&
        !is_our_ground(path)) {
        /* What cannot be deleted yet is the next drill's to delete. */
        (void)scratch_remove(path, &e);
    }
    close(folder);
}

static void sweep(const char *tmp_path)
{
    DIR *tmp = opendir(tmp_path);

    if (tmp == NULL)
        return;
    for (int i = 0; i < SWEEP_MAX; i++) {
        struct dirent *entry = readdir(tmp);

        if (entry == NULL)
            break;
        if (strncmp(entry->d_name, NAME, strlen(NAME)) == 0 &&
            strlen(entry->d_name) == strlen(NAME) + 6)
            sweep_entry(dirfd(tmp), tmp_path, entry->d_name);
    }
    closedir(tmp);
}

int scratch_open(char path[SCRATCH_PATH], int *hold, struct err *e)
{
    const char *tmp = getenv("TMPDIR");

    if (tmp == NULL || tmp[0] != '/' || strlen(tmp) >= SCRATCH_TMP)
        tmp = "/tmp";
    sweep(tmp);
    snprintf(path, SCRATCH_PATH, "%s/" NAME "XXXXXX", tmp);
    if (mkdtemp(path) == NULL) {
        path[0] = '\0';
        return err_errno(e, errno, "cannot make a scratch folder");
    }
    *hold = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*hold < 0 || flock(*hold, LOCK_EX) != 0) {
        err_errno(e, errno, "cannot hold the scratch folder");
        scratch_close(path, *hold);
        path[0] = '\0';
        return -1;
    }
    return 0;
}

void scratch_close(const char *path, int hold)
{
    rmdir(path); /* empty, unless a lane has said what it could not delete */
    if (hold >= 0)
        close(hold);
}
