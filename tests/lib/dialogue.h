/* Dialogues with a registry: text files of requests and what must be answered, played byte for byte
 * over one connection. tests/conformance/README.md is the language. */
#ifndef PULLDRILL_TESTS_LIB_DIALOGUE_H
#define PULLDRILL_TESTS_LIB_DIALOGUE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/base/buf.h"

#define DIALOGUE_VALUES 128
#define DIALOGUE_HEADERS 64
#define DIALOGUE_PENDING 16
#define DIALOGUE_BYTES (64u << 20)
#define DIALOGUE_WAIT_MS 60000

/* A content, or what was taken from an answer. */
struct dialogue_value {
    char name[48];
    struct buf data;
};

/* What will be sent: a head, and its body apart. */
struct dialogue_request {
    char method[16];
    struct buf head; /* without the lines that the player adds */
    struct buf body;
    bool framed; /* says how long its body is */
    bool expects;
    bool cut;
    size_t cut_after; /* bytes of the body */
};

struct dialogue_header {
    const char *name; /* in the answer's HEAD, cut into strings */
    const char *value;
};

struct dialogue_answer {
    unsigned status;
    struct buf head;
    struct dialogue_header header[DIALOGUE_HEADERS];
    size_t headers;
    struct buf body;
    bool closes;
};

struct dialogue {
    const char *host; /* HOST:PORT */
    const char *ca;   /* PEM file: TLS; NULL: plain */
    const char *algorithm;
    const char *prefix; /* of every repository */
    const char *header; /* "Name: value" that every request has; NULL: none */
    const char *file;
    unsigned line;
    struct buf what; /* the case that is played */
    struct dialogue_value value[DIALOGUE_VALUES];
    size_t values;
    struct dialogue_request pending[DIALOGUE_PENDING];
    size_t pending_count;
    size_t pending_sent;
    size_t pending_answered;
    struct dialogue_answer answer;
    bool answered; /* ANSWER is that of the case's latest request */
    CURL *wire;    /* NULL: not connected */
    struct buf in; /* what came and was not taken yet */
    unsigned failures;
    unsigned answers;
};

/* Prints a failure of the line that is played, and counts it. */
void dialogue_fail(struct dialogue *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Ends the program: the file or the machine is at fault, not the registry. */
void dialogue_die(const struct dialogue *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* ---- dialogue_text.c ---- */

struct dialogue_value *dialogue_value(struct dialogue *d, const char *name);
/* The value NAME, made where there is none, emptied. */
struct buf *dialogue_set(struct dialogue *d, const char *name);
/* Writes the digest "ALGORITHM:hex" of LEN bytes. */
void dialogue_digest(const struct dialogue *d, const char *algorithm, const char *data, size_t len,
                     struct buf *out);
/* Appends TEXT to OUT with every ${…} replaced. */
void dialogue_expand(struct dialogue *d, const char *text, struct buf *out);

/* ---- dialogue_wire.c ---- */

void dialogue_close(struct dialogue *d);
/* Sends what is pending and was not sent, in one go. */
void dialogue_send(struct dialogue *d);
/* Takes the next answer into D->answer. False where none came, which is then told. */
bool dialogue_receive(struct dialogue *d);
void dialogue_request_close(struct dialogue_request *r);

/* ---- dialogue_expect.c ---- */

/* What holds of every answer, whatever was asked. */
void dialogue_always(struct dialogue *d);
/* One line behind "<" that is no status. */
void dialogue_expect(struct dialogue *d, const char *text);
const char *dialogue_header(const struct dialogue *d, const char *name);

/* ---- dialogue.c ---- */

/* Plays one file. */
void dialogue_play(struct dialogue *d, const char *file);

#endif
