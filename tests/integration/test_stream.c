/* The stream of events: what each line holds, in which order, and what readers cannot spoil. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/commands/stream.h"

#define BEGIN                                                                                      \
    "{\"n\":1,\"t_ns\":5,\"actor\":\"drill\",\"event\":\"drill-begin\",\"plan\":{\"secret\":1},"   \
    "\"wall\":\"now\"}\n"
#define PHASE "{\"n\":2,\"t_ns\":6,\"actor\":\"drill\",\"event\":\"phase-begin\",\"phase\":\"p\"}\n"

static char dir[] = "/tmp/stream-XXXXXX";
static char path[2][64];
static int ends[2]; /* of the pipe: the reader's, ours */
static struct stream *stream;

static void set_up(void)
{
    struct err e = {0};
    signal(SIGPIPE, SIG_IGN);
    cr_assert_not_null(mkdtemp(dir));
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/%d.jsonl", dir, i);
    }
    cr_assert_eq(pipe(ends), 0);
    stream = stream_new(ends[1], &e);
    cr_assert_not_null(stream);
}

static void tear_down(void)
{
    stream_free(stream);
    unlink(path[0]);
    unlink(path[1]);
    rmdir(dir);
}

TestSuite(stream, .init = set_up, .fini = tear_down);

static void add_line(int number, const char *text)
{
    FILE *f = fopen(path[number], "ae");
    cr_assert_not_null(f);
    cr_assert_geq(fputs(text, f), 0);
    cr_assert_eq(fclose(f), 0);
}

static void add_source(size_t number, const char *variant)
{
    struct err e = {0};
    const struct stream_source source = {.scenario = number == 0 ? "a.json" : "b \"b\".json",
                                         .title = "A title",
                                         .variant = variant,
                                         .round = 2,
                                         .history = path[number]};
    cr_assert_eq(stream_add(stream, number, &source, &e), 0);
}

static void end_source(size_t number)
{
    struct err e = {0};
    struct verdict *v = verdict_new(&e);
    cr_assert_not_null(v);
    v->scenario = number == 0 ? "a.json" : "b.json";
    v->verdict = VERDICT_FAIL;
    cr_assert_eq(stream_ended(stream, number, v, &e), 0);
    verdict_free(v);
}

static bool finish(void)
{
    struct buf b;
    buf_init(&b, 100);
    buf_str(&b, "{\"exit\":1}\n");
    bool whole = stream_finish(stream, &b);
    buf_close(&b);
    return whole;
}

