/* Documents of JSON, changed as trees: what plain mutation of bytes seldom leaves well-formed. */
#ifndef PULLDRILL_TESTS_FUZZ_LIB_TREE_H
#define PULLDRILL_TESTS_FUZZ_LIB_TREE_H

#include "tests/fuzz/lib/fuzz.h"

/* libFuzzer's own; there is none in a replay. A target that has documents defines the other two by
 * what is below. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
                                 size_t other_size, uint8_t *out, size_t max, unsigned int seed);

/* Puts values in the place of others, takes members away, adds them and doubles them; now and then
 * plain bytes. The new length, at most MAX. */
size_t tree_mutate(uint8_t *data, size_t size, size_t max, unsigned int seed);
/* Values of OTHER take the places of values in ONE that have the same key. 0: one is no document.
 */
size_t tree_cross(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
                  uint8_t *out, size_t max, unsigned int seed);

#endif
