/* A drill's certificate authority.
 *
 * Happy path: a key and its certificate are made when the drill opens; each set of names that a
 * listener answers for gets a certificate and a context the first time it is asked for, and keeps
 * it. Nothing is written anywhere here: whoever needs the certificate has it as PEM.
 *
 * Failure modes: no memory, or a library without the curve: what was asked for is not made, and
 * what there was before stays good.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/tls_internal.h"
#include "harness/base/buf.h"

#define DAY_S (INT64_C(24) * 60 * 60)
/* Clocks of machines under test may be off; a leaf may be as old as the oldest fault asks. */
#define AUTHORITY_FROM_S (-365 * DAY_S)
#define AUTHORITY_TO_S (365 * DAY_S)
#define LEAF_FROM_S (-DAY_S)
#define LEAF_TO_S (30 * DAY_S)
#define LEAF_TEXT 131072

struct issuer {
    EVP_PKEY *key;
    X509 *certificate;
};

struct tls_authority {
    struct issuer ours;
    struct issuer unknown; /* made when a leaf asks for it */
    char *pem;
    char *client_certificate;
    char *client_key;
    BIO_METHOD *pipe; /* of all sessions */
    struct tls_context *contexts;
    size_t context_count;
};

static int issuer_open(struct issuer *i, const char *name, struct err *e)
{
    const struct tls_request request = {.subject = name,
                                        .purpose = TLS_FOR_AUTHORITY,
                                        .not_before_s = AUTHORITY_FROM_S,
                                        .not_after_s = AUTHORITY_TO_S};
    i->key = tls_key_new(e);
    i->certificate = i->key != NULL ? tls_certificate_new(&request, i->key, NULL, i->key, e) : NULL;
    return i->certificate != NULL ? 0 : -1;
}

static void issuer_close(struct issuer *i)
{
    EVP_PKEY_free(i->key);
    X509_free(i->certificate);
}

static void context_free(struct tls_context *c)
{
    for (size_t i = 0; c->names != NULL && c->names[i] != NULL; i++) {
        free(c->names[i]);
    }
    free(c->names);
    SSL_CTX_free(c->ctx);
    free(c->key);
    free(c);
}

struct tls_authority *tls_authority_new(struct err *e)
{
    struct tls_authority *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for a certificate authority");
        return NULL;
    }
    a->pipe = tls_pipe_method();
    if (a->pipe == NULL) {
        (void)tls_fail(e, "setting up TLS");
        tls_authority_free(a);
        return NULL;
    }
    if (issuer_open(&a->ours, "the authority of this drill", e) != 0 ||
        (a->pem = tls_certificate_pem(a->ours.certificate, e)) == NULL) {
        tls_authority_free(a);
        return NULL;
    }
    return a;
}

void tls_authority_free(struct tls_authority *a)
{
    if (a == NULL) {
        return;
    }
    while (a->contexts != NULL) {
        struct tls_context *c = a->contexts;
        a->contexts = c->next;
        context_free(c);
    }
    issuer_close(&a->ours);
    issuer_close(&a->unknown);
    free(a->pem);
    free(a->client_certificate);
    free(a->client_key);
    BIO_meth_free(a->pipe);
    free(a);
}

const char *tls_authority_pem(const struct tls_authority *a)
{
    return a->pem;
}

uint32_t tls_authority_hash(const struct tls_authority *a)
{
    return (uint32_t)X509_subject_name_hash(a->ours.certificate);
}

/* ---- a client's certificate ---------------------------------------------------------------- */

static int make_client(struct tls_authority *a, struct err *e)
{
    const struct tls_request request = {.subject = "a client of this drill",
                                        .purpose = TLS_FOR_CLIENT,
                                        .not_before_s = LEAF_FROM_S,
                                        .not_after_s = LEAF_TO_S};
    if (a->client_key != NULL) {
        return 0;
    }
    EVP_PKEY *key = tls_key_new(e);
    X509 *x = key != NULL ? tls_certificate_new(&request, key, a->ours.certificate, a->ours.key, e)
                          : NULL;
    char *certificate = x != NULL ? tls_certificate_pem(x, e) : NULL;
    char *text = certificate != NULL ? tls_key_pem(key, e) : NULL;
    X509_free(x);
    EVP_PKEY_free(key);
    if (text == NULL) {
        free(certificate);
        return -1;
    }
    a->client_certificate = certificate;
    a->client_key = text;
    return 0;
}

const char *tls_authority_client_certificate(struct tls_authority *a, struct err *e)
{
    return make_client(a, e) == 0 ? a->client_certificate : NULL;
}

const char *tls_authority_client_key(struct tls_authority *a, struct err *e)
{
    return make_client(a, e) == 0 ? a->client_key : NULL;
}

/* ---- contexts ------------------------------------------------------------------------------ */

