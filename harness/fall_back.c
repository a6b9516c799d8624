/* How a start came by its image when the primary is in trouble, and how long falling back took. */
#include "harness/fall_back.h"

/* When the first useful byte came from a failover; 0: none did. */
static uint64_t useful_ns(const struct plan *plan, const struct pull_start *start)
{
    uint64_t first = 0;
    for (size_t i = 0; i < plan->scenario->registry_count; i++) {
        uint64_t ns = start->registries[i].useful_ns;
        bool failover = plan->scenario->registries[i].role == ROLE_FAILOVER;
        if (failover && ns > 0 && (first == 0 || ns < first)) {
            first = ns;
        }
    }
    return first;
}

enum fall_back fall_back_of(const struct plan *plan, const struct pull_start *start, uint64_t *ns)
{
    const struct pull_registry *primary = &start->registries[plan->scenario->primary];
    uint64_t useful = useful_ns(plan, start);
    bool worked = start->outcome == OUTCOME_WORKED;
    if (primary->first_event == 0) {
        return worked && start->label == PULL_NONE ? FALL_BACK_NONE : FALL_BACK_UNCONTACTED;
    }
    if (useful > 0) {
        *ns = useful >= primary->first_ns ? useful - primary->first_ns : 0;
        return useful >= primary->first_ns ? FALL_BACK_TIMED : FALL_BACK_UNCONTACTED;
    }
    if (!worked) {
        return primary->trouble_event > 0 || primary->failed > 0 ? FALL_BACK_STUCK : FALL_BACK_NONE;
    }
    return start->label == PULL_FELL_BACK || start->label == PULL_MIXED ? FALL_BACK_UNTIMED
                                                                        : FALL_BACK_NONE;
}
