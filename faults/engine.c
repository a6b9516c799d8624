/* Which faults meet a request. Happy path: rules are armed into a list for each target, in stage
 * order; a request walks the list of its target, drops what its operation rules out by one bit,
 * then asks match, the gate, and time, skip, every, probability and limit in this order. Every draw
 * is a hash of the decision's own key, so neither the order of requests nor another rule changes
 * it. Failure modes: arming fails where libfiu does; a decision cannot fail. At most
 * FAULT_MAX_DECISIONS rules meet one request; those behind are neither counted nor told. */
#include "faults/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults/count.h"
#include "faults/match.h"
#include "faults/point.h"
#include "harness/base/rng.h"

/* More than a scenario may hold. */
#define MAX_RULES 4096

struct rule_state {
    const struct fault_rule *rule;
    char *point;  /* "primary/agent-deleted" */
    uint64_t key; /* the seed and the rule's name, from which its draws begin */
    uint32_t ops;
    bool armed;
    uint64_t armed_ns;
    uint64_t matched;
    struct count skip, every, limit;
    uint64_t drill_skip, drill_every, drill_limit; /* where counted per drill */
};

struct armed {
    uint32_t ops;
    struct rule_state *state;
};

/* Everything that is armed on one target, in stage order, then document order. */
struct target {
    const char *name;
    uint32_t ops; /* of all that is armed */
    struct armed *armed;
    size_t count;
    size_t cap; /* the rules that name this target */
};

struct fault_engine {
    const struct fault_rule *rules;
    uint64_t seed;
    struct rule_state *states; /* as many as there are rules, in their order */
    size_t count;
    struct target *targets;
    size_t target_count;
};

static struct target *find_target(const struct fault_engine *f, const char *name)
{
    for (size_t i = 0; name && i < f->target_count; i++) {
        if (strcmp(f->targets[i].name, name) == 0) {
            return &f->targets[i];
        }
    }
    return NULL;
}

static struct rule_state *find_state(const struct fault_engine *f, const struct fault_rule *rule)
{
    size_t i = (size_t)(rule - f->rules);

    return i < f->count ? &f->states[i] : NULL;
}

/* ---- building ------------------------------------------------------------------------------ */

static int init_count(struct count *c, const struct fault_count *asked)
{
    return asked->set && asked->per != PER_DRILL ? count_init(c) : 0;
}

static int init_state(struct fault_engine *f, struct rule_state *s, const struct fault_rule *rule)
{
    size_t size = strlen(rule->on) + strlen(rule->name) + 2;

    s->rule = rule;
    s->ops = fault_rule_ops(rule);
    s->key = rng_hash(f->seed, rule->name, strlen(rule->name));
    s->point = malloc(size);
    if (!s->point) {
        return -1;
    }
    (void)snprintf(s->point, size, "%s/%s", rule->on, rule->name);
    if (init_count(&s->skip, &rule->when.skip) != 0 ||
        init_count(&s->every, &rule->when.every) != 0 ||
        init_count(&s->limit, &rule->when.limit) != 0) {
        return -1;
    }
    return 0;
}

static int init_targets(struct fault_engine *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct target *t = find_target(f, f->rules[i].on);

        if (!t) {
            t = &f->targets[f->target_count++];
            t->name = f->rules[i].on;
        }
        t->cap++;
    }
    for (size_t i = 0; i < f->target_count; i++) {
        f->targets[i].armed = calloc(f->targets[i].cap, sizeof(struct armed));
        if (!f->targets[i].armed) {
            return -1;
        }
    }
    return 0;
}

static int init_engine(struct fault_engine *f, const struct fault_rule *rules, size_t count)
{
    f->rules = rules;
    f->states = calloc(count + 1, sizeof(*f->states)); /* never 0 bytes */
    f->targets = calloc(count + 1, sizeof(*f->targets));
    if (!f->states || !f->targets) {
        return -1;
    }
    for (f->count = 0; f->count < count; f->count++) {
        if (init_state(f, &f->states[f->count], &rules[f->count]) != 0) {
            f->count++; /* what it has is freed with the others */
            return -1;
        }
    }
    return init_targets(f);
}

struct fault_engine *fault_engine_new(const struct fault_rule *rules, size_t count, uint64_t seed,
                                      struct err *e)
{
    struct fault_engine *f;

