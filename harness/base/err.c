/* Errors: recording the first one and putting context before it, without allocating. */
#include "harness/base/err.h"

#include <errno.h>
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

static int set_errno(struct err *e, enum err_code code, int errnum, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));
static int set_errno(struct err *e, enum err_code code, int errnum, const char *fmt, va_list ap)
{
    char reason[128];
    const char *text;
    size_t len;

    if (e == NULL || e->code != ERR_NONE)
        return -1;
    e->code = code;
    (void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
    /* The GNU strerror_r: thread-safe, and may answer with a text of its own. */
    text = strerror_r(errnum, reason, sizeof(reason));
    len = strlen(e->text);
    (void)snprintf(e->text + len, sizeof(e->text) - len, ": %s", text);
    return -1;
}

int err_errno(struct err *e, int errnum, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)set_errno(e, ERR_IO, errnum, fmt, ap);
    va_end(ap);
    return -1;
}

/* What says something of the machine rather than of the path that was named. */
static int is_of_machine(int errnum)
{
    return errnum == EIO || errnum == ENOMEM || errnum == EMFILE || errnum == ENFILE ||
           errnum == ENOSPC;
}

int err_input(struct err *e, int errnum, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)set_errno(e, is_of_machine(errnum) ? ERR_IO : ERR_INVALID, errnum, fmt, ap);
    va_end(ap);
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
