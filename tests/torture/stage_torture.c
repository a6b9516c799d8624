/* Tortures a stage: a clean run counts its points, then each is failed in turn.
 *
 * Happy path: a child runs the stage for many n, one after the other; the parent waits. After each
 * run the child compares: status and text of the error, digest of what was made, memory in use,
 * open descriptors, the files in the work folder. Failure modes: a child that dies or hangs is a
 * finding at the n it was at, and another goes on behind it. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/torture/torture.h"

/* Of the sanitizers; not every compiler ships the header. */
size_t __sanitizer_get_current_allocated_bytes(void);

#define SINGLE_MOST 2000 /* points failed alone */
#define ONWARD_MOST 300  /* points from which on all fail */
#define QUICK_MOST 60
#define RUN_SECONDS 30 /* a run that takes longer hangs */
#define NOTES_MOST 200 /* findings of one child */
#define REGROWTHS 3    /* runs that must each leave memory behind for it to be a leak */

struct note {
    uint64_t n;
    char what[160];
    char place[600];
};

/* What a child tells its parent. */
struct progress {
    uint64_t n;
    size_t failed_well, worked;
    size_t note_count;
    struct note note[NOTES_MOST];
};

struct torture {
    const struct bench *bench;
    const struct stage *stage;
    struct points_record *record;
    struct progress *progress;
    struct result clean;
    bool onward;
};

static size_t entries(const char *path)
{
    size_t count = 0;
    DIR *d = opendir(path);
    while (d != NULL && readdir(d) != NULL) {
        count++;
    }
    if (d != NULL) {
        closedir(d);
    }
    return count;
}

/* ---- the work folder ------------------------------------------------------------------------ */

static size_t half_written; /* nftw passes nothing on */

/* What is on its way into its place has a name that says so, or lies apart. */
static int look_at(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)at;
    size_t len = strlen(path);
    half_written += type == FTW_F && ((len > 5 && strcmp(path + len - 5, ".part") == 0) ||
                                      strstr(path, "/uploads/") != NULL);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type;
    return at->level > 0 ? remove(path) : 0;
}

/* Empties it, and says what was left there half-written. */
static size_t empty_work(const struct bench *b)
{
    half_written = 0;
    nftw(b->work, look_at, 16, FTW_PHYS);
    nftw(b->work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return half_written;
}

/* ---- one run -------------------------------------------------------------------------------- */

static void run_once(struct torture *t, uint64_t n, struct result *o)
{
    memset(o, 0, sizeof *o);
    points_rearm(t->record, ROLE_STAGE, n, t->onward);
    points_use(t->record, ROLE_STAGE);
    t->stage->run(t->bench, o);
    points_use(NULL, ROLE_STAGE);
}

static void run_clean(struct torture *t, struct result *o)
{
    run_once(t, 0, o);
    empty_work(t->bench);
}

static void note(struct torture *t, uint64_t n, const char *what)
{
    struct progress *p = t->progress;
    if (p->note_count < NOTES_MOST) {
        struct note *new = &p->note[p->note_count++];
        new->n = n;
        snprintf(new->what, sizeof new->what, "%s", what);
        points_place(t->record, new->place, sizeof new->place);
    }
}

/* What is wrong with an outcome; NULL: nothing. */
static const char *judge_result(const struct torture *t, const struct result *o)
{
    if (o->status == 0) {
        return o->digest == t->clean.digest ? NULL
                                            : "it says that all went well, but what it made "
                                              "is not the same: an error was swallowed";
    }
    if (o->e.code == ERR_NONE || o->e.text[0] == '\0') {
        return "it failed without a word";
    }
    if (o->e.code == ERR_INVALID || o->e.code == ERR_USAGE) {
        return "it blames the input";
    }
    return NULL;
}

static bool grows(struct torture *t, uint64_t n)
{
    for (int i = 0; i < REGROWTHS; i++) {
        struct result o;
        size_t before = __sanitizer_get_current_allocated_bytes();
        run_once(t, n, &o);
        empty_work(t->bench);
        if (__sanitizer_get_current_allocated_bytes() <= before) {
            return false;
        }
    }
    return true;
}

static void try_point(struct torture *t, uint64_t n)
{
    struct result o;
    t->progress->n = n;
    alarm(RUN_SECONDS);
    size_t descriptors = entries("/proc/self/fd");
    size_t before = __sanitizer_get_current_allocated_bytes();
    run_once(t, n, &o);
    size_t after = __sanitizer_get_current_allocated_bytes();
    const char *wrong = judge_result(t, &o);
    if (wrong != NULL) {
        char what[160];
        snprintf(what, sizeof what, "%.100s%s%.50s", wrong, o.status == 0 ? "" : ": ", o.e.text);
        note(t, n, what);
    }
    if (entries("/proc/self/fd") > descriptors) {
        note(t, n, "a descriptor is left open");
    }
    if (empty_work(t->bench) > 0) {
        note(t, n, "a file is left half-written");
    }
    if (after > before && grows(t, n)) {
        note(t, n, "memory is leaked");
    }
    if (o.status == 0 && wrong == NULL) {
        no_difference(t->bench, t->stage->name, n, t->record);
    }
    t->progress->worked += o.status == 0;
    t->progress->failed_well += o.status != 0 && wrong == NULL;
}

static void child(struct torture *t, const struct sample *s, size_t from, const char *log)
{
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0) {
        dup2(fd, STDERR_FILENO);
    }
    /* Once more without a failure: what is set up on first use is set up. */
    struct result o;
    run_clean(t, &o);
    for (size_t i = from; i < s->count; i++) {
        try_point(t, s->at[i]);
    }
    fflush(NULL);
    __real__exit(0);
}

