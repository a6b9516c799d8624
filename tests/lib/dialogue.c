/* Dialogues: reads a file line by line and plays it. */
#include "tests/lib/dialogue.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void dialogue_fail(struct dialogue *d, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)printf("%s:%u: (%s) %s: ", d->file, d->line, d->algorithm,
                 d->what.len > 0 ? d->what.data : "");
    (void)vprintf(fmt, ap);
    (void)printf("\n");
    va_end(ap);
    d->failures++;
}

void dialogue_die(const struct dialogue *d, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)fprintf(stderr, "%s:%u: ", d->file, d->line);
    (void)vfprintf(stderr, fmt, ap);
    (void)fprintf(stderr, "\n");
    va_end(ap);
    exit(2);
}

static void forget_pending(struct dialogue *d)
{
    for (size_t i = 0; i < d->pending_count; i++) {
        dialogue_request_close(&d->pending[i]);
    }
    d->pending_count = d->pending_sent = d->pending_answered = 0;
}

/* "METHOD TARGET" */
static void begin_request(struct dialogue *d, const char *text)
{
    if (d->pending_answered == d->pending_count) {
        forget_pending(d);
    } else if (d->pending_answered > 0) {
        dialogue_die(d, "an answer before is not asked for");
    }
    if (d->pending_count == DIALOGUE_PENDING) {
        dialogue_die(d, "too many requests at once");
    }
    struct dialogue_request *r = &d->pending[d->pending_count++];
    *r = (struct dialogue_request){0};
    (void)snprintf(r->method, sizeof(r->method), "%.*s", (int)strcspn(text, " "), text);
    buf_init(&r->head, DIALOGUE_BYTES);
    buf_init(&r->body, DIALOGUE_BYTES);
    dialogue_expand(d, text, &r->head);
    buf_str(&r->head, " HTTP/1.1\r\n");
}

static struct dialogue_request *latest(struct dialogue *d)
{
    if (d->pending_count == 0 || d->pending_sent == d->pending_count) {
        dialogue_die(d, "no request to add this to");
    }
    return &d->pending[d->pending_count - 1];
}

static void add_header(struct dialogue *d, const char *text)
{
    struct dialogue_request *r = latest(d);
    r->framed = r->framed || strncasecmp(text, "Content-Length:", 15) == 0 ||
                strncasecmp(text, "Transfer-Encoding:", 18) == 0;
    r->expects = r->expects || strcasecmp(text, "Expect: 100-continue") == 0;
    dialogue_expand(d, text, &r->head);
    buf_str(&r->head, "\r\n");
}

/* "POST /v2/" or "Content-Type: …" */
static void on_request(struct dialogue *d, const char *text)
{
    size_t word = strcspn(text, ": ");
    if (text[word] == ':') {
        add_header(d, text);
    } else {
        begin_request(d, text);
    }
}

/* "NAME", "NAME FROM-TO": the part of a content that TEXT says. */
static void part_of(struct dialogue *d, const char *text, const char **data, size_t *len)
{
    char name[64];
    size_t word = strcspn(text, " ");
    (void)snprintf(name, sizeof(name), "%.*s", (int)word, text);
    const struct dialogue_value *v = dialogue_value(d, name);
    if (v == NULL) {
        dialogue_die(d, "no content '%s'", name);
    }
    *data = v->data.data;
    *len = v->data.len;
    if (text[word] == ' ') {
        char *end;
        size_t from = strtoul(text + word, &end, 10);
        size_t to = *end == '-' ? strtoul(end + 1, NULL, 10) + 1 : 0;
        if (from >= to || to > v->data.len) {
            dialogue_die(d, "no such part: %s", text);
        }
        *data += from;
        *len = to - from;
    }
}

/* A body in chunks: "SIZE NAME [FROM-TO]" */
static void add_chunked(struct dialogue *d, const char *text)
{
    struct dialogue_request *r = latest(d);
    char *end;
    const char *data;
    size_t len;
    size_t size = strtoul(text, &end, 10);
    if (size == 0 || *end != ' ') {
        dialogue_die(d, "chunked takes a size and a content");
    }
    part_of(d, end + 1, &data, &len);
    add_header(d, "Transfer-Encoding: chunked");
    for (size_t at = 0; at < len; at += size) {
        size_t now = len - at < size ? len - at : size;
        buf_printf(&r->body, "%zx\r\n", now);
        buf_append(&r->body, data + at, now);
        buf_str(&r->body, "\r\n");
    }
    buf_str(&r->body, "0\r\n\r\n");
}

static void add_body(struct dialogue *d, const char *text)
{
    const char *data;
    size_t len;
    part_of(d, text, &data, &len);
    buf_append(&latest(d)->body, data, len);
}

/* Sends no more of the body than TEXT says, and hangs up. */
static void cut(struct dialogue *d, const char *text)
{
    struct dialogue_request *r = latest(d);
    size_t after = strtoul(text, NULL, 10);
    if (after > r->body.len) {
        dialogue_die(d, "its body is shorter");
    }
    r->cut = true;
    r->cut_after = after;
    dialogue_send(d);
}

static void hold_status(struct dialogue *d, const char *text)
{
    char status[8];
    if (d->pending_answered == d->pending_count) {
        dialogue_die(d, "no request to be answered");
    }
    dialogue_send(d);
    if (!dialogue_receive(d)) {
        return;
    }
    (void)snprintf(status, sizeof(status), "%u", d->answer.status);
    if (strstr(text, status) == NULL) {
        d->answered = false; /* what else is wrong with it says nothing more */
        dialogue_fail(d, "status %u, wanted %s: %.300s", d->answer.status, text,
                      d->answer.body.len > 0 ? d->answer.body.data : "");
    }
    dialogue_always(d);
}

