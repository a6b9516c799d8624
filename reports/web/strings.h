/* Texts by number: each distinct one is kept once. */
#ifndef PULLDRILL_REPORTS_WEB_STRINGS_H
#define PULLDRILL_REPORTS_WEB_STRINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Distinct texts kept; those beyond are number 0. */
#define STRINGS_MAX ((size_t)2000000)

/* Texts are borrowed. Zero it to begin; FAILED: no memory, or more than the maximum. */
struct strings {
    const char **text; /* from 1 */
    size_t count, cap;
    uint32_t *slots; /* numbers, 0 where empty; a power of two of them */
    size_t slot_count;
    bool failed;
};

/* The number of S, from 1; 0 for NULL, for "" and where it failed. */
size_t strings_number(struct strings *s, const char *text);
void strings_close(struct strings *s);

#endif
