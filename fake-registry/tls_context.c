/* The settings of servers that speak TLS: versions, resumption, ALPN, certificates of clients. */
#include <openssl/err.h>
#include <string.h>

#include "fake-registry/tls_internal.h"

/* Sessions of TLS 1.2 that a context remembers; tickets need no room here. */
#define SESSIONS 1024

/* http/1.1 is all we speak: a client that offers protocols without it is told so (RFC 7301). */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned int in_len, void *data)
{
    static const char ours[] = "http/1.1";
    (void)ssl;
    (void)data;
    for (unsigned int i = 0; i < in_len && in[i] < in_len - i; i += in[i] + 1u) {
        if (in[i] == sizeof(ours) - 1 && memcmp(in + i + 1, ours, sizeof(ours) - 1) == 0) {
            *out = in + i + 1;
            *out_len = in[i];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool hold_clients(SSL_CTX *ctx, enum tls_client client, X509 *authority)
{
    int mode = client == TLS_CLIENT_NONE    ? SSL_VERIFY_NONE
               : client == TLS_CLIENT_ASKED ? SSL_VERIFY_PEER
                                            : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ctx, mode, NULL);
    return client == TLS_CLIENT_NONE ||
           (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), authority) == 1 &&
            SSL_CTX_add_client_CA(ctx, authority) == 1);
}

static bool set_up(SSL_CTX *ctx, X509 *certificate, EVP_PKEY *key)
{
    static const unsigned char id[] = "pulldrill";
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER);
    (void)SSL_CTX_sess_set_cache_size(ctx, SESSIONS);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1) == 1 &&
           SSL_CTX_use_certificate(ctx, certificate) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
}

SSL_CTX *tls_context_make(X509 *certificate, EVP_PKEY *key, enum tls_client client, X509 *authority,
                          struct err *e)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == NULL || !set_up(ctx, certificate, key) || !hold_clients(ctx, client, authority)) {
        (void)tls_fail(e, "setting up TLS");
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}
