/* Scratch folders: deleting what subjects left in them, and nothing else.
 *
 * Happy path: a walk that deletes from the leaves up. What is mounted on the way is detached before
 * it is entered: a killed dockerd leaves its own folder and its namespaces mounted, and a folder
 * bound from elsewhere holds files that are not ours. Failure modes: what cannot be detached is not
 * entered, what cannot be deleted stays; the first is told. */
#include "harness/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdbool.h>
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
    FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
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
