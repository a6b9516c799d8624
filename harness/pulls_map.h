/* A table from numbers to pointers, as pulls need it: starts, connections, requests, attempts. */
#ifndef PULLDRILL_PULLS_MAP_H
#define PULLDRILL_PULLS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is empty. Bounded by its users, who count what they put in. */
struct pulls_map {
    uint64_t *key;
    void **value; /* NULL: the slot is free */
    size_t cap;   /* a power of two, or 0 */
    size_t count;
};

/* Frees the table, not the values. */
void pulls_map_close(struct pulls_map *m);
/* NULL where there is none. */
void *pulls_map_get(const struct pulls_map *m, uint64_t key);
/* Adds or replaces; VALUE is not NULL. -1: no memory, nothing changed. */
int pulls_map_put(struct pulls_map *m, uint64_t key, void *value);
/* Takes KEY out and returns its value; NULL where there was none. */
void *pulls_map_remove(struct pulls_map *m, uint64_t key);
/* Walks all values in no order, beginning with *CURSOR 0; NULL at the end. M must not change. */
void *pulls_map_next(const struct pulls_map *m, size_t *cursor);

#endif
