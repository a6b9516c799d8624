/* What several checks share: names for readers, coverage, bounds, strays. Only checks include it.
 */
#ifndef PULLDRILL_CHECKS_COMMON_H
#define PULLDRILL_CHECKS_COMMON_H

#include "harness/check.h"

/* "start 17 (outage)". */
#define CHECKS_NAME 128
void checks_start_name(const struct check *c, const struct pull_start *start,
                       char text[CHECKS_NAME]);
/* "14 of 20 (70%)". */
#define CHECKS_SHARE 64
void checks_share_text(uint64_t part, uint64_t whole, char text[CHECKS_SHARE]);
/* What narrows the check, for texts: " of build-start in outage"; empty where nothing does. */
#define CHECKS_WHERE 256
void checks_where(const struct check *c, char text[CHECKS_WHERE]);
const char *checks_registry_name(const struct check *c, int registry);
bool checks_is_failover(const struct check *c, size_t registry);

/* Starts that ended and count: for outcomes, and for routes (where those that cross a phase's edge
 * do not count). */
bool checks_outcome_counts(const struct check *c, const struct pull_start *start);
bool checks_route_counts(const struct check *c, const struct pull_start *start);
/* The start that EV ended; NULL where EV is no start-end. */
const struct pull_start *checks_ended(const struct check *c, const struct event *ev);
/* Judged as inconclusive, because no start counts. WHAT they lack, in words: "ended". */
void checks_nothing_to_judge(struct check *c, const char *what);

/* The registry that served the object of START's image, or, where it is a manifest that a warm
 * start did not fetch, that told its digest; -1: none. EVENT receives where that is seen. */
int checks_object_by(const struct pull_start *start, const struct pull_object *object,
                     uint64_t *event);
/* The same for its manifests (an index and what it lists are several): another registry than
 * REGISTRY where there is one, so that REGISTRY means that it served them all; -1: none. EVENT may
 * be NULL. */
int checks_manifest_by(const struct pull_start *start, int registry, uint64_t *event);
/* The image that was on the machine of START, of a `baked-in` subject, already: no registry gave it
 * one, and what its result names was hashed by the harness; -1: that is not so. */
int checks_baked_in(const struct check *c, const struct pull_start *start);
bool checks_is_manifest(const struct pull_object *object);
/* The failover that START asked, and contacted, before it first contacted REGISTRY; -1: none. */
int checks_failover_before(const struct check *c, const struct pull_start *start, int registry);
/* A fault of START's phase on REGISTRY (-1: any) that leaves no trace of attempts (evidence
 * `armed`), or that keeps connections from being made (listen, accept, tls); NULL: none. */
const struct fault_rule *checks_untraced(const struct check *c, const struct pull_start *start,
                                         int registry);
const struct fault_rule *checks_unreachable(const struct check *c, const struct pull_start *start,
                                            int registry);

/* Whether PART of WHOLE keeps a bound; one that is not set is kept. */
bool checks_min_kept(const struct check_value *min, uint64_t part, uint64_t whole);
bool checks_max_kept(const struct check_value *max, uint64_t part, uint64_t whole);
/* Whether a bound is broken for good once MISSED starts (REACHED starts) are seen, whatever the
 * starts to come do. */
bool checks_min_lost(const struct check *c, const struct check_value *min, uint64_t missed);
bool checks_max_lost(const struct check *c, const struct check_value *max, uint64_t reached);
/* "100%", or "14". */
#define CHECKS_BOUND 40
void checks_bound_text(const struct check_value *bound, char text[CHECKS_BOUND]);

/* Requests that belong to no start, made while the check's phase ran. */
struct checks_stray {
    int phase;    /* the one that runs now; -1: none */
    int registry; /* only those; -1: any */
    uint32_t ops; /* only those */
    bool late;    /* also those that came to light after their start had ended */
    uint64_t count;
    uint64_t event; /* the first one */
};
#define CHECKS_OBJECT_OPS                                                                          \
    (OP_BIT(OP_MANIFEST_HEAD) | OP_BIT(OP_MANIFEST_GET) | OP_BIT(OP_BLOB_HEAD) |                   \
     OP_BIT(OP_BLOB_GET))
#define CHECKS_ALL_OPS OP_REQUESTS
void checks_stray_init(struct checks_stray *s, int registry, uint32_t ops);
void checks_stray_event(struct checks_stray *s, const struct check *c, const struct event *ev);
/* VERDICT, but a pass that strays could have changed is inconclusive; gives the reason. */
enum verdict_kind checks_doubt(struct check *c, const struct checks_stray *s,
                               enum verdict_kind verdict);

/* Inconclusive, with the reason, where the loop lagged by more than a tenth of WITHIN, a duration;
 * else pass. */
enum verdict_kind checks_lag(struct check *c, const struct check_value *within);

/* The larger, by precedence. */
enum verdict_kind checks_worse(enum verdict_kind a, enum verdict_kind b);

/* A list of numbers in the check's arena that doubles as it grows. */
struct checks_list {
    uint64_t *value;
    size_t count, cap;
};
/* False: no memory (which the arena remembers). */
bool checks_list_add(struct check *c, struct checks_list *list, uint64_t value);

#endif
