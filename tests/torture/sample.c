/* Which points are taken where a stage has more than can be tried. */
#include <stdlib.h>
#include <string.h>

#include "tests/torture/torture.h"

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Marks the first point of each place; returns how many, at most MOST. */
static size_t mark_places(bool *taken, uint64_t n, size_t most, const uint64_t *path)
{
    enum { SLOTS = 1 << 18 };
    uint64_t *seen = calloc(SLOTS, sizeof *seen);
    size_t count = 0;
    for (uint64_t i = 0; seen != NULL && i < n && i < POINTS_MAX_TRACE && count < most; i++) {
        size_t slot = path[i] % SLOTS;
        while (seen[slot] != 0 && seen[slot] != path[i]) {
            slot = (slot + 1) % SLOTS;
        }
        count += seen[slot] == 0;
        taken[i] = seen[slot] == 0;
        seen[slot] = path[i];
    }
    free(seen);
    return count;
}

int sample_take(struct sample *s, uint64_t n, size_t most, const uint64_t *path, uint64_t seed)
{
    bool *taken = calloc(n + 1, sizeof *taken);
    s->at = calloc(most + 1, sizeof *s->at);
    s->count = 0;
    if (taken == NULL || s->at == NULL) {
        free(taken);
        sample_free(s);
        return -1;
    }
    size_t count = path != NULL ? mark_places(taken, n, most, path) : 0;
    size_t left = n > most ? most - count : (size_t)n;
    uint64_t stride = left > 0 ? (n + left - 1) / left : n;
    for (uint64_t i = n <= most || stride == 0 ? 0 : seed % stride; left > 0 && i < n;
         i += stride) {
        taken[i] = true;
    }
    for (uint64_t i = 0; i < n && s->count < most; i++) {
        if (taken[i]) {
            s->at[s->count++] = i + 1;
        }
    }
    qsort(s->at, s->count, sizeof *s->at, by_number);
    free(taken);
    return 0;
}

void sample_free(struct sample *s)
{
    free(s->at);
    s->at = NULL;
    s->count = 0;
}
