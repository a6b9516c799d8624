/* Which faults meet a request. Happy path: rules are armed into a list for each target, in stage
 * order; a request walks the stages of its target, drops what its operation rules out by one bit,
 * then asks match (where many are armed, once for each question), the gate, and the rule itself
 * (decide.c). Failure modes: arming fails where libfiu does; a decision cannot fail. At most
 * FAULT_MAX_DECISIONS rules meet one request; those behind are neither counted nor told. */
#include "faults/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults/decide.h"
#include "faults/match.h"
#include "faults/memo.h"
#include "faults/point.h"
#include "harness/base/rng.h"

/* More than a scenario may hold. */
#define MAX_RULES 4096
/* From so many armed rules on it pays to remember who meets what. */
#define MEMO_FROM 8

struct armed {
    uint32_t ops;
    struct rule_state *state;
};

/* Everything that is armed on one target, in stage order, then document order. */
struct target {
    const char *name;
    uint32_t ops[STAGE_COUNT]; /* of all that is armed there */
    struct armed *armed;
    size_t begin[STAGE_COUNT + 1]; /* where a stage's rules begin, and where the last one's end */
    size_t count;
    size_t cap; /* the rules that name this target */
    struct memo *memo;
    bool remembers; /* enough is armed for that to pay */
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
        struct target *t = &f->targets[i];

        t->armed = calloc(t->cap, sizeof(struct armed));
        t->memo = t->cap >= MEMO_FROM ? memo_new() : NULL;
        if (!t->armed || (t->cap >= MEMO_FROM && !t->memo)) {
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
        memo_free(f->targets[i].memo);
    }
    free(f->targets);
    free(f->states);
    free(f);
}

/* ---- arming -------------------------------------------------------------------------------- */

static void remember(struct target *t)
{
    t->remembers = t->memo && t->count >= MEMO_FROM;
    if (t->memo) {
        memo_clear(t->memo);
    }
    for (size_t i = 0; i < t->count && t->remembers; i++) {
        const char *header = t->armed[i].state->rule->match.header_name;

        t->remembers = !header || memo_header(t->memo, header);
    }
}

static void relist(struct fault_engine *f, struct target *t)
{
    t->count = 0;
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        t->begin[stage] = t->count;
        t->ops[stage] = 0;
        for (size_t i = 0; i < f->count; i++) {
            struct rule_state *s = &f->states[i];

            if (s->armed && (int)s->rule->kind->stage == stage &&
                strcmp(s->rule->on, t->name) == 0) {
                t->armed[t->count++] = (struct armed){.ops = s->ops, .state = s};
                t->ops[stage] |= s->ops;
            }
        }
    }
    t->begin[STAGE_COUNT] = t->count;
    remember(t);
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

static bool asked(const struct armed *a, const struct fault_facts *facts)
{
    return (a->ops & OP_BIT(facts->op)) && match_asked(a->state->rule, facts);
}

/* The rules that FACTS ask for; NULL where nothing is remembered. */
static const struct memo_answer *recall(const struct target *t, const struct fault_facts *facts)
{
    bool known = false;
    struct memo_answer *answer = t->remembers ? memo_ask(t->memo, facts, &known) : NULL;

    for (size_t i = 0; answer && !known && i < t->count; i++) {
        if (!asked(&t->armed[i], facts)) {
            continue;
        }
        if (answer->count == MEMO_RULES) {
            memo_forget(answer);
            return NULL;
        }
        answer->rule[answer->count++] = (uint16_t)i;
    }
    return answer;
}

static bool meets(const struct armed *a, const struct fault_facts *facts)
{
    return match_shows(a->state->rule, facts) && point_armed(a->state->point);
}

static bool none_acts(const struct target *t, enum op op, enum fault_stage from,
                      enum fault_stage to)
{
    uint32_t ops = 0;

    for (int stage = (int)from; stage <= (int)to; stage++) {
        ops |= t->ops[stage];
    }
    return !(ops & OP_BIT(op));
}

size_t fault_decide(struct fault_engine *f, const struct fault_facts *facts, enum fault_stage from,
                    enum fault_stage to, struct fault_decision out[FAULT_MAX_DECISIONS])
{
    const struct target *t = find_target(f, facts->target);
    size_t n = 0;

    if (!t || none_acts(t, facts->op, from, to)) {
        return 0;
    }
    const struct memo_answer *answer = recall(t, facts);
    size_t end = t->begin[to + 1];
    for (size_t k = answer ? 0 : t->begin[from];
         k < (answer ? answer->count : end) && n < FAULT_MAX_DECISIONS; k++) {
        size_t i = answer ? answer->rule[k] : k;
        const struct armed *a = &t->armed[i];

        if (i >= t->begin[from] && i < end && (answer || asked(a, facts)) && meets(a, facts)) {
            fault_rule_decide(a->state, facts, &out[n++]);
        }
    }
    return n;
}
