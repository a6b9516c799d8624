/* Resuming a body: whether a 206 carries the bytes that were asked for (RFC 9110, 14.4). */
#ifndef PULLDRILL_SUBJECT_PULL_RANGE_H
#define PULLDRILL_SUBJECT_PULL_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/* VALUE is a Content-Range: it must begin at FROM, stay within TOTAL, and name TOTAL or "*". */
bool pull_range_matches(const char *value, uint64_t from, uint64_t total);

#endif
