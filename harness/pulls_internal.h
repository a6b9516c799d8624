/* What the files of pulls share. Nothing outside includes this. */
#ifndef PULLDRILL_PULLS_INTERNAL_H
#define PULLDRILL_PULLS_INTERNAL_H

#include "harness/base/arena.h"
#include "harness/pulls.h"
#include "harness/pulls_map.h"

/* Stated maxima. Starts are kept to the end; everything else lives as long as it runs. */
#define PULLS_MAX_BYTES ((size_t)1 << 30)
#define PULLS_MAX_STARTS ((size_t)SCENARIO_MAX_STARTS + SCENARIO_MAX_SUBJECTS)
#define PULLS_MAX_CONNECTIONS ((size_t)65536)
#define PULLS_MAX_REQUESTS ((size_t)65536)  /* unanswered at one time */
#define PULLS_MAX_PENDING ((size_t)1 << 21) /* pieces that may still be undone */
#define PULLS_MAX_LANES ((size_t)4096)
#define PULLS_MAX_RANGES ((size_t)4096)     /* of one object on one lane */
#define PULLS_MAX_PIECES ((size_t)1025)     /* of one answer */
#define PULLS_MAX_ATTEMPTS ((size_t)4096)   /* objects of one start that are told apart */
#define PULLS_MAX_RECORDS ((size_t)1 << 23) /* attempts of the whole drill */
#define PULLS_REFERENCE 96                  /* of a reference, for words */

/* A client that left a good answer this long without its end has given up on a stall, whatever
 * caused it: too slow for a reader, and far above what a loaded machine does by itself. */
#define PULLS_GAVE_UP_NS UINT64_C(1000000000)

/* A manifest or blob of the plan; one entry for each digest, however many images have it. */
struct pulls_known {
    const char *digest;
    uint64_t size;
    size_t index;
    uint64_t images; /* bit N: of the plan's image N */
};

struct pulls_range {
    uint64_t from, to; /* TO is behind the last byte */
};

struct pulls_told {
    uint64_t event; /* 0: not told in this start */
    int by;
};

/* What reached one lane of one known object. The ranges outlive a start on warm lanes, the rest is
 * of the running start alone. */
struct pulls_state {
    struct pulls_range *range; /* sorted, apart from one another */
    size_t count, cap;
    bool complete;
    bool damaged;
    int served_by;
    uint64_t served_event;
    int piece_by; /* the latest piece, whole or not */
    uint64_t piece_event;
    struct pulls_told told; /* its digest; of manifests */
};

/* The current try at one object on one registry. GENERATION is its record's place in the drill's
 * attempts, from 1; that of an older try is lower. */
struct pulls_attempt {
    struct pulls_attempt *next; /* of the lane */
    uint64_t generation;
    bool head;       /* so far only a HEAD: the GET that follows is part of it */
    bool challenged; /* answered by a challenge (401): what follows is part of it */
    bool redirected; /* answered by a redirect: what is asked of its target is part of it */
    bool open;       /* not answered yet, as far as is known: a client may follow a redirect before
                      * the kernel says that it has arrived */
    bool followed;   /* the target of a redirect was asked */
};

/* A delivery that the end of its connection may still undo: nothing shows yet that its client has
 * read it. */
struct pulls_delivery {
    struct pulls_delivery *next; /* of the connection, a later one */
    size_t known;
    int registry;
    uint64_t event;
    uint64_t first_byte_ns; /* on the drill's clock; 0: unknown */
    struct pulls_attempt *attempt;
    uint64_t generation;
    size_t count;
    struct pulls_range piece[]; /* that came unaltered; none is empty */
};

struct pulls_lane;

struct pulls_connection {
    struct pulls_connection *prev, *next; /* of the lane */
    uint64_t number;
    struct pulls_lane *lane;
    struct pulls_delivery *pending, *pending_last;
};

struct pulls_record;

