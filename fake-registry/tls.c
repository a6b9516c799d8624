/* One connection's TLS, over memory.
 *
 * Happy path: ciphertext is fed in, the handshake answers into the output, plaintext is read until
 * there is none; what is written becomes one record each in the output. A ledger knows where in
 * the ciphertext each record ends, so that what the peer's kernel has acknowledged can be told in
 * bytes of plaintext; it is as long as it has to be.
 *
 * Failure modes: whatever fails, fails for good, in words: the peer's alert, or what we found
 * wrong, whose alert is then in the output. A ledger that is full takes records together: what is
 * not wholly acknowledged is then told for more than one record, never for less.
 */
#include "fake-registry/tls.h"

#include <ctype.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake-registry/tls_internal.h"

/* Records that are told apart until they are acknowledged: of an answer or two, and at most. */
#define LEDGER_FEW 4
#define LEDGER_MAX 256
#define ERROR_TEXT 160
/* A record's header: type, version, length. */
#define HEADER 5
/* OpenSSL's reasons for alerts of the peer are the alert's number and this. */
#define ALERT_REASON SSL_AD_REASON_OFFSET

/* Where a record ends, counted from the connection's beginning. */
struct ledger_entry {
    uint64_t cipher;
    uint64_t plain;
};

struct tls_session {
    SSL *ssl;
    struct tls_pipe pipe;
    uint64_t plain;   /* bytes written */
    uint64_t dropped; /* bytes of ciphertext that never left */
    struct ledger_entry few[LEDGER_FEW];
    struct ledger_entry *ledger; /* FEW, or allocated */
    size_t room;
    size_t first; /* the oldest entry that is kept */
    size_t count;
    uint64_t settled; /* plaintext up to the last record that was dropped as acknowledged */
    unsigned char header[HEADER]; /* of the record that is coming in, as far as it came */
    size_t header_len;
    size_t body_left; /* bytes of it that have not come */
    bool open;        /* SSL forgets that it was, once it has failed */
    bool failed;
    bool refused;
    bool plain_http;
    char error[ERROR_TEXT];
};

struct tls_session *tls_session_new(struct tls_context *context)
{
    struct tls_session *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return NULL;
    }
    tls_pipe_init(&t->pipe);
    t->ledger = t->few;
    t->room = LEDGER_FEW;
    t->ssl = SSL_new(context->ctx);
    if (t->ssl == NULL || tls_pipe_join(&t->pipe, context->pipe, t->ssl) != 0) {
        SSL_free(t->ssl);
        free(t);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_accept_state(t->ssl);
    return t;
}

static void forget_ledger(struct tls_session *t)
{
    if (t->ledger != t->few) {
        free(t->ledger);
        t->ledger = t->few;
        t->room = LEDGER_FEW;
        t->first = 0;
    }
}

void tls_session_free(struct tls_session *t)
{
    if (t == NULL) {
        return;
    }
    /* Else a session whose connection ended without close_notify could not be resumed. */
    SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(t->ssl);
    tls_pipe_close(&t->pipe);
    forget_ledger(t);
    free(t);
}

/* ---- what went wrong ----------------------------------------------------------------------- */

static void say(struct tls_session *t, const char *what, const char *why)
{
    (void)snprintf(t->error, sizeof(t->error), "%s%s", what, why != NULL ? why : "unknown");
    for (char *p = t->error; *p != '\0'; p++) {
        *p = (char)tolower((unsigned char)*p);
    }
}

/* Keeps why SSL failed, which it will not say again. */
static void note_failure(struct tls_session *t)
{
    unsigned long error = ERR_peek_last_error();
    int reason = ERR_GET_REASON(error);
    bool ssl = ERR_GET_LIB(error) == ERR_LIB_SSL;
    t->failed = true;
    t->refused = ssl && reason > ALERT_REASON && reason <= ALERT_REASON + UINT8_MAX;
    t->plain_http = ssl && (reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST);
    if (t->refused) {
        say(t, "peer alert: ", SSL_alert_desc_string_long(reason - ALERT_REASON));
    } else if (t->plain_http) {
        say(t, "", "plain HTTP was sent to a port of TLS");
    } else {
        say(t, tls_session_open(t) ? "failed: " : "handshake failed: ",
            ERR_reason_error_string(error));
    }
    ERR_clear_error();
}

const char *tls_session_error(const struct tls_session *t)
{
    return t->failed ? t->error : NULL;
}

bool tls_session_refused(const struct tls_session *t)
{
    return t->refused;
}

bool tls_session_plain_http(const struct tls_session *t)
{
    return t->plain_http;
}

/* ---- output and its ledger ----------------------------------------------------------------- */

/* Whether all that SSL wrote is in the output. */
static int collect(struct tls_session *t)
{
    if (t->pipe.out.failed) {
        t->failed = true;
        say(t, "failed: ", "no memory");
        return -1;
    }
    return 0;
}

