/* The cache of blobs that drills share: FOLDER/blobs as in an image layout, FOLDER/locks beside it.
 *
 * Happy path: a writer takes the lock of its digest's first byte, looks whether another has brought
 * the blob meanwhile, writes to a name that only the holder of that lock uses, checks the digest,
 * and renames. So two drills that want one blob bring it once, and no reader ever sees half of it.
 *
 * Failure modes: a killed writer leaves its lock free and a part that the next one of the same lock
 * overwrites (there are 256 of them at most). A folder that cannot be made or written, a full disk
 * and a blob with another digest are errors, and leave no blob behind. Nothing is ever thrown out:
 * the folder may be deleted at any time, also while drills serve from it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-registry/disk.h"
#include "harness/base/fd.h"

/* How long the blob of another process is waited for, and how often the lock is tried. */
#define WAIT_MAX_MS (60 * 60 * 1000)
#define WAIT_STEP_MS 50

/* Whatever is wrong with the cache is so outside of us. */
static int trouble(struct err *e, const char *what, const char *path)
{
    return err_set(e, ERR_ENVIRONMENT, "the cache: cannot %s %s: %s", what, path, strerror(errno));
}

static int make_folder(char *path, struct err *e)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL) {
            *slash = '\0';
        }
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return trouble(e, "make", path);
        }
        if (slash == NULL) {
            return 0;
        }
        *slash = '/';
    }
}

/* An absolute path; the environment may say others, which are as good as none. */
static const char *folder_from(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && value[0] == '/' ? value : NULL;
}

int disk_cache_open(struct disk_cache *c, struct err *e)
{
    static const char *const parts[] = {"blobs/sha256", "blobs/sha512", "locks"};
    const char *own = folder_from("PULLDRILL_CACHE");
    const char *xdg = folder_from("XDG_CACHE_HOME");
    const char *home = folder_from("HOME");
    const char *base = own != NULL ? own : xdg != NULL ? xdg : home;
    if (base == NULL) {
        return err_set(e, ERR_ENVIRONMENT,
                       "no folder for the cache: set PULLDRILL_CACHE to an absolute "
                       "path");
    }
    const char *behind = own != NULL ? "" : xdg != NULL ? "/pulldrill" : "/.cache/pulldrill";
    int n = snprintf(c->folder, sizeof(c->folder), "%s%s", base, behind);
    if (n < 0 || (size_t)n >= sizeof(c->folder)) {
        return err_set(e, ERR_LIMIT, "the cache's path is too long");
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char path[DISK_MAX_PATH + 200];
        snprintf(path, sizeof(path), "%s/%s", c->folder, parts[i]);
        if (make_folder(path, e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Takes the lock of W's digest. Not by a blocking flock: that could not be interrupted. */
static int take_lock(struct disk_writer *w, struct err *e)
{
    char path[DISK_MAX_PATH + 200];
    snprintf(path, sizeof(path), "%s/locks/%.2s", w->cache->folder, w->digest + 7);
    w->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (w->lock < 0) {
        return trouble(e, "open", path);
    }
    for (int waited = 0; flock(w->lock, LOCK_EX | LOCK_NB) != 0; waited += WAIT_STEP_MS) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return trouble(e, "lock", path);
        }
        if (w->cache->stop != NULL && w->cache->stop(w->cache->data)) {
            return err_set(e, ERR_IO, "the cache: interrupted while waiting for %s", w->digest);
        }
        if (waited >= WAIT_MAX_MS) {
            return err_set(e, ERR_LIMIT, "the cache: another process has held %s for an hour",
                           path);
        }
        (void)poll(NULL, 0, WAIT_STEP_MS);
    }
    return 0;
}

/* Whether the blob is there, whole; one that is not is taken away. */
static bool is_there(const struct disk_writer *w, const struct content_descriptor *want)
{
    bool missing = false;
    bool altered = false;
    struct err ignored = {0};
    struct content *c = disk_load(w->cache->folder, want, 0, &missing, &altered, &ignored);
    if (altered) {
        (void)unlink(w->path);
    }
    content_unref(c);
    return c != NULL;
}

static int open_part(struct disk_writer *w, struct err *e)
{
    w->fd = open(w->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (w->fd < 0) {
        return trouble(e, "write", w->part);
    }
    w->stream = digest_stream_new(w->digest);
    return w->stream != NULL ? 0 : err_set(e, ERR_NOMEM, "no memory to hash %s", w->digest);
}

int disk_writer_open(struct disk_writer *w, const struct disk_cache *c,
                     const struct content_descriptor *want, struct err *e)
{
    *w = (struct disk_writer){
        .cache = c,
        .lock = -1,
        .fd = -1,
        .most = want->size < CONTENT_MAX_BLOB ? want->size : CONTENT_MAX_BLOB,
    };
    memcpy(w->digest, want->digest, sizeof(w->digest));
    snprintf(w->path, sizeof(w->path), "%s/blobs/%.6s/%s", c->folder, w->digest, w->digest + 7);
    snprintf(w->part, sizeof(w->part), "%s/locks/%.2s.part", c->folder, w->digest + 7);
    int rc = take_lock(w, e);
    if (rc == 0) {
        w->there = is_there(w, want);
        rc = w->there ? 0 : open_part(w, e);
    }
    if (rc != 0 || w->there) {
        bool there = w->there;
        disk_writer_close(w);
        w->there = there;
    }
    return rc;
}

int disk_writer_add(struct disk_writer *w, const void *data, size_t len, struct err *e)
{
    digest_stream_update(w->stream, data, len);
    w->size += len;
    if (w->size > w->most) {
        return err_set(e, ERR_LIMIT, "%s is larger than %" PRIu64 " bytes", w->digest, w->most);
    }
    return fd_write_all(w->fd, data, len) == 0 ? 0 : trouble(e, "write", w->part);
}

int disk_writer_keep(struct disk_writer *w, bool *wrong, struct err *e)
{
    int rc = 0;
    *wrong = !digest_stream_finish(w->stream);
    w->stream = NULL;
    if (*wrong) {
        rc = err_set(e, ERR_INVALID, "what came for %s has another digest", w->digest);
    } else if (fsync(w->fd) != 0 || rename(w->part, w->path) != 0) {
        rc = trouble(e, "write", w->path);
    }
    disk_writer_close(w);
    return rc;
}

void disk_writer_close(struct disk_writer *w)
{
    if (w->fd >= 0) {
        (void)unlink(w->part); /* gone by that name where it was kept */
        (void)close(w->fd);
    }
    if (w->lock >= 0) {
        (void)close(w->lock);
    }
    digest_stream_free(w->stream);
    w->fd = w->lock = -1;
    w->stream = NULL;
}
