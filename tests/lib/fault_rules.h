/* Rules for tests, read from JSON with ' for " so that a test shows what a scenario would say. */
#ifndef PULLDRILL_TESTS_LIB_FAULT_RULES_H
#define PULLDRILL_TESTS_LIB_FAULT_RULES_H

#include "faults/engine.h"

#define FAULT_RULES_MAX 128

struct fault_rules {
    struct arena arena;
    struct doc doc;
    struct fault_rule rule[FAULT_RULES_MAX];
    size_t count;
    struct fault_engine *engine;
};

/* Reads the members of the object TEXT as rules. -1: E says why; nothing is left allocated. */
int fault_rules_read(struct fault_rules *r, const char *text, struct err *e);
/* Reads them and arms them all at time 0, in an engine with SEED; fails the test where it cannot.
 */
void fault_rules_open(struct fault_rules *r, const char *text, uint64_t seed);
void fault_rules_close(struct fault_rules *r);
/* A GET of ci/agent:stable at "primary", the first of START, on lane 1; body and status known. */
struct fault_facts fault_rules_facts(uint64_t start);
/* How many rules met FACTS, of those of all stages; FIRED gets how many of them fired. */
size_t fault_rules_meet(struct fault_rules *r, const struct fault_facts *facts, size_t *fired);
/* Whether any rule that met FACTS fired. */
bool fault_rules_fire(struct fault_rules *r, const struct fault_facts *facts);

#endif
