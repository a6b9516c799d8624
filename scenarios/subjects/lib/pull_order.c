/* The order of registries; see the header for the rules. */
#include "scenarios/subjects/lib/pull_order.h"

#include <string.h>

static unsigned own_attempts(enum pull_policy policy)
{
    switch (policy) {
    case PULL_NAIVE:
        return 1;
    case PULL_RETRY:
        return 10;
    case PULL_FAILOVER:
        break;
    }
    return 2;
}

void pull_order_init(struct pull_order *o, enum pull_policy policy, size_t count, unsigned attempts)
{
    memset(o, 0, sizeof(*o));
    o->policy = policy;
    o->count = policy == PULL_FAILOVER ? count : 1;
    o->attempts = attempts != 0 && policy != PULL_NAIVE ? attempts : own_attempts(policy);
    o->rounds = policy == PULL_FAILOVER ? PULL_MAX_ROUNDS : 1;
    for (size_t i = 0; i < o->count; i++)
        o->rank[i] = i;
}

void pull_turn_init(struct pull_turn *t)
{
    memset(t, 0, sizeof(*t));
}

/* The place in the order of the registry to ask; COUNT where all are spent. */
static size_t next_place(const struct pull_order *o, const struct pull_turn *t)
{
    size_t place = 0;

    while (place < o->count && (t->spent[o->rank[place]] || t->refused[o->rank[place]]))
        place++;
    return place;
}

size_t pull_turn_registry(const struct pull_order *o, const struct pull_turn *t)
{
    const size_t place = next_place(o, t);

    return o->rank[place < o->count ? place : 0];
}

static bool worth_again(const struct pull_order *o, enum pull_failure_kind kind, unsigned tries)
{
    if (tries >= o->attempts)
        return false;
    return o->policy == PULL_RETRY || kind == PULL_BROKEN;
}

static void move_to_back(struct pull_order *o, size_t place)
{
    const size_t registry = o->rank[place];

    memmove(&o->rank[place], &o->rank[place + 1], (o->count - place - 1) * sizeof(o->rank[0]));
    o->rank[o->count - 1] = registry;
}

/* Opens the next round for the registries that did not refuse; false where there is none left. */
static bool new_round(const struct pull_order *o, struct pull_turn *t)
{
    if (++t->round >= o->rounds)
        return false;
    memset(t->spent, 0, sizeof(t->spent));
    memset(t->tries, 0, sizeof(t->tries));
    return next_place(o, t) < o->count;
}

enum pull_step pull_turn_failed(struct pull_order *o, struct pull_turn *t,
                                enum pull_failure_kind kind)
{
    const size_t place = next_place(o, t);

    if (place >= o->count || kind == PULL_FATAL)
        return PULL_GIVE_UP;
    if (worth_again(o, kind, ++t->tries[o->rank[place]]))
        return PULL_AGAIN;
    t->spent[o->rank[place]] = true;
    t->refused[o->rank[place]] = kind == PULL_REFUSES;
    move_to_back(o, place);
    if (next_place(o, t) < o->count)
        return PULL_FALL_BACK;
    return new_round(o, t) ? PULL_NEW_ROUND : PULL_GIVE_UP;
}

unsigned pull_turn_exponent(const struct pull_order *o, const struct pull_turn *t)
{
    return t->round * o->attempts + t->tries[pull_turn_registry(o, t)];
}
