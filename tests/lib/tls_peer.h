/* A TLS client over memory, for tests: what it trusts, offers and shows is the test's to say. */
#ifndef PULLDRILL_TESTS_LIB_TLS_PEER_H
#define PULLDRILL_TESTS_LIB_TLS_PEER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "fake-registry/tls.h"

/* Left out: nothing is trusted, offered, shown; any version. */
struct tls_peer_options {
    const char *ca;                /* PEM */
    const char *host;              /* that the certificate must be for, or an address */
    const char *alpn;              /* "h2 http/1.1" */
    const char *certificate, *key; /* PEM */
    int version;                   /* TLS1_2_VERSION; 0: any */
    SSL_SESSION *session;          /* to be taken up; borrowed */
};

struct tls_peer {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in;
    BIO *out;
    bool notified; /* the server's close_notify came */
    bool failed;
    int alert;   /* that the server sent; -1 */
    long verify; /* X509_V_…: what is wrong with its certificate */
};

struct tls_peer *tls_peer_new(const struct tls_peer_options *options);
void tls_peer_free(struct tls_peer *c);
/* Takes what the server sent. Nothing of it may be left out. */
void tls_peer_feed(struct tls_peer *c, const void *data, size_t len);
/* Moves the handshake on, or reads plaintext: how much of it; 0: none now, or none ever. */
size_t tls_peer_read(struct tls_peer *c, void *data, size_t size);
void tls_peer_write(struct tls_peer *c, const void *data, size_t len);
/* Takes what is to be sent to the server; how much. */
size_t tls_peer_output(struct tls_peer *c, void *data, size_t size);
void tls_peer_shut(struct tls_peer *c);

/* Lets C and S talk until neither has anything to say. What the server reads of plaintext is added
 * up in *GOT where that is not NULL. The server's last event. */
enum tls_event tls_peer_talk(struct tls_peer *c, struct tls_session *s, size_t *got);

#endif
