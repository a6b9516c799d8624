/* A rule that is armed, what it has counted, and whether it fires. */
#ifndef PULLDRILL_FAULTS_DECIDE_H
#define PULLDRILL_FAULTS_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "faults/count.h"
#include "faults/engine.h"

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

/* FACTS meet the rule of S: counts that, and says whether it fires and what it then does. */
void fault_rule_decide(struct rule_state *s, const struct fault_facts *facts,
                       struct fault_decision *out);

#endif