const char *tls_session_output(const struct tls_session *t, size_t *len)
{
    *len = t->pipe.out.len;
    return t->pipe.out.data;
}

void tls_session_sent(struct tls_session *t, size_t len)
{
    tls_pipe_sent(&t->pipe, len);
}

void tls_session_drop(struct tls_session *t)
{
    t->dropped += t->pipe.out.len;
    tls_pipe_sent(&t->pipe, t->pipe.out.len);
}

/* Room for more entries, in their order, the oldest first. Without it the newest are told as one.
 */
static void lengthen_ledger(struct tls_session *t)
{
    size_t room = t->room * 4 < LEDGER_MAX ? t->room * 4 : LEDGER_MAX;
    struct ledger_entry *longer = malloc(room * sizeof(*longer));
    if (longer == NULL) {
        return;
    }
    for (size_t i = 0; i < t->count; i++) {
        longer[i] = t->ledger[(t->first + i) % t->room];
    }
    forget_ledger(t);
    t->ledger = longer;
    t->room = room;
    t->first = 0;
}

static void enter(struct tls_session *t)
{
    const struct ledger_entry entry = {.cipher = t->pipe.given, .plain = t->plain};
    if (t->count == t->room && t->room < LEDGER_MAX) {
        lengthen_ledger(t);
    }
    if (t->count == t->room) {
        t->ledger[(t->first + t->room - 1) % t->room] = entry;
        return;
    }
    t->ledger[(t->first + t->count++) % t->room] = entry;
}

uint64_t tls_session_unacknowledged(struct tls_session *t, uint64_t queued)
{
    uint64_t given = t->pipe.given;
    uint64_t missing = queued + t->pipe.out.len + t->dropped;
    uint64_t acknowledged = given - (missing < given ? missing : given);
    while (t->count > 0 && t->ledger[t->first].cipher <= acknowledged) {
        t->settled = t->ledger[t->first].plain;
        t->first = (t->first + 1) % t->room;
        t->count--;
    }
    if (t->count == 0) {
        forget_ledger(t);
    }
    return t->plain - t->settled;
}

/* ---- both ways ----------------------------------------------------------------------------- */

/* Follows where records begin and end. */
static void follow(struct tls_session *t, const unsigned char *data, size_t len)
{
    while (len > 0) {
        size_t used = t->body_left < len ? t->body_left : len;
        t->body_left -= used;
        if (used == 0) {
            t->header[t->header_len++] = *data;
            used = 1;
        }
        if (t->header_len == HEADER) {
            t->body_left = (size_t)t->header[3] << 8 | t->header[4];
            t->header_len = 0;
        }
        data += used;
        len -= used;
    }
}

int tls_session_feed(struct tls_session *t, const void *data, size_t len)
{
    follow(t, data, len);
    buf_append(&t->pipe.in, data, len);
    return t->pipe.in.failed ? -1 : 0;
}

static enum tls_event failure(struct tls_session *t)
{
    if (!t->failed) {
        note_failure(t);
    }
    (void)collect(t);
    return TLS_FAILED;
}

enum tls_event tls_session_read(struct tls_session *t, char *data, size_t size, size_t *len)
{
    *len = 0;
    if (t->failed) {
        return TLS_FAILED;
    }
    ERR_clear_error();
    int result = SSL_read_ex(t->ssl, data, size, len);
    t->open = t->open || SSL_is_init_finished(t->ssl) == 1;
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_NONE:
        return collect(t) == 0 ? TLS_DATA : TLS_FAILED;
    case SSL_ERROR_WANT_READ:
        return collect(t) == 0 ? TLS_MORE : TLS_FAILED;
    case SSL_ERROR_ZERO_RETURN:
        return collect(t) == 0 ? TLS_CLOSED : TLS_FAILED;
    default:
        return failure(t);
    }
}

bool tls_session_partial(const struct tls_session *t)
{
    return t->header_len > 0 || t->body_left > 0 || tls_pipe_waiting(&t->pipe) > 0;
}

bool tls_session_open(const struct tls_session *t)
{
    return t->open;
}

bool tls_session_resumed(const struct tls_session *t)
{
    return SSL_session_reused(t->ssl) == 1;
}

int tls_session_write(struct tls_session *t, const void *data, size_t len)
{
    size_t written = 0;
    if (t->failed || len == 0 || len > TLS_RECORD) {
        return -1;
    }
    ERR_clear_error();
    if (SSL_write_ex(t->ssl, data, len, &written) != 1 || written != len) {
        (void)failure(t);
        return -1;
    }
    t->plain += len;
    if (collect(t) != 0) {
        return -1;
    }
    enter(t);
    return 0;
}

void tls_session_shut(struct tls_session *t)
{
    if (t->failed || !tls_session_open(t)) {
        return;
    }
    ERR_clear_error();
    (void)SSL_shutdown(t->ssl);
    ERR_clear_error();
    (void)collect(t);
}
