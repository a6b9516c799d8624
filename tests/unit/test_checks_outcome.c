/* Checks on what became of starts, and how often they asked: passing, failing, inconclusive, and
 * just at their edges. */
#include <criterion/criterion.h>

#include "tests/lib/check_run.h"

#define IS(r, kind)                                                                                \
    cr_expect_eq(check_run_finish(r), kind, "got %s", verdict_name((r)->out.verdict))
#define SAYS(r, words) cr_expect(check_run_says(r, words))
#define MS UINT64_C(1000000)

/* A start of the baseline that crosses into the outage and fails there. */
static void crossing_failure(struct check_run *r)
{
    check_run_phase(r, "steady");
    hb_begin(r->b, "build-start", 1);
    check_run_phase(r, "outage");
    hb_end(r->b, 1, 1);
}

/* ---- starts-succeed ------------------------------------------------------------------------ */

/* Every start must work where nothing else is said; the first that does not loses it. */
Test(checks_starts_succeed, all)
{
    struct check_run r;
    check_run_open(&r, NULL, "{'check': 'starts-succeed'}");
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 3);
    cr_expect_not(r.c.lost);
    check_run_failed(&r, 1);
    cr_expect(r.c.lost);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "at least 100% of starts work");
    SAYS(&r, "3 of 4 (75%)");
    SAYS(&r, "start 4 (steady): failed: exit 1; last it asked primary");
    cr_expect_eq(r.out.reasons[0].event_count, 2);
    check_run_close(&r);
}

/* Hung and wrong starts did not work either; no start at all says nothing. */
Test(checks_starts_succeed, hung_wrong_none)
{
    struct check_run r;
    check_run_open(&r, NULL, "{'check': 'starts-succeed'}");
    check_run_phase(&r, "steady");
    hb_begin(r.b, "build-start", 1);
    hb_end_hung(r.b, 1);
    hb_begin(r.b, "build-start", 1);
    hb_end(r.b, 1, 0);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "0 of 2 (0%)");
    SAYS(&r, "start 1 (steady): hung");
    SAYS(&r, "start 2 (steady): wrong: exit 0, but no registry told it a digest");
    check_run_close(&r);
    check_run_open(&r, NULL, "{'check': 'starts-succeed', 'during': 'outage'}");
    check_run_phase(&r, "steady");
    check_run_failed(&r, 1);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "no start in outage ended");
    cr_expect_not(r.c.lost);
    check_run_close(&r);
}

/* A share is kept exactly at its edge, and lost once the starts to come cannot make it good. */
Test(checks_starts_succeed, at_the_edge)
{
    static const char *const entries[] = {
        "{'check': 'starts-succeed', 'during': 'outage', 'min': '90%'}",
        "{'check': 'starts-succeed', 'during': 'outage', 'min': 18}"};
    for (size_t i = 0; i < 2; i++) {
        for (size_t bad = 2; bad <= 3; bad++) {
            struct check_run r;
            check_run_open(&r, NULL, entries[i]);
            check_run_phase(&r, "outage");
            check_run_failed(&r, bad);
            cr_expect_eq(r.c.lost, bad == 3);
            check_run_fallen(&r, 20 - bad);
            IS(&r, bad == 2 ? VERDICT_PASS : VERDICT_FAIL);
            check_run_close(&r);
        }
    }
}

/* Control and cancelled starts never count; one that crosses a phase's edge does. */
Test(checks_starts_succeed, what_counts)
{
    struct event_start_end killed = {.exit = -1, .signal = 9, .cancelled = true};
    struct check_run r;
    check_run_open(&r, NULL, "{'check': 'starts-succeed'}");
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 1);
    hb_begin(r.b, "build-start", 1);
    hb_end_with(r.b, 1, killed);
    hb_begin_control(r.b, "build-start", 1);
    hb_end(r.b, 1, 1);
    IS(&r, VERDICT_PASS);
    SAYS(&r, "1 of 1 (100%)");
    check_run_close(&r);
    check_run_open(&r, NULL, "{'check': 'starts-succeed', 'during': 'steady'}");
    crossing_failure(&r);
    IS(&r, VERDICT_FAIL);
    check_run_close(&r);
}

/* ---- start-seconds ------------------------------------------------------------------------- */

static void start_of(struct check_run *r, uint64_t ns, bool hung)
{
    hb_begin(r->b, "build-start", 1);
    r->b->t_ns += ns;
    if (hung) {
        hb_end_hung(r->b, 1);
    } else {
        hb_end(r->b, 1, 1);
    }
}

