/* Certificates and keys: made, signed, written as PEM. */
#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "fake-registry/tls_internal.h"

/* A certificate's serial number: positive, and of more than 64 random bits. */
#define SERIAL_BYTES 16
/* A common name has at most this many characters (X.520). */
#define COMMON_NAME 64

int tls_fail(struct err *e, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return err_set(e, ERR_NOMEM, "%s: %s", what, reason != NULL ? reason : "no memory");
}

EVP_PKEY *tls_key_new(struct err *e)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (key == NULL) {
        (void)tls_fail(e, "making a key");
    }
    return key;
}

static bool set_serial(X509 *x)
{
    unsigned char bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return false;
    }
    bytes[0] = (unsigned char)((bytes[0] & 0x3f) | 0x40);
    BIGNUM *n = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
    BN_free(n);
    return ok;
}

static bool set_subject(X509 *x, const char *subject)
{
    size_t len = strlen(subject) < COMMON_NAME ? strlen(subject) : COMMON_NAME;
    X509_NAME *name = X509_get_subject_name(x);
    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"pulldrill",
                                      -1, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)subject,
                                      (int)len, -1, 0) == 1;
}

static bool set_times(X509 *x, int64_t from_s, int64_t to_s)
{
    return X509_gmtime_adj(X509_getm_notBefore(x), (long)from_s) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(x), (long)to_s) != NULL;
}

static bool add_extension(X509 *x, X509V3_CTX *ctx, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
    bool ok = extension != NULL && X509_add_ext(x, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

/* One alternative name: an address where TEXT is one, else a host name. */
static GENERAL_NAME *name_new(const char *text)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(text);
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *host = address == NULL ? ASN1_IA5STRING_new() : NULL;
    bool ok =
        name != NULL && (address != NULL || (host != NULL && ASN1_STRING_set(host, text, -1)));
    if (!ok) {
        GENERAL_NAME_free(name);
        ASN1_OCTET_STRING_free(address);
        ASN1_IA5STRING_free(host);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, address != NULL ? GEN_IPADD : GEN_DNS,
                            address != NULL ? (void *)address : (void *)host);
    return name;
}

static bool add_names(X509 *x, const char *const *names, size_t count)
{
    if (count == 0) {
        return true;
    }
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    bool ok = all != NULL && count <= TLS_MAX_NAMES;
    for (size_t i = 0; ok && i < count; i++) {
        GENERAL_NAME *name = name_new(names[i]);
        ok = name != NULL && sk_GENERAL_NAME_push(all, name) > 0;
        if (!ok) {
            GENERAL_NAME_free(name);
        }
    }
    ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
    sk_GENERAL_NAME_pop_free(all, GENERAL_NAME_free);
    return ok;
}

static bool add_extensions(X509 *x, const struct tls_request *request, X509 *issuer)
{
    X509V3_CTX ctx;
    bool authority = request->purpose == TLS_FOR_AUTHORITY;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    if (!add_extension(x, &ctx, NID_basic_constraints,
                       authority ? "critical,CA:TRUE" : "critical,CA:FALSE") ||
        !add_extension(x, &ctx, NID_key_usage,
                       authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") ||
        !add_extension(x, &ctx, NID_subject_key_identifier, "hash") ||
        !add_extension(x, &ctx, NID_authority_key_identifier, "keyid")) {
        return false;
    }
    if (!authority &&
        !add_extension(x, &ctx, NID_ext_key_usage,
                       request->purpose == TLS_FOR_SERVER ? "serverAuth" : "clientAuth")) {
        return false;
    }
    return add_names(x, request->names, request->name_count);
}

X509 *tls_certificate_new(const struct tls_request *request, EVP_PKEY *key, X509 *issuer,
                          EVP_PKEY *issuer_key, struct err *e)
{
    X509 *x = X509_new();
    bool ok = x != NULL && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
              set_subject(x, request->subject) &&
              set_times(x, request->not_before_s, request->not_after_s) &&
              X509_set_pubkey(x, key) == 1 &&
              X509_set_issuer_name(x, X509_get_subject_name(issuer != NULL ? issuer : x)) == 1 &&
              add_extensions(x, request, issuer != NULL ? issuer : x) &&
              X509_sign(x, issuer_key, EVP_sha256()) > 0;
    if (!ok) {
        (void)tls_fail(e, "making a certificate");
        X509_free(x);
        return NULL;
    }
    return x;
}

/* What was written to B, which is freed, as a string. OK: it was written whole. */
static char *text_of(BIO *b, bool ok, struct err *e)
{
    char *data = NULL;
    long len = ok ? BIO_get_mem_data(b, &data) : 0;
    char *text = len > 0 ? malloc((size_t)len + 1) : NULL;
    if (text != NULL) {
        memcpy(text, data, (size_t)len);
        text[len] = '\0';
    } else {
        (void)tls_fail(e, "writing PEM");
    }
    BIO_free(b);
    return text;
}

char *tls_certificate_pem(X509 *certificate, struct err *e)
{
    BIO *b = BIO_new(BIO_s_mem());
    return text_of(b, b != NULL && PEM_write_bio_X509(b, certificate) == 1, e);
}

char *tls_key_pem(EVP_PKEY *key, struct err *e)
{
    BIO *b = BIO_new(BIO_s_mem());
    return text_of(b, b != NULL && PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) == 1,
                   e);
}
