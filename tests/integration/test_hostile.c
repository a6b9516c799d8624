/* Every folder of tests/hostile: what REQUEST sends is answered as EXPECT says, and nobody else
 * notices. The form of both files is told in tests/hostile/README.md. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "tests/lib/golden.h"
#include "tests/lib/server_bed.h"

#define FOLDER "tests/hostile"
#define REQUEST_MAX (16u << 20)
#define ANSWERS_MAX (4u << 20)
#define STATUSES 64
#ifndef PATIENCE_NS
#define PATIENCE_NS (UINT64_C(20) * CLOCK_NS_PER_S)
#endif
#define LAST "GET /v2/ci/agent/tags/list HTTP/1.1\r\nHost: primary\r\n\r\n"

enum ending { ENDS_OPEN, ENDS_CLOSE, ENDS_GONE };

struct expect {
    unsigned status[STATUSES];
    size_t count;
    enum ending ending;
    const char *words; /* the lines behind the first: each is somewhere in the answers */
};

/* ---- the files ------------------------------------------------------------------------------ */

static void read_request(const char *text, struct buf *out);

static void add_repeated(struct buf *out, const char **at)
{
    char *end = NULL;
    unsigned long times = strtoul(*at, &end, 10);
    const char *close = strchr(end, '}');
    cr_assert(*end == ':' && close != NULL, "a repetition is \\{N:text}: %.20s", *at);
    char text[256];
    struct buf one;
    (void)snprintf(text, sizeof(text), "%.*s", (int)(close - end - 1), end + 1);
    read_request(text, &one);
    for (unsigned long i = 0; i < times; i++) {
        buf_append(out, one.data, one.len);
    }
    buf_close(&one);
    *at = close + 1;
}

static void add_escape(struct buf *out, const char **at)
{
    char hex[3] = {0};
    char c = **at;
    (*at)++;
    switch (c) {
    case 'x':
        memcpy(hex, *at, 2);
        buf_char(out, (char)strtoul(hex, NULL, 16));
        *at += 2;
        break;
    case 'r':
        buf_char(out, '\r');
        break;
    case 'n':
        buf_char(out, '\n');
        break;
    case '{':
        add_repeated(out, at);
        break;
    case '\n':
        break; /* the line goes on */
    default:
        cr_assert_eq(c, '\\', "unknown escape \\%c", c);
        buf_char(out, c);
    }
}

static void read_request(const char *text, struct buf *out)
{
    buf_init(out, REQUEST_MAX);
    while (*text != '\0') {
        char c = *text++;
        if (c == '\\') {
            add_escape(out, &text);
        } else if (c == '\n') {
            buf_str(out, "\r\n");
        } else {
            buf_char(out, c);
        }
    }
    cr_assert(!out->failed);
}

static void read_expect(char *text, struct expect *x)
{
    size_t line = strcspn(text, "\n");
    x->count = 0;
    x->words = text[line] != '\0' ? text + line + 1 : text + line;
    text[line] = '\0';
    for (char *word = strtok_r(text, " ", &text); word != NULL; word = strtok_r(NULL, " ", &text)) {
        if (strcmp(word, "open") == 0 || strcmp(word, "close") == 0 || strcmp(word, "gone") == 0) {
            x->ending = *word == 'o' ? ENDS_OPEN : *word == 'c' ? ENDS_CLOSE : ENDS_GONE;
            return;
        }
        cr_assert_lt(x->count, STATUSES);
        x->status[x->count++] = (unsigned)strtoul(word, NULL, 10);
    }
    cr_assert_fail("the first line ends in open, close or gone");
}

/* ---- the talk ------------------------------------------------------------------------------- */

struct talk {
    struct bed *bed;
    const char *name;
    int fd;
    struct buf answers;
    bool over; /* the connection has ended */
    uint64_t give_up;
};

/* Whatever has come is taken. */
static void listen_in(struct talk *t)
{
    char piece[65536];
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    bed_turn(t->bed);
    if (!t->over && poll(&p, 1, 0) > 0) {
        ssize_t n = recv(t->fd, piece, sizeof(piece), 0);
        t->over = n == 0 || (n < 0 && errno != EAGAIN);
        buf_append(&t->answers, piece, n > 0 ? (size_t)n : 0);
    }
    if (clock_now_ns() >= t->give_up) {
        cr_expect_fail("%s: still waits: %s", t->name, t->answers.data);
        t->over = true;
    }
}

static void say(struct talk *t, const char *data, size_t len)
{
    while (len > 0 && !t->over) {
        ssize_t n = send(t->fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) {
            return; /* the server closed: what it said is judged */
        }
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
        listen_in(t);
    }
}

