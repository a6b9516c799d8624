/* Seeded randomness: hashes for decisions, streams for content. Never the C library's. */
#ifndef PULLDRILL_BASE_RNG_H
#define PULLDRILL_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* A keyed 64-bit hash of LEN bytes; the same input gives the same output on every machine
 * (SipHash-2-4 with the key derived from SEED). */
uint64_t rng_hash(uint64_t seed, const void *data, size_t len);
/* Maps a hash to [0, 1) with 53 bits. */
double rng_unit(uint64_t hash);

/* A stream of bytes: xoshiro256** seeded through splitmix64. */
struct rng {
    uint64_t s[4];
};
void rng_init(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
void rng_fill(struct rng *r, void *data, size_t len);

#endif