/* A threshold holds exactly at itself; hung starts count with their duration. */
Test(checks_start_seconds, max)
{
    for (uint64_t over = 0; over <= 1; over++) {
        struct check_run r;
        check_run_open(&r, NULL, "{'check': 'start-seconds', 'max': '2s'}");
        check_run_phase(&r, "steady");
        start_of(&r, 10 * MS, false);
        start_of(&r, 2000 * MS + over, true);
        cr_expect_eq(r.c.lost, over == 1);
        IS(&r, over == 0 ? VERDICT_PASS : VERDICT_FAIL);
        SAYS(&r, "max 2s over 2 starts, of which 2 did not work");
        if (over) {
            SAYS(&r, "start 2 (steady): took 2s, over 2s");
        }
        check_run_close(&r);
    }
}

/* The 95th percentile of twenty is the nineteenth; of nineteen it says nothing. */
Test(checks_start_seconds, p95)
{
    for (size_t n = 19; n <= 20; n++) {
        for (size_t slow = 1; slow <= 2; slow++) {
            struct check_run r;
            check_run_open(&r, NULL, "{'check': 'start-seconds', 'p95': '1s'}");
            check_run_phase(&r, "steady");
            for (size_t i = 0; i < n; i++) {
                start_of(&r, i < slow ? 1500 * MS : 10 * MS, false);
            }
            IS(&r, n == 19 ? VERDICT_INCONCLUSIVE : slow == 1 ? VERDICT_PASS : VERDICT_FAIL);
            if (n == 19) {
                SAYS(&r, "p95 needs 20 starts; 19 were seen");
            }
            check_run_close(&r);
        }
    }
}

/* p99 needs a hundred. */
Test(checks_start_seconds, p99)
{
    for (size_t n = 99; n <= 100; n++) {
        struct check_run r;
        check_run_open(&r, NULL, "{'check': 'start-seconds', 'p99': '1s', 'p50': '1s'}");
        check_run_phase(&r, "steady");
        for (size_t i = 0; i < n; i++) {
            start_of(&r, 10 * MS, false);
        }
        IS(&r, n == 100 ? VERDICT_PASS : VERDICT_INCONCLUSIVE);
        check_run_close(&r);
    }
}

/* Lag of a tenth of the threshold is borne, a nanosecond more is not; it hides a failure too. */
Test(checks_start_seconds, lag)
{
    for (uint64_t more = 0; more <= 1; more++) {
        struct check_run r;
        check_run_open(&r, NULL, "{'check': 'start-seconds', 'max': '2s'}");
        check_run_phase(&r, "steady");
        start_of(&r, 3000 * MS, false);
        hb_lag(r.b, 200 * MS + more);
        IS(&r, more ? VERDICT_INCONCLUSIVE : VERDICT_FAIL);
        check_run_close(&r);
    }
}

/* Without a start there is nothing to time; without a threshold there is nothing to ask. */
Test(checks_start_seconds, nothing)
{
    struct check_run r;
    check_run_open(&r, NULL, "{'check': 'start-seconds', 'max': '2s'}");
    IS(&r, VERDICT_INCONCLUSIVE);
    check_run_close(&r);
    cr_expect(check_run_refused("{'check': 'start-seconds'}", "needs a threshold"));
}

/* ---- same-digest --------------------------------------------------------------------------- */

#define SAME "{'check': 'same-digest', 'image': 'agent'}"

static void end_claiming(struct check_run *r, const char *result, const char *layout)
{
    hb_end_with(r->b, 1, (struct event_start_end){.result = result, .layout = layout});
}

/* Pulls image 0 with its layer cut at the primary and whole from the failover. */
static void damaged_pull(struct check_run *r)
{
    const struct plan_image *image = &r->b->plan->images[0];
    hb_begin(r->b, "build-start", 1);
    uint64_t layer = hb_ask(r->b, 1, "primary", OP_BLOB_GET, image->blobs[1].digest);
    hb_answer_cut(r->b, layer, 100, "gone");
    hb_pull(r->b, 1, "failover", 0);
}

/* All got the image, from wherever; a failed one does not matter here. */
Test(checks_same_digest, same)
{
    struct check_run r;
    check_run_open(&r, NULL, SAME);
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 2);
    check_run_fallen(&r, 2);
    check_run_failed(&r, 1);
    IS(&r, VERDICT_PASS);
    SAYS(&r, "4 of 4 (100%)");
    SAYS(&r, "got the manifest of agent");
    check_run_close(&r);
    check_run_open(&r, NULL, SAME);
    check_run_phase(&r, "steady");
    check_run_failed(&r, 1);
    IS(&r, VERDICT_INCONCLUSIVE);
    check_run_close(&r);
}

