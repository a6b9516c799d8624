/* One error: a code and a fixed message; the first wins, context is prefixed on the way up. */
#ifndef PULLDRILL_BASE_ERR_H
#define PULLDRILL_BASE_ERR_H

#include <stdarg.h>

/* What kind of trouble, which is all a caller may branch on. The text is for people. */
enum err_code {
    ERR_NONE = 0,
    ERR_USAGE,       /* the command line is wrong: exit 4 */
    ERR_INVALID,     /* a scenario, history or other input is wrong: exit 4 */
    ERR_NOMEM,       /* an allocation failed: exit 3 */
    ERR_IO,          /* the operating system refused something: exit 3 */
    ERR_LIMIT,       /* a stated maximum was reached: exit 3 */
    ERR_UNSUPPORTED, /* this machine or these rights do not allow it: the scenario is skipped */
    ERR_ENVIRONMENT, /* something outside failed that was needed (an upstream registry): exit 3 */
    ERR_INTERNAL,    /* the harness itself is inconsistent: exit 3 */
};

/* Fixed size on purpose: nothing is allocated on the error path. Zeroed means no error. */
struct err {
    enum err_code code;
    char text[1024];
};

/* Records CODE and the message in E unless E already holds an error (the first wins; E may be NULL
 * where nobody wants the text). Returns -1 always, so that a failing function can
 * `return err_set(...)`. A text longer than the buffer is cut. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": " and strerror(ERRNUM) behind the message; the code is ERR_IO. Returns -1. */
int err_errno(struct err *e, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a file that the user named: ERR_INVALID, or ERR_IO where the machine is at fault (no
 * memory, no descriptors, a disk that fails). Returns -1. */
int err_input(struct err *e, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the message that E holds; does nothing where E holds none. Returns -1. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
