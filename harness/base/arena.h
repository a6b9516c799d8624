/* Memory that lives and dies together: a scenario, a plan, a verdict. */
#ifndef PULLDRILL_BASE_ARENA_H
#define PULLDRILL_BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_block;

/* FAILED stays set once an allocation failed or TOTAL passed MAX, so a builder may ask once. */
struct arena {
    struct arena_block *blocks;
    size_t total;
    size_t max;
    bool failed;
};

/* MAX bounds all that is taken from it, in bytes. Everything lives until arena_close. */
void arena_init(struct arena *a, size_t max);
void arena_close(struct arena *a);
/* Zeroed memory, aligned for any type; NULL where it failed (also for COUNT x SIZE overflow). */
void *arena_alloc(struct arena *a, size_t count, size_t size);
/* NUL-terminated copies, at most LEN bytes of S, and formatted text; NULL where it failed. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
