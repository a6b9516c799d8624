/* UTF-8, one sequence at a time, and the plain text between. */
#ifndef PULLDRILL_BASE_UTF8_H
#define PULLDRILL_BASE_UTF8_H

#include <stddef.h>

/* The length (1 to 4) of the well-formed sequence (RFC 3629) at the start of S, of which LEN bytes
 * may be read; 0 where there is none: stray or overlong bytes, surrogates, past U+10FFFF, cut. */
size_t utf8_sequence(const char *s, size_t len);
/* The code of the well-formed sequence of LEN bytes at S. */
unsigned long utf8_decode(const char *s, size_t len);
/* Writes the sequence of CODE (a Unicode scalar value) and returns its length. */
size_t utf8_encode(unsigned long code, char out[4]);
/* How many bytes S of LEN begins with that stand for themselves in a JSON string: printable ASCII
 * without the quote and the backslash. */
size_t utf8_plain_run(const char *s, size_t len);

#endif
