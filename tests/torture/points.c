/* Our own failure points, under libfiu.
 *
 * Happy path: the linker's --wrap leads each call of the product to a wrapper (points_memory.c,
 * points_files.c, points_processes.c), which asks libfiu for the point of that name. Each family is
 * enabled with one callback, which counts, and fails exactly the n-th. Nothing here allocates
 * through a wrapper, so no point is asked within another. Failure modes: a record that cannot be
 * mapped leaves the points inert, which the tester notices, for nothing is counted then. */
#define FIU_ENABLE
#include "tests/torture/points.h"

#include <execinfo.h>
#include <fcntl.h>
#include <fiu-control.h>
#include <fiu.h>
#include <sanitizer/common_interface_defs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The frames of the wrapper and of what is below it, and those that make the hash of a place. */
#define FRAMES_BELOW 4
#define FRAMES_HASHED 8

static const char *const names[POINT_COUNT] = {
    [POINT_MALLOC] = "memory/malloc",     [POINT_CALLOC] = "memory/calloc",
    [POINT_REALLOC] = "memory/realloc",   [POINT_STRDUP] = "memory/strdup",
    [POINT_ASPRINTF] = "memory/asprintf", [POINT_CRYPTO] = "memory/crypto",
    [POINT_OPEN] = "file/open",           [POINT_READ] = "file/read",
    [POINT_WRITE] = "file/write",         [POINT_FSYNC] = "file/fsync",
    [POINT_RENAME] = "file/rename",       [POINT_TRUNCATE] = "file/truncate",
    [POINT_MKDIR] = "file/mkdir",         [POINT_DIRECTORY] = "file/directory",
    [POINT_STREAM] = "file/stream",       [POINT_PATH] = "file/path",
    [POINT_LOCK] = "file/lock",           [POINT_SENDFILE] = "file/sendfile",
    [POINT_FORK] = "process/fork",        [POINT_SPAWN] = "process/spawn",
    [POINT_EXEC] = "process/exec",        [POINT_THREAD] = "process/thread",
    [POINT_PIPE] = "process/pipe",        [POINT_SOCKET] = "socket/socket",
    [POINT_ACCEPT] = "socket/accept",     [POINT_LOOP] = "loop/handle",
};
static const char *const families[] = {"memory/*", "file/*", "process/*", "socket/*", "loop/*"};
static const char *const roles[ROLE_COUNT] = {
    [ROLE_STAGE] = "stage",   [ROLE_RUN] = "run",         [ROLE_DRILL] = "drill",
    [ROLE_KEEPER] = "keeper", [ROLE_COMMAND] = "command", [ROLE_BROOM] = "broom",
};

static struct points_record *record;
static enum role own_role;
static __thread enum point asked;

const char *point_name(enum point p)
{
    return names[p];
}

const char *role_name(enum role r)
{
    return roles[r];
}

struct points_record *points_record_new(const char *path)
{
    int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)
                          : memfd_create("points", MFD_CLOEXEC);
    struct points_record *r = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, sizeof *r) == 0) {
        r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (fd >= 0) {
        close(fd);
    }
    return r == MAP_FAILED ? NULL : r;
}

void points_record_free(struct points_record *r)
{
    if (r != NULL) {
        munmap(r, sizeof *r);
    }
}

void points_rearm(struct points_record *r, enum role role, uint64_t at, bool onward)
{
    r->role = role;
    r->at = at;
    r->onward = onward;
    r->fired = false;
    memset(r->stack, 0, sizeof r->stack);
    memset(r->counted, 0, sizeof r->counted);
}

static int stack_now(uintptr_t *out, int max)
{
    void *frames[POINTS_STACK + FRAMES_BELOW];
    int count = backtrace(frames, max + FRAMES_BELOW) - FRAMES_BELOW;
    for (int i = 0; i < count; i++) {
        out[i] = (uintptr_t)frames[i + FRAMES_BELOW];
    }
    return count > 0 ? count : 0;
}

static void trace(uint64_t n)
{
    uintptr_t stack[FRAMES_HASHED] = {0};
    uint64_t hash = UINT64_C(14695981039346656037) ^ (uint64_t)asked;
    stack_now(stack, FRAMES_HASHED);
    for (size_t i = 0; i < FRAMES_HASHED; i++) {
        hash = (hash ^ stack[i]) * UINT64_C(1099511628211);
    }
    if (n <= POINTS_MAX_TRACE) {
        record->path[own_role][n - 1] = hash;
    }
}

/* What libfiu asks for each point: counts, and says whether it is the one. */
static int on_point(const char *name, int *failnum, void **failinfo, unsigned int *flags)
{
    (void)name, (void)failnum, (void)failinfo, (void)flags;
    uint64_t n = __atomic_add_fetch(&record->counted[own_role], 1, __ATOMIC_RELAXED);
    if (record->tracing) {
        trace(n);
    }
    if (record->role != own_role || record->at == 0 ||
        (record->onward ? n < record->at : n != record->at)) {
        return 0;
    }
    if (!__atomic_exchange_n(&record->fired, true, __ATOMIC_ACQ_REL)) {
        record->point = asked;
        stack_now(record->stack, POINTS_STACK);
    }
    return 1;
}

bool points_fail(enum point p)
{
    if (record == NULL) {
        return false;
    }
    asked = p;
    return fiu_fail(names[p]) != 0;
}

static void enable(void)
{
    static bool enabled;
    void *first[1];
    if (enabled || fiu_init(0) != 0) {
        return;
    }
    backtrace(first, 1); /* it loads a library when it is used first */
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        enabled = fiu_enable_external(families[i], 1, NULL, 0, on_point) == 0;
    }
}

void points_use(struct points_record *r, enum role role)
{
    if (r != NULL) {
        enable();
    }
    own_role = role;
    record = r;
}

void points_begin(const char *argv0)
{
    const char *path = getenv(POINTS_VARIABLE);
    enum role role = ROLE_RUN;
    if (path == NULL) {
        return;
    }
    if (strstr(argv0, "keeper") != NULL) {
        role = ROLE_KEEPER;
    } else if (strstr(argv0, "broom") != NULL) {
        role = ROLE_BROOM;
    }
    points_use(points_record_new(path), role);
}

void points_forked(void)
{
    if (own_role == ROLE_RUN) {
        own_role = ROLE_DRILL;
    } else if (own_role == ROLE_KEEPER) {
        own_role = ROLE_COMMAND;
    }
}

void points_place(const struct points_record *r, char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "%s", names[r->point]);
    unsigned shown = 0;
    for (size_t i = 0; i < POINTS_STACK && r->stack[i] != 0 && shown < 5 && at < size; i++) {
        char frame[300] = "";
        __sanitizer_symbolize_pc((void *)(r->stack[i] - 1), "%f (%S)", frame, sizeof frame);
        if (strstr(frame, "run_once") != NULL) {
            break;
        }
        if (strstr(frame, "<null>") == NULL && strstr(frame, "tests/torture/points") == NULL) {
            at +=
                (size_t)snprintf(text + at, size - at, "%s%s", shown == 0 ? " in " : " < ", frame);
            shown++;
        }
    }
}