struct pulls_request {
    struct pulls_request *prev, *next; /* of the lane */
    uint64_t ordinal;
    uint64_t connection;
    struct pulls_lane *lane;
    struct pulls_record *start;
    int registry;
    enum op op;
    const struct pulls_known *known; /* what it asks for; NULL: not of the plan */
    struct pulls_attempt *attempt;
    uint64_t generation;
    uint64_t t_ns;
    uint64_t event;
    uint64_t fired[SCENARIO_MAX_FAULTS / 64]; /* bit N: the plan's fault N fired on it */
    char reference[PULLS_REFERENCE];
    char repository[PULLS_REFERENCE];
};

enum pulls_answer { ANSWER_NONE, ANSWER_WHOLE, ANSWER_CUT, ANSWER_ABANDONED, ANSWER_HARNESS };

/* What a start did last; put into words only when it ends. */
struct pulls_last {
    int registry; /* -1: it only connected, or did nothing */
    enum op op;
    char reference[PULLS_REFERENCE];
    enum pulls_answer answer;
    uint64_t status;
    bool altered;
    uint64_t body_bytes;
    uint64_t duration_ns;
    char faults[128];
    uint64_t event;
};

/* A lane and what runs on it. */
struct pulls_lane {
    uint64_t number;
    struct pulls_record *running; /* NULL: nothing */
    struct pulls_state **state;   /* by known object; NULL: nothing of it arrived */
    struct pulls_told *told;      /* by image of the plan */
    struct pulls_connection *connections;
    struct pulls_request *requests;
    struct pulls_map attempts;
    struct pulls_attempt *attempt_list;
    size_t attempt_count;
    bool fault_met[SCENARIO_MAX_FAULTS];
    struct pulls_last last;
};

struct pulls_record {
    struct pull_start pub;
    struct pulls_lane *lane; /* while it runs */
    uint64_t edge;           /* of the phases, when it began */
    uint64_t asked_ns;       /* when it last asked for a manifest or a blob */
};

struct pulls {
    const struct plan *plan;
    struct arena arena; /* records of starts and their texts */
    struct pulls_record **starts;
    size_t start_count, start_cap;
    struct pulls_map by_number, lanes, connections, requests;
    size_t pending_count; /* pieces, over all connections; a delivery of none counts as one */
    struct pulls_map known_by_hash;
    struct pulls_known *known;
    size_t known_count;
    struct pull_attempt *attempts;
    size_t attempt_count, attempt_cap;
    uint64_t edge; /* how often a phase began or ended so far */
    uint64_t stray, late;
    struct pull_change *changes;   /* by registry and image; count 0: none */
    uint64_t quiet[COUNTER_COUNT]; /* the most counted in a start of a phase without faults */
};

/* pulls_objects.c: the plan's objects, and what arrived of them. */
int pulls_known_init(struct pulls *p);
const struct pulls_known *pulls_known_find(const struct pulls *p, const char *digest);
/* Bytes of KNOWN that reached LANE unaltered, pending deliveries included. */
uint64_t pulls_covered(const struct pulls_lane *lane, const struct pulls_known *known);
bool pulls_arrived(const struct pulls_lane *lane, const struct pulls_known *known);
/* The state of KNOWN on LANE, made where there is none; NULL: no memory. */
struct pulls_state *pulls_state_of(struct pulls_lane *lane, const struct pulls_known *known);
/* Adds D, with its COUNT pieces, to what C has pending. */
int pulls_pend(struct pulls *p, struct pulls_connection *c, const struct pulls_delivery *d,
               const struct pulls_range *piece, size_t count, struct err *e);
/* Makes the pending deliveries of C count for good, or forgets them. */
int pulls_commit(struct pulls *p, struct pulls_connection *c);
void pulls_undo(struct pulls *p, struct pulls_connection *c);
void pulls_pending_free(struct pulls *p, struct pulls_connection *c);
/* At the beginning of a start: forgets everything (COLD), or all but the ranges. */
void pulls_states_reset(const struct pulls *p, struct pulls_lane *lane, bool cold);
void pulls_states_close(const struct pulls *p, struct pulls_lane *lane);

