/* Golden files: what a test is to make, as it lies in tests/. */
#ifndef PULLDRILL_TESTS_LIB_GOLDEN_H
#define PULLDRILL_TESTS_LIB_GOLDEN_H

#include "harness/base/buf.h"

/* The most that such a file holds. */
#define GOLDEN_MAX_BYTES ((size_t)5 << 20)

/* The whole file with a zero behind it, its length into LEN unless that is NULL. Free it. Ends the
 * test where there is no such file, or a larger one. */
char *golden_read(const char *path, size_t *len);
/* Fails the test where the file is not GOT, byte for byte, and says the first line that differs.
 * With UPDATE_GOLDEN in the environment the file is first made GOT (by way of a rename: other tests
 * may be reading). */
void golden_check(const char *path, const struct buf *got);

#endif