static char *leaf_text(const struct tls_leaf *leaf)
{
    struct buf b;
    buf_init(&b, LEAF_TEXT);
    buf_printf(&b, "%d %d %" PRId64 " %" PRId64, (int)leaf->issuer, (int)leaf->client,
               leaf->not_before_s, leaf->not_after_s);
    for (size_t i = 0; i < leaf->name_count; i++) {
        buf_char(&b, ' ');
        buf_str(&b, leaf->names[i]);
    }
    char *text = buf_take(&b);
    buf_close(&b);
    return text;
}

static X509 *issue(struct tls_authority *a, const struct tls_leaf *leaf, EVP_PKEY *key,
                   struct err *e)
{
    bool any_time = leaf->not_before_s == 0 && leaf->not_after_s == 0;
    const struct tls_request request = {.subject =
                                            leaf->name_count > 0 ? leaf->names[0] : "a registry",
                                        .purpose = TLS_FOR_SERVER,
                                        .names = leaf->names,
                                        .name_count = leaf->name_count,
                                        .not_before_s = any_time ? LEAF_FROM_S : leaf->not_before_s,
                                        .not_after_s = any_time ? LEAF_TO_S : leaf->not_after_s};
    struct issuer *by = leaf->issuer == TLS_ISSUER_UNKNOWN ? &a->unknown : &a->ours;
    if (leaf->issuer == TLS_ISSUER_ITSELF) {
        return tls_certificate_new(&request, key, NULL, key, e);
    }
    if (by->certificate == NULL) {
        issuer_close(by);
        *by = (struct issuer){0};
        if (issuer_open(by, "an authority that nobody knows", e) != 0) {
            return NULL;
        }
    }
    return tls_certificate_new(&request, key, by->certificate, by->key, e);
}

static SSL_CTX *make_ctx(struct tls_authority *a, const struct tls_leaf *leaf, struct err *e)
{
    EVP_PKEY *key = tls_key_new(e);
    X509 *x = key != NULL ? issue(a, leaf, key, e) : NULL;
    SSL_CTX *ctx =
        x != NULL ? tls_context_make(x, key, leaf->client, a->ours.certificate, e) : NULL;
    X509_free(x);
    EVP_PKEY_free(key);
    return ctx;
}

static int keep_leaf(struct tls_context *c, const struct tls_leaf *leaf)
{
    c->leaf = *leaf;
    c->names = calloc(leaf->name_count + 1, sizeof(*c->names));
    for (size_t i = 0; c->names != NULL && i < leaf->name_count; i++) {
        c->names[i] = strdup(leaf->names[i]);
        if (c->names[i] == NULL) {
            return -1;
        }
    }
    c->leaf.names = (const char *const *)c->names;
    return c->names != NULL ? 0 : -1;
}

/* A new context with KEY, which is taken over. */
static struct tls_context *add_context(struct tls_authority *a, const struct tls_leaf *leaf,
                                       char *key, struct err *e)
{
    struct tls_context *c = calloc(1, sizeof(*c));
    if (c == NULL || a->context_count == TLS_MAX_CONTEXTS) {
        (void)err_set(e, ERR_LIMIT, "no room for another certificate, after %zu", a->context_count);
        free(key);
        free(c);
        return NULL;
    }
    c->key = key;
    c->authority = a;
    c->pipe = a->pipe;
    c->ctx = make_ctx(a, leaf, e);
    if (c->ctx == NULL || keep_leaf(c, leaf) != 0) {
        (void)err_set(e, ERR_NOMEM, "no memory for a certificate");
        context_free(c);
        return NULL;
    }
    c->next = a->contexts;
    a->contexts = c;
    a->context_count++;
    return c;
}

struct tls_context *tls_authority_context(struct tls_authority *a, const struct tls_leaf *leaf,
                                          struct err *e)
{
    char *key = leaf_text(leaf);
    if (key == NULL) {
        (void)err_set(e, ERR_NOMEM, "no memory for a certificate");
        return NULL;
    }
    for (struct tls_context *c = a->contexts; c != NULL; c = c->next) {
        if (strcmp(c->key, key) == 0) {
            free(key);
            return c;
        }
    }
    return add_context(a, leaf, key, e);
}

struct tls_context *tls_context_flawed(const struct tls_context *context, enum tls_flaw flaw,
                                       struct err *e)
{
    /* A name that nobody can own (RFC 6761). */
    static const char *const others[] = {"wrong-name.invalid"};
    struct tls_leaf leaf = context->leaf;
    switch (flaw) {
    case TLS_FLAW_EXPIRED:
        leaf.not_before_s = -30 * DAY_S;
        leaf.not_after_s = -DAY_S;
        break;
    case TLS_FLAW_NOT_YET_VALID:
        leaf.not_before_s = DAY_S;
        leaf.not_after_s = LEAF_TO_S;
        break;
    case TLS_FLAW_WRONG_NAME:
        leaf.names = others;
        leaf.name_count = 1;
        break;
    case TLS_FLAW_UNKNOWN_AUTHORITY:
        leaf.issuer = TLS_ISSUER_UNKNOWN;
        break;
    case TLS_FLAW_SELF_SIGNED:
        leaf.issuer = TLS_ISSUER_ITSELF;
        break;
    }
    return tls_authority_context(context->authority, &leaf, e);
}
