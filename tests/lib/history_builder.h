/* Histories built by hand for tests: a plan from an inline scenario, events appended compactly. */
#ifndef PULLDRILL_TESTS_HISTORY_BUILDER_H
#define PULLDRILL_TESTS_HISTORY_BUILDER_H

#include "harness/history/event.h"
#include "harness/judge.h"
#include "harness/plan.h"
#include "harness/pulls.h"

/* What a request needs until it is answered. Test histories stay far below these maxima. */
#define HB_MAX_REQUESTS 8192
#define HB_MAX_CONNECTIONS 4096
#define HB_MAX_LANES 64
#define HB_MAX_SINKS 4

struct hb_request {
    uint64_t lane, start, connection;
    int registry;
    enum op op;
    const char *digest;
    const char *repository;
    uint64_t size; /* of the true object; 0: unknown */
};
struct hb_connection {
    uint64_t lane, start;
    int registry;
    uint64_t requests;
    bool open;
};
struct hb_lane {
    uint64_t start;
    int subject;
    bool control;
    uint64_t begin_ns;
    uint64_t connection[SCENARIO_MAX_REGISTRIES]; /* kept alive; 0: none */
};

typedef void hb_sink(void *data, const struct event *ev);

/* Time goes on by STEP_NS (1 ms) with each event; add to T_NS for more. */
struct hb {
    struct plan *plan;
    struct judge *judge; /* fed with every event, where hb_judge was called */
    struct pulls *pulls; /* the same, where hb_pulls was called */
    hb_sink *sink[HB_MAX_SINKS];
    void *sink_data[HB_MAX_SINKS];
    size_t sink_count;
    uint64_t n;
    uint64_t t_ns;
    uint64_t step_ns;
    uint64_t last_start, last_request, last_connection;
    const char *phase;
    uint64_t late_ns, waited_ns; /* what the next starts of an open loop begin with */
    const char *host; /* of requests from now on: "primary/blobs"; NULL: the registry itself */
    bool pipelined;   /* requests from now on are sent before the answer to the one before */
    struct hb_request request[HB_MAX_REQUESTS];
    struct hb_connection connection[HB_MAX_CONNECTIONS];
    struct hb_lane lane[HB_MAX_LANES];
};

/* A builder over the plan of SCENARIO (JSON text, single quotes stand for double ones). Digests are
 * made up: image 0 has the manifest sha256:00a0…, blobs sha256:00b0… (config, 128 bytes), 00b1…
 * (layers, as large as the scenario says, else 1,024 bytes); the manifest has 512 bytes. With
 * platforms 00a0… is the index, 00c0…, 00c1… are its manifests, whose blobs count on. A scenario
 * that does not parse fails the test. */
struct hb *hb_new(const char *scenario);
void hb_free(struct hb *b);
/* Makes a judge, or pulls alone, of the plan, and feeds it with every event from now on (begin with
 * this). */
void hb_judge(struct hb *b);
void hb_pulls(struct hb *b);
void hb_add_sink(struct hb *b, hb_sink *sink, void *data);
/* A builder whose pulls are followed, in the phase "steady". */
struct hb *hb_new_pulls(const char *scenario);
/* What the pulls know of a start; fails the test where they know none of that number. */
const struct pull_start *hb_start_of(const struct hb *b, uint64_t number);
/* The digest of the K-th blob of image 0. */
const char *hb_blob(const struct hb *b, size_t k);
/* The judge's verdict; the caller frees it. Fails the test where there is none. */
struct verdict *hb_finish(struct hb *b);
/* One check of the verdict by its name; fails the test where there is none. */
const struct verdict_check *hb_check(const struct verdict *v, const char *name);

