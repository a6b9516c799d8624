/* Counts by key, in two generations of open-addressed tables. Happy path: the key is found in the
 * young table, or carried over from the old one, and its count goes up. When the young table is
 * full, the old one is forgotten and the young one takes its place: what is lost was not counted
 * for at least COUNT_MAX_KEYS / 2 other keys. Keys are starts, connections and clients, of which
 * the ones forgotten have long ended, so forgetting is right where refusing to act would let the
 * second half of a long drill pass without its faults. A table that cannot grow is taken as full.
 */
#include "faults/count.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64
/* Tables are at most half full, so this holds half the keys. */
#define LAST_CAP COUNT_MAX_KEYS

static size_t place(const struct count_table *t, uint64_t key)
{
    uint64_t h = key * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(h >> 32) & (t->cap - 1);

    while (t->slots[i].n && t->slots[i].key != key) {
        i = (i + 1) & (t->cap - 1);
    }
    return i;
}

static void put(struct count_table *t, uint64_t key, uint64_t n)
{
    t->slots[place(t, key)] = (struct count_slot){.key = key, .n = n};
    t->used++;
}

static bool grow(struct count_table *t)
{
    struct count_table bigger = {.cap = t->cap * 2};

    if (bigger.cap > LAST_CAP) {
        return false;
    }
    bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
    if (!bigger.slots) {
        return false;
    }
    for (size_t i = 0; i < t->cap; i++) {
        if (t->slots[i].n) {
            put(&bigger, t->slots[i].key, t->slots[i].n);
        }
    }
    free(t->slots);
    *t = bigger;
    return true;
}

/* The young table becomes the old one; the old one's memory is emptied and used again. */
static void turn(struct count *c)
{
    struct count_table emptied = c->old;

    memset(emptied.slots, 0, emptied.cap * sizeof(*emptied.slots));
    emptied.used = 0;
    c->old = c->young;
    c->young = emptied;
}

int count_init(struct count *c)
{
    *c = (struct count){.young.cap = FIRST_CAP, .old.cap = FIRST_CAP};
    c->young.slots = calloc(FIRST_CAP, sizeof(*c->young.slots));
    c->old.slots = calloc(FIRST_CAP, sizeof(*c->old.slots));
    if (!c->young.slots || !c->old.slots) {
        count_close(c);
        return -1;
    }
    return 0;
}

void count_close(struct count *c)
{
    free(c->young.slots);
    free(c->old.slots);
    *c = (struct count){0};
}

uint64_t count_next(struct count *c, uint64_t key)
{
    struct count_slot *slot = &c->young.slots[place(&c->young, key)];
    uint64_t n;

    if (slot->n) {
        return ++slot->n;
    }
    n = c->old.slots[place(&c->old, key)].n + 1;
    if (c->young.used >= c->young.cap / 2 && !grow(&c->young)) {
        turn(c);
    }
    put(&c->young, key, n);
    return n;
}