    if (count > MAX_RULES) {
        (void)err_set(e, ERR_LIMIT, "%zu faults are more than the maximum of %d", count, MAX_RULES);
        return NULL;
    }
    f = calloc(1, sizeof(*f));
    if (f) {
        f->seed = seed;
    }
    if (!f || init_engine(f, rules, count) != 0) {
        fault_engine_free(f);
        (void)err_set(e, ERR_NOMEM, "no memory for %zu faults", count);
        return NULL;
    }
    return f;
}

void fault_engine_free(struct fault_engine *f)
{
    if (!f) {
        return;
    }
    for (size_t i = 0; i < f->count; i++) {
        struct rule_state *s = &f->states[i];

        if (s->armed) {
            point_disarm(s->point);
        }
        free(s->point);
        count_close(&s->skip);
        count_close(&s->every);
        count_close(&s->limit);
    }
    for (size_t i = 0; i < f->target_count; i++) {
        free(f->targets[i].armed);
    }
    free(f->targets);
    free(f->states);
    free(f);
}

/* ---- arming -------------------------------------------------------------------------------- */

static void relist(struct fault_engine *f, struct target *t)
{
    t->count = 0;
    t->ops = 0;
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        for (size_t i = 0; i < f->count; i++) {
            struct rule_state *s = &f->states[i];

            if (s->armed && (int)s->rule->kind->stage == stage &&
                strcmp(s->rule->on, t->name) == 0) {
                t->armed[t->count++] = (struct armed){.ops = s->ops, .state = s};
                t->ops |= s->ops;
            }
        }
    }
}

int fault_engine_arm(struct fault_engine *f, const struct fault_rule *rule, uint64_t now_ns,
                     struct err *e)
{
    struct rule_state *s = find_state(f, rule);

    if (!s) {
        return err_set(e, ERR_INTERNAL, "fault \"%s\" is not of this drill", rule->name);
    }
    if (s->armed) {
        return 0;
    }
    if (point_arm(s->point, e) != 0) {
        return err_prefix(e, "arming fault \"%s\"", rule->name);
    }
    s->armed = true;
    s->armed_ns = now_ns;
    relist(f, find_target(f, rule->on));
    return 0;
}

void fault_engine_heal(struct fault_engine *f, const struct fault_rule *rule)
{
    struct rule_state *s = find_state(f, rule);

    if (!s || !s->armed) {
        return;
    }
    point_disarm(s->point);
    s->armed = false;
    relist(f, find_target(f, rule->on));
}

bool fault_engine_armed(const struct fault_engine *f, const struct fault_rule *rule)
{
    const struct rule_state *s = find_state(f, rule);

    return s && s->armed;
}

bool fault_engine_any(const struct fault_engine *f, const char *target)
{
    const struct target *t = find_target(f, target);

    return t && t->count > 0;
}

const struct fault_rule *fault_engine_closes(const struct fault_engine *f, enum fault_kind kind,
                                             const char *target, uint64_t lane)
{
    const struct target *t = find_target(f, target);

    for (size_t i = 0; t && i < t->count; i++) {
        const struct fault_rule *rule = t->armed[i].state->rule;

        if (rule->kind->kind == kind && (!rule->match.lane || rule->match.lane == lane) &&
            point_armed(t->armed[i].state->point)) {
            return rule;
        }
    }
    return NULL;
}

/* ---- deciding ------------------------------------------------------------------------------ */

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

static void decide(struct rule_state *s, const struct fault_facts *facts,
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

size_t fault_decide(struct fault_engine *f, const struct fault_facts *facts, enum fault_stage from,
                    enum fault_stage to, struct fault_decision out[FAULT_MAX_DECISIONS])
{
    const struct target *t = find_target(f, facts->target);
    uint32_t bit = OP_BIT(facts->op);
    size_t n = 0;

    if (!t || !(t->ops & bit)) {
        return 0;
    }
    for (size_t i = 0; i < t->count && n < FAULT_MAX_DECISIONS; i++) {
        const struct armed *a = &t->armed[i];
        enum fault_stage stage;

        if (!(a->ops & bit)) {
            continue;
        }
        stage = a->state->rule->kind->stage;
        if (stage >= from && stage <= to && match_facts(a->state->rule, facts) &&
            point_armed(a->state->point)) {
            decide(a->state, facts, &out[n++]);
        }
    }
    return n;
}