/* A start that says it worked and has not the bytes fails it, and so does a false claim. */
Test(checks_same_digest, wrong_and_claims)
{
    struct check_run r;
    char claim[128];
    check_run_open(&r, NULL, SAME);
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 1);
    hb_begin(r.b, "build-start", 1);
    snprintf(claim, sizeof claim, "{\"digest\": \"%s\"}", r.b->plan->images[0].digest);
    end_claiming(&r, claim, NULL);
    cr_expect(r.c.lost);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "start 2 (steady): exit 0, but no registry told it a digest");
    check_run_close(&r);
    check_run_open(&r, NULL, SAME);
    check_run_phase(&r, "steady");
    hb_begin(r.b, "build-start", 1);
    hb_pull(r.b, 1, "primary", 0);
    end_claiming(&r, claim, NULL);
    cr_expect_not(r.c.lost);
    hb_begin(r.b, "build-start", 1);
    hb_pull(r.b, 1, "primary", 0);
    end_claiming(&r, "{\"digest\": \"sha256:beef\"}", NULL);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "start 2 (steady): claims sha256:beef, was told sha256:00a0");
    check_run_close(&r);
}

/* After a cut delivery only the hash of what landed shows that all is right. */
Test(checks_same_digest, damaged)
{
    static const struct {
        const char *layout;
        enum verdict_kind verdict;
    } ways[] = {{NULL, VERDICT_INCONCLUSIVE},
                {"whole", VERDICT_PASS},
                {"broken: layer 1 has another digest", VERDICT_FAIL}};
    for (size_t i = 0; i < 3; i++) {
        struct check_run r;
        check_run_open(&r, NULL, SAME);
        check_run_phase(&r, "steady");
        damaged_pull(&r);
        end_claiming(&r, NULL, ways[i].layout);
        IS(&r, ways[i].verdict);
        cr_expect_eq(r.c.lost, ways[i].verdict == VERDICT_FAIL);
        check_run_close(&r);
    }
}

static const struct check_scenario two_images = {
    .images = "{'agent': {'ref': 'ci/agent:stable', 'layers': ['1KiB']},"
              "'other': {'ref': 'ci/other:v1', 'layers': ['2KiB']}}"};

/* Asking for an image and being told another is what it is there to find; a start that never asked
 * for it is none of its business, and one that pulls both is right. */
Test(checks_same_digest, another_image)
{
    struct check_run r;
    check_run_open(&r, &two_images, SAME);
    const struct plan_image *other = &r.b->plan->images[1];
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 1);
    hb_begin(r.b, "build-start", 1);
    hb_pull(r.b, 1, "primary", 1);
    hb_end(r.b, 1, 0);
    hb_begin(r.b, "build-start", 1);
    hb_pull(r.b, 1, "primary", 0);
    hb_pull(r.b, 1, "primary", 1);
    hb_end(r.b, 1, 0);
    cr_expect_not(r.c.lost);
    hb_begin(r.b, "build-start", 1);
    uint64_t stale = hb_ask(r.b, 1, "primary", OP_MANIFEST_GET, "stable");
    struct event_response answer = hb_response(r.b, stale, 200);
    answer.digest = answer.object = other->digest;
    hb_respond(r.b, answer);
    hb_get(r.b, 1, "primary", OP_BLOB_GET, other->blobs[0].digest, 200);
    hb_get(r.b, 1, "primary", OP_BLOB_GET, other->blobs[1].digest, 200);
    hb_end(r.b, 1, 0);
    cr_expect(r.c.lost);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "2 of 3 (66.7%)");
    SAYS(&r, "start 4 (steady): was told sha256:01a0");
    check_run_close(&r);
}

/* A warm start that is told nothing has changed, and goes on to another image, has both. */
Test(checks_same_digest, not_modified)
{
    static const struct check_scenario warm = {
        .images = "{'agent': {'ref': 'ci/agent:stable', 'layers': ['1KiB']},"
                  "'other': {'ref': 'ci/other:v1', 'layers': ['2KiB']}}",
        .subjects = "{'build-start': {'command': ['true'], 'cache': 'warm'}}"};
    struct check_run r;
    check_run_open(&r, &warm, SAME);
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 1);
    hb_begin(r.b, "build-start", 1);
    uint64_t again = hb_ask(r.b, 1, "primary", OP_MANIFEST_GET, "stable");
    struct event_response answer = hb_response(r.b, again, 304);
    answer.digest = r.b->plan->images[0].digest;
    hb_respond(r.b, answer);
    hb_pull(r.b, 1, "primary", 1);
    hb_end(r.b, 1, 0);
    IS(&r, VERDICT_PASS);
    SAYS(&r, "2 of 2 (100%)");
    check_run_close(&r);
}