/* Splits the answers; how many are whole, their statuses in STATUS. */
static size_t whole(const struct talk *t, unsigned status[STATUSES])
{
    size_t count = 0;
    const char *at = t->answers.data;
    const char *end = at + t->answers.len;
    while (at != NULL && at < end && count < STATUSES) {
        const char *body = strstr(at, "\r\n\r\n");
        cr_assert_eq(strncmp(at, "HTTP/1.1 ", strlen("HTTP/1.") + 1), 0, "not HTTP: %.40s", at);
        if (body == NULL) {
            break;
        }
        const char *length = strstr(at, "Content-Length: ");
        size_t len = length != NULL && length < body ? strtoul(length + 16, NULL, 10) : 0;
        if ((size_t)(end - body - 4) < len) {
            break;
        }
        status[count++] = (unsigned)strtoul(at + strlen("HTTP/1.1 "), NULL, 10);
        at = body + 4 + len;
    }
    return count;
}

static void compare(const char *name, const struct talk *t, const struct expect *x)
{
    unsigned status[STATUSES] = {0};
    size_t count = whole(t, status);
    cr_expect_eq(count, x->count, "%s: %zu answers, not %zu:\n%s", name, count, x->count,
                 t->answers.data);
    for (size_t i = 0; i < x->count && i < count; i++) {
        cr_expect_eq(status[i], x->status[i], "%s: answer %zu is %u, not %u:\n%s", name, i + 1,
                     status[i], x->status[i], t->answers.data);
    }
    for (const char *at = x->words; *at != '\0';) {
        char word[256];
        size_t len = strcspn(at, "\n");
        (void)snprintf(word, sizeof(word), "%.*s", (int)len, at);
        cr_expect_not_null(strstr(t->answers.data, word), "%s: no \"%s\" in:\n%s", name, word,
                           t->answers.data);
        at += len + (at[len] == '\n' ? 1 : 0);
    }
}

/* A connection that stays open serves what is asked next, and says nothing before. */
static void ask_last(const char *name, struct talk *t, struct expect *x)
{
    unsigned status[STATUSES] = {0};
    while (!t->over && whole(t, status) < x->count) {
        listen_in(t);
    }
    say(t, LAST, strlen(LAST));
    while (!t->over && whole(t, status) <= x->count) {
        listen_in(t);
    }
    cr_expect_not_null(strstr(t->answers.data != NULL ? t->answers.data : "", "\"stable\""),
                       "%s: no last answer", name);
    x->status[x->count++] = 200;
}

static void check_folder(struct bed *b, const char *name)
{
    char path[512];
    size_t len = 0;
    struct buf request;
    struct expect x;
    (void)snprintf(path, sizeof(path), FOLDER "/%s/request", name);
    char *request_text = golden_read(path, &len);
    (void)snprintf(path, sizeof(path), FOLDER "/%s/expect", name);
    char *expect_text = golden_read(path, &len);
    read_request(request_text, &request);
    read_expect(expect_text, &x);
    struct talk t = {
        .bed = b, .name = name, .fd = bed_connect(b), .give_up = clock_now_ns() + PATIENCE_NS};
    buf_init(&t.answers, ANSWERS_MAX);
    buf_str(&t.answers, "");
    say(&t, request.data, request.len);
    if (x.ending == ENDS_OPEN) {
        ask_last(name, &t, &x);
    } else if (x.ending == ENDS_GONE) {
        (void)shutdown(t.fd, SHUT_WR);
    }
    while (x.ending != ENDS_OPEN && !t.over) {
        listen_in(&t);
    }
    compare(name, &t, &x);
    (void)close(t.fd);
    buf_close(&t.answers);
    buf_close(&request);
    free(request_text);
    free(expect_text);
}

/* The registry serves others as before, and holds what it held. */
static void check_unharmed(struct bed *b, const char *name)
{
    struct bed_reply r;
    int fd = bed_connect(b);
    bed_get(b, fd, "/v2/ci/agent/manifests/stable");
    bed_reply(b, fd, false, &r);
    cr_assert_eq(r.status, 200, "%s: the neighbour gets %u", name, r.status);
    cr_assert_arr_eq(bed_body(&r), b->manifest->data, BED_MANIFEST);
    bed_reply_close(&r);
    (void)close(fd);
    cr_assert_str_eq(store_repository(b->store, 0), "ci/agent");
    cr_assert_null(store_repository(b->store, 1), "%s: a repository came in", name);
}

static int is_folder(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strcmp(entry->d_name, "README.md") != 0;
}

/* What is no proper request is answered by an error or by a close: never by anything that was not
 * asked for, and never at others' cost. */
Test(hostile, every_folder)
{
    struct dirent **entries = NULL;
    int count = scandir(FOLDER, &entries, is_folder, alphasort);
    cr_assert_geq(count, 60, "only %d folders", count);
    struct bed *b = bed_open(NULL, NULL);
    for (int i = 0; i < count; i++) {
        check_folder(b, entries[i]->d_name);
        check_unharmed(b, entries[i]->d_name);
        free(entries[i]);
    }
    bed_close(b);
    free(entries);
}
