/* Pulls: what counts as an attempt, as trouble, as a fault met; labels; who belongs to no start. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/history_builder.h"
#include "tests/lib/pulls_scenario.h"

#define COLD PULLS_SCENARIO("cold", "")

/* Attempts: HEAD and the GET behind it are one, a second GET is another, a GET makes good its
 * HEAD's failure, pings and tag lists are none. */
Test(pulls_attempts, attempts)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    const struct pull_registry *r = hb_start_of(b, n)->registries;
    hb_get(b, 1, "primary", OP_PING, NULL, 200);
    hb_get(b, 1, "primary", OP_TAGS, NULL, 200);
    cr_assert_eq(r->attempts, 0);
    hb_get(b, 1, "primary", OP_MANIFEST_HEAD, "stable", 500);
    cr_assert_eq(r->attempts, 1);
    cr_assert_eq(r->failed, 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, b->plan->images[0].digest, 200);
    cr_assert_eq(r->attempts, 1);
    cr_assert_eq(r->failed, 0);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 404);
    cr_assert_eq(r->attempts, 2);
    cr_assert_eq(r->failed, 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 200);
    cr_assert_eq(r->attempts, 3);
    cr_assert_eq(r->failed, 1);
    cr_assert_eq(r->requests, 6);
    cr_assert_neq(r->first_trouble_event, r->trouble_event);
    hb_end(b, 1, 1);
    hb_free(b);
}

/* A challenge (401 that no fault made) is the ordinary way in: the same attempt, and no trouble. */
Test(pulls_attempts, challenge_is_no_trouble)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_PING, NULL, 401);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 401);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 200);
    const struct pull_registry *r = hb_start_of(b, n)->registries;
    cr_assert_eq(r->attempts, 1);
    cr_assert_eq(r->failed, 0);
    cr_assert_eq(r->trouble_event, 0);
    hb_answer_fault(b, hb_ask(b, 1, "primary", OP_MANIFEST_GET, "stable"), 401, "errors");
    cr_assert_neq(r->trouble_event, 0);
    hb_end(b, 1, 1);
    hb_free(b);
}

/* A redirect and what is asked of its target are one attempt, which neither the redirect alone
 * makes good nor a dead target's retry joins. */
Test(pulls_attempts, redirect_is_one_attempt)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    const struct pull_registry *r = hb_start_of(b, n)->registries;
    hb_get(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1), 307);
    cr_assert_eq(r->attempts, 1);
    cr_assert_eq(r->failed, 1);
    b->host = "primary/blobs";
    hb_get(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1), 200);
    cr_assert_eq(r->attempts, 1);
    cr_assert_eq(r->failed, 0);
    cr_assert_eq(r->trouble_event, 0);
    hb_get(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1), 403);
    cr_assert_neq(r->useful_event, 0);
    cr_assert_eq(r->attempts, 2);
    cr_assert_eq(r->failed, 1);
    b->host = NULL;
    hb_get(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 0), 307);
    hb_get(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 0), 307);
    cr_assert_eq(r->attempts, 4);
    cr_assert_eq(r->failed, 3);
    hb_end(b, 1, 1);
    hb_free(b);
}

/* A client may follow a redirect before the kernel says that it has arrived: still one attempt, and
 * the redirect that is told of afterwards undoes nothing. */
Test(pulls_attempts, redirect_followed_at_once)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    const struct pull_registry *r = hb_start_of(b, n)->registries;
    uint64_t redirect = hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1));
    b->host = "primary/blobs";
    hb_open(b, 1, "primary");
    hb_answer(b, hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1)), 200);
    hb_answer(b, redirect, 307);
    cr_assert_eq(r->attempts, 1);
    cr_assert_eq(r->failed, 0);
    hb_get(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1), 403);
    cr_assert_eq(r->attempts, 2);
    hb_end(b, 1, 1);
    hb_free(b);
}

