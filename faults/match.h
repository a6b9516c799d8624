/* Whether a rule meets a request: its match, and whether its action could show. Pure. */
#ifndef PULLDRILL_FAULTS_MATCH_H
#define PULLDRILL_FAULTS_MATCH_H

#include <stdbool.h>

#include "faults/engine.h"

/* All but the operation, which the engine has sorted out by fault_rule_ops. */
bool match_facts(const struct fault_rule *rule, const struct fault_facts *facts);

#endif
