/* Errors: recording the first one and putting context before it, without allocating. */
#include "harness/base/err.h"

#include <stdio.h>
#include <string.h>

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    va_list ap;

    if (e == NULL || e->code != ERR_NONE)
        return -1;
    e->code = code;
    va_start(ap, fmt);
    (void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
    return -1;
}

int err_errno(struct err *e, int errnum, const char *fmt, ...)
{
    char reason[128];
    const char *text;
    size_t len;
    va_list ap;

    if (e == NULL || e->code != ERR_NONE)
        return -1;
    e->code = ERR_IO;
    va_start(ap, fmt);
    (void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
    /* The GNU strerror_r: thread-safe, and may answer with a text of its own. */
    text = strerror_r(errnum, reason, sizeof(reason));
    len = strlen(e->text);
    (void)snprintf(e->text + len, sizeof(e->text) - len, ": %s", text);
    return -1;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
    char old[sizeof(e->text)];
    size_t len;
    va_list ap;

    if (e == NULL || e->code == ERR_NONE)
        return -1;
    memcpy(old, e->text, sizeof(old));
    va_start(ap, fmt);
    (void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
    len = strlen(e->text);
    (void)snprintf(e->text + len, sizeof(e->text) - len, ": %s", old);
    return -1;
}