/* A redirect that a fault made in an answer's place leads nowhere: it has failed. */
Test(pulls_attempts, redirect_by_fault)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    const struct pull_registry *r = hb_start_of(b, n)->registries;
    hb_answer_fault(b, hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1)), 307, "errors");
    cr_assert_neq(r->trouble_event, 0);
    b->host = "primary/blobs";
    hb_get(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1), 200);
    cr_assert_eq(r->attempts, 2);
    cr_assert_eq(r->failed, 1);
    hb_end(b, 1, 1);
    hb_free(b);
}

/* Two requests of one object at a time: the answer to the older does not undo the newer's. */
Test(pulls_attempts, parallel_attempts)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    uint64_t first = hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1));
    hb_open(b, 1, "primary");
    uint64_t second = hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1));
    hb_answer_cut(b, second, 10, "errors");
    hb_answer(b, first, 200);
    const struct pull_registry *r = hb_start_of(b, n)->registries;
    cr_assert_eq(r->attempts, 2);
    cr_assert_eq(r->failed, 1);
    hb_end(b, 1, 1);
    hb_free(b);
}

/* Faults that a start met are those that acted on its answers or connections, each once; a client
 * that left before the fault acted did not meet it. */
Test(pulls_attempts, faults_met)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    uint64_t r = hb_ask(b, 1, "primary", OP_MANIFEST_GET, "stable");
    hb_decided(b, "errors", "primary", n, true);
    struct event_response a = hb_response(b, r, 0);
    a.end = "abandoned";
    hb_respond(b, a);
    hb_end(b, 1, 1);
    cr_assert_eq(hb_start_of(b, n)->fault_met_count, 0);
    cr_assert_eq(hb_start_of(b, n)->registries[0].trouble_event, 0);
    cr_assert_eq(hb_start_of(b, n)->registries[0].failed, 1);

    n = hb_begin(b, "build-start", 1);
    hb_answer_fault(b, hb_ask(b, 1, "primary", OP_MANIFEST_GET, "stable"), 500, "errors slow");
    hb_answer_fault(b, hb_ask(b, 1, "primary", OP_MANIFEST_GET, "stable"), 500, "errors");
    hb_end(b, 1, 1);
    cr_assert_eq(hb_start_of(b, n)->fault_met_count, 2);
    cr_assert_str_eq(hb_start_of(b, n)->faults_met[0], "errors");
    cr_assert_str_eq(hb_start_of(b, n)->faults_met[1], "slow");

    n = hb_begin(b, "build-start", 1);
    uint64_t closed = hb_close(b, hb_open(b, 1, "primary"), "ours-rst", "errors");
    hb_end(b, 1, 1);
    cr_assert_eq(hb_start_of(b, n)->fault_met_count, 1);
    cr_assert_eq(hb_start_of(b, n)->registries[0].trouble_event, closed);
    cr_assert_str_eq(hb_start_of(b, n)->last, "connected to primary, asked nothing");
    hb_free(b);
}

/* An answer that a fault gave in the registry's place is a failure and trouble, its 200 too. */
Test(pulls_attempts, made_up_success)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    const struct pull_registry *r = hb_start_of(b, n)->registries;
    struct event_response a =
        hb_response(b, hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1)), 200);
    a.faults = "slow";
    hb_respond(b, a);
    cr_assert_eq(r->failed, 0);
    cr_assert_eq(r->trouble_event, 0);
    a = hb_response(b, hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1)), 200);
    a.object = NULL;
    a.object_bytes = 0;
    a.faults = "slow errors";
    uint64_t event = hb_respond(b, a);
    cr_assert_eq(r->failed, 1);
    cr_assert_eq(r->trouble_event, event);
    hb_end(b, 1, 0);
    hb_free(b);
}

