/* Checks on which registry starts turn to: passing, failing, inconclusive, and just at their edges.
 */
#include <criterion/criterion.h>

#include "tests/lib/check_run.h"

#define IS(r, kind)                                                                                \
    cr_expect_eq(check_run_finish(r), kind, "got %s", verdict_name((r)->out.verdict))
#define SAYS(r, words) cr_expect(check_run_says(r, words))
#define MS UINT64_C(1000000)

static const struct check_scenario refused = {.faults =
                                                  "{'gone': {'on': 'primary', 'kind': 'refuse'}}"};

/* A request that belongs to no start, in the phase that runs. */
static void stray(struct check_run *r, const char *registry)
{
    struct event ev = {.type = EVENT_REQUEST};
    ev.request.registry = ev.request.host = registry;
    ev.request.lane = 7;
    ev.request.op = OP_MANIFEST_GET;
    ev.request.ordinal = 7777;
    ev.request.connection = 3333;
    hb_append(r->b, &ev);
}

/* A start that crosses from the running phase into PHASE and has fallen back needlessly. */
static void crossing(struct check_run *r, const char *phase)
{
    hb_begin(r->b, "build-start", 2);
    hb_pull(r->b, 2, "failover", 0);
    check_run_phase(r, phase);
    hb_end(r->b, 2, 0);
}

/* The manifest from one registry, the blobs from another. */
static void split_start(struct check_run *r, const char *manifest, const char *blobs)
{
    const struct plan_image *image = &r->b->plan->images[0];
    hb_begin(r->b, "build-start", 1);
    hb_get(r->b, 1, manifest, OP_MANIFEST_GET, "stable", 200);
    hb_get(r->b, 1, manifest, OP_BLOB_GET, image->blobs[0].digest, 200);
    hb_get(r->b, 1, blobs, OP_BLOB_GET, image->blobs[1].digest, 200);
    hb_end(r->b, 1, 0);
}

/* ---- served-by ----------------------------------------------------------------------------- */

#define SERVED "{'check': 'served-by', 'registry': 'failover', 'during': 'outage'"

/* All starts that worked, where nothing else is said; those that failed are not asked. */
Test(checks_served_by, all)
{
    struct check_run r;
    check_run_open(&r, NULL, SERVED "}");
    check_run_phase(&r, "outage");
    check_run_fallen(&r, 3);
    check_run_failed(&r, 2);
    cr_expect_not(r.c.lost);
    check_run_good(&r, "primary", 1);
    cr_expect(r.c.lost);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "at least 100% of starts in outage served by failover");
    SAYS(&r, "3 of 4 (75%)");
    SAYS(&r, "start 6 (outage): manifest served by primary");
    cr_expect_eq(r.out.reasons[0].event_count, 2);
    check_run_close(&r);
}

/* Shares and counts hold exactly at themselves. */
Test(checks_served_by, at_the_edge)
{
    static const struct {
        const char *entry;
        size_t fallen; /* of 20 */
        enum verdict_kind verdict;
    } ways[] = {
        {SERVED ", 'min': '70%'}", 14, VERDICT_PASS}, {SERVED ", 'min': '70%'}", 13, VERDICT_FAIL},
        {SERVED ", 'min': 14}", 14, VERDICT_PASS},    {SERVED ", 'min': 14}", 13, VERDICT_FAIL},
        {SERVED ", 'max': '70%'}", 14, VERDICT_PASS}, {SERVED ", 'max': '70%'}", 15, VERDICT_FAIL},
        {SERVED ", 'max': 0}", 0, VERDICT_PASS},      {SERVED ", 'max': '0%'}", 1, VERDICT_FAIL},
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct check_run r;
        check_run_open(&r, NULL, ways[i].entry);
        check_run_phase(&r, "outage");
        check_run_fallen(&r, ways[i].fallen);
        check_run_good(&r, "primary", 20 - ways[i].fallen);
        cr_expect_eq(r.c.lost, ways[i].verdict == VERDICT_FAIL, "way %zu", i);
        IS(&r, ways[i].verdict);
        check_run_close(&r);
    }
}