/* What the reader finds in the pipe now. */
static const char *taken(void)
{
    static char text[8192];
    ssize_t n = read(ends[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

/* Each event as it happens, with its scenario in front; the first with the title, without the plan;
 * the verdict behind the last, the results at the very end. A line without its end is none. */
Test(stream, lines)
{
    add_source(0, NULL);
    add_line(0, BEGIN PHASE "{\"n\":3,\"ev");
    stream_tick(stream);
    cr_expect_str_eq(taken(), "{\"scenario\":\"a.json\",\"n\":1,\"t_ns\":5,\"actor\":\"drill\","
                              "\"event\":\"drill-begin\",\"wall\":\"now\",\"title\":\"A title\"}\n"
                              "{\"scenario\":\"a.json\",\"n\":2,\"t_ns\":6,\"actor\":\"drill\","
                              "\"event\":\"phase-begin\",\"phase\":\"p\"}\n");
    end_source(0);
    cr_expect(finish());
    const char *text = taken();
    cr_expect_eq(strncmp(text, "{\"event\":\"verdict\",\"scenario\":\"a.json\",", 39), 0, "%s",
                 text);
    cr_expect_str_eq(strchr(text, '\n') + 1, "{\"event\":\"results\",\"exit\":1}\n");
}

/* Under `prove` variant and round stand beside the scenario, in events and verdicts. */
Test(stream, cells)
{
    json_error_t why;
    add_source(1, "retry-only");
    add_line(1, BEGIN PHASE);
    end_source(1);
    stream_tick(stream);
    char *at = strdup(taken());
    char *rest = at;
    for (int i = 0; i < 3; i++) {
        char *line = strsep(&rest, "\n");
        json_t *object = json_loads(line, 0, &why);
        cr_assert_not_null(object, "%s: %s", line, why.text);
        cr_expect_str_eq(json_string_value(json_object_get(object, "variant")), "retry-only");
        cr_expect_eq(json_integer_value(json_object_get(object, "round")), 2);
        cr_expect_str_eq(json_string_value(json_object_get(object, "scenario")),
                         i < 2 ? "b \"b\".json" : "b.json");
        json_decref(object);
    }
    free(at);
}

/* Two drills at once: their lines are mixed, but none is cut, and each keeps its order. */
Test(stream, two_drills)
{
    add_source(0, NULL);
    add_source(1, NULL);
    add_line(0, BEGIN);
    add_line(1, BEGIN PHASE);
    end_source(1);
    stream_tick(stream);
    add_line(0, PHASE);
    end_source(0);
    cr_expect(finish());
    const char *text = taken();
    size_t verdicts = 0;
    for (const char *at = text; (at = strstr(at, "\"verdict\":\"fail\"")) != NULL; at++) {
        verdicts++;
    }
    cr_expect_eq(verdicts, 2);
    const char *second = strstr(text, "{\"scenario\":\"a.json\",\"n\":2");
    cr_expect(second != NULL && strstr(second, "\"verdict\",\"scenario\":\"a.json\"") != NULL);
}

/* A drill that left no history still has its verdict. */
Test(stream, no_history)
{
    add_source(0, NULL);
    end_source(0);
    cr_expect(finish());
    cr_expect_eq(strncmp(taken(), "{\"event\":\"verdict\",", 19), 0);
}

static void add_much(size_t lines)
{
    char text[256];
    FILE *f = fopen(path[0], "ae");
    cr_assert_not_null(f);
    fputs(BEGIN, f);
    for (size_t i = 0; i < lines; i++) {
        snprintf(text, sizeof text, "{\"n\":%zu,\"event\":\"lag\",\"pad\":\"%0100d\"}\n", i + 2, 0);
        fputs(text, f);
    }
    cr_assert_eq(fclose(f), 0);
}

/* Reads to the end in a process of its own; its exit status says whether N lines came, in order. */
static pid_t read_elsewhere(unsigned long n)
{
    pid_t pid = fork();
    if (pid != 0) {
        close(ends[0]);
        return pid;
    }
    close(ends[1]);
    FILE *f = fdopen(ends[0], "re");
    char line[4096];
    unsigned long lines = 0;
    bool ordered = true;
    while (fgets(line, sizeof line, f) != NULL) {
        const char *number = strstr(line, "\"n\":");
        lines++;
        ordered &= number == NULL || strtoul(number + 4, NULL, 10) == lines;
    }
    _exit(lines == n && ordered ? 0 : 1);
}

/* A reader that takes nothing is not waited for, however much there is; when it comes back it gets
 * every line, in order. */
Test(stream, slow_reader)
{
    int status;
    add_source(0, NULL);
    add_much(20000);
    for (int i = 0; i < 50; i++) {
        stream_tick(stream);
    }
    end_source(0);
    pid_t pid = read_elsewhere(20003);
    cr_expect(finish());
    close(ends[1]);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(status, 0, "lines are missing, or out of order");
}

/* A reader that went away is not written to; nothing else changes. */
Test(stream, no_reader)
{
    close(ends[0]);
    add_source(0, NULL);
    add_much(10);
    stream_tick(stream);
    stream_tick(stream);
    end_source(0);
    cr_expect_not(finish());
}

/* At the end an interrupt ends the wait for a reader that takes nothing. */
Test(stream, interrupted_at_the_end)
{
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    add_source(0, NULL);
    add_much(20000);
    end_source(0);
    raise(SIGTERM);
    cr_expect_not(finish());
}
