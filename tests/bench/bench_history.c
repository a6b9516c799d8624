/* A long history made of a short one: bench_history IN OUT EVENTS. The events of IN's first phase
 * are told again, with new starts, connections and requests, until OUT has that many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/history/history.h"

#define LINES_MAX 100000

/* A line of IN, and the greatest numbers of the phase. */
struct line {
    char *text;
    size_t len;
};

struct input {
    struct line line[LINES_MAX];
    size_t count;
    size_t first; /* of the phase's own, behind phase-begin */
    size_t last;  /* phase-end */
    uint64_t starts, connections, requests;
};

static int complain(const char *what)
{
    fprintf(stderr, "bench_history: %s\n", what);
    return 3;
}

/* The numbers of EV that tell it from its like in another round. */
static void numbers(struct event *ev, uint64_t *number[3])
{
    static uint64_t none[3];
    uint64_t *of[EVENT_COUNT][3] = {
        [EVENT_CONNECTION_OPEN] = {&ev->open.start, &ev->open.connection, NULL},
        [EVENT_CONNECTION_CLOSE] = {&ev->close.start, &ev->close.connection, NULL},
        [EVENT_REQUEST] = {&ev->request.start, &ev->request.connection, &ev->request.ordinal},
        [EVENT_RESPONSE] = {&ev->response.start, &ev->response.connection, &ev->response.request},
        [EVENT_START_BEGIN] = {&ev->start_begin.start, NULL, NULL},
        [EVENT_START_END] = {&ev->start_end.start, NULL, NULL},
        [EVENT_CLAIM] = {&ev->claim.start, NULL, NULL},
        [EVENT_COUNTER] = {&ev->counter.start, NULL, NULL},
    };
    for (size_t i = 0; i < 3; i++) {
        number[i] = of[ev->type][i] != NULL ? of[ev->type][i] : &none[i];
        none[i] = 0;
    }
}

static void greater(uint64_t *most, uint64_t n)
{
    *most = n > *most ? n : *most;
}

static void note(struct input *in, struct event *ev, size_t at)
{
    uint64_t *n[3];
    if (ev->type == EVENT_PHASE_BEGIN && in->first == 0) {
        in->first = at + 1;
    } else if (ev->type == EVENT_PHASE_END && in->last == 0) {
        in->last = at;
    }
    numbers(ev, n);
    greater(&in->starts, *n[0]);
    greater(&in->connections, *n[1]);
    greater(&in->requests, *n[2]);
}

/* Keeps the lines of PATH, and reads them. */
static int read_all(struct input *in, const char *path, struct buf *scratch)
{
    FILE *f = fopen(path, "re");
    struct err e = {0};
    struct event ev;
    size_t size = 0;
    while (f != NULL && in->count < LINES_MAX) {
        struct line *line = &in->line[in->count];
        ssize_t n = getline(&line->text, &size, f);
        size = 0;
        if (n <= 0) {
            break;
        }
        line->len = (size_t)n - 1;
        if (event_decode(line->text, line->len, &ev, scratch, &e) != 0) {
            (void)fclose(f);
            return complain(e.text);
        }
        note(in, &ev, in->count++);
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return in->first > 0 && in->last > in->first ? 0 : complain("no phase in the history");
}

/* Tells lines FROM..TO, their numbers moved on by ROUND times those of the phase. */
static int tell(const struct input *in, struct history *out, size_t from, size_t to, uint64_t round,
                struct buf *scratch)
{
    const uint64_t step[3] = {in->starts, in->connections, in->requests};
    struct err e = {0};
    struct event ev;
    for (size_t i = from; i < to; i++) {
        uint64_t *n[3];
        if (event_decode(in->line[i].text, in->line[i].len, &ev, scratch, &e) != 0) {
            return complain(e.text);
        }
        numbers(&ev, n);
        for (size_t k = 0; k < 3; k++) {
            *n[k] += *n[k] > 0 ? step[k] * round : 0;
        }
        (void)history_append(out, &ev);
    }
    return history_flush(out, &e) == 0 ? 0 : complain(e.text);
}

int main(int argc, char **argv)
{
    static struct input in;
    struct buf scratch;
    struct err e = {0};
    if (argc != 4) {
        return 4;
    }
    uint64_t events = strtoull(argv[3], NULL, 10);
    buf_init(&scratch, 1u << 26);
    int result = read_all(&in, argv[1], &scratch);
    struct history *out = result == 0 ? history_new(argv[2], &e) : NULL;
    if (out == NULL) {
        return result != 0 ? result : complain(e.text);
    }
    uint64_t rounds = events / (in.last - in.first) + 1;
    result = tell(&in, out, 0, in.first, 0, &scratch);
    for (uint64_t round = 0; round < rounds && result == 0; round++) {
        result = tell(&in, out, in.first, in.last, round, &scratch);
    }
    result = result == 0 ? tell(&in, out, in.last, in.count, rounds - 1, &scratch) : result;
    history_free(out);
    for (size_t i = 0; i < in.count; i++) {
        free(in.line[i].text);
    }
    buf_close(&scratch);
    return result;
}
