/* What every fuzz target shares. */
#include "tests/fuzz/lib/fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_fail(const char *claim, const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "%s:%d: does not hold: %s: ", file, line, claim);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

struct fuzz_dice fuzz_dice(const uint8_t *data, size_t len)
{
    struct fuzz_dice d = {.state = UINT64_C(0xcbf29ce484222325)};
    for (size_t i = 0; i < len; i++) {
        d.state = (d.state ^ data[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    }
    return d;
}

size_t fuzz_roll(struct fuzz_dice *d, size_t limit)
{
    d->state = d->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)((d->state >> 33) % limit);
}

const char *fuzz_file(const void *data, size_t len)
{
    static char path[64];
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("input", MFD_CLOEXEC);
        MUST(fd >= 0, "no file in memory");
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    MUST(ftruncate(fd, 0) == 0, "it cannot be emptied");
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(fd, (const uint8_t *)data + done, len - done, (off_t)done);
        MUST(n > 0, "it cannot be written");
        done += (size_t)n;
    }
    return path;
}

const uint8_t *fuzz_part(const uint8_t **data, size_t *len, size_t *part_len)
{
    const uint8_t *part = *data;
    if (part == NULL) {
        return NULL;
    }
    const uint8_t *border = memmem(part, *len, FUZZ_BORDER, strlen(FUZZ_BORDER));
    *part_len = border != NULL ? (size_t)(border - part) : *len;
    size_t gone = *part_len + (border != NULL ? strlen(FUZZ_BORDER) : 0);
    *len -= gone;
    *data = border != NULL ? part + gone : NULL;
    return part;
}
