/* Whether a rule that a request meets fires, and what it does. Time, skip, every, probability and
 * limit are asked in this order. Every draw is a hash of the decision's own key, so neither the
 * order of requests nor another rule changes it. Nothing here can fail. */
#include "faults/decide.h"

#include <string.h>

#include "harness/base/rng.h"

/* What a draw is for: each has a stream of its own. */
enum draw { DRAW_PROBABILITY, DRAW_JITTER, DRAW_BIT };

static uint64_t mix_text(uint64_t h, const char *s)
{
    return rng_hash(h, s ? s : "", s ? strlen(s) : 0);
}

static uint64_t mix_number(uint64_t h, uint64_t n)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(n >> (8 * i));
    }
    return rng_hash(h, bytes, sizeof(bytes));
}

/* Each field is hashed under the hash of those before it, so that "a","bc" and "ab","c" differ
 * without a buffer that a long name could overrun. The operation goes in by name: numbers of an
 * enum change between versions, and a replay must not. */
static uint64_t draw(const struct rule_state *s, const struct fault_facts *facts, uint64_t nth,
                     enum draw what)
{
    uint64_t h = mix_text(s->key, op_name(facts->op));

    h = mix_text(h, facts->repository);
    h = mix_text(h, facts->reference);
    h = mix_number(h, facts->start);
    h = mix_number(h, nth);
    return mix_number(h, what);
}

/* Counts once more in the scope that ASKED names. Requests without a start share one scope. */
static uint64_t next_count(struct count *c, uint64_t *drill, const struct fault_count *asked,
                           const struct fault_facts *facts)
{
    switch (asked->per) {
    case PER_START:
        return count_next(c, facts->start);
    case PER_CONNECTION:
        return count_next(c, facts->connection);
    case PER_CLIENT:
        return count_next(c, mix_text(0, facts->client));
    default:
        return ++*drill;
    }
}

/* How long RULE has been acting: false outside its time. */
static bool in_time(const struct rule_state *s, uint64_t now_ns, uint64_t *acting_ns)
{
    const struct fault_when *when = &s->rule->when;
    uint64_t since = now_ns > s->armed_ns ? now_ns - s->armed_ns : 0;

    if (since < when->after_ns) {
        return false;
    }
    *acting_ns = since - when->after_ns;
    return when->for_ns == 0 || *acting_ns < when->for_ns;
}

static bool drawn(const struct rule_state *s, const struct fault_facts *facts, uint64_t nth,
                  uint64_t acting_ns)
{
    const struct fault_when *when = &s->rule->when;
    double p = when->probability;

    if (!when->has_probability) {
        return true;
    }
    if (acting_ns < when->ramp_ns) {
        p *= (double)acting_ns / (double)when->ramp_ns;
    }
    return rng_unit(draw(s, facts, nth, DRAW_PROBABILITY)) < p;
}

/* Each step sees only what the one before let through, and counts only that. */
static bool fires(struct rule_state *s, const struct fault_facts *facts, uint64_t nth)
{
    const struct fault_when *when = &s->rule->when;
    uint64_t acting_ns = 0;

    if (!in_time(s, facts->now_ns, &acting_ns)) {
        return false;
    }
    if (when->skip.set &&
        next_count(&s->skip, &s->drill_skip, &when->skip, facts) <= when->skip.n) {
        return false;
    }
    if (when->every.set && when->every.n > 0 &&
        next_count(&s->every, &s->drill_every, &when->every, facts) % when->every.n != 0) {
        return false;
    }
    if (!drawn(s, facts, nth, acting_ns)) {
        return false;
    }
    return !when->limit.set ||
           next_count(&s->limit, &s->drill_limit, &when->limit, facts) <= when->limit.n;
}

/* DELAY moved by up to JITTER either way, never below 0. */
static uint64_t jittered(uint64_t delay, uint64_t jitter, double unit)
{
    uint64_t shift = (uint64_t)((double)jitter * 2 * unit);

    if (delay + shift < jitter) {
        return 0;
    }
    return delay + shift - jitter;
}

static void resolve_corrupt(struct fault_action *a, const struct fault_facts *facts, uint64_t hash)
{
    const struct fault_value *offset = &a->rule->param[PARAM_OFFSET];
    const struct fault_value *bytes = &a->rule->param[PARAM_BYTES];
    uint64_t room;

    a->offset = offset->set ? offset->number : facts->body_bytes / 2;
    room = facts->body_bytes - a->offset;
    a->bytes = bytes->set ? bytes->number : 1;
    a->bytes = a->bytes < room ? a->bytes : room;
    a->flip = (uint8_t)(1u << (hash & 7));
}

static void resolve(const struct rule_state *s, const struct fault_facts *facts, uint64_t nth,
                    struct fault_action *a)
{
    const struct fault_value *param = s->rule->param;

    *a = (struct fault_action){.rule = s->rule};
    switch (s->rule->kind->kind) {
    case FAULT_LATENCY:
    case FAULT_DNS_SLOW:
        a->delay_ns = param[PARAM_DELAY].number;
        if (param[PARAM_JITTER].number > 0) {
            a->delay_ns = jittered(a->delay_ns, param[PARAM_JITTER].number,
                                   rng_unit(draw(s, facts, nth, DRAW_JITTER)));
        }
        break;
    case FAULT_STALL:
    case FAULT_CLOSE:
    case FAULT_RESET:
    case FAULT_TRUNCATE:
        a->before_head = !param[PARAM_AFTER_BYTES].set;
        a->after_bytes = param[PARAM_AFTER_BYTES].number;
        break;
    case FAULT_NETWORK_LATE:
        a->delay_ns = param[PARAM_FOR].number;
        break;
    case FAULT_CORRUPT:
        resolve_corrupt(a, facts, draw(s, facts, nth, DRAW_BIT));
        break;
    default:
        break;
    }
}

void fault_rule_decide(struct rule_state *s, const struct fault_facts *facts,
                       struct fault_decision *out)
{
    uint64_t nth = ++s->matched;

    if (facts->start != 0) {
        nth = facts->nth;
    }
    *out = (struct fault_decision){.rule = s->rule, .nth = nth};
    out->fired = fires(s, facts, nth);
    resolve(s, facts, nth, &out->action);
}
