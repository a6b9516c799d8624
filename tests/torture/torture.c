/* `make torture`: fails every allocation, file operation and spawn in turn, and looks at what comes
 * of it. The same program is the pulldrill that it drills, under its other names.
 *
 *   torture SUBJECTS [--quick] [--show] [--only STAGE[:N[+]]] [--seed N]
 *
 * N is a point; N+ means that one and all behind it. --show tells the points that made no
 * difference, too. */
#include <ftw.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/subject.h"
#include "tests/torture/torture.h"

int __real_main(int argc, char **argv);
int __wrap_main(int argc, char **argv);

#define TOLD_SLOTS 4096
#define DETAIL_BYTES 2500

/* Shared, for workers find, too. */
static struct told {
    size_t count;
    size_t shown;
    uint64_t slot[TOLD_SLOTS]; /* what was told, and where, as hashes */
} * told;

/* Whether the same was found at the same place before, at another point. */
static bool told_before(const char *stage, const char *what, const char *place)
{
    struct result r = {.digest = UINT64_C(14695981039346656037)};
    result_text(&r, stage);
    result_text(&r, what);
    result_text(&r, place);
    uint64_t *slot = &told->slot[r.digest % TOLD_SLOTS];
    return __atomic_exchange_n(slot, r.digest, __ATOMIC_RELAXED) == r.digest;
}

void finding(const char *stage, uint64_t n, bool onward, const char *what, const char *place,
             const char *detail)
{
    static char text[12000];
    __atomic_add_fetch(&told->count, 1, __ATOMIC_RELAXED);
    if (told_before(stage, what, place) ||
        __atomic_add_fetch(&told->shown, 1, __ATOMIC_RELAXED) > FINDINGS_MAX_SHOWN) {
        return;
    }
    /* In one piece, for others write beside. */
    int len = snprintf(text, sizeof text,
                       "  FINDING %s:%" PRIu64 "%s: %s\n      %s\n%.*s%s"
                       "      again: make torture TORTURE='%s:%" PRIu64 "%s'\n",
                       stage, n, onward ? "+" : "", what, place, DETAIL_BYTES, detail,
                       detail[0] != '\0' ? "\n" : "", stage, n, onward ? "+" : "");
    fwrite(text, 1, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1, stdout);
    fflush(stdout);
}

size_t findings(void)
{
    return told->count;
}

void no_difference(const struct bench *b, const char *stage, uint64_t n,
                   const struct points_record *r)
{
    char place[1500];
    if (!b->show || !r->fired) {
        return;
    }
    points_place(r, place, sizeof place);
    if (!told_before(stage, "", place)) {
        printf("  no difference %s:%" PRIu64 ": %s\n", stage, n, place);
        fflush(stdout);
    }
}

/* ---- what is asked for --------------------------------------------------------------------- */

struct wish {
    char stage[64]; /* empty: all */
    uint64_t at;
    bool onward;
};

static int read_wish(const char *text, struct wish *w)
{
    const char *colon = strchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
    char *end = NULL;
    if (len >= sizeof w->stage) {
        return -1;
    }
    memcpy(w->stage, text, len);
    w->stage[len] = '\0';
    if (colon != NULL) {
        w->at = strtoull(colon + 1, &end, 10);
        w->onward = *end == '+';
        return end == colon + 1 || end[w->onward] != '\0' ? -1 : 0;
    }
    return 0;
}

static int read_arguments(int argc, char **argv, struct bench *b, struct wish *w)
{
    if (argc < 2) {
        return -1;
    }
    b->subjects = argv[1];
    b->seed = 1;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            b->quick = true;
        } else if (strcmp(argv[i], "--show") == 0) {
            b->show = true;
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            if (argv[++i][0] != '\0' && read_wish(argv[i], w) != 0) {
                return -1;
            }
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            b->seed = strtoull(argv[++i], NULL, 10);
        } else {
            return -1;
        }
    }
    return 0;
}

/* ---- the bench ----------------------------------------------------------------------------- */

static int bench_open(struct bench *b)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(b->scratch, sizeof b->scratch, "%.150s/pulldrill-torture-XXXXXX",
             tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(b->scratch) == NULL) {
        return -1;
    }
    snprintf(b->work, sizeof b->work, "%.200s/work", b->scratch);
    ssize_t len = readlink("/proc/self/exe", b->self, sizeof b->self - 1);
    return mkdir(b->work, 0700) == 0 && len > 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static void bench_close(struct bench *b)
{
    nftw(b->scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- all of it ----------------------------------------------------------------------------- */

/* A planted fault must be found; only that it was is told. */
static void run_planted(const struct bench *b, const struct stage *stage)
{
    size_t before = told->count;
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    if (freopen("/dev/null", "we", stdout) == NULL) {
        return;
    }
    size_t caught = stage_torture(b, stage, 0, false);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    told->count = before;
    if (caught == 0) {
        finding(stage->name, 0, false, "the planted fault was not found", "", "");
    } else {
        printf("  %-10s is found, as it must be\n", stage->name);
    }
}

static bool wanted(const struct wish *w, const char *name)
{
    return w->stage[0] == '\0' || strcmp(w->stage, name) == 0;
}

static bool run_stages(const struct bench *b, const struct wish *w)
{
    bool any = false;
    for (size_t i = 0; i < stage_count; i++) {
        if (!wanted(w, stages[i].name)) {
            continue;
        }
        any = true;
        if (stages[i].planted && w->stage[0] == '\0') {
            run_planted(b, &stages[i]);
        } else {
            stage_torture(b, &stages[i], w->at, w->onward);
        }
    }
    for (int role = ROLE_RUN; role < ROLE_COUNT; role++) {
        if (wanted(w, role_name((enum role)role))) {
            any = true;
            drill_torture(b, (enum role)role, w->at, w->onward);
        }
    }
    return any;
}

static int torture(int argc, char **argv)
{
    struct bench b = {0};
    struct wish w = {0};
    if (read_arguments(argc, argv, &b, &w) != 0) {
        fprintf(stderr,
                "usage: torture SUBJECTS [--quick] [--show] [--only STAGE[:N[+]]] [--seed N]\n");
        return 4;
    }
    /* What a drill leaves behind becomes ours, and is seen. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED) {
        return 3;
    }
    setvbuf(stdout, NULL, _IOFBF, 16384);
    if (bench_open(&b) != 0 || drill_clean(&b) != 0) {
        fprintf(stderr, "torture: the clean drill does not pass\n");
        bench_close(&b);
        return 3;
    }
    bool any = run_stages(&b, &w);
    bench_close(&b);
    if (!any) {
        fprintf(stderr, "torture: there is no stage %s\n", w.stage);
        return 4;
    }
    printf("torture: seed %" PRIu64 ", %zu findings\n", b.seed, told->count);
    return told->count > 0;
}

int __wrap_main(int argc, char **argv)
{
    if (strcmp(basename(argv[0]), "torture") == 0) {
        return torture(argc, argv);
    }
    points_begin(argv[0]);
    return __real_main(argc, argv);
}
