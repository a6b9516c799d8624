/* The catalogue of faults: one table of kinds and parameters; parser, help and docs come from it.
 */
#ifndef PULLDRILL_FAULTS_CATALOGUE_H
#define PULLDRILL_FAULTS_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/key.h"

/* The stages of a request's life, in the order in which faults compose. */
enum fault_stage {
    STAGE_LISTEN,
    STAGE_ACCEPT,
    STAGE_TLS,
    STAGE_REQUEST,
    STAGE_AUTH,
    STAGE_STORE,
    STAGE_RESPONSE,
    STAGE_BODY,
    STAGE_CLOSE,
    STAGE_MACHINE,
    STAGE_COUNT,
};
const char *fault_stage_name(enum fault_stage stage);

enum fault_kind {
    FAULT_REFUSE,
    FAULT_BLACK_HOLE,
    FAULT_DELETE_IMAGE,
    FAULT_STALE_TAG,
    FAULT_STATUS,
    FAULT_LATENCY,
    FAULT_STALL,
    FAULT_CORRUPT,
    FAULT_TRUNCATE,
    FAULT_CLOSE,
    FAULT_RESET,
    FAULT_DNS_NXDOMAIN,
    FAULT_DNS_TIMEOUT,
    FAULT_DNS_SLOW,
    FAULT_DNS_FLAP,
    FAULT_NETWORK_LATE,
    FAULT_TLS_CERTIFICATE,
    FAULT_TLS_STALL,
    FAULT_TLS_RESET,
    FAULT_KINDS,
};

/* Every parameter any kind takes; a kind lists those it takes. */
enum fault_param {
    PARAM_IMAGE,
    PARAM_BLOBS,
    PARAM_TAG,
    PARAM_CODE,
    PARAM_BODY,
    PARAM_RETRY_AFTER,
    PARAM_HEADERS,
    PARAM_DELAY,
    PARAM_JITTER,
    PARAM_AFTER_BYTES,
    PARAM_OFFSET,
    PARAM_BYTES,
    PARAM_FAILURES,
    PARAM_ANSWER,
    PARAM_FOR,
    PARAM_FLAW,
    FAULT_PARAMS,
};

enum fault_type {
    TYPE_IMAGE,    /* the name of an image of the scenario */
    TYPE_CHOICE,   /* one of CHOICES; value.number is its index */
    TYPE_INTEGER,  /* value.number, within MIN..MAX */
    TYPE_DURATION, /* "250ms"; value.number in nanoseconds */
    TYPE_SIZE,     /* bytes: an integer or "64KiB"; value.number */
    TYPE_TEXT,     /* a string, or an integer taken as its digits; value.text */
    TYPE_HEADERS,  /* an object of strings; value.text holds "Name: value\r\n" lines */
};

struct fault_param_info {
    const char *name; /* first member: doc_nearest walks the table */
    enum fault_param param;
    enum fault_type type;
    bool required;
    uint64_t min;
    uint64_t max;
    const char *const *choices; /* NULL-terminated, for TYPE_CHOICE */
    const char *fallback;       /* the default in words, for docs; NULL where none */
    const char *meaning;
    const char *example; /* JSON */
};

/* What shows that a fault was met. */
enum fault_evidence { EVIDENCE_WIRE, EVIDENCE_COUNTER, EVIDENCE_ARMED };
const char *fault_evidence_name(enum fault_evidence evidence);

/* A counter of the kernel that tells in a lane with a network of its own what leaves no trace on
 * the wire; by its name in events. */
enum fault_counter {
    COUNTER_NONE,
    COUNTER_ATTEMPT_FAILS, /* connections that were refused, or given up */
    COUNTER_LISTEN_DROPS,  /* connections that a full queue dropped */
    COUNTER_COUNT,
};
/* NULL for COUNTER_NONE. */
const char *fault_counter_name(enum fault_counter counter);

/* What `on` names. */
enum fault_place {
    PLACE_HOST,    /* a registry, or another host of it */
    PLACE_NAMES,   /* the same, by the names it plays: how they are looked up */
    PLACE_SUBJECT, /* a subject: the machine that it runs on */
};
/* "registry", "names of a registry", "subject". */
const char *fault_place_name(enum fault_place place);

/* What happens to open connections when a fault begins. */
enum fault_existing { EXISTING_KEEP, EXISTING_CLOSE, EXISTING_RESET };

/* The keys of `match`; a kind allows a subset. */
enum fault_match_key {
    MATCH_OP = 1,
    MATCH_REF = 2,
    MATCH_DIGEST = 4,
    MATCH_PATH = 8,
    MATCH_HEADER = 16,
    MATCH_LANE = 32,
};

/* The keys of `when`; a kind allows a subset. */
enum fault_when_key {
    WHEN_SKIP = 1,
    WHEN_EVERY = 2,
    WHEN_LIMIT = 4,
    WHEN_PROBABILITY = 8,
    WHEN_AFTER = 16,
    WHEN_FOR = 32,
    WHEN_RAMP = 64,
    WHEN_PER = 128,
};

/* The keys beside the kinds' parameters: of a fault, its `match`, its `when`, and of objects there.
 */
extern const struct key_level fault_level;
extern const struct key_level fault_level_match;
extern const struct key_level fault_level_when;
extern const struct key_level fault_level_header; /* `match.header` */
extern const struct key_level fault_level_count;  /* `skip`, `every`, `limit` as objects */
/* The bit of enum fault_match_key or fault_when_key that KEY of LEVEL has: rows stand in its order.
 */
unsigned fault_key_bit(const struct key_level *level, const struct key *key);

struct fault_kind_info {
    const char *name;
    enum fault_kind kind;
    enum fault_stage stage;
    enum fault_place place;
    enum fault_evidence evidence;
    enum fault_counter counter;   /* that proves what leaves no trace; COUNTER_NONE: nothing does */
    enum fault_existing existing; /* the default */
    unsigned match_keys;          /* allowed, of enum fault_match_key */
    unsigned when_keys;           /* allowed, of enum fault_when_key */
    uint32_t ops;                 /* operations it can act on, of OP_BIT; narrows every match */
    const struct fault_param_info *params;
    size_t param_count;
    const char *meaning;
};

/* The table, in the order of enum fault_kind. */
extern const struct fault_kind_info fault_catalogue[FAULT_KINDS];
const struct fault_kind_info *fault_kind_find(const char *name);
/* The form a parameter's value must have, in words: "an integer from 200 to 599". */
void fault_param_form(const struct fault_param_info *info, char *text, size_t size);
/* `"a", "b" or "c"` of NULL-terminated CHOICES. */
void fault_choices_form(const char *const *choices, char *text, size_t size);

#endif
