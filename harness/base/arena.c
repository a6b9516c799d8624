/* The arena: a chain of blocks, freed in one go. */
#include "harness/base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 4096

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t cap;
    max_align_t data[];
};

void arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){.max = max};
}

void arena_close(struct arena *a)
{
    while (a->blocks != NULL) {
        struct arena_block *next = a->blocks->next;

        free(a->blocks);
        a->blocks = next;
    }
    *a = (struct arena){.max = a->max};
}

static void *failed(struct arena *a)
{
    a->failed = true;
    return NULL;
}

/* A block with room for NEED bytes at its end: the newest one, or a new one put before it. */
static struct arena_block *block_for(struct arena *a, size_t need)
{
    size_t cap = need > BLOCK_BYTES ? need : BLOCK_BYTES;
    struct arena_block *block = a->blocks;

    if (block != NULL && block->cap - block->used >= need)
        return block;
    if (cap > SIZE_MAX - sizeof(*block))
        return NULL;
    block = calloc(1, sizeof(*block) + cap);
    if (block == NULL)
        return NULL;
    block->cap = cap;
    block->next = a->blocks;
    a->blocks = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    struct arena_block *block;
    size_t need;
    void *p;

    if (size > 0 && count > (SIZE_MAX - align) / size)
        return failed(a);
    need = count * size == 0 ? align : (count * size + align - 1) / align * align;
    if (a->failed || need > a->max || a->total > a->max - need)
        return failed(a);
    block = block_for(a, need);
    if (block == NULL)
        return failed(a);
    p = (char *)block->data + block->used;
    block->used += need;
    a->total += need;
    return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    char *copy = len == SIZE_MAX ? failed(a) : arena_alloc(a, len + 1, 1);

    if (copy != NULL)
        memcpy(copy, s, len);
    return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    char *text;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    text = len < 0 ? failed(a) : arena_alloc(a, (size_t)len + 1, 1);
    if (text == NULL)
        return NULL;
    va_start(ap, fmt);
    (void)vsnprintf(text, (size_t)len + 1, fmt, ap);
    va_end(ap);
    return text;
}