/* Where no image is named, all starts of a subject must have got the same. */
Test(checks_same_digest, no_image_named)
{
    for (size_t image = 0; image <= 1; image++) {
        struct check_run r;
        check_run_open(&r, &two_images, "{'check': 'same-digest', 'by': 'config'}");
        check_run_phase(&r, "steady");
        check_run_good(&r, "primary", 1);
        hb_begin(r.b, "build-start", 1);
        hb_pull(r.b, 1, "primary", image);
        hb_end(r.b, 1, 0);
        IS(&r, image == 0 ? VERDICT_PASS : VERDICT_FAIL);
        check_run_close(&r);
    }
}

/* ---- requests ------------------------------------------------------------------------------ */

static void stray(struct check_run *r, const char *registry, bool late)
{
    struct event ev = {.type = EVENT_REQUEST};
    ev.request.registry = ev.request.host = registry;
    ev.request.lane = 7;
    ev.request.op = OP_MANIFEST_GET;
    ev.request.ordinal = 7777;
    ev.request.connection = 3333;
    ev.request.late = late;
    hb_append(r->b, &ev);
}

/* A good start makes four requests: the bounds hold exactly at themselves. */
Test(checks_requests, bounds)
{
    static const struct {
        const char *entry;
        enum verdict_kind verdict;
    } ways[] = {
        {"{'check': 'requests', 'registry': 'primary', 'max': 4}", VERDICT_PASS},
        {"{'check': 'requests', 'registry': 'primary', 'max': 3}", VERDICT_FAIL},
        {"{'check': 'requests', 'min': 4}", VERDICT_PASS},
        {"{'check': 'requests', 'min': 5}", VERDICT_FAIL},
        {"{'check': 'requests', 'op': 'blob-*', 'min': 2, 'max': 2}", VERDICT_PASS},
        {"{'check': 'requests', 'image': 'agent', 'min': 4, 'max': 4}", VERDICT_PASS},
        {"{'check': 'requests', 'registry': 'failover', 'max': 0}", VERDICT_PASS},
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct check_run r;
        check_run_open(&r, NULL, ways[i].entry);
        check_run_phase(&r, "steady");
        check_run_good(&r, "primary", 1);
        IS(&r, ways[i].verdict);
        check_run_close(&r);
    }
}

/* Zero forbids a fallback: one request is too many, and one of no start leaves it open. */
Test(checks_requests, zero)
{
    const char *entry = "{'check': 'requests', 'registry': 'failover', 'max': 0}";
    struct check_run r;
    check_run_open(&r, NULL, entry);
    check_run_phase(&r, "outage");
    check_run_fallen(&r, 1);
    cr_expect(r.c.lost);
    IS(&r, VERDICT_FAIL);
    SAYS(&r, "start 1 (outage): 4 requests");
    check_run_close(&r);
    for (int late = 0; late <= 1; late++) {
        check_run_open(&r, NULL, entry);
        check_run_phase(&r, "outage");
        check_run_good(&r, "primary", 1);
        stray(&r, "failover", late == 1);
        stray(&r, "primary", false);
        IS(&r, VERDICT_INCONCLUSIVE);
        SAYS(&r, "1 request of no start");
        check_run_close(&r);
    }
    check_run_open(&r, NULL, entry);
    IS(&r, VERDICT_INCONCLUSIVE);
    check_run_close(&r);
}

/* A request belongs to the phase it arrives in: what a start does after the edge is not held
 * against the phase it began in. */
Test(checks_requests, crossing)
{
    struct check_run r;
    check_run_open(&r, NULL,
                   "{'check': 'requests', 'registry': 'failover', 'during': 'steady', 'max': 0}");
    check_run_phase(&r, "steady");
    check_run_good(&r, "primary", 1);
    hb_begin(r.b, "build-start", 1);
    check_run_phase(&r, "outage");
    hb_pull(r.b, 1, "failover", 0);
    hb_end(r.b, 1, 0);
    IS(&r, VERDICT_PASS);
    check_run_close(&r);
}

/* A refused port hides requests: neither bound can then be shown to hold. */
Test(checks_requests, refused)
{
    struct check_scenario s = {.faults = "{'gone': {'on': 'failover', 'kind': 'refuse'}}"};
    struct check_run r;
    check_run_open(&r, &s, "{'check': 'requests', 'registry': 'failover', 'max': 0}");
    check_run_phase(&r, "outage");
    check_run_good(&r, "primary", 1);
    IS(&r, VERDICT_INCONCLUSIVE);
    SAYS(&r, "fault gone turned connections away");
    check_run_close(&r);
    cr_expect(check_run_refused("{'check': 'requests', 'registry': 'primary'}", "needs a bound"));
    cr_expect(check_run_refused("{'check': 'requests', 'min': 2, 'max': 1}", "nothing could pass"));
}
