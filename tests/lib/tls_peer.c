/* A TLS client over memory. */
#include "tests/lib/tls_peer.h"

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

static BIO *pem(const char *text)
{
    BIO *b = BIO_new_mem_buf(text, -1);
    cr_assert_not_null(b);
    return b;
}

static void trust(SSL_CTX *ctx, const char *text)
{
    BIO *b = pem(text);
    X509 *ca = PEM_read_bio_X509(b, NULL, NULL, NULL);
    cr_assert_not_null(ca);
    cr_assert_eq(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca), 1);
    X509_free(ca);
    BIO_free(b);
}

static void show(SSL_CTX *ctx, const char *certificate, const char *key)
{
    BIO *b = pem(certificate);
    X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);
    cr_assert_eq(SSL_CTX_use_certificate(ctx, x), 1);
    X509_free(x);
    BIO_free(b);
    b = pem(key);
    EVP_PKEY *k = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
    cr_assert_eq(SSL_CTX_use_PrivateKey(ctx, k), 1);
    EVP_PKEY_free(k);
    BIO_free(b);
}

static void on_info(const SSL *ssl, int where, int value)
{
    struct tls_peer *c = SSL_get_app_data(ssl);
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (value & 0xff) != 0) {
        c->alert = value & 0xff;
    }
}

static void offer(SSL *ssl, const char *alpn)
{
    unsigned char wire[256];
    size_t at = 0;
    while (*alpn != '\0') {
        size_t len = strcspn(alpn, " ");
        wire[at++] = (unsigned char)len;
        memcpy(wire + at, alpn, len);
        at += len;
        alpn += len + strspn(alpn + len, " ");
    }
    cr_assert_eq(SSL_set_alpn_protos(ssl, wire, (unsigned)at), 0);
}

struct tls_peer *tls_peer_new(const struct tls_peer_options *options)
{
    struct tls_peer *c = calloc(1, sizeof(*c));
    cr_assert_not_null(c);
    c->alert = -1;
    c->ctx = SSL_CTX_new(TLS_client_method());
    cr_assert_not_null(c->ctx);
    if (options->version != 0) {
        (void)SSL_CTX_set_max_proto_version(c->ctx, options->version);
    }
    if (options->ca != NULL) {
        trust(c->ctx, options->ca);
    }
    if (options->certificate != NULL) {
        show(c->ctx, options->certificate, options->key);
    }
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
    c->ssl = SSL_new(c->ctx);
    c->in = BIO_new(BIO_s_mem());
    c->out = BIO_new(BIO_s_mem());
    cr_assert(c->ssl != NULL && c->in != NULL && c->out != NULL);
    (void)BIO_set_mem_eof_return(c->in, -1);
    (void)BIO_set_mem_eof_return(c->out, -1);
    SSL_set_bio(c->ssl, c->in, c->out);
    (void)SSL_set_app_data(c->ssl, c);
    SSL_set_info_callback(c->ssl, on_info);
    if (options->host != NULL &&
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(c->ssl), options->host) != 1) {
        cr_assert_eq(SSL_set1_host(c->ssl, options->host), 1);
        cr_assert_eq(SSL_set_tlsext_host_name(c->ssl, options->host), 1);
    }
    if (options->alpn != NULL) {
        offer(c->ssl, options->alpn);
    }
    if (options->session != NULL) {
        cr_assert_eq(SSL_set_session(c->ssl, options->session), 1);
    }
    SSL_set_connect_state(c->ssl);
    ERR_clear_error();
    return c;
}

void tls_peer_free(struct tls_peer *c)
{
    SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    free(c);
}

void tls_peer_feed(struct tls_peer *c, const void *data, size_t len)
{
    cr_assert_eq(BIO_write(c->in, data, (int)len), (int)len);
}

static void judge(struct tls_peer *c, int result)
{
    int error = SSL_get_error(c->ssl, result);
    if (error == SSL_ERROR_ZERO_RETURN) {
        c->notified = true;
    } else if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ) {
        c->failed = true;
        c->verify = SSL_get_verify_result(c->ssl);
    }
    ERR_clear_error();
}

size_t tls_peer_read(struct tls_peer *c, void *data, size_t size)
{
    size_t len = 0;
    if (!c->failed && !c->notified) {
        ERR_clear_error();
        judge(c, SSL_read_ex(c->ssl, data, size, &len));
    }
    return len;
}

void tls_peer_write(struct tls_peer *c, const void *data, size_t len)
{
    size_t written = 0;
    ERR_clear_error();
    cr_assert_eq(SSL_write_ex(c->ssl, data, len, &written), 1);
    cr_assert_eq(written, len);
}

size_t tls_peer_output(struct tls_peer *c, void *data, size_t size)
{
    int n = BIO_read(c->out, data, (int)size);
    return n > 0 ? (size_t)n : 0;
}

void tls_peer_shut(struct tls_peer *c)
{
    (void)SSL_shutdown(c->ssl);
    ERR_clear_error();
}

enum tls_event tls_peer_talk(struct tls_peer *c, struct tls_session *s, size_t *got)
{
    enum tls_event event = TLS_MORE;
    char data[65536];
    for (bool busy = true; busy;) {
        size_t n = tls_peer_read(c, data, sizeof(data));
        busy = n > 0;
        while ((n = tls_peer_output(c, data, sizeof(data))) > 0) {
            cr_assert_eq(tls_session_feed(s, data, n), 0);
            busy = true;
        }
        while ((event = tls_session_read(s, data, sizeof(data), &n)) == TLS_DATA) {
            if (got != NULL) {
                *got += n;
            }
        }
        const char *out = tls_session_output(s, &n);
        if (n > 0) {
            tls_peer_feed(c, out, n);
            tls_session_sent(s, n);
            busy = true;
        }
    }
    return event;
}
