/* Shelves of the store: sorted arrays of shared content by name. Pure. Look-ups are binary searches
 * and allocate nothing. */
#include <stdlib.h>
#include <string.h>

#include "fake-registry/store_internal.h"

/* Stated maximum. */
#define SHELF_MAX 65536

size_t sorted_find(const void *items, size_t count, size_t stride, const char *key, bool *found)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *const *name = (const void *)((const char *)items + middle * stride);
        int order = strcmp(*name, key);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *found = false;
    return low;
}

void *sorted_room(void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) {
        return items;
    }
    size_t more = *cap == 0 ? 8 : *cap * 2;
    void *bigger = realloc(items, more * size);
    if (bigger != NULL) {
        *cap = more;
    }
    return bigger;
}

static size_t shelf_find(const struct shelf *shelf, const char *key, bool *found)
{
    *found = false;
    return shelf->items == NULL
               ? 0
               : sorted_find(shelf->items, shelf->count, sizeof(*shelf->items), key, found);
}

struct item *shelf_item(const struct shelf *shelf, const char *key)
{
    bool found = false;
    size_t at = shelf_find(shelf, key, &found);
    return found ? &shelf->items[at] : NULL;
}

struct content *shelf_get(const struct shelf *shelf, const char *key)
{
    const struct item *item = shelf_item(shelf, key);
    return item != NULL ? item->content : NULL;
}

int shelf_put(struct shelf *shelf, const char *key, struct content *c, struct err *e)
{
    bool found = false;
    size_t at = shelf_find(shelf, key, &found);
    if (found) {
        struct content *old = shelf->items[at].content;
        shelf->items[at].content = content_ref(c);
        content_unref(old);
        return 0;
    }
    if (shelf->count == SHELF_MAX) {
        return err_set(e, ERR_LIMIT, "more than %d of a kind in a repository", SHELF_MAX);
    }
    struct item *items = sorted_room(shelf->items, shelf->count, &shelf->cap, sizeof(*items));
    if (items == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for %s in the store", key);
    }
    shelf->items = items;
    char *copy = strdup(key);
    if (copy == NULL) {
        return err_set(e, ERR_NOMEM, "no memory for %s in the store", key);
    }
    memmove(items + at + 1, items + at, (shelf->count - at) * sizeof(*items));
    items[at] = (struct item){.key = copy, .content = content_ref(c)};
    shelf->count++;
    return 0;
}

void shelf_remove(struct shelf *shelf, const struct item *item)
{
    size_t at = (size_t)(item - shelf->items);
    struct item gone = shelf->items[at];
    shelf->count--;
    memmove(shelf->items + at, shelf->items + at + 1, (shelf->count - at) * sizeof(gone));
    free(gone.key);
    content_unref(gone.content);
}

void shelf_close(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++) {
        free(shelf->items[i].key);
        content_unref(shelf->items[i].content);
    }
    free(shelf->items);
}
