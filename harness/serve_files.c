/* What `serve` writes beside its history: certificates, credentials, the ready file.
 *
 * Happy path: the folder of --files, or one below TMPDIR that is gone at the end, gets what a
 * lane's has in a drill; the ready file appears whole by a rename and is taken away before anything
 * stops listening. Failure modes: a file that cannot be written ends the beginning; one that cannot
 * be taken away is told. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/log.h"
#include "harness/lane_credentials.h"
#include "harness/lane_trust.h"
#include "harness/serve_internal.h"

#define MAX_PATH 4096

const char *serve_scratch(struct serve *s, struct err *e)
{
    if (s->scratch[0] == '\0' && scratch_open(s->scratch, &s->scratch_hold, e) != 0) {
        return NULL;
    }
    return s->scratch;
}

static bool any_auth(const struct scenario *s)
{
    for (size_t i = 0; i < s->registry_count; i++) {
        if (s->registries[i].auth != REGISTRY_AUTH_NONE) {
            return true;
        }
    }
    return false;
}

/* Absolute: what is printed is for readers elsewhere. */
static char *files_folder(struct serve *s, struct err *e)
{
    const char *folder = s->options->files;
    if (folder == NULL) {
        folder = serve_scratch(s, e);
    } else if (mkdir(folder, 0755) != 0 && errno != EEXIST) {
        err_errno(e, errno, "cannot make the folder %.500s", folder);
        return NULL;
    }
    char *path = folder != NULL ? realpath(folder, NULL) : NULL;
    if (folder != NULL && path == NULL) {
        err_errno(e, errno, "cannot use the folder %.500s", folder);
    }
    return path;
}

int serve_files(struct serve *s, struct err *e)
{
    if (s->registries.ca == NULL && !any_auth(s->plan->scenario)) {
        return 0;
    }
    s->lane.dir = files_folder(s, e);
    return s->lane.dir == NULL || lane_trust_make(&s->lane, e) != 0
               ? -1
               : lane_credentials_make(&s->lane, e);
}

void serve_files_close(struct serve *s)
{
    struct err e = {0};
    for (size_t i = 0; i < SCENARIO_MAX_REGISTRIES; i++) {
        free(s->lane.auth_file[i]);
    }
    lane_trust_free(&s->lane);
    free(s->lane.ca_file);
    free(s->lane.dir);
    if (s->scratch[0] != '\0') {
        char path[SCRATCH_PATH];
        memcpy(path, s->scratch, sizeof path);
        if (scratch_remove(path, &e) != 0) {
            log_line("%s", e.text);
        }
        scratch_close(s->scratch, s->scratch_hold);
    }
}

/* ---- the ready file ------------------------------------------------------------------------ */

static int ready_trouble(const struct serve *s, int error, struct err *e)
{
    return err_errno(e, error, "cannot write the ready file %.500s", s->options->ready_file);
}

/* One that kill -9 left would say that this server listens already. */
int serve_ready_none(struct serve *s, struct err *e)
{
    const char *path = s->options->ready_file;
    return path == NULL || unlink(path) == 0 || errno == ENOENT ? 0 : ready_trouble(s, errno, e);
}

int serve_ready(struct serve *s, struct err *e)
{
    const char *path = s->options->ready_file;
    char part[MAX_PATH];
    if (path == NULL) {
        return 0;
    }
    int len = snprintf(part, sizeof part, "%s.%ld", path, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof part) {
        return err_set(e, ERR_USAGE, "--ready-file: the name is too long");
    }
    struct stat st = {0};
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    bool written = fd >= 0 && fd_write_all(fd, s->places.data, s->places.len) == 0;
    int rc = written ? fstat(fd, &st) : -1;
    if (fd >= 0 && close(fd) != 0) {
        rc = -1;
    }
    if (rc != 0 || rename(part, path) != 0) {
        int error = errno;
        (void)unlink(part);
        return ready_trouble(s, error, e);
    }
    s->ready = true;
    s->ready_inode = st.st_ino;
    s->ready_time = st.st_mtim;
    return 0;
}

/* A successor that was told the same name may have put its own there by now, and its inode may be
 * the very one that ours was. */
static bool ready_file_ours(const struct serve *s)
{
    struct stat st;
    return stat(s->options->ready_file, &st) == 0 && st.st_ino == s->ready_inode &&
           st.st_mtim.tv_sec == s->ready_time.tv_sec && st.st_mtim.tv_nsec == s->ready_time.tv_nsec;
}

void serve_unready(struct serve *s)
{
    if (s->ready && ready_file_ours(s) && unlink(s->options->ready_file) != 0) {
        log_line("the ready file %s cannot be taken away: %s", s->options->ready_file,
                 strerror(errno));
    }
    s->ready = false;
}
