/* Texts by number: an open-addressed table, at most half full. */
#include "reports/web/strings.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS ((size_t)1024)

static uint64_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text != '\0'; text++) {
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    }
    return h ^ h >> 29;
}

/* The slot that holds TEXT, or the empty one where it belongs. */
static uint32_t *slot_of(const struct strings *s, const char *text)
{
    size_t at = (size_t)hash(text) & (s->slot_count - 1);
    while (s->slots[at] != 0 && strcmp(s->text[s->slots[at]], text) != 0) {
        at = (at + 1) & (s->slot_count - 1);
    }
    return &s->slots[at];
}

static bool grow_slots(struct strings *s)
{
    size_t count = s->slot_count == 0 ? FIRST_SLOTS : s->slot_count * 2;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    free(s->slots);
    s->slots = slots;
    s->slot_count = count;
    for (size_t i = 1; i <= s->count; i++) {
        *slot_of(s, s->text[i]) = (uint32_t)i;
    }
    return true;
}

static bool make_room(struct strings *s)
{
    if (s->count >= STRINGS_MAX) {
        return false;
    }
    if (s->count + 1 >= s->cap) {
        size_t cap = s->cap == 0 ? FIRST_SLOTS : s->cap * 2;
        const char **text = realloc(s->text, cap * sizeof *text);
        if (text == NULL) {
            return false;
        }
        s->text = text;
        s->cap = cap;
    }
    return s->count * 2 < s->slot_count || grow_slots(s);
}

size_t strings_number(struct strings *s, const char *text)
{
    if (text == NULL || text[0] == '\0' || s->failed) {
        return 0;
    }
    if (!make_room(s)) {
        s->failed = true;
        return 0;
    }
    uint32_t *slot = slot_of(s, text);
    if (*slot == 0) {
        s->text[++s->count] = text;
        *slot = (uint32_t)s->count;
    }
    return *slot;
}

void strings_close(struct strings *s)
{
    free(s->text);
    free(s->slots);
    *s = (struct strings){0};
}
