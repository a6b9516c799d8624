/* A fault as the scenario writes it: where, when, what. Read from JSON with places; pure. */
#ifndef PULLDRILL_FAULTS_RULE_H
#define PULLDRILL_FAULTS_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "faults/catalogue.h"
#include "harness/base/arena.h"
#include "harness/base/doc.h"
#include "harness/base/err.h"

struct fault_value {
    bool set;
    uint64_t number;
    const char *text;
};

enum fault_per { PER_DRILL, PER_START, PER_CONNECTION, PER_CLIENT };

/* Counted in the order match, time, skip, every, probability, limit. */
struct fault_count {
    bool set;
    uint64_t n;
    enum fault_per per;
};

struct fault_when {
    struct fault_count skip;  /* let the first n pass */
    struct fault_count every; /* then only each n-th */
    struct fault_count limit; /* at most n */
    double probability;       /* 1 where absent */
    bool has_probability;     /* also where only `ramp` is given */
    uint64_t after_ns;        /* since the fault was armed */
    uint64_t for_ns;          /* from there; 0 means to the heal */
    uint64_t ramp_ns;         /* from there: the time over which PROBABILITY is reached from 0 */
};

struct fault_match {
    uint32_t ops;       /* of OP_BIT; all that the kind can act on where absent */
    const char *ref;    /* a glob over "repository:tag", "repository@digest", tag or repository */
    const char *digest; /* a glob over the digest that is asked for, or that the tag stands for */
    const char *path;   /* a glob over the path */
    const char *header_name;
    const char *header_value; /* a glob */
    uint64_t lane;            /* 0: any */
};

/* An image as rules need it. A rule's IMAGE parameter is bound to one of these by the plan. */
struct fault_image {
    const char *name;
    const char *repository;
    const char *tag;
    const char *digest;
    const char *const *manifests; /* digests of what an index lists; of a plain image its own */
    size_t manifest_count;
    const char *const *blobs; /* digests of configs and layers */
    size_t blob_count;
};

struct fault_rule {
    const char *name;
    const char *on; /* "primary", "primary/blobs", a service, a subject */
    struct doc_at at;
    struct doc_at on_at;
    const struct fault_kind_info *kind;
    struct fault_value param[FAULT_PARAMS];
    struct doc_at param_at[FAULT_PARAMS];
    struct fault_match match;
    struct fault_when when;
    enum fault_existing existing;
    enum fault_evidence
        evidence; /* that of its kind, or the kernel's counter where all can have it */
    bool has_min_fired;
    uint64_t min_fired; /* 1 where absent */
    bool has_exposure;
    double exposure;                 /* the share of starts that must meet it, where given */
    const struct fault_image *image; /* bound by the plan, for PARAM_IMAGE */
};

/* Reads one member of `faults`. EXPAND (may be NULL) replaces ${…} in a string at its place and
 * returns a string of the arena, or NULL having complained. Everything is allocated in A. Names of
 * registries and images are checked by the scenario, which knows them. -1: E says the place. */
typedef const char *fault_expand(void *data, struct doc_at at, struct err *e);
int fault_rule_parse(const char *name, struct doc_at at, fault_expand *expand, void *data,
                     struct arena *a, struct fault_rule *out, struct err *e);

/* The operations RULE can act on, of OP_BIT: its match, narrowed by what its action can alter. */
uint32_t fault_rule_ops(const struct fault_rule *rule);

/* The word of RULE's parameter PARAM, a choice: its first where it is not set. "" where the kind
 * has no such choice. */
const char *fault_param_word(const struct fault_rule *rule, enum fault_param param);

/* The tag in the repository of RULE's image that it acts on; NULL where it names no image. */
const char *fault_rule_tag(const struct fault_rule *rule);

/* Whether RULE is not meant for every start: it is to fire at least `min_fired` times instead. */
bool fault_rule_is_partial(const struct fault_rule *rule);
/* The share of its phase's starts that must meet it: the rule's own, else the default. */
double fault_rule_exposure(const struct fault_rule *rule);

/* The rule in one line for people: "status 500 on primary, manifest-*, with probability 0.5". */
void fault_rule_text(const struct fault_rule *rule, char *text, size_t size);

#endif
