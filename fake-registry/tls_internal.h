/* What the files of tls share: contexts, certificates, the memory under a session, OpenSSL's errors
 * in words. Private to them. */
#ifndef PULLDRILL_FAKE_REGISTRY_TLS_INTERNAL_H
#define PULLDRILL_FAKE_REGISTRY_TLS_INTERNAL_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "fake-registry/tls.h"
#include "harness/base/buf.h"

struct tls_context {
    struct tls_context *next; /* of the same authority */
    struct tls_authority *authority;
    struct tls_leaf leaf; /* its names are those of NAMES */
    char **names;
    SSL_CTX *ctx;
    const BIO_METHOD *pipe; /* the authority's */
    char *key;              /* all that its leaf says, as text */
};

/* Records WHAT and OpenSSL's own word for what went wrong, whose queue it empties. -1. */
int tls_fail(struct err *e, const char *what);

/* ---- tls_pipe.c ---- */

/* Ciphertext that waits: a handshake's flight, what one turn encrypts, what one read brought. */
#define TLS_PIPE_MAX (4u << 20)
struct tls_pipe {
    struct buf in;
    size_t taken; /* of IN, by OpenSSL */
    struct buf out;
    uint64_t given; /* bytes that ever were to be in OUT */
};

void tls_pipe_init(struct tls_pipe *p);
void tls_pipe_close(struct tls_pipe *p);
/* How many bytes of the peer OpenSSL has not taken. */
size_t tls_pipe_waiting(const struct tls_pipe *p);
/* LEN bytes of OUT have left. */
void tls_pipe_sent(struct tls_pipe *p, size_t len);
/* For tls_pipe_join; free it with BIO_meth_free behind all sessions. NULL: no memory. */
BIO_METHOD *tls_pipe_method(void);
/* Makes P both ends of SSL, which it has to outlive. -1: no memory. */
int tls_pipe_join(struct tls_pipe *p, const BIO_METHOD *method, SSL *ssl);

/* ---- tls_certificate.c ---- */

/* A key on the curve P-256; NULL: E says why. */
EVP_PKEY *tls_key_new(struct err *e);

enum tls_purpose { TLS_FOR_AUTHORITY, TLS_FOR_SERVER, TLS_FOR_CLIENT };
struct tls_request {
    const char *subject; /* common name */
    enum tls_purpose purpose;
    const char *const *names; /* subject alternative names */
    size_t name_count;
    int64_t not_before_s, not_after_s; /* from now */
};
/* A certificate of KEY's public half, signed by ISSUER with ISSUER_KEY; by itself where ISSUER is
 * NULL (ISSUER_KEY is then KEY). NULL: E says why. */
X509 *tls_certificate_new(const struct tls_request *request, EVP_PKEY *key, X509 *issuer,
                          EVP_PKEY *issuer_key, struct err *e);
/* As PEM; free them. NULL: E says why. */
char *tls_certificate_pem(X509 *certificate, struct err *e);
char *tls_key_pem(EVP_PKEY *key, struct err *e);

/* ---- tls_context.c ---- */

/* A context that shows CERTIFICATE with KEY; clients' certificates are held against AUTHORITY. */
SSL_CTX *tls_context_make(X509 *certificate, EVP_PKEY *key, enum tls_client client, X509 *authority,
                          struct err *e);

#endif
