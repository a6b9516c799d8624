/* Whether a rule meets a request: its match, and whether its action could show. Pure. */
#ifndef PULLDRILL_FAULTS_MATCH_H
#define PULLDRILL_FAULTS_MATCH_H

#include <stdbool.h>

#include "faults/engine.h"

/* Whether FACTS ask what RULE's match names; all but the operation, which the engine has sorted out
 * by fault_rule_ops. Told by lane, repository, reference, digest, path and headers alone. */
bool match_asked(const struct fault_rule *rule, const struct fault_facts *facts);
/* A fault that could not show must not count as fired: a drill would pass on nothing. */
bool match_shows(const struct fault_rule *rule, const struct fault_facts *facts);

#endif
