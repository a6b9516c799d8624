/* Tortures a whole small drill: each role of its processes in turn.
 *
 * Happy path: a clean drill counts the points of each role and their places; workers, each with a
 * place of its own, run a drill for each point that was sampled. Failure modes: whatever a drill
 * with a failed point must not do (drill_wrong) is a finding. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/verdict/verdict.h"
#include "tests/torture/drill_run.h"

#define WORKERS 6 /* a drill waits more than it works */
#define EXITS 256

/* How many points of each role are failed: alone, and from there on. */
static const struct {
    size_t alone, onward, quick;
} most[ROLE_COUNT] = {
    [ROLE_RUN] = {220, 40, 4},   [ROLE_DRILL] = {500, 80, 9}, [ROLE_KEEPER] = {60, 20, 3},
    [ROLE_COMMAND] = {10, 5, 1}, [ROLE_BROOM] = {10, 5, 1},
};

static struct drilled clean;
static struct points_record *clean_record;

/* ---- what is wrong with a drill ------------------------------------------------------------- */

/* Words of which an error says one at least. */
static bool says_why(const struct drilled *d)
{
    static const char *const words[] = {"memory",         "Input/output error",
                                        "No space left",  "Too many open",
                                        "temporarily",    "Cannot assign",
                                        "already in use", "OpenSSL",
                                        "random",         "sha256",
                                        "hashing",        "cannot"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strstr(d->output, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static const struct drilled_file *file_of(const struct drilled *d, const char *name)
{
    for (size_t i = 0; i < d->file_count; i++) {
        if (strcmp(d->file[i].name, name) == 0) {
            return &d->file[i];
        }
    }
    return NULL;
}

/* A pass must have all that a clean one has: the tally, every file, none of them cut. */
static const char *wrong_pass(const struct drilled *d)
{
    if (strcmp(d->last, clean.last) != 0) {
        return "it passed, but counts other checks";
    }
    for (size_t i = 0; i < clean.file_count; i++) {
        const struct drilled_file *f = file_of(d, clean.file[i].name);
        if (f == NULL) {
            return "it passed, but a file of its results is missing";
        }
        if (f->size < clean.file[i].size - clean.file[i].size / 5) {
            return "it passed, but a file of its results is short";
        }
    }
    return NULL;
}

static const char *wrong_exit(const struct drilled *d)
{
    if (d->status == -1) {
        return "it hung";
    }
    if (WIFSIGNALED(d->status)) {
        return "it died of a signal";
    }
    switch (WEXITSTATUS(d->status)) {
    case EXIT_PASS:
        return wrong_pass(d);
    case EXIT_FAIL:
        return "it blames the subject (exit 1)";
    case EXIT_ERROR:
    case EXIT_INCONCLUSIVE:
    case EXIT_SKIPPED:
        return says_why(d) ? NULL : "it does not say what failed";
    case EXIT_USAGE:
        return "it blames the input (exit 4)";
    default:
        return "it ended with no documented exit status";
    }
}

static const char *drill_wrong(const struct drilled *d)
{
    if (d->sanitizer[0] != '\0') {
        return "the sanitizers complain";
    }
    if (d->left > 0) {
        return "a process is left";
    }
    if (d->litter > 0) {
        return "files are left";
    }
    return wrong_exit(d);
}

/* ---- workers -------------------------------------------------------------------------------- */

struct batch {
    const struct bench *bench;
    enum role role;
    bool onward;
    const struct sample *sample;
    /* shared with the workers */
    struct tally {
        size_t next;
        size_t exits[EXITS];
        size_t missed; /* the point was not reached */
    } * tally;
};

static void tell(const struct batch *b, uint64_t n, const struct drilled *d,
                 const struct points_record *r)
{
    const char *what = drill_wrong(d);
    char place[1500] = "the point was not reached";
    if (what == NULL) {
        if (d->status == 0) {
            no_difference(b->bench, role_name(b->role), n, r);
        }
        return;
    }
    if (r->fired) {
        points_place(r, place, sizeof place);
    }
    const char *detail = d->sanitizer[0] != '\0' ? d->sanitizer : d->output;
    finding(role_name(b->role), n, b->onward, what, place, detail);
}

static void work(const struct batch *b, unsigned number)
{
    static struct drilled d;
    struct place p;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (place_open(&p, b->bench, number) != 0) {
        finding(role_name(b->role), 0, b->onward, "no place for a drill", "", "");
        return;
    }
    for (size_t i;
         (i = __atomic_fetch_add(&b->tally->next, 1, __ATOMIC_RELAXED)) < b->sample->count;) {
        points_rearm(p.record, b->role, b->sample->at[i], b->onward);
        drill_try(&p, &d);
        tell(b, b->sample->at[i], &d, p.record);
        int exits = d.status >= 0 && WIFEXITED(d.status) ? WEXITSTATUS(d.status) : EXITS - 1;
        __atomic_fetch_add(&b->tally->exits[exits], 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&b->tally->missed, p.record->fired ? 0 : 1, __ATOMIC_RELAXED);
    }
    place_close(&p);
}

static void print_batch(const struct batch *b, uint64_t n)
{
    printf("  %-10s %6llu points, %5zu %s:", role_name(b->role), (unsigned long long)n,
           b->sample->count, b->onward ? "from there on" : "failed alone ");
    for (int i = 0; i < EXITS; i++) {
        if (b->tally->exits[i] > 0) {
            printf(" exit %d %zu times,", i, b->tally->exits[i]);
        }
    }
    printf(" %zu not reached\n", b->tally->missed);
}

static void run_batch(struct batch *b, uint64_t n)
{
    static unsigned place_number;
    memset(b->tally, 0, sizeof *b->tally);
    fflush(NULL);
    for (unsigned i = 0; i < WORKERS; i++) {
        place_number++;
        if (__real_fork() == 0) {
            work(b, place_number);
            fflush(NULL);
            __real__exit(0);
        }
    }
    while (waitpid(-1, NULL, 0) > 0) {
    }
    print_batch(b, n);
}

static void run_all(struct batch *b, uint64_t n, size_t limit)
{
    struct sample s;
    if (sample_take(&s, n, limit, clean_record->path[b->role], b->bench->seed) != 0) {
        finding(role_name(b->role), 0, b->onward, "no memory for the tester", "", "");
        return;
    }
    b->sample = &s;
    run_batch(b, n);
    sample_free(&s);
}

size_t drill_torture(const struct bench *bench, enum role role, uint64_t at, bool onward)
{
    size_t before = findings();
    uint64_t n = clean_record->counted[role];
    struct sample one = {.at = &at, .count = 1};
    struct batch b = {.bench = bench, .role = role, .onward = onward, .sample = &one};
    b.tally =
        mmap(NULL, sizeof *b.tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (b.tally == MAP_FAILED) {
        finding(role_name(role), 0, false, "no memory for the tester", "", "");
        return 1;
    }
    if (at != 0) {
        run_batch(&b, n);
    } else if (n == 0 && role != ROLE_BROOM) {
        finding(role_name(role), 0, false, "the clean drill met no point of it", "", "");
    } else if (n > 0) {
        b.onward = false;
        run_all(&b, n, bench->quick ? most[role].quick : most[role].alone);
        b.onward = true;
        run_all(&b, n, bench->quick ? most[role].quick / 3 + 1 : most[role].onward);
    }
    munmap(b.tally, sizeof *b.tally);
    return findings() - before;
}

int drill_clean(struct bench *b)
{
    static struct place p;
    if (place_open(&p, b, 0) != 0) {
        return -1;
    }
    points_rearm(p.record, ROLE_RUN, 0, false);
    p.record->tracing = true;
    drill_try(&p, &clean);
    clean_record = p.record;
    if (clean.status != 0 || drill_wrong(&clean) != NULL || p.record->counted[ROLE_DRILL] == 0) {
        fprintf(stderr, "%s\n%s\n%s\n", drill_wrong(&clean), clean.output, clean.sanitizer);
        return -1;
    }
    snprintf(b->history, sizeof b->history, "%.200s/out/tests-torture-small/history.jsonl",
             p.folder);
    snprintf(b->journal, sizeof b->journal, "%.200s/out/tests-torture-small/journal.json",
             p.folder);
    return 0;
}
