/* Golden files: what a test is to make, as it lies in tests/. */
#include "tests/lib/golden.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *golden_read(const char *path, size_t *len)
{
    char *text = malloc(GOLDEN_MAX_BYTES);
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(text);
    cr_assert_not_null(f, "%s is missing", path);
    size_t n = fread(text, 1, GOLDEN_MAX_BYTES, f);
    fclose(f);
    cr_assert_lt(n, GOLDEN_MAX_BYTES, "%s is too large", path);
    text[n] = '\0';
    if (len) {
        *len = n;
    }
    return text;
}

static void update(const char *path, const struct buf *got)
{
    char part[1100];
    snprintf(part, sizeof part, "%s.part", path);
    FILE *f = fopen(part, "wb");
    cr_assert_not_null(f, "%s cannot be written", part);
    cr_assert_eq(fwrite(got->data, 1, got->len, f), got->len);
    cr_assert_eq(fclose(f), 0);
    cr_assert_eq(rename(part, path), 0);
}

void golden_check(const char *path, const struct buf *got)
{
    size_t len, same = 0, line = 1, begin = 0;
    if (getenv("UPDATE_GOLDEN")) {
        update(path, got);
    }
    char *wanted = golden_read(path, &len);
    const char *made = got->data ? got->data : "";
    for (; same < len && same < got->len && wanted[same] == made[same]; same++) {
        if (wanted[same] == '\n') {
            begin = same + 1;
            line++;
        }
    }
    cr_expect(same == len && same == got->len, "%s:%zu:\n  got      %.*s\n  expected %.*s", path,
              line, (int)strcspn(made + begin, "\n"), made + begin,
              (int)strcspn(wanted + begin, "\n"), wanted + begin);
    free(wanted);
}
