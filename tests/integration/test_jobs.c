/* The pool of processes: how many at a time, how they end, who is told, what an interrupt does. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/commands/jobs.h"

#define MANY 8

/* What the processes of a test share. */
struct shared {
    volatile int now, most; /* children that run */
    int gate[2];            /* a byte lets one child go on */
};

struct test {
    struct shared *shared;
    size_t count, next;
    int status[MANY];
    int told[MANY];
    size_t ended;
    const char *trouble;
    int (*work)(struct test *t, size_t number);
    int stop_after; /* fail the parent after so many; 0: never */
    size_t ticks;
};

static struct test test_of(size_t count, int (*work)(struct test *t, size_t number))
{
    struct test t = {.count = count, .work = work};
    t.shared =
        mmap(NULL, sizeof *t.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(t.shared, MAP_FAILED);
    cr_assert_eq(pipe(t.shared->gate), 0);
    return t;
}

static int next(void *data, size_t *number, struct err *e)
{
    struct test *t = data;
    (void)e;
    *number = t->next;
    t->next += t->next < t->count;
    return *number < t->count;
}

static int child(void *data, size_t number)
{
    struct test *t = data;
    int now = __atomic_add_fetch(&t->shared->now, 1, __ATOMIC_SEQ_CST);
    int most = t->shared->most;
    while (most < now && !__atomic_compare_exchange_n(&t->shared->most, &most, now, false,
                                                      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
    int status = t->work(t, number);
    __atomic_sub_fetch(&t->shared->now, 1, __ATOMIC_SEQ_CST);
    return status;
}

static int ended(void *data, size_t number, int status, const char *trouble, struct err *e)
{
    struct test *t = data;
    t->status[number] = status;
    t->told[number]++;
    t->trouble = trouble != NULL ? "told" : t->trouble;
    t->ended++;
    return t->stop_after > 0 && t->ended == (size_t)t->stop_after
               ? err_set(e, ERR_IO, "no more of this")
               : 0;
}

static void tick(void *data, bool resumed)
{
    struct test *t = data;
    (void)resumed;
    t->ticks++;
    /* Children wait at the gate for the parent to have looked this often. */
    if (t->ticks == 3) {
        cr_assert_eq(write(t->shared->gate[1], "........", MANY), MANY);
    }
}

static int run(struct test *t, unsigned at_once, uint64_t tick_ns, int *signum, struct err *e)
{
    const struct jobs_work work = {.data = t,
                                   .at_once = at_once,
                                   .tick_ns = tick_ns,
                                   .next = next,
                                   .child = child,
                                   .ended = ended,
                                   .tick = tick};
    return jobs_run(&work, signum, e);
}

static int exits_its_number(struct test *t, size_t number)
{
    (void)t;
    return (int)number;
}

static int waits_at_the_gate(struct test *t, size_t number)
{
    char byte;
    (void)number;
    return read(t->shared->gate[0], &byte, 1) == 1 ? 0 : 1;
}

/* Every job is done once, and its exit status is told. */
Test(jobs, each_is_done_and_told)
{
    struct test t = test_of(MANY, exits_its_number);
    struct err e = {0};
    int signum = -1;
    cr_assert_eq(run(&t, 3, 0, &signum, &e), 0);
    cr_expect_eq(signum, 0);
    for (size_t i = 0; i < MANY; i++) {
        cr_expect_eq(t.told[i], 1);
        cr_expect(WIFEXITED(t.status[i]) && WEXITSTATUS(t.status[i]) == (int)i);
    }
    cr_expect_eq(t.ticks, 0, "nobody asked for ticks");
}

/* As many run side by side as are allowed, and no more; meanwhile the parent ticks. */
Test(jobs, so_many_at_a_time)
{
    struct test t = test_of(MANY, waits_at_the_gate);
    struct err e = {0};
    int signum;
    cr_assert_eq(run(&t, 3, 1000000, &signum, &e), 0);
    cr_expect_eq(t.ended, MANY);
    cr_expect_leq(t.shared->most, 3);
    cr_expect_geq(t.ticks, 3);
}

static int is_killed(struct test *t, size_t number)
{
    (void)t;
    return number == 1 ? raise(SIGKILL) : 0;
}

/* A child that is killed is told as what it is; the others are done all the same. */
Test(jobs, a_killed_child)
{
    struct test t = test_of(3, is_killed);
    struct err e = {0};
    int signum;
    cr_assert_eq(run(&t, 1, 0, &signum, &e), 0);
    cr_expect(WIFSIGNALED(t.status[1]) && WTERMSIG(t.status[1]) == SIGKILL);
    cr_expect(WIFEXITED(t.status[2]));
    cr_expect_eq(t.ended, 3);
}

static int waits_for_a_signal(struct test *t, size_t number)
{
    sigset_t both;
    int signum;
    (void)number;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    if (__atomic_load_n(&t->shared->now, __ATOMIC_SEQ_CST) == 2) {
        kill(getppid(), SIGINT);
    }
    return sigwait(&both, &signum) == 0 ? signum : 0;
}

/* An interrupt is passed on to all that run, nothing more is begun, and all are waited for. */
Test(jobs, an_interrupt)
{
    struct test t = test_of(MANY, waits_for_a_signal);
    struct err e = {0};
    sigset_t both;
    int signum = 0;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    sigprocmask(SIG_BLOCK, &both, NULL);
    cr_assert_eq(run(&t, 2, 0, &signum, &e), 0);
    cr_expect_eq(signum, SIGINT);
    cr_expect_eq(t.ended, 2);
    cr_expect_eq(WEXITSTATUS(t.status[0]), SIGINT);
    cr_expect_eq(WEXITSTATUS(t.status[1]), SIGINT);
}

/* Trouble in the parent ends what runs; none is left behind. */
Test(jobs, trouble_in_the_parent)
{
    struct test t = test_of(MANY, is_killed);
    struct err e = {0};
    int signum;
    t.stop_after = 1;
    cr_expect_eq(run(&t, 2, 0, &signum, &e), -1);
    cr_expect_str_eq(e.text, "no more of this");
    cr_expect(waitpid(-1, NULL, 0) < 0 && errno == ECHILD);
}

/* Where no process can be begun each job is told so, with a reason. (Root has no such limit: the
 * test becomes another user.) */
Test(jobs, no_more_processes)
{
    const struct rlimit none = {0};
    struct test t = test_of(3, exits_its_number);
    struct err e = {0};
    int signum;
    if (geteuid() == 0 && setuid(54321) != 0) {
        cr_skip("cannot become another user");
    }
    cr_assert_eq(setrlimit(RLIMIT_NPROC, &none), 0);
    cr_assert_eq(run(&t, 2, 0, &signum, &e), 0);
    cr_expect_eq(t.ended, 3);
    cr_expect_not_null(t.trouble);
}
