/* TLS 1.2 and 1.3 by OpenSSL over memory: no sockets here. A drill's own authority, the
 * certificates it issues, and sessions that turn ciphertext into plaintext and back. */
#ifndef PULLDRILL_FAKE_REGISTRY_TLS_H
#define PULLDRILL_FAKE_REGISTRY_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"

/* The most plaintext of one record. */
#define TLS_RECORD 16384
/* The most contexts an authority keeps: for each lane, and each host that has more than one. */
#define TLS_MAX_CONTEXTS 65536
/* The most names of one certificate. */
#define TLS_MAX_NAMES 256

struct tls_authority;
struct tls_context;
struct tls_session;

/* ---- the authority and what it issues ---------------------------------------------------------
 */

/* Who signed a certificate. */
enum tls_issuer {
    TLS_ISSUER_OURS,    /* the authority that subjects trust */
    TLS_ISSUER_UNKNOWN, /* another one of the same kind, whose certificate nobody was given */
    TLS_ISSUER_ITSELF   /* self-signed */
};
/* What a server asks of its clients. */
enum tls_client { TLS_CLIENT_NONE, TLS_CLIENT_ASKED, TLS_CLIENT_NEEDED };

/* What a server shows. Times are seconds from now; both 0: good since yesterday, for a month. */
struct tls_leaf {
    const char *const *names; /* host names, or numeric addresses, which become such */
    size_t name_count;
    int64_t not_before_s, not_after_s;
    enum tls_issuer issuer;
    enum tls_client client;
};

/* An authority with a key of its own (ECDSA P-256), which never leaves this memory. */
struct tls_authority *tls_authority_new(struct err *e);
/* Contexts go with it: no session of theirs may be left. */
void tls_authority_free(struct tls_authority *a);
/* Its certificate. */
const char *tls_authority_pem(const struct tls_authority *a);
/* What OpenSSL looks a certificate up by in a folder of many: its file is HASH in 8 hexadecimal
 * digits, and ".0". */
uint32_t tls_authority_hash(const struct tls_authority *a);
/* A certificate for clients and its key, as PEM: the same at each call. NULL: E says why. */
const char *tls_authority_client_certificate(struct tls_authority *a, struct err *e);
const char *tls_authority_client_key(struct tls_authority *a, struct err *e);
/* The context of servers that show LEAF: made at the first call, kept by A. NULL: E says why. */
struct tls_context *tls_authority_context(struct tls_authority *a, const struct tls_leaf *leaf,
                                          struct err *e);

/* What is wrong with a certificate on purpose. */
enum tls_flaw {
    TLS_FLAW_EXPIRED,
    TLS_FLAW_NOT_YET_VALID,
    TLS_FLAW_WRONG_NAME,
    TLS_FLAW_UNKNOWN_AUTHORITY,
    TLS_FLAW_SELF_SIGNED
};
/* The context of servers like those of CONTEXT, but for that flaw. NULL: E says why. */
struct tls_context *tls_context_flawed(const struct tls_context *context, enum tls_flaw flaw,
                                       struct err *e);

/* ---- sessions ---------------------------------------------------------------------------------
 */

/* What the other side's bytes came to. */
enum tls_event {
    TLS_MORE,   /* nothing until more comes */
    TLS_DATA,   /* plaintext */
    TLS_CLOSED, /* its close_notify: no more will come */
    TLS_FAILED  /* tls_session_error says why; our alert, if any, is in the output */
};

/* A server's end of a connection. NULL: no memory. */
struct tls_session *tls_session_new(struct tls_context *context);
void tls_session_free(struct tls_session *t);

/* Takes ciphertext from the peer, any number of bytes, of which up to a record may be kept for want
 * of its rest. -1: no memory. */
int tls_session_feed(struct tls_session *t, const void *data, size_t len);
/* Moves the handshake on, or decrypts at most SIZE bytes into DATA. Repeat until it is not
 * TLS_DATA. */
enum tls_event tls_session_read(struct tls_session *t, char *data, size_t size, size_t *len);
/* Whether bytes were fed that are no whole record yet. */
bool tls_session_partial(const struct tls_session *t);

/* Whether the handshake is done. */
bool tls_session_open(const struct tls_session *t);
/* Whether it took up a session of before. */
bool tls_session_resumed(const struct tls_session *t);
/* In words, once a read or a write failed: "peer alert: unknown ca"; NULL. */
const char *tls_session_error(const struct tls_session *t);
/* Whether it was the peer that said so, by an alert. */
bool tls_session_refused(const struct tls_session *t);
/* Whether the first bytes were a request of plain HTTP. */
bool tls_session_plain_http(const struct tls_session *t);

/* Encrypts LEN bytes, at most TLS_RECORD, as one record. -1: it failed. */
int tls_session_write(struct tls_session *t, const void *data, size_t len);
/* Says that nothing more will be written (close_notify). */
void tls_session_shut(struct tls_session *t);

/* Ciphertext for the peer; what was handed over is dropped by tls_session_sent. */
const char *tls_session_output(const struct tls_session *t, size_t *len);
void tls_session_sent(struct tls_session *t, size_t len);
/* Drops it: the peer will never have it. Nothing more is to be written then. */
void tls_session_drop(struct tls_session *t);
/* How many bytes of plaintext have not reached the peer, where QUEUED bytes of what was sent are
 * not acknowledged. A record of which a byte is missing has not reached it. */
uint64_t tls_session_unacknowledged(struct tls_session *t, uint64_t queued);

#endif
