/* Counts by key: right for as many keys as are promised, bounded beyond. */
#include <criterion/criterion.h>

#include "faults/count.h"

/* Keys are kept apart while the tables grow, in any order of counting. */
Test(count, keys_are_kept_apart)
{
    struct count c;

    cr_assert_eq(count_init(&c), 0);
    for (uint64_t round = 1; round <= 3; round++) {
        for (uint64_t key = 0; key < 20000; key++) {
            cr_assert_eq(count_next(&c, key), round);
        }
    }
    cr_expect_eq(count_next(&c, UINT64_MAX), 1);
    count_close(&c);
}

/* A key in use is remembered however many others come; one that is not is forgotten in the end,
 * and memory stays bounded. */
Test(count, forgets_the_least_recent)
{
    struct count c;
    uint64_t busy = 0;

    cr_assert_eq(count_init(&c), 0);
    cr_expect_eq(count_next(&c, 7), 1);
    for (uint64_t key = 1000; key < 1000 + 3 * COUNT_MAX_KEYS; key++) {
        (void)count_next(&c, key);
        if (key % 1000 == 0) {
            cr_assert_eq(count_next(&c, 1), ++busy);
        }
    }
    cr_expect_eq(count_next(&c, 7), 1, "long unused, counted anew");
    cr_expect_leq(c.young.cap, COUNT_MAX_KEYS);
    cr_expect_leq(c.old.cap, COUNT_MAX_KEYS);
    count_close(&c);
}
