/* The resolved plan: the scenario, the digests of its images, the seed. What a history begins with.
 */
#ifndef PULLDRILL_PLAN_H
#define PULLDRILL_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "faults/rule.h"
#include "harness/base/err.h"
#include "harness/scenario.h"

struct event;
struct history_reader;

struct plan_blob {
    const char *digest;
    uint64_t size;
};
struct plan_image {
    const char *name;
    const char *repository;
    const char *tag;
    unsigned on;
    const char *digest; /* of the manifest */
    uint64_t manifest_size;
    struct plan_blob *blobs; /* config first, then the layers */
    size_t blob_count;
    struct fault_image fault; /* the same for rules */
};

struct plan {
    struct arena arena;
    struct scenario *scenario; /* owned */
    uint64_t seed;
    const char *replay;        /* the command that repeats this drill; may be NULL */
    struct plan_image *images; /* as many as the scenario has */
    json_t *versions;          /* of this program and its libraries: an object of strings */
    json_t *host;              /* the machine: an object */
};

/* The longest text that is read back. */
#define PLAN_MAX_BYTES (16u << 20)

/* A built image's digests, given by the drill. */
struct plan_built {
    const char *digest;
    uint64_t manifest_size;
    const struct plan_blob *blobs;
    size_t blob_count;
};

/* Takes SCENARIO over on success. BUILT has one entry for each image of the scenario; fault rules
 * are bound to their images. SEED is --seed, else the file's, else made from the clock by the
 * caller. */
struct plan *plan_new(struct scenario *scenario, const struct plan_built *built, uint64_t seed,
                      const char *replay, struct err *e);
void plan_free(struct plan *p);

/* To and from the text in drill-begin: one line of JSON, which the caller frees. What is read back
 * keeps the versions and the host of the machine that wrote it. */
char *plan_text(const struct plan *p, struct err *e);
struct plan *plan_read(const char *text, struct err *e);
/* The plan that the history at PATH begins with; READER has not read of it yet, and its first event
 * is then FIRST. NULL: E says file and line. */
struct plan *plan_of_history(const char *path, struct history_reader *reader, struct event *first,
                             struct err *e);

/* The image whose manifest has DIGEST; NULL where there is none. */
const struct plan_image *plan_image_by_digest(const struct plan *p, const char *digest);
/* The index of what has that name; -1 where there is none. */
int plan_registry(const struct plan *p, const char *name);
int plan_subject(const struct plan *p, const char *name);
int plan_phase(const struct plan *p, const char *name);
/* The planned number of the K-th start (K from 0) of SUBJECT in PHASE. Numbers are dealt in turn
 * over the subjects (subject 0's first, subject 1's first, subject 0's second, …; one that has had
 * all its starts is passed over), so that they do not depend on which start begins first. In a
 * timed phase nobody is ever passed over. BASE is the number before the phase's first. */
uint64_t plan_start_number(const struct plan *p, size_t phase, uint64_t base, size_t subject,
                           uint64_t k);

/* How late a start of SUBJECT's open loop may begin: `every`, or a second where that is longer (a
 * machine that hiccups still keeps the schedule, one that cannot keep up soon falls further
 * behind). Beyond it the loop is none, and the drill inconclusive. */
uint64_t plan_late_most_ns(const struct plan *p, size_t subject);

#endif