/* The first lines of LOG that say something. */
static void first_words(const char *log, char *text, size_t size)
{
    FILE *f = fopen(log, "re");
    text[0] = '\0';
    size_t len = f != NULL ? fread(text, 1, size - 1, f) : 0;
    text[len] = '\0';
    if (f != NULL) {
        fclose(f);
    }
}

static void tell(const struct torture *t, int status, const char *log)
{
    const struct progress *p = t->progress;
    for (size_t i = 0; i < p->note_count; i++) {
        finding(t->stage->name, p->note[i].n, t->onward, p->note[i].what, p->note[i].place, "");
    }
    if (status != 0) {
        char words[3000], place[600], what[80];
        first_words(log, words, sizeof words);
        points_place(t->record, place, sizeof place);
        snprintf(what, sizeof what, WIFSIGNALED(status) ? "it died of signal %d" : "it exited %d",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        finding(t->stage->name, p->n, t->onward, what, place, words);
    }
}

static void torture_sample(struct torture *t, const struct sample *s)
{
    char log[TORTURE_PATH + 20];
    snprintf(log, sizeof log, "%s/stderr", t->bench->scratch);
    size_t from = 0;
    t->progress->failed_well = t->progress->worked = 0;
    while (from < s->count) {
        int status = 0;
        t->progress->note_count = 0;
        fflush(NULL);
        pid_t pid = __real_fork();
        if (pid == 0) {
            child(t, s, from, log);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid) {
            finding(t->stage->name, 0, t->onward, "no process for it", "", "");
            return;
        }
        tell(t, status, log);
        if (status == 0) {
            return;
        }
        while (from < s->count && s->at[from] != t->progress->n) {
            from++;
        }
        from++;
    }
}

static void torture_all(struct torture *t, uint64_t n, size_t most)
{
    struct sample s;
    if (sample_take(&s, n, most, t->record->path[ROLE_STAGE], t->bench->seed) != 0) {
        finding(t->stage->name, 0, t->onward, "no memory for the tester", "", "");
        return;
    }
    torture_sample(t, &s);
    printf("  %-10s %6llu points, %5zu %s: %zu errors told, %zu made no difference\n",
           t->stage->name, (unsigned long long)n, s.count,
           t->onward ? "from there on" : "failed alone ", t->progress->failed_well,
           t->progress->worked);
    sample_free(&s);
}

static bool count(struct torture *t)
{
    run_clean(t, &t->clean);
    t->record->tracing = true;
    run_clean(t, &t->clean);
    t->record->tracing = false;
    if (t->clean.status != 0 || t->record->counted[ROLE_STAGE] == 0) {
        finding(t->stage->name, 0, false, "the clean run failed, or met no point", "",
                t->clean.e.text);
        return false;
    }
    return true;
}

size_t stage_torture(const struct bench *b, const struct stage *stage, uint64_t at, bool onward)
{
    size_t before = findings();
    struct torture t = {.bench = b, .stage = stage, .onward = false};
    t.record = points_record_new(NULL);
    t.progress =
        mmap(NULL, sizeof *t.progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (t.record == NULL || t.progress == MAP_FAILED) {
        finding(stage->name, 0, false, "no memory for the tester", "", "");
        return 1;
    }
    if (count(&t)) {
        uint64_t n = t.record->counted[ROLE_STAGE];
        struct sample one = {.at = &at, .count = 1};
        t.onward = onward;
        if (at != 0) {
            torture_sample(&t, &one);
        } else {
            torture_all(&t, n, b->quick ? QUICK_MOST : SINGLE_MOST);
            t.onward = true;
            torture_all(&t, n, b->quick ? QUICK_MOST / 4 : ONWARD_MOST);
        }
    }
    munmap(t.progress, sizeof *t.progress);
    points_record_free(t.record);
    return findings() - before;
}