/* pulls_changes.c: what starts write over the plan's images. */
int pulls_changes_init(struct pulls *p);
/* EV answers R. */
void pulls_changed(struct pulls *p, const struct pulls_request *r, const struct event *ev);

/* pulls_lookups.c: what starts do that is no request: lookups, conditions of their machine, what
 * the kernel counted. */
void pulls_looked_up(struct pulls *p, const struct event *ev);
void pulls_machine(struct pulls *p, const struct event *ev);
void pulls_count_kernel(struct pulls *p, const struct event *ev);

/* pulls.c */
/* The start NUMBER, if it runs on LANE; NULL. */
struct pulls_record *pulls_running(const struct pulls *p, uint64_t number, uint64_t lane);
void pulls_first_contact(struct pull_registry *registry, const struct event *ev);

/* pulls_start.c: starts, attempts, labels. */
int pulls_start_begin(struct pulls *p, const struct event *ev, struct err *e);
int pulls_start_end(struct pulls *p, const struct event *ev, struct err *e);
void pulls_attempts_reset(struct pulls_lane *lane);
int pulls_attempt_begin(struct pulls *p, struct pulls_request *r, const struct event_request *ev,
                        struct err *e);
/* The try GENERATION brought its object, or did not. ATTEMPT is the current one at that object. */
void pulls_attempt_mark(struct pulls *p, const struct pulls_lane *lane,
                        const struct pulls_attempt *attempt, uint64_t generation, bool failed);
void pulls_trouble(struct pull_registry *registry, uint64_t event);
void pulls_fault_met(struct pulls *p, struct pulls_lane *lane, const char *name, size_t len);

/* pulls_image.c: which image a start has. */
/* How much of an object came. */
struct pulls_part {
    const char *digest;
    uint64_t covered, size;
};
/* The manifest of an image that a start has: a whole one, else the last it was told of. */
struct pulls_chosen {
    int manifest; /* -1: of an index, none was told */
    bool whole;   /* with all its blobs */
    bool led;     /* it was told by its own digest, or the index arrived as well */
};
struct pulls_found {
    int image; /* -1: it was told none */
    bool whole;
    uint64_t all; /* bit N: the plan's image N was told and is whole */
    struct pulls_chosen chosen;
};
/* The plan's image that a told DIGEST stands for; of several, the one that was asked for by
 * repository and tag, or told before. */
int pulls_image_told(const struct pulls *p, const struct pulls_request *r, const char *digest);
/* The event that told DIGEST last in the running start; 0: none. */
uint64_t pulls_told_event(const struct pulls *p, const struct pulls_lane *lane, const char *digest);
/* Whether LANE has the object; where it has not, PART says how much of it came. */
bool pulls_has(const struct pulls *p, const struct pulls_lane *lane, const char *digest,
               struct pulls_part *part);
struct pulls_chosen pulls_manifest_of(const struct pulls *p, const struct pulls_lane *lane,
                                      const struct plan_image *image);
struct pulls_found pulls_image_of(const struct pulls *p, const struct pulls_lane *lane);
/* At the end of START, which found an image: what it names of it, and the objects. -1: no memory.
 */
int pulls_fill_image(struct pulls *p, const struct pulls_lane *lane, struct pull_start *start,
                     const struct pulls_found *found);

/* pulls_outcome.c: what a start came to, in a word and in words. */
const char *pulls_last_words(struct pulls *p, const struct pulls_lane *lane);

/* pulls_answers.c */
int pulls_answered(struct pulls *p, const struct event *ev, struct err *e);

/* pulls.c */
void pulls_request_drop(struct pulls *p, struct pulls_request *r);
void pulls_note_last(struct pulls_lane *lane, const struct pulls_request *r);

#endif
