/* Whether jansson went short of memory: its allocations pass through here and are counted where
 * they fail. */
#include "harness/base/json_memory.h"

#include <jansson.h>
#include <stdlib.h>

/* Of the thread that reads: no value is shared between threads. */
static _Thread_local unsigned lost;

static void *take(size_t size)
{
    void *memory = malloc(size);

    if (memory == NULL)
        lost++;
    return memory;
}

/* Before main, for jansson must have given no memory yet. */
__attribute__((constructor)) static void watch(void)
{
    json_set_alloc_funcs(take, free);
}

unsigned json_memory_lost(void)
{
    return lost;
}
