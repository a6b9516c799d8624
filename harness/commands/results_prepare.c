/* Folders of results before anything runs: made, and emptied of what an earlier invocation left.
 *
 * Only files that we write are taken away, and folders that this leaves empty. What cannot be
 * removed ends the invocation: it would be taken for a result of it. */
#include "harness/commands/results.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/report.h"

#define PATH_MAX_BYTES 4600

/* A proof's drills lie in SCENARIO/CELL, or in SCENARIO/CELL/ROUND. */
#define LEVELS 2

static int make_folders(const char *path, struct err *e)
{
    char part[4096];
    snprintf(part, sizeof part, "%s", path);
    for (char *p = part + 1; *p != '\0'; p++) {
        if (*p == '/') {
            *p = '\0';
            if (mkdir(part, 0777) != 0 && errno != EEXIST) {
                return err_errno(e, errno, "cannot make %s", part);
            }
            *p = '/';
        }
    }
    if (mkdir(part, 0777) != 0 && errno != EEXIST) {
        return err_errno(e, errno, "cannot make %s", part);
    }
    return 0;
}

static int remove_file(const char *dir, const char *file, struct err *e)
{
    char path[PATH_MAX_BYTES + 32];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    return unlink(path) != 0 && errno != ENOENT ? err_errno(e, errno, "cannot remove %s", path) : 0;
}

/* Those of the whole invocation (ALL), or of one drill. */
static int remove_reports(const char *dir, bool all, struct err *e)
{
    for (size_t i = 0; i < report_format_count; i++) {
        const struct report_format *format = &report_formats[i];
        if ((format->all != NULL) == all && format->file != NULL &&
            remove_file(dir, format->file, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static void clear_starts(const char *dir)
{
    char path[PATH_MAX_BYTES + 32];
    snprintf(path, sizeof path, "%s/starts", dir);
    DIR *starts = opendir(path);
    if (starts == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(starts)) != NULL;) {
        size_t len = strlen(entry->d_name);
        if (len > 4 && strcmp(entry->d_name + len - 4, ".txt") == 0) {
            unlinkat(dirfd(starts), entry->d_name, 0);
        }
    }
    closedir(starts);
    rmdir(path);
}

static int clear_drill(const char *dir, struct err *e)
{
    clear_starts(dir);
    return remove_file(dir, "history.jsonl", e) != 0 ? -1 : remove_reports(dir, false, e);
}

static bool has_file(const char *dir, const char *file)
{
    char path[PATH_MAX_BYTES + 32];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    return access(path, F_OK) == 0;
}

static int clear_below(const char *dir, int levels, bool *found, struct err *e);

/* The folder PATH, LEVELS above the lowest that may hold a drill. *FOUND: it, or one below, did. */
static int clear_folder(const char *path, int levels, bool *found, struct err *e)
{
    struct stat st;
    bool below = false;
    if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return 0;
    }
    bool here = has_file(path, "history.jsonl") || has_file(path, "journal.json");
    if ((here && clear_drill(path, e) != 0) || clear_below(path, levels, &below, e) != 0) {
        return -1;
    }
    if (here || below) {
        *found = true;
        rmdir(path);
    }
    return 0;
}

/* Cells and rounds of an earlier proof that this invocation may not have: `compare` reads every
 * folder that is there. */
static int clear_below(const char *dir, int levels, bool *found, struct err *e)
{
    struct dirent **entries = NULL;
    int rc = 0;
    int count = levels > 0 ? scandir(dir, &entries, NULL, NULL) : 0;
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX_BYTES];
        int n = snprintf(path, sizeof path, "%s/%s", dir, entries[i]->d_name);
        if (rc == 0 && entries[i]->d_name[0] != '.' && n > 0 && (size_t)n < sizeof path) {
            rc = clear_folder(path, levels - 1, found, e);
        }
        free(entries[i]);
    }
    free(entries);
    return rc;
}

int results_prepare(const char *out, const char *folder, char *dir, size_t size, struct err *e)
{
    bool found = false;
    int n = snprintf(dir, size, "%s/%s", out, folder);
    if (n < 0 || (size_t)n >= size) {
        return err_set(e, ERR_USAGE, "--out %s: the path is too long", out);
    }
    if (make_folders(dir, e) != 0 || clear_drill(dir, e) != 0) {
        return -1;
    }
    return clear_below(dir, LEVELS, &found, e);
}

/* In one folder two scenarios would overwrite each other, and one verdict would stand for both. */
static int folders_differ(const struct selection *s, struct err *e)
{
    char one[1024];
    char other[1024];
    for (size_t i = 0; i < s->count; i++) {
        scenario_folder(s->path[i], one, sizeof one);
        for (size_t k = i + 1; k < s->count; k++) {
            scenario_folder(s->path[k], other, sizeof other);
            if (strcmp(one, other) == 0) {
                return err_set(e, ERR_USAGE, "%s and %s would write results to one folder, %s",
                               s->path[i], s->path[k], one);
            }
        }
    }
    return 0;
}

/* Two invocations in one folder would take each other's verdicts for their own. The folder stays
 * held until this process and all that it forked have ended: a drill whose parent was killed still
 * writes there. A file system that knows no locks holds nothing. */
static int hold(const char *out, struct err *e)
{
    int fd = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return err_errno(e, errno, "cannot open %s", out);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        bool held = errno == EWOULDBLOCK;
        close(fd);
        return held ? err_set(e, ERR_USAGE,
                              "--out %s: another invocation is writing there; name another folder",
                              out)
                    : 0;
    }
    return 0;
}

int results_begin(const struct selection *s, const char *out, struct err *e)
{
    return folders_differ(s, e) != 0 || make_folders(out, e) != 0 || hold(out, e) != 0
               ? -1
               : remove_reports(out, true, e);
}
