/* Wrappers of what allocates; the libraries that can be asked to allocate through them. */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/torture/points.h"

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    if (points_fail(POINT_MALLOC)) {
        errno = ENOMEM;
        return NULL;
    }
    return __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    if (points_fail(POINT_CALLOC)) {
        errno = ENOMEM;
        return NULL;
    }
    return __real_calloc(count, size);
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
    if (points_fail(POINT_REALLOC)) {
        errno = ENOMEM;
        return NULL;
    }
    return __real_realloc(old, size);
}

char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
char *__wrap_strdup(const char *s)
{
    if (points_fail(POINT_STRDUP)) {
        errno = ENOMEM;
        return NULL;
    }
    return __real_strdup(s);
}

char *__real_strndup(const char *s, size_t max);
char *__wrap_strndup(const char *s, size_t max);
char *__wrap_strndup(const char *s, size_t max)
{
    if (points_fail(POINT_STRDUP)) {
        errno = ENOMEM;
        return NULL;
    }
    return __real_strndup(s, max);
}

int __wrap_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list arguments;
    if (points_fail(POINT_ASPRINTF)) {
        *out = NULL;
        errno = ENOMEM;
        return -1;
    }
    va_start(arguments, format);
    int length = vasprintf(out, format, arguments);
    va_end(arguments);
    return length;
}

/* Of the libraries, jansson allocates through the product (json_memory.c). OpenSSL 3.0 crashes
 * within itself where it has no memory: what is asked of it fails as a whole. libuv ends the
 * process (uv_poll_start), and libarchive cannot be asked: their memory is left alone. */

EVP_MD_CTX *__real_EVP_MD_CTX_new(void);
EVP_MD_CTX *__wrap_EVP_MD_CTX_new(void);
EVP_MD_CTX *__wrap_EVP_MD_CTX_new(void)
{
    return points_fail(POINT_CRYPTO) ? NULL : __real_EVP_MD_CTX_new();
}

#define WRAP(name, parameters, arguments)                                                          \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        return points_fail(POINT_CRYPTO) ? 0 : __real_##name arguments;                            \
    }
WRAP(EVP_DigestInit_ex, (EVP_MD_CTX * c, const EVP_MD *type, ENGINE *engine), (c, type, engine))
WRAP(EVP_MD_CTX_copy_ex, (EVP_MD_CTX * to, const EVP_MD_CTX *from), (to, from))
WRAP(EVP_Digest,
     (const void *data, size_t count, unsigned char *out, unsigned *len, const EVP_MD *type,
      ENGINE *engine),
     (data, count, out, len, type, engine))
WRAP(RAND_bytes, (unsigned char *out, int len), (out, len))
