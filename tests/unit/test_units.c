/* Durations, sizes and shares: what is taken, what is refused, and how they are written. */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/base/units.h"

struct good {
    const char *text;
    uint64_t value;
};

/* Every unit is read exactly, with fractions where they come out whole. */
Test(units, durations_are_read)
{
    static const struct good cases[] = {
        {"250ms", 250000000},
        {"5s", 5000000000},
        {"1.5s", 1500000000},
        {"15m", 900000000000},
        {"2h", 7200000000000},
        {"10us", 10000},
        {"7ns", 7},
        {"0s", 0},
        {"0.000001s", 1000},
        {"0.100000s", 100000000},
        {"5124095h", UINT64_C(18446742000000000000)},
        {"18446744073709551615ns", UINT64_MAX},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t ns = 1;

        cr_assert_eq(units_duration(cases[i].text, &ns), 0, "%s", cases[i].text);
        cr_assert_eq(ns, cases[i].value, "%s is %llu", cases[i].text, (unsigned long long)ns);
    }
}

/* What is no duration is refused and leaves the result alone. */
Test(units, durations_are_refused)
{
    static const char *const cases[] = {
        "",
        "5",
        "s",
        "-5s",
        "+5s",
        " 5s",
        "5s ",
        "5 s",
        "5S",
        "5sec",
        "5.s",
        ".5s",
        "1e3s",
        "0x5s",
        "1.2.3s",
        "5s\n",
        "5ms5",
        "1,5s",
        "inf",
        "nan",
        "0.5ns",
        "1.0000001s",
        "5124096h",
        "18446744073709551616ns",
        "99999999999999999999999999999999s",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t ns = 77;

        cr_assert_eq(units_duration(cases[i], &ns), -1, "\"%s\"", cases[i]);
        cr_assert_eq(ns, 77);
    }
}

/* Sizes know both families of units, and keep them apart. */
Test(units, sizes)
{
    static const struct good cases[] = {
        {"0B", 0},          {"512B", 512},        {"64KiB", 65536},
        {"1MiB", 1048576},  {"4GiB", 4294967296}, {"1kB", 1000},
        {"2MB", 2000000},   {"3GB", 3000000000},  {"1.5KiB", 1536},
        {"0.5MiB", 524288}, {"1.25MB", 1250000},
    };
    static const char *const bad[] = {"64",  "64K", "64kib",          "64KB", "1.5B", "0.3KiB",
                                      "-1B", "",    "17179869184GiB", "1TiB", "5s"};
    uint64_t bytes;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_assert_eq(units_size(cases[i].text, &bytes), 0, "%s", cases[i].text);
        cr_assert_eq(bytes, cases[i].value, "%s", cases[i].text);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_eq(units_size(bad[i], &bytes), -1, "\"%s\"", bad[i]);
}

/* A share ends at the whole. */
Test(units, shares)
{
    static const char *const bad[] = {"",     "50",   "%",    "-1%", "101%",       "100.1%",
                                      "1e1%", "50 %", "50%%", "0.5", "100.000001%"};
    double share;

    cr_assert_eq(units_share("100%", &share), 0);
    cr_assert_eq(share, 1.0);
    cr_assert_eq(units_share("12.5%", &share), 0);
    cr_assert_eq(share, 0.125);
    cr_assert_eq(units_share("0%", &share), 0);
    cr_assert_eq(share, 0.0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_eq(units_share(bad[i], &share), -1, "\"%s\"", bad[i]);
}

/* Durations are written with three digits at most, rounding over into the next unit. */
Test(units, duration_texts)
{
    static const struct good cases[] = {
        {"0s", 0},
        {"1ns", 1},
        {"999ns", 999},
        {"1us", 1000},
        {"1.25s", 1250000000},
        {"340ms", 340000000},
        {"340ms", 340499999},
        {"341ms", 340500000},
        {"12.3ms", 12345678},
        {"1s", 999999999},
        {"999ms", 999499999},
        {"10s", 9999999999},
        {"1m", 59999999999},
        {"1.5m", 90000000000},
        {"15m", 900000000000},
        {"2h", 7200000000000},
        {"5124096h", UINT64_MAX},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[32];

        units_duration_text(cases[i].value, text);
        cr_assert_str_eq(text, cases[i].text);
    }
}

/* Sizes are written by 1024. */
Test(units, size_texts)
{
    static const struct good cases[] = {
        {"0B", 0},         {"1000B", 1000},      {"1KiB", 1024},
        {"64KiB", 65536},  {"1.46KiB", 1500},    {"1MiB", 1048575},
        {"1MiB", 1048576}, {"4GiB", 4294967296}, {"17179869184GiB", UINT64_MAX},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[32];

        units_size_text(cases[i].value, text);
        cr_assert_str_eq(text, cases[i].text);
    }
}

static void check_share(double share, const char *expected)
{
    char text[32];

    units_share_text(share, text);
    cr_assert_str_eq(text, expected);
}

/* Nearly all is never written as all, nor hardly any as none. */
Test(units, share_texts)
{
    check_share(1, "100%");
    check_share(0.125, "12.5%");
    check_share(0.5, "50%");
    check_share(0.99996, "99.9%");
    check_share(0, "0%");
    check_share(0.0000001, "0.01%");
    check_share(0.0333333, "3.33%");
    check_share(-1, "0%");
    check_share(0.0 / 0.0, "0%");
    check_share(2.5, "250%");
}
