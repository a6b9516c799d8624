/* Unit tests of digests: what is one, and that known bytes have the known one. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "fake-registry/digest.h"

#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC512                                                                                     \
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                      \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

/* Only complete lower-case digests of the two known algorithms are digests. */
Test(digest, valid)
{
    char text[256];
    cr_assert(digest_valid(ABC));
    cr_assert(digest_valid(ABC512));
    (void)snprintf(text, sizeof(text), "%s0", ABC);
    cr_assert(!digest_valid(text), "too long");
    (void)snprintf(text, sizeof(text), "%s", ABC);
    text[strlen(text) - 1] = '\0';
    cr_assert(!digest_valid(text), "too short");
    (void)snprintf(text, sizeof(text), "%s", ABC);
    text[10] = 'A';
    cr_assert(!digest_valid(text), "upper case");
    (void)snprintf(text, sizeof(text), "sha512:%s", &ABC[7]);
    cr_assert(!digest_valid(text), "the length of another algorithm");
    cr_assert(!digest_valid("md5:d41d8cd98f00b204e9800998ecf8427e"));
    cr_assert(!digest_valid(&ABC[7]));
    cr_assert(!digest_valid("sha256:"));
    cr_assert(!digest_valid(""));
}

/* The published test vectors of SHA-256. */
Test(digest, sha256)
{
    char text[DIGEST_TEXT];
    cr_assert_eq(digest_sha256("abc", 3, text), 0);
    cr_assert_str_eq(text, ABC);
    cr_assert_eq(digest_sha256("", 0, text), 0);
    cr_assert_str_eq(text,
                     "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static bool streamed(const char *expected, const char *first, const char *second)
{
    struct digest_stream *s = digest_stream_new(expected);
    cr_assert_not_null(s);
    digest_stream_update(s, first, strlen(first));
    digest_stream_update(s, second, strlen(second));
    return digest_stream_finish(s);
}

/* A stream tells right bytes from wrong ones, for both algorithms. */
Test(digest, stream)
{
    char text[DIGEST_TEXT];
    cr_assert(streamed(ABC, "a", "bc"));
    cr_assert(streamed(ABC512, "ab", "c"));
    cr_assert(!streamed(ABC, "a", "bd"));
    cr_assert(!streamed(ABC512, "", "ab"));
    cr_assert_null(digest_stream_new("sha256:beef"));
    struct digest_stream *s = digest_stream_sha256();
    digest_stream_update(s, "abc", 3);
    cr_assert_eq(digest_stream_text(s, text), 0);
    cr_assert_str_eq(text, ABC);
}
