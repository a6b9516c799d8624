/* A response and its faults as a plan of segments: bytes, delays, stalls, cuts. Pure, no sockets.
 */
#ifndef PULLDRILL_FAKE_REGISTRY_WIRE_H
#define PULLDRILL_FAKE_REGISTRY_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake-registry/oci.h"
#include "faults/engine.h"
#include "harness/base/err.h"

enum segment_kind {
    SEGMENT_MEMORY,
    SEGMENT_FILE,  /* a range of a file: sendfile */
    SEGMENT_DELAY, /* wait DELAY_NS; a heal of RULE ends it */
    SEGMENT_RATE,  /* from here on at most RATE bytes a second; 0 lifts it */
    SEGMENT_STALL, /* wait until RULE is healed */
    SEGMENT_FIN,   /* wait for an empty send queue, then FIN */
    SEGMENT_RST,   /* wait for an empty send queue, then SO_LINGER 0 and close */
};

/* One step. A step with a RULE is skipped once that rule is healed, so that what follows it is
 * always the untouched rest of the answer; altered memory then gives way to ORIGINAL. */
struct segment {
    enum segment_kind kind;
    const struct fault_rule *rule;
    bool body; /* counts as body, not head */
    /* SEGMENT_MEMORY: LEN bytes at DATA; ORIGINAL where they differ from the true ones. */
    const uint8_t *data;
    const uint8_t *original;
    /* SEGMENT_FILE: LEN bytes of FD from OFFSET. */
    int fd;
    uint64_t offset;
    uint64_t len;
    uint64_t delay_ns;
    uint64_t rate;
};

/* Head and body, each part of the body and the text before it, and for each decision its own step
 * and the splits it makes. */
#define WIRE_MAX_SEGMENTS (2 + 2 * HTTP_MAX_RANGES + 2 * FAULT_MAX_DECISIONS)
/* As many as most answers have: they lie in the plan itself. */
#define WIRE_FEW_SEGMENTS 4

/* Everything one answer needs until its last byte is gone. Owns all of it. Kept small, for a stall
 * may hold thousands of them; it is not to be moved. */
struct wire_plan {
    struct segment *segment; /* FEW, or a block of its own */
    size_t count;
    struct segment few[WIRE_FEW_SEGMENTS];
    /* Of the response: see there. */
    unsigned status;
    struct content *content;
    bool opened;
    char *small;
    struct multipart *parts;
    const char *told;
    char *head;
    size_t head_len;
    uint64_t body_len;     /* as promised; 0 where no body follows the head */
    uint64_t object_from;  /* where in the true object the body begins; 0 of PARTS */
    bool carries_object;   /* the body is a range of the true object, or PARTS of it */
    uint64_t altered_from; /* within the object, or the body of PARTS; see altered_bytes */
    uint64_t altered_bytes;
    uint8_t *altered; /* owned copies */
    bool close_after; /* the connection ends after this answer (Connection: close) */
};

/* Plans RESPONSE (its body is moved into PLAN on success; left with the caller on failure) under
 * the fired decisions, in their order; at most FAULT_MAX_DECISIONS. KEEP_ALIVE is what the request
 * and the limits allow. The status line, Date, Server, Content-Length and Connection headers are
 * written here. */
int wire_plan(struct response *response, const struct fault_decision *decisions, size_t count,
              bool keep_alive, struct wire_plan *plan, struct err *e);
void wire_plan_close(struct wire_plan *plan);

#endif
