/* "Did you mean": the optimal string alignment distance, blind to case and to "_" for "-". */
#include <string.h>

#include "harness/base/doc.h"

#define WORD_MAX 64

static char folded(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c == '_' ? '-' : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours; both words are at most WORD_MAX. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t la = strlen(a), lb = strlen(b);

    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t differs = folded(a[i - 1]) != folded(b[j - 1]);

            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + differs);
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                folded(a[i - 2]) == folded(b[j - 1]))
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[la % 3][lb];
}

const char *doc_nearest(const char *word, const void *names, size_t count, size_t stride)
{
    size_t len = strlen(word);
    /* One slip in three letters still looks like the word. */
    size_t best = (len / 3 > 0 ? len / 3 : 1) + 1;
    const char *nearest = NULL;

    if (len > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const char *name = *(const char *const *)((const char *)names + i * stride);
        size_t d;

        if (name == NULL || strlen(name) > WORD_MAX)
            continue;
        d = distance(word, name);
        if (d < best && d < len && d < strlen(name)) {
            best = d;
            nearest = name;
        }
    }
    return nearest;
}
