/* How long a program takes from its exec to a line that says "ready": bench_ready RUNS COMMAND…
 * prints the median in milliseconds, and how much memory the program then has, in KiB. Each run is
 * ended by SIGTERM. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
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

/* Reads from FD up to the line. False: it does not come. */
static bool says_ready(int fd)
{
    char line[256];
    size_t len = 0;
    char c = '\0';
    while (read(fd, &c, 1) == 1) {
        if (c == '\n' && len == 5 && memcmp(line, "ready", 5) == 0) {
            return true;
        }
        if (c == '\n') {
            len = 0;
        } else if (len < sizeof(line)) {
            line[len++] = c;
        }
    }
    return false;
}

static long resident_kib(pid_t pid)
{
    char path[64];
    char line[256];
    long kib = -1;
    (void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = strtol(line + 6, NULL, 10);
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return kib;
}

static double once(char **command, long *kib)
{
    int out[2];
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
    bool ready = child > 0 && says_ready(out[0]);
    double took = now_ms() - begun;
    if (child > 0) {
        *kib = resident_kib(child);
        (void)kill(child, SIGTERM);
        (void)waitpid(child, NULL, 0);
    }
    (void)close(out[0]);
    return ready ? took : -1;
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
    long kib = 0;
    size_t runs = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (runs == 0 || runs > RUNS_MAX) {
        return 4;
    }
    for (size_t i = 0; i < runs; i++) {
        ms[i] = once(argv + 2, &kib);
        if (ms[i] < 0) {
            fprintf(stderr, "bench_ready: %s is never ready\n", argv[2]);
            return 3;
        }
    }
    qsort(ms, runs, sizeof(ms[0]), ascending);
    printf("%.1f %ld\n", ms[runs / 2], kib);
    return 0;
}
