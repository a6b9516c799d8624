/* Opening a folder as a store: whose it is, what is in it.
 *
 * Happy path: the folder is made, or is empty, or has our marker; the marker is locked for as long
 * as the store is open, and says the version; the folders of the layout are made, uploads/ is
 * emptied, and what the repositories name is loaded (store_load.c).
 *
 * Failure modes: a folder that holds anything else, that another process has open, of another
 * version, or that cannot be read or written: each an error that names it, and nothing in it is
 * changed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-registry/store_internal.h"

#define MARKER "pulldrill-store"
#define VERSION "pulldrill store 1\n"

static int trouble(struct err *e, const char *what, const char *folder)
{
    return err_errno(e, errno, "cannot %s the store %s", what, folder);
}

/* FOLDER and those it lies in. */
static int make_folder(const char *folder, struct err *e)
{
    char *path = strdup(folder);
    if (path == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for the store %s", folder);
    }
    int rc = 0;
    char *slash = path;
    while (rc == 0 && slash != NULL) {
        slash = strchr(slash + 1, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        if (mkdir(path, 0700) != 0 && errno != EEXIST && errno != EISDIR) {
            rc = trouble(e, "make", folder);
        }
        if (slash != NULL) {
            *slash = '/';
        }
    }
    free(path);
    return rc;
}

DIR *disk_list(const struct store_disk *disk, const char *path, struct err *e)
{
    int fd = openat(disk->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    if (list == NULL) {
        (void)disk_trouble(disk, e, "read", path);
        if (fd >= 0) {
            (void)close(fd);
        }
    }
    return list;
}

/* Of what is not there already: "." and "..". */
static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

const char *disk_next(DIR *list)
{
    const struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(list);
    } while (entry != NULL && is_dots(entry->d_name));
    return entry != NULL ? entry->d_name : NULL;
}

int disk_list_end(const struct store_disk *disk, const char *path, DIR *list, int rc, struct err *e)
{
    int cause = rc == 0 ? errno : 0;
    (void)closedir(list);
    if (cause == 0) {
        return rc;
    }
    errno = cause;
    return disk_trouble(disk, e, "read", path);
}

static int refuse_others(const struct store_disk *disk, struct err *e)
{
    DIR *list = disk_list(disk, ".", e);
    if (list == NULL) {
        return -1;
    }
    const char *name = disk_next(list);
    int rc = name == NULL ? 0
                          : err_set(e, ERR_INVALID,
                                    "%s is no store: it has no %s but \"%s\"; a store begins in an "
                                    "empty folder, or in one that is not there",
                                    disk->folder, MARKER, name);
    return disk_list_end(disk, ".", list, rc, e);
}

/* Locks the marker, and holds it against the version; an empty one was left by a kill. */
static int take_marker(struct store_disk *disk, struct err *e)
{
    char text[64];
    disk->lock = openat(disk->root, MARKER, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (disk->lock < 0 && errno == ENOENT) {
        if (refuse_others(disk, e) != 0) {
            return -1;
        }
        disk->lock = openat(disk->root, MARKER, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    if (disk->lock < 0) {
        return disk_trouble(disk, e, "open", MARKER);
    }
    if (flock(disk->lock, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK
                   ? err_set(e, ERR_IO, "the store %s is in use by another process", disk->folder)
                   : disk_trouble(disk, e, "lock", MARKER);
    }
    if (disk_read_text(disk, MARKER, text, sizeof(text)) != 0) {
        return disk_trouble(disk, e, "read", MARKER);
    }
    if (text[0] == '\0') {
        int rc = disk_write(disk, disk->lock, VERSION, strlen(VERSION), 0, MARKER, e);
        return rc == 0 && fsync(disk->lock) != 0 ? disk_trouble(disk, e, "write", MARKER) : rc;
    }
    return strcmp(text, VERSION) == 0
               ? 0
               : err_set(e, ERR_INVALID, "%s is a store of another version: %.*s", disk->folder,
                         (int)strcspn(text, "\n"), text);
}

static int make_layout(const struct store_disk *disk, struct err *e)
{
    static const char *const folders[] = {"blobs", "blobs/sha256", "blobs/sha512", "repositories",
                                          "uploads"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (mkdirat(disk->root, folders[i], 0700) != 0 && errno != EEXIST) {
            return disk_trouble(disk, e, "make", folders[i]);
        }
    }
    return disk_fsync_folder(disk, "blobs", e) == 0 ? disk_fsync_folder(disk, ".", e) : -1;
}

static int empty_uploads(const struct store_disk *disk, struct err *e)
{
    DIR *list = disk_list(disk, "uploads", e);
    if (list == NULL) {
        return -1;
    }
    int rc = 0;
    for (const char *name = disk_next(list); rc == 0 && name != NULL; name = disk_next(list)) {
        if (unlinkat(dirfd(list), name, 0) != 0) {
            rc = disk_trouble(disk, e, "empty", "uploads");
        }
    }
    return disk_list_end(disk, "uploads", list, rc, e);
}

static struct store_disk *disk_open(const char *folder, struct err *e)
{
    struct store_disk *disk = calloc(1, sizeof(*disk));
    if (disk == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for the store %s", folder);
        return NULL;
    }
    atomic_init(&disk->parts, 0);
    (void)pthread_mutex_init(&disk->naming, NULL); /* with these attributes it cannot fail */
    (void)pthread_mutex_init(&disk->tagging, NULL);
    disk->lock = disk->root = -1;
    disk->folder = strdup(folder);
    if (disk->folder == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for the store %s", folder);
    } else if (make_folder(folder, e) == 0) {
        disk->root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (disk->root < 0) {
            (void)trouble(e, "open", folder);
        } else if (take_marker(disk, e) == 0 && make_layout(disk, e) == 0 &&
                   empty_uploads(disk, e) == 0) {
            return disk;
        }
    }
    disk_close(disk);
    return NULL;
}

struct store *store_open(const char *folder, void (*note)(void *data, const char *text), void *data,
                         struct err *e)
{
    struct store_disk *disk = disk_open(folder, e);
    struct store *s = disk != NULL ? store_new(e) : NULL;
    if (s == NULL) {
        disk_close(disk);
        return NULL;
    }
    s->disk = disk;
    disk->note = note;
    disk->note_data = data;
    if (store_load(s, note, data, e) != 0) {
        store_free(s);
        return NULL;
    }
    return s;
}