/* Such an answer holds nothing of the object, so it damages none: an error page does not either. */
Test(pulls_attempts, made_up_damages_nothing)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    struct event_response a =
        hb_response(b, hb_ask(b, 1, "primary", OP_MANIFEST_GET, "stable"), 200);
    a.object = NULL;
    a.object_bytes = 0;
    a.digest = NULL;
    a.faults = "errors";
    hb_respond(b, a);
    hb_pull(b, 1, "failover", 0);
    hb_end(b, 1, 0);
    cr_assert_eq(hb_start_of(b, n)->outcome, OUTCOME_WORKED);
    cr_assert_eq(hb_start_of(b, n)->label, PULL_FELL_BACK);
    cr_assert_not(hb_start_of(b, n)->objects[0].damaged);
    hb_free(b);
}

/* A daemon outlives the start it asked for: what a fault still holds up when the start ends was met
 * and is trouble, as is a long wait; a request just made is neither. */
Test(pulls_attempts, waiting_at_the_end)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1));
    hb_decided(b, "slow", "primary", n, true);
    hb_decided(b, "errors", "primary", n, false);
    hb_pull(b, 1, "failover", 0);
    hb_end_with(b, 1, (struct event_start_end){.exit = 0});
    const struct pull_start *start = hb_start_of(b, n);
    cr_assert_eq(start->label, PULL_FELL_BACK);
    cr_assert_eq(start->fault_met_count, 1);
    cr_assert_str_eq(start->faults_met[0], "slow");
    cr_assert_neq(start->registries[0].trouble_event, 0);
    cr_assert_eq(start->registries[1].trouble_event, 0);

    n = hb_begin(b, "build-start", 1);
    hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1));
    hb_end_with(b, 1, (struct event_start_end){.exit = 1});
    cr_assert_eq(hb_start_of(b, n)->registries[0].trouble_event, 0);

    n = hb_begin(b, "build-start", 1);
    hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1));
    b->t_ns += UINT64_C(2000000000);
    hb_end_with(b, 1, (struct event_start_end){.exit = 1});
    cr_assert_neq(hb_start_of(b, n)->registries[0].trouble_event, 0);
    hb_free(b);
}

/* A command that never ran says why. */
Test(pulls_attempts, not_started)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_end_with(b, 1, (struct event_start_end){.exit = -1, .tail = "no such file"});
    cr_assert_eq(hb_start_of(b, n)->outcome, OUTCOME_FAILED);
    cr_assert_str_eq(hb_start_of(b, n)->reason, "no such file");
    hb_free(b);
}

/* A good answer that the client left by itself is no trouble; one it waited a second for is. */
Test(pulls_attempts, abandoned_answers)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    const struct pull_registry *r = hb_start_of(b, n)->registries;
    struct event_response a =
        hb_response(b, hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1)), 200);
    a.end = "abandoned";
    a.object_bytes = 4096;
    a.delivered = a.head_bytes + 4096;
    hb_respond(b, a);
    cr_assert_eq(r->trouble_event, 0);
    cr_assert_eq(r->failed, 1);
    a.request = hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1));
    a.duration_ns = UINT64_C(1000000000);
    a.faults = "slow";
    uint64_t event = hb_respond(b, a);
    cr_assert_eq(r->trouble_event, event);
    hb_end_hung(b, 1);
    const struct pull_start *s = hb_start_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_HUNG);
    cr_assert_str_eq(s->last, "asked primary for blob sha256:00b100000000…, got 200, gave up after "
                              "1s at 4,096 bytes (fault slow)");
    cr_assert_eq(s->last_event, event);
    hb_free(b);
}

/* Falling back: everything from the failover; the first useful byte is the failover's manifest. */
Test(pulls_attempts, fell_back)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_fallen_start(b, "build-start", 1, "primary", 500, "errors", "failover");
    const struct pull_start *s = hb_start_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_WORKED);
    cr_assert_eq(s->label, PULL_FELL_BACK);
    cr_assert_eq(s->registries[0].useful_ns, 0);
    cr_assert_gt(s->registries[1].useful_ns, s->registries[0].first_ns);
    n = hb_fallen_start(b, "build-start", 1, "primary", 503, "errors", NULL);
    s = hb_start_of(b, n);
    cr_assert_eq(s->outcome, OUTCOME_FAILED);
    cr_assert_str_eq(s->reason, "exit 1");
    cr_assert_str_eq(s->last, "asked primary for manifest stable, got 503 (fault errors)");
    hb_free(b);
}

