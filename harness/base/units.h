/* The units of the scenario file: durations, sizes, shares; read strictly, written shortly. */
#ifndef PULLDRILL_BASE_UNITS_H
#define PULLDRILL_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* Each parser takes the whole string S, returns 0 and sets OUT, or returns -1 and sets nothing
 * (malformed, without a unit, negative, or past the type's range). */

/* "250ms", "5s", "1.5s", "15m", "2h", "10us" -> nanoseconds. */
int units_duration(const char *s, uint64_t *out_ns);
/* "0B", "512B", "64KiB", "1MiB", "4GiB", also kB, MB, GB -> bytes. */
int units_size(const char *s, uint64_t *out_bytes);
/* "100%", "12.5%" -> 0..1. */
int units_share(const char *s, double *out);

/* The name of the I-th unit of durations or sizes; NULL past the last. */
const char *units_duration_unit(size_t i);
const char *units_size_unit(size_t i);

/* Shortest readable text, at most three significant digits: "1.25s", "340ms", "64KiB". */
void units_duration_text(uint64_t ns, char text[32]);
void units_size_text(uint64_t bytes, char text[32]);
void units_share_text(double share, char text[32]);

#endif
