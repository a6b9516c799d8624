/* One connection's TLS, over memory.
 *
 * Happy path: ciphertext is fed in, the handshake answers into the output, plaintext is read until
 * there is none; what is written becomes one record each in the output. A ledger knows where in
 * the ciphertext each record ends, so that what the peer's kernel has acknowledged can be told in
 * bytes of plaintext.
 *
 * Failure modes: whatever fails, fails for good, in words: the peer's alert, or what we found
 * wrong, whose alert is then in the output. A ledger that is full takes records together: what is
 * not wholly acknowledged is then told for more than one record, never for less.
 */
#include "fake-registry/tls.h"

#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/tls_internal.h"
#include "harness/base/buf.h"

/* Ciphertext that waits to be sent: a handshake's flight, or what one turn encrypts. */
#define OUTPUT_MAX (4u << 20)
/* Records that are told apart until they are acknowledged. */
#define LEDGER 256
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
    BIO *in;  /* owned by SSL */
    BIO *out; /* owned by SSL; emptied into OUTPUT after each call */
    struct buf output;
    uint64_t cipher;  /* bytes that ever were in OUTPUT */
    uint64_t plain;   /* bytes written */
    uint64_t dropped; /* bytes of ciphertext that never left */
    struct ledger_entry ledger[LEDGER];
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
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    if (t != NULL && in != NULL && out != NULL) {
        t->ssl = SSL_new(context->ctx);
    }
    if (t == NULL || t->ssl == NULL) {
        BIO_free(in);
        BIO_free(out);
        free(t);
        ERR_clear_error();
        return NULL;
    }
    (void)BIO_set_mem_eof_return(in, -1);
    (void)BIO_set_mem_eof_return(out, -1);
    SSL_set_bio(t->ssl, in, out);
    SSL_set_accept_state(t->ssl);
    buf_init(&t->output, OUTPUT_MAX);
    t->in = in;
    t->out = out;
    return t;
}

void tls_session_free(struct tls_session *t)
{
    if (t == NULL) {
        return;
    }
    /* Else a session whose connection ended without close_notify could not be resumed. */
    SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(t->ssl);
    buf_close(&t->output);
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

/* Moves what SSL wrote to the output. */
static int collect(struct tls_session *t)
{
    char *data = NULL;
    long len = BIO_get_mem_data(t->out, &data);
    if (len <= 0) {
        return 0;
    }
    buf_append(&t->output, data, (size_t)len);
    (void)BIO_reset(t->out);
    if (t->output.failed) {
        t->failed = true;
        say(t, "failed: ", "no memory");
        return -1;
    }
    t->cipher += (uint64_t)len;
    return 0;
}

const char *tls_session_output(const struct tls_session *t, size_t *len)
{
    *len = t->output.len;
    return t->output.data;
}

void tls_session_sent(struct tls_session *t, size_t len)
{
    buf_consume(&t->output, len);
}

void tls_session_drop(struct tls_session *t)
{
    t->dropped += t->output.len;
    buf_reset(&t->output);
}

static void enter(struct tls_session *t)
{
    const struct ledger_entry entry = {.cipher = t->cipher, .plain = t->plain};
    if (t->count == LEDGER) {
        t->ledger[(t->first + LEDGER - 1) % LEDGER] = entry;
        return;
    }
    t->ledger[(t->first + t->count++) % LEDGER] = entry;
}

uint64_t tls_session_unacknowledged(struct tls_session *t, uint64_t queued)
{
    uint64_t missing = queued + t->output.len + t->dropped;
    uint64_t acknowledged = t->cipher - (missing < t->cipher ? missing : t->cipher);
    while (t->count > 0 && t->ledger[t->first].cipher <= acknowledged) {
        t->settled = t->ledger[t->first].plain;
        t->first = (t->first + 1) % LEDGER;
        t->count--;
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
    size_t written = 0;
    follow(t, data, len);
    if (BIO_write_ex(t->in, data, len, &written) == 1 && written == len) {
        return 0;
    }
    ERR_clear_error();
    return -1;
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
    return t->header_len > 0 || t->body_left > 0 || BIO_ctrl_pending(t->in) > 0;
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
