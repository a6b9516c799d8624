/* JSON a line, changed so that it stays JSON. */
#include "tests/fuzz/lib/lines.h"

#include <stdbool.h>
#include <string.h>

#define MAX_LINES 4096
#define MAX_VALUES 8192
#define N "{\"n\":"

struct piece {
    const char *at;
    size_t len;
};

void lines_renumber(const char *text, size_t len, struct buf *out)
{
    const char *end = text + len;
    for (uint64_t n = 1; text < end; n++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *next = newline != NULL ? newline + 1 : end;
        if ((size_t)(next - text) > strlen(N) && memcmp(text, N, strlen(N)) == 0) {
            text += strlen(N);
            while (text < next && *text >= '0' && *text <= '9') {
                text++;
            }
            buf_str(out, N);
            buf_u64(out, n);
        }
        buf_append(out, text, (size_t)(next - text));
        text = next;
    }
}

static size_t find_lines(const char *text, size_t len, struct piece *lines)
{
    size_t count = 0;
    for (const char *end = text + len; text < end && count < MAX_LINES; count++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *next = newline != NULL ? newline + 1 : end;
        lines[count] = (struct piece){.at = text, .len = (size_t)(next - text)};
        text = next;
    }
    return count;
}

/* A string or a word behind a colon, up to what ends it. */
static size_t value_len(const char *at, const char *end)
{
    const char *from = at;
    if (at < end && *at == '"') {
        for (at++; at < end && *at != '"' && *at != '\n'; at++) {
            at += *at == '\\' && at + 1 < end ? 1 : 0;
        }
        return at < end && *at == '"' ? (size_t)(at + 1 - from) : 0;
    }
    while (at < end && strchr("-+.0123456789abcdefghijklmnopqrstuvwxyzE", *at) != NULL &&
           *at != '\0') {
        at++;
    }
    return (size_t)(at - from);
}

static size_t find_values(const char *text, size_t len, struct piece *values)
{
    size_t count = 0;
    const char *end = text + len;
    for (const char *at = text; at + 1 < end && count < MAX_VALUES; at++) {
        size_t value = *at == ':' && at > text && at[-1] == '"' ? value_len(at + 1, end) : 0;
        if (value > 0) {
            values[count++] = (struct piece){.at = at + 1, .len = value};
            at += value;
        }
    }
    return count;
}

static void mutate_lines(const char *text, size_t len, struct fuzz_dice *dice, struct buf *out)
{
    static struct piece lines[MAX_LINES];
    size_t count = find_lines(text, len, lines);
    size_t from = count > 0 ? fuzz_roll(dice, count) : 0;
    size_t to = count > 0 ? fuzz_roll(dice, count) : 0;
    size_t span = 1 + fuzz_roll(dice, 4);
    bool take_out = fuzz_roll(dice, 2) == 0;
    bool put_in = !take_out || fuzz_roll(dice, 2) == 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = from; put_in && i == to && k < from + span && k < count; k++) {
            buf_append(out, lines[k].at, lines[k].len);
        }
        if (!take_out || i < from || i >= from + span) {
            buf_append(out, lines[i].at, lines[i].len);
        }
    }
}

static void mutate_value(const char *text, size_t len, struct fuzz_dice *dice, struct buf *out)
{
    static const char *const words[] = {"0",
                                        "1",
                                        "-1",
                                        "18446744073709551615",
                                        "9223372036854775807",
                                        "true",
                                        "null",
                                        "\"\"",
                                        "\"<script\"",
                                        "\"</script>\"",
                                        "\"'\\\"><b>\"",
                                        "\"primary\"",
                                        "\"\\u0001\\u2028\"",
                                        "1e308"};
    static struct piece values[MAX_VALUES];
    size_t count = find_values(text, len, values);
    if (count == 0) {
        buf_append(out, text, len);
        return;
    }
    struct piece old = values[fuzz_roll(dice, count)];
    struct piece new = values[fuzz_roll(dice, count)];
    size_t word = fuzz_roll(dice, 3 * sizeof words / sizeof words[0]);
    if (word < sizeof words / sizeof words[0]) {
        new = (struct piece){.at = words[word], .len = strlen(words[word])};
    }
    buf_append(out, text, (size_t)(old.at - text));
    buf_append(out, new.at, new.len);
    buf_append(out, old.at + old.len, len - (size_t)(old.at + old.len - text));
}

size_t lines_mutate(char *text, size_t len, size_t max, struct fuzz_dice *dice)
{
    struct buf now, next;
    size_t rounds = 1 + fuzz_roll(dice, 4);
    buf_init(&now, (size_t)16 << 20);
    buf_append(&now, text, len);
    for (size_t i = 0; i < rounds && now.len > 0; i++) {
        buf_init(&next, (size_t)16 << 20);
        (fuzz_roll(dice, 3) == 0 ? mutate_lines : mutate_value)(now.data, now.len, dice, &next);
        buf_close(&now);
        now = next;
    }
    buf_init(&next, (size_t)16 << 20);
    if (now.len > 0) {
        lines_renumber(now.data, now.len, &next);
    }
    if (!next.failed && next.len > 0 && next.len <= max) {
        memcpy(text, next.data, next.len);
        len = next.len;
    }
    buf_close(&now);
    buf_close(&next);
    return len;
}
