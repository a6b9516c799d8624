/* decide(state, facts) -> (state', actions): which faults meet a request. Pure but for the gate. */
#ifndef PULLDRILL_FAULTS_ENGINE_H
#define PULLDRILL_FAULTS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults/rule.h"
#include "harness/base/err.h"
#include "harness/history/op.h"

/* What is known of a request when a stage is reached. All strings are borrowed and may be NULL. */
struct fault_facts {
    const char *target; /* what the request reached: "primary", "primary/blobs" */
    enum op op;
    const char *repository;
    const char *reference; /* tag or digest as asked */
    const char *digest;    /* the asked digest, or what the tag stands for in the unbroken store */
    const char *path;
    /* The value of a request header, for `match.header`; NULL where it was not sent. */
    const char *(*header)(const void *data, const char *name);
    const void *header_data;
    uint64_t lane;
    uint64_t start; /* 0: none; the key then takes ORDINAL's place from the rule's own count */
    uint64_t nth;   /* the n-th time this start asked this op and reference here, from 1 */
    uint64_t connection;
    const char *client; /* peer address without port */
    uint64_t now_ns;
    /* Known from STAGE_RESPONSE on; 0 before. BODY_BYTES is what would follow the head (0 for
     * HEAD). */
    unsigned status;
    uint64_t body_bytes;
};

/* What to do. Times and offsets are resolved (jitter drawn, the middle of the body computed). */
struct fault_action {
    const struct fault_rule *rule;
    uint64_t delay_ns; /* latency, dns-slow, network-late */
    bool before_head;  /* stall, reset, close: before the head; else after AFTER_BYTES of body */
    uint64_t after_bytes;
    uint64_t offset; /* corrupt */
    uint64_t bytes;
    uint8_t flip; /* corrupt: the bits to flip in each of BYTES */
};

struct fault_decision {
    const struct fault_rule *rule;
    bool fired;
    uint64_t nth; /* of the decision's key: the facts' own, or the ordinal of the match */
    struct fault_action action;
};

#define FAULT_MAX_DECISIONS 32

struct fault_engine;

/* An engine over COUNT rules (borrowed, they outlive it). None is armed. */
struct fault_engine *fault_engine_new(const struct fault_rule *rules, size_t count, uint64_t seed,
                                      struct err *e);
void fault_engine_free(struct fault_engine *f);

/* Arms RULE from NOW_NS on, through its point (`primary/agent-deleted`). Arming an armed rule does
 * nothing: its counters go on. Re-arming a healed one keeps its counters and restarts its clock. */
int fault_engine_arm(struct fault_engine *f, const struct fault_rule *rule, uint64_t now_ns,
                     struct err *e);
void fault_engine_heal(struct fault_engine *f, const struct fault_rule *rule);
bool fault_engine_armed(const struct fault_engine *f, const struct fault_rule *rule);
/* Whether a target has any armed rule, so that a caller may skip the facts. */
bool fault_engine_any(const struct fault_engine *f, const char *target);

/* Decides every armed rule of FACTS->target whose stage is FROM..TO and that matches FACTS, in
 * stage order, then document order. Each rule that matches yields one decision, fired or not. A
 * rule whose action could not show (a cut past the end of the body, any body fault on HEAD) does
 * not match. Returns how many were written to OUT (at most FAULT_MAX_DECISIONS). The decision
 * depends on (seed, rule name, start, op, reference, nth) for probability and jitter, and on the
 * rule's own counters for skip, every and limit. */
size_t fault_decide(struct fault_engine *f, const struct fault_facts *facts, enum fault_stage from,
                    enum fault_stage to, struct fault_decision out[FAULT_MAX_DECISIONS]);

/* The armed rule of KIND (refuse, black-hole) that holds TARGET's listener on LANE closed; NULL. */
const struct fault_rule *fault_engine_closes(const struct fault_engine *f, enum fault_kind kind,
                                             const char *target, uint64_t lane);

/* The action in words, for fault-decided: "status 500", "reset after 4096 bytes". */
void fault_action_text(const struct fault_action *action, char *text, size_t size);

/* The store seen through views: whether ACTIONS hide what is asked. */
bool fault_hides_manifest(const struct fault_rule *rule, const char *repository,
                          const char *reference);
bool fault_hides_blob(const struct fault_rule *rule, const char *repository, const char *digest);
/* Whether REFERENCE, a tag, stands for the image of RULE instead of its own (`stale-tag`). */
bool fault_shows_stale(const struct fault_rule *rule, const char *repository,
                       const char *reference);
bool fault_hides_tag(const struct fault_rule *rule, const char *repository, const char *tag);

#endif
