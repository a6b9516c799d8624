/* The memory between OpenSSL and a connection: ciphertext of the peer that was not taken yet, and
 * for it. A connection that waits has none of it: what is empty is given back. */
#include <string.h>

#include "fake-registry/tls_internal.h"

void tls_pipe_init(struct tls_pipe *p)
{
    *p = (struct tls_pipe){.taken = 0};
    buf_init(&p->in, TLS_PIPE_MAX);
    buf_init(&p->out, TLS_PIPE_MAX);
}

void tls_pipe_close(struct tls_pipe *p)
{
    buf_close(&p->in);
    buf_close(&p->out);
}

size_t tls_pipe_waiting(const struct tls_pipe *p)
{
    return p->in.len - p->taken;
}

void tls_pipe_sent(struct tls_pipe *p, size_t len)
{
    if (len < p->out.len || p->out.failed) {
        buf_consume(&p->out, len);
    } else {
        buf_close(&p->out);
    }
}

/* ---- what OpenSSL calls -------------------------------------------------------------------- */

static int take(BIO *bio, char *to, size_t size, size_t *len)
{
    struct tls_pipe *p = BIO_get_data(bio);
    size_t left = tls_pipe_waiting(p);
    *len = left < size ? left : size;
    BIO_clear_retry_flags(bio);
    if (*len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(to, p->in.data + p->taken, *len);
    p->taken += *len;
    if (p->taken == p->in.len) {
        p->taken = 0;
        buf_close(&p->in);
    }
    return 1;
}

/* Never fails: whoever takes the output asks whether all of it is there. */
static int give(BIO *bio, const char *data, size_t size, size_t *len)
{
    struct tls_pipe *p = BIO_get_data(bio);
    buf_append(&p->out, data, size);
    p->given += size;
    *len = size;
    BIO_clear_retry_flags(bio);
    return 1;
}

static long control(BIO *bio, int command, long number, void *data)
{
    (void)bio;
    (void)number;
    (void)data;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD *tls_pipe_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "the memory of a connection");
    if (m == NULL || BIO_meth_set_read_ex(m, take) != 1 || BIO_meth_set_write_ex(m, give) != 1 ||
        BIO_meth_set_ctrl(m, control) != 1) {
        BIO_meth_free(m);
        return NULL;
    }
    return m;
}

int tls_pipe_join(struct tls_pipe *p, const BIO_METHOD *method, SSL *ssl)
{
    BIO *bio = BIO_new(method);
    if (bio == NULL) {
        return -1;
    }
    BIO_set_data(bio, p);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return 0;
}