/* Says what is wrong with the test and stops it. */
void hb_give_up(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Gives EV its number and time and shows it to all. Returns its number. */
uint64_t hb_append(struct hb *b, struct event *ev);

/* Events as the drill writes them; those with a number return it. */
void hb_drill_begin(struct hb *b);
void hb_drill_end(struct hb *b, const char *reason, const char *detail);
void hb_phase_begin(struct hb *b, const char *phase);
void hb_phase_end(struct hb *b, const char *reason);
void hb_armed(struct hb *b, const char *fault);
void hb_healed(struct hb *b, const char *fault);
/* FAULT matched the request of START at REGISTRY. */
uint64_t hb_decided(struct hb *b, const char *fault, const char *registry, uint64_t start,
                    bool fired);
uint64_t hb_probe(struct hb *b, const char *probe, const char *registry, bool ok,
                  const char *detail);
uint64_t hb_lag(struct hb *b, uint64_t p99_ns);

/* A start on LANE (from 1) in the phase now running; its number. */
uint64_t hb_begin(struct hb *b, const char *subject, uint64_t lane);
uint64_t hb_begin_control(struct hb *b, const char *subject, uint64_t lane);
/* It ends by itself with EXIT. Open connections are closed by the peer first. */
uint64_t hb_end(struct hb *b, uint64_t lane, int exit);
/* It is killed at its timeout. */
uint64_t hb_end_hung(struct hb *b, uint64_t lane);
/* The same in full: registry connections are left as they are; lane, start, subject, phase, control
 * and duration of END are filled in. */
uint64_t hb_end_with(struct hb *b, uint64_t lane, struct event_start_end end);

/* A new connection of LANE, used from now on by hb_ask; its number. */
uint64_t hb_open(struct hb *b, uint64_t lane, const char *registry);
/* HOW as in the event; FAULT may be NULL. */
uint64_t hb_close(struct hb *b, uint64_t connection, const char *how, const char *fault);

/* A request on LANE's kept-alive connection to REGISTRY (opened where there is none). REFERENCE is
 * a tag or a digest of the plan, NULL for what has none. Returns its ordinal. */
uint64_t hb_ask(struct hb *b, uint64_t lane, const char *registry, enum op op,
                const char *reference);
/* The same with a Range header. */
uint64_t hb_ask_range(struct hb *b, uint64_t lane, const char *registry, enum op op,
                      const char *reference, const char *range);
/* A whole answer: with 2xx all of the true object (for GET), told digest for manifests. The
 * response's event number. */
uint64_t hb_answer(struct hb *b, uint64_t request, unsigned status);
/* The whole answer with changes: begin with hb_response, change, hb_respond. */
struct event_response hb_response(const struct hb *b, uint64_t request, unsigned status);
uint64_t hb_respond(struct hb *b, struct event_response response);
/* An answer that FAULT made: status (0 for none); cut after BYTES of the object. */
uint64_t hb_answer_fault(struct hb *b, uint64_t request, unsigned status, const char *fault);
uint64_t hb_answer_cut(struct hb *b, uint64_t request, uint64_t bytes, const char *fault);
/* hb_ask and hb_answer. */
uint64_t hb_get(struct hb *b, uint64_t lane, const char *registry, enum op op,
                const char *reference, unsigned status);

/* A whole pull of IMAGE (index in the plan) by LANE from REGISTRY: HEAD and GET of the manifest by
 * tag, then every blob; of one with platforms the index, then its first manifest. */
void hb_pull(struct hb *b, uint64_t lane, const char *registry, size_t image);
/* One manifest of IMAGE by its digest, then every blob of it. */
void hb_pull_manifest(struct hb *b, uint64_t lane, const char *registry, size_t image,
                      size_t manifest);
/* A start that pulls image 0 whole from REGISTRY and exits 0; its number. */
uint64_t hb_good_start(struct hb *b, const char *subject, uint64_t lane, const char *registry);
/* A start that asks REGISTRY for the manifest of image 0, gets STATUS made by FAULT (NULL: none),
 * then pulls it whole from OTHER (NULL: gives up and exits 1); its number. */
uint64_t hb_fallen_start(struct hb *b, const char *subject, uint64_t lane, const char *registry,
                         unsigned status, const char *fault, const char *other);

#endif
