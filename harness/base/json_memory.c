/* The memory of jansson: whether it went short of any, and that it may.
 *
 * Happy path: malloc and free. Failure modes: an allocation that fails is counted, and jansson
 * stops at it; but where it is the buffer that a string grows in, jansson goes on without the bytes
 * that found no room, and with the closing quote gone it runs past the end. That buffer's sizes are
 * powers of two, so those are given from a reserve, which lasts until jansson fails at something
 * else, and past that the process ends: there is no memory even to say so in any other way.
 */
#include "harness/base/json_memory.h"

#include <jansson.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define BUFFER_MIN 32
#define RESERVE 65536

/* Of the thread that reads: no value is shared between threads. */
static _Thread_local unsigned lost;
static _Thread_local struct {
    alignas(max_align_t) char bytes[RESERVE];
    size_t used;
    size_t blocks; /* given and not freed yet; with the last one all of it is free again */
} reserve;

static bool in_reserve(const void *memory)
{
    const char *at = memory;
    return at >= reserve.bytes && at < reserve.bytes + RESERVE;
}

static void *take_reserve(size_t size)
{
    static const char why[] = "pulldrill: no memory for a JSON text\n";
    if (size > RESERVE - reserve.used) {
        (void)!write(STDERR_FILENO, why, sizeof(why) - 1);
        _exit(3);
    }
    void *memory = reserve.bytes + reserve.used;
    reserve.used += size;
    reserve.blocks++;
    return memory;
}

static void *take(size_t size)
{
    void *memory = malloc(size);
    if (memory == NULL) {
        lost++;
        if (size >= BUFFER_MIN && (size & (size - 1)) == 0) {
            memory = take_reserve(size);
        }
    }
    return memory;
}

static void give(void *memory)
{
    if (!in_reserve(memory)) {
        free(memory);
    } else if (--reserve.blocks == 0) {
        reserve.used = 0;
    }
}

/* Before main, for jansson must have given no memory yet. */
__attribute__((constructor)) static void watch(void)
{
    json_set_alloc_funcs(take, give);
}

unsigned json_memory_lost(void)
{
    return lost;
}