/* A whole download repeated at another registry: the later one served it. */
Test(pulls_attempts, last_whole_delivery_serves)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_pull(b, 1, "failover", 0);
    hb_pull(b, 1, "primary", 0);
    hb_answer_cut(b, hb_ask(b, 1, "failover", OP_BLOB_GET, hb_blob(b, 2)), 10, NULL);
    hb_end(b, 1, 0);
    const struct pull_start *s = hb_start_of(b, n);
    cr_assert_eq(s->label, PULL_PRIMARY);
    cr_assert_eq(s->objects[3].served_by, 0);
    hb_free(b);
}

/* A start that ends behind the edge of its phase crosses it; one killed by the harness is marked.
 */
Test(pulls_attempts, crossing_and_stopped)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    cr_assert_eq(pulls_lane(b->pulls, 1)->number, n);
    hb_phase_end(b, "starts");
    hb_end_with(b, 1, (struct event_start_end){.exit = -1, .signal = 9, .cancelled = true});
    cr_assert_null(pulls_lane(b->pulls, 1));
    cr_assert(hb_start_of(b, n)->crosses);
    cr_assert(hb_start_of(b, n)->stopped);
    cr_assert_eq(hb_start_of(b, n)->outcome, OUTCOME_FAILED);
    cr_assert_eq(hb_start_of(b, n)->phase, 0);
    n = hb_begin_control(b, "build-start", 1);
    hb_end(b, 1, 1);
    cr_assert_eq(hb_start_of(b, n)->phase, -1);
    cr_assert(hb_start_of(b, n)->control);
    cr_assert_eq(pulls_count(b->pulls), 2);
    hb_free(b);
}

/* Requests of no start are stray, late ones are late, the harness's own are neither; none is booked
 * to a start. */
Test(pulls_attempts, stray_and_late)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    struct event ev = {.type = EVENT_REQUEST};
    ev.request = (struct event_request){.registry = "primary",
                                        .lane = 1,
                                        .connection = 99,
                                        .ordinal = 1000,
                                        .op = OP_MANIFEST_GET,
                                        .reference = "stable"};
    hb_append(b, &ev);
    cr_assert_eq(pulls_stray(b->pulls), 1);
    ev.request.ordinal++;
    ev.request.late = true;
    ev.request.start = n;
    hb_append(b, &ev);
    cr_assert_eq(pulls_late(b->pulls), 1);
    ev.request.ordinal++;
    ev.request.late = false;
    ev.request.lane = 0;
    ev.request.start = 0;
    hb_append(b, &ev);
    hb_end(b, 1, 1);
    ev.request.ordinal++;
    ev.request.lane = 1;
    ev.request.start = n;
    hb_append(b, &ev);
    cr_assert_eq(pulls_stray(b->pulls), 2);
    cr_assert_eq(pulls_late(b->pulls), 1);
    cr_assert_eq(hb_start_of(b, n)->registries[0].requests, 0);
    hb_free(b);
}

/* A request that never got an answer has failed by the end of its start. */
Test(pulls_attempts, unanswered_has_failed)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_ask(b, 1, "primary", OP_MANIFEST_GET, "stable");
    hb_end_with(b, 1, (struct event_start_end){.exit = 1});
    cr_assert_eq(hb_start_of(b, n)->registries[0].failed, 1);
    cr_assert_str_eq(hb_start_of(b, n)->last, "asked primary for manifest stable, got no answer");
    hb_free(b);
}

