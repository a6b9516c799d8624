/* Lines on stderr, each handed over by one write so that processes side by side do not mix. */
#include "harness/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/fd.h"

#define LINE_MAX_BYTES 4096

void log_line(const char *fmt, ...)
{
    char line[LINE_MAX_BYTES] = "pulldrill: ";
    size_t len = strlen(line);
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
    va_end(ap);
    len = strlen(line);
    line[len++] = '\n';
    (void)fd_write_all(STDERR_FILENO, line, len); /* else there is no one left to tell */
}
