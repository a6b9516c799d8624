/* A count for each key (a start, a connection, a client) in bounded memory. */
#ifndef PULLDRILL_FAULTS_COUNT_H
#define PULLDRILL_FAULTS_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most keys that are remembered at once; the least recently counted half goes first. */
#define COUNT_MAX_KEYS 65536

struct count_slot {
    uint64_t key;
    uint64_t n; /* 0: the slot is free */
};
struct count_table {
    struct count_slot *slots;
    size_t cap; /* a power of two */
    size_t used;
};
struct count {
    struct count_table young;
    struct count_table old;
};

/* -1: no memory; nothing is left allocated. */
int count_init(struct count *c);
/* Also for a zeroed C. */
void count_close(struct count *c);
/* Counts KEY once more and returns its count. Cannot fail: where no memory is to be had for more
 * keys, fewer are remembered. */
uint64_t count_next(struct count *c, uint64_t key);

#endif
