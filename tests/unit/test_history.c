/* The history: numbering, observers, the file, and reading it back, cut or spoiled as it may be. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/history/history.h"

static char dir[64];
static char path[96];

static void make_dir(void)
{
    (void)snprintf(dir, sizeof(dir), "/tmp/pulldrill-history-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/history.jsonl", dir);
}

static void remove_dir(void)
{
    unlink(path);
    rmdir(dir);
}

TestSuite(history, .init = make_dir, .fini = remove_dir);

static void append_phase(struct history *h, const char *phase)
{
    struct event ev = {.type = EVENT_PHASE_BEGIN, .actor = "drill", .phase = {.phase = phase}};

    history_append(h, &ev);
}

static void write_file(const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

struct seen {
    char order[64];
    uint64_t last_n;
    uint64_t last_t_ns;
};

struct eye {
    struct seen *seen;
    char mark;
};

static void look(void *data, const struct event *ev)
{
    struct eye *eye = data;
    size_t len = strlen(eye->seen->order);

    cr_assert(ev->t_ns >= eye->seen->last_t_ns);
    eye->seen->last_n = ev->n;
    eye->seen->last_t_ns = ev->t_ns;
    eye->seen->order[len] = eye->mark;
    eye->seen->order[len + 1] = ev->phase.phase[0];
}

/* Observers see each event at once and in the order they came; no file is needed for that. */
Test(history, observers_without_a_file)
{
    struct seen seen = {.order = ""};
    struct eye first = {&seen, '1'}, second = {&seen, '2'};
    struct err e = {0};
    struct history *h = history_new(NULL, &e);

    cr_assert_not_null(h, "%s", e.text);
    cr_assert_eq(history_observe(h, look, &first, &e), 0);
    cr_assert_eq(history_observe(h, look, &second, &e), 0);
    append_phase(h, "a");
    cr_assert_str_eq(seen.order, "1a2a");
    append_phase(h, "b");
    cr_assert_str_eq(seen.order, "1a2a1b2b");
    cr_assert_eq(seen.last_n, 2);
    cr_assert(history_now_ns(h) >= seen.last_t_ns);
    cr_assert_eq(history_flush(h, &e), 0);
    for (int i = 2; i < HISTORY_MAX_OBSERVERS; i++)
        cr_assert_eq(history_observe(h, look, &first, &e), 0);
    cr_assert_eq(history_observe(h, look, &first, &e), -1);
    cr_assert_eq(e.code, ERR_LIMIT);
    history_free(h);
}

/* What was appended is read back, in order; nothing is on disk before the flush. */
Test(history, file_round_trip)
{
    struct history_reader *r;
    struct err e = {0};
    struct history *h = history_new(path, &e);
    struct event ev;

    cr_assert_not_null(h, "%s", e.text);
    append_phase(h, "steady");
    r = history_reader_open(path, &e);
    cr_assert_eq(history_reader_next(r, &ev, &e), 0);
    history_reader_close(r);
    cr_assert_eq(history_flush(h, &e), 0);
    append_phase(h, "outage");
    history_free(h);
    r = history_reader_open(path, &e);
    cr_assert_eq(history_reader_next(r, &ev, &e), 1, "%s", e.text);
    cr_assert_eq(ev.n, 1);
    cr_assert_str_eq(ev.phase.phase, "steady");
    cr_assert_eq(history_reader_next(r, &ev, &e), 1, "%s", e.text);
    cr_assert_eq(ev.n, 2);
    cr_assert_str_eq(ev.phase.phase, "outage");
    cr_assert_eq(history_reader_next(r, &ev, &e), 0);
    cr_assert_not(history_reader_truncated(r));
    history_reader_close(r);
}

/* Lines longer and shorter than the pieces that are read come back whole. */
Test(history, long_lines)
{
    enum { LONG = 700000 };
    char *tail = malloc(LONG + 1);
    struct history_reader *r;
    struct err e = {0};
    struct history *h = history_new(path, &e);
    struct event ev = {.type = EVENT_START_END};

    memset(tail, 'x', LONG);
    tail[LONG] = '\0';
    for (int i = 0; i < 6; i++) {
        ev.start_end.tail = i % 2 == 0 ? tail : "short";
        history_append(h, &ev);
    }
    history_free(h);
    r = history_reader_open(path, &e);
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(history_reader_next(r, &ev, &e), 1, "%s", e.text);
        cr_assert_str_eq(ev.start_end.tail, i % 2 == 0 ? tail : "short");
    }
    cr_assert_eq(history_reader_next(r, &ev, &e), 0);
    history_reader_close(r);
    free(tail);
}

/* A history never writes over an older one, nor where it cannot. */
Test(history, file_must_be_new)
{
    struct err e = {0};

    write_file("old");
    cr_assert_null(history_new(path, &e));
    cr_assert_eq(e.code, ERR_IO);
    cr_assert_not_null(strstr(e.text, "File exists"), "%s", e.text);
    e = (struct err){0};
    cr_assert_null(history_new("/nonexistent/history.jsonl", &e));
    cr_assert_eq(e.code, ERR_IO);
}

