/* The descendants of a process as /proc shows them, however detached. */
#include "harness/proctree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STAT_BYTES 1024

enum place { UNKNOWN, BELOW, ELSEWHERE };
/* A row of the whole machine while it is sorted into below ROOT or not. */
struct row {
    struct proctree_process process;
    enum place place;
};
struct table {
    struct row *row;
    size_t count;
    size_t cap;
};

/* "/proc" and only digits behind it. */
static bool parse_pid(const char *name, pid_t *out)
{
    char *end = NULL;
    long n = 0;

    if (name[0] < '1' || name[0] > '9')
        return false;
    errno = 0;
    n = strtol(name, &end, 10);
    if (errno != 0 || *end != '\0' || n > INT_MAX)
        return false;
    *out = (pid_t)n;
    return true;
}

static ssize_t read_stat(int proc, pid_t pid, char *text, size_t size)
{
    char path[32];
    ssize_t n = -1;
    int fd = -1;

    snprintf(path, sizeof path, "%d/stat", (int)pid);
    fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    n = read(fd, text, size - 1);
    close(fd);
    if (n >= 0)
        text[n] = '\0';
    return n;
}

/* Reads "PID (NAME) STATE PARENT … THREADS"; the name may hold anything, parentheses too. False
 * where the process is gone. */
static bool read_process(int proc, pid_t pid, struct proctree_process *out)
{
    char text[STAT_BYTES];
    const char *at = NULL;
    char state = 0;
    int parent = 0;
    long threads = 0;

    if (read_stat(proc, pid, text, sizeof text) <= 0)
        return false;
    at = strrchr(text, ')');
    if (at == NULL ||
        sscanf(at + 1, " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld",
               &state, &parent, &threads) != 3)
        return false;
    out->pid = pid;
    out->parent = (pid_t)parent;
    out->alive = (state != 'Z' && state != 'X') || threads > 1;
    return true;
}

static int table_add(struct table *t, const struct proctree_process *process, struct err *e)
{
    if (t->count == PROCTREE_MAX)
        return err_set(e, ERR_LIMIT, "more than %d processes on this machine", PROCTREE_MAX);
    if (t->count == t->cap) {
        size_t cap = t->cap == 0 ? 256 : t->cap * 2;
        struct row *row = realloc(t->row, cap * sizeof *row);

        if (row == NULL)
            return err_set(e, ERR_NOMEM, "no memory for the list of processes");
        t->row = row;
        t->cap = cap;
    }
    t->row[t->count].process = *process;
    t->row[t->count].place = UNKNOWN;
    t->count++;
    return 0;
}

static int by_pid(const void *a, const void *b)
{
    const struct row *x = a;
    const struct row *y = b;

    return (x->process.pid > y->process.pid) - (x->process.pid < y->process.pid);
}

static int table_read(struct table *t, struct err *e)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry = NULL;
    int rc = 0;

    if (dir == NULL)
        return err_errno(e, errno, "cannot list /proc");
    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        struct proctree_process process;
        pid_t pid = 0;

        if (parse_pid(entry->d_name, &pid) && read_process(dirfd(dir), pid, &process))
            rc = table_add(t, &process, e);
    }
    closedir(dir);
    if (rc == 0 && t->count > 0)
        qsort(t->row, t->count, sizeof *t->row, by_pid);
    return rc;
}

static struct row *table_find(const struct table *t, pid_t pid)
{
    struct row key = {.process = {.pid = pid}};

    return t->count == 0 ? NULL : bsearch(&key, t->row, t->count, sizeof *t->row, by_pid);
}

static bool listed(const pid_t *pids, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++) {
        if (pids[i] == pid)
            return true;
    }
    return false;
}

/* Walks from ROW up until a place is known, then writes it down on the way walked, so that every
 * row is passed twice at most. A look at a moving tree could show a ring: the walk is bounded. */
static void find_place(const struct table *t, struct row *row, pid_t root, const pid_t *except,
                       size_t except_count)
{
    struct row *at = row;
    enum place found = ELSEWHERE;

    for (size_t steps = 0; at != NULL && steps < t->count; steps++) {
        if (at->place != UNKNOWN) {
            found = at->place;
            break;
        }
        if (at->process.parent == root) {
            found = listed(except, except_count, at->process.pid) ? ELSEWHERE : BELOW;
            break;
        }
        at = table_find(t, at->process.parent);
    }
    for (at = row; at != NULL && at->place == UNKNOWN; at = table_find(t, at->process.parent)) {
        at->place = found;
        if (at->process.parent == root)
            break;
    }
}

int proctree_read(pid_t root, const pid_t *except, size_t except_count, struct proctree *out,
                  struct err *e)
{
    struct table t = {0};

    memset(out, 0, sizeof *out);
    if (table_read(&t, e) != 0) {
        free(t.row);
        return -1;
    }
    out->process = calloc(t.count + 1, sizeof *out->process);
    if (out->process == NULL) {
        free(t.row);
        return err_set(e, ERR_NOMEM, "no memory for the list of processes");
    }
    for (size_t i = 0; i < t.count; i++) {
        find_place(&t, &t.row[i], root, except, except_count);
        if (t.row[i].place == BELOW && t.row[i].process.pid != root)
            out->process[out->count++] = t.row[i].process;
    }
    free(t.row);
    return 0;
}

void proctree_close(struct proctree *tree)
{
    free(tree->process);
    memset(tree, 0, sizeof *tree);
}

size_t proctree_alive(const struct proctree *tree)
{
    size_t alive = 0;

    for (size_t i = 0; i < tree->count; i++)
        alive += tree->process[i].alive ? 1 : 0;
    return alive;
}

void proctree_kill(const struct proctree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        kill(tree->process[i].pid, SIGKILL);
}