/* The manifest, the blobs, or all of it: a minimum wants all, a maximum forbids any. */
Test(checks_served_by, objects)
{
    static const struct {
        const char *more;
        enum verdict_kind verdict;
        const char *says;
    } ways[] = {
        {"}", VERDICT_PASS, "1 of 1"},
        {", 'object': 'blobs'}", VERDICT_FAIL, "start 1 (outage): layer 1 served by primary"},
        {", 'object': 'all'}", VERDICT_FAIL, "with everything served by failover"},
        {", 'object': 'blobs', 'max': 0}", VERDICT_FAIL, "config served by failover"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct check_run r;
        char entry[256];
        snprintf(entry, sizeof entry, SERVED "%s", ways[i].more);
        check_run_open(&r, NULL, entry);
        check_run_phase(&r, "outage");
        split_start(&r, "failover", "primary");
        IS(&r, ways[i].verdict);
        SAYS(&r, ways[i].says);
        check_run_close(&r);
    }
}

/* Nothing that worked, nothing in the phase, nothing but a crossing start, or a stray request: no
 * pass. */
Test(checks_served_by, inconclusive)
{
    for (int way = 0; way < 4; way++) {
        struct check_run r;
        check_run_open(&r, NULL, SERVED "}");
        check_run_phase(&r, "outage");
        if (way == 0) {
            check_run_failed(&r, 3);
        } else if (way == 1) {
            crossing(&r, "recovery");
        } else if (way == 2) {
            check_run_fallen(&r, 3);
            stray(&r, "primary");
        }
        IS(&r, VERDICT_INCONCLUSIVE);
        cr_expect_gt(r.out.reason_count, 0);
        check_run_close(&r);
    }
}

/* A warm start that asks for nothing but the digest is served by who told it. */
Test(checks_served_by, warm)
{
    struct check_scenario s = {.subjects =
                                   "{'build-start': {'command': ['true'], 'cache': 'warm'}}"};
    struct check_run r;
    check_run_open(&r, &s, SERVED "}");
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 1);
    check_run_phase(&r, "outage");
    hb_begin(r.b, "build-start", 1);
    hb_get(r.b, 1, "failover", OP_MANIFEST_HEAD, "stable", 200);
    hb_end(r.b, 1, 0);
    IS(&r, VERDICT_PASS);
    SAYS(&r, "1 of 1");
    check_run_close(&r);
}

/* ---- attempts-per-start -------------------------------------------------------------------- */

#define ATTEMPTS "{'check': 'attempts-per-start', 'registry': 'primary', 'during': 'outage'"

static void tries(struct check_run *r, size_t n)
{
    hb_begin(r->b, "build-start", 1);
    for (size_t i = 0; i < n; i++) {
        hb_get(r->b, 1, "primary", OP_MANIFEST_GET, "stable", 404);
    }
    hb_end(r->b, 1, 1);
}

/* Three of at most three pass, the fourth loses it. */
Test(checks_attempts, max)
{
    for (size_t n = 3; n <= 4; n++) {
        struct check_run r;
        check_run_open(&r, NULL, ATTEMPTS ", 'max': 3}");
        check_run_phase(&r, "outage");
        tries(&r, 1);
        tries(&r, n);
        cr_expect_eq(r.c.lost, n == 4);
        IS(&r, n == 3 ? VERDICT_PASS : VERDICT_FAIL);
        SAYS(&r, n == 3 ? "from 1 to 3 over 2 starts" : "start 2 (outage): 4 attempts at primary");
        check_run_close(&r);
    }
}

/* A minimum holds at itself too, and cannot be above the maximum. */
Test(checks_attempts, min)
{
    for (size_t n = 1; n <= 2; n++) {
        struct check_run r;
        check_run_open(&r, NULL, ATTEMPTS ", 'min': 2, 'max': 3}");
        check_run_phase(&r, "outage");
        tries(&r, n);
        IS(&r, n == 2 ? VERDICT_PASS : VERDICT_FAIL);
        check_run_close(&r);
    }
    cr_expect(check_run_refused(ATTEMPTS ", 'min': 4, 'max': 3}", "no start could pass"));
}

