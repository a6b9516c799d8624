/* Scratch folders of drills: what a killed one left is deleted by the next, nothing else is. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/scratch.h"

static char tmp[] = "/tmp/pulldrill-tmp-XXXXXX";

static void use_tmp(void)
{
    cr_assert_not_null(mkdtemp(tmp));
    setenv("TMPDIR", tmp, 1);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void drop_tmp(void)
{
    nftw(tmp, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(scratch, .init = use_tmp, .fini = drop_tmp, .timeout = 60);

static bool exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static void make(const char *folder, const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    cr_assert_eq(mkdir(path, 0700), 0, "%s", path);
}

static void open_one(char path[SCRATCH_PATH], int *hold)
{
    struct err e = {0};

    cr_assert_eq(scratch_open(path, hold, &e), 0, "%s", e.text);
}

/* A folder that is held stays, however full; without its holder the next drill deletes it. */
Test(scratch, deletes_what_nobody_holds)
{
    char first[SCRATCH_PATH];
    char second[SCRATCH_PATH];
    char third[SCRATCH_PATH];
    int hold[3];

    open_one(first, &hold[0]);
    make(first, "lane-1");
    make(first, "lane-1/start-1");
    open_one(second, &hold[1]);
    cr_expect(exists(first));
    close(hold[0]);
    open_one(third, &hold[2]);
    cr_expect_not(exists(first));
    cr_expect(exists(second));
    scratch_close(second, hold[1]);
    scratch_close(third, hold[2]);
    cr_expect_not(exists(second));
}

/* What no drill can have left stays: other contents, none yet, others' rights, a link, a name that
 * is only alike. */
Test(scratch, leaves_all_else)
{
    static const char *const names[] = {"pulldrill-run-other1", "pulldrill-run-empty1",
                                        "pulldrill-run-right1", "pulldrill-run-too-long",
                                        "pulldrill-abcdef"};
    char path[SCRATCH_PATH];
    char link[128];
    int hold = -1;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        make(tmp, names[i]);
        snprintf(link, sizeof link, "%s/lane-1", names[i]);
        if (i != 1)
            make(tmp, link);
    }
    make(tmp, "pulldrill-run-other1/precious");
    snprintf(link, sizeof link, "%s/pulldrill-run-right1", tmp);
    cr_assert_eq(chmod(link, 0755), 0);
    snprintf(link, sizeof link, "%s/pulldrill-run-linked", tmp);
    cr_assert_eq(symlink("pulldrill-abcdef", link), 0);
    open_one(path, &hold);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(link, sizeof link, "%s/%s", tmp, names[i]);
        cr_expect(exists(link), "%s", names[i]);
    }
    snprintf(link, sizeof link, "%s/pulldrill-abcdef/lane-1", tmp);
    cr_expect(exists(link));
    scratch_close(path, hold);
}

/* A drill inside of a drill leaves the one it runs in alone, though it sees nobody hold it. */
Test(scratch, leaves_the_drill_it_runs_in)
{
    char path[SCRATCH_PATH];
    char lane[128];
    int hold = -1;

    make(tmp, "pulldrill-run-around");
    make(tmp, "pulldrill-run-around/lane-1");
    snprintf(lane, sizeof lane, "%s/pulldrill-run-around/lane-1", tmp);
    setenv("PULLDRILL_LANE_DIR", lane, 1);
    open_one(path, &hold);
    cr_expect(exists(lane));
    scratch_close(path, hold);
    unsetenv("PULLDRILL_LANE_DIR");
    open_one(path, &hold);
    cr_expect_not(exists(lane));
    scratch_close(path, hold);
}
