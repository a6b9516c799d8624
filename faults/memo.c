/* A small table of questions and their answers. Happy path: a question is written down as text, its
 * place is found by a hash, and the text that lies there is the same. Another one that lies there
 * gives way: clients ask the same few things again and again, and what is forgotten is found out
 * anew. Failure modes: a question too long to be kept is not. */
#include "faults/memo.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PLACES 64
#define TEXT_MAX 512

struct entry {
    struct memo_answer answer; /* first: memo_forget finds the entry by it */
    size_t len;                /* 0: none */
    char text[TEXT_MAX];
};

struct memo {
    const char *header[MEMO_HEADERS];
    size_t headers;
    struct entry entry[PLACES];
};

struct question {
    char text[TEXT_MAX];
    size_t len; /* past TEXT_MAX: too long */
};

struct memo *memo_new(void)
{
    return calloc(1, sizeof(struct memo));
}

void memo_free(struct memo *m)
{
    free(m);
}

void memo_clear(struct memo *m)
{
    m->headers = 0;
    for (size_t i = 0; i < PLACES; i++) {
        m->entry[i].len = 0;
    }
}

bool memo_header(struct memo *m, const char *name)
{
    for (size_t i = 0; i < m->headers; i++) {
        if (strcasecmp(m->header[i], name) == 0) {
            return true;
        }
    }
    if (m->headers == MEMO_HEADERS) {
        return false;
    }
    m->header[m->headers++] = name;
    return true;
}

static void put(struct question *q, const void *data, size_t len)
{
    if (len <= TEXT_MAX && q->len <= TEXT_MAX - len) {
        memcpy(q->text + q->len, data, len);
        q->len += len;
    } else {
        q->len = TEXT_MAX + 1;
    }
}

/* With its NUL, and a mark that tells what is not there from what is empty. */
static void put_text(struct question *q, const char *s)
{
    if (s) {
        put(q, s, strlen(s) + 1);
    } else {
        put(q, "\1", 2);
    }
}

static void write_down(const struct memo *m, const struct fault_facts *facts, struct question *q)
{
    q->len = 0;
    put(q, &facts->op, sizeof(facts->op));
    put(q, &facts->lane, sizeof(facts->lane));
    put_text(q, facts->repository);
    put_text(q, facts->reference);
    put_text(q, facts->digest);
    put_text(q, facts->path);
    for (size_t i = 0; i < m->headers; i++) {
        put_text(q, facts->header ? facts->header(facts->header_data, m->header[i]) : NULL);
    }
}

/* Any spread will do: it is the text that is held against the text. */
static size_t place(const struct question *q)
{
    uint64_t h = q->len;
    size_t i = 0;

    for (; i + 8 <= q->len; i += 8) {
        uint64_t word;

        memcpy(&word, q->text + i, sizeof(word));
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    for (; i < q->len; i++) {
        h = (h ^ (uint8_t)q->text[i]) * UINT64_C(0x9e3779b97f4a7c15);
    }
    return (size_t)(h >> 40) % PLACES;
}

struct memo_answer *memo_ask(struct memo *m, const struct fault_facts *facts, bool *known)
{
    struct question q;

    write_down(m, facts, &q);
    if (q.len > TEXT_MAX) {
        return NULL;
    }
    struct entry *e = &m->entry[place(&q)];
    *known = e->len == q.len && memcmp(e->text, q.text, q.len) == 0;
    if (!*known) {
        memcpy(e->text, q.text, q.len);
        e->len = q.len;
        e->answer.count = 0;
    }
    return &e->answer;
}

void memo_forget(struct memo_answer *answer)
{
    struct entry *e = (struct entry *)answer;

    e->len = 0;
}
