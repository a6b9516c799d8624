/* Which registry is asked next: the whole policy of a start, without any I/O.
 *
 * Under `failover` every start begins at the primary. What is found out quickly is tried again on
 * the same registry, up to its attempts; what costs time, or what the registry will not change its
 * mind about, falls back at once. A registry that failed an object goes to the back of the order
 * for the rest of the start, so that later objects ask the good one first. When all have failed an
 * object they are asked again, a bounded number of rounds, except those that refused it. */
#ifndef PULLDRILL_SUBJECT_PULL_ORDER_H
#define PULLDRILL_SUBJECT_PULL_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "scenarios/subjects/lib/pull_failure.h"

#define PULL_MAX_REGISTRIES 8
#define PULL_MAX_ATTEMPTS 100u
#define PULL_MAX_ROUNDS 3u

enum pull_policy {
    PULL_NAIVE,    /* one attempt at the primary */
    PULL_RETRY,    /* the primary alone, every failure retried with back-off */
    PULL_FAILOVER, /* as said above */
};

/* The order of a whole start. */
struct pull_order {
    enum pull_policy policy;
    size_t count;      /* registries in use; number 0 is the primary */
    unsigned attempts; /* at one object on one registry in one round */
    unsigned rounds;
    size_t rank[PULL_MAX_REGISTRIES]; /* the registry asked first comes first */
};

/* Where one object stands. */
struct pull_turn {
    unsigned tries[PULL_MAX_REGISTRIES]; /* in this round */
    bool spent[PULL_MAX_REGISTRIES];     /* not to be asked again in this round */
    bool refused[PULL_MAX_REGISTRIES];   /* not to be asked again at all */
    unsigned round;                      /* from 0 */
};

enum pull_step {
    PULL_AGAIN,     /* the same registry, after a back-off */
    PULL_FALL_BACK, /* the next registry, at once */
    PULL_NEW_ROUND, /* from the front, after a back-off */
    PULL_GIVE_UP,
};

/* ATTEMPTS 0 takes the policy's own number. COUNT is at least 1. */
void pull_order_init(struct pull_order *o, enum pull_policy policy, size_t count,
                     unsigned attempts);
void pull_turn_init(struct pull_turn *t);
/* The registry to ask now. Valid until pull_turn_failed says PULL_GIVE_UP. */
size_t pull_turn_registry(const struct pull_order *o, const struct pull_turn *t);
/* The registry asked has failed so: what to do next. */
enum pull_step pull_turn_failed(struct pull_order *o, struct pull_turn *t,
                                enum pull_failure_kind kind);
/* How often the back-off before the next attempt has been doubled: a registry's own tries count, so
 * that a failover does not wait longer for what the primary did. */
unsigned pull_turn_exponent(const struct pull_order *o, const struct pull_turn *t);

#endif
