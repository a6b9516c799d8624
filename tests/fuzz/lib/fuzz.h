/* What every fuzz target shares: the entry point, claims that must hold, and numbers from inputs.
 */
#ifndef PULLDRILL_TESTS_FUZZ_LIB_FUZZ_H
#define PULLDRILL_TESTS_FUZZ_LIB_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* libFuzzer, or replay.c where there is none, calls it for each input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Ends the program, with what was claimed, where it does not hold: the input is a finding. */
#define MUST(claim, ...)                                                                           \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            fuzz_fail(#claim, __FILE__, __LINE__, __VA_ARGS__);                                    \
        }                                                                                          \
    } while (0)
_Noreturn void fuzz_fail(const char *claim, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Numbers that follow from the bytes of an input, so that a finding is found again. */
struct fuzz_dice {
    uint64_t state;
};
struct fuzz_dice fuzz_dice(const uint8_t *data, size_t len);
/* From 0 to LIMIT - 1. */
size_t fuzz_roll(struct fuzz_dice *d, size_t limit);

/* A file in memory that holds LEN bytes of DATA, for what reads files by their path. The same one
 * every time: the path is valid until the next call. */
const char *fuzz_file(const void *data, size_t len);

/* An input is taken apart: the next part of *DATA ends at a line that is BORDER, or at the end.
 * NULL: there is none left. */
#define FUZZ_BORDER "\n----\n"
const uint8_t *fuzz_part(const uint8_t **data, size_t *len, size_t *part_len);

#endif
