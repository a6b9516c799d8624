/* The faults of test_server_faults.c once more, over TLS: the same bytes of plaintext, the same
 * ends. */
#include "tests/lib/server_bed.h"

/* Before any test, in each one's process. */
__attribute__((constructor)) static void speak_tls(void)
{
    bed_speaks_tls = true;
}

#include "tests/integration/test_server_faults.c"