/* A refused port hides attempts: what was seen may be too much, but never enough to pass. */
Test(checks_attempts, refused)
{
    for (size_t n = 1; n <= 4; n += 3) {
        struct check_run r;
        check_run_open(&r, &refused, ATTEMPTS ", 'max': 3}");
        check_run_phase(&r, "outage");
        tries(&r, n);
        IS(&r, n == 1 ? VERDICT_INCONCLUSIVE : VERDICT_FAIL);
        check_run_close(&r);
    }
}

/* Strays at this registry leave it open, those at another do not; no start says nothing. */
Test(checks_attempts, strays)
{
    for (int way = 0; way < 3; way++) {
        struct check_run r;
        check_run_open(&r, NULL, ATTEMPTS ", 'max': 3}");
        check_run_phase(&r, "outage");
        if (way < 2) {
            tries(&r, 1);
            stray(&r, way == 0 ? "primary" : "failover");
        } else {
            crossing(&r, "recovery");
        }
        IS(&r, way == 1 ? VERDICT_PASS : VERDICT_INCONCLUSIVE);
        check_run_close(&r);
    }
}

/* ---- falls-back-within --------------------------------------------------------------------- */

#define FALLS "{'check': 'falls-back-within', 'during': 'outage'"
/* From the connection to the primary to the failover's first byte, as hb_pull goes about it. */
#define PULL_NS (13 * MS / 2)

static void falls_in(struct check_run *r, uint64_t ns)
{
    hb_begin(r->b, "build-start", 1);
    uint64_t request = hb_ask(r->b, 1, "primary", OP_MANIFEST_GET, "stable");
    hb_answer_fault(r->b, request, 404, "gone");
    r->b->t_ns += ns - PULL_NS;
    hb_pull(r->b, 1, "failover", 0);
    hb_end(r->b, 1, 0);
}

/* Exactly at the threshold is in time. */
Test(checks_falls_back, max)
{
    for (uint64_t over = 0; over <= 1; over++) {
        struct check_run r;
        check_run_open(&r, NULL, FALLS ", 'max': '2s'}");
        check_run_phase(&r, "outage");
        falls_in(&r, 2000 * MS + over);
        cr_expect_eq(r.c.lost, over == 1);
        IS(&r, over == 0 ? VERDICT_PASS : VERDICT_FAIL);
        SAYS(&r, "max 2s; of 1 starts 1 fell back, 0 could not");
        check_run_close(&r);
    }
}

/* p95 needs twenty that fell back; starts served by the primary are none. */
Test(checks_falls_back, samples)
{
    for (size_t n = 19; n <= 20; n++) {
        struct check_run r;
        check_run_open(&r, NULL, FALLS ", 'p95': '2s'}");
        check_run_phase(&r, "outage");
        check_run_fallen(&r, n);
        check_run_good(&r, "primary", 1);
        IS(&r, n == 20 ? VERDICT_PASS : VERDICT_INCONCLUSIVE);
        check_run_close(&r);
    }
}

/* A start in trouble that gets nothing from a failover fails it, whatever the others do and however
 * much the harness lags. */
Test(checks_falls_back, stuck)
{
    struct check_run r;
    check_run_open(&r, NULL, FALLS ", 'max': '2s'}");
    check_run_phase(&r, "outage");
    check_run_fallen(&r, 3);
    check_run_failed(&r, 1);
    cr_expect(r.c.lost);
    hb_lag(r.b, 1000 * MS);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "start 4 (outage): had trouble with primary and got nothing from a failover");
    check_run_close(&r);
}

/* Without a first contact there is no time: never a pass under a refusal, and never alone. */
Test(checks_falls_back, no_contact)
{
    for (int way = 0; way < 3; way++) {
        struct check_run r;
        check_run_open(&r, way == 0 ? &refused : NULL, FALLS ", 'max': '2s'}");
        check_run_phase(&r, "outage");
        if (way == 0) {
            falls_in(&r, 100 * MS);
        }
        check_run_good(&r, way == 2 ? "primary" : "failover", 1);
        IS(&r, VERDICT_INCONCLUSIVE);
        SAYS(&r, way == 0   ? "left no trace of a first contact"
                 : way == 1 ? "1 start did not contact primary first"
                            : "none fell back");
        check_run_close(&r);
    }
}