/* A history that contradicts itself is refused, never guessed at. */
Test(pulls_attempts, contradictions)
{
    struct hb *b = hb_new_pulls(COLD);
    struct pulls *p = b->pulls;
    struct err e = {0};
    struct event ev = {.type = EVENT_START_BEGIN};
    ev.start_begin = (struct event_start_begin){.subject = "build-start", .lane = 1, .start = 5};
    cr_assert_eq(pulls_event(p, &ev, &e), 0);
    cr_assert_eq(pulls_event(p, &ev, &e), -1);
    cr_assert_str_eq(e.text, "start 5 began twice");
    e = (struct err){0};
    ev.start_begin.start = 6;
    cr_assert_eq(pulls_event(p, &ev, &e), -1);
    cr_assert_str_eq(e.text, "start 6 began on lane 1, where start 5 still runs");
    e = (struct err){0};
    ev = (struct event){.type = EVENT_START_END, .start_end = {.lane = 1, .start = 7}};
    cr_assert_eq(pulls_event(p, &ev, &e), -1);
    cr_assert_str_eq(e.text, "start 7 ended, but does not run");
    hb_free(b);
}

/* A GET behind a HEAD belongs to it also where it asks for everything by Range; one that resumes
 * does not. What an earlier start asked is no part of a later one's attempt. */
Test(pulls_attempts, ranges_and_starts)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    const struct pull_registry *r = hb_start_of(b, n)->registries;
    hb_get(b, 1, "primary", OP_BLOB_HEAD, hb_blob(b, 1), 200);
    hb_answer(b, hb_ask_range(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1), "bytes=0-"), 206);
    cr_assert_eq(r->attempts, 1);
    hb_get(b, 1, "primary", OP_BLOB_HEAD, hb_blob(b, 1), 200);
    cr_assert_eq(r->attempts, 2);
    hb_answer(b, hb_ask_range(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1), "bytes=10-"), 206);
    cr_assert_eq(r->attempts, 3);
    hb_get(b, 1, "primary", OP_BLOB_HEAD, hb_blob(b, 1), 200);
    hb_end(b, 1, 1);
    n = hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1), 200);
    cr_assert_eq(hb_start_of(b, n)->registries[0].attempts, 1);
    hb_end(b, 1, 1);
    hb_free(b);
}

/* What nobody answered fails when its connection closes, and the reset marks what it undid. */
Test(pulls_attempts, connection_closes_on_requests)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    hb_get(b, 1, "primary", OP_MANIFEST_GET, "stable", 200);
    hb_close(b, b->lane[1].connection[0], "peer-rst", NULL);
    cr_assert_eq(hb_start_of(b, n)->registries[0].failed, 1);
    hb_ask(b, 1, "primary", OP_BLOB_GET, hb_blob(b, 1));
    hb_close(b, b->lane[1].connection[0], "peer-fin", NULL);
    cr_assert_eq(hb_start_of(b, n)->registries[0].failed, 2);
    hb_end(b, 1, 1);
    cr_assert(hb_start_of(b, n)->objects[0].damaged);
    hb_free(b);
}

/* A start that asks for what the plan does not know is about the images of that repository: of the
 * tag it names, else all of them. */
Test(pulls_attempts, asked_for_the_unknown)
{
    struct hb *b = hb_new_pulls(COLD);
    uint64_t n = hb_begin(b, "build-start", 1);
    struct event ev = {.type = EVENT_REQUEST};
    ev.request = (struct event_request){.registry = "primary",
                                        .lane = 1,
                                        .start = n,
                                        .connection = 900,
                                        .ordinal = 900,
                                        .op = OP_MANIFEST_GET,
                                        .repository = "ci/other",
                                        .reference = "unheard-of"};
    hb_append(b, &ev);
    cr_assert_eq(hb_start_of(b, n)->asked, 2);
    ev.request.repository = "ci/agent";
    ev.request.reference = "stable";
    ev.request.ordinal++;
    hb_append(b, &ev);
    cr_assert_eq(hb_start_of(b, n)->asked, 3);
    hb_end(b, 1, 1);
    hb_free(b);
}