static void on_answer(struct dialogue *d, const char *text)
{
    struct buf wanted;
    buf_init(&wanted, DIALOGUE_BYTES);
    dialogue_expand(d, text, &wanted);
    if (text[0] >= '1' && text[0] <= '5') {
        hold_status(d, wanted.data);
    } else {
        dialogue_expect(d, wanted.data);
    }
    buf_close(&wanted);
}

/* Bytes that no two names share, the same every time. */
static void fill(struct dialogue *d, const char *name, const char *size)
{
    struct buf *b = dialogue_set(d, name);
    size_t len = strtoul(size, NULL, 10);
    uint64_t state = 1469598103934665603u;
    for (const char *c = name; *c != '\0'; c++) {
        state = (state ^ (unsigned char)*c) * 1099511628211u;
    }
    for (size_t i = 0; i < len; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        buf_char(b, (char)(state >> 56));
    }
}

static void set_text(struct dialogue *d, const char *name, const char *text)
{
    struct buf value;
    buf_init(&value, DIALOGUE_BYTES);
    dialogue_expand(d, text, &value);
    struct buf *b = dialogue_set(d, name);
    if (value.len > 0) {
        buf_append(b, value.data, value.len);
    }
    buf_close(&value);
}

/* "content NAME TEXT", "filler NAME SIZE" */
static void define(struct dialogue *d, char *text, bool filler)
{
    char *space = strchr(text, ' ');
    if (space != NULL) {
        *space++ = '\0';
    }
    if (filler) {
        fill(d, text, space != NULL ? space : "0");
    } else {
        set_text(d, text, space != NULL ? space : "");
    }
}

/* "NAME" or "NAME REPOSITORY": POST and PUT. */
static void push(struct dialogue *d, const char *text)
{
    char name[64];
    char line[256];
    size_t word = strcspn(text, " ");
    (void)snprintf(name, sizeof(name), "%.*s", (int)word, text);
    (void)snprintf(line, sizeof(line), "POST /v2/%s/blobs/uploads/?digest-algorithm=%s",
                   text[word] == ' ' ? text + word + 1 : "${repo}", d->algorithm);
    begin_request(d, line);
    on_answer(d, "202");
    on_answer(d, "Location > pushed");
    (void)snprintf(line, sizeof(line), "PUT ${pushed}${?}digest=${digest %s}", name);
    if (!d->answered) {
        return;
    }
    begin_request(d, line);
    add_body(d, name);
    on_answer(d, "201");
}

static void begin_case(struct dialogue *d, const char *text)
{
    if (d->pending_answered < d->pending_count) {
        dialogue_die(d, "an answer before is not asked for");
    }
    forget_pending(d);
    d->answered = false;
    buf_reset(&d->what);
    buf_str(&d->what, text);
}

static void play_line(struct dialogue *d, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#') {
        return;
    }
    if (strncmp(line, "> ", 2) == 0) {
        on_request(d, line + 2);
    } else if (strncmp(line, "< ", 2) == 0) {
        on_answer(d, line + 2);
    } else if (strncmp(line, "@ ", 2) == 0) {
        add_body(d, line + 2);
    } else if (strncmp(line, "chunked ", 8) == 0) {
        add_chunked(d, line + 8);
    } else if (strncmp(line, "cut ", 4) == 0) {
        cut(d, line + 4);
    } else if (strncmp(line, "push ", 5) == 0) {
        push(d, line + 5);
    } else if (strncmp(line, "case ", 5) == 0) {
        begin_case(d, line + 5);
    } else if (strncmp(line, "content ", 8) == 0) {
        define(d, line + 8, false);
    } else if (strncmp(line, "filler ", 7) == 0) {
        define(d, line + 7, true);
    } else {
        dialogue_die(d, "not understood: %s", line);
    }
}

/* ${repo} and ${other} are the file's own. */
static void name_repositories(struct dialogue *d)
{
    const char *slash = strrchr(d->file, '/');
    const char *name = slash != NULL ? slash + 1 : d->file;
    buf_printf(dialogue_set(d, "repo"), "%s/%.*s", d->prefix, (int)strcspn(name, "."), name);
    buf_printf(dialogue_set(d, "other"), "%s/%.*s/other", d->prefix, (int)strcspn(name, "."), name);
}

static void forget(struct dialogue *d)
{
    forget_pending(d);
    dialogue_close(d);
    for (size_t i = 0; i < d->values; i++) {
        buf_close(&d->value[i].data);
    }
    d->values = 0;
    buf_close(&d->what);
    buf_close(&d->in);
    buf_close(&d->answer.head);
    buf_close(&d->answer.body);
}

void dialogue_play(struct dialogue *d, const char *file)
{
    char *line = NULL;
    size_t room = 0;
    FILE *f = fopen(file, "re");
    d->file = file;
    d->line = 0;
    if (f == NULL) {
        dialogue_die(d, "cannot be read");
    }
    buf_init(&d->what, 4096);
    buf_init(&d->in, DIALOGUE_BYTES);
    buf_init(&d->answer.head, 65536);
    buf_init(&d->answer.body, DIALOGUE_BYTES);
    name_repositories(d);
    while (getline(&line, &room, f) >= 0) {
        d->line++;
        play_line(d, line);
    }
    begin_case(d, "the end");
    free(line);
    (void)fclose(f);
    forget(d);
}