/* A disk that is full is told at every flush; what is on disk is a beginning that can be read. */
Test(history, full_disk)
{
    struct rlimit limit = {.rlim_cur = 200, .rlim_max = RLIM_INFINITY};
    struct history_reader *r;
    struct err e = {0};
    struct history *h = history_new(path, &e);
    struct event ev;
    int read = 0;

    cr_assert_not_null(h, "%s", e.text);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int i = 0; i < 10; i++)
        append_phase(h, "steady");
    cr_assert_eq(history_flush(h, &e), -1);
    cr_assert_eq(e.code, ERR_IO);
    cr_assert_not_null(strstr(e.text, "cannot be written"), "%s", e.text);
    append_phase(h, "outage");
    e = (struct err){0};
    cr_assert_eq(history_flush(h, &e), -1, "the trouble is not forgotten");
    history_free(h);
    limit.rlim_cur = RLIM_INFINITY;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    e = (struct err){0};
    r = history_reader_open(path, &e);
    while (history_reader_next(r, &ev, &e) == 1)
        read++;
    cr_assert_eq(e.code, ERR_NONE, "%s", e.text);
    cr_assert(read > 0 && read < 10);
    cr_assert(history_reader_truncated(r));
    history_reader_close(r);
}

/* An event that is no line spoils nothing before it and stops the file there. */
Test(history, event_that_is_no_line)
{
    struct event bad = {.type = EVENT_DRILL_BEGIN, .drill_begin = {.plan = "no object"}};
    struct history_reader *r;
    struct err e = {0};
    struct history *h = history_new(path, &e);
    struct event ev;

    append_phase(h, "steady");
    cr_assert_eq(history_append(h, &bad), 2);
    append_phase(h, "outage");
    cr_assert_eq(history_flush(h, &e), -1);
    cr_assert_eq(e.code, ERR_LIMIT);
    history_free(h);
    e = (struct err){0};
    r = history_reader_open(path, &e);
    cr_assert_eq(history_reader_next(r, &ev, &e), 1);
    cr_assert_eq(history_reader_next(r, &ev, &e), 0);
    cr_assert_not(history_reader_truncated(r));
    history_reader_close(r);
}

/* Past its bound the buffer goes to the file by itself. */
Test(history, buffer_is_bounded)
{
    enum { LONG = 1 << 20, TIMES = 70 };
    char *tail = malloc(LONG + 1);
    struct event ev = {.type = EVENT_START_END};
    struct err e = {0};
    struct history *h = history_new(path, &e);
    int fd;

    memset(tail, 'x', LONG);
    tail[LONG] = '\0';
    ev.start_end.tail = tail;
    for (int i = 0; i < TIMES; i++)
        history_append(h, &ev);
    fd = open(path, O_RDONLY);
    cr_assert(lseek(fd, 0, SEEK_END) > 60 * (off_t)LONG);
    close(fd);
    cr_assert_eq(history_flush(h, &e), 0, "%s", e.text);
    history_free(h);
    free(tail);
}

/* The last line of a drill that was killed is dropped, and that is told. */
Test(history, cut_last_line)
{
    struct history_reader *r;
    struct err e = {0};
    struct event ev;

    write_file("{\"n\":1,\"event\":\"claim\"}\n{\"n\":2,\"event\":\"claim\"}");
    r = history_reader_open(path, &e);
    cr_assert_eq(history_reader_next(r, &ev, &e), 1);
    cr_assert_not(history_reader_truncated(r));
    cr_assert_eq(history_reader_next(r, &ev, &e), 0);
    cr_assert(history_reader_truncated(r));
    cr_assert_eq(history_reader_next(r, &ev, &e), 0);
    history_reader_close(r);
}

static void refuse(const char *text, int good, const char *complaint)
{
    struct history_reader *r;
    struct err e = {0};
    struct event ev;
    char expected[256];

    write_file(text);
    r = history_reader_open(path, &e);
    for (int i = 0; i < good; i++)
        cr_assert_eq(history_reader_next(r, &ev, &e), 1, "%s", e.text);
    cr_assert_eq(history_reader_next(r, &ev, &e), -1);
    cr_assert_eq(e.code, ERR_INVALID);
    (void)snprintf(expected, sizeof(expected), "%s:%s", path, complaint);
    cr_assert_eq(strncmp(e.text, expected, strlen(expected)), 0, "%s", e.text);
    history_reader_close(r);
}

/* A line that is missing, there twice, or no event is told with its number. */
Test(history, spoiled_files)
{
    refuse("{\"n\":1,\"event\":\"claim\"}\n{\"n\":3,\"event\":\"claim\"}\n", 1,
           "2: event 3 stands where event 2 was due");
    refuse("{\"n\":1,\"event\":\"claim\"}\n{\"n\":1,\"event\":\"claim\"}\n", 1,
           "2: event 1 stands where event 2 was due");
    refuse("{\"event\":\"claim\"}\n", 0, "1: event 0 stands where event 1 was due");
    refuse("{\"n\":1,\"event\":\"claim\"}\n\n", 1, "2: no valid JSON object");
    refuse("not a history\n", 0, "1: no valid JSON object");
}

/* A file that is not there, or is a folder, is a clean error. */
Test(history, nothing_to_read)
{
    struct history_reader *r;
    struct err e = {0};
    struct event ev;

    cr_assert_null(history_reader_open(path, &e));
    cr_assert_eq(e.code, ERR_INVALID);
    e = (struct err){0};
    r = history_reader_open(dir, &e);
    cr_assert_not_null(r);
    cr_assert_eq(history_reader_next(r, &ev, &e), -1);
    cr_assert_eq(e.code, ERR_IO);
    history_reader_close(r);
}
