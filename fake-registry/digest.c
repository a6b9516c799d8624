/* Digests by OpenSSL's EVP: whole, streamed, and whether a text is one. */
#include "fake-registry/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define SHA256 "sha256:"
#define SHA512 "sha512:"
#define PREFIX_LEN 7

struct digest_stream {
    EVP_MD_CTX *context;
    char expected[DIGEST_TEXT];
    bool failed;
};

bool digest_valid(const char *text)
{
    size_t want = 0;
    if (strncmp(text, SHA256, PREFIX_LEN) == 0) {
        want = 64;
    } else if (strncmp(text, SHA512, PREFIX_LEN) == 0) {
        want = 128;
    } else {
        return false;
    }
    size_t hex = strspn(text + PREFIX_LEN, "0123456789abcdef");
    return hex == want && text[PREFIX_LEN + hex] == '\0';
}

static void write_text(const char *prefix, const unsigned char *hash, size_t len,
                       char out[DIGEST_TEXT])
{
    static const char hex[] = "0123456789abcdef";
    memcpy(out, prefix, PREFIX_LEN);
    for (size_t i = 0; i < len; i++) {
        out[PREFIX_LEN + 2 * i] = hex[hash[i] >> 4];
        out[PREFIX_LEN + 2 * i + 1] = hex[hash[i] & 15];
    }
    out[PREFIX_LEN + 2 * len] = '\0';
}

int digest_sha256(const void *data, size_t len, char out[DIGEST_TEXT])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned hash_len = 0;
    if (EVP_Digest(data, len, hash, &hash_len, EVP_sha256(), NULL) != 1) {
        return -1;
    }
    write_text(SHA256, hash, hash_len, out);
    return 0;
}

static struct digest_stream *stream_new(const char *expected, const EVP_MD *kind)
{
    struct digest_stream *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    s->context = EVP_MD_CTX_new();
    if (s->context == NULL || EVP_DigestInit_ex(s->context, kind, NULL) != 1) {
        digest_stream_free(s);
        return NULL;
    }
    memcpy(s->expected, expected, strlen(expected) + 1);
    return s;
}

struct digest_stream *digest_stream_new(const char *expected)
{
    if (!digest_valid(expected)) {
        return NULL;
    }
    bool sha512 = strncmp(expected, SHA512, PREFIX_LEN) == 0;
    return stream_new(expected, sha512 ? EVP_sha512() : EVP_sha256());
}

struct digest_stream *digest_stream_sha256(void)
{
    return stream_new(SHA256, EVP_sha256());
}

struct digest_stream *digest_stream_of(const char *algorithm)
{
    return strcmp(algorithm, "sha512") == 0 ? stream_new(SHA512, EVP_sha512())
                                            : stream_new(SHA256, EVP_sha256());
}

struct digest_stream *digest_stream_copy(const struct digest_stream *s)
{
    struct digest_stream *copy = calloc(1, sizeof(*copy));
    if (copy == NULL) {
        return NULL;
    }
    *copy = *s;
    copy->context = EVP_MD_CTX_new();
    if (copy->context == NULL || EVP_MD_CTX_copy_ex(copy->context, s->context) != 1) {
        digest_stream_free(copy);
        return NULL;
    }
    return copy;
}

void digest_stream_update(struct digest_stream *s, const void *data, size_t len)
{
    if (EVP_DigestUpdate(s->context, data, len) != 1) {
        s->failed = true;
    }
}

int digest_stream_text(struct digest_stream *s, char out[DIGEST_TEXT])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int result = -1;
    if (!s->failed && EVP_DigestFinal_ex(s->context, hash, &len) == 1) {
        write_text(s->expected, hash, len, out);
        result = 0;
    }
    digest_stream_free(s);
    return result;
}

bool digest_stream_finish(struct digest_stream *s)
{
    char expected[DIGEST_TEXT];
    char actual[DIGEST_TEXT];
    memcpy(expected, s->expected, sizeof(expected));
    return digest_stream_text(s, actual) == 0 && strcmp(expected, actual) == 0;
}

void digest_stream_free(struct digest_stream *s)
{
    if (s != NULL) {
        EVP_MD_CTX_free(s->context);
        free(s);
    }
}
