/* Wrappers of what allocates; the libraries that can be asked to allocate through them. */
#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
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

/* libuv ends the process where its own memory is short (uv_poll_start), and libarchive cannot be
 * asked: they are left alone. */
static void *crypto_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return __wrap_malloc(size);
}

static void *crypto_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return __wrap_realloc(old, size);
}

static void crypto_free(void *old, const char *file, int line)
{
    (void)file, (void)line;
    free(old);
}

void points_libraries(void)
{
    json_set_alloc_funcs(__wrap_malloc, free);
    CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free);
}
