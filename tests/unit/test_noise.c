/* The rule of `compare`: which difference is chance and which is a change. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "harness/verdict/noise.h"

#define MS UINT64_C(1000000)

static struct noise_share share(uint64_t part, uint64_t whole)
{
    return (struct noise_share){part, whole};
}

/* Fisher's exact test, one-sided, against values worked out by hand: C(10,k) over C(20,10)… */
Test(noise, fisher)
{
    cr_expect(fabs(noise_fisher(share(0, 10), share(10, 10)) - 1.0 / 184756) < 1e-12);
    cr_expect(fabs(noise_fisher(share(1, 2), share(2, 2)) - 0.5) < 1e-12);
    cr_expect(fabs(noise_fisher(share(0, 20), share(3, 20)) - 1140.0 / 9880) < 1e-9);
    cr_expect(fabs(noise_fisher(share(3, 20), share(0, 20)) - 1) < 1e-9);
    cr_expect(fabs(noise_fisher(share(0, 0), share(0, 0)) - 1) < 1e-9);
}

/* A share is worse once chance gives it in less than one drill of a hundred, whatever the sizes,
 * and better the other way round. */
Test(noise, shares)
{
    cr_expect_eq(noise_share(share(0, 20), share(0, 20)), NOISE_SAME);
    cr_expect_eq(noise_share(share(0, 20), share(0, 40)), NOISE_SAME);
    cr_expect_eq(noise_share(share(20, 20), share(10, 10)), NOISE_SAME);
    cr_expect_eq(noise_share(share(0, 20), share(5, 20)), NOISE_WITHIN);
    cr_expect_eq(noise_share(share(0, 20), share(7, 20)), NOISE_WORSE);
    cr_expect_eq(noise_share(share(7, 20), share(0, 20)), NOISE_BETTER);
    cr_expect_eq(noise_share(share(10, 20), share(13, 20)), NOISE_WITHIN);
    cr_expect_eq(noise_share(share(0, 1), share(1, 1)), NOISE_WITHIN);
}

/* Numbers that only a broken file holds come to an end. */
Test(noise, huge_shares)
{
    noise_share(share(0, UINT64_MAX), share(UINT64_MAX, 1));
    noise_share(share(UINT64_MAX / 2, UINT64_MAX), share(UINT64_MAX / 3, UINT64_MAX));
    cr_expect_eq(noise_share(share(UINT64_MAX, 8), share(0, 8)), NOISE_BETTER);
    cr_expect_eq(noise_share(share(5, 0), share(7, 0)), NOISE_SAME);
    cr_expect_eq(noise_time(0, UINT64_MAX, UINT64_MAX), NOISE_WITHIN);
}

/* A time is worse when it is longer by half, by 250 ms, and by twenty times the lag: all three. */
Test(noise, times)
{
    cr_expect_eq(noise_time(100 * MS, 351 * MS, 0), NOISE_WORSE);
    cr_expect_eq(noise_time(351 * MS, 100 * MS, 0), NOISE_BETTER);
    cr_expect_eq(noise_time(100 * MS, 349 * MS, 0), NOISE_WITHIN);
    cr_expect_eq(noise_time(1000 * MS, 1499 * MS, 0), NOISE_WITHIN);
    cr_expect_eq(noise_time(1000 * MS, 1501 * MS, 0), NOISE_WORSE);
    cr_expect_eq(noise_time(1000 * MS, 1501 * MS, 24 * MS), NOISE_WORSE);
    cr_expect_eq(noise_time(1000 * MS, 1501 * MS, 26 * MS), NOISE_WITHIN);
    cr_expect_eq(noise_time(1000 * MS, 1090 * MS, 0), NOISE_SAME);
    cr_expect_eq(noise_time(1 * MS, 9 * MS, 0), NOISE_SAME);
    cr_expect_eq(noise_time(10 * MS, 30 * MS, 0), NOISE_WITHIN);
    cr_expect_eq(noise_time(0, 0, 0), NOISE_SAME);
}

/* A mean is worse when it grew by a tenth and by half an attempt. */
Test(noise, means)
{
    cr_expect_eq(noise_mean(1, 1.49), NOISE_WITHIN);
    cr_expect_eq(noise_mean(1, 1.51), NOISE_WORSE);
    cr_expect_eq(noise_mean(1.51, 1), NOISE_BETTER);
    cr_expect_eq(noise_mean(20, 21.9), NOISE_WITHIN);
    cr_expect_eq(noise_mean(20, 22.1), NOISE_WORSE);
    cr_expect_eq(noise_mean(0, 1), NOISE_WORSE);
    cr_expect_eq(noise_mean(3, 3.001), NOISE_SAME);
}

/* Percentiles need samples; the rule in words names the same numbers, in short lines. */
Test(noise, words)
{
    struct buf out;
    size_t line = 0;
    buf_init(&out, 8192);
    noise_rule("  ", &out);
    cr_assert_not(out.failed);
    cr_expect_eq(noise_samples(50), 5);
    cr_expect_eq(noise_samples(95), 20);
    cr_expect_eq(noise_samples(99), 100);
    cr_expect_eq(noise_samples(42), UINT64_MAX);
    cr_expect_not_null(strstr(out.data, "need 5, 20 and\n  100 samples"));
    cr_expect_not_null(
        strstr(out.data, "1.5 times as long, by more than 250 ms and by more than 20 times"));
    cr_expect_not_null(strstr(out.data, "less than 1%"));
    for (const char *p = out.data; *p != '\0'; p += line + 1) {
        line = strcspn(p, "\n");
        cr_expect_leq(line, 80, "%.*s", (int)line, p);
        cr_expect_eq(strncmp(p, "  ", 2), 0);
    }
    buf_close(&out);
}
