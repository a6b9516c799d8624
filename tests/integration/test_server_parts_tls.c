/* The answers of test_server_parts.c once more, over TLS: the same bytes of plaintext. */
#include "tests/lib/server_bed.h"

/* Before any test, in each one's process. */
__attribute__((constructor)) static void speak_tls(void)
{
    bed_speaks_tls = true;
}

#include "tests/integration/test_server_parts.c"
