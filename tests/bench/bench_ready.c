/* How long a program takes from its exec to its first line: bench_ready RUNS COMMAND… prints the
 * median in milliseconds. Each run is then ended by SIGTERM. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MAX 100

static double now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double once(char **command)
{
    int out[2];
    char c = '\0';
    if (pipe(out) != 0) {
        return -1;
    }
    double begun = now_ms();
    pid_t child = vfork();
    if (child == 0) {
        (void)dup2(out[1], STDOUT_FILENO);
        (void)close(out[0]);
        (void)close(out[1]);
        (void)execvp(command[0], command);
        _exit(127);
    }
    (void)close(out[1]);
    while (child > 0 && read(out[0], &c, 1) == 1 && c != '\n') {
    }
    double took = now_ms() - begun;
    if (child > 0) {
        (void)kill(child, SIGTERM);
        (void)waitpid(child, NULL, 0);
    }
    (void)close(out[0]);
    return c == '\n' ? took : -1;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    double ms[RUNS_MAX];
    size_t runs = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (runs == 0 || runs > RUNS_MAX) {
        return 4;
    }
    for (size_t i = 0; i < runs; i++) {
        ms[i] = once(argv + 2);
        if (ms[i] < 0) {
            fprintf(stderr, "bench_ready: %s said nothing\n", argv[2]);
            return 3;
        }
    }
    qsort(ms, runs, sizeof(ms[0]), ascending);
    printf("%.1f\n", ms[runs / 2]);
    return 0;
}
