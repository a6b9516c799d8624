/* A table from numbers to pointers: open addressing, linear probing, deletion by shifting back, so
 * that a drill of a million requests leaves no tombstones behind. */
#include "harness/pulls_map.h"

#include <stdlib.h>

#define FIRST_CAP 16

static size_t home(const struct pulls_map *m, uint64_t key)
{
    key *= UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(key >> 32) & (m->cap - 1);
}

/* The slot that holds KEY, or the free one where it would go. */
static size_t slot_of(const struct pulls_map *m, uint64_t key)
{
    size_t i = home(m, key);
    while (m->value[i] && m->key[i] != key) {
        i = (i + 1) & (m->cap - 1);
    }
    return i;
}

void pulls_map_close(struct pulls_map *m)
{
    free(m->key);
    free(m->value);
    *m = (struct pulls_map){0};
}

void *pulls_map_get(const struct pulls_map *m, uint64_t key)
{
    return m->cap == 0 ? NULL : m->value[slot_of(m, key)];
}

static int grow(struct pulls_map *m)
{
    struct pulls_map bigger = {.cap = m->cap == 0 ? FIRST_CAP : m->cap * 2, .count = m->count};
    bigger.key = calloc(bigger.cap, sizeof bigger.key[0]);
    bigger.value = calloc(bigger.cap, sizeof bigger.value[0]);
    if (!bigger.key || !bigger.value) {
        pulls_map_close(&bigger);
        return -1;
    }
    for (size_t i = 0; i < m->cap; i++) {
        if (m->value[i]) {
            size_t slot = slot_of(&bigger, m->key[i]);
            bigger.key[slot] = m->key[i];
            bigger.value[slot] = m->value[i];
        }
    }
    free(m->key);
    free(m->value);
    m->key = bigger.key;
    m->value = bigger.value;
    m->cap = bigger.cap;
    return 0;
}

int pulls_map_put(struct pulls_map *m, uint64_t key, void *value)
{
    if ((m->count + 1) * 4 > m->cap * 3 && grow(m) != 0) {
        return -1;
    }
    size_t slot = slot_of(m, key);
    m->count += m->value[slot] ? 0 : 1;
    m->key[slot] = key;
    m->value[slot] = value;
    return 0;
}

void *pulls_map_remove(struct pulls_map *m, uint64_t key)
{
    if (m->cap == 0) {
        return NULL;
    }
    size_t hole = slot_of(m, key);
    void *taken = m->value[hole];
    if (!taken) {
        return NULL;
    }
    /* What follows in the same run moves back, unless the hole lies before its home. */
    size_t mask = m->cap - 1;
    for (size_t i = (hole + 1) & mask; m->value[i]; i = (i + 1) & mask) {
        size_t wanted = home(m, m->key[i]);
        if (((i - wanted) & mask) >= ((i - hole) & mask)) {
            m->key[hole] = m->key[i];
            m->value[hole] = m->value[i];
            hole = i;
        }
    }
    m->value[hole] = NULL;
    m->count--;
    return taken;
}

void *pulls_map_next(const struct pulls_map *m, size_t *cursor)
{
    while (*cursor < m->cap) {
        void *value = m->value[(*cursor)++];
        if (value) {
            return value;
        }
    }
    return NULL;
}