/* Lag, strays and starts that cross an edge. */
Test(checks_falls_back, doubts)
{
    for (int way = 0; way < 3; way++) {
        struct check_run r;
        check_run_open(&r, NULL, FALLS ", 'max': '2s'}");
        check_run_phase(&r, "outage");
        if (way < 2) {
            falls_in(&r, 100 * MS);
        }
        if (way == 0) {
            hb_lag(r.b, 200 * MS + 1);
        } else if (way == 1) {
            stray(&r, "primary");
        } else {
            crossing(&r, "recovery");
        }
        IS(&r, VERDICT_INCONCLUSIVE);
        check_run_close(&r);
    }
}

/* ---- no-needless-fallback ------------------------------------------------------------------ */

#define NEEDLESS "{'check': 'no-needless-fallback'}"

/* Falling back from trouble is right, and so is not falling back. */
Test(checks_needless, with_cause)
{
    struct check_run r;
    check_run_open(&r, NULL, NEEDLESS);
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 2);
    check_run_phase(&r, "outage");
    check_run_fallen(&r, 2);
    IS(&r, VERDICT_PASS);
    SAYS(&r, "0 of 4 starts did, 2 used a failover");
    check_run_close(&r);
}

/* No trouble at the primary, or a failover asked before it was so much as contacted. */
Test(checks_needless, without_cause)
{
    struct check_run r;
    check_run_open(&r, NULL, NEEDLESS);
    check_run_phase(&r, "steady");
    split_start(&r, "primary", "failover");
    cr_expect(r.c.lost);
    hb_begin(r.b, "build-start", 1);
    hb_get(r.b, 1, "failover", OP_MANIFEST_HEAD, "stable", 200);
    hb_get(r.b, 1, "primary", OP_MANIFEST_GET, "stable", 404);
    hb_pull(r.b, 1, "failover", 0);
    hb_end(r.b, 1, 0);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "start 1 (steady): used another registry, while primary gave it no trouble");
    SAYS(&r, "start 2 (steady): asked failover before primary");
    check_run_close(&r);
}

/* A connection opened ahead and left unused is no use of a registry. */
Test(checks_needless, connected_ahead)
{
    struct check_run r;
    check_run_open(&r, NULL, NEEDLESS);
    check_run_phase(&r, "outage");
    hb_begin(r.b, "build-start", 1);
    hb_open(r.b, 1, "failover");
    hb_get(r.b, 1, "primary", OP_MANIFEST_GET, "stable", 404);
    hb_pull(r.b, 1, "failover", 0);
    hb_end(r.b, 1, 0);
    IS(&r, VERDICT_PASS);
    check_run_close(&r);
}

/* Where the primary refuses, every fallback has its cause. */
Test(checks_needless, refused)
{
    struct check_run r;
    check_run_open(&r, &refused, NEEDLESS);
    check_run_phase(&r, "outage");
    check_run_good(&r, "failover", 2);
    IS(&r, VERDICT_PASS);
    check_run_phase(&r, "recovery");
    check_run_close(&r);
    check_run_open(&r, &refused, NEEDLESS);
    check_run_phase(&r, "recovery");
    check_run_good(&r, "failover", 1);
    IS(&r, VERDICT_FAIL);
    check_run_close(&r);
}

/* Crossing starts do not count; strays may hide a use, and strays at the primary its cause. */
Test(checks_needless, doubts)
{
    for (int way = 0; way < 3; way++) {
        struct check_run r;
        check_run_open(&r, NULL, NEEDLESS);
        check_run_phase(&r, "steady");
        if (way == 0) {
            crossing(&r, "outage");
        } else {
            check_run_good(&r, way == 1 ? "primary" : "failover", 1);
            stray(&r, way == 1 ? "failover" : "primary");
        }
        IS(&r, VERDICT_INCONCLUSIVE);
        check_run_close(&r);
    }
}
