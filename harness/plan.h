/* The resolved plan: the scenario, the digests of its images, the seed. What a history begins with.
 */
#ifndef PULLDRILL_PLAN_H
#define PULLDRILL_PLAN_H

#include <stdbool.h>
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
/* Where lanes of subjects with the reach listen or proxy listen (--listen, --advertise). */
struct plan_listen {
    const char *address;   /* numeric; NULL: nowhere but on loopback addresses of their own */
    const char *advertise; /* the name that subjects are told; NULL: the address */
    uint16_t port;         /* the first lane's first; further ones follow. 0: any */
};
/* A manifest of an image. */
struct plan_manifest {
    const char *digest;
    uint64_t size;
    const char *platform;          /* "linux/arm64/v8"; "" where nothing says it */
    const struct plan_blob *blobs; /* config first, then the layers */
    size_t blob_count;
};
/* DIGEST is what the tag names: the one manifest, or an index of all of them. */
struct plan_image {
    const char *name;
    const char *repository;
    const char *tag;
    unsigned on;
    const char *digest;
    uint64_t manifest_size; /* of what has DIGEST */
    struct plan_manifest *manifests;
    size_t manifest_count;   /* at least one */
    struct plan_blob *blobs; /* of all manifests, one entry a digest */
    size_t blob_count;
    struct fault_image fault; /* the same for rules */
};

struct plan {
    struct arena arena;
    struct scenario *scenario; /* owned */
    uint64_t seed;
    const char *replay;        /* the command that repeats this drill; may be NULL */
    struct plan_image *images; /* as many as the scenario has */
    struct plan_listen listen;
    bool served;      /* by `serve`: no start was made */
    json_t *versions; /* of this program and its libraries: an object of strings */
    json_t *host;     /* the machine: an object */
};

/* The longest text that is read back. */
#define PLAN_MAX_BYTES (16u << 20)

/* Of one image. */
#define PLAN_MAX_MANIFESTS 64
#define PLAN_MAX_BLOBS 129 /* of one manifest: a config and 128 layers */

/* A built image's digests, given by the drill: its manifests, or the BLOBS of the one that has
 * DIGEST. */
struct plan_built {
    const char *digest;
    uint64_t manifest_size;
    const struct plan_blob *blobs; /* config first, then the layers */
    size_t blob_count;
    const struct plan_manifest *manifests;
    size_t manifest_count;
};

/* Takes SCENARIO over on success. BUILT has one entry for each image of the scenario; fault rules
 * are bound to their images. SEED is --seed, else the file's, else made from the clock by the
 * caller. */
struct plan *plan_new(struct scenario *scenario, const struct plan_built *built, uint64_t seed,
                      const char *replay, struct err *e);
void plan_free(struct plan *p);
/* Copies LISTEN into P. */
int plan_set_listen(struct plan *p, const struct plan_listen *listen, struct err *e);

/* To and from the text in drill-begin: one line of JSON, which the caller frees. What is read back
 * keeps the versions and the host of the machine that wrote it. */
char *plan_text(const struct plan *p, struct err *e);
struct plan *plan_read(const char *text, struct err *e);
/* The plan that the history at PATH begins with; READER has not read of it yet, and its first event
 * is then FIRST. NULL: E says file and line. */
struct plan *plan_of_history(const char *path, struct history_reader *reader, struct event *first,
                             struct err *e);

/* The image that has DIGEST, itself or as a manifest that it lists; NULL where there is none. */
const struct plan_image *plan_image_by_digest(const struct plan *p, const char *digest);
/* Whether IMAGE's tag names an index. */
bool plan_image_is_index(const struct plan_image *image);
/* The manifest of IMAGE with DIGEST; -1 where there is none (an index is none of its own). */
int plan_image_manifest(const struct plan_image *image, const char *digest);
/* Whether DIGEST names IMAGE: its own, or that of one of its manifests. */
bool plan_image_has(const struct plan_image *image, const char *digest);
/* Whether a machine can run what M describes: attestations lie beside it in an index, too. */
bool plan_manifest_runs(const struct plan_manifest *m);
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

/* The canaries that the K-th start (K from 0) of SUBJECT in PHASE is given: bit N for image N, in
 * the place of the one that it is a canary of. They are dealt, not drawn: of each 1/share starts in
 * turn exactly one, at a place that follows from the seed, so that a short phase has its share. */
uint64_t plan_canaries(const struct plan *p, size_t phase, size_t subject, uint64_t k);

/* How late a start of SUBJECT's open loop may begin: `every`, or a second where that is longer (a
 * machine that hiccups still keeps the schedule, one that cannot keep up soon falls further
 * behind). Beyond it the loop is none, and the drill inconclusive. */
uint64_t plan_late_most_ns(const struct plan *p, size_t subject);

#endif
