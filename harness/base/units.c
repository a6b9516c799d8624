/* Durations, sizes and shares in exact integer arithmetic: what is written is what is meant. */
#include "harness/base/units.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* More digits behind the point would overflow the product with an hour. */
#define FRACTION_DIGITS 6

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first, which is the order that writing tries them in. */
static const struct unit durations[] = {
    {"h", UINT64_C(3600000000000)}, {"m", UINT64_C(60000000000)}, {"s", UINT64_C(1000000000)},
    {"ms", UINT64_C(1000000)},      {"us", UINT64_C(1000)},       {"ns", UINT64_C(1)},
};
static const struct unit sizes[] = {
    {"GiB", UINT64_C(1) << 30}, {"MiB", UINT64_C(1) << 20},   {"KiB", UINT64_C(1) << 10},
    {"B", UINT64_C(1)},         {"GB", UINT64_C(1000000000)}, {"MB", UINT64_C(1000000)},
    {"kB", UINT64_C(1000)},
};
/* The first of the sizes, those by 1024, are the ones that are written. */
#define SIZES_WRITTEN 4

/* "WHOLE.FRACTION" with SCALE = 10 to the number of fraction digits. */
struct number {
    uint64_t whole;
    uint64_t fraction;
    uint64_t scale;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads digits, and a fraction where a point follows; returns what comes behind, or NULL. */
static const char *read_number(const char *s, struct number *out)
{
    *out = (struct number){.scale = 1};
    if (!is_digit(*s))
        return NULL;
    for (; is_digit(*s); s++)
        if (__builtin_mul_overflow(out->whole, UINT64_C(10), &out->whole) ||
            __builtin_add_overflow(out->whole, (uint64_t)(*s - '0'), &out->whole))
            return NULL;
    if (*s != '.')
        return s;
    s++;
    if (!is_digit(*s))
        return NULL;
    for (int digits = 0; is_digit(*s); s++, digits++) {
        if (digits == FRACTION_DIGITS)
            return NULL;
        out->fraction = out->fraction * 10 + (uint64_t)(*s - '0');
        out->scale *= 10;
    }
    return s;
}

/* NUMBER x FACTOR; refuses overflow and what is no whole number of the smallest unit. */
static int multiply(const struct number *n, uint64_t factor, uint64_t *out)
{
    uint64_t product;

    if (n->fraction * factor % n->scale != 0 ||
        __builtin_mul_overflow(n->whole, factor, &product) ||
        __builtin_add_overflow(product, n->fraction * factor / n->scale, &product))
        return -1;
    *out = product;
    return 0;
}

static int parse(const char *s, const struct unit *units, size_t count, uint64_t *out)
{
    struct number n;
    const char *name = read_number(s, &n);

    for (size_t i = 0; name != NULL && i < count; i++)
        if (strcmp(name, units[i].name) == 0)
            return multiply(&n, units[i].factor, out);
    return -1;
}

int units_duration(const char *s, uint64_t *out_ns)
{
    return parse(s, durations, sizeof(durations) / sizeof(durations[0]), out_ns);
}

int units_size(const char *s, uint64_t *out_bytes)
{
    return parse(s, sizes, sizeof(sizes) / sizeof(sizes[0]), out_bytes);
}

int units_share(const char *s, double *out)
{
    struct number n;
    const char *name = read_number(s, &n);

    if (name == NULL || strcmp(name, "%") != 0 || n.whole > 100 ||
        (n.whole == 100 && n.fraction > 0))
        return -1;
    *out = (double)(n.whole * n.scale + n.fraction) / (double)(100 * n.scale);
    return 0;
}

const char *units_duration_unit(size_t i)
{
    return i < sizeof(durations) / sizeof(durations[0]) ? durations[i].name : NULL;
}

const char *units_size_unit(size_t i)
{
    return i < sizeof(sizes) / sizeof(sizes[0]) ? sizes[i].name : NULL;
}

/* N / 10^DECIMALS without trailing zeros, and the unit. */
static void write_decimal(uint64_t n, int decimals, const char *unit, char text[32])
{
    uint64_t scale = 1;

    while (decimals > 0 && n % 10 == 0) {
        n /= 10;
        decimals--;
    }
    for (int i = 0; i < decimals; i++)
        scale *= 10;
    if (decimals == 0)
        (void)snprintf(text, 32, "%" PRIu64 "%s", n, unit);
    else
        (void)snprintf(text, 32, "%" PRIu64 ".%0*" PRIu64 "%s", n / scale, decimals, n % scale,
                       unit);
}

static void write_units(uint64_t v, const struct unit *units, size_t count, char text[32])
{
    size_t i = 0;

    while (i + 1 < count && v < units[i].factor)
        i++;
    for (;; i--) {
        uint64_t factor = units[i].factor, whole = v / factor, scale, n;
        int decimals = whole >= 100 ? 0 : whole >= 10 ? 1 : 2;

        scale = decimals == 0 ? 1 : decimals == 1 ? 10 : 100;
        n = whole * scale + (v % factor * scale + factor / 2) / factor;
        /* 999.9ms is rounded to 1s, not to 1000ms. */
        if (i == 0 || n / scale < units[i - 1].factor / factor) {
            write_decimal(n, decimals, units[i].name, text);
            return;
        }
    }
}

void units_duration_text(uint64_t ns, char text[32])
{
    if (ns == 0)
        (void)snprintf(text, 32, "0s");
    else
        write_units(ns, durations, sizeof(durations) / sizeof(durations[0]), text);
}

void units_size_text(uint64_t bytes, char text[32])
{
    write_units(bytes, sizes, SIZES_WRITTEN, text);
}

void units_share_text(double share, char text[32])
{
    double percent = share * 100;
    int decimals = percent >= 100 ? 0 : percent >= 10 ? 1 : 2;
    double scale = decimals == 0 ? 1 : decimals == 1 ? 10 : 100;
    uint64_t n;

    if (!(share > 0)) {
        (void)snprintf(text, 32, "0%%");
        return;
    }
    n = share > 1e9 ? UINT64_C(100000000000) : (uint64_t)(percent * scale + 0.5);
    /* "almost all" must not read as all, nor "hardly any" as none. */
    if (share < 1 && (double)n >= 100 * scale)
        n = (uint64_t)(100 * scale) - 1;
    if (n == 0)
        n = 1;
    write_decimal(n, decimals, "%", text);
}
