/* Seeded randomness: the same numbers on every machine, for ever. */
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "harness/base/rng.h"

static uint64_t next_split(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* SipHash as OpenSSL computes it, with the key taken from SEED the way rng_hash does. */
static uint64_t openssl_siphash(uint64_t seed, const void *data, size_t len)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    size_t size = 8, written;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t("size", &size), OSSL_PARAM_construct_end()};
    unsigned char key[16], out[8];
    uint64_t words[2], hash = 0;

    words[0] = next_split(&seed);
    words[1] = next_split(&seed);
    for (int i = 0; i < 16; i++)
        key[i] = (unsigned char)(words[i / 8] >> (8 * (i % 8)));
    cr_assert_eq(EVP_MAC_init(ctx, key, sizeof(key), params), 1);
    cr_assert_eq(EVP_MAC_update(ctx, data, len), 1);
    cr_assert_eq(EVP_MAC_final(ctx, out, &written, sizeof(out)), 1);
    for (int i = 0; i < 8; i++)
        hash |= (uint64_t)out[i] << (8 * i);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return hash;
}

/* The hash is SipHash-2-4 by another's code, for every length around the word edges. */
Test(rng, hash_is_siphash)
{
    unsigned char data[40];

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)(i * 37);
    for (size_t len = 0; len <= sizeof(data); len++)
        cr_assert_eq(rng_hash(42 + len, data, len), openssl_siphash(42 + len, data, len));
}

/* A seed gives the same stream for ever: replaying an old drill depends on these numbers. */
Test(rng, stream_is_fixed)
{
    struct rng r, same;
    unsigned char bytes[11];

    rng_init(&r, 42);
    rng_init(&same, 42);
    rng_fill(&r, bytes, 8);
    uint64_t word = rng_next(&same);
    for (size_t i = 0; i < 8; i++)
        cr_assert_eq(bytes[i], (unsigned char)(word >> (8 * i)));
    cr_assert_eq(word, UINT64_C(0x15780b2e0c2ec716));
    rng_fill(&r, bytes, 11);
    (void)rng_next(&same);
    (void)rng_next(&same);
    cr_assert_eq(rng_next(&r), rng_next(&same), "eleven bytes take two words");
}

/* The unit interval is half open. */
Test(rng, unit_interval)
{
    cr_assert_eq(rng_unit(0), 0.0);
    cr_assert(rng_unit(UINT64_MAX) < 1.0);
    cr_assert(rng_unit(UINT64_MAX) > 0.999999999);
    cr_assert_eq(rng_unit(UINT64_C(1) << 63), 0.5);
}
