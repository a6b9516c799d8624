/* One drill in a place of its own.
 *
 * Happy path: the program (this one under its own name) is executed with everything it writes in
 * the place's folder; when it has ended, whatever it leaves behind has become our child, and must
 * end by itself soon. Failure modes: a drill that takes too long, and what is left, is killed and
 * told. */
#include "tests/torture/drill_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SCENARIO "tests/torture/small.json"
#define DRILL_SECONDS 100
#define LEFT_SECONDS 15 /* a keeper kills for KEEPER_KILL_MS at most */
#define LOOK_MS 10

static void path_in(const struct place *p, const char *name, char path[TORTURE_PATH + 20])
{
    snprintf(path, TORTURE_PATH + 20, "%.250s/%s", p->folder, name);
}

int place_open(struct place *p, const struct bench *b, unsigned number)
{
    char path[TORTURE_PATH + 20];
    p->bench = b;
    snprintf(p->folder, sizeof p->folder, "%.200s/drill-%u", b->scratch, number);
    if (mkdir(p->folder, 0700) != 0) {
        return -1;
    }
    path_in(p, "record", path);
    p->record = points_record_new(path);
    return p->record != NULL ? 0 : -1;
}

void place_close(struct place *p)
{
    points_record_free(p->record);
    p->record = NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static void renew(const struct place *p, const char *name)
{
    char path[TORTURE_PATH + 20];
    path_in(p, name, path);
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    mkdir(path, 0700);
}

static void become_drill(const struct place *p)
{
    char path[TORTURE_PATH + 20], options[TORTURE_PATH + 200];
    path_in(p, "record", path);
    setenv(POINTS_VARIABLE, path, 1);
    path_in(p, "tmp", path);
    setenv("TMPDIR", path, 1);
    path_in(p, "logs/asan", path);
    snprintf(options, sizeof options, "log_path='%s':exitcode=99:detect_leaks=1", path);
    setenv("ASAN_OPTIONS", options, 1);
    snprintf(options, sizeof options, "log_path='%s':halt_on_error=1:print_stacktrace=1", path);
    setenv("UBSAN_OPTIONS", options, 1);
    setenv("PULLDRILL_SUBJECTS", p->bench->subjects, 1);
    path_in(p, "logs/stdout", path);
    int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    path_in(p, "logs/stderr", path);
    int err = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    int in = open("/dev/null", O_RDONLY);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close_range(3, ~0U, 0);
    path_in(p, "out", path);
    char *argv[] = {"pulldrill", "run", SCENARIO, "--out", path, NULL};
    execv(p->bench->self, argv);
    _exit(98);
}

static void look(void)
{
    nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
}

/* The status of PID; -1 where it had to be killed. */
static int await(pid_t pid)
{
    int status = 0;
    for (unsigned i = 0; i < DRILL_SECONDS * 1000 / LOOK_MS; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid) {
            return status;
        }
        look();
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return -1;
}

/* Our children by the kernel's list. */
static size_t children(pid_t *pids, size_t most)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *f = fopen(path, "re");
    int pid = 0;
    while (f != NULL && count < most && fscanf(f, "%d", &pid) == 1) {
        pids[count++] = pid;
    }
    if (f != NULL) {
        fclose(f);
    }
    return count;
}

/* Waits for what the drill left behind; what stays is killed and counted. */
static size_t await_left(void)
{
    pid_t pids[64];
    size_t left = 0;
    for (unsigned i = 0; i < LEFT_SECONDS * 1000 / LOOK_MS; i++) {
        pid_t gone;
        while ((gone = waitpid(-1, NULL, WNOHANG)) > 0) {
        }
        if (gone < 0) {
            return 0;
        }
        look();
    }
    for (size_t count; (count = children(pids, 64)) > 0;) {
        for (size_t i = 0; i < count; i++, left++) {
            kill(pids[i], SIGKILL);
            waitpid(pids[i], NULL, 0);
        }
    }
    return left;
}

static size_t append(const char *path, char *text, size_t at, size_t size)
{
    FILE *f = fopen(path, "re");
    if (f != NULL) {
        at += fread(text + at, 1, size - 1 - at, f);
        fclose(f);
    }
    text[at] = '\0';
    return at;
}

static void read_output(const struct place *p, struct drilled *d)
{
    char path[TORTURE_PATH + 20];
    path_in(p, "logs/stdout", path);
    size_t len = append(path, d->output, 0, sizeof d->output / 2);
    while (len > 0 && d->output[len - 1] == '\n') {
        d->output[--len] = '\0';
    }
    const char *line = strrchr(d->output, '\n');
    snprintf(d->last, sizeof d->last, "%.190s", line != NULL ? line + 1 : d->output);
    d->output[len++] = '\n';
    path_in(p, "logs/stderr", path);
    append(path, d->output, len, sizeof d->output);
}

static void read_sanitizer(const struct place *p, struct drilled *d)
{
    char path[TORTURE_PATH + 20], file[TORTURE_PATH + 300];
    size_t at = 0;
    path_in(p, "logs", path);
    DIR *folder = opendir(path);
    d->sanitizer[0] = '\0';
    for (struct dirent *one; folder != NULL && (one = readdir(folder)) != NULL;) {
        if (strncmp(one->d_name, "asan", 4) == 0 && at < sizeof d->sanitizer - 1) {
            snprintf(file, sizeof file, "%s/%s", path, one->d_name);
            at = append(file, d->sanitizer, at, sizeof d->sanitizer);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

static size_t count_entries(const struct place *p, const char *name)
{
    char path[TORTURE_PATH + 20];
    size_t count = 0;
    path_in(p, name, path);
    DIR *folder = opendir(path);
    for (struct dirent *one; folder != NULL && (one = readdir(folder)) != NULL;) {
        count += one->d_name[0] != '.';
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return count;
}

static struct drilled *listing; /* nftw passes nothing on */
static size_t listing_from;

static int list_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)at;
    if (type == FTW_F && listing->file_count < DRILL_FILES) {
        struct drilled_file *f = &listing->file[listing->file_count++];
        snprintf(f->name, sizeof f->name, "%.60s", path + listing_from);
        f->size = (uint64_t)st->st_size;
    }
    return 0;
}

static void list_files(const struct place *p, struct drilled *d)
{
    char path[TORTURE_PATH + 20];
    path_in(p, "out", path);
    listing = d;
    listing_from = strlen(path) + 1;
    nftw(path, list_one, 16, FTW_PHYS);
}

void drill_try(struct place *p, struct drilled *d)
{
    memset(d, 0, sizeof *d);
    renew(p, "out");
    renew(p, "tmp");
    renew(p, "logs");
    fflush(NULL);
    pid_t pid = __real_fork();
    if (pid == 0) {
        become_drill(p);
    }
    d->status = pid > 0 ? await(pid) : -1;
    d->left = await_left();
    d->litter = count_entries(p, "tmp");
    read_output(p, d);
    read_sanitizer(p, d);
    list_files(p, d);
}
